//! Everything at once, for as many seconds as `TYPED_POOL_SOAK_SECONDS` says, or for one:
//!
//! - Threads allocate, exchange, drop, leak nothing and end, and others take their places; no byte
//!   of any value changes.
//! - Destructors panic in between, and pools are trimmed and made anew.
//! - The memory of the process stays flat, where it has [`SETTLING`] seconds at least: what it takes
//!   after a third of the time, it takes at the end, but for [`SLACK`].
//! - When all is quiet, every pool is empty and whole.
//!
//! It is a program of its own, since no other test is to take memory meanwhile.
#![cfg(all(feature = "std", not(loom)))]

use std::env;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use typed_pool::{
    MemoryPool, Pool, PoolBox, SizeClassPool, SyncMemoryPool, SyncPool, SyncSizeClassPool,
};

use crate::support::{Handle, Words};

#[path = "it/sync_support.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod support;

/// How many bytes the process may take more at the end: stacks and what the system's allocator
/// keeps for each thread come and go.
const SLACK: usize = 24 << 20;

/// How many seconds are too few to tell.
const SETTLING: u64 = 10;

const THREADS: usize = 4;

/// How many turns a thread lives.
const TURNS: u64 = 200;

/// What threads share.
struct Shared {
    growing: SyncPool<Words<6>>,
    bounded: SyncPool<Words<3>>,
    classes: SyncSizeClassPool,
    blocks: SyncMemoryPool,
}

/// What they pass on to each other.
#[derive(Default)]
struct Exchange<'p> {
    growing: Mutex<Vec<Handle<'p, Words<6>>>>,
    texts: Mutex<Vec<PoolBox<'p, str, SyncMemoryPool>>>,
}

/// A value whose destructor panics when it is told to.
struct Moody(u64, bool);

impl Drop for Moody {
    fn drop(&mut self) {
        if self.1 {
            resume_unwind(Box::new(self.0));
        }
    }
}

/// The bytes of memory that the process takes, where the system says it.
fn resident() -> Option<usize> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    Some(statm.split(' ').nth(1)?.parse::<usize>().ok()? * 4096)
}

/// One life of a thread.
fn live<'p>(shared: &'p Shared, exchange: &Exchange<'p>, seed: u64, stop: &AtomicBool) {
    let mut rng = Rng::with_seed(seed);
    let (mut own, mut few, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 0..TURNS {
        if stop.load(Relaxed) {
            break;
        }
        match rng.u8(..8) {
            0..3 => {
                own.extend((0..rng.usize(..60)).map(|_| shared.growing.alloc(Words::new(turn))));
            }
            3 => few.extend(shared.bounded.try_alloc(Words::new(turn)).ok()),
            4 => {
                let length = if turn % 100 == 0 { 50_000 } else { rng.usize(..3000) };
                rows.push(shared.classes.alloc_slice_fill_with(length, |at| at as u64 ^ seed));
            }
            5 => {
                let passed = own.split_off(own.len() / 2);
                let mut place = exchange.growing.lock().unwrap();
                let others = std::mem::replace(&mut *place, passed);
                drop(place);
                others.iter().for_each(|value| value.check());
            }
            6 => {
                let mut texts = exchange.texts.lock().unwrap();
                texts.push(shared.classes.alloc_str(&"ß".repeat(rng.usize(..200))));
                if texts.len() > 100 {
                    let all = std::mem::take(&mut *texts);
                    drop(texts);
                    assert!(all.iter().all(|text| text.chars().all(|letter| letter == 'ß')));
                }
            }
            _ => {
                let blocks: Vec<_> =
                    (0..rng.usize(..200)).filter_map(|_| shared.blocks.allocate()).collect();
                for block in blocks {
                    // SAFETY: 1. and 2. it came from this pool and is not used any more.
                    unsafe { shared.blocks.deallocate(block) };
                }
            }
        }
        rng.shuffle(&mut own);
        own.truncate(400);
        few.truncate(40);
        for row in rows.drain(rows.len().saturating_sub(20)..) {
            let mut row = row.iter().enumerate();
            assert!(row.all(|(at, found)| *found == at as u64 ^ seed));
        }
    }
    alone(&mut rng);
}

/// What a thread does with pools of its own.
fn alone(rng: &mut Rng) {
    let pool = Pool::new();
    let mut held: Vec<_> = (0..2000).map(|id| pool.alloc(Moody(id, rng.u8(..) == 0))).collect();
    rng.shuffle(&mut held);
    for handle in held.drain(..1500) {
        let moody = handle.1;
        assert_eq!(catch_unwind(AssertUnwindSafe(|| drop(handle))).is_err(), moody);
    }
    pool.trim();
    pool.check_invariants();
    held.iter_mut().for_each(|handle| handle.1 = false);
    drop(held);
    assert!(pool.is_empty());
    let classes = SizeClassPool::new();
    let rows: Vec<_> =
        (0..300).map(|length| classes.alloc_slice_copy(&vec![7_u8; length])).collect();
    drop(rows);
    classes.trim();
    assert_eq!(classes.stats().bytes_reserved, 0);
    let blocks = MemoryPool::new(rng.usize(1..1000), 1000).unwrap();
    assert!((0..1000).all(|_| blocks.allocate().is_some()));
    assert!(blocks.allocate().is_none());
}

#[test]
#[cfg_attr(miri, ignore = "takes as long as it takes")]
fn everything_at_once_leaves_the_memory_flat() {
    let seconds = env::var("TYPED_POOL_SOAK_SECONDS")
        .map_or(1, |seconds| seconds.parse().expect("TYPED_POOL_SOAK_SECONDS is a number"));
    let (start, time) = (Instant::now(), Duration::from_secs(seconds));
    let shared = Shared {
        growing: SyncPool::new(),
        bounded: SyncPool::bounded(100),
        classes: SyncSizeClassPool::new(),
        blocks: SyncMemoryPool::new(24, 1000).unwrap(),
    };
    let (stop, lives, mut early) = (AtomicBool::new(false), AtomicU64::new(0), None);
    {
        let exchange = Exchange::default();
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    while !stop.load(Relaxed) {
                        let seed = lives.fetch_add(1, Relaxed);
                        thread::scope(|life| {
                            life.spawn(|| live(&shared, &exchange, seed, &stop));
                        });
                    }
                });
            }
            thread::sleep(time / 3);
            early = resident();
            thread::sleep(time.saturating_sub(start.elapsed()));
            stop.store(true, Relaxed);
        });
    }
    let late = resident();
    println!("{} lives; resident: {early:?} bytes, then {late:?}", lives.load(Relaxed));
    if let (Some(early), Some(late), SETTLING..) = (early, late, seconds) {
        assert!(late <= early + SLACK, "the process grew from {early} to {late} bytes");
    }
    support::check_quiet(&shared.growing);
    support::check_quiet(&shared.bounded);
    assert!(shared.classes.is_empty() && shared.blocks.is_empty());
    shared.classes.check_invariants();
    shared.blocks.check_invariants();
}
