//! The pool and its upstream, a global allocator that counts and refuses on demand; hence a
//! program of its own.
//!
//! A bounded pool calls upstream only when it is made; a growing one once a chunk. A refusal at
//! any call is reported, loses nothing and leaves the pool usable. What was reserved goes back,
//! but for the memory of forgotten handles. Pools for many threads do the same, and call upstream
//! once more for each thread that uses them; one that is refused this does without a magazine.

#[path = "upstream/allocator.rs"]
mod allocator;
#[path = "upstream/spare.rs"]
mod spare;
#[expect(dead_code, reason = "the tests of `it` use what is not used here")]
#[path = "it/support.rs"]
mod support;

/// The pools for one thread.
#[path = "upstream"]
mod local {
    type Pool<T> = typed_pool::Pool<T>;
    type Shared<P> = std::rc::Rc<P>;
    type SizeClassPool = typed_pool::SizeClassPool;
    type PoolBox<'p, T> = typed_pool::PoolBox<'p, T, typed_pool::MemoryPool>;

    mod each_call;
    mod handles;
    mod size_class;

    /// Gives back what is vacant; returns the number of bytes.
    fn trim(pool: &mut SizeClassPool) -> usize {
        pool.trim()
    }

    /// Gives back what is vacant where that can be done while handles live.
    fn trim_under_handles(pool: &SizeClassPool) {
        pool.trim();
    }

    /// The same, of a typed pool.
    fn trim_typed<T>(pool: &Pool<T>) {
        pool.trim();
    }
}

/// The pools for many threads, here used by one.
#[cfg(feature = "std")]
#[expect(clippy::duplicate_mod, reason = "what they hold is held for both kinds of pools")]
#[path = "upstream"]
mod sync {
    type Pool<T> = typed_pool::SyncPool<T>;
    type Shared<P> = std::sync::Arc<P>;
    type SizeClassPool = typed_pool::SyncSizeClassPool;
    type PoolBox<'p, T> = typed_pool::PoolBox<'p, T, typed_pool::SyncMemoryPool>;

    mod each_call;
    mod handles;
    mod size_class;

    /// Gives back what is vacant; returns the number of bytes.
    fn trim(pool: &mut SizeClassPool) -> usize {
        pool.shrink_to_fit()
    }

    /// As [`trim`], of which there is none.
    fn trim_under_handles(_: &SizeClassPool) {}

    /// The same, of a typed pool.
    fn trim_typed<T>(_: &Pool<T>) {}
}

use core::mem;

use typed_pool::{MemoryPool, Pool, PoolBox, PoolError};
#[cfg(feature = "std")]
use typed_pool::{SyncMemoryPool, SyncPool};

#[cfg(feature = "std")]
use crate::allocator::granted_yet;
use crate::allocator::{bytes, calls, with_grants, with_largest};
#[cfg(feature = "std")]
use crate::support::Counted;
use crate::support::{CHUNK_ALIGN, Tally, stride_of};

#[test]
fn a_memory_pool_calls_upstream_only_when_it_is_made() {
    let pool = MemoryPool::new(32, 30_000).unwrap();
    let before = calls();
    let mut blocks = Vec::with_capacity(pool.capacity());
    let reserved = calls();
    for round in 0..3 {
        while let Some(block) = pool.allocate() {
            blocks.push(block);
        }
        assert!(pool.allocate().is_none());
        for block in blocks.drain(..).skip(round) {
            // SAFETY: the block came from this pool and is not used any more.
            assert_eq!(unsafe { pool.try_deallocate(block) }, Ok(()));
        }
    }
    assert_eq!((calls(), reserved), (reserved, before + 1));
}

#[test]
fn a_bounded_pool_calls_upstream_only_when_it_is_made() {
    let tally = Tally::default();
    let pool = Pool::bounded(20_000);
    let mut handles = Vec::with_capacity(pool.capacity());
    let before = calls();
    for _ in 0..3 {
        (0..20_000).for_each(|i| handles.push(pool.alloc(tally.value(i))));
        assert!(pool.try_alloc(tally.value(0)).is_err());
        handles.clear();
        pool.trim();
        pool.check_invariants();
        assert_eq!(tally.live(), 0);
    }
    assert_eq!(calls(), before);
}

#[test]
fn a_growing_pool_calls_upstream_once_a_chunk() {
    let tally = Tally::default();
    let pool = Pool::new();
    let mut handles = Vec::with_capacity(100_000);
    let before = calls();
    (0..100_000).for_each(|i| handles.push(pool.alloc(tally.value(i))));
    let chunks = pool.stats().chunks;
    // Three tables of chunks and the magazine grow by doubling, each ten times at most.
    assert!(calls() - before <= chunks + 40, "{} calls for {chunks} chunks", calls() - before);
    let before = calls();
    for _ in 0..10 {
        handles.truncate(50_000);
        (0..50_000).for_each(|i| handles.push(pool.alloc(tally.value(i))));
    }
    assert_eq!((calls(), tally.live()), (before, 100_000), "freed slots serve first");
    drop(handles);
    assert_eq!(tally.live(), 0);
}

#[test]
fn alternating_at_the_end_of_a_chunk_calls_upstream_once() {
    let pool = Pool::new();
    let mut handles = Vec::with_capacity(100_000);
    for _ in 0..20 {
        let chunks = pool.stats().chunks;
        while pool.stats().chunks == chunks {
            handles.push(pool.alloc([0_u64; 4]));
        }
        let before = calls();
        for _ in 0..3000 {
            drop(handles.pop());
            handles.push(pool.alloc([0_u64; 4]));
        }
        assert_eq!(calls(), before);
    }
}

#[test]
fn memory_is_little_more_than_the_values() {
    fn ratio<const N: usize>(count: usize) -> f64 {
        let before = bytes();
        let pool = Pool::<[u8; N]>::with_capacity(count);
        let made = bytes() - before;
        let handles: Vec<_> = (0..count).map(|_| pool.alloc_uninit()).collect();
        let vector = (handles.capacity() * size_of::<usize>()) as isize;
        assert_eq!(bytes() - before - vector, made, "no growth for what was asked for");
        drop(handles);
        made as f64 / (count * stride_of(N, 1)) as f64
    }
    let count = if cfg!(target_pointer_width = "64") { 1_000_000 } else { 200_000 };
    let limit = if cfg!(target_pointer_width = "64") { 1.03 } else { 1.1 };
    assert!(ratio::<1>(count) < 1.2);
    assert!(ratio::<8>(count) < limit);
    assert!(ratio::<32>(count) < limit);
    assert!(ratio::<64>(count) < limit);
    assert!(ratio::<256>(count) < limit);
    assert!(ratio::<1024>(count) < limit);
}

#[test]
fn a_small_pool_reserves_little() {
    let before = bytes();
    let pool = Pool::new();
    let handles = core::array::from_fn::<_, 10, _>(|i| pool.alloc([i; 8]));
    assert!(bytes() - before <= 8192, "{} bytes for ten small values", bytes() - before);
    drop(handles);
}

#[test]
#[cfg(feature = "std")]
fn a_thread_that_takes_little_or_frees_nothing_has_little_beside() {
    for count in [150, 5000] {
        let before = bytes();
        let pool = SyncPool::new();
        let handles: Vec<_> = (0..count).map(|id| pool.alloc(id)).collect();
        let room = handles.capacity() * size_of_val(&handles[0]);
        // The pool, a magazine and what it is in; not the 56 KiB of batches.
        let beside = bytes() - before - (pool.stats().bytes_reserved + room) as isize;
        assert!(beside <= 32 << 10, "{beside} bytes");
    }
}

#[test]
fn a_pool_that_cannot_be_made_says_so_and_keeps_nothing() {
    let before = bytes();
    let mut refused = 0;
    for granted in 0.. {
        let made = with_grants(granted, || MemoryPool::new(32, 100_000));
        match made {
            Ok(pool) => {
                assert_eq!(pool.capacity(), 100_000);
                break;
            }
            Err(PoolError::OutOfMemory { bytes }) => assert!(bytes > 0),
            Err(error) => panic!("{error}"),
        }
        assert_eq!(bytes(), before, "after {granted} calls");
        assert!(with_grants(granted, || Pool::<u64>::try_bounded(100_000)).is_err());
        assert!(with_grants(granted, || Pool::<u64>::try_with_capacity(100_000)).is_err());
        assert_eq!(bytes(), before, "after {granted} calls");
        refused += 1;
    }
    assert!(refused >= 3, "the core, the reservation and the tables are asked for");
}

/// Unchecked upstream failure, of each request that a pool makes as it grows.
#[test]
fn an_allocation_that_upstream_refuses_gives_the_value_back() {
    let tally = Tally::default();
    let pool = Pool::new();
    let mut handles = Vec::with_capacity(200_000);
    let mut refusals = 0;
    while handles.len() < 100_000 {
        let id = handles.len() as u64;
        for granted in 0..4 {
            match with_grants(granted, || pool.try_alloc(tally.value(id))) {
                Ok(handle) => handles.push(handle),
                Err(error) => {
                    assert!(!error.is_full() && error.to_string().contains("upstream"));
                    assert_eq!(error.into_inner().id, id);
                    let len = handles.len();
                    assert!(with_grants(0, || pool.try_alloc_uninit()).is_err());
                    assert!(with_grants(0, || pool.try_alloc_with(|| tally.value(0))).is_err());
                    assert!(with_grants(0, || pool.try_reserve(100_000)).is_err());
                    assert_eq!((pool.len(), tally.live()), (len, len));
                    pool.check_invariants();
                    refusals += 1;
                    continue;
                }
            }
            break;
        }
    }
    assert!(refusals > pool.stats().chunks, "each chunk was refused at first");
    assert!(handles.iter().zip(0..).all(|(handle, id)| handle.id == id));
    handles.clear();
    assert_eq!((pool.len(), tally.live()), (0, 0));
}

#[test]
fn room_for_more_values_is_had_chunk_by_chunk() {
    let pool = Pool::<[u64; 8]>::new();
    let count = 20 * CHUNK_ALIGN / 64;
    assert_eq!(with_largest(CHUNK_ALIGN, || pool.try_reserve(count)), Ok(()));
    assert!(pool.capacity() >= count);
}

#[test]
fn a_reservation_that_fails_halfway_is_rolled_back() {
    let tally = Tally::default();
    let pool = Pool::new();
    let handles: Vec<_> = (0..1000).map(|i| pool.alloc(tally.value(i))).collect();
    let (capacity, held) = (pool.capacity(), pool.stats().bytes_reserved);
    for granted in 0..12 {
        if with_grants(granted, || pool.try_reserve(50_000)).is_err() {
            assert_eq!((pool.capacity(), pool.stats().bytes_reserved), (capacity, held));
            pool.check_invariants();
        }
    }
    pool.reserve(50_000);
    assert!(pool.capacity() >= 51_000 && handles.iter().zip(0..).all(|(v, i)| v.id == i));
    pool.check_invariants();
    drop(handles);
    assert_eq!(tally.live(), 0);
}

#[test]
fn dropping_a_pool_gives_everything_back() {
    let before = bytes();
    let tally = Tally::default();
    let pool = Pool::new();
    let bounded = Pool::bounded(30_000);
    for pool in [&pool, &bounded] {
        let handles: Vec<_> = (0..30_000).map(|i| pool.alloc(tally.value(i))).collect();
        drop(handles);
        PoolBox::leak(pool.alloc(tally.value(0)));
    }
    drop((pool, bounded));
    assert_eq!(bytes(), before, "leaked values do not keep their memory");
    assert_eq!(tally.live(), 2, "they are never dropped");
}

#[test]
fn forgotten_handles_keep_the_memory_of_their_values_alone() {
    let before = bytes();
    let tally = Tally::default();
    let pool = Pool::new();
    let mut handles: Vec<_> = (0..100_000).map(|i| pool.alloc(tally.value(i))).collect();
    mem::forget(handles.swap_remove(50_000));
    PoolBox::leak(handles.swap_remove(10));
    drop(handles);
    drop(pool);
    assert_eq!(tally.live(), 2, "neither is dropped");
    let kept = bytes() - before;
    assert!(kept > 0 && kept <= 256 << 10, "{kept} bytes for a value: more than its chunk");

    let before = bytes();
    let pool = Pool::bounded(100_000);
    let mut handles: Vec<_> = (0..100_000).map(|_| pool.alloc([0_u64; 4])).collect();
    mem::forget(handles.swap_remove(50_000));
    drop(handles);
    let held = pool.stats().bytes_reserved as isize;
    drop(pool);
    assert_eq!(bytes() - before, held, "the whole block of a bounded pool");

    let before = bytes();
    let pool = MemoryPool::new(32, 1000).unwrap();
    while pool.allocate().is_some() {}
    drop(pool);
    assert_eq!(bytes(), before, "a raw pool frees everything");
}

#[test]
fn trim_gives_back_what_it_says() {
    let tally = Tally::default();
    let pool = Pool::with_capacity(100_000);
    let before = bytes();
    let kept = pool.alloc(tally.value(1));
    let released = pool.trim();
    assert!(released > 0);
    assert_eq!(before - bytes(), released as isize);
    let stats = pool.stats();
    assert!(stats.upstream_releases > 0, "each chunk of a growing pool goes by itself");
    assert_eq!(stats.upstream_allocations - stats.upstream_releases, stats.chunks);
    assert_eq!((kept.id, tally.live()), (1, 1));
    drop(kept);
    assert_eq!(tally.live(), 0);
}

#[test]
#[cfg(feature = "std")]
fn a_bounded_pool_for_many_threads_calls_upstream_once_a_thread() {
    let tally = &Tally::default();
    let pool = &SyncPool::bounded(20_000);
    let fill = |least: usize| {
        let mut handles = Vec::with_capacity(pool.reserved_slots() + 2000);
        let before = calls();
        for _ in 0..3 {
            handles.extend(std::iter::from_fn(|| pool.try_alloc(tally.value(7)).ok()));
            assert!(handles.len() >= least && pool.try_alloc(tally.value(0)).is_err());
            handles.clear();
            pool.check_invariants();
        }
        calls() - before
    };
    // The magazine, what it is in, the slots that come with it, and the batches beside it; the
    // tables of chunks may move.
    let first = fill(20_000);
    assert!((3..=8).contains(&first), "{first} calls for a magazine");
    assert_eq!(fill(20_000), 0);
    std::thread::scope(|scope| {
        let other = scope.spawn(move || (fill(20_000), fill(20_000)));
        let (first, again) = other.join().unwrap();
        assert!((3..=8).contains(&first) && again == 0, "{first} calls, then {again}");
    });
    assert_eq!((pool.len(), tally.live()), (0, 0));
}

/// Uses a pool for many threads while only the next `granted` calls succeed, then while all do.
/// Returns how many more were granted.
#[cfg(feature = "std")]
fn use_while_granted<'t>(pool: &SyncPool<Counted<'t>>, tally: &'t Tally, granted: usize) -> usize {
    const COUNT: usize = 3000;
    let bounded = pool.capacity() == COUNT;
    // The room is made before anything is refused.
    let mut handles = Vec::with_capacity(COUNT);
    let mut refused = 0;
    let left = with_grants(granted, || {
        for id in 0..COUNT as u64 {
            match pool.try_alloc(tally.value(id)) {
                Ok(handle) => handles.push(handle),
                Err(error) => {
                    assert!(!error.is_full() && error.into_inner().id == id);
                    refused += 1;
                }
            }
            // A free in between, by way of the magazine or without.
            if id % 5 == 0 {
                handles.pop();
            }
        }
        let before = pool.capacity();
        let reserved = pool.try_reserve(before + 1);
        assert!(reserved.is_ok() || pool.capacity() == before);
        assert_eq!((pool.len(), tally.live()), (handles.len(), handles.len()));
        pool.check_invariants();
        granted_yet()
    });
    assert!(handles.is_sorted_by_key(|value| value.id));
    assert!(!bounded || refused == 0, "all that it needs it had from the start");
    // What was refused then is granted now.
    while handles.len() < COUNT {
        handles.push(pool.try_alloc(tally.value(1)).expect("upstream grants everything"));
    }
    handles.clear();
    assert_eq!((pool.len(), tally.live()), (0, 0));
    pool.check_invariants();
    left
}

/// Unchecked upstream failure, of each request that a pool for many threads makes.
#[test]
#[cfg(feature = "std")]
fn whichever_request_is_refused_a_pool_for_many_threads_stays_whole() {
    // Whatever this thread needs once is there before anything is refused.
    drop(SyncPool::new().alloc(1));
    let tally = &Tally::default();
    for make in [|| SyncPool::try_with_capacity(100), || SyncPool::try_bounded(3000)] {
        let before = bytes();
        let needed = (0..100).find(|granted| {
            let (made, left) = with_grants(*granted, || (make(), granted_yet()));
            let left = match &made {
                Ok(pool) => use_while_granted(pool, tally, left),
                Err(error) => {
                    assert!(matches!(error, PoolError::OutOfMemory { .. }));
                    0
                }
            };
            drop(made);
            assert_eq!(bytes(), before, "everything went back");
            left > 0
        });
        let needed = needed.expect("so many requests suffice");
        assert!(needed > 5, "{needed} requests: the core, its tables, memory, magazine");
    }
}

#[test]
#[cfg(feature = "std")]
fn a_thread_that_is_refused_a_magazine_does_without() {
    let pool = SyncMemoryPool::new(32, 1000).unwrap();
    let mut blocks = Vec::with_capacity(2000);
    with_grants(0, || {
        for _ in 0..3 {
            blocks.extend(std::iter::from_fn(|| pool.allocate()));
            assert_eq!((blocks.len(), pool.reserved_slots()), (1000, 1000));
            assert!(pool.is_full());
            for block in blocks.drain(..) {
                // SAFETY: the block came from this pool and is not used any more.
                unsafe { pool.deallocate(block) };
            }
            pool.check_invariants();
        }
    });
    // It gets one when there is memory again.
    assert!(pool.allocate().is_some() && pool.reserved_slots() > 1000);
}

#[test]
#[cfg(feature = "std")]
fn dropping_a_pool_for_many_threads_gives_everything_back() {
    let before = bytes();
    let mut growing = SyncPool::new();
    let bounded = SyncPool::bounded(3000);
    let blocks = SyncMemoryPool::new(32, 3000).unwrap();
    let tally = Tally::default();
    for pool in [&growing, &bounded] {
        let mut handles: Vec<_> = (0..3000).map(|i| pool.alloc(tally.value(i))).collect();
        PoolBox::leak(handles.swap_remove(7));
        assert!(blocks.allocate().is_some());
    }
    let held = bytes();
    let released = growing.shrink_to_fit();
    assert_eq!(held - bytes(), released as isize);
    drop((growing, bounded, blocks));
    assert_eq!(bytes(), before, "leaked values and occupied blocks do not keep their memory");
    assert_eq!(tally.live(), 2, "leaked values are never dropped");

    let pool = SyncPool::new();
    let mut handles: Vec<_> = (0..100_000).map(|i| pool.alloc(tally.value(i))).collect();
    mem::forget(handles.swap_remove(50_000));
    drop(handles);
    drop(pool);
    assert_eq!(tally.live(), 3, "nor is a forgotten one");
    let kept = bytes() - before;
    assert!(kept > 0 && kept <= 256 << 10, "{kept} bytes for a value: more than its chunk");

    let before = bytes();
    let pool = SyncPool::bounded(3000);
    mem::forget(pool.alloc([0_u64; 4]));
    let held = pool.stats().bytes_reserved as isize;
    drop(pool);
    assert_eq!(bytes() - before, held, "all chunks of a bounded pool");
}

/// Forms that return no error call `handle_alloc_error`, which ends the process: each is run in a
/// process of its own.
#[test]
#[cfg_attr(miri, ignore = "starts processes")]
fn forms_without_an_error_end_the_process_when_memory_runs_out() {
    const FORM: &str = "TYPED_POOL_TEST_FORM";
    const NAME: &str = "forms_without_an_error_end_the_process_when_memory_runs_out";
    type Form = fn(&Pool<u64>, &PoolBox<'_, u64>);
    let forms: [(&str, Form); 7] = [
        ("alloc", |pool, _| drop(pool.alloc(1))),
        ("alloc_with", |pool, _| drop(pool.alloc_with(|| 1))),
        ("alloc_uninit", |pool, _| drop(pool.alloc_uninit())),
        ("clone", |_, handle| drop(handle.clone())),
        ("reserve", |pool, _| pool.reserve(100_000)),
        ("new", |_, _| drop(Pool::<u64>::new())),
        ("bounded", |_, _| drop(Pool::<u64>::bounded(10))),
    ];
    if let Ok(chosen) = std::env::var(FORM) {
        let pool = Pool::<u64>::with_capacity(1);
        let handle = pool.alloc(7);
        let (_, form) = forms.iter().find(|(name, _)| *name == chosen).unwrap();
        with_grants(0, || form(&pool, &handle));
        return;
    }
    for (name, _) in forms {
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME, "--nocapture"])
            .env(FORM, name)
            .output()
            .unwrap();
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{name} returned");
        assert!(words.contains("memory allocation of"), "{name}: {words}");
    }
}
