//! From options to figures.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Duration;

use crate::contenders;
use crate::measure::{Figure, Pace, measure};
use crate::options::Options;
use crate::report::table;
use crate::rows::{self, Row};
use crate::workloads::Unable;

/// The most values of a row with `--tiny`.
const TINY_COUNT: usize = 1_000;

/// A row, measured: a figure for each contender that took part, or why there is none.
pub(crate) struct Measured {
    pub(crate) name: String,
    pub(crate) figures: Vec<(usize, Result<Figure, Unable>)>,
}

/// Does what is asked.
pub(crate) fn run(options: Options) -> Result<ExitCode, String> {
    settle_global_allocator();
    let rows = chosen(rows::all(if options.tiny { TINY_COUNT } else { usize::MAX }), &options)?;
    if options.list {
        for row in &rows {
            println!("{}", row.name());
        }
        return Ok(ExitCode::SUCCESS);
    }
    for row in &rows {
        let measured = measured(row, &options);
        print!("{}", table::section(&measured));
    }
    Ok(ExitCode::SUCCESS)
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
        .collect();
    if rows.is_empty() { Err("no row has such a name and such a size".into()) } else { Ok(rows) }
}

/// Measures a row.
fn measured(row: &Row, options: &Options) -> Measured {
    let pace = if options.tiny {
        Pace { time: Duration::ZERO, block: Duration::ZERO, rounds: 1 }
    } else {
        Pace { time: options.time, block: Duration::from_micros(100), rounds: 11 }
    };
    let workloads: Vec<_> =
        options.contenders.iter().filter_map(|&index| row.workloads[index].as_ref().ok()).collect();
    let mut figures = measure(&workloads, row.elements, pace).into_iter();
    let figure = |&index: &usize| match &row.workloads[index] {
        Ok(_) => (index, Ok(figures.next().expect("one for each workload"))),
        Err(unable) => (index, Err(*unable)),
    };
    let figures = options.contenders.iter().map(figure).collect();
    Measured { name: row.name(), figures }
}

/// Has the global allocator keep memory that is given back to it.
///
/// That of glibc asks the kernel for every large block and returns it at once, until one has been
/// freed: from then on it takes blocks of up to that size from its own, and keeps up to twice as
/// much to itself. Without this, a heap that is made anew for each fill would meet untouched pages,
/// and page faults would be most of what is measured.
fn settle_global_allocator() {
    drop(black_box(Vec::<u8>::with_capacity(31 << 20)));
}

impl Measured {
    /// The names and figures of those who have one.
    pub(crate) fn timed(&self) -> impl Iterator<Item = (contenders::Contender, Figure)> {
        self.figures
            .iter()
            .filter_map(|(index, figure)| Some((contenders::ALL[*index], figure.ok()?)))
    }
}
