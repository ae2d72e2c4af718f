//! Three threads that hand values in pools to each other: a feed, a matcher and a logger.
//!
//! ```text
//!  feed ────── messages ─────▶ matcher ─────── fills ──────▶ logger
//!  parses a file               keeps a limit order book      writes fills down
//!  SyncPool<Message>           Pool<Order>                   SyncPool<Fill>
//! ```
//!
//! A value is put into a [`SyncPool`] by the thread that makes it and dropped by the one that is
//! done with it; what goes through the channels is its handle, one pointer. Resting orders never
//! leave the matcher, so they live in a [`Pool`] of that thread, which is cheaper. (The book is
//! that of the example `order_book`.)
//!
//! Both pools between threads are bounded, and that is what bounds the pipeline: a full pool hands
//! the message back, and the feed keeps it until the matcher has dropped others. So the memory for
//! all that can be under way is there from the start, and nothing is lost or allocated later but
//! the batches that carry the handles. `pipeline/pipe.rs` has this part.
//!
//! ```text
//! cargo run --release --example pipeline
//! cargo run --release --example pipeline -- --with both
//! cargo run --release --example pipeline -- messages.csv --log fills.csv
//! cargo run --release --example pipeline -- --in-flight 100 --batch 1
//! ```
//!
//! # Options
//!
//! - `FILE`, `--format lobster|cme|bitstamp`: sends the messages of a file, as the example
//!   `order_book` reads them. The feed's thread parses it, line by line.
//! - `--events N`, `--seed N`: the length (1000000) and the seed (1) of the built-in flow.
//! - `--with pool|box|both`: keeps messages, fills and orders in pools (the default) or each in a
//!   `Box`, or runs both in alternation and compares them.
//! - `--in-flight N`: how many messages, and how many fills, are under way at once (4096). It is
//!   the capacity of the pools. Boxes have none, and are held back by channels of as many.
//! - `--batch N`: how many handles go in one transfer (256).
//! - `--log FILE`: writes the fills there, as `line,order_id,side,price,size`; without it they are
//!   put into words all the same and thrown away.
//! - `--help`: prints the usage.
//!
//! # Output
//!
//! One `key: value` a line. `messages` to `peak_live` are what the book took in and what became of
//! its orders, as in `order_book`. `fills` counts executions, partial ones too, `volume` is the sum
//! of their sizes, in the unit of the source, and `checksum` is over all their fields in their
//! order. All these are the same whatever the run's options are. (In a CME file an order ends by a
//! cancel, whatever the reason, so that none of it is a fill.)
//!
//! `feed_waits` and `matcher_waits` say how often a pool was full; they are of the last run. They
//! depend on how the threads are scheduled, as the times do. `ms` is from before the threads start
//! until all have ended; the file is in memory then, and the built-in flow is drawn.
//!
//! `--with both` runs at least nine rounds of each; `pool_`, `box_`, `ratio` and `median_` are as
//! in `order_book`.
//!
//! # Exit codes
//!
//! - 0: the run is complete.
//! - 2: a bad argument, a file that cannot be read or written, or a bad line. The message on
//!   standard error names it; for a line it gives the file, the line number, what was expected and
//!   what stood there. All that stands before a bad line is processed, logged and reported.

#[path = "shared/arguments.rs"]
mod arguments;
#[path = "order_book/bitstamp.rs"]
mod bitstamp;
#[path = "order_book/book.rs"]
mod book;
#[path = "order_book/cme.rs"]
mod cme;
#[path = "pipeline/feed.rs"]
mod feed;
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
#[path = "pipeline/logger.rs"]
mod logger;
#[path = "pipeline/matcher.rs"]
mod matcher;
#[path = "order_book/numbers.rs"]
mod numbers;
#[path = "pipeline/options.rs"]
mod options;
#[path = "shared/output.rs"]
mod output;
#[path = "pipeline/pipe.rs"]
mod pipe;
#[path = "pipeline/report.rs"]
mod report;
#[path = "shared/rounds.rs"]
mod rounds;
#[path = "pipeline/source.rs"]
mod source;
#[path = "pipeline/store.rs"]
mod store;
#[cfg(test)]
#[path = "pipeline/tests.rs"]
mod tests;
#[path = "pipeline/threads.rs"]
mod threads;
#[path = "shared/timing.rs"]
mod timing;

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use crate::options::{Command, Input, Options, USAGE, With};
use crate::report::report;
use crate::source::Source;
use crate::threads::{Failure, Waits};
use crate::timing::Run;

fn main() -> ExitCode {
    let text = options::parse().and_then(|command| match command {
        Command::Help => Ok(USAGE.to_owned()),
        Command::Run(options) => run(&options),
    });
    output::finish("pipeline", text)
}

fn run(options: &Options) -> Result<String, String> {
    let source = match &options.input {
        &Input::Flow { events, seed } => Source::flow(events, seed),
        Input::File { path, format } => Source::file(path, *format)?,
    };
    let unwritable = |error| {
        let path = options.log.as_deref().unwrap_or(Path::new("the log"));
        format!("cannot write {}: {error}", path.display())
    };
    let mut log: Box<dyn Write + Send> = match &options.log {
        Some(path) => Box::new(BufWriter::new(File::create(path).map_err(unwritable)?)),
        None => Box::new(io::sink()),
    };
    let (limits, waits) = (options.limits, Cell::new(Waits::default()));
    let pooled = |log: &mut (dyn Write + Send)| {
        let ended = threads::on_pool(&source, limits, log);
        waits.set(ended.waits);
        ended.complete()
    };
    let boxed = |log: &mut (dyn Write + Send)| threads::on_heap(&source, limits, log).complete();
    let ran = match options.with {
        With::Pool => pooled(&mut *log).map(Run::alone),
        With::Box => boxed(&mut *log).map(Run::alone),
        With::Both => {
            let (pooled, boxed) = (|| pooled(&mut io::sink()), || boxed(&mut io::sink()));
            timing::alternate(source.len(), pooled, boxed)
        }
    };
    match ran {
        Ok((summary, timing)) => Ok(report(&summary, waits.get(), Some(&timing))),
        Err(cut_short) => {
            output::print(&report(&cut_short.summary, cut_short.waits, None))?;
            Err(match cut_short.failure {
                Failure::Log(error) => unwritable(error),
                Failure::Line(bad) => bad.to_string(),
            })
        }
    }
}
