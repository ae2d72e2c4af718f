//! The parsers of the examples `order_book` and `pipeline`, by their own files, and what those do
//! with what comes of them.
#![expect(dead_code, reason = "the examples use the rest")]

#[path = "../../../examples/order_book/bitstamp.rs"]
mod bitstamp;
#[path = "../../../examples/order_book/book.rs"]
mod book;
#[path = "../../../examples/order_book/cme.rs"]
mod cme;
#[path = "../../../examples/pipeline/feed.rs"]
mod feed;
#[path = "../../../examples/order_book/flow.rs"]
mod flow;
#[path = "../../../examples/order_book/formats.rs"]
mod formats;
#[path = "../../../examples/shared/input.rs"]
mod input;
#[path = "../../../examples/order_book/ladder.rs"]
mod ladder;
#[path = "../../../examples/shared/lines.rs"]
mod lines;
#[path = "../../../examples/order_book/lobster.rs"]
mod lobster;
#[path = "../../../examples/pipeline/logger.rs"]
mod logger;
#[path = "../../../examples/pipeline/matcher.rs"]
mod matcher;
#[path = "../../../examples/order_book/messages.rs"]
mod messages;
#[path = "../../../examples/order_book/numbers.rs"]
mod numbers;
#[path = "../../../examples/pipeline/pipe.rs"]
mod pipe;
#[path = "../../../examples/order_book/quotes.rs"]
mod quotes;
#[path = "../../../examples/order_book/replay.rs"]
mod replay;
#[path = "../../../examples/shared/rounds.rs"]
mod rounds;
#[path = "../../../examples/pipeline/source.rs"]
mod source;
#[path = "../../../examples/pipeline/store.rs"]
mod store;
#[path = "../../../examples/pipeline/threads.rs"]
mod threads;
#[path = "../../../examples/shared/timing.rs"]
mod timing;

use std::io;
use std::path::Path;

use typed_pool::Pool;

use crate::book::Heap;
use crate::formats::Format;
use crate::pipe::Limits;
use crate::source::Source;
use crate::threads::Failure;

fn format(option: usize) -> Option<Format> {
    formats::NAMES.get(option % 4).map(|(_, format)| *format)
}

/// Reads messages and, behind an empty line, quotes; plays them on a book in a pool and on one in
/// boxes, which must come to the same.
///
/// # Errors
///
/// Those of the example, in its words.
pub fn order_book(data: &[u8], option: usize) -> Result<(), String> {
    let path = Path::new("in");
    let end = data.windows(2).position(|pair| pair == b"\n\n");
    let (data, rows) = match end {
        Some(end) => (&data[..end], Some(&data[end + 2..])),
        None => (data, None),
    };
    let (_, messages) =
        messages::parse(path, data, format(option)).map_err(|bad| bad.to_string())?;
    let events = &messages.events;
    let refused = |(index, refused)| messages.refused(path, index, refused).to_string();
    if let Some(rows) = rows {
        let rows = quotes::parse(path, rows).map_err(|bad| bad.to_string())?;
        let pool = Pool::new();
        let pooled = quotes::check(&pool, events, &rows).map_err(refused)?;
        let boxed = quotes::check(&Heap, events, &rows).map_err(refused)?;
        assert_eq!(pooled, boxed);
    }
    let pooled = replay::on_pool(events).map(|run| run.summary);
    let boxed = replay::on_heap(events).map(|run| run.summary);
    assert_eq!(pooled, boxed);
    pooled.map(drop).map_err(refused)
}

/// Sends messages through the pipeline, with few in flight.
///
/// # Errors
///
/// Those of the example, in its words.
pub fn pipeline(data: &[u8], option: usize) -> Result<(), String> {
    let source = Source::bytes(Path::new("in"), data.to_vec(), format(option))
        .map_err(|bad| bad.to_string())?;
    let limits = Limits { in_flight: 1 + option / 4, batch: 1 + option % 3 };
    let pooled = threads::on_pool(&source, limits, &mut io::sink());
    let boxed = threads::on_heap(&source, limits, &mut io::sink());
    assert_eq!(pooled.summary, boxed.summary);
    match pooled.failed {
        None => Ok(()),
        Some(Failure::Line(bad)) => Err(bad.to_string()),
        Some(Failure::Log(error)) => panic!("nothing is written: {error}"),
    }
}
