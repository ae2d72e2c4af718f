//! Where the objects of a trace live: what contenders have to offer, and those that are allocators.

use std::alloc::{GlobalAlloc, Layout};
use std::ptr::{self, NonNull};

use allocator_api2::alloc::Allocator;
use typed_pool::SizeClassPool;

/// A block that an object has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    /// The object's place in the program.
    pub(crate) place: usize,
    pub(crate) start: NonNull<u8>,
    pub(crate) layout: Layout,
}

/// An allocator that a trace is played against.
///
/// # Safety
///
/// 1. A block has `min(size, ROOM)` bytes that nothing but its holder uses, from when it is handed
///    out until it is given back or has moved.
/// 2. The bytes of a block that was asked for zeroed hold values, and so do those of a block that
///    is resized, up to the smaller of both sizes, where they did before. (That they hold the right
///    ones is what a replay checks.)
pub(crate) unsafe trait Heap {
    /// How many bytes of a block may be used, if not all of them.
    const ROOM: usize = usize::MAX;

    /// Allocates a block for the object of a place, which has none.
    fn allocate(&self, place: usize, layout: Layout) -> Option<NonNull<u8>>;

    /// The same, with memory that is all zeros.
    fn allocate_zeroed(&self, place: usize, layout: Layout) -> Option<NonNull<u8>>;

    /// Gives a block back.
    ///
    /// # Safety
    ///
    /// 1. It is of this heap, with this place and layout; the caller gives it up.
    unsafe fn deallocate(&self, held: Held);

    /// Changes the size of a block, which may move; where there is no memory, it stays as it is.
    ///
    /// # Safety
    ///
    /// 1. As for [`Heap::deallocate`].
    /// 2. `size` makes a layout with the alignment of the block.
    unsafe fn resize(&self, held: Held, size: usize) -> Option<NonNull<u8>>;
}

/// The layout `old` with another size.
///
/// # Safety
///
/// 1. `size` makes a layout with the alignment of `old`.
#[inline]
unsafe fn resized(old: Layout, size: usize) -> Layout {
    // SAFETY: the alignment is one of a layout; the size fits it (clause 1).
    unsafe { Layout::from_size_align_unchecked(size, old.align()) }
}

// SAFETY: 1. and 2. as the trait `Allocator` promises.
unsafe impl Heap for SizeClassPool {
    #[inline]
    fn allocate(&self, _place: usize, layout: Layout) -> Option<NonNull<u8>> {
        Allocator::allocate(&self, layout).ok().map(NonNull::cast)
    }

    #[inline]
    fn allocate_zeroed(&self, _place: usize, layout: Layout) -> Option<NonNull<u8>> {
        Allocator::allocate_zeroed(&self, layout).ok().map(NonNull::cast)
    }

    #[inline]
    unsafe fn deallocate(&self, held: Held) {
        // SAFETY: the block is of the pool and has this layout (clause 1).
        unsafe { Allocator::deallocate(&self, held.start, held.layout) };
    }

    #[inline]
    unsafe fn resize(&self, held: Held, size: usize) -> Option<NonNull<u8>> {
        let Held { start, layout: old, .. } = held;
        // SAFETY: 1. clause 2.
        let new = unsafe { resized(old, size) };
        let moved = if size >= old.size() {
            // SAFETY: the block is of the pool and has the layout `old` (clause 1), and `new` is no
            // smaller.
            unsafe { Allocator::grow(&self, start, old, new) }
        } else {
            // SAFETY: the same, and `new` is no larger.
            unsafe { Allocator::shrink(&self, start, old, new) }
        };
        moved.ok().map(NonNull::cast)
    }
}

/// A heap that Rust programs have as their global one. As there, nobody asks it for 0 bytes.
#[derive(Debug)]
pub(crate) struct Global<A>(pub(crate) A);

/// Where a block of no bytes lies.
fn nowhere(layout: Layout) -> Option<NonNull<u8>> {
    NonNull::new(ptr::without_provenance_mut(layout.align()))
}

// SAFETY: 1. and 2. as `GlobalAlloc` promises of layouts that are not of size 0, and others have
// no bytes.
unsafe impl<A: GlobalAlloc> Heap for Global<A> {
    #[inline]
    fn allocate(&self, _place: usize, layout: Layout) -> Option<NonNull<u8>> {
        if layout.size() == 0 {
            return nowhere(layout);
        }
        // SAFETY: the size is not 0.
        NonNull::new(unsafe { self.0.alloc(layout) })
    }

    #[inline]
    fn allocate_zeroed(&self, _place: usize, layout: Layout) -> Option<NonNull<u8>> {
        if layout.size() == 0 {
            return nowhere(layout);
        }
        // SAFETY: the size is not 0.
        NonNull::new(unsafe { self.0.alloc_zeroed(layout) })
    }

    #[inline]
    unsafe fn deallocate(&self, held: Held) {
        if held.layout.size() != 0 {
            // SAFETY: the block is of this heap and has this layout (clause 1).
            unsafe { self.0.dealloc(held.start.as_ptr(), held.layout) };
        }
    }

    #[inline]
    unsafe fn resize(&self, held: Held, size: usize) -> Option<NonNull<u8>> {
        let Held { place, start, layout: old } = held;
        if old.size() != 0 && size != 0 {
            // SAFETY: the block is of this heap and has the layout `old` (clause 1); the size is
            // not 0 and fits the alignment (clause 2).
            return NonNull::new(unsafe { self.0.realloc(start.as_ptr(), old, size) });
        }
        // SAFETY: 1. clause 2.
        let moved = Heap::allocate(self, place, unsafe { resized(old, size) })?;
        // SAFETY: 1. the caller's.
        unsafe { Heap::deallocate(self, held) };
        Some(moved)
    }
}
