//! Everything at once, for as many seconds as `TYPED_POOL_SOAK_SECONDS` says, or for one:
//!
//! - Threads allocate, exchange, drop, leak nothing and end, and others take their places; no byte
//!   of any value changes, in whatever pool and behind whatever handle: of one size, of size
//!   classes, of raw blocks, as allocators, of handles that borrow their pool or keep it.
//! - Destructors panic in between, values are relocated, and pools are trimmed, compacted and made
//!   anew, or give chunks back by themselves.
//! - The memory of the process stays flat, where it has [`SETTLING`] seconds at least: it is looked
//!   at [`SAMPLES`] times, and what it takes in the second half of the time is, on average, not
//!   more than in the first by [`SLACK`], nor at its most by [`SLACK_AT_MOST`].
//! - When all is quiet, every pool is empty and whole.
//!
//! It is a program of its own, since no other test is to take memory meanwhile.
#![cfg(all(feature = "std", not(loom)))]

use std::env;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use typed_pool::{
    MemoryPool, OwnedPoolBox, Pool, PoolBox, SizeClassPool, SyncMemoryPool, SyncOwnedPoolBox,
    SyncPool, SyncSizeClassPool,
};

use crate::support::{Handle, Words};

#[path = "it/sync_support.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod support;

/// How many bytes the process may take more in the second half, on average: stacks and what the
/// system's allocator keeps for each thread come and go.
const SLACK: usize = 8 << 20;

/// And at its most.
const SLACK_AT_MOST: usize = 24 << 20;

/// How often the memory is looked at. A tenth of the looks, in which it rises, does not count.
const SAMPLES: u32 = 100;

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
    kept: Arc<SyncPool<Words<4>>>,
}

/// What they pass on to each other.
#[derive(Default)]
struct Exchange<'p> {
    growing: Mutex<Vec<Handle<'p, Words<6>>>>,
    texts: Mutex<Vec<PoolBox<'p, str, SyncMemoryPool>>>,
    /// Of the pool that is shared, and of others that only these keep.
    keeping: Mutex<Vec<SyncOwnedPoolBox<Words<4>>>>,
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
        match rng.u8(..11) {
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
            7 => {
                let others = Arc::new(SyncPool::new());
                let kept = if turn % 5 == 0 { &others } else { &shared.kept };
                let mut keeping = exchange.keeping.lock().unwrap();
                keeping.extend((0..50).map(|_| kept.alloc_owned(Words::new(turn))));
                let first = keeping.len().saturating_sub(400);
                let gone: Vec<_> = keeping.drain(..first).collect();
                drop(keeping);
                gone.iter().for_each(|value| value.check());
            }
            8 => {
                for value in own.iter_mut().rev().take(30) {
                    let place = PoolBox::as_ptr(value);
                    let moved = PoolBox::relocate(value);
                    assert_eq!(moved, place != PoolBox::as_ptr(value));
                }
                let more = few.last().map(|value: &Handle<'_, _>| PoolBox::pool(value));
                few.extend(more.and_then(|pool| pool.try_alloc(Words::new(turn)).ok()));
            }
            9 if turn % 10 == 0 => {
                shared.growing.trim();
                shared.bounded.trim();
                shared.classes.trim();
                assert!(shared.growing.stats().bytes_reserved > 0);
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
    #[cfg(feature = "allocator-api2")]
    {
        use allocator_api2::vec::Vec as VecIn;
        let mut numbers = VecIn::new_in(&shared.classes);
        numbers.extend(0..rng.u64(..20_000));
        assert!(numbers.iter().copied().eq(0..numbers.len() as u64));
    }
    alone(&mut rng);
    give_back(&mut rng);
}

/// What gives memory back: a pool that does so by itself, one that is compacted, and one that ends
/// with the last of the handles that keep it.
fn give_back(rng: &mut Rng) {
    let by_itself = Pool::builder().release_empty_chunks(true).build();
    let mut held: Vec<_> = (0..20_000).map(|id| by_itself.alloc(Words::<8>::new(id))).collect();
    let most = by_itself.stats().bytes_reserved;
    rng.shuffle(&mut held[15_000..]);
    held.truncate(1000);
    assert!(by_itself.stats().bytes_reserved < most / 2);
    let more = PoolBox::pool(&held[0]).alloc(Words::new(7));
    assert_eq!((more.id(), by_itself.len()), (7, 1001));

    let sparse = Pool::new();
    let mut held: Vec<_> = (0..20_000).map(|id| sparse.alloc(Words::<8>::new(id))).collect();
    rng.shuffle(&mut held);
    held.truncate(2000);
    PoolBox::relocate(&mut held[0]);
    let done = sparse.compact(&mut held);
    assert!(done.moved > 0 && done.bytes_released > 0);
    sparse.check_invariants();
    held.iter().for_each(|value| value.check());

    let kept = Rc::new(Pool::new());
    let mut keeping: Vec<OwnedPoolBox<_>> =
        (0..500).map(|id| kept.alloc_owned(Words::<5>::new(id))).collect();
    drop(kept);
    rng.shuffle(&mut keeping);
    keeping.truncate(10);
    assert_eq!(PoolBox::pool(&keeping[0]).len(), 10);
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

/// Compares what the process took in the halves of the time, where the system says it and that can
/// be told.
fn check_flat(samples: &[usize], seconds: u64) {
    let (first, second) = samples.split_at(samples.len() / 2);
    let first = &first[samples.len() / 10..];
    if second.is_empty() {
        return;
    }
    let mean = |half: &[usize]| half.iter().sum::<usize>() / half.len();
    let most = |half: &[usize]| half.iter().copied().max().unwrap_or_default();
    let (means, mosts) = ((mean(first), mean(second)), (most(first), most(second)));
    println!("resident in the first half, then in the second: {means:?} bytes, at most {mosts:?}");
    if seconds >= SETTLING {
        assert!(means.1 <= means.0 + SLACK, "on average {means:?}, looked at {samples:?}");
        assert!(mosts.1 <= mosts.0 + SLACK_AT_MOST, "at most {mosts:?}, looked at {samples:?}");
    }
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
        kept: Arc::new(SyncPool::new()),
    };
    let (stop, lives, mut samples) = (AtomicBool::new(false), AtomicU64::new(0), Vec::new());
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
            for number in 1..=SAMPLES {
                thread::sleep((time * number / SAMPLES).saturating_sub(start.elapsed()));
                samples.extend(resident());
            }
            stop.store(true, Relaxed);
        });
    }
    println!("{} lives", lives.load(Relaxed));
    check_flat(&samples, seconds);
    support::check_quiet(&shared.growing);
    support::check_quiet(&shared.bounded);
    support::check_quiet(&shared.kept);
    assert!(shared.classes.is_empty() && shared.blocks.is_empty());
    shared.classes.check_invariants();
    shared.blocks.check_invariants();
}
