//! How many values a pool for many threads can hold, and how much memory it takes for that:
//!
//! - A pool that is bounded by `n` refuses none of `n` values, whatever the magazines of other
//!   threads hold, asleep or ended; nor does a `SyncMemoryPool` of `n` blocks.
//! - What it has beside `n` is what the magazines of the threads that used it have room for.
//! - What magazines hold is not taken for values when the peak is noted.
//! - More threads than there are numbers use a pool as well as others do, without a magazine.
//! - Threads that come and go, and threads that only free, do not make a pool grow.

use std::sync::{Barrier, mpsc};
use std::thread;

use typed_pool::{SyncMemoryPool, SyncPool};

use crate::sync_support::{Words, check_quiet, is_alone, rounds, size};

/// Has `threads` threads fill their magazines with vacant slots of a pool that is bounded by `n`,
/// and looks whether this thread gets `n` slots: while they sleep and when they have ended.
fn with_idle_magazines(n: usize, threads: usize) {
    let pool = &SyncPool::bounded(n);
    let fill = || {
        let held: Vec<_> = (0..n).map(|id| pool.try_alloc(Words::<2>::new(id as u64))).collect();
        held.into_iter().map(|made| made.expect("a vacant slot")).collect::<Vec<_>>()
    };
    let asleep = &Barrier::new(threads + 1);
    thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                // What threads have at once is `n` at most.
                let share = n / threads + usize::from(thread < n % threads);
                let held: Vec<_> = (0..share).map(|_| pool.alloc(Words::new(0))).collect();
                drop(held);
                asleep.wait();
                asleep.wait();
            });
        }
        asleep.wait();
        for _ in 0..2 {
            let held = fill();
            assert_eq!((pool.len(), pool.capacity()), (n, n));
            drop(held);
            check_quiet(pool);
        }
        asleep.wait();
    });
    // By this thread and by a new one, which may have the number of one that ended.
    drop(fill());
    thread::scope(|scope| scope.spawn(|| drop(fill())).join().unwrap());
    check_quiet(pool);
}

#[test]
fn magazines_of_others_take_nothing_from_the_capacity() {
    let (threads, sizes): (&[_], &[_]) =
        if cfg!(miri) { (&[3], &[17]) } else { (&[1, 2, 3, 7, 15], &[1, 7, 8, 16, 100, 9000]) };
    for &threads in threads {
        sizes.iter().for_each(|&n| with_idle_magazines(n, threads));
    }
}

/// `threads` threads take and give back at the same time; together they have `n` slots at most.
fn at_once(n: usize, threads: usize) {
    let pool = &SyncPool::bounded(n);
    let start = &Barrier::new(threads);
    thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                let share = n / threads + usize::from(thread < n % threads);
                let mut rng = fastrand::Rng::with_seed(thread as u64);
                let mut held = Vec::new();
                start.wait();
                for _ in 0..rounds(20, 3) {
                    while held.len() < share {
                        let made = pool.try_alloc(Words::<1>::new(rng.u64(..)));
                        held.push(made.expect("fewer than `n` values live"));
                    }
                    rng.shuffle(&mut held);
                    held.truncate(rng.usize(..=share));
                }
            });
        }
    });
    check_quiet(pool);
}

#[test]
fn the_last_slots_are_found_by_threads_that_want_them_at_once() {
    let (threads, sizes): (&[_], &[_]) =
        if cfg!(miri) { (&[3], &[3, 17]) } else { (&[2, 3, 16], &[16, 33, 200, 3000]) };
    for &threads in threads {
        sizes.iter().for_each(|&n| at_once(n, threads));
    }
}

#[test]
fn a_memory_pool_has_its_blocks_for_any_thread() {
    let n = size(5000, 20);
    let pool = &SyncMemoryPool::new(24, n).unwrap();
    for _ in 0..size(3, 2) {
        thread::scope(|scope| {
            let used = scope.spawn(|| {
                let blocks: Vec<_> = (0..n).map_while(|_| pool.allocate()).collect();
                assert_eq!(blocks.len(), n);
                for block in blocks {
                    // SAFETY: 1. the block came from this pool and is not used any more. 2. It is
                    // occupied.
                    assert_eq!(unsafe { pool.try_deallocate(block) }, Ok(()));
                }
            });
            used.join().unwrap();
        });
        assert!(pool.is_empty());
        pool.check_invariants();
    }
    assert_eq!(pool.capacity(), n);
}

#[test]
fn slots_beside_the_capacity_are_those_of_magazines() {
    if !is_alone("sync_capacity::slots_beside_the_capacity_are_those_of_magazines") {
        return;
    }
    let n = 80;
    let pool = &SyncPool::bounded(n);
    assert_eq!(pool.reserved_slots(), n);
    // An eighth of the capacity for each thread, which is there as long as the pool.
    drop(pool.alloc(0));
    assert_eq!(pool.reserved_slots(), n + 10);
    let other = || drop(pool.alloc(0));
    thread::scope(|scope| scope.spawn(other).join().unwrap());
    assert_eq!(pool.reserved_slots(), n + 20);
    // This thread can have all but the slot that the other has left in its magazine, and the nine
    // that came with it.
    let held: Vec<_> = std::iter::from_fn(|| pool.try_alloc(0).ok()).collect();
    assert!((n..=n + 20).contains(&held.len()) && pool.is_full());
    assert_eq!((pool.len(), pool.capacity()), (held.len(), n));
    drop(held);
    check_quiet(pool);
}

#[test]
fn the_peak_leaves_out_what_magazines_of_other_threads_hold() {
    let (n, most) = (size(4000, 100), 1023);
    let pool = &SyncPool::new();
    // This thread has its number before the other, whose magazine stays as it is.
    drop(pool.alloc(Words::<2>::new(0)));
    let hold = |count| (0..count).map(|id| pool.alloc(Words::new(id as u64))).collect::<Vec<_>>();
    thread::scope(|scope| scope.spawn(|| drop(hold(n / 10))).join().unwrap());
    let held = hold(n);
    let peak = pool.stats().peak_len;
    assert!((n.saturating_sub(most)..=n + most).contains(&peak), "{peak}, but there are {n}");
    drop(held);
    check_quiet(pool);
}

/// As many threads at a time as this have a magazine.
const NUMBERS: usize = 4 * usize::BITS as usize;

#[test]
#[cfg_attr(miri, ignore = "hundreds of threads take the interpreter long")]
fn more_threads_than_have_magazines() {
    // The threads of other tests are not to go without a magazine for this.
    if !is_alone("sync_capacity::more_threads_than_have_magazines") {
        return;
    }
    let (threads, each) = (NUMBERS + 50, 3);
    let n = threads * each;
    for pool in [&SyncPool::bounded(n), &SyncPool::new()] {
        let all = &Barrier::new(threads + 1);
        thread::scope(|scope| {
            for thread in 0..threads {
                scope.spawn(move || {
                    for _ in 0..3 {
                        let make = |id| pool.alloc(Words::<3>::new((thread * each + id) as u64));
                        let mut held: Vec<_> = (0..each).map(make).collect();
                        all.wait();
                        all.wait();
                        held.truncate(1);
                        let clone = pool.alloc(Words::new(held[0].id()));
                        drop((held, clone));
                        all.wait();
                    }
                });
            }
            for _ in 0..3 {
                all.wait();
                assert_eq!(pool.len(), n);
                pool.check_invariants();
                all.wait();
                all.wait();
            }
        });
        check_quiet(pool);
        let beside = pool.reserved_slots() - pool.capacity();
        assert!(beside <= NUMBERS * n.div_ceil(8), "{beside} slots beside the capacity");
    }
}

#[test]
fn threads_that_come_and_go_do_not_make_a_pool_grow() {
    if !is_alone("sync_capacity::threads_that_come_and_go_do_not_make_a_pool_grow") {
        return;
    }
    let (threads, live) = (size(8, 2), size(100, 20));
    let growing = SyncPool::new();
    let bounded = SyncPool::bounded(threads * live);
    for pool in [&growing, &bounded] {
        let mut reserved = 0;
        for generation in 0..rounds(250, 3) {
            let all = &Barrier::new(threads);
            thread::scope(|scope| {
                let spawn = |_| {
                    scope.spawn(move || {
                        all.wait();
                        let held: Vec<_> =
                            (0..live).map(|id| pool.alloc(Words::<8>::new(id as u64))).collect();
                        // The first threads of a generation have ended when the next begins, and
                        // none sooner: as many numbers are used.
                        all.wait();
                        drop(held);
                    })
                };
                let running: Vec<_> = (0..threads).map(spawn).collect();
                // The end of a scope does not wait for what a thread does last, but this does.
                running.into_iter().for_each(|thread| thread.join().unwrap());
            });
            if generation == 0 {
                reserved = pool.reserved_slots();
            }
        }
        assert_eq!(pool.reserved_slots(), reserved, "those that came later found all they needed");
        check_quiet(pool);
    }
}

#[test]
fn a_thread_that_only_frees_does_not_make_a_pool_grow() {
    let in_flight = size(64, 8);
    let growing = SyncPool::new();
    let bounded = SyncPool::bounded(in_flight + 2);
    for pool in [&growing, &bounded] {
        let (sender, receiver) = mpsc::sync_channel(in_flight);
        thread::scope(|scope| {
            // One is in the hand of each thread beside those between them.
            scope.spawn(move || receiver.into_iter().for_each(drop));
            for id in 0..rounds(100_000, 60) as u64 {
                sender.send(pool.try_alloc(Words::<8>::new(id)).expect("a vacant slot")).unwrap();
            }
            drop(sender);
        });
        check_quiet(pool);
        // A magazine each, what is in flight, and at most as much again since memory is reserved in
        // larger pieces each time.
        let reserved = pool.reserved_slots();
        assert!(reserved <= 2 * (2 * 1023 + in_flight + 2), "{reserved} slots");
    }
}
