//! Pools that live long, of one thread:
//!
//! - `trim` and `shrink_to` give back what is vacant, wherever it lies, and nothing else; what was
//!   forgotten or leaked stays.
//! - A pool that gives chunks back by itself does, whatever order values go in, never with the last
//!   chunk or what it was made with, and not to and fro.
//! - `compact` leaves no chunk that could be emptied by moving the values given; others stay where
//!   they are. `relocate` moves a value to a chunk in front.
//! - Moving calls nothing: there is no `T` in it that could panic, and `handles` is iterated
//!   before.
//! - Loops that erase and reinsert come back to where they began.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ptr::NonNull;
use std::rc::Rc;

use super::{Pool, PoolBox, SizeClassPool};
use crate::support::{CHUNK_ALIGN, GIVES_PAGES_BACK, Tally, panic_message, stride_of};

/// A number of values, cut where an interpreter runs the tests.
const fn many(count: usize) -> usize {
    if cfg!(miri) { count.div_ceil(2000) } else { count }
}

/// Asserts that no chunk could be emptied by moving values, all of which can be.
fn assert_compact<T>(pool: &Pool<T>) {
    let vacant: usize = pool.chunks().map(|chunk| chunk.slots() - chunk.occupied()).sum();
    for chunk in pool.chunks() {
        assert!(chunk.slots() > vacant, "{} slots, {vacant} vacant in all", chunk.slots());
    }
}

/// The orders in which values are freed.
#[derive(Clone, Copy, Debug)]
enum Order {
    LastFirst,
    FirstFirst,
    AtRandom,
}

#[test]
#[cfg_attr(miri, ignore = "fills chunks")]
fn trim_leaves_what_was_forgotten_or_leaked() {
    let pool = Pool::new();
    let mut values: Vec<_> = (0..100_000_u64).map(|number| pool.alloc(number)).collect();
    let forgotten = PoolBox::into_raw(values.swap_remove(10_000));
    let leaked = PoolBox::leak(values.swap_remove(90_000));
    drop(values);
    assert!(pool.trim() > 0);
    pool.check_invariants();
    assert_eq!((pool.len(), pool.stats().chunks), (2, 2));
    *leaked += 1;
    assert_eq!(*leaked, 90_000 + 1);
    assert_eq!(pool.compact([] as [&mut PoolBox<'_, u64>; 0]).moved, 0);
    assert_eq!(pool.trim(), 0);
    // SAFETY: the address came from `into_raw`, the pool lives, and there is no other handle.
    let found = unsafe { PoolBox::<u64>::from_raw(forgotten) };
    assert_eq!(*found, 10_000);
}

#[test]
fn shrink_to_keeps_as_many_slots_as_it_is_told() {
    for floor in [0, 1, 5000, 50_000, 99_999, 1_000_000] {
        let pool = Pool::<[u64; 8]>::with_capacity(100_000);
        let kept = pool.alloc([7; 8]);
        let before = pool.stats();
        let released = pool.shrink_to(floor);
        let after = pool.stats();
        pool.check_invariants();
        assert_eq!(before.bytes_reserved - after.bytes_reserved, released);
        assert!(after.capacity >= floor.min(before.capacity) && after.capacity >= 1);
        // What is above is less than a chunk, beside the one with the value.
        let chunk = pool.chunks().map(|chunk| chunk.slots()).max().unwrap();
        assert!(after.capacity < floor.min(before.capacity) + 2 * chunk, "{after:?}");
        assert_eq!(kept[7], 7);
    }
    let bounded = Pool::<u64>::bounded(1000);
    assert_eq!((bounded.shrink_to(0), bounded.shrink_to_fit(), bounded.capacity()), (0, 0, 1000));
}

#[test]
fn chunks_go_back_by_themselves() {
    for order in [Order::LastFirst, Order::FirstFirst, Order::AtRandom] {
        let pool = Pool::builder().release_empty_chunks(true).build();
        let mut values: Vec<_> = (0..many(300_000)).map(|_| pool.alloc([7_u64; 8])).collect();
        let full = pool.capacity();
        match order {
            Order::LastFirst => {}
            Order::FirstFirst => values.reverse(),
            Order::AtRandom => fastrand::Rng::with_seed(3).shuffle(&mut values),
        }
        for left in [many(100_000), many(10_000), many(1000), 0] {
            values.truncate(left);
            pool.check_invariants();
        }
        let stats = pool.stats();
        assert_eq!(stats.upstream_allocations - stats.upstream_releases, stats.chunks);
        // What lies in the magazine is not looked for.
        assert!(stats.chunks >= 1 && stats.capacity <= full.min(6000), "{order:?}: {stats}");
        assert!(pool.trim() > 0);
    }
}

#[test]
fn chunks_that_were_never_used_go_back_by_themselves() {
    let pool = Pool::builder().release_empty_chunks(true).build();
    let mut values: Vec<_> = (0..many(100_000)).map(|_| pool.alloc([7_u64; 8])).collect();
    pool.reserve(many(100_000));
    // No other chunk becomes vacant: a value stays in each.
    let mut chunks = BTreeSet::new();
    values.retain(|value| chunks.insert(PoolBox::as_ptr(value).addr() / CHUNK_ALIGN));
    pool.check_invariants();
    assert!(pool.chunks().all(|chunk| chunk.occupied() > 0) || cfg!(miri), "{}", pool.stats());
    assert_eq!(values.len(), chunks.len());
}

#[test]
#[cfg_attr(miri, ignore = "fills a chunk")]
fn a_short_chunk_goes_back_by_itself_though_a_full_one_stays() {
    let pool = Pool::builder().release_empty_chunks(true).build();
    let slots = || -> Vec<_> { pool.chunks().map(|chunk| chunk.slots()).collect() };
    pool.reserve(100_000);
    let full = slots()[0];
    pool.trim();
    pool.reserve(full + 50);
    assert_eq!(slots(), [full, 50]);
    let mut values: Vec<_> = (0..full + 50).map(|_| pool.alloc(7_u64)).collect();
    // Those in the short chunk first.
    while values.len() > 50 {
        values.pop();
    }
    pool.check_invariants();
    assert_eq!(slots(), [full]);
}

#[test]
fn chunks_stay_while_a_quarter_is_occupied_or_nobody_asked() {
    let pool = Pool::builder().release_empty_chunks(true).build();
    let mut values: Vec<_> = (0..many(300_000)).map(|_| pool.alloc([7_u64; 8])).collect();
    values.truncate(many(300_000) * 3 / 4);
    assert_eq!(pool.stats().upstream_releases, 0);
    values.truncate(many(300_000) / 2);
    let stats = pool.stats();
    assert!(cfg!(miri) || stats.upstream_releases > 0);
    assert!(stats.capacity >= values.len() + values.len() / 3);

    for asked in [Pool::builder(), Pool::builder().release_empty_chunks(false)] {
        let pool = asked.build();
        drop((0..many(300_000)).map(|_| pool.alloc([7_u64; 8])).collect::<Vec<_>>());
        assert_eq!(pool.stats().upstream_releases, 0);
    }
}

#[test]
fn what_a_pool_was_made_with_stays() {
    let count = many(100_000);
    let pool = Pool::builder().capacity(count).release_empty_chunks(true).build();
    for _ in 0..3 {
        drop((0..2 * count).map(|_| pool.alloc([7_u64; 8])).collect::<Vec<_>>());
        pool.check_invariants();
        let capacity = pool.capacity();
        // Where so few come and go, what is left of the growth is kept too.
        assert!(capacity >= count && (capacity < 2 * count || cfg!(miri)), "{}", pool.stats());
    }
    let bounded = Pool::builder().bounded(count).release_empty_chunks(true).build();
    drop((0..count).map(|_| bounded.alloc([7_u64; 8])).collect::<Vec<_>>());
    assert_eq!(bounded.capacity(), count);
}

#[test]
fn to_and_fro_calls_upstream_never() {
    let pool = Pool::builder().release_empty_chunks(true).build();
    let mut values: Vec<_> = (0..many(200_000)).map(|_| pool.alloc([7_u64; 4])).collect();
    // A falling number of values has given something back: what is there then is enough.
    values.truncate(many(100_000));
    for width in [1, 10, many(1000), many(10_000), values.len() / 5] {
        values.extend((0..width).map(|_| pool.alloc([7_u64; 4])));
        let calls = || (pool.stats().upstream_allocations, pool.stats().upstream_releases);
        let before = calls();
        for _ in 0..if cfg!(miri) { 3 } else { 50 } {
            values.truncate(values.len() - width);
            values.extend((0..width).map(|_| pool.alloc([7_u64; 4])));
        }
        assert_eq!(calls(), before, "{width} to and fro");
        values.truncate(many(100_000));
    }
}

#[test]
fn small_loads_that_come_and_go_call_upstream_no_more_than_once() {
    // Fewer than a full chunk holds.
    let full = CHUNK_ALIGN / 64;
    for most in [10, 100, many(full / 3), many(full * 3 / 4)] {
        let pool = Pool::builder().release_empty_chunks(true).build();
        let load = || drop((0..most).map(|_| pool.alloc([7_u64; 8])).collect::<Vec<_>>());
        load();
        let before = pool.stats().upstream_allocations;
        (0..if cfg!(miri) { 3 } else { 50 }).for_each(|_| load());
        assert_eq!(pool.stats().upstream_allocations, before, "{most} come and go");
    }
}

#[test]
fn a_small_load_finds_what_a_spike_has_left() {
    let pool = Pool::builder().release_empty_chunks(true).build();
    let mut values: Vec<_> = (0..many(300_000)).map(|_| pool.alloc([7_u64; 8])).collect();
    fastrand::Rng::with_seed(7).shuffle(&mut values);
    values.truncate(many(4000));
    let after_spike = pool.capacity();
    // What was left lies in every chunk. It ends bit by bit, while the load rises and falls.
    for _ in 0..if cfg!(miri) { 2 } else { 20 } {
        values.extend((0..many(3000)).map(|_| pool.alloc([7_u64; 8])));
        values.drain(..many(3000));
        pool.check_invariants();
    }
    assert!(cfg!(miri) || pool.capacity() < after_spike / 5, "{}", pool.stats());
}

#[test]
fn loops_that_erase_and_reinsert_come_back() {
    let tally = Tally::new();
    for gives_back in [false, true] {
        let pool = Pool::builder().release_empty_chunks(gives_back).build();
        let mut rng = fastrand::Rng::with_seed(11);
        let mut values: Vec<_> =
            (0..many(20_000) as u64).map(|id| pool.alloc(tally.value(id))).collect();
        let full = pool.capacity();
        for round in 0..if cfg!(miri) { 3 } else { 30 } {
            // Every other one, every third, ...: or at random.
            let step = round % 5 + 2;
            let mut numbers = 0..;
            values.retain(|_| match round % 2 {
                0 => numbers.next().is_some_and(|number| number % step == 0),
                _ => rng.usize(..step) == 0,
            });
            pool.check_invariants();
            let missing = many(20_000) - values.len();
            values.extend((0..missing as u64).map(|id| pool.alloc(tally.value(id))));
            pool.check_invariants();
            assert!(gives_back || pool.capacity() == full, "freed slots serve first");
        }
        while !values.is_empty() {
            values.truncate(values.len() / 2);
            pool.check_invariants();
        }
        assert_eq!((pool.len(), tally.live()), (0, 0));
        pool.trim();
        assert_eq!((pool.capacity(), pool.stats().bytes_reserved), (0, 0));
    }
}

#[test]
fn compaction_empties_what_can_be() {
    for (seed, kept) in [(1, 2), (2, 10), (3, 100), (4, 1000)] {
        let pool = Pool::new();
        let count = many(200_000) as u64;
        let mut values: Vec<_> = (0..count).map(|id| pool.alloc([id; 8])).collect();
        let mut rng = fastrand::Rng::with_seed(seed);
        values.retain(|_| rng.usize(..kept) == 0);
        rng.shuffle(&mut values);
        let expected: Vec<_> = values.iter().map(|value| **value).collect();
        let before = pool.stats();
        let done = pool.compact(&mut values);
        pool.check_invariants();
        let after = pool.stats();
        assert_eq!(before.chunks - after.chunks, done.chunks_released);
        assert_eq!(before.bytes_reserved - after.bytes_reserved, done.bytes_released);
        assert_eq!((done.foreign, after.len), (0, values.len()));
        assert!(values.iter().zip(&expected).all(|(value, expected)| **value == *expected));
        assert_compact(&pool);
        assert_eq!(pool.compact(&mut values).moved, 0, "there is nothing left to do");
        let more: Vec<_> = (0..count).map(|id| pool.alloc([id; 8])).collect();
        pool.check_invariants();
        drop((values, more));
        assert!(pool.is_empty());
    }
}

#[test]
#[cfg_attr(miri, ignore = "fills chunks")]
#[cfg_attr(target_pointer_width = "32", ignore = "chunks are of different lengths there")]
fn compaction_empties_the_sparsest_chunks() {
    // The share of its values that each chunk keeps: together they have room for those of one.
    for kept in [[90, 7, 85], [3, 90, 90], [80, 60, 50], [60, 50, 70]] {
        let pool = Pool::new();
        pool.reserve(3 * CHUNK_ALIGN / size_of::<[u64; 8]>());
        let full: Vec<_> = pool.chunks().take(3).map(|chunk| chunk.slots()).collect();
        let fill = |slots| -> Vec<_> { (0..slots).map(|id| pool.alloc([id; 8])).collect() };
        let mut chunks: Vec<_> = full.into_iter().map(fill).collect();
        chunks.iter_mut().zip(kept).for_each(|(held, kept)| held.truncate(held.len() * kept / 100));
        let sparsest = chunks.iter().map(Vec::len).min().unwrap();
        let done = pool.compact(chunks.iter_mut().flatten());
        pool.check_invariants();
        assert_eq!(done.moved, sparsest, "{kept:?}");
    }
}

#[test]
fn compaction_moves_nothing_but_what_it_is_given() {
    let (pool, other) = (Pool::new(), Pool::new());
    let count = many(100_000) as u64;
    let mut values: Vec<_> = (0..count).map(|id| pool.alloc([id; 8])).collect();
    values.retain(|value| value[0] % 20 == 0);
    let mut others: Vec<_> = (0..10).map(|id| other.alloc([id; 8])).collect();
    let forgotten = PoolBox::into_raw(values.swap_remove(values.len() / 2));
    let leaked = PoolBox::leak(values.swap_remove(values.len() / 3));
    let kept = values.swap_remove(values.len() / 4);
    let addresses = |values: &[PoolBox<'_, [u64; 8]>]| -> Vec<_> {
        values.iter().map(PoolBox::as_ptr).collect()
    };
    let (at, others_at) = (PoolBox::as_ptr(&kept), addresses(&others));
    let done = pool.compact(values.iter_mut().chain(&mut others));
    pool.check_invariants();
    other.check_invariants();
    assert_eq!((done.foreign, addresses(&others) == others_at), (10, true));
    assert_eq!((PoolBox::as_ptr(&kept), kept[0] % 20, leaked[0] % 20), (at, 0, 0));
    assert!(cfg!(miri) || done.moved > 0 && done.chunks_released > 0);
    assert!(values.iter().all(|value| value[0] % 20 == 0 && value[0] == value[7]));
    // SAFETY: the address came from `into_raw`, the pool lives, and there is no other handle.
    let found = unsafe { PoolBox::<[u64; 8]>::from_raw(forgotten) };
    assert_eq!(found[0] % 20, 0);
    drop((values, kept, found));
    assert_eq!((pool.len(), other.len()), (1, 10));
}

#[test]
fn chunks_that_cannot_be_emptied_are_left_alone() {
    let pool = Pool::new();
    let mut values: Vec<_> = (0..many(50_000)).map(|id| pool.alloc([id; 8])).collect();
    values.retain(|value| value[0] % 10 == 0);
    // Every tenth of those is held back: there are some in each chunk but the smallest.
    let held: Vec<_> = (0..values.len() / 10).rev().map(|n| values.swap_remove(10 * n)).collect();
    let sparse = pool.chunks().filter(|chunk| chunk.occupied() > 0).count();
    let done = pool.compact(&mut values);
    pool.check_invariants();
    assert!(done.moved <= 50, "{done:?}, of which all but {} chunks are kept", sparse);
    drop(held);
}

#[test]
fn compaction_of_a_bounded_pool_packs_its_values() {
    let count = many(50_000) as u64;
    let pool = Pool::bounded(count as usize);
    let mut values: Vec<_> = (0..count).map(|id| pool.alloc([id; 8])).collect();
    values.retain(|value| value[0] % 50 == 0);
    let done = pool.compact(&mut values);
    pool.check_invariants();
    assert_eq!((pool.capacity(), done.chunks_released), (count as usize, 0));
    let used = pool.chunks().filter(|chunk| chunk.occupied() > 0).count();
    let full = pool.chunks().map(|chunk| chunk.slots()).max().expect("there is a chunk");
    assert_eq!(used, values.len().div_ceil(full), "as few as have room for all of them");
    assert!(values.iter().all(|value| value[0] % 50 == 0 && value[0] == value[7]));
    if GIVES_PAGES_BACK {
        let size = size_of::<[u64; 8]>();
        // Of a chunk of 16 KiB, the two pages in the middle hold nothing but slots.
        let tenths = if CHUNK_ALIGN > 16 << 10 { 8 } else { 4 };
        assert!(done.bytes_released > (count as usize * size) / 10 * tenths, "{done:?}");
        assert_eq!(pool.trim(), 0, "what has gone is not given back twice");
    }
    values.extend((0..count - values.len() as u64).map(|id| pool.alloc([id; 8])));
    assert!(pool.is_full() && pool.try_alloc([0; 8]).is_err());
}

#[test]
fn handles_may_come_from_an_iterator_that_uses_the_pool_or_panics() {
    let pool = Pool::new();
    let count = if cfg!(miri) { 125 } else { 50_000 };
    let mut values: Vec<_> = (0..count).map(|id| pool.alloc(id)).collect();
    values.retain(|value| **value % 10 == 0);
    let len = values.len();
    let made = RefCell::new(Vec::new());
    let (pool, made) = (&pool, &made);
    let uses = |value| {
        made.borrow_mut().push(pool.alloc(1));
        pool.trim();
        value
    };
    pool.compact(values.iter_mut().map(uses));
    pool.check_invariants();
    assert_eq!((made.borrow().len(), pool.len()), (len, 2 * len));
    let panics = |value: &PoolBox<'_, u64>| assert!(**value < 100, "no more");
    let words = panic_message(|| pool.compact(values.iter_mut().inspect(|value| panics(value))));
    assert_eq!(words, "no more");
    pool.check_invariants();
    assert!(values.iter().all(|value| **value % 10 == 0));
}

#[test]
fn values_of_handles_that_keep_their_pool_move_too() {
    let pool = Rc::new(Pool::new());
    let mut values: Vec<_> = (0..many(50_000)).map(|id| pool.alloc_owned([id; 8])).collect();
    values.retain(|value| value[0] % 10 == 0);
    let last = values.last_mut().unwrap();
    assert!(typed_pool::PoolBox::relocate(last) || cfg!(miri));
    let done = pool.compact(&mut values);
    pool.check_invariants();
    assert!(cfg!(miri) || done.moved > 0 && done.chunks_released > 0);
    assert_eq!(Rc::strong_count(&pool), 1 + values.len(), "a value takes its count with it");
    drop(pool);
    assert!(values.iter().all(|value| value[0] % 10 == 0 && value[0] == value[7]));
}

#[test]
fn a_value_goes_to_a_chunk_in_front() {
    let pool = Pool::new();
    // More than the first chunk has room for.
    let count = if cfg!(miri) { 125 } else { 50_000 };
    let mut values: Vec<_> = (0..count).map(|id| pool.alloc([id; 8])).collect();
    let mut last = values.pop().unwrap();
    assert!(!PoolBox::relocate(&mut last), "no slot in front is vacant");
    // The slot of this one lies in the magazine, not in a bitmap.
    drop(values.swap_remove(0));
    let before = PoolBox::as_ptr(&last);
    assert!(PoolBox::relocate(&mut last));
    pool.check_invariants();
    assert!(PoolBox::as_ptr(&last) != before && last[0] == count - 1);
    assert!(!PoolBox::relocate(&mut last), "it lies in front");
    values.retain(|value| value[0] % 30 == 0);
    while values.iter_mut().filter_map(|value| PoolBox::relocate(value).then_some(())).count() > 0 {
    }
    pool.check_invariants();
    pool.trim();
    let full = pool.chunks().take_while(|chunk| chunk.occupied() == chunk.slots()).count();
    assert!(pool.chunks().len() <= full + 1, "the last chunk at most has a vacant slot");
    assert!(values.iter().skip(1).all(|value| value[0] % 30 == 0 && value[0] == value[7]));
}

/// Makes a handle of another type of a handle.
fn cast<'p, T, U: ?Sized>(
    handle: PoolBox<'p, T>,
    cast: fn(NonNull<T>) -> NonNull<U>,
) -> PoolBox<'p, U> {
    let raw = cast(PoolBox::into_raw(handle));
    // SAFETY: 1. and 2. the address just came from `into_raw`. 3. The lifetime is the same. 4. The
    // value is the same, and `cast` an unsizing coercion, as all here are.
    unsafe { PoolBox::from_raw(raw) }
}

#[test]
fn values_without_a_size_move_too() {
    let pool = Pool::new();
    let count = many(20_000) as u64;
    let values: Vec<_> = (0..count).map(|id| pool.alloc([id; 8])).collect();
    let kept = values.into_iter().filter(|value| value[0] % 10 == 3);
    let mut slices: Vec<PoolBox<'_, [u64]>> =
        kept.map(|value| cast(value, |raw| raw as NonNull<[u64]>)).collect();
    assert!(cfg!(miri) || pool.compact(&mut slices).moved > 0);
    assert!(
        slices.iter().all(|slice| slice.len() == 8 && slice[0] % 10 == 3 && slice[7] == slice[0])
    );

    let strings = Pool::new();
    let all: Vec<_> = (0..count).map(|id| strings.alloc(format!("string {id}"))).collect();
    let mut kept: Vec<PoolBox<'_, dyn Any>> = all
        .into_iter()
        .step_by(10)
        .map(|value| cast(value, |raw| raw as NonNull<dyn Any>))
        .collect();
    kept.iter_mut().for_each(|value| while PoolBox::relocate(value) {});
    strings.check_invariants();
    for (index, value) in kept.iter().enumerate() {
        assert_eq!(value.downcast_ref(), Some(&format!("string {}", 10 * index)));
    }
}

#[test]
fn values_of_size_classes_move_within_their_class() {
    let (pool, other) = (SizeClassPool::new(), Pool::<u64>::new());
    let count = many(50_000) as u64;
    let (mut small, mut text, mut large) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..count {
        small.push(pool.alloc(number));
        text.push(pool.alloc_str(&format!("text {number} of different lengths")));
        if number % 5000 == 0 {
            large.push(pool.alloc([number; 5000]));
        }
    }
    small.retain(|value| **value % 20 == 0);
    let mut numbers = 0..;
    text.retain(|_| numbers.next().is_some_and(|number| number % 20 == 0));
    let done = other.compact(&mut small);
    assert_eq!((done.moved, done.foreign), (0, small.len()), "another pool's are left alone");
    assert_eq!(other.compact(&mut large).foreign, large.len());
    pool.trim();
    let before = pool.stats();
    let moved = small.iter_mut().map(PoolBox::relocate).filter(|moved| *moved).count()
        + text.iter_mut().map(PoolBox::relocate).filter(|moved| *moved).count();
    pool.check_invariants();
    assert!(moved > 0 || cfg!(miri));
    assert!(!large.iter_mut().any(PoolBox::relocate), "each has a chunk of its own");
    assert!(pool.trim() > 0 || cfg!(miri));
    pool.check_invariants();
    assert!(pool.stats().fragmentation() < before.fragmentation() || cfg!(miri));
    assert!(small.iter().zip(0..).all(|(value, index)| **value == 20 * index));
    for (value, index) in text.iter().zip(0..) {
        assert_eq!(**value, *format!("text {} of different lengths", 20 * index));
    }
    assert!(large.iter().all(|value| value[0] % 5000 == 0 && value[0] == value[4999]));
}

#[test]
fn values_of_every_size_move() {
    fn play<T: Clone + PartialEq + std::fmt::Debug>(value: T, count: usize) {
        let pool = Pool::new();
        let mut values: Vec<_> = (0..count).map(|_| pool.alloc(value.clone())).collect();
        let mut numbers = 0..;
        values.retain(|_| numbers.next().is_some_and(|number| number % 7 == 0));
        pool.compact(&mut values);
        pool.check_invariants();
        assert_compact(&pool);
        assert!(values.iter().all(|kept| **kept == value));
        // A few may yet move to vacant slots in front, which empties none of the chunks.
        for value in &mut values {
            PoolBox::relocate(value);
        }
        assert_eq!(pool.trim(), 0);
        assert!(values.iter().all(|kept| **kept == value));
    }
    #[derive(Clone, PartialEq, Debug)]
    #[repr(align(512))]
    struct Aligned(u8);
    play((), many(300_000));
    play(7_u8, many(300_000));
    play(String::from("text"), many(20_000));
    play(Aligned(7), many(5000));
    play([7_u8; 5000], many(1000));
    play([7_u8; 300_000], if cfg!(miri) { 3 } else { 40 });
}

#[test]
fn a_tenth_at_random_is_packed_to_a_twentieth_above_it() {
    let pool = Pool::new();
    let mut values: Vec<_> = (0..many(1_000_000) as u64).map(|id| pool.alloc([id; 8])).collect();
    let mut rng = fastrand::Rng::with_seed(9);
    values.retain(|_| rng.u8(..10) == 0);
    assert!(pool.trim() == 0 || cfg!(miri));
    pool.compact(&mut values);
    let stats = pool.stats();
    let ratio = stats.bytes_reserved as f64 / (stats.len * stride_of(64, 8)) as f64;
    assert!(ratio <= 1.05 || cfg!(miri), "{ratio}");
}

#[test]
fn what_a_spike_leaves_is_little_more_than_before() {
    let steady = many(30_000);
    let pool = Pool::new();
    let mut queue: std::collections::VecDeque<_> =
        (0..steady).map(|id| pool.alloc([id; 8])).collect();
    let churn = |queue: &mut std::collections::VecDeque<_>| {
        for id in 0..steady {
            queue.push_back(pool.alloc([id; 8]));
            drop(queue.pop_front());
        }
    };
    churn(&mut queue);
    let before = pool.stats().bytes_reserved;
    for id in 0..if cfg!(miri) { 10 } else { 100 } * steady {
        queue.push_back(pool.alloc([id; 8]));
    }
    while queue.len() > steady {
        drop(queue.pop_front());
    }
    pool.trim();
    let ratio = pool.stats().bytes_reserved as f64 / before as f64;
    assert!(ratio <= 1.3 || cfg!(miri), "{ratio}");
    churn(&mut queue);
}
