//! What long-lived pools keep, and what it costs to mend it, beside what one would do without.
//!
//! - `cargo bench --bench fragmentation` measures all but the traces.
//! - `-- --data DIR` measures those as well: DIR holds `sqlite3.mtr` and `cc1plus.mtr`.
//! - `-- --rounds N` times everything N times, 9 otherwise; times are the least and the median.
//!
//! It fails where what is kept is more than it says; times are printed.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use lexopt::prelude::*;

#[path = "fragmentation/compact.rs"]
mod compact;
#[path = "fragmentation/intrusive.rs"]
mod intrusive;
#[path = "fragmentation/spike.rs"]
mod spike;
#[path = "fragmentation/traces.rs"]
mod traces;
#[path = "fragmentation/walk.rs"]
mod walk;

/// A value of the size of a cache line.
type Value = [u64; 8];

/// What the command line asks for.
struct Options {
    rounds: usize,
    data: Option<PathBuf>,
}

fn main() -> ExitCode {
    let done = parse().and_then(|options| options.map_or(Ok(true), |options| measure(&options)));
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("fragmentation: {error}");
            ExitCode::from(2)
        }
    }
}

/// Reads the command line. There is nothing to measure where `cargo test` runs this.
fn parse() -> Result<Option<Options>, Box<dyn Error>> {
    let mut options = Options { rounds: 9, data: None };
    let mut measures = false;
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("bench") => measures = true,
            Long("test") => return Ok(None),
            Long("rounds") => options.rounds = parser.value()?.parse::<usize>()?.max(1),
            Long("data") => options.data = Some(parser.value()?.into()),
            _ => return Err(argument.unexpected().into()),
        }
    }
    Ok(measures.then_some(options))
}

/// Measures everything; returns whether no more is kept than is said.
fn measure(options: &Options) -> Result<bool, Box<dyn Error>> {
    let mut well = compact::measure(options.rounds);
    well &= spike::measure();
    if let Some(data) = &options.data {
        well &= traces::measure(data)?;
    }
    walk::measure(options.rounds);
    Ok(well)
}

/// Times of one thing, in nanoseconds.
#[derive(Default)]
struct Times(Vec<f64>);

impl fmt::Display for Times {
    /// The least and the median.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        write!(f, "{:.2} (median {:.2}) ns", sorted[0], sorted[sorted.len() / 2])
    }
}

impl Times {
    /// Times something that is done `count` times.
    fn time(&mut self, run: impl FnOnce() -> usize) {
        let start = Instant::now();
        let count = run();
        self.0.push(start.elapsed().as_nanos() as f64 / count as f64);
    }

    fn least(&self) -> f64 {
        self.0.iter().copied().fold(f64::INFINITY, f64::min)
    }
}

/// Prints what is kept by what lives, and whether that is no more than `most`.
fn keeps(what: &str, reserved: usize, live: usize, most: f64) -> bool {
    let ratio = reserved as f64 / live as f64;
    let well = ratio <= most;
    let verdict = if well { "" } else { ", too much" };
    println!("{what}: reserved {reserved}, live {live}: {ratio:.3} (at most {most}){verdict}");
    well
}
