//! Several processes that measure the same.
//!
//! Where code and memory come to lie differs from process to process, and with it the figures; so
//! does the state the machine is in. The median of the ratios of several runs is what holds.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::{env, fs};

use crate::options::Options;
use crate::report::{json, table};
use crate::results::Results;
use crate::rows::Row;

/// Runs this program `times` times for `rows`, which are those of `options`; returns the figures of
/// all runs but those that were slow.
pub(crate) fn repeated(rows: &[Row], options: &Options, times: usize) -> Result<Results, String> {
    let sizes: BTreeSet<usize> = rows.iter().map(|row| row.bytes).collect();
    let file = Scratch(env::temp_dir().join(format!("versus-{}.json", process::id())));
    let mut all: Option<Results> = None;
    for time in 1..=times {
        eprintln!("run {time} of {times}");
        let run = run_once(options, &sizes, &file.0)?;
        match &mut all {
            None => all = Some(run),
            Some(all) => add(all, run),
        }
    }
    let mut all = all.ok_or("not a single run")?;
    for row in &mut all.rows {
        let dropped = row.drop_slow_runs();
        if dropped > 0 {
            println!("{}: {dropped} of {times} runs left out, the baseline was slow", row.name());
        }
        print!("{}", table::section(row));
    }
    Ok(all)
}

/// Runs this program once.
fn run_once(options: &Options, sizes: &BTreeSet<usize>, file: &Path) -> Result<Results, String> {
    let program = env::current_exe().map_err(|error| format!("where this program is: {error}"))?;
    let status = Command::new(program)
        .args(options.of_child(sizes, file.to_owned()))
        .stdout(Stdio::null())
        .status()
        .map_err(|error| format!("another process: {error}"))?;
    if !status.success() {
        return Err(format!("another process: {status}"));
    }
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    json::from_text(&text).map_err(|error| format!("{}: {error}", file.display()))
}

/// Adds the runs of the rows of `more` to those of the same rows. A row that was left out once, for
/// want of memory, has fewer of them.
fn add(all: &mut Results, more: Results) {
    for row in more.rows {
        match all.rows.iter_mut().find(|known| known.name() == row.name()) {
            Some(known) => known.runs.extend(row.runs),
            None => all.rows.push(row),
        }
    }
}

/// A file that is removed when it is not needed any more.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // It may never have been written.
        _ = fs::remove_file(&self.0);
    }
}
