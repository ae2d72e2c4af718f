//! Plays the allocation trace of a real program against a pool of size classes, the system's
//! allocator and mimalloc: what each takes in time and memory, with every byte checked.
//!
//! A trace says what a program asked of its allocator and in which order: allocations, frees and
//! changes of size by the hundred thousand, of all sizes. (`replay/trace.rs` has the format, MTR1.)
//! Each contender is asked for the same here, a [`SizeClassPool`](typed_pool::SizeClassPool) by way
//! of the trait `Allocator`, as the collections of the crate `allocator-api2` do it.
//!
//! ```text
//! cargo run --release --features allocator-api2 --example replay -- FILE
//! cargo run --release --features allocator-api2 --example replay -- FILE --with pool
//! cargo run --release --features allocator-api2 --example replay -- FILE --timeline out.svg
//! ```
//!
//! # What is played
//!
//! All contenders get the same layouts. An object is aligned to 8 bytes, where its line names no
//! alignment: that is what most values of Rust programs need, and a trace of C's `malloc` does not
//! tell. (`malloc` itself aligns to 16, which would have the pool round sizes up that no Rust
//! program would.) One that is resized keeps its alignment. As with Rust's collections, no global
//! allocator is asked for 0 bytes.
//!
//! One thread plays all, in the order of the file, whatever thread did it then: `threads` counts
//! those, and an end of a thread changes nothing. What is alive at the end of the trace is freed.
//!
//! # What is checked and measured
//!
//! 1. Each contender plays the trace once with every byte of every object written, told by the
//!    object and its offset, and checked before the object is resized or freed; what a resized
//!    object keeps is checked again, and so is that zeroed memory is all zeros.
//! 2. A fresh pool plays it while its reservations are watched and its calls to the global
//!    allocator counted. mimalloc does in a process of its own, and tells what it has committed.
//! 3. The contenders are timed in rounds: each plays the whole trace once a round, and who begins
//!    moves on. A pool lives on from round to round, as the other allocators do. What is timed is
//!    a loop over steps of eight bytes, a table of sixteen bytes an object, and a write to the
//!    object's first byte. This is common to all, and `floor` says what it takes with a contender
//!    that only looks up an address.
//!
//! # Options
//!
//! - `FILE`: the trace.
//! - `--rounds N`: how often each is timed (25).
//! - `--with pool|system|mimalloc|all`: who plays (all).
//! - `--timeline SVG`: draws the live and the reserved bytes of the pool over the events.
//! - `--help`: prints the usage.
//!
//! # Output
//!
//! One `key: value` a line. `events` counts all events of the file; `steps` leaves out ends of
//! threads and adds the frees at the end, and times are per step. `min` is of the fastest round
//! and `median` of the middle one. `pool_over_mimalloc_median` is the middle of the ratios of all
//! rounds, and `..._min` the ratio of the fastest rounds: below 1 the pool is faster.
//!
//! Live bytes are those that are asked for. `pool_peak_reserved_bytes` counts reservations and
//! blocks that the pool passes on to the global allocator since they are too large for a class;
//! `mimalloc_peak_committed_bytes` is more than at the program's start.
//! `realised_fragmentation` is what a peak is over that of the live bytes, divided by the latter.
//! `upstream_reservations` and `upstream_direct` are the pool's own figures for both ways to the
//! global allocator. `upstream_calls` counts all its calls to that, in `upstream_requests` and
//! `upstream_releases`, from when it is made until all is freed, with those for its own tables and
//! magazines; `upstream_peak_bytes` is the most that it had from there.
//!
//! # Exit codes
//!
//! - 0: the report is complete.
//! - 1: an allocator spoilt an object, or had no memory. The message on standard error names the
//!   allocator and the object, the offset, what was expected and what stood there.
//! - 2: a bad argument, a file that cannot be read or written, or a bad line. The message names it;
//!   for a line it gives the file, the line number, what was expected and what stood there.

#[expect(dead_code, reason = "a trace takes no seed")]
#[path = "shared/arguments.rs"]
mod arguments;
#[path = "replay/checked.rs"]
mod checked;
#[path = "replay/committed.rs"]
mod committed;
#[path = "replay/contest.rs"]
mod contest;
#[path = "replay/counting.rs"]
mod counting;
#[path = "shared/drawing.rs"]
mod drawing;
#[cfg(test)]
#[path = "shared/elements.rs"]
mod elements;
#[path = "replay/heap.rs"]
mod heap;
#[path = "shared/input.rs"]
mod input;
#[path = "shared/lines.rs"]
mod lines;
#[path = "latency/machine.rs"]
mod machine;
#[path = "replay/mimalloc.rs"]
mod mimalloc;
#[path = "replay/nothing.rs"]
mod nothing;
#[path = "replay/options.rs"]
mod options;
#[path = "shared/output.rs"]
mod output;
#[path = "replay/play.rs"]
mod play;
#[path = "replay/program.rs"]
mod program;
#[path = "replay/recorder.rs"]
mod recorder;
#[path = "replay/report.rs"]
mod report;
#[path = "shared/rounds.rs"]
mod rounds;
#[cfg(test)]
#[path = "replay/samples.rs"]
mod samples;
#[path = "replay/timeline.rs"]
mod timeline;
#[path = "replay/trace.rs"]
mod trace;
#[path = "replay/usage.rs"]
mod usage;

use std::path::Path;
use std::process::ExitCode;

use crate::contest::Contender;
use crate::drawing::Sheet;
use crate::options::{Command, Options, USAGE};
use crate::output::Failure;
use crate::program::Program;
use crate::report::{Findings, report};

fn main() -> ExitCode {
    let text = options::parse().map_err(Failure::from).and_then(|command| match command {
        Command::Help => Ok(USAGE.to_owned()),
        Command::Run(options) => run(&options),
        Command::Committed(path) => Ok(committed::answer(&load(&path)?)),
    });
    output::finish("replay", text)
}

fn load(path: &Path) -> Result<Program, Failure> {
    trace::read(path, &input::read(path)?).map_err(|error| error.to_string().into())
}

fn run(options: &Options) -> Result<String, Failure> {
    let Options { path, rounds, contenders, timeline } = options;
    let program = load(path)?;
    let sheet = timeline.as_deref().map(Sheet::create).transpose()?;
    for contender in *contenders {
        contender.check(&program).map_err(|fault| spoilt(contender.name(), &fault.to_string()))?;
    }
    let usage = match contenders.contains(&Contender::Pool) {
        true => Some(usage::of_pool(&program, timeline::PARTS)),
        false => None,
    };
    let usage = usage.transpose().map_err(|refused| spoilt("pool", &refused.to_string()))?;
    let committed = match contenders.contains(&Contender::Mimalloc) {
        true => Some(committed::ask(path)?),
        false => None,
    };
    let times = contest::run(contenders, &program, *rounds);
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    if let (Some(sheet), Some(usage)) = (sheet, &usage) {
        sheet.fill(&timeline::draw(&name, &program, usage)?)?;
    }
    Ok(report(&Findings {
        machine: &machine::describe(),
        name: &name,
        program: &program,
        times: &times,
        usage: usage.as_ref(),
        committed,
    }))
}

/// An allocator did not do what it is for.
fn spoilt(name: &str, fault: &str) -> Failure {
    Failure { message: format!("{name}: {fault}"), code: 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreadable_file_is_named() {
        let failure = load(Path::new("no/such.mtr")).unwrap_err();
        assert!(failure.message.starts_with("cannot read no/such.mtr: "), "{failure:?}");
        assert_eq!(failure.code, 2);
    }

    #[test]
    fn what_an_allocator_spoilt_has_a_code_of_its_own() {
        let failure = spoilt("pool", "object 7");
        assert_eq!((failure.message.as_str(), failure.code), ("pool: object 7", 1));
    }
}
