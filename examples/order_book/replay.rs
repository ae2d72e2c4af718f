//! Runs a book over events and times it.

use std::time::Instant;

use typed_pool::Pool;

use crate::book::{Book, Event, Heap, Refused, Side, Store, Tally};
use crate::timing::{self, Run, Timing};

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

/// Replays on a fresh pool, and gives every slot back.
pub(crate) fn on_pool(events: &[Event]) -> Result<Run<Summary>, RefusedAt> {
    let pool = Pool::new();
    let run = replay(&pool, events);
    assert!(pool.is_empty(), "the book is gone and {} of its slots are not free", pool.len());
    run
}

pub(crate) fn on_heap(events: &[Event]) -> Result<Run<Summary>, RefusedAt> {
    replay(&Heap, events)
}

/// Replays on the pool and on the heap in alternation.
pub(crate) fn on_both(events: &[Event]) -> Result<(Summary, Timing), RefusedAt> {
    timing::alternate(events.len(), || on_pool(events), || on_heap(events))
}

fn replay<S: Store>(store: &S, events: &[Event]) -> Result<Run<Summary>, RefusedAt> {
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
    Ok(Run::new(summary, elapsed, events.len()))
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
        timing.write("event", &mut text);
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
