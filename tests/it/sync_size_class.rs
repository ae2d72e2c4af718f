//! Pools of size classes under many threads: values of every size come from one thread and end on
//! another, each byte is what it was, and when all is quiet every slot is in one place. Threads
//! that use a class for the first time at once make one pool of it.

use std::sync::mpsc;
use std::sync::{Barrier, Mutex};
use std::thread;

use typed_pool::{PoolBox, SyncMemoryPool, SyncSizeClassPool};

use crate::support::GIVES_PAGES_BACK;
use crate::sync_support::{rounds, size};

/// A row of bytes, all of them the low byte of its length.
type Row<'p> = PoolBox<'p, [u8], SyncMemoryPool>;

fn row(pool: &SyncSizeClassPool, len: usize) -> Row<'_> {
    pool.alloc_slice_fill_with(len, |_| len as u8)
}

fn check(row: &Row<'_>) {
    assert!(row.iter().all(|byte| *byte == row.len() as u8));
}

/// A length: most are short, and some are of values in a reservation of their own.
fn length(rng: &mut fastrand::Rng) -> usize {
    match rng.u8(..) {
        0 => rng.usize(32_768..70_000),
        1..20 => rng.usize(..9000),
        _ => rng.usize(..200),
    }
}

#[test]
fn trim_gives_pages_of_every_class_back() {
    let pool = SyncSizeClassPool::new();
    let count = size(10_000, 100);
    let kept: Vec<_> = [64, 100]
        .into_iter()
        .flat_map(|len| {
            let mut rows: Vec<_> = (0..count).map(|_| row(&pool, len)).collect();
            rows.truncate(1);
            rows
        })
        .collect();
    let released = pool.trim();
    // Of a chunk of 16 KiB, the two pages in the middle hold nothing but slots.
    assert!(!GIVES_PAGES_BACK || released > 70 * count, "{released} bytes");
    assert_eq!(pool.trim(), 0, "what has gone is not given back twice");
    kept.iter().for_each(check);
    pool.check_invariants();
}

#[test]
fn threads_exchange_values_of_any_size() {
    let pool = SyncSizeClassPool::new();
    let places: Vec<_> = (0..64).map(|_| Mutex::new(None::<Row<'_>>)).collect();
    for round in 0..rounds(4, 1) {
        thread::scope(|scope| {
            for number in 0..4 {
                let (pool, places) = (&pool, &places);
                scope.spawn(move || {
                    let mut rng = fastrand::Rng::with_seed((round * 4 + number) as u64);
                    let mut own = Vec::new();
                    for _ in 0..size(3000, 40) {
                        own.push(row(pool, length(&mut rng)));
                        if rng.bool() {
                            let place = &places[rng.usize(..places.len())];
                            let other = place.lock().unwrap().replace(own.pop().unwrap());
                            own.extend(other);
                        }
                        if own.len() > 100 || !own.is_empty() && rng.u8(..3) == 0 {
                            let gone = own.swap_remove(rng.usize(..own.len()));
                            check(&gone);
                        }
                    }
                    own.iter().for_each(check);
                });
            }
        });
        pool.check_invariants();
    }
    let rest: Vec<_> = places.into_iter().filter_map(|place| place.into_inner().unwrap()).collect();
    rest.iter().for_each(check);
    assert_eq!(pool.len(), rest.len());
    drop(rest);
    assert_eq!((pool.len(), pool.stats().large), (0, 0));
    pool.check_invariants();
}

#[test]
fn threads_that_use_a_class_at_once_share_it() {
    for _ in 0..rounds(20, 2) {
        let pool = SyncSizeClassPool::new();
        let together = Barrier::new(4);
        let (send, receive) = mpsc::channel();
        thread::scope(|scope| {
            for number in 0..4_u64 {
                let (pool, together, send) = (&pool, &together, send.clone());
                scope.spawn(move || {
                    together.wait();
                    send.send(pool.alloc(number)).unwrap();
                    send.send(pool.alloc(number + 4)).unwrap();
                });
            }
        });
        let mut values: Vec<u64> = receive.try_iter().map(|value| *value).collect();
        values.sort_unstable();
        assert_eq!(values, [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!((pool.stats().classes, pool.len()), (1, 0));
        pool.check_invariants();
    }
}

#[test]
#[cfg(feature = "allocator-api2")]
fn collections_are_sent_and_end_on_other_threads() {
    use allocator_api2::vec::Vec as VecIn;

    let pool = SyncSizeClassPool::new();
    let (send, receive) = mpsc::channel();
    thread::scope(|scope| {
        let pool = &pool;
        scope.spawn(move || {
            for len in 0..size(400, 20) as u64 {
                let mut numbers = VecIn::new_in(pool);
                numbers.extend(0..len * len);
                send.send(numbers).unwrap();
            }
        });
        for (numbers, len) in receive.iter().zip(0..) {
            assert!(numbers.iter().copied().eq(0..len * len));
            if len % 3 == 0 {
                drop(numbers.clone());
            }
        }
    });
    assert_eq!((pool.len(), pool.stats().direct), (0, 0));
}
