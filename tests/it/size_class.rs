//! Pools of size classes: values of any type and size behind the handles of one pool.
//!
//! Values of several types share a class, keep their content and their alignment, however many of a
//! class there are; slices and text are built in place, and what was built is dropped where the
//! rest panics. Large values have reservations of their own. Random histories hold what a vector of
//! boxes would, and every invariant after each step.

use std::cell::Cell;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use proptest::prelude::*;
use typed_pool::PoolError;

use super::{PoolBox, SizeClassPool};
use crate::support::{Counted, Tally, panic_message};

/// The size of the largest class.
const LARGEST: usize = 32 << 10;

#[test]
fn types_of_one_size_share_a_class() {
    let mut pool = SizeClassPool::new();
    let number = pool.alloc(7_u64);
    let pair = pool.alloc((1_u32, 2.5_f32));
    let bytes = pool.alloc([1_u8; 5]);
    assert_eq!((*number, *pair, *bytes), (7, (1, 2.5), [1; 5]));
    let stats = pool.stats();
    assert_eq!((stats.classes, stats.len, stats.bytes_live), (1, 3, 24));
    assert_eq!((stats.upstream_allocations, stats.upstream_releases), (1, 0));
    let place = PoolBox::as_ptr(&pair).addr();
    drop(pair);
    assert_eq!(PoolBox::as_ptr(&pool.alloc(0_i64)).addr(), place);
    assert!(!pool.is_empty());
    drop((number, bytes));
    super::trim_classes(&mut pool);
    let stats = pool.stats();
    assert_eq!((stats.upstream_allocations, stats.upstream_releases), (1, 1));
}

#[test]
fn values_are_aligned_and_apart() {
    #[repr(align(16))]
    struct By16([u8; 3]);
    #[repr(align(256))]
    struct By256([u8; 300]);
    #[repr(align(4096))]
    struct By4096([u8; 1]);
    #[repr(align(4096))]
    struct Nothing;
    let pool = SizeClassPool::new();
    for round in 0..3_u8 {
        let small: Vec<_> = (0..50).map(|n| pool.alloc(By16([n; 3]))).collect();
        let middle: Vec<_> = (0..50).map(|n| pool.alloc(By256([n; 300]))).collect();
        let wide: Vec<_> = (0..50).map(|n| pool.alloc(By4096([n]))).collect();
        let empty: Vec<_> = (0..5).map(|_| pool.alloc(Nothing)).collect();
        for n in 0..50_u8 {
            let index = usize::from(n);
            assert_eq!(small[index].0, [n; 3]);
            assert!(middle[index].0.iter().all(|byte| *byte == n));
            assert_eq!(wide[index].0, [n]);
            assert_eq!(PoolBox::as_ptr(&small[index]).addr() % 16, 0);
            assert_eq!(PoolBox::as_ptr(&middle[index]).addr() % 256, 0);
            assert_eq!(PoolBox::as_ptr(&wide[index]).addr() % 4096, 0);
        }
        assert_eq!(pool.len(), 155, "round {round}");
        let places: std::collections::BTreeSet<_> =
            empty.iter().map(|value| PoolBox::as_ptr(value).addr()).collect();
        assert_eq!(places.len(), 5);
        pool.check_invariants();
    }
    assert!(pool.is_empty());
}

#[test]
fn values_of_every_class_fill_whole_chunks() {
    let (mut size, most) = if cfg!(miri) { (LARGEST / 3, 600 << 10) } else { (64, 1300 << 10) };
    while size <= LARGEST {
        let pool = SizeClassPool::new();
        let count = most / size;
        let fill = |id| Some(pool.alloc_slice_copy(&vec![id as u8; size]));
        let mut held: Vec<_> = (0..count).map(fill).collect();
        // What is put in first lies in small chunks. These go, so that a large one is in front.
        held[..count / 3].fill_with(|| None);
        super::trim_classes_under_handles(&pool);
        pool.check_invariants();
        for (id, value) in held.iter_mut().enumerate().take(count / 3) {
            *value = fill(id);
        }
        pool.check_invariants();
        let mut values = held.iter().flatten().enumerate();
        assert!(values.all(|(id, value)| **value == vec![id as u8; size]));
        assert_eq!(pool.stats().len, count, "{count} values of {size} bytes");
        // Past every border of classes, of which the largest are a ninth apart at most.
        size += if cfg!(miri) { LARGEST / 3 } else { (size / 16).max(8) };
    }
}

#[test]
fn large_values_come_and_go_with_their_memory() {
    let pool = SizeClassPool::new();
    let before = pool.stats();
    let largest = pool.alloc([1_u8; LARGEST]);
    assert_eq!((pool.stats().large, pool.stats().classes), (0, 1));
    let larger = pool.alloc_with(|| [2_u8; LARGEST + 1]);
    let slot = pool.alloc_uninit::<[u64; 1 << 17]>();
    let stats = pool.stats();
    assert_eq!((stats.large, stats.len), (2, 1));
    assert_eq!(stats.upstream_allocations - before.upstream_allocations, 3);
    assert_eq!(stats.bytes_large, LARGEST + 1 + (1 << 20));
    assert_eq!(pool.len(), 3);
    assert!(*larger == [2; LARGEST + 1] && largest[LARGEST - 1] == 1);
    pool.check_invariants();
    // In another order than they came.
    drop(larger);
    let copy = pool.alloc([3_u8; LARGEST + 1]).clone();
    assert!(*copy == [3; LARGEST + 1]);
    pool.check_invariants();
    drop((slot, copy, largest));
    let after = pool.stats();
    assert!(pool.is_empty());
    assert_eq!((after.large, after.bytes_large), (0, 0));
    assert_eq!(after.upstream_releases - before.upstream_releases, 4);
}

#[test]
fn a_large_value_is_cloned_into_memory_as_aligned() {
    #[derive(Clone, Copy)]
    #[repr(align(1024))]
    struct Wide;
    #[derive(Clone, Copy)]
    #[repr(align(4096))]
    struct Widest;
    fn check<A: Copy>(aligned: A) {
        let pool = SizeClassPool::new();
        let first = pool.alloc_with(|| (aligned, [5_u8; LARGEST + 4097]));
        let clones: Vec<_> = (0..4).map(|_| first.clone()).collect();
        assert_eq!(pool.stats().large, 5);
        drop(first);
        for clone in &clones {
            assert_eq!(PoolBox::as_ptr(clone).addr() % align_of::<A>(), 0);
            assert!(clone.1 == [5; LARGEST + 4097]);
        }
    }
    check(Wide);
    // The size of this one is a multiple of twice the largest alignment there is.
    check(Widest);
}

#[test]
fn clones_stay_in_their_class() {
    let pool = SizeClassPool::new();
    // More than what lies in front, so that some are taken by way of the chunk.
    let count = if cfg!(miri) { 200 } else { 3000 };
    let values: Vec<_> = (0..count).map(|n| pool.alloc([n; 10])).collect();
    let clones: Vec<_> = values.iter().map(PoolBox::clone).collect();
    assert!(values.iter().zip(&clones).all(|(value, clone)| value == clone));
    assert_eq!((pool.stats().classes, pool.len()), (1, 2 * values.len()));
    pool.check_invariants();
}

#[test]
fn slices_and_text_are_built_in_place() {
    let pool = SizeClassPool::new();
    let mut numbers = pool.alloc_slice_copy(&[1_u16, 2, 3]);
    numbers[1] = 5;
    assert_eq!(*numbers, [1, 5, 3]);
    assert!(pool.alloc_slice_copy::<u64>(&[]).is_empty());
    assert_eq!(pool.alloc_slice_copy(&[(), (), ()]).len(), 3);
    let mut text = pool.alloc_str("Größe");
    text.make_ascii_lowercase();
    assert_eq!(&*text, "größe");
    assert_eq!(&*pool.alloc_str(""), "");
    let len = if cfg!(miri) { 10_000 } else { 100_000 };
    let long = pool.alloc_slice_fill_with(len, |n| n);
    assert!(long.iter().enumerate().all(|(n, value)| n == *value));
    let names = pool.alloc_slice_fill_with(40, |n| n.to_string().repeat(n));
    assert_eq!((names[3].as_str(), pool.stats().large), ("333", 1));
    assert_eq!(size_of_val(&names), 2 * size_of::<usize>());
    drop((numbers, text, long, names));
    assert!(pool.is_empty());
    pool.check_invariants();
}

#[test]
fn impossible_slices_are_refused() {
    let pool = SizeClassPool::new();
    for len in [usize::MAX, isize::MAX as usize / 8 + 1] {
        let refused = pool.try_alloc_slice_fill_with(len, |n| n as u64).unwrap_err();
        assert_eq!(refused.error(), PoolError::TooLarge { object_size: 8, pool_size: len });
        assert_eq!((refused.into_inner())(3), 3);
        let message = panic_message(|| drop(pool.alloc_slice_fill_with(len, |n| n as u64)));
        assert!(message.contains(&len.to_string()), "{message}");
    }
    // A layout that is one, and that no allocation can have with a header in front of it.
    let refused = pool.try_alloc_slice_fill_with(isize::MAX as usize - 100, |_| 0_u8).unwrap_err();
    assert!(matches!(refused.error(), PoolError::TooLarge { .. }));
    assert!(pool.is_empty());
}

#[test]
fn what_was_built_of_a_slice_is_dropped_where_the_rest_panics() {
    let pool = SizeClassPool::new();
    let tally = Tally::default();
    for (len, fails_at) in [(1, 0), (5, 4), (100, 50), (10_000, 9_999)] {
        let made = tally.made();
        let message = panic_message(|| {
            drop(pool.alloc_slice_fill_with(len, |n| {
                assert!(n != fails_at, "value {n} is not built");
                tally.value(n as u64)
            }));
        });
        assert_eq!(message, format!("value {fails_at} is not built"));
        assert_eq!((tally.made() - made, tally.live(), pool.len()), (fails_at, 0, 0));
        pool.check_invariants();
    }
}

#[test]
fn a_destructor_that_panics_returns_its_slot() {
    let pool = SizeClassPool::new();
    let tally = Tally::default();
    let single = pool.alloc(tally.bomb(1));
    let row = pool.alloc_slice_fill_with(10, |n| match n {
        3 => tally.bomb(3),
        _ => tally.value(n as u64),
    });
    let large = pool.alloc((tally.bomb(2), [0_u8; 2 * LARGEST]));
    assert!(catch_unwind(AssertUnwindSafe(|| drop(single))).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| drop(row))).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| drop(large))).is_err());
    assert_eq!((tally.live(), pool.len()), (0, 0));
    pool.check_invariants();
}

#[test]
fn values_own_others_of_the_same_pool() {
    enum Tree<'p> {
        Leaf(u32),
        Branch(PoolBox<'p, [Tree<'p>]>),
        Note(PoolBox<'p, str>, PoolBox<'p, Tree<'p>>),
    }
    fn build<'p>(pool: &'p SizeClassPool, depth: u32) -> Tree<'p> {
        match depth {
            0 => Tree::Leaf(1),
            _ if depth % 3 == 0 => {
                let text = pool.alloc_str(&"note ".repeat(depth as usize));
                Tree::Note(text, pool.alloc_with(|| build(pool, depth - 1)))
            }
            _ => Tree::Branch(pool.alloc_slice_fill_with(3, |_| build(pool, depth - 1))),
        }
    }
    fn leaves(tree: &Tree<'_>) -> u32 {
        match tree {
            Tree::Leaf(count) => *count,
            Tree::Branch(branches) => branches.iter().map(leaves).sum(),
            Tree::Note(text, rest) => {
                assert!(text.starts_with("note "));
                leaves(rest)
            }
        }
    }
    let pool = SizeClassPool::new();
    let tree = build(&pool, 8);
    assert_eq!(leaves(&tree), 3_u32.pow(6));
    pool.check_invariants();
    drop(tree);
    assert!(pool.is_empty());
}

#[test]
fn destructors_and_constructors_use_the_pool_they_run_in() {
    struct Busy<'p> {
        pool: &'p SizeClassPool,
        counted: Counted<'p>,
    }
    impl Drop for Busy<'_> {
        fn drop(&mut self) {
            let text = self.pool.alloc_str("in a destructor");
            let row = self.pool.alloc_slice_fill_with(20, |n| n as u64 + self.counted.id);
            assert_eq!((text.len(), row[19]), (15, 19 + self.counted.id));
            drop(self.pool.alloc([0_u8; 2 * LARGEST]));
        }
    }
    let tally = Tally::default();
    let pool = SizeClassPool::new();
    let busy: Vec<_> = (0..100)
        .map(|id| {
            pool.alloc_with(|| {
                drop(pool.alloc_slice_fill_with(3, |_| pool.alloc(id)));
                Busy { pool: &pool, counted: tally.value(id) }
            })
        })
        .collect();
    assert_eq!((tally.live(), pool.len()), (100, 100));
    drop(busy);
    assert_eq!((tally.live(), pool.len()), (0, 0));
    pool.check_invariants();
}

#[test]
fn forgotten_and_leaked_values_stay_where_they_are() {
    let tally = Tally::default();
    let mut pool = SizeClassPool::new();
    let kept: &mut [u8] = PoolBox::leak(pool.alloc_slice_copy(&[1, 2, 3]));
    kept[0] = 9;
    assert_eq!(kept, [9, 2, 3]);
    let raw = PoolBox::into_raw(pool.alloc(tally.value(5)));
    let large = PoolBox::into_raw(pool.alloc_with(|| [7_u8; 2 * LARGEST]));
    let _: &mut [u8; LARGEST * 3] = PoolBox::leak(pool.alloc_with(|| [8; LARGEST * 3]));
    assert_eq!(pool.len(), 4);
    super::trim_classes(&mut pool);
    pool.check_invariants();
    let moved = Box::new(pool);
    // SAFETY: 1. to 4. the address came from `into_raw`, the pool lives, and there is no other
    // handle.
    let value = unsafe { PoolBox::<Counted<'_>>::from_raw(raw) };
    assert_eq!(value.id, 5);
    drop(value);
    // SAFETY: 1. to 4. the same.
    let value = unsafe { PoolBox::<[u8; 2 * LARGEST]>::from_raw(large) };
    assert!(value.iter().all(|byte| *byte == 7));
    drop(value);
    assert_eq!((moved.len(), tally.live()), (2, 0));
}

#[test]
fn handles_work_where_those_of_a_pool_do() {
    fn total(numbers: &[PoolBox<'_, u64>]) -> u64 {
        numbers.iter().map(|number| **number).sum()
    }
    let pool = SizeClassPool::new();
    let numbers: Vec<_> = (0..10).map(|n| pool.alloc(n)).collect();
    assert_eq!(total(&numbers), 45);
    let pinned = PoolBox::into_pin(pool.alloc(Cell::new(3)));
    Cell::set(&pinned, 4);
    assert_eq!(Cell::get(&pinned), 4);
    assert_eq!(PoolBox::into_inner(pool.alloc(String::from("out"))), "out");
    assert_eq!(*pool.alloc_default::<Rc<u32>>(), Rc::new(0));
    assert_eq!(*PoolBox::write(pool.alloc_uninit(), 8), 8);
    assert_eq!(*pool.try_alloc_uninit::<u8>().map(|slot| PoolBox::write(slot, 1)).unwrap(), 1);
    assert_eq!(*pool.try_alloc(5).unwrap() + *pool.try_alloc_with(|| 6).unwrap(), 11);
    assert_eq!(pool.try_alloc_str("text").unwrap().len(), 4);
    assert_eq!(pool.try_alloc_slice_copy(&[1, 2]).unwrap().len(), 2);
    assert!(format!("{pool:?}").starts_with("SizeClassPool"));
}

/// What can be done to a pool. Numbers pick sizes, and handles modulo how many there are.
#[derive(Clone, Debug)]
enum Operation {
    Bytes(usize),
    Text(usize),
    Single(usize),
    Fill(usize, usize),
    Drop(usize),
    DropEvery(usize),
    Forget(usize),
    Clone(usize),
    Trim,
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::*;
    let size = || prop_oneof![8 => 0..300_usize, 3 => 0..5000_usize, 1 => 0..3 * LARGEST];
    let pick = any::<usize>();
    prop_oneof![
        6 => size().prop_map(Bytes),
        2 => size().prop_map(Text),
        3 => pick.prop_map(Single),
        2 => (0..2000_usize, 1..600_usize).prop_map(|(size, count)| Fill(size, count)),
        8 => pick.prop_map(Drop),
        2 => (2..5_usize).prop_map(DropEvery),
        1 => pick.prop_map(Forget),
        2 => pick.prop_map(Clone),
        1 => Just(Trim),
    ]
}

/// A handle, beside a box that holds the same.
enum Held<'p> {
    Bytes(PoolBox<'p, [u8]>, Box<[u8]>),
    Text(PoolBox<'p, str>, Box<str>),
    Single(PoolBox<'p, [u64; 5]>, Box<[u64; 5]>),
    Large(PoolBox<'p, [u64; 5000]>, Box<[u64; 5000]>),
}

impl<'p> Held<'p> {
    fn check(&self) {
        match self {
            Self::Bytes(pooled, boxed) => assert_eq!(**pooled, **boxed),
            Self::Text(pooled, boxed) => assert_eq!(**pooled, **boxed),
            Self::Single(pooled, boxed) => assert_eq!(**pooled, **boxed),
            Self::Large(pooled, boxed) => assert_eq!(**pooled, **boxed),
        }
    }

    fn bytes(pool: &'p SizeClassPool, len: usize, id: usize) -> Self {
        let boxed: Box<[u8]> = (0..len).map(|n| (n ^ id) as u8).collect();
        Self::Bytes(pool.alloc_slice_copy(&boxed), boxed)
    }

    fn clone_of(&self) -> Option<Self> {
        match self {
            Self::Single(pooled, boxed) => Some(Self::Single(pooled.clone(), boxed.clone())),
            Self::Large(pooled, boxed) => Some(Self::Large(pooled.clone(), boxed.clone())),
            _ => None,
        }
    }

    fn forget(self) {
        match self {
            Self::Bytes(pooled, _) => mem::forget(pooled),
            Self::Text(pooled, _) => mem::forget(pooled),
            Self::Single(pooled, _) => mem::forget(pooled),
            Self::Large(pooled, _) => drop(PoolBox::leak(pooled)),
        }
    }
}

fn step<'p>(
    pool: &'p SizeClassPool,
    held: &mut Vec<Held<'p>>,
    forgotten: &mut usize,
    id: usize,
    operation: &Operation,
) {
    match *operation {
        Operation::Bytes(len) => held.push(Held::bytes(pool, len, id)),
        Operation::Text(len) => {
            let boxed: Box<str> = "äb".chars().cycle().skip(id % 2).take(len).collect();
            held.push(Held::Text(pool.alloc_str(&boxed), boxed));
        }
        Operation::Single(pick) if pick % 8 == 0 => {
            held.push(Held::Large(pool.alloc([id as u64; 5000]), Box::new([id as u64; 5000])));
        }
        Operation::Single(_) => {
            held.push(Held::Single(pool.alloc([id as u64; 5]), Box::new([id as u64; 5])));
        }
        Operation::Fill(len, count) => {
            held.extend((0..count).map(|n| Held::bytes(pool, len, id + n)));
        }
        Operation::Drop(pick) if !held.is_empty() => {
            let gone = held.swap_remove(pick % held.len());
            gone.check();
        }
        Operation::DropEvery(nth) => {
            let mut number = 0;
            held.retain(|_| {
                number += 1;
                number % nth != 0
            });
        }
        Operation::Forget(pick) if !held.is_empty() && *forgotten < 5 => {
            held.swap_remove(pick % held.len()).forget();
            *forgotten += 1;
        }
        Operation::Clone(pick) if !held.is_empty() => {
            held.extend(held[pick % held.len()].clone_of());
        }
        Operation::Trim => {
            super::trim_classes_under_handles(pool);
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases / 4 + 1,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    #[cfg_attr(miri, ignore = "takes hours there")]
    fn a_pool_holds_what_boxes_would(operations in prop::collection::vec(operation(), 1..60)) {
        let pool = SizeClassPool::new();
        let (mut held, mut forgotten) = (Vec::new(), 0);
        for (id, operation) in operations.iter().enumerate() {
            step(&pool, &mut held, &mut forgotten, id, operation);
            prop_assert_eq!(pool.len(), held.len() + forgotten);
            pool.check_invariants();
        }
        held.iter().for_each(Held::check);
        drop(held);
        prop_assert_eq!(pool.len(), forgotten);
    }
}
