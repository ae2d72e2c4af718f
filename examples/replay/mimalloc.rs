//! mimalloc, called directly, though it is none of the program's global allocators.

use std::alloc::{GlobalAlloc, Layout};

use libmimalloc_sys::{
    mi_free, mi_malloc, mi_malloc_aligned, mi_realloc, mi_realloc_aligned, mi_zalloc,
    mi_zalloc_aligned,
};

/// What mimalloc aligns a block of any size to without being asked, which is its fastest way.
const UNASKED: usize = 8;

#[derive(Debug)]
pub(crate) struct Mimalloc;

// SAFETY: mimalloc's blocks are as large and as aligned as is asked for, or null; they stay until
// they are freed. Nothing here unwinds.
unsafe impl GlobalAlloc for Mimalloc {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let (size, align) = (layout.size(), layout.align());
        if align <= UNASKED {
            // SAFETY: the function has no conditions.
            return unsafe { mi_malloc(size) }.cast();
        }
        // SAFETY: the alignment is a power of two.
        unsafe { mi_malloc_aligned(size, align) }.cast()
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let (size, align) = (layout.size(), layout.align());
        if align <= UNASKED {
            // SAFETY: the function has no conditions.
            return unsafe { mi_zalloc(size) }.cast();
        }
        // SAFETY: the alignment is a power of two.
        unsafe { mi_zalloc_aligned(size, align) }.cast()
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, _layout: Layout) {
        // SAFETY: the block came from mimalloc, and the caller gives it up.
        unsafe { mi_free(block.cast()) };
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if layout.align() <= UNASKED {
            // SAFETY: the block came from mimalloc, and the caller gives it up.
            return unsafe { mi_realloc(block.cast(), size) }.cast();
        }
        // SAFETY: the same, and the alignment is a power of two.
        unsafe { mi_realloc_aligned(block.cast(), size, layout.align()) }.cast()
    }
}
