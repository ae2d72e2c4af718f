//! Pools as allocators, by the trait of `allocator-api2`: a pool of blocks, as long as it has a
//! place, and one of size classes for the rest.

use std::alloc::Layout;
use std::ptr::NonNull;
use std::slice;

use allocator_api2::alloc::{AllocError, Allocator};

use super::{Kind, MemoryPool, SizeClassPool, trim_classes_under_handles};

/// The kind of what allocators hand out.
pub(crate) struct Allocated;

pub(crate) struct Pools {
    classes: SizeClassPool,
    blocks: MemoryPool,
}

/// A place of one of the pools.
pub(crate) struct Place {
    start: NonNull<u8>,
    layout: Layout,
    is_block: bool,
}

// SAFETY: it is raw memory of a pool that goes with it where that is shared, and is one thread's.
unsafe impl Send for Place {}

/// The layout for so many bytes: some are aligned to more than they need.
fn layout(length: usize) -> Layout {
    Layout::from_size_align(length, 1 << (length % 7)).expect("it is small")
}

impl Place {
    fn new(pools: &Pools, length: usize) -> Result<Self, AllocError> {
        let layout = layout(length);
        let (start, is_block) = match Allocator::allocate(&&pools.blocks, layout) {
            Ok(start) => (start, true),
            Err(_) => (Allocator::allocate(&&pools.classes, layout)?, false),
        };
        assert!(start.len() >= length && start.cast::<u8>().addr().get() % layout.align() == 0);
        Ok(Self { start: start.cast(), layout, is_block })
    }

    fn write(&mut self, bytes: &[u8]) {
        assert_eq!(bytes.len(), self.layout.size());
        // SAFETY: the place has so many bytes and belongs to this value, and the others are not in
        // it.
        unsafe { self.start.copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len()) };
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: valid: so many bytes were written. Unaliased: who writes borrows exclusively.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.layout.size()) }
    }

    /// Makes it one for another number of bytes, where its pool has such a place.
    fn resize(&mut self, allocator: impl Allocator, length: usize) -> Result<(), AllocError> {
        let (new, old) = (layout(length), self.layout);
        let place = match new.size() >= old.size() {
            // SAFETY: the place is of this allocator and layout and belongs to this value, and the
            // new layout is not smaller.
            true => unsafe { allocator.grow(self.start, old, new) },
            // SAFETY: the same, but it is not larger.
            false => unsafe { allocator.shrink(self.start, old, new) },
        }?;
        (self.start, self.layout) = (place.cast(), new);
        Ok(())
    }
}

impl Kind for Allocated {
    type Pool = Pools;
    type Held<'p> = Place;

    fn make(bound: usize) -> Self::Pool {
        let blocks = MemoryPool::new(240, bound).expect("it is small");
        Pools { classes: SizeClassPool::new(), blocks }
    }

    fn length(wished: usize) -> usize {
        // What has no size has no slot.
        wished.max(1)
    }

    fn put<'p>(pool: &'p Self::Pool, bytes: &[u8]) -> Option<Self::Held<'p>> {
        let mut place = Place::new(pool, bytes.len()).ok()?;
        place.write(bytes);
        Some(place)
    }

    fn bytes<'h>(held: &'h Self::Held<'_>) -> &'h [u8] {
        held.bytes()
    }

    fn change<'p>(
        pool: &'p Self::Pool,
        mut held: Self::Held<'p>,
        bytes: &mut Box<[u8]>,
        fresh: Box<[u8]>,
        _: u8,
    ) -> (Self::Held<'p>, Option<Self::Held<'p>>) {
        let resized = match held.is_block {
            true => held.resize(&pool.blocks, fresh.len()),
            false => held.resize(&pool.classes, fresh.len()),
        };
        if resized.is_ok() {
            let kept = bytes.len().min(fresh.len());
            // SAFETY: valid: they were written before, and moved. Unaliased: nobody writes now.
            let found = unsafe { slice::from_raw_parts(held.start.as_ptr(), kept) };
            assert!(*found == bytes[..kept], "what is resized has changed");
            held.write(&fresh);
            *bytes = fresh;
        } else {
            assert!(held.is_block, "there is memory enough");
        }
        (held, None)
    }

    fn take<'p>(pool: &'p Self::Pool, held: Self::Held<'p>, _: u8) {
        let Place { start, layout, is_block } = held;
        match is_block {
            // SAFETY: the place is of this pool and layout, and not used any more.
            true => unsafe { Allocator::deallocate(&&pool.blocks, start, layout) },
            // SAFETY: the same.
            false => unsafe { Allocator::deallocate(&&pool.classes, start, layout) },
        }
    }

    fn upkeep(pool: &Self::Pool, _: usize) {
        trim_classes_under_handles(&pool.classes);
    }

    fn count(pool: &Self::Pool) -> (usize, bool) {
        (pool.blocks.len() + pool.classes.len() + pool.classes.stats().direct, false)
    }

    fn check_invariants(pool: &Self::Pool) {
        pool.blocks.check_invariants();
        pool.classes.check_invariants();
    }
}
