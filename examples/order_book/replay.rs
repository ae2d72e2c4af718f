//! Runs a book over events and times it.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use typed_pool::Pool;

use crate::book::{Book, Event, Heap, Refused, Side, Store, Tally};

/// How many events `--with both` runs each book over, in as many rounds as that takes within
/// these bounds. A short file gets more rounds, because a short round is easily disturbed.
const COMPARED_EVENTS: usize = 10_000_000;
const MIN_ROUNDS: usize = 9;
const MAX_ROUNDS: usize = 301;

/// How many levels of each side the summary keeps.
const LEVELS: usize = 5;

/// A refused event and its index.
pub(crate) type RefusedAt = (usize, Refused);

/// What a book has been through, and what rests in it at the end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) tally: Tally,
    pub(crate) live: usize,
    /// The best levels' prices and sizes, best first.
    pub(crate) bids: Vec<(i64, u64)>,
    pub(crate) asks: Vec<(i64, u64)>,
}

/// One replay.
#[derive(Debug)]
pub(crate) struct Run {
    summary: Summary,
    ns_per_event: f64,
}

/// The times of one replay, or of several on both stores.
#[derive(Debug)]
pub(crate) enum Timing {
    Alone(f64),
    Both { pool: Vec<f64>, heap: Vec<f64> },
}

impl Run {
    pub(crate) fn alone(self) -> (Summary, Timing) {
        (self.summary, Timing::Alone(self.ns_per_event))
    }
}

impl Timing {
    /// Appends the times as `key: value` lines.
    pub(crate) fn write(&self, text: &mut String) {
        let (pool, heap) = match self {
            Self::Alone(ns) => {
                let _ = writeln!(text, "ns_per_event: {ns:.1}");
                return;
            }
            Self::Both { pool, heap } => (sorted(pool), sorted(heap)),
        };
        let _ = writeln!(text, "ns_per_event: {:.1}", pool[0]);
        for (name, at) in [("", 0), ("median_", pool.len() / 2)] {
            let (pool, heap) = (pool[at], heap[at]);
            let _ = writeln!(text, "{name}pool_ns_per_event: {pool:.1}");
            let _ = writeln!(text, "{name}box_ns_per_event: {heap:.1}");
            let _ = writeln!(text, "{name}ratio: {:.3}", heap / pool);
        }
    }
}

fn sorted(times: &[f64]) -> Vec<f64> {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    times
}

/// Replays on a fresh pool, and gives every slot back.
pub(crate) fn on_pool(events: &[Event]) -> Result<Run, RefusedAt> {
    let pool = Pool::new();
    let run = replay(&pool, events);
    assert!(pool.is_empty(), "the book is gone and {} of its slots are not free", pool.len());
    run
}

pub(crate) fn on_heap(events: &[Event]) -> Result<Run, RefusedAt> {
    replay(&Heap, events)
}

/// Replays on the pool and on the heap in alternation. Which goes first alternates as well, so
/// that neither profits from what the other leaves in the caches.
pub(crate) fn on_both(events: &[Event]) -> Result<(Summary, Timing), RefusedAt> {
    let (mut pool, mut heap) = (Vec::new(), Vec::new());
    let mut summary = None;
    for round in 0..rounds(events.len()) {
        let (on_pool, on_heap) = if round % 2 == 0 {
            let first = on_pool(events)?;
            (first, on_heap(events)?)
        } else {
            let first = on_heap(events)?;
            (on_pool(events)?, first)
        };
        assert_eq!(on_pool.summary, on_heap.summary, "the store does not change what a book does");
        pool.push(on_pool.ns_per_event);
        heap.push(on_heap.ns_per_event);
        summary = Some(on_pool.summary);
    }
    let summary = summary.expect("there is at least one round");
    Ok((summary, Timing::Both { pool, heap }))
}

/// An odd number, which has a median.
fn rounds(events: usize) -> usize {
    (COMPARED_EVENTS / events).clamp(MIN_ROUNDS, MAX_ROUNDS) | 1
}

fn replay<S: Store>(store: &S, events: &[Event]) -> Result<Run, RefusedAt> {
    let mut book = Book::new(store);
    let start = Instant::now();
    for (index, &event) in events.iter().enumerate() {
        book.apply(event).map_err(|refused| (index, refused))?;
    }
    let elapsed = start.elapsed();
    let summary = Summary {
        tally: book.tally().clone(),
        live: book.live(),
        bids: book.side(Side::Bid).top(LEVELS),
        asks: book.side(Side::Ask).top(LEVELS),
    };
    Ok(Run { summary, ns_per_event: per_event(elapsed, events.len()) })
}

fn per_event(elapsed: Duration, events: usize) -> f64 {
    elapsed.as_nanos() as f64 / events as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow;

    #[test]
    fn both_stores_give_the_same_book_and_every_time() {
        let events = flow::generate(5_000, 3, flow::RESTING);
        let (summary, timing) = on_both(&events).unwrap();
        assert_eq!(summary, on_pool(&events).unwrap().summary);
        let mut text = String::new();
        timing.write(&mut text);
        let keys: Vec<&str> = text.lines().map(|line| line.split(':').next().unwrap()).collect();
        assert_eq!(keys[..4], ["ns_per_event", "pool_ns_per_event", "box_ns_per_event", "ratio"]);
        assert_eq!(keys.len(), 7);
    }

    #[test]
    fn a_refused_event_comes_with_its_index() {
        let event = Event::Add { id: 1, side: Side::Bid, price: 1, size: 1 };
        let (index, refused) = on_pool(&[event, Event::Other, event]).unwrap_err();
        assert_eq!((index, refused), (2, Refused::Resting { id: 1 }));
    }
}
