//! Pools that live long, and are shared by threads:
//!
//! - Figures are exact when all is quiet, whichever threads used the pool, and no nonsense before.
//! - `trim` takes no slot from others: a pool that is bounded by `n` refuses none of `n` values
//!   meanwhile. Values are as they were afterwards, and pages go back where the system takes them.
//! - Slots are spilled into chunks that lie where released ones lay as into any.
//! - Handles move to denser places on several threads at once, and nor does that take slots from
//!   others.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use typed_pool::{PoolBox, SyncPool};

use crate::support::{CHUNK_ALIGN, GIVES_PAGES_BACK};
use crate::sync_support::{Words, check_quiet, rounds, size};

/// Runs `work` on three threads while this one runs `meanwhile`, time and again, till they end.
fn while_threads(work: impl Fn(u64) + Sync, mut meanwhile: impl FnMut()) {
    let working = AtomicBool::new(true);
    let (work, working) = (&work, &working);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..3).map(|seed| scope.spawn(move || work(seed))).collect();
        scope.spawn(move || {
            threads.into_iter().for_each(|thread| thread.join().expect("no thread panics"));
            working.store(false, Relaxed);
        });
        while working.load(Relaxed) {
            meanwhile();
        }
    });
}

#[test]
fn figures_are_no_nonsense_while_threads_work_and_exact_after() {
    let pool = &SyncPool::<Words<4>>::new();
    let most = size(3000, 30);
    let work = |seed| {
        let mut rng = fastrand::Rng::with_seed(seed);
        for _ in 0..rounds(50, 2) {
            let held: Vec<_> =
                (0..rng.usize(1..most)).map(|id| pool.alloc(Words::new(id as u64))).collect();
            drop(held);
        }
    };
    while_threads(work, || {
        let stats = pool.stats();
        assert!(
            stats.chunks == stats.occupancy.iter().sum::<usize>() && stats.len <= stats.capacity
        );
        assert!(stats.peak_len <= stats.capacity);
        let chunks = pool.chunks();
        assert!(chunks.len() >= stats.chunks, "chunks stay");
        assert!(chunks.into_iter().all(|chunk| chunk.occupied() <= chunk.slots()));
    });
    check_quiet(pool);
    let stats = pool.stats();
    assert_eq!((stats.len, stats.occupancy[0]), (0, stats.chunks));
    // A magazine for each thread, which may have been full or empty.
    assert!(stats.peak_len <= 3 * most + 4 * 1023);
    assert!(stats.peak_len > 0);
}

#[test]
fn trim_takes_no_slot_from_others() {
    for n in [3, 7, 30, size(3000, 60)] {
        let pool = &SyncPool::bounded(n);
        let work = |seed| {
            let mut rng = fastrand::Rng::with_seed(seed);
            let mut held = Vec::new();
            for _ in 0..rounds(if n < 100 { 200 } else { 20 }, 2) {
                while held.len() < n / 3 {
                    let made = pool.try_alloc(Words::<64>::new(rng.u64(..)));
                    held.push(made.expect("fewer than `n` values live"));
                    assert!(!pool.is_full() || pool.len() >= n / 3);
                }
                rng.shuffle(&mut held);
                held.truncate(rng.usize(..=n / 3));
            }
        };
        while_threads(work, || {
            pool.trim();
        });
        check_quiet(pool);
        assert_eq!(pool.capacity(), n);
    }
}

#[test]
fn relocation_takes_no_slot_from_others() {
    let rounds = rounds(20_000, 20);
    let pool = &SyncPool::bounded(2);
    thread::scope(|scope| {
        let mut held = pool.alloc(Words::<1>::new(1));
        scope.spawn(move || (0..rounds).for_each(|_| assert!(!PoolBox::relocate(&mut held))));
        for _ in 0..rounds {
            assert!(pool.try_alloc(Words::new(7)).is_ok(), "one of two values lives");
        }
    });
    check_quiet(pool);
    // Values so large that each has a chunk of its own, of which the first is vacant now and then.
    // With the feature `hardened` each byte of such a slot is written to when it becomes vacant.
    let rounds = if cfg!(feature = "hardened") { rounds / 20 } else { rounds };
    let pool = &SyncPool::<[u8; 300_000]>::bounded(3);
    thread::scope(|scope| {
        let (first, mut held) =
            (pool.alloc_with(|| [1; 300_000]), pool.alloc_with(|| [2; 300_000]));
        drop(first);
        scope.spawn(move || {
            for _ in 0..rounds / 100 {
                PoolBox::relocate(&mut held);
                assert!(held[0] == 2 && held[299_999] == 2);
            }
        });
        for _ in 0..rounds {
            let slots = [pool.try_alloc_uninit(), pool.try_alloc_uninit()];
            assert!(slots.iter().all(Result::is_ok), "one of three values lives");
        }
    });
    check_quiet(pool);
}

#[test]
fn what_is_taken_to_give_pages_back_does_not_live() {
    let pool = &SyncPool::<Words<8>>::new();
    let most = size(20_000, 50);
    let work = |seed| {
        if seed == 0 {
            for _ in 0..rounds(20, 2) {
                drop((0..most).map(|id| pool.alloc(Words::new(id as u64))).collect::<Vec<_>>());
            }
        }
    };
    while_threads(work, || {
        pool.trim();
    });
    // The magazines of two threads, full or empty.
    assert!(pool.stats().peak_len <= most + 2 * 1023, "{}", pool.stats());
    check_quiet(pool);
}

#[test]
fn trim_gives_pages_back_and_leaves_values_as_they_are() {
    let count = size(100_000, 300) as u64;
    for pool in [SyncPool::new(), SyncPool::bounded(count as usize)] {
        let mut held: Vec<_> = (0..count).map(|id| pool.alloc(Words::<8>::new(id))).collect();
        held.retain(|value| value.id() % 1000 == 0);
        let released = pool.trim();
        pool.check_invariants();
        let bytes = count as usize * size_of::<Words<8>>();
        // A value in each fourth page or so keeps it, and so does this thread's last magazine.
        // Of a chunk of 16 KiB, the two pages in the middle hold nothing but slots.
        let least = if CHUNK_ALIGN > 16 << 10 { bytes / 2 } else { bytes / 3 };
        assert!(!GIVES_PAGES_BACK || released > least, "{released} of {bytes}");
        assert_eq!(pool.trim(), 0, "what has gone is not given back twice");
        held.extend((0..count - held.len() as u64).map(|id| pool.alloc(Words::new(id))));
        assert_eq!(pool.len(), count as usize);
    }
}

#[test]
fn slots_go_back_into_chunks_that_lie_where_others_lay() {
    let mut pool = SyncPool::new();
    let mut rng = fastrand::Rng::with_seed(1);
    let mut seen = BTreeSet::new();
    let mut again = 0;
    for _ in 0..size(20, 4) {
        // More than a magazine holds, so that most are spilled.
        let mut held: Vec<_> =
            (0..size(10_000, 1100) as u64).map(|id| pool.alloc(Words::<4>::new(id))).collect();
        again += held.iter().filter(|value| !seen.insert((&raw const ***value).addr())).count();
        rng.shuffle(&mut held);
        held.iter().for_each(|value| value.check());
        drop(held);
        check_quiet(&pool);
        pool.shrink_to_fit();
        assert_eq!((pool.capacity(), pool.stats().chunks), (0, 0));
    }
    // What watches over memory hands it out again late, if at all.
    let watched = cfg!(any(miri, typed_pool_sanitize));
    assert!(again > 0 || watched, "an allocator mostly uses again what it has just got back");
}

#[test]
fn handles_move_on_several_threads_at_once() {
    let pool = &SyncPool::new();
    let count = size(30_000, 100);
    let kept: Vec<Vec<_>> = (0..3_usize)
        .map(|thread| {
            let held: Vec<_> =
                (0..count).map(|id| pool.alloc(Words::<8>::new(id as u64))).collect();
            held.into_iter().skip(thread).step_by(40).collect()
        })
        .collect();
    let before = pool.stats();
    thread::scope(|scope| {
        for mut held in kept {
            scope.spawn(move || {
                let ids: Vec<_> = held.iter().map(|value| value.id()).collect();
                let mut moved = 0;
                for _ in 0..3 {
                    moved += held.iter_mut().map(PoolBox::relocate).filter(|moved| *moved).count();
                }
                held.iter().for_each(|value| value.check());
                assert!(held.iter().map(|value| value.id()).eq(ids));
                assert!(moved > 0 || cfg!(miri));
            });
        }
    });
    check_quiet(pool);
    assert!(pool.is_empty() && pool.stats().chunks == before.chunks);
}
