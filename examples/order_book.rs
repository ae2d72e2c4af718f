//! A limit order book with price-time priority whose resting orders live in a pool.
//!
//! Orders come and go by the million, all of one type, and the book finds them by an id from
//! outside. The pool holds the orders; a map from the id to the order's handle owns them, and an
//! order that is cancelled or filled gives its slot back when its handle is dropped.
//!
//! Without a file the book runs a built-in, seeded order flow (`order_book/flow.rs` lists its
//! arrival, cancel and execution rates). With a file it replays recorded messages:
//!
//! ```text
//! cargo run --release --example order_book
//! cargo run --release --example order_book -- --with both
//! cargo run --release --example order_book -- messages.csv --quotes quotes.csv
//! ```
//!
//! # Options
//!
//! - `FILE`: replays this file of LOBSTER, CME (market by order) or Bitstamp messages. The format
//!   is found from the header or the number of columns.
//! - `--format lobster|cme|bitstamp`: reads the file as this format.
//! - `--quotes FILE`: also checks every distinct best quote of a LOBSTER replay against a published
//!   quote file (`order_book/quotes.rs` has the rule).
//! - `--with pool|box|both`: keeps the orders in a pool (the default) or each in a `Box`, or runs
//!   both in alternation and compares them.
//! - `--events N`, `--seed N`: the length (1000000) and the seed (1) of the built-in flow.
//! - `--help`: prints the usage.
//!
//! # Output
//!
//! The five best levels of each side, then one `key: value` a line. `cancelled` and `filled` count
//! the orders whose life ended that way, `modified` counts replaces, and `unknown_events` counts
//! events for ids that do not rest in the book: they were added before the file begins, or have
//! ended. `best_bid` and `best_ask` are in the unit of the source, which is dollars times 10000 for
//! LOBSTER, the file's own integer for CME, dollars for Bitstamp and ticks for the built-in flow;
//! an empty side is `none`. `ns_per_event` is the time of the replay alone: every message is parsed
//! before the clock starts. `--quotes` adds `states` and `matched`.
//!
//! `--with both` runs the two books in turn, at least nine rounds in one process.
//! `pool_ns_per_event` and `box_ns_per_event` are the fastest rounds and `ratio` is box time over
//! pool time, so above 1 the pool is faster; the keys with `median` say the same of the median
//! rounds. `ns_per_event` repeats the pool's fastest.
//!
//! # How the book reads a message
//!
//! - A partial cancel or a partial execution keeps the order's place in time. A replace keeps it at
//!   the same price and no larger a size; otherwise the order queues last.
//! - Recorded orders are never matched against each other, since the exchange has done that. Only
//!   the built-in flow's market orders are matched here. A recorded book may be crossed: for a
//!   moment while messages of one trade arrive, or for good where a file loses sight of orders, as
//!   LOBSTER's do beyond their last level.
//! - A cancel or execution of more than the order has ends the order.
//! - An add of an id that rests, or a replace that names the other side, is a bad line.
//!
//! # Exit codes
//!
//! - 0: the run is complete.
//! - 2: a bad argument, a file that cannot be read, or a bad line. The message on standard error
//!   names it; for a line it gives the file, the line number, what was expected and what stood
//!   there.

#[path = "shared/arguments.rs"]
mod arguments;
#[path = "order_book/bitstamp.rs"]
mod bitstamp;
#[path = "order_book/book.rs"]
mod book;
#[path = "order_book/cme.rs"]
mod cme;
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
#[path = "order_book/messages.rs"]
mod messages;
#[path = "order_book/numbers.rs"]
mod numbers;
#[path = "order_book/options.rs"]
mod options;
#[path = "shared/output.rs"]
mod output;
#[path = "order_book/quotes.rs"]
mod quotes;
#[path = "order_book/replay.rs"]
mod replay;
#[path = "shared/rounds.rs"]
mod rounds;
#[path = "shared/timing.rs"]
mod timing;

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use typed_pool::Pool;

use crate::book::Heap;
use crate::formats::Format;
use crate::input::read;
use crate::messages::Messages;
use crate::options::{Command, Options, Source, USAGE, With};
use crate::quotes::Checked;
use crate::timing::Timing;

fn main() -> ExitCode {
    let text = options::parse().and_then(|command| match command {
        Command::Help => Ok(USAGE.to_owned()),
        Command::Run(options) => run(&options),
    });
    output::finish("order_book", text)
}

fn run(options: &Options) -> Result<String, String> {
    let (format, messages) = match &options.source {
        &Source::Flow { events, seed } => {
            (None, Messages { events: flow::generate(events, seed, flow::RESTING), first_line: 1 })
        }
        Source::File { path, format } => {
            let (format, messages) =
                messages::parse(path, &read(path)?, *format).map_err(|error| error.to_string())?;
            (Some(format), messages)
        }
    };
    let quotes = match &options.quotes {
        Some(_) if format != Some(Format::Lobster) => {
            return Err("--quotes checks LOBSTER messages, and these are of another format".into());
        }
        Some(path) => Some(quotes::parse(path, &read(path)?).map_err(|error| error.to_string())?),
        None => None,
    };
    let events = &messages.events;
    let path = match &options.source {
        Source::File { path, .. } => path,
        Source::Flow { .. } => Path::new("(built-in flow)"),
    };
    let refused = |(index, refused)| messages.refused(path, index, refused).to_string();

    let checked = match &quotes {
        Some(rows) if options.with == With::Box => Some(quotes::check(&Heap, events, rows)),
        Some(rows) => {
            let pool = Pool::new();
            let checked = quotes::check(&pool, events, rows);
            assert!(pool.is_empty());
            Some(checked)
        }
        None => None,
    };
    let checked = checked.transpose().map_err(refused)?;
    let (summary, timing) = match options.with {
        With::Pool => replay::on_pool(events).map_err(refused)?.alone(),
        With::Box => replay::on_heap(events).map_err(refused)?.alone(),
        With::Both => replay::on_both(events).map_err(refused)?,
    };
    Ok(report(format, events.len(), &summary, &timing, checked.as_ref()))
}

fn report(
    format: Option<Format>,
    events: usize,
    summary: &replay::Summary,
    timing: &Timing,
    checked: Option<&Checked>,
) -> String {
    let price = |price: i64| match format {
        Some(Format::Bitstamp) => format!("{}.{:02}", price / 100, price % 100),
        Some(Format::Lobster | Format::Cme) | None => price.to_string(),
    };
    let best = |levels: &[(i64, u64)]| levels.first().map_or("none".into(), |best| price(best.0));
    let cells = |levels: &[(i64, u64)], row: usize| match levels.get(row) {
        Some(&(at, size)) => (price(at), size.to_string()),
        None => ("-".to_owned(), "-".to_owned()),
    };
    let (bids, asks, tally) = (&summary.bids, &summary.asks, &summary.tally);

    // Writing to a string does not fail, so the results below hold nothing.
    let mut text = format!("{:>14} {:>10} | {:<10} {}\n", "bid_size", "bid", "ask", "ask_size");
    for row in 0..bids.len().max(asks.len()) {
        let ((bid, bid_size), (ask, ask_size)) = (cells(bids, row), cells(asks, row));
        let _ = writeln!(text, "{bid_size:>14} {bid:>10} | {ask:<10} {ask_size}");
    }
    let _ = writeln!(text, "events: {events}");
    let _ = writeln!(text, "adds: {}", tally.adds);
    let _ = writeln!(text, "modified: {}", tally.modified);
    let _ = writeln!(text, "cancelled: {}", tally.cancelled);
    let _ = writeln!(text, "filled: {}", tally.filled);
    let _ = writeln!(text, "unknown_events: {}", tally.unknown);
    let _ = writeln!(text, "live: {}", summary.live);
    let _ = writeln!(text, "peak_live: {}", tally.peak_live);
    let _ = writeln!(text, "best_bid: {}", best(bids));
    let _ = writeln!(text, "best_ask: {}", best(asks));
    timing.write("event", &mut text);
    if let Some(Checked { states, matched }) = checked {
        let _ = writeln!(text, "states: {states}");
        let _ = writeln!(text, "matched: {matched}");
    }
    text
}
