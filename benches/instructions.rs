//! Counts the instructions of the hot paths, and of the dearest single operation, under callgrind.
//!
//! - `cargo bench --bench instructions` counts, and fails where a count is above its limit, or more
//!   than two above the golden one of this version of rustc.
//! - `cargo bench --bench instructions -- --bless` writes the golden counts of this version anew.
//!
//! With `--features hardened` it counts what that takes, for which there are golden counts, no
//! limits. Counts repeat exactly, which times do not, so these are what a change is held to. The
//! program runs itself under valgrind, once a case: see [`cases`].

use std::error::Error;
use std::process::ExitCode;

use lexopt::prelude::*;

#[path = "instructions/callgrind.rs"]
mod callgrind;
#[path = "instructions/cases.rs"]
mod cases;
#[path = "instructions/disassembly.rs"]
mod disassembly;
#[path = "instructions/golden.rs"]
mod golden;
#[path = "instructions/loops.rs"]
mod loops;

use cases::{CASES, Case};
use golden::{Golden, TOLERANCE};

/// What the command line asks for.
enum Task {
    /// Count all cases, and write the golden counts anew where so asked.
    Count { bless: bool },
    /// Be the program that is counted: run the case of a name.
    Run { case: String, times: usize },
    /// What `cargo test` asks of a benchmark: nothing to count.
    Nothing,
}

fn main() -> ExitCode {
    let done = parse().and_then(|task| match task {
        Task::Count { bless } => count_all(bless),
        Task::Run { case, times } => cases::run(&case, times).map(|()| ExitCode::SUCCESS),
        Task::Nothing => Ok(ExitCode::SUCCESS),
    });
    done.unwrap_or_else(|error| {
        eprintln!("instructions: {error}");
        ExitCode::from(2)
    })
}

fn parse() -> Result<Task, Box<dyn Error>> {
    let (mut bless, mut bench) = (false, false);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("bench") => bench = true,
            Long("bless") => bless = true,
            Long("test") => return Ok(Task::Nothing),
            Long("case") => {
                let (case, times) = (parser.value()?.string()?, parser.value()?.parse()?);
                return Ok(Task::Run { case, times });
            }
            _ => return Err(argument.unexpected().into()),
        }
    }
    Ok(if bench || bless { Task::Count { bless } } else { Task::Nothing })
}

/// Counts every case and prints a line for each; the exit code says whether all is well.
fn count_all(bless: bool) -> Result<ExitCode, Box<dyn Error>> {
    let compiler = golden::compiler()?;
    let mut golden = Golden::read()?;
    println!("{:44}{:>8}{:>8}{:>8}", "instructions", "count", "limit", "golden");
    let mut well = true;
    let mut counts = Vec::new();
    for case in CASES {
        let count = case.count()?;
        let expected = golden.of(&compiler, case.name);
        println!(
            "{:44}{count:>8}{:>8}{:>8}",
            case.name,
            or_dash(limit_of(case)),
            or_dash(expected)
        );
        well &= verdict(case, count, expected);
        counts.push((case.name, count));
    }
    if bless {
        golden.set(&compiler, &counts);
        golden.write()?;
        println!("written: the golden counts of rustc {compiler}");
    } else if !golden.knows(&compiler) {
        println!("There are no golden counts for rustc {compiler}: only the limits were compared.");
    }
    Ok(if well || bless { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The most that a case may take; with the feature `hardened` there is no such limit.
fn limit_of(case: &Case) -> Option<u64> {
    case.limit.filter(|_| !cfg!(feature = "hardened"))
}

/// Says what is wrong with a count; returns whether nothing is.
fn verdict(case: &Case, count: u64, expected: Option<u64>) -> bool {
    let mut well = true;
    if limit_of(case).is_some_and(|limit| count > limit) {
        println!("  above its limit");
        well = false;
    }
    if let Some(expected) = expected {
        if count > expected + TOLERANCE {
            println!("  grown by {}", count - expected);
            well = false;
        } else if count + TOLERANCE < expected {
            println!("  fewer than the golden count by {}: bless it", expected - count);
        }
    }
    well
}

fn or_dash(count: Option<u64>) -> String {
    count.map_or_else(|| "-".to_owned(), |count| count.to_string())
}
