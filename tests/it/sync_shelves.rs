//! What a thread has laid by, beside its magazine, is there for all:
//!
//! - A pool that is bounded by `n` refuses none of `n` values, and a growing one grows by no more
//!   than magazines hold, though another thread has laid most slots by, and sleeps or has ended.
//! - Such slots are vacant in figures, and as blocks that are given back twice.
//! - `trim` gives their pages back, values move there, and `shrink_to` gives their chunks back.
//! - Threads that lay slots by and take those of others at the same time share none and lose none.

use std::sync::{Barrier, mpsc};
use std::thread;

use typed_pool::{InvalidFree, PoolBox, SyncMemoryPool, SyncPool};

use crate::support::GIVES_PAGES_BACK;
use crate::sync_support::{Handle, Words, check_quiet, rounds, size};

/// Half a kilobyte.
type Large = Words<64>;

/// The number of values. The magazine of a pool that is bounded by as many has room for an eighth
/// of them, the batches beside it for fourteen sixteenths: together for all.
const MANY: usize = if cfg!(miri) { 64 } else { 880 };

/// Lays slots by: takes and gives back as many as `count`, and again.
fn lay_by(pool: &SyncPool<Large>, count: usize) {
    for _ in 0..2 {
        drop((0..count as u64).map(|id| pool.alloc(Words::new(id))).collect::<Vec<_>>());
    }
}

/// Runs `meanwhile` while a thread that has done `before` sleeps, which ends after it, also where
/// that panics.
fn with_sleeper(before: impl FnOnce() + Send, meanwhile: impl FnOnce()) {
    let (asleep, is_asleep) = mpsc::channel();
    thread::scope(|scope| {
        let (awake, is_awake) = mpsc::channel::<()>();
        scope.spawn(move || {
            before();
            asleep.send(()).expect("the other thread waits");
            let _ = is_awake.recv();
        });
        is_asleep.recv().expect("the thread comes to sleep");
        meanwhile();
        drop(awake);
    });
}

/// Takes as many values as `count`, each of which there is a slot for.
fn fill(pool: &SyncPool<Large>, count: usize) -> Vec<Handle<'_, Large>> {
    let mut held = Vec::with_capacity(count);
    for id in 0..count as u64 {
        held.push(pool.try_alloc(Words::new(id)).expect("a vacant slot"));
    }
    held
}

#[test]
fn what_is_laid_by_is_there_for_other_threads() {
    for n in [8, 17, MANY] {
        let pool = &SyncPool::bounded(n);
        with_sleeper(
            || lay_by(pool, n),
            || {
                let held = fill(pool, n);
                assert_eq!((pool.len(), pool.capacity()), (n, n));
                drop(held);
                check_quiet(pool);
            },
        );
        // This thread has laid slots by, too.
        thread::scope(|scope| scope.spawn(|| drop(fill(pool, n))).join().unwrap());
        check_quiet(pool);
    }
}

#[test]
fn parts_of_batches_are_there_for_other_threads() {
    // The first refills of a thread take less than the other has laid by at once.
    let n = if cfg!(miri) { 128 } else { 8000 };
    let pool = &SyncPool::bounded(n);
    let take = || (0..n).map(|id| pool.alloc(id)).collect::<Vec<_>>();
    with_sleeper(
        || (0..2).for_each(|_| drop(take())),
        || {
            let held = take();
            assert!(held.iter().enumerate().all(|(id, value)| **value == id));
            drop(held);
            check_quiet(pool);
        },
    );
}

#[test]
fn what_is_laid_by_does_not_make_a_pool_grow() {
    let pool = &SyncPool::new();
    let magazine = 128;
    with_sleeper(
        || lay_by(pool, MANY),
        || {
            let before = pool.capacity();
            drop(fill(pool, MANY));
            // By a magazine, which the last chunk goes beyond.
            let chunk = pool.chunks().map(|chunk| chunk.slots()).max().unwrap();
            assert!(
                pool.capacity() <= before + magazine + chunk,
                "{before} to {}",
                pool.capacity()
            );
        },
    );
    check_quiet(pool);
}

#[test]
fn what_is_laid_by_is_vacant() {
    let pool = &SyncPool::new();
    with_sleeper(
        || lay_by(pool, MANY),
        || {
            let stats = pool.stats();
            assert_eq!((stats.len, stats.occupancy[0]), (0, stats.chunks));
            assert!(pool.chunks().all(|chunk| chunk.occupied() == 0));
            check_quiet(pool);
        },
    );
    let pool = &SyncMemoryPool::new(512, MANY).unwrap();
    let take = || std::iter::from_fn(|| pool.allocate()).collect::<Vec<_>>();
    for _ in 0..2 {
        let blocks = take();
        for &block in &blocks {
            // SAFETY: 1. the block came from this pool and is not used any more. 2. It is
            // occupied.
            unsafe { pool.deallocate(block) };
        }
        for block in blocks {
            // SAFETY: 1. as above. 2. It is vacant, and found to be.
            assert_eq!(unsafe { pool.try_deallocate(block) }, Err(InvalidFree::Vacant));
        }
    }
    assert!(pool.is_empty());
    assert!(take().len() >= MANY);
}

#[test]
fn pages_of_what_is_laid_by_go_back() {
    let pool = &SyncPool::bounded(MANY);
    with_sleeper(
        || lay_by(pool, MANY),
        || {
            let released = pool.trim();
            // All but what the magazine of the other keeps: half of the rest is more than there
            // would be in bitmaps.
            let least = (MANY - MANY / 8) * size_of::<Large>() / 2;
            assert!(!GIVES_PAGES_BACK || released > least, "{released} bytes");
            check_quiet(pool);
            drop(fill(pool, MANY));
        },
    );
    check_quiet(pool);
}

#[test]
fn values_move_to_what_is_laid_by() {
    // A chunk has room for 8 of them, or one.
    type Huge = [u8; 30_000];
    let pool = &SyncPool::<Huge>::bounded(64);
    let take =
        |count: u8| (0..count).map(|id| pool.alloc_with(|| [id; 30_000])).collect::<Vec<_>>();
    let (send, receive) = mpsc::channel();
    // All slots below that of the last value are laid by, or in the magazine of that thread. This
    // one has none.
    let lay_by = || {
        let mut held = take(64);
        send.send(held.pop()).expect("the other thread waits");
        drop(held);
        drop(take(63));
    };
    with_sleeper(lay_by, || {
        let mut last = receive.recv().unwrap().unwrap();
        let before = (&raw const *last).addr();
        assert!(PoolBox::relocate(&mut last));
        assert_ne!((&raw const *last).addr(), before);
        assert!(last.iter().all(|&byte| byte == 63));
        pool.check_invariants();
    });
    check_quiet(pool);
}

#[test]
fn chunks_of_what_is_laid_by_go_back() {
    let mut pool = SyncPool::new();
    with_sleeper(|| lay_by(&pool, MANY), || ());
    assert!(pool.stats().chunks > 0);
    pool.shrink_to_fit();
    assert_eq!((pool.stats().chunks, pool.capacity()), (0, 0));
    drop(fill(&pool, MANY));
    check_quiet(&pool);
}

#[test]
fn threads_that_lay_by_share_nothing() {
    let (threads, share) = (3, size(1500, 40));
    let pool = &SyncPool::bounded(threads * share);
    let start = &Barrier::new(threads + 1);
    thread::scope(|scope| {
        for seed in 0..threads {
            scope.spawn(move || {
                let mut rng = fastrand::Rng::with_seed(seed as u64);
                let mut held = Vec::new();
                start.wait();
                for _ in 0..rounds(100, 3) {
                    // What lives is the sum of shares at most, so nobody is refused.
                    held.extend(fill(pool, rng.usize(..=share - held.len())));
                    held.iter().for_each(|value| value.check());
                    held.truncate(rng.usize(..=held.len()));
                }
            });
        }
        start.wait();
        for _ in 0..rounds(20, 2) {
            pool.trim();
        }
    });
    check_quiet(pool);
    assert_eq!(pool.capacity(), threads * share);
}
