//! Pools as allocators, by the trait of `allocator-api2`.
//!
//! Every method does what the trait says for every size and alignment; collections live in pools;
//! what a pool cannot serve is refused, and a layout that is not the block's is caught where debug
//! assertions are on. Random histories hold the content that a vector would.

use core::alloc::Layout;
use core::ptr::NonNull;

use allocator_api2::alloc::{AllocError, Allocator};
use allocator_api2::boxed::Box as BoxIn;
use allocator_api2::vec::Vec as VecIn;
use hashbrown::HashMap;
use proptest::prelude::*;

use super::{MemoryPool, SizeClassPool};

/// The size of the largest class.
const LARGEST: usize = 32 << 10;

fn layout(size: usize, align: usize) -> Layout {
    Layout::from_size_align(size, align).unwrap()
}

/// A block of an allocator, and what is in it.
struct Block {
    start: NonNull<u8>,
    layout: Layout,
    content: Vec<u8>,
}

impl Block {
    /// A block full of a pattern.
    fn new(allocator: &impl Allocator, layout: Layout, zeroed: bool, id: usize) -> Self {
        let memory = match zeroed {
            true => allocator.allocate_zeroed(layout).unwrap(),
            false => allocator.allocate(layout).unwrap(),
        };
        let mut block = Self { start: memory.cast(), layout, content: vec![0; layout.size()] };
        block.check_place(memory);
        if zeroed {
            block.check();
        }
        block.fill(0, id);
        block
    }

    fn check_place(&self, memory: NonNull<[u8]>) {
        assert!(memory.len() >= self.layout.size());
        assert_eq!(memory.cast::<u8>().addr().get() % self.layout.align(), 0);
    }

    /// Writes a pattern from offset `from` on.
    fn fill(&mut self, from: usize, id: usize) {
        for offset in from..self.layout.size() {
            self.content[offset] = (offset.wrapping_mul(31) ^ id) as u8;
            // SAFETY: the offset is in the block.
            let byte = unsafe { self.start.byte_add(offset) };
            // SAFETY: by the line above; the block belongs to this value.
            unsafe { byte.write(self.content[offset]) };
        }
    }

    fn check(&self) {
        // SAFETY: as many bytes were written or cleared, and nobody else refers to the block.
        let found =
            unsafe { NonNull::slice_from_raw_parts(self.start, self.layout.size()).as_ref() };
        assert_eq!(found, self.content);
    }

    /// Makes the block one for another layout.
    fn resize(&mut self, allocator: &impl Allocator, new: Layout, zeroed: bool, id: usize) {
        let (start, old) = (self.start, self.layout);
        let memory = match (new.size() >= old.size(), zeroed) {
            // SAFETY: the block is of this allocator and layout, belongs to this value, and the new
            // layout is not smaller.
            (true, true) => unsafe { allocator.grow_zeroed(start, old, new) },
            // SAFETY: the same.
            (true, false) => unsafe { allocator.grow(start, old, new) },
            // SAFETY: the same, and the new layout is not larger.
            (false, _) => unsafe { allocator.shrink(start, old, new) },
        };
        let memory = memory.unwrap();
        (self.start, self.layout) = (memory.cast(), new);
        self.check_place(memory);
        self.content.truncate(new.size());
        let kept = self.content.len();
        self.content.resize(new.size(), 0);
        if zeroed {
            self.check();
        }
        self.fill(kept, id);
        self.check();
    }

    fn free(self, allocator: &impl Allocator) {
        self.check();
        // SAFETY: the block is of this allocator and layout, and belongs to this value.
        unsafe { allocator.deallocate(self.start, self.layout) };
    }
}

/// Sizes at the ends of classes, and around them.
fn sizes() -> Vec<usize> {
    let ends = (3..16).flat_map(|power| [1 << power, 9 << (power - 3), 13 << (power - 3)]);
    let around = ends.flat_map(|end| [end - 1, end, end + 1]);
    let all: Vec<_> = [0, 1, 2].into_iter().chain(around).chain([100_000, 300_000]).collect();
    if cfg!(miri) { vec![0, 1, 24, 70, 1025, 2000, 33_000] } else { all }
}

#[test]
fn blocks_of_every_size_and_alignment_keep_what_is_in_them() {
    let pool = SizeClassPool::new();
    for align in [1, 2, 8, 16, 64, 512, 4096, 8192, 65_536] {
        if cfg!(miri) && ![8, 4096, 8192].contains(&align) {
            continue;
        }
        let mut blocks = Vec::new();
        for (id, size) in sizes().into_iter().enumerate() {
            blocks.push(Block::new(&&pool, layout(size, align), id % 3 == 0, id));
        }
        pool.check_invariants();
        for (id, block) in blocks.iter_mut().enumerate() {
            block.check();
            let other = block.layout.size() * (id % 7) / 3;
            block.resize(&&pool, layout(other, align), id % 2 == 0, id + 1);
        }
        blocks.reverse();
        blocks.into_iter().for_each(|block| block.free(&&pool));
        let stats = pool.stats();
        assert_eq!((stats.len, stats.direct, stats.bytes_direct), (0, 0, 0));
        pool.check_invariants();
    }
}

#[test]
fn a_block_stays_in_place_while_its_class_does() {
    let pool = SizeClassPool::new();
    let mut block = Block::new(&&pool, layout(129, 8), false, 1);
    let place = block.start;
    for size in [144, 130, 136, 129] {
        block.resize(&&pool, layout(size, 8), false, size);
        assert_eq!(block.start, place);
    }
    block.resize(&&pool, layout(145, 8), false, 2);
    assert_ne!(block.start, place);
    // To another alignment, and back.
    block.resize(&&pool, layout(145, 1024), false, 3);
    block.resize(&&pool, layout(145, 8), false, 4);
    block.free(&&pool);
    assert!(pool.is_empty());
}

#[test]
fn large_blocks_come_from_upstream_and_are_counted() {
    let pool = SizeClassPool::new();
    let mut block = Block::new(&&pool, layout(LARGEST + 1, 8), true, 1);
    assert_eq!((pool.stats().direct, pool.stats().bytes_direct), (1, LARGEST + 1));
    block.resize(&&pool, layout(10 * LARGEST, 8), true, 2);
    assert_eq!((pool.stats().direct, pool.stats().bytes_direct), (1, 10 * LARGEST));
    block.resize(&&pool, layout(10, 8), false, 3);
    let stats = pool.stats();
    assert_eq!((stats.direct, stats.bytes_direct, stats.direct_allocations), (0, 0, 2));
    assert_eq!((stats.len, stats.large), (1, 0));
    block.free(&&pool);
}

#[test]
fn nothing_takes_no_block() {
    let pool = SizeClassPool::new();
    let fixed = MemoryPool::new(64, 1).unwrap();
    for align in [1, 8, 4096, 1 << 20] {
        let mut block = Block::new(&&pool, layout(0, align), true, 1);
        assert!(pool.is_empty());
        block.resize(&&pool, layout(50, align), true, 2);
        block.resize(&&pool, layout(0, align), false, 3);
        block.free(&&pool);
        let nothing = Block::new(&&fixed, layout(0, align), false, 1);
        assert!(fixed.is_empty());
        nothing.free(&&fixed);
    }
    assert!(pool.is_empty());
}

// An address space of 32 bits may have room for the largest layout there is.
#[test]
#[cfg(target_pointer_width = "64")]
#[cfg_attr(miri, ignore = "the interpreter stops where memory would be refused")]
fn what_no_memory_can_hold_is_refused() {
    let pool = SizeClassPool::new();
    let allocator = &pool;
    for align in [1, 8, 4096] {
        let huge = layout(isize::MAX as usize & !(align - 1), align);
        assert_eq!(allocator.allocate(huge).unwrap_err(), AllocError);
        assert_eq!(allocator.allocate_zeroed(huge).unwrap_err(), AllocError);
        let block = Block::new(&allocator, layout(100, align), false, 7);
        // SAFETY: the block is of this allocator and layout, and the new layout is larger.
        let grown = unsafe { allocator.grow(block.start, block.layout, huge) };
        assert_eq!(grown.unwrap_err(), AllocError);
        let large = Block::new(&allocator, layout(100_000, align), false, 7);
        // SAFETY: the same.
        let grown = unsafe { allocator.grow(large.start, large.layout, huge) };
        assert_eq!(grown.unwrap_err(), AllocError);
        block.free(&allocator);
        large.free(&allocator);
    }
}

#[test]
fn a_pool_of_blocks_refuses_what_does_not_fit_them() {
    let pool = MemoryPool::new(48, 100).unwrap();
    let allocator = &pool;
    for (size, align) in [(49, 1), (48, 32), (1, 64), (1 << 20, 1), (isize::MAX as usize, 1)] {
        assert_eq!(Allocator::allocate(&allocator, layout(size, align)).unwrap_err(), AllocError);
        assert_eq!(allocator.allocate_zeroed(layout(size, align)).unwrap_err(), AllocError);
    }
    let mut block = Block::new(&allocator, layout(5, 1), true, 1);
    block.resize(&allocator, layout(48, 16), true, 2);
    // SAFETY: the block is of this allocator and layout, and the new layout is larger.
    let grown = unsafe { allocator.grow(block.start, block.layout, layout(49, 16)) };
    assert_eq!(grown.unwrap_err(), AllocError);
    block.resize(&allocator, layout(1, 1), false, 3);
    assert_eq!(pool.len(), 1);
    block.resize(&allocator, layout(0, 1), false, 4);
    assert_eq!(pool.len(), 0);
    block.resize(&allocator, layout(9, 8), true, 5);
    block.free(&allocator);
    let count = super::block_count(&pool);
    let blocks: Vec<_> =
        (0..count).map(|id| Block::new(&allocator, layout(48, 16), id % 2 == 0, id)).collect();
    assert_eq!(Allocator::allocate(&allocator, layout(1, 1)).unwrap_err(), AllocError);
    blocks.into_iter().for_each(|block| block.free(&allocator));
    assert!(pool.is_empty());
    pool.check_invariants();
}

#[test]
fn collections_live_in_a_pool() {
    let pool = SizeClassPool::new();
    let mut squares = HashMap::new_in(&pool);
    let mut rows = VecIn::new_in(&pool);
    for n in 0..if cfg!(miri) { 50 } else { 5000_u64 } {
        squares.insert(n, BoxIn::new_in(n * n, &pool));
        let mut row = VecIn::with_capacity_in(3, &pool);
        row.extend((0..n % 40).map(|column| column * n));
        rows.push(row);
        if n % 3 == 0 {
            squares.remove(&(n / 2));
        }
    }
    assert!(squares.iter().all(|(n, square)| **square == n * n));
    let expected = |n: u64| (0..n % 40).map(|column| column * n).sum::<u64>();
    assert!(rows.iter().zip(0..).all(|(row, n)| row.iter().sum::<u64>() == expected(n)));
    rows.retain(|row| row.len() % 2 == 0);
    rows.shrink_to_fit();
    // Through a reference to the value, whose provenance ends where the value does.
    let (raw, allocator) = BoxIn::into_raw_with_allocator(BoxIn::new_in([1_u8; 3], &pool));
    // SAFETY: the pointer and the allocator came from a box.
    let again = unsafe { BoxIn::from_raw_in(raw, allocator) };
    assert_eq!(*again, [1; 3]);
    pool.check_invariants();
    drop((squares, rows, again));
    assert!(pool.is_empty());
}

/// Gives a block back with a layout that is not its own.
#[cfg(debug_assertions)]
fn free_as(allocated: Layout, freed: Layout) {
    let pool = SizeClassPool::new();
    let allocator = &pool;
    let _same = [allocator.allocate(freed), allocator.allocate(allocated)];
    let block = allocator.allocate(allocated).unwrap();
    // SAFETY: none: the layout is wrong, which debug assertions catch before anything is done.
    unsafe { allocator.deallocate(block.cast(), freed) };
}

#[test]
#[cfg(debug_assertions)]
#[should_panic(
    expected = "a block of 96 bytes is given back or resized with a layout for one of 32"
)]
fn a_block_is_not_given_back_with_a_smaller_layout() {
    free_as(layout(90, 8), layout(30, 8));
}

#[test]
#[cfg(debug_assertions)]
#[should_panic(
    expected = "a block of 16 bytes is given back or resized with a layout for one of 1024"
)]
fn a_block_is_not_given_back_with_a_larger_layout() {
    free_as(layout(10, 8), layout(1000, 8));
}

#[test]
#[cfg(debug_assertions)]
#[should_panic(
    expected = "a block of 96 bytes is given back or resized with a layout for one of no"
)]
fn a_block_of_a_class_is_not_given_back_as_one_of_upstream() {
    free_as(layout(90, 8), layout(100_000, 8));
}

#[test]
#[cfg(debug_assertions)]
#[should_panic(expected = "no block of this pool lies there")]
fn a_block_of_upstream_is_not_given_back_as_one_of_a_class() {
    free_as(layout(100_000, 8), layout(1000, 8));
}

#[test]
#[cfg(debug_assertions)]
#[should_panic(expected = "the block is vacant already")]
fn a_block_is_not_given_back_twice() {
    let pool = SizeClassPool::new();
    let allocator = &pool;
    let block = allocator.allocate(layout(10, 8)).unwrap();
    for _ in 0..2 {
        // SAFETY: none the second time, which debug assertions catch before anything is done.
        unsafe { allocator.deallocate(block.cast(), layout(10, 8)) };
    }
}

/// What can be asked of an allocator. Numbers pick blocks modulo how many there are.
#[derive(Clone, Debug)]
enum Operation {
    Allocate { size: usize, align: u32, zeroed: bool, count: usize },
    Free(usize),
    FreeEvery(usize),
    Resize { pick: usize, size: usize, align: u32, zeroed: bool },
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::*;
    let size =
        || prop_oneof![9 => 0..300_usize, 4 => 0..5000_usize, 1 => 0..3 * LARGEST, 1 => Just(0)];
    let align = || prop_oneof![8 => 0..5_u32, 1 => 0..14_u32];
    prop_oneof![
        6 => (size(), align(), any::<bool>(), 1..4_usize)
            .prop_map(|(size, align, zeroed, count)| Allocate { size, align, zeroed, count }),
        1 => (0..400_usize, align(), any::<bool>(), 1..900_usize)
            .prop_map(|(size, align, zeroed, count)| Allocate { size, align, zeroed, count }),
        6 => any::<usize>().prop_map(Free),
        1 => (2..5_usize).prop_map(FreeEvery),
        5 => (any::<usize>(), size(), align(), any::<bool>())
            .prop_map(|(pick, size, align, zeroed)| Resize { pick, size, align, zeroed }),
    ]
}

/// Plays operations on an allocator that serves any layout; `check` is called after each.
fn play(allocator: &impl Allocator, operations: &[Operation], check: impl Fn()) {
    let mut blocks = Vec::new();
    for (id, operation) in operations.iter().enumerate() {
        match *operation {
            Operation::Allocate { size, align, zeroed, count } => {
                for n in 0..count {
                    blocks.push(Block::new(allocator, layout(size, 1 << align), zeroed, id + n));
                }
            }
            Operation::Free(pick) if !blocks.is_empty() => {
                blocks.swap_remove(pick % blocks.len()).free(allocator);
            }
            Operation::FreeEvery(nth) => {
                let (mut kept, mut number) = (Vec::new(), 0);
                for block in blocks.drain(..) {
                    number += 1;
                    if number % nth == 0 { block.free(allocator) } else { kept.push(block) }
                }
                blocks = kept;
            }
            Operation::Resize { pick, size, align, zeroed } if !blocks.is_empty() => {
                let index = pick % blocks.len();
                blocks[index].resize(allocator, layout(size, 1 << align), zeroed, id);
            }
            _ => {}
        }
        check();
    }
    blocks.into_iter().for_each(|block| block.free(allocator));
    check();
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases / 8 + 1,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    #[cfg_attr(miri, ignore = "takes hours there")]
    fn blocks_hold_what_vectors_would(operations in prop::collection::vec(operation(), 1..80)) {
        let pool = SizeClassPool::new();
        play(&&pool, &operations, || pool.check_invariants());
        prop_assert!(pool.is_empty());
        prop_assert_eq!(pool.stats().direct, 0);
        // What the test asks of an allocator is what the system's does.
        play(&allocator_api2::alloc::Global, &operations, || ());
    }
}
