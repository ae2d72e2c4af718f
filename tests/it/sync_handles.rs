//! Handles and pools that go from thread to thread:
//!
//! - Handles are cloned, dropped, taken apart, put together and leaked on other threads than those
//!   that made them, also while the pool grows.
//! - A pool that is dropped after handles were forgotten on other threads keeps their memory.
//! - `shrink_to_fit` gives back what no thread uses, whichever threads used it; the pool works
//!   afterwards.
//! - The figures of a pool may be asked for at any time.

use std::ptr::NonNull;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc;
use std::thread;

use typed_pool::{PoolBox, SyncPool};

use crate::support::Tally;
use crate::sync_support::{Handle, Words, check_quiet, rounds, size};

/// The address of a value on its way to another thread.
struct Sent<T>(NonNull<T>);

// SAFETY: whoever gets the address uses it as a handle of the value would be, which is `Send`.
unsafe impl<T: Send> Send for Sent<T> {}

impl<T> Sent<T> {
    fn new(handle: Handle<'_, T>) -> Self {
        Self(PoolBox::into_raw(handle))
    }

    /// Puts the handle together again.
    fn into_handle(self, pool: &SyncPool<T>) -> Handle<'_, T> {
        // While others are at it, it may seem to hold nothing; but not to have no slot.
        assert!(pool.reserved_slots() > 0);
        // SAFETY: the address came from `into_raw` of a handle of this pool, all those of a test
        // have but one, and goes with `self`.
        unsafe { PoolBox::from_raw(self.0) }
    }
}

#[test]
fn handles_are_cloned_on_other_threads() {
    let tally = Tally::default();
    let pool = SyncPool::new();
    let original = pool.alloc(tally.value(7));
    thread::scope(|scope| {
        for _ in 0..size(4, 2) {
            let original = &original;
            scope.spawn(move || {
                for _ in 0..rounds(20, 2) {
                    let mut clones = vec![original.clone()];
                    (0..size(100, 10)).for_each(|index| clones.push(clones[index / 2].clone()));
                    assert!(clones.iter().all(|clone| clone.id == 7));
                    let (first, rest) = clones.split_first_mut().unwrap();
                    first.clone_from(&rest[0]);
                }
            });
        }
    });
    assert_eq!((pool.len(), tally.live()), (1, 1));
    drop(original);
    assert_eq!(tally.live(), 0);
    check_quiet(&pool);
}

#[test]
fn handles_are_dropped_elsewhere_while_the_pool_grows() {
    let pool = &SyncPool::<Words<4>>::new();
    let count = rounds(100_000, 100) as u64;
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut rng = fastrand::Rng::with_seed(1);
            let mut held = Vec::new();
            for handle in receiver {
                held.push(handle);
                // It keeps about half of what it gets, so that the pool must grow.
                if rng.bool() {
                    held.swap_remove(rng.usize(..held.len()));
                }
            }
        });
        for id in 0..count {
            sender.send(pool.alloc(Words::new(id))).unwrap();
            if id % 1000 == 0 {
                pool.reserve(100);
            }
        }
        drop(sender);
    });
    assert!(pool.stats().chunks > size(2, 0));
    check_quiet(pool);
}

#[test]
fn values_go_from_thread_to_thread_by_their_addresses() {
    let tally = &Tally::default();
    let pool = &SyncPool::bounded(3);
    for id in 0..rounds(20, 3) as u64 {
        let value = thread::scope(|scope| {
            let raw = scope.spawn(move || Sent::new(pool.alloc(tally.value(id)))).join().unwrap();
            let back = scope.spawn(move || {
                let mut handle = raw.into_handle(pool);
                handle.id += 1;
                Sent::new(handle)
            });
            PoolBox::into_inner(back.join().unwrap().into_handle(pool))
        });
        assert_eq!((value.id, pool.len(), tally.live()), (id + 1, 0, 1));
    }
    assert_eq!(tally.live(), 0);
    check_quiet(pool);
}

#[test]
fn leaked_values_are_there_as_long_as_the_pool() {
    let mut pool = SyncPool::<[u64; 4]>::new();
    let threads = size(4, 2) as u64;
    let leak = |pool: &SyncPool<[u64; 4]>| {
        thread::scope(|scope| {
            let running: Vec<_> = (0..threads)
                .map(|thread| scope.spawn(move || PoolBox::leak(pool.alloc([thread; 4]))))
                .collect();
            let leaked: Vec<_> = running.into_iter().map(|run| run.join().unwrap()).collect();
            leaked.into_iter().map(|value| std::mem::replace(&mut value[3], 0)).sum::<u64>()
        })
    };
    for round in 1..=3 {
        assert_eq!(leak(&pool), (0..threads).sum::<u64>());
        pool.shrink_to_fit();
        pool.check_invariants();
        assert_eq!(pool.len() as u64, round * threads);
    }
}

#[test]
fn values_forgotten_on_other_threads_keep_their_memory() {
    for bounded in [false, true] {
        let count = size(20_000, 40);
        let pool = if bounded { SyncPool::bounded(count) } else { SyncPool::new() };
        let forgotten: Vec<_> = thread::scope(|scope| {
            let pool = &pool;
            let running: Vec<_> = (0..2)
                .map(|thread| {
                    scope.spawn(move || {
                        let held: Vec<_> =
                            (0..count / 2 - 1).map(|_| pool.alloc([0_u64; 4])).collect();
                        let forgotten = Sent::new(pool.alloc([thread; 4]));
                        drop(held);
                        forgotten
                    })
                })
                .collect();
            running.into_iter().map(|run| run.join().unwrap()).collect()
        });
        assert_eq!(pool.len(), 2);
        pool.check_invariants();
        drop(pool);
        // Whatever is allocated now must not come to lie over the values.
        let noise: Vec<Vec<u8>> = (0..64).map(|_| vec![0xAA; size(200_000, 2000)]).collect();
        for (thread, Sent(value)) in (0..).zip(forgotten) {
            // SAFETY: the value was never dropped, so its memory is still its own: that is what
            // this test is about.
            assert_eq!(unsafe { value.read() }, [thread; 4]);
        }
        drop(noise);
    }
}

/// Reclamation by delay: memory goes back when no thread can be using it, for then the pool is
/// borrowed exclusively, not some time after.
#[test]
fn shrink_to_fit_gives_back_what_no_thread_uses() {
    let mut pool = SyncPool::<Words<4>>::new();
    let count = size(10_000, 20);
    for round in 0..rounds(5, 1) {
        // Each thread keeps one value in a thousand.
        let kept: Vec<_> = thread::scope(|scope| {
            let pool = &pool;
            let running: Vec<_> = (0..3)
                .map(|thread| {
                    scope.spawn(move || {
                        let make = |id| pool.alloc(Words::new((count * thread + id) as u64));
                        let held: Vec<_> = (0..count).map(make).collect();
                        held.into_iter().step_by(size(1000, 10)).map(Sent::new).collect::<Vec<_>>()
                    })
                })
                .collect();
            running.into_iter().flat_map(|run| run.join().unwrap()).collect()
        });
        assert_eq!(pool.len(), kept.len());
        let before = pool.stats();
        let released = pool.shrink_to_fit();
        let after = pool.stats();
        pool.check_invariants();
        assert_eq!(before.bytes_reserved - after.bytes_reserved, released);
        assert_eq!((after.len, pool.reserved_slots()), (kept.len(), after.capacity));

        // What was kept is as it was, and ends on another thread.
        thread::scope(|scope| {
            let pool = &pool;
            scope.spawn(move || {
                kept.into_iter().for_each(|raw| drop(raw.into_handle(pool)));
            });
            scope.spawn(move || drop(pool.alloc(Words::new(1))));
        });
        check_quiet(&pool);
        if round % 2 == 0 {
            assert!(pool.shrink_to_fit() > 0);
            assert_eq!((pool.reserved_slots(), pool.stats().bytes_reserved), (0, 0));
            check_quiet(&pool);
        }
    }
    let mut bounded = SyncPool::<u64>::bounded(100);
    drop(bounded.alloc(1));
    assert_eq!((bounded.shrink_to_fit(), bounded.capacity()), (0, 100));
}

#[test]
fn figures_may_be_asked_for_while_threads_are_at_work() {
    let bounded = SyncPool::bounded(size(5000, 20));
    let growing = SyncPool::with_capacity(10);
    for pool in [&bounded, &growing] {
        let done = &AtomicBool::new(false);
        let share = bounded.capacity() / 2;
        thread::scope(|scope| {
            let running: Vec<_> = (0..2)
                .map(|thread| {
                    scope.spawn(move || {
                        for _ in 0..rounds(20, 2) {
                            let make = |id| pool.alloc(Words::<2>::new(thread + id as u64));
                            let held: Vec<_> = (0..share).map(make).collect();
                            assert!(pool.len() <= pool.reserved_slots());
                            drop(held);
                        }
                    })
                })
                .collect();
            scope.spawn(move || {
                while !done.load(Relaxed) {
                    let stats = pool.stats();
                    assert!(stats.len <= pool.reserved_slots());
                    assert!(stats.capacity <= pool.capacity());
                    assert!(format!("{pool:?}").contains("capacity"));
                    // Whether it is, changes at any time.
                    let _ = (pool.is_full(), pool.is_empty());
                }
            });
            running.into_iter().for_each(|run| run.join().unwrap());
            done.store(true, Relaxed);
        });
        check_quiet(pool);
    }
}
