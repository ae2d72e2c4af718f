//! The stack of vacant slots in front of a core: the free list of the hot path.
//!
//! It is an array of pointers (Bonwick and Adams, "Magazines and Vmem", USENIX 2001): neither
//! taking nor returning a slot touches the slot's memory.

use alloc::alloc::{alloc, dealloc};
use core::alloc::Layout;
use core::cell::Cell;
use core::ptr::{self, NonNull};

use crate::error::PoolError;
use crate::geometry::MAGAZINE_SLOTS;
use crate::pages::Pages;

/// The alignment of a magazine's array in bytes, and one place more than the longest array has:
/// the address of the top alone tells an empty magazine, without a second load.
const ALIGN: usize = (MAGAZINE_SLOTS + 1) * size_of::<NonNull<u8>>();

const _: () = assert!(ALIGN.is_power_of_two() && ALIGN >= align_of::<NonNull<u8>>());

/// A stack of slots, last in, first out.
///
/// # Invariants
///
/// 1. The array starts at [`Magazine::base`], the last multiple of [`ALIGN`] up to `top`, and ends
///    at `limit`. It has [`MAGAZINE_SLOTS`] places at most and comes from the global allocator, with
///    the layout that [`Magazine::layout`] gives for as many; where it has none, there is no array,
///    and no pointer is ever dereferenced.
/// 2. `top` is at or behind the base and at or in front of `limit`, whole pointers apart.
/// 3. The pointers in front of `top` are initialised.
#[derive(Debug)]
pub(crate) struct Magazine {
    top: Cell<*mut NonNull<u8>>,
    limit: Cell<*mut NonNull<u8>>,
}

impl Magazine {
    /// A magazine without room.
    pub(crate) const fn new() -> Self {
        let nothing = ptr::without_provenance_mut(ALIGN);
        // INVARIANT: 1. to 3. of an array without places.
        Self { top: Cell::new(nothing), limit: Cell::new(nothing) }
    }

    /// Takes the slot that was put in last.
    #[inline]
    pub(crate) fn pop(&self) -> Option<NonNull<u8>> {
        let top = self.top.get();
        if top.addr() % ALIGN == 0 {
            return None;
        }
        // SAFETY: `top` is not the base, hence behind it in the same array (invariants 1 and 2).
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
        // SAFETY: `top` is in front of `limit` in the same array (invariants 1 and 2).
        unsafe { top.write(slot) };
        // SAFETY: as `top` is in front of `limit`, the next place is at most `limit` (invariant 2).
        // INVARIANT: 2. and 3. the pointer just written joins the filled part.
        self.top.set(unsafe { top.add(1) });
        true
    }

    /// Puts each of `slots` on top of the last.
    ///
    /// # Panics
    ///
    /// Panics where there is no room for all of them, and holds none of them then.
    pub(crate) fn extend(&self, slots: impl Iterator<Item = NonNull<u8>>) {
        let mut top = self.top.get();
        for slot in slots {
            assert!(top != self.limit.get(), "a magazine is asked to hold more than it can");
            // SAFETY: by the line above, `top` is in front of `limit` in the same array (invariants
            // 1 and 2).
            unsafe { top.write(slot) };
            // SAFETY: hence the next place is at most `limit`.
            top = unsafe { top.add(1) };
        }
        // INVARIANT: 2. and 3. the pointers just written join the filled part.
        self.top.set(top);
    }

    /// Takes all slots out. They belong to the caller, who has seen them by [`Magazine::iter`].
    pub(crate) fn clear(&self) {
        // INVARIANT: 2. and 3. no place is filled.
        self.top.set(self.base());
    }

    /// The number of slots in the magazine.
    pub(crate) fn len(&self) -> usize {
        (self.top.get().addr() - self.base().addr()) / size_of::<NonNull<u8>>()
    }

    /// The number of slots the magazine has room for.
    pub(crate) fn capacity(&self) -> usize {
        (self.limit.get().addr() - self.base().addr()) / size_of::<NonNull<u8>>()
    }

    /// The start of the array, where there is one.
    fn base(&self) -> *mut NonNull<u8> {
        self.top.get().map_addr(|top| top - top % ALIGN)
    }

    /// The slots in the magazine, the one that was put in first in front. The magazine is not to
    /// be changed by what is done with them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = NonNull<u8>> {
        (0..self.len()).map(|index| {
            assert!(index < self.len());
            // SAFETY: by the line above the place is in front of `top` (invariant 2).
            let place = unsafe { self.base().add(index) };
            // SAFETY: and so it is filled (invariant 3).
            unsafe { place.read() }
        })
    }

    /// Enlarges the magazine to room for `capacity` slots, at most [`MAGAZINE_SLOTS`], on pages as
    /// wished for; does nothing where it has that already.
    ///
    /// # Errors
    ///
    /// [`PoolError::OutOfMemory`] where the memory is refused; the magazine is unchanged then.
    pub(crate) fn grow(&self, capacity: usize, pages: Pages) -> Result<(), PoolError> {
        if capacity <= self.capacity() {
            return Ok(());
        }
        let layout = Self::layout(capacity);
        // SAFETY: the layout's size is not 0: `capacity` is above another one.
        let Some(array) = NonNull::new(unsafe { alloc(layout) }) else {
            return Err(PoolError::OutOfMemory { bytes: layout.size() });
        };
        // SAFETY: 1. the memory was just allocated. 2. By this function, which keeps nothing in it
        // yet.
        unsafe { pages.prepare(array, layout.size()) };
        let array = array.cast::<NonNull<u8>>().as_ptr();
        let (old, old_capacity, len) = (self.base(), self.capacity(), self.len());
        // SAFETY: `len` pointers are filled in the old array (invariant 3), and the new one, a
        // different allocation, has room for more.
        unsafe { ptr::copy_nonoverlapping(old, array, len) };
        // SAFETY: `len` is below `capacity`, the number of places.
        // INVARIANT: 1. to 3. of the new array, into which the filled part was copied, by this line
        // and the next.
        self.top.set(unsafe { array.add(len) });
        // SAFETY: the array has as many places.
        self.limit.set(unsafe { array.add(capacity) });
        // SAFETY: 1. the old array no longer belongs to the magazine.
        unsafe { Self::free(old, old_capacity) };
        Ok(())
    }

    /// The layout of the array of a magazine with room for `capacity` slots.
    fn layout(capacity: usize) -> Layout {
        assert!(capacity <= MAGAZINE_SLOTS);
        let array = Layout::array::<NonNull<u8>>(capacity).and_then(|array| array.align_to(ALIGN));
        array.expect("a magazine is small")
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
        // SAFETY: 1. the magazine ends here, and so does its hold on the array.
        unsafe { Self::free(self.base(), self.capacity()) };
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    /// A pointer that is never used as one.
    fn slot(number: usize) -> NonNull<u8> {
        NonNull::new(ptr::without_provenance_mut(number + 1)).unwrap()
    }

    #[test]
    fn a_magazine_is_a_stack() {
        let mut rng = fastrand::Rng::with_seed(1);
        for capacity in [1, 2, 3, 8, 100, MAGAZINE_SLOTS] {
            let magazine = Magazine::new();
            assert!(!magazine.push(slot(0)) && magazine.pop().is_none());
            magazine.grow(capacity, Pages::default()).unwrap();
            let mut model = Vec::new();
            for number in 0..if cfg!(miri) { 100 } else { 5000 } {
                match rng.u8(..10) {
                    0..6 => {
                        let room = model.len() < capacity;
                        assert_eq!(magazine.push(slot(number)), room);
                        if room {
                            model.push(slot(number));
                        }
                    }
                    6..8 => assert_eq!(magazine.pop(), model.pop()),
                    8 => {
                        let slots = number..number + rng.usize(..=capacity - model.len());
                        magazine.extend(slots.clone().map(slot));
                        model.extend(slots.map(slot));
                    }
                    _ if rng.u8(..20) == 0 => {
                        magazine.clear();
                        model.clear();
                    }
                    _ => {}
                }
                assert_eq!((magazine.len(), magazine.capacity()), (model.len(), capacity));
                assert!(magazine.iter().eq(model.iter().copied()));
            }
        }
    }

    #[test]
    fn a_full_magazine_is_not_mistaken_for_an_empty_one() {
        let magazine = Magazine::new();
        magazine.grow(MAGAZINE_SLOTS, Pages::default()).unwrap();
        magazine.extend((0..MAGAZINE_SLOTS).map(slot));
        assert!(!magazine.push(slot(0)));
        assert_eq!(magazine.len(), MAGAZINE_SLOTS);
        assert_eq!(magazine.pop(), Some(slot(MAGAZINE_SLOTS - 1)));
    }

    #[test]
    fn a_magazine_keeps_its_slots_when_it_grows() {
        let magazine = Magazine::new();
        for capacity in [1, 2, 4, 7, 64, MAGAZINE_SLOTS] {
            magazine.grow(capacity, Pages::default()).unwrap();
            magazine.grow(capacity / 2, Pages::default()).unwrap();
            assert_eq!(magazine.capacity(), capacity);
            while magazine.push(slot(magazine.len())) {}
            assert_eq!(magazine.len(), capacity);
            assert!(magazine.iter().eq((0..capacity).map(slot)));
        }
    }
}
