//! The stack of vacant slots in front of a core: the free list of the hot path.
//!
//! It is an array of pointers (Bonwick and Adams, "Magazines and Vmem", USENIX 2001): neither
//! taking nor returning a slot touches the slot's memory.

use alloc::alloc::{alloc, dealloc};
use core::alloc::Layout;
use core::cell::Cell;
use core::ptr::{self, NonNull};
use core::slice;

use crate::error::PoolError;
use crate::geometry::SPILL_SLOTS;

/// A stack of slots, last in, first out.
///
/// Its array has more than twice as many places as the magazine has room for: taking the oldest
/// slots away moves the bottom up, and what is left moves down only when the end of the array is
/// reached.
///
/// # Invariants
///
/// 1. From `base` on there are [`places`]`(room)` places for pointers, one array from the global
///    allocator; where `room` is 0, there is nothing, and all pointers are equal and never
///    dereferenced.
/// 2. `base <= bottom <= top <= limit`, whole pointers apart, and `limit` is not behind the end of
///    the array and not more than `room` places behind `bottom`.
/// 3. The pointers in `bottom .. top` are initialised.
#[derive(Debug)]
pub(crate) struct Magazine {
    top: Cell<*mut NonNull<u8>>,
    bottom: Cell<*mut NonNull<u8>>,
    limit: Cell<*mut NonNull<u8>>,
    base: Cell<*mut NonNull<u8>>,
    room: Cell<usize>,
}

impl Magazine {
    /// A magazine without room.
    pub(crate) const fn new() -> Self {
        let nothing = NonNull::dangling().as_ptr();
        // INVARIANT: 1. `room` is 0. 2. all equal. 3. nothing to initialise.
        Self {
            top: Cell::new(nothing),
            bottom: Cell::new(nothing),
            limit: Cell::new(nothing),
            base: Cell::new(nothing),
            room: Cell::new(0),
        }
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
        (self.top.get().addr() - self.bottom.get().addr()) / size_of::<NonNull<u8>>()
    }

    /// Whether [`Magazine::push`] finds no room, be it for want of [`Magazine::settle`].
    pub(crate) fn is_at_limit(&self) -> bool {
        self.top.get() == self.limit.get()
    }

    /// The number of slots the magazine has room for.
    pub(crate) fn capacity(&self) -> usize {
        self.room.get()
    }

    /// The slots in the magazine, the one that was put in first in front. The magazine is not to
    /// be changed by what is done with them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = NonNull<u8>> {
        (0..self.len()).map(|index| {
            assert!(index < self.len());
            // SAFETY: by the line above the place is in front of `top` (invariant 2).
            let place = unsafe { self.bottom.get().add(index) };
            // SAFETY: and in its filled part (invariant 3).
            unsafe { place.read() }
        })
    }

    /// The `count` slots that were put in first, of which there are at least as many.
    ///
    /// # Safety
    ///
    /// 1. The magazine is not changed while the result is used.
    pub(crate) unsafe fn oldest(&self, count: usize) -> &[NonNull<u8>] {
        assert!(count <= self.len());
        // SAFETY: valid: the places are filled (invariants 2 and 3), and stay so (clause 1).
        // Unaliased: nothing but a change of the magazine writes to them.
        unsafe { slice::from_raw_parts(self.bottom.get(), count) }
    }

    /// Takes the `count` slots that were put in first away, of which there are at least as many.
    pub(crate) fn discard_oldest(&self, count: usize) {
        assert!(count <= self.len());
        // SAFETY: `count` is at most the number of filled places (invariant 2).
        // INVARIANT: 2. and 3. fewer places are filled.
        self.bottom.set(unsafe { self.bottom.get().add(count) });
        self.set_limit();
    }

    /// Leaves `count` places free below the slots of the magazine, which is empty and has room for
    /// at least as many, for [`Magazine::push_below`].
    pub(crate) fn lift(&self, count: usize) {
        assert!(self.len() == 0 && count <= self.room.get());
        // SAFETY: the array has at least `room` places (invariant 1).
        let place = unsafe { self.base.get().add(count) };
        // INVARIANT: 2. and 3. nothing is filled.
        self.bottom.set(place);
        self.top.set(place);
        self.set_limit();
    }

    /// Puts each of `slots` below what is in the magazine: they come out in this order, behind all
    /// that was there before. [`Magazine::lift`] has made room for them.
    #[inline]
    pub(crate) fn push_below(&self, slots: impl Iterator<Item = NonNull<u8>>) {
        let base = self.base.get();
        let mut bottom = self.bottom.get();
        for slot in slots {
            assert!(bottom != base, "places were left free");
            // SAFETY: by the line above, `bottom` is above `base` in the same array.
            bottom = unsafe { bottom.sub(1) };
            // SAFETY: hence there is a place, and nothing holds a reference to the array.
            unsafe { bottom.write(slot) };
        }
        // INVARIANT: 2. and 3. the places from the new bottom on have just been filled. They are no
        // more than `lift` left free, so that the limit stays at or above the top.
        self.bottom.set(bottom);
        self.set_limit();
    }

    /// Moves what is in the magazine to the start of the array, so that there is room for as many
    /// slots as [`Magazine::capacity`] says.
    pub(crate) fn settle(&self) {
        let (base, len) = (self.base.get(), self.len());
        // SAFETY: `len` places are filled from `bottom` on (invariants 2 and 3), and as many start
        // at `base`, at or in front of `bottom` (invariants 1 and 2); nothing holds a reference to
        // the array.
        unsafe { ptr::copy(self.bottom.get(), base, len) };
        // INVARIANT: 2. and 3. the filled part is what was just moved.
        self.bottom.set(base);
        // SAFETY: the array has `len` places at least (invariants 1 and 2).
        self.top.set(unsafe { base.add(len) });
        self.set_limit();
    }

    /// Sets the limit as high as invariant 2 allows.
    fn set_limit(&self) {
        let (base, room) = (self.base.get(), self.room.get());
        let in_front = (self.bottom.get().addr() - base.addr()) / size_of::<NonNull<u8>>();
        // SAFETY: the array has `places(room)` places (invariant 1).
        // INVARIANT: 2. here.
        self.limit.set(unsafe { base.add((in_front + room).min(places(room))) });
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
        let (old, old_capacity) = (self.base.get(), self.capacity());
        // INVARIANT: 1. to 3. of the new array, into which the filled part was copied.
        self.base.set(array);
        self.room.set(capacity);
        self.bottom.set(array);
        // SAFETY: `len` is below the new array's `capacity`.
        self.top.set(unsafe { array.add(len) });
        self.set_limit();
        // SAFETY: 1. the old array no longer belongs to the magazine.
        unsafe { Self::free(old, old_capacity) };
        Ok(())
    }

    /// The layout of the array of a magazine with room for `capacity` slots.
    fn layout(capacity: usize) -> Layout {
        // Never fails: a magazine has room for 1024 slots at most.
        Layout::array::<NonNull<u8>>(places(capacity)).expect("a magazine is small")
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

/// The number of places in the array of a magazine with room for `room` slots.
///
/// Beyond twice the room there is half of what a spill takes at most. So the end of the array is
/// met, and what is in the magazine moved down, midway between two spills: no single free pays for
/// both.
const fn places(room: usize) -> usize {
    if room == 0 { 0 } else { 2 * room + SPILL_SLOTS / 2 }
}

impl Drop for Magazine {
    fn drop(&mut self) {
        // SAFETY: 1. the magazine ends here, and so does its hold on the array.
        unsafe { Self::free(self.base.get(), self.capacity()) };
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// A pointer that is never used as one.
    fn slot(number: usize) -> NonNull<u8> {
        NonNull::new(ptr::without_provenance_mut(number + 1)).unwrap()
    }

    #[test]
    fn a_magazine_is_a_stack_whose_bottom_can_be_taken_away() {
        let mut rng = fastrand::Rng::with_seed(1);
        for capacity in [1, 2, 3, 8, 100] {
            let magazine = Magazine::new();
            assert!(!magazine.push(slot(0)) && magazine.pop().is_none());
            magazine.grow(capacity).unwrap();
            let mut model = VecDeque::new();
            for number in 0..if cfg!(miri) { 100 } else { 5000 } {
                match rng.u8(..9) {
                    0..4 => {
                        if magazine.is_at_limit() {
                            assert!(!magazine.push(slot(number)));
                            magazine.settle();
                        }
                        let room = model.len() < capacity;
                        assert_eq!(magazine.push(slot(number)), room);
                        if room {
                            model.push_back(slot(number));
                        }
                    }
                    4..6 => assert_eq!(magazine.pop(), model.pop_back()),
                    6 => magazine.settle(),
                    7 if model.is_empty() => {
                        let most = rng.usize(..=capacity);
                        magazine.lift(most);
                        for slots in [0..most / 3, most / 3..most] {
                            magazine.push_below(slots.clone().map(slot));
                            slots.map(slot).for_each(|slot| model.push_front(slot));
                        }
                    }
                    _ => {
                        let count = rng.usize(..=model.len());
                        // SAFETY: 1. the slots are compared, and only then discarded.
                        let oldest = unsafe { magazine.oldest(count) };
                        assert!(oldest.iter().eq(model.iter().take(count)));
                        magazine.discard_oldest(count);
                        model.drain(..count);
                    }
                }
                assert_eq!(magazine.len(), model.len());
                assert!(magazine.iter().eq(model.iter().copied()));
            }
        }
    }

    #[test]
    fn a_magazine_keeps_its_slots_when_it_grows() {
        let magazine = Magazine::new();
        for capacity in [1, 2, 4, 7, 64, 1024] {
            magazine.grow(capacity).unwrap();
            magazine.grow(capacity / 2).unwrap();
            assert_eq!(magazine.capacity(), capacity);
            while magazine.push(slot(magazine.len())) {}
            assert_eq!(magazine.len(), capacity);
            assert!(magazine.iter().eq((0..capacity).map(slot)));
        }
    }
}
