//! How long single allocations and frees take in an order book, the slow ones above all.
//!
//! A mean hides what a venue's clients feel: the one operation in ten thousand that takes a hundred
//! times as long. This program times every allocation and every free of an order by itself, on a
//! pool, on `Box` with the system's allocator and on mimalloc, and reports quantiles of both.
//!
//! ```text
//! cargo run --release --example latency
//! cargo run --release --example latency -- --svg latency.svg
//! cargo run --release --example latency -- --live 100000 --events 3000000
//! cargo run --release --example latency -- messages.csv --rounds 50
//! ```
//!
//! # Load
//!
//! The limit order book of the example `order_book` runs the built-in flow or a file of recorded
//! messages, as there. Its hash table and its price levels work between the operations, so that
//! these find the caches as they do in life; only the operation is between two readings of the
//! clock. The value is an order of 64 bytes (`latency/record.rs`).
//!
//! Every contender has a book of its own and runs the same events, in turns of 16384 events and in
//! random order. Each round begins with empty books, and with heaps as the last round left them:
//! the first round, which fetches memory from the system, is reported by itself. (The system's
//! allocator is warmer than the others there, since reading the events used it.) That every
//! contender did the same is checked: the books end alike, and so does a sum over the freed orders.
//!
//! # What is measured
//!
//! - **allocate**: from a record on the stack to a handle and the record in its place, 64 bytes of
//!   copying included. For the pool that is `Pool::alloc`, for `box` `Box::new`, for `mimalloc`
//!   `mi_malloc` and a write.
//! - **free**: dropping the handle. An order has no destructor. The orders that rest when a round
//!   is over are freed without being timed.
//!
//! On x86-64 the clock is the time stamp counter, read as `lfence; rdtsc; lfence` before and as
//! `rdtscp; lfence` after, and calibrated against `Instant`. The fences keep an operation from
//! overlapping with what surrounds it, so these times are latencies of operations alone: in a
//! program, whose work overlaps, an operation costs less than its p50 here. A write counts when it
//! is issued: the processor's store buffer hides that its line was not in the cache, though not a
//! page fault. Elsewhere, and with `--clock instant`, two calls of `Instant::now` do it.
//!
//! Reading the clock costs more than a fast operation does. The median of 101 empty measurements,
//! taken anew before each turn because processors change their speed, is subtracted, and what is
//! shorter counts as 0. Some counters also move many ticks at a time, and then all times are
//! multiples of that step (`clock_step`). So a time of a few steps, or of less than the clock's
//! cost, tells the order of magnitude and no more, and equal ones may hide a difference:
//! `cargo bench --bench ops` has means. In the tail neither matters.
//!
//! What interrupts the thread (the system, other programs, a hypervisor) is in these times too; it
//! dominates the longest ones, for all contenders alike, with more chances in what takes longer.
//! Pinning the process to a core that has nothing else to do (`taskset -c 1`) helps.
//!
//! # Options
//!
//! - `FILE`, `--format lobster|cme|bitstamp`: replays a file, as the example `order_book` does.
//! - `--events N`, `--seed N`, `--live N`: the length (1000000) and the seed (1) of the built-in
//!   flow, and how many orders rest in its steady state (4500), which takes some eight events for
//!   each.
//! - `--rounds N`: how often the events are run (10).
//! - `--clock tsc|instant`: the clock.
//! - `--svg FILE`: draws the quantiles as well.
//! - `--help`: prints the usage.
//!
//! # Exit codes
//!
//! - 0: the report is complete.
//! - 2: a bad argument, a file that cannot be read or written, or a bad line. The message on
//!   standard error names it.

#[path = "latency/allocate.rs"]
mod allocate;
#[path = "shared/arguments.rs"]
mod arguments;
#[path = "order_book/bitstamp.rs"]
mod bitstamp;
#[path = "order_book/book.rs"]
mod book;
#[path = "latency/clock.rs"]
mod clock;
#[path = "order_book/cme.rs"]
mod cme;
#[path = "latency/contest.rs"]
mod contest;
#[path = "shared/drawing.rs"]
mod drawing;
#[path = "order_book/flow.rs"]
mod flow;
#[path = "order_book/formats.rs"]
mod formats;
#[path = "shared/input.rs"]
mod input;
#[path = "order_book/ladder.rs"]
mod ladder;
#[path = "shared/lines.rs"]
mod lines;
#[path = "order_book/lobster.rs"]
mod lobster;
#[path = "latency/machine.rs"]
mod machine;
#[path = "order_book/messages.rs"]
mod messages;
#[path = "latency/mimalloc.rs"]
mod mimalloc;
#[path = "order_book/numbers.rs"]
mod numbers;
#[path = "latency/options.rs"]
mod options;
#[path = "shared/output.rs"]
mod output;
#[path = "latency/plot.rs"]
mod plot;
#[path = "latency/record.rs"]
mod record;
#[path = "latency/table.rs"]
mod table;
#[path = "latency/timed.rs"]
mod timed;
#[path = "latency/times.rs"]
mod times;

use std::path::Path;
use std::process::ExitCode;

use crate::book::{Book, Event, Heap, Refused};
use crate::clock::Monotonic;
use crate::contest::Contest;
use crate::drawing::Sheet;
use crate::messages::Messages;
use crate::options::{ClockName, Command, Options, Source, USAGE};
use crate::table::Run;

fn main() -> ExitCode {
    let text = options::parse().and_then(|command| match command {
        Command::Help => Ok(USAGE.to_owned()),
        Command::Run(options) => run(&options),
    });
    output::finish("latency", text)
}

fn run(options: &Options) -> Result<String, String> {
    let (source, messages) = load(&options.source)?;
    let sheet = options.svg.as_deref().map(Sheet::create).transpose()?;
    let contest = measure(options.clock, &messages.events, options.rounds)?;
    let run = Run {
        source: &source,
        events: messages.events.len(),
        rounds: options.rounds,
        machine: &machine::describe(),
    };
    if let Some(sheet) = sheet {
        sheet.fill(&plot::draw(&run, &contest)?)?;
    }
    Ok(table::report(&run, &contest))
}

/// The name of the source, and its events, which a book accepts.
fn load(source: &Source) -> Result<(String, Messages), String> {
    let (name, messages) = match source {
        &Source::Flow { events, seed, live } => {
            let name = format!("built-in flow, seed {seed}, about {live} orders at rest");
            (name, Messages { events: flow::generate(events, seed, live), first_line: 1 })
        }
        Source::File { path, format } => {
            let (_, messages) = messages::parse(path, &input::read(path)?, *format)
                .map_err(|error| error.to_string())?;
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            (name, messages)
        }
    };
    match rehearse(&messages.events) {
        Ok(0) => Err(format!("{name}: no order is added, so there is nothing to measure")),
        Ok(_) => Ok((name, messages)),
        Err((index, refused)) => {
            let path = match source {
                Source::File { path, .. } => path,
                Source::Flow { .. } => Path::new("(built-in flow)"),
            };
            Err(messages.refused(path, index, refused).to_string())
        }
    }
}

/// Runs a book over the events and returns how many orders were added, or what was refused.
fn rehearse(events: &[Event]) -> Result<u64, (usize, Refused)> {
    let mut book = Book::new(&Heap);
    for (index, &event) in events.iter().enumerate() {
        book.apply(event).map_err(|refused| (index, refused))?;
    }
    Ok(book.tally().adds)
}

/// Runs the contest by the clock that was asked for, or by the best there is.
fn measure(clock: Option<ClockName>, events: &[Event], rounds: usize) -> Result<Contest, String> {
    #[cfg(target_arch = "x86_64")]
    if clock != Some(ClockName::Instant) {
        if let Some(tsc) = clock::Tsc::new() {
            return Ok(contest::run(tsc, events, rounds));
        }
    }
    match clock {
        Some(ClockName::Tsc) => {
            Err("--clock tsc: this processor has no time stamp counter that is a clock".into())
        }
        _ => Ok(contest::run(Monotonic, events, rounds)),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn options(source: Source, svg: Option<PathBuf>) -> Options {
        Options { source, rounds: 1, clock: Some(ClockName::Instant), svg }
    }

    #[test]
    fn an_unreadable_file_is_named() {
        let source = Source::File { path: "no/such.csv".into(), format: None };
        let message = run(&options(source, None)).unwrap_err();
        assert!(message.starts_with("cannot read no/such.csv: "), "{message}");
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri reads no directories")]
    fn an_unwritable_drawing_is_named() {
        let source = Source::Flow { events: 100, seed: 1, live: 10 };
        let message = run(&options(source, Some("no/such.svg".into()))).unwrap_err();
        assert!(message.starts_with("cannot write no/such.svg: "), "{message}");
    }

    #[test]
    fn what_a_book_refuses_comes_with_its_index() {
        let flow = flow::generate(200, 1, 10);
        assert!(rehearse(&flow).unwrap() > 0);
        let twice: Vec<Event> = flow.iter().flat_map(|&event| [event; 2]).collect();
        assert!(matches!(rehearse(&twice), Err((1, Refused::Resting { id: 1 }))));
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri cannot call mimalloc")]
    fn the_report_has_both_operations_of_every_contender() {
        let text = run(&options(Source::Flow { events: 500, seed: 1, live: 10 }, None)).unwrap();
        for name in ["pool", "pool, prefaulted", "box", "mimalloc"] {
            // The name fills a column, and figures follow.
            let row = format!("{name:20}");
            assert_eq!(text.lines().filter(|line| line.starts_with(&row)).count(), 2, "{text}");
        }
    }
}
