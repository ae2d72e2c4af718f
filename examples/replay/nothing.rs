//! What a replay takes without an allocator: its own loop, and a write to the object's first byte.

use std::alloc::Layout;
use std::cell::UnsafeCell;
use std::ptr::NonNull;

use crate::heap::{Heap, Held};

/// A line of the cache, which no two places share.
#[derive(Debug)]
#[repr(align(64))]
struct Line {
    bytes: UnsafeCell<[u8; 64]>,
}

/// Hands out a block of one line to each place, the same one each time, whatever is asked for: it
/// allocates nothing, zeroes nothing and copies nothing.
#[derive(Debug)]
pub(crate) struct Nothing {
    lines: Box<[Line]>,
}

impl Nothing {
    pub(crate) fn new(places: usize) -> Self {
        let lines = (0..places).map(|_| Line { bytes: UnsafeCell::new([0; 64]) });
        Self { lines: lines.collect() }
    }
}

// SAFETY: 1. a place has a line of its own, of as many bytes as `ROOM`; they are reached through
// the blocks alone. 2. all bytes of a line hold values from the start.
unsafe impl Heap for Nothing {
    const ROOM: usize = size_of::<Line>();

    #[inline]
    fn allocate(&self, place: usize, _layout: Layout) -> Option<NonNull<u8>> {
        NonNull::new(self.lines[place].bytes.get().cast())
    }

    #[inline]
    fn allocate_zeroed(&self, place: usize, layout: Layout) -> Option<NonNull<u8>> {
        self.allocate(place, layout)
    }

    #[inline]
    unsafe fn deallocate(&self, _held: Held) {}

    #[inline]
    unsafe fn resize(&self, held: Held, _size: usize) -> Option<NonNull<u8>> {
        Some(held.start)
    }
}
