//! The stack of vacant slots in front of a core: the free list of the hot path.
//!
//! It is an array of pointers (Bonwick and Adams, "Magazines and Vmem", USENIX 2001): neither
//! taking nor returning a slot touches the slot's memory.

use alloc::alloc::{alloc, dealloc};
use core::alloc::Layout;
use core::cell::Cell;
use core::ptr::{self, NonNull};

use crate::error::PoolError;

/// A stack of slots, last in, first out.
///
/// # Invariants
///
/// 1. `bottom ..= limit` is one array of `capacity` pointers from the global allocator, or, where
///    `capacity` is 0, nothing: the two are equal and never dereferenced.
/// 2. `bottom <= top <= limit`, whole pointers apart.
/// 3. The pointers in `bottom .. top` are initialised.
#[derive(Debug)]
pub(crate) struct Magazine {
    top: Cell<*mut NonNull<u8>>,
    bottom: Cell<*mut NonNull<u8>>,
    limit: Cell<*mut NonNull<u8>>,
}

impl Magazine {
    /// A magazine without room.
    pub(crate) const fn new() -> Self {
        let nothing = NonNull::dangling().as_ptr();
        // INVARIANT: 1. capacity 0. 2. all equal. 3. nothing to initialise.
        Self { top: Cell::new(nothing), bottom: Cell::new(nothing), limit: Cell::new(nothing) }
    }

    /// Takes the slot that was put in last.
    #[inline]
    pub(crate) fn pop(&self) -> Option<NonNull<u8>> {
        let top = self.top.get();
        if top == self.bottom.get() {
            return None;
        }
        // SAFETY: `top` is above `bottom` in the same array (invariants 1 and 2).
        let top = unsafe { top.sub(1) };
        // INVARIANT: 2. and 3. the array's filled part ends one earlier.
        self.top.set(top);
        // SAFETY: the pointer was in the filled part (invariant 3).
        Some(unsafe { top.read() })
    }

    /// Puts `slot` on top; returns whether there was room.
    #[inline]
    #[must_use]
    pub(crate) fn push(&self, slot: NonNull<u8>) -> bool {
        let top = self.top.get();
        if top == self.limit.get() {
            return false;
        }
        // SAFETY: `top` is below `limit` in the same array (invariants 1 and 2).
        unsafe { top.write(slot) };
        // SAFETY: as `top` is below `limit`, the next place is at most `limit` (invariant 2).
        // INVARIANT: 2. and 3. the pointer just written joins the filled part.
        self.top.set(unsafe { top.add(1) });
        true
    }

    /// The number of slots in the magazine.
    pub(crate) fn len(&self) -> usize {
        self.pointers_from_bottom(self.top.get())
    }

    /// The number of slots the magazine has room for.
    pub(crate) fn capacity(&self) -> usize {
        self.pointers_from_bottom(self.limit.get())
    }

    fn pointers_from_bottom(&self, end: *mut NonNull<u8>) -> usize {
        (end.addr() - self.bottom.get().addr()) / size_of::<NonNull<u8>>()
    }

    /// The slots in the magazine, the one that was put in first in front. The magazine is not to
    /// be changed by what is done with them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = NonNull<u8>> {
        (0..self.len()).map(|index| {
            assert!(index < self.len());
            // SAFETY: by the line above the place is in the array (invariant 2).
            let place = unsafe { self.bottom.get().add(index) };
            // SAFETY: and in its filled part (invariant 3).
            unsafe { place.read() }
        })
    }

    /// Takes the `count` slots that were put in first away, giving each to `take`; there are at
    /// least as many. `take` may not change this magazine.
    ///
    /// # Panics
    ///
    /// Where `take` did.
    pub(crate) fn drain_oldest(&self, count: usize, take: impl FnMut(NonNull<u8>)) {
        let len = self.len();
        assert!(count <= len);
        self.iter().take(count).for_each(take);
        assert_eq!(self.len(), len, "the magazine was changed while it was emptied");
        let bottom = self.bottom.get();
        // SAFETY: `count` is at most the number of filled places (invariant 2).
        let rest = unsafe { bottom.add(count) };
        // SAFETY: both ranges of `len - count` pointers are in the filled part (invariant 3), to
        // which nothing holds a reference.
        unsafe { ptr::copy(rest, bottom, len - count) };
        // SAFETY: `len - count` is at most the number of filled places.
        // INVARIANT: 2. and 3. the filled part holds the pointers just moved.
        self.top.set(unsafe { bottom.add(len - count) });
    }

    /// Enlarges the magazine to room for `capacity` slots; does nothing where it has that already.
    ///
    /// # Errors
    ///
    /// [`PoolError::OutOfMemory`] where the memory is refused; the magazine is unchanged then.
    pub(crate) fn grow(&self, capacity: usize) -> Result<(), PoolError> {
        if capacity <= self.capacity() {
            return Ok(());
        }
        let layout = Self::layout(capacity);
        // SAFETY: the layout's size is not 0: `capacity` is above another one.
        let Some(array) = NonNull::new(unsafe { alloc(layout) }) else {
            return Err(PoolError::OutOfMemory { bytes: layout.size() });
        };
        let array = array.cast::<NonNull<u8>>().as_ptr();
        let len = self.len();
        // SAFETY: `len` pointers are filled in the old array (invariant 3), and the new one, a
        // different allocation, has room for more.
        unsafe { ptr::copy_nonoverlapping(self.bottom.get(), array, len) };
        let (old, old_capacity) = (self.bottom.get(), self.capacity());
        // INVARIANT: 1. to 3. of the new array, into which the filled part was copied.
        self.bottom.set(array);
        // SAFETY: `len` is below the new array's `capacity`.
        self.top.set(unsafe { array.add(len) });
        // SAFETY: the new array has `capacity` places.
        self.limit.set(unsafe { array.add(capacity) });
        // SAFETY: the old array no longer belongs to the magazine.
        unsafe { Self::free(old, old_capacity) };
        Ok(())
    }

    fn layout(capacity: usize) -> Layout {
        // Never fails: a magazine has at most 1024 places.
        Layout::array::<NonNull<u8>>(capacity).expect("a magazine is small")
    }

    /// Gives an array back to the global allocator.
    ///
    /// # Safety
    ///
    /// 1. `array` was the array of a magazine with room for `capacity`, and no longer is.
    unsafe fn free(array: *mut NonNull<u8>, capacity: usize) {
        if capacity != 0 {
            // SAFETY: the array was allocated with this layout (clause 1; invariant 1).
            unsafe { dealloc(array.cast(), Self::layout(capacity)) };
        }
    }
}

impl Drop for Magazine {
    fn drop(&mut self) {
        // SAFETY: the magazine ends here, and so does its hold on the array.
        unsafe { Self::free(self.bottom.get(), self.capacity()) };
    }
}
