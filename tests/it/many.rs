//! Many values at once: as many as there is room for are stored, in one reservation, and the others
//! come back; what panics or lies on the way loses nothing.

use std::cell::Cell;
use std::iter;

use typed_pool::PoolError;

use super::{Pool, PoolBox};
use crate::support::{Tally, panic_file, panic_message};

#[test]
fn all_are_stored_in_their_order() {
    let pool = Pool::new();
    let count = if cfg!(miri) { 200 } else { 20_000 };
    let handles: Vec<PoolBox<'_, u64>> = pool.alloc_iter(0..count);
    assert!(handles.iter().zip(0..).all(|(handle, number)| **handle == number));
    assert_eq!(pool.len() as u64, count);
    let calls = pool.stats().upstream_allocations;
    drop(handles);
    assert!(pool.is_empty());
    let again = pool.try_alloc_iter(0..count).unwrap();
    assert_eq!((again.len() as u64, pool.stats().upstream_allocations), (count, calls));
    drop(again);
    assert!(pool.alloc_iter(iter::empty()).is_empty());
    pool.check_invariants();
}

// A pool of fewer than eight slots has no more than those, whatever threads it is for.
#[test]
fn those_without_a_slot_come_back() {
    let tally = Tally::default();
    let pool = Pool::bounded(3);
    let first = pool.alloc(tally.value(0));
    let refused = pool.try_alloc_iter((1..=4).map(|id| tally.value(id))).unwrap_err();
    assert!(refused.is_full());
    assert_eq!((refused.handles().len(), refused.missing(), pool.len()), (2, 2, 3));
    assert_eq!(refused.error(), PoolError::Full { capacity: 3 });
    let words = "2 values were stored and 2 or more were not: the pool is full: all of its slots \
                 are occupied, 3 in number";
    assert_eq!(refused.to_string(), words);
    assert!(format!("{refused:?}").contains("missing: 2"));
    let (handles, rest) = refused.into_parts();
    assert_eq!(handles.iter().map(|handle| handle.id).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(rest.map(|value| value.id).collect::<Vec<_>>(), [3, 4]);
    assert_eq!((pool.len(), tally.live()), (3, 3));
    drop(handles);

    // Dropped, the error drops them all; those that were never made are not made then.
    let refused = pool.try_alloc_iter((1..=4).map(|id| tally.value(id))).unwrap_err();
    let made = tally.made();
    assert_eq!(PoolError::from(refused), PoolError::Full { capacity: 3 });
    assert_eq!((pool.len(), tally.live(), tally.made()), (1, 1, made));
    let words = "the pool is full: all of its slots are occupied, 3 in number";
    assert_eq!(panic_message(|| pool.alloc_iter((1..=4).map(|id| tally.value(id)))), words);
    let one = |_| tally.value(1);
    let file = panic_file(|| drop(pool.alloc_iter((1..=4).map(one))));
    assert_eq!(file, Some(file!().to_string()));
    assert_eq!((pool.len(), tally.live()), (1, 1));
    drop(first);
}

#[test]
fn an_iterator_may_use_the_pool_and_panic() {
    let tally = Tally::default();
    let pool = Pool::new();
    let kept = Cell::new(None);
    let handles = pool.alloc_iter((0..10).map(|id| {
        drop(kept.replace(Some(pool.alloc(tally.value(100)))));
        pool.check_invariants();
        tally.value(id)
    }));
    assert_eq!((handles.len(), pool.len(), tally.live()), (10, 11, 11));
    drop((handles, kept));
    let message = panic_message(|| {
        pool.alloc_iter((0..10).map(|id| {
            assert!(id < 5, "no more values");
            tally.value(id)
        }))
    });
    assert_eq!((message.as_str(), pool.len(), tally.live()), ("no more values", 0, 0));
    pool.check_invariants();
}

/// Safe traits trusted by unsafe code: what an iterator promises is only a hint.
#[test]
fn an_iterator_that_lies_is_harmless() {
    struct Liar(Vec<u64>, usize);
    impl Iterator for Liar {
        type Item = u64;
        fn next(&mut self) -> Option<u64> {
            self.0.pop()
        }
        fn size_hint(&self) -> (usize, Option<usize>) {
            (self.1, None)
        }
    }
    for promised in [0, 1, 100, usize::MAX] {
        for pool in [Pool::new(), Pool::bounded(5)] {
            let handles = pool.alloc_iter(Liar(vec![3, 2, 1], promised));
            assert_eq!(handles.iter().map(|handle| **handle).sum::<u64>(), 6);
            drop(handles);
            pool.check_invariants();
        }
        let pool = Pool::bounded(1);
        let refused = pool.try_alloc_iter(Liar(vec![2, 1], promised)).unwrap_err();
        assert_eq!(refused.missing(), promised.saturating_add(1));
    }
}

#[test]
fn bombs_among_many_handles_lose_nothing() {
    let tally = Tally::default();
    let pool = Pool::new();
    let values = (0..100).map(|id| if id % 40 == 7 { tally.bomb(id) } else { tally.value(id) });
    let handles = pool.alloc_iter(values.take(45));
    assert!(panic_message(|| drop(handles)).contains("panics"));
    assert_eq!((pool.len(), tally.live()), (0, 0));
}
