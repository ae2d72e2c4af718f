//! From options to figures, and from figures to reports.

use std::path::Path;
use std::process::ExitCode;

use crate::contenders::{self, COUNT};
use crate::machine::Machine;
use crate::measure::{Pace, measure};
use crate::options::{HELP, Options};
use crate::report::{json, key, markdown, svg, table};
use crate::results::{Results, RowResult};
use crate::rows::{self, Bodies, Row};
use crate::targets::{self, Verdict, threads};
use crate::{memory, repeat};

/// The most values of a row with `--tiny`.
const TINY_COUNT: usize = 200;

/// Does what is asked.
///
/// # Errors
///
/// What was asked for wrongly, and files that cannot be read or written.
pub(crate) fn run(options: &Options) -> Result<ExitCode, String> {
    if options.help {
        println!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    }
    let rows = chosen(rows::all(), options)?;
    if options.list {
        list(&rows, options);
        return Ok(ExitCode::SUCCESS);
    }
    let keys = rows.iter().filter(|row| key::is_key(&row.task, row.bytes)).count();
    if (options.svg.is_some() || options.markdown.is_some()) && keys < key::COUNT {
        return Err("a picture or a table needs all of its rows; leave filters out".into());
    }
    let results = match options.repeat {
        Some(times) => repeat::repeated(&rows, options, times)?,
        None => measured(&rows, options)?,
    };
    report(&results, options)
}

/// Prints the names of rows and contenders.
fn list(rows: &[Row], options: &Options) {
    for row in rows {
        println!("{}", row.name());
    }
    println!();
    for &index in &options.contenders {
        let contender = contenders::ALL[index];
        println!("{:17} {}", contender.name, contender.kind.describe());
    }
}

/// The rows that the options ask for.
fn chosen(rows: Vec<Row>, options: &Options) -> Result<Vec<Row>, String> {
    for filter in &options.filters {
        if !rows.iter().any(|row| row.name().contains(filter)) {
            return Err(format!("no row has {filter:?} in its name; --list shows all names"));
        }
    }
    let filters = &options.filters;
    let rows: Vec<Row> = rows
        .into_iter()
        .filter(|row| filters.is_empty() || filters.iter().any(|f| row.name().contains(f)))
        .filter(|row| options.sizes.as_ref().is_none_or(|sizes| sizes.contains(&row.bytes)))
        .filter(|row| !options.targets || targets::concern(row.task.as_str(), row.bytes))
        .collect();
    if rows.is_empty() { Err("no row has such a name and such a size".into()) } else { Ok(rows) }
}

/// Measures the rows in this process, printing each as soon as it is done.
fn measured(rows: &[Row], options: &Options) -> Result<Results, String> {
    let most = if options.tiny { TINY_COUNT } else { usize::MAX };
    let mut results = Results { machine: Machine::here(), rows: Vec::new() };
    for row in rows {
        let bodies = match row.bodies(most, options.data.as_deref())? {
            Ok(bodies) => bodies,
            Err(reason) => {
                println!("{}: left out: {reason}\n", row.name());
                continue;
            }
        };
        if let Some(shortage) = memory::shortage(&bodies, row.bytes) {
            println!("{}: left out: {shortage}\n", row.name());
            continue;
        }
        let concerned = |&contender: &usize| bodies.entries[contender].is_some();
        if !options.contenders.iter().any(concerned) {
            continue;
        }
        let result = measured_row(row, &bodies, options);
        print!("{}", table::section(&result));
        results.rows.push(result);
    }
    Ok(results)
}

/// Measures a row.
fn measured_row(row: &Row, bodies: &Bodies, options: &Options) -> RowResult {
    let pace = match bodies.threaded {
        false => Pace::for_time(options.time),
        true => Pace::for_threads(options.time),
    };
    let pace = match options.tiny {
        false => Pace { warm_up: bodies.warm_up, ..pace },
        true => Pace::ONCE,
    };
    let mut able = Vec::new();
    let mut run = [None; COUNT];
    let mut unable = [const { None }; COUNT];
    for &contender in &options.contenders {
        match &bodies.entries[contender] {
            Some(Ok(workload)) => able.push((contender, workload)),
            Some(Err(reason)) => unable[contender] = Some((*reason).to_owned()),
            None => {}
        }
    }
    let workloads: Vec<_> = able.iter().map(|(_, workload)| *workload).collect();
    let figures = measure(&workloads, bodies.elements, pace);
    for ((contender, _), figure) in able.into_iter().zip(figures) {
        run[contender] = Some(figure);
    }
    RowResult { task: row.task.clone(), bytes: row.bytes, runs: vec![run], unable }
}

/// Writes the files that are asked for, and says whether the targets are held, if that is.
fn report(results: &Results, options: &Options) -> Result<ExitCode, String> {
    if let Some(path) = &options.json {
        write(path, &json::to_text(results))?;
    }
    if let Some(path) = &options.svg {
        write(path, &svg::chart(results)?)?;
    }
    if let Some(path) = &options.markdown {
        write(path, &markdown::table(results)?)?;
    }
    if !options.targets {
        return Ok(ExitCode::SUCCESS);
    }
    let [alone, shared] = [targets::findings(results), threads::findings(results)];
    print!("{}", table::findings("targets", &alone));
    print!("\n{}", table::findings("targets of SyncPool", &shared));
    if alone.iter().chain(&shared).any(|finding| finding.verdict() == Verdict::Missed) {
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
