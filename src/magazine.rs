//! The stack of vacant slots in front of a core: the free list of the hot path.
//!
//! It is an array of pointers (Bonwick and Adams, "Magazines and Vmem", USENIX 2001): neither
//! taking nor returning a slot touches the slot's memory.
//!
//! It is one thread at a time that puts in and takes out, by plain loads and stores. What
//! [`Magazine::len`] and [`Magazine::iter`] read is atomic, so that other threads may look into one
//! that is `WATCHED`: they see states that the magazine was in, and no slot that they know to have
//! left it.

use alloc::alloc::{alloc, dealloc};
use core::alloc::Layout;
use core::cell::Cell;
use core::ptr::{self, NonNull};
use core::sync::atomic::AtomicPtr;
use core::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};

use crate::error::PoolError;
use crate::geometry::MAGAZINE_SLOTS;

/// The alignment of a magazine's array in bytes, and one place more than the longest array has:
/// the address of the top alone tells an empty magazine, without a second load.
const ALIGN: usize = (MAGAZINE_SLOTS + 1) * size_of::<Place>();

const _: () = assert!(ALIGN.is_power_of_two() && ALIGN >= align_of::<Place>());

/// A place of the array. It holds a slot, one that it has held before, or null.
type Place = AtomicPtr<u8>;

/// A stack of slots, last in, first out.
///
/// # Invariants
///
/// 1. The array starts at [`Magazine::base`], the last multiple of [`ALIGN`] up to `top`, and ends
///    at `limit`. It has [`MAGAZINE_SLOTS`] places at most and comes from the global allocator,
///    with the layout that [`Magazine::layout`] gives for as many; where it has none, there is no
///    array, and no pointer is ever dereferenced.
/// 2. `top` is at or behind the base and at or in front of `limit`, whole pointers apart.
/// 3. All places are initialised, and those in front of `top` hold slots.
#[derive(Debug)]
pub(crate) struct Magazine<const WATCHED: bool = false> {
    top: AtomicPtr<Place>,
    limit: Cell<*mut Place>,
}

impl<const WATCHED: bool> Magazine<WATCHED> {
    /// How the top is stored: Release, with the Acquire of `iter`, so that the places in front of
    /// it are seen as they were then.
    const STORE: Ordering = if WATCHED { Release } else { Relaxed };

    /// A magazine without room.
    pub(crate) const fn new() -> Self {
        let nothing = ptr::without_provenance_mut(ALIGN);
        // INVARIANT: 1. to 3. of an array without places.
        Self { top: AtomicPtr::new(nothing), limit: Cell::new(nothing) }
    }

    /// Takes the slot that was put in last.
    #[inline]
    pub(crate) fn pop(&self) -> Option<NonNull<u8>> {
        let top = self.top.load(Relaxed);
        if top.addr() % ALIGN == 0 {
            return None;
        }
        // SAFETY: `top` is not the base, hence behind it in the same array (invariants 1 and 2).
        let top = unsafe { top.sub(1) };
        // INVARIANT: 2. and 3. the array's filled part ends one earlier.
        self.top.store(top, Self::STORE);
        // SAFETY: valid: the place was in the filled part (invariants 1 and 3). Unaliased: no
        // exclusive reference to a place is made while it is in the array.
        let place = unsafe { &*top };
        // SAFETY: what it holds is a slot (invariant 3), which has an address.
        Some(unsafe { NonNull::new_unchecked(place.load(Relaxed)) })
    }

    /// Puts `slot` on top; returns whether there was room.
    #[inline]
    #[must_use]
    pub(crate) fn push(&self, slot: NonNull<u8>) -> bool {
        let top = self.top.load(Relaxed);
        if top == self.limit.get() {
            return false;
        }
        // SAFETY: valid: `top` is in front of `limit` in the same array (invariants 1 to 3).
        // Unaliased: no exclusive reference to a place is made while it is in the array.
        let place = unsafe { &*top };
        place.store(slot.as_ptr(), Relaxed);
        // SAFETY: as `top` is in front of `limit`, the next place is at most `limit` (invariant 2).
        // INVARIANT: 2. and 3. the place just filled joins the filled part.
        self.top.store(unsafe { top.add(1) }, Self::STORE);
        true
    }

    /// Puts each of `slots` on top of the last.
    ///
    /// # Panics
    ///
    /// Panics where there is no room for all of them, and holds none of them then.
    pub(crate) fn extend(&self, slots: impl Iterator<Item = NonNull<u8>>) {
        let mut top = self.top.load(Relaxed);
        let limit = self.limit.get();
        for slot in slots {
            assert!(top != limit, "a magazine is asked to hold more than it can");
            // SAFETY: valid: by the line above, `top` is in front of `limit` in the same array
            // (invariants 1 to 3). Unaliased: no exclusive reference to a place is made while it is
            // in the array.
            let place = unsafe { &*top };
            place.store(slot.as_ptr(), Relaxed);
            // SAFETY: hence the next place is at most `limit`.
            top = unsafe { top.add(1) };
        }
        // INVARIANT: 2. and 3. the places just filled join the filled part.
        self.top.store(top, Self::STORE);
    }

    /// Takes those of its slots out that were put in last, `most` of them or all. They are got
    /// before anything is put in again.
    #[cfg(feature = "std")]
    pub(crate) fn take_last(&self, most: usize) -> impl ExactSizeIterator<Item = NonNull<u8>> {
        let count = self.len().min(most);
        let end = self.top.load(Relaxed);
        // SAFETY: at least `count` places lie in front of `top` in the array (invariants 1 and 2).
        let start = unsafe { end.sub(count) };
        // INVARIANT: 2. and 3. the array's filled part ends as much earlier.
        self.top.store(start, Self::STORE);
        (0..count).map(move |index| {
            // SAFETY: `index` is below `count`, by which `end` lies behind `start`.
            let place = unsafe { start.add(index) };
            // SAFETY: valid: the place was in the filled part (invariants 1 and 3), and the array
            // stays as long as the magazine is borrowed and does not grow. Unaliased: no exclusive
            // reference to a place is made while it is in the array.
            let place = unsafe { &*place };
            // SAFETY: what it holds is a slot (invariant 3), this one or one put in since, which
            // has an address.
            unsafe { NonNull::new_unchecked(place.load(Relaxed)) }
        })
    }

    /// The number of slots in the magazine.
    pub(crate) fn len(&self) -> usize {
        self.top.load(Relaxed).addr() % ALIGN / size_of::<Place>()
    }

    /// The number of slots the magazine has room for.
    pub(crate) fn capacity(&self) -> usize {
        self.limit.get().addr() % ALIGN / size_of::<Place>()
    }

    /// The start of the array, where there is one.
    fn base(&self) -> *mut Place {
        self.top.load(Relaxed).map_addr(|top| top - top % ALIGN)
    }

    /// The slots in the magazine, the one that was put in first in front. It neither grows nor ends
    /// meanwhile, whoever looks.
    pub(crate) fn iter(&self) -> impl Iterator<Item = NonNull<u8>> {
        let top = self.top.load(Acquire);
        let len = top.addr() % ALIGN / size_of::<Place>();
        (0..len).filter_map(move |index| {
            // SAFETY: `len` places lie in front of `top` in the array (invariants 1 and 2), which
            // stays as long as the magazine is borrowed and does not grow.
            let place = unsafe { top.sub(len - index) };
            // SAFETY: valid: initialised (invariant 3). Unaliased: no exclusive reference to a
            // place is made while it is in the array.
            let place = unsafe { &*place };
            NonNull::new(place.load(Relaxed))
        })
    }

    /// Enlarges the magazine to room for `capacity` slots, at most [`MAGAZINE_SLOTS`]; does
    /// nothing where it has that already.
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
        let array = array.cast::<Place>().as_ptr();
        for index in 0..capacity {
            // SAFETY: the array has as many places.
            let place = unsafe { array.add(index) };
            // SAFETY: the memory was just allocated, for places.
            unsafe { place.write(Place::new(ptr::null_mut())) };
        }
        let (old, old_capacity, len) = (self.base(), self.capacity(), self.len());
        // SAFETY: `len` pointers are filled in the old array (invariant 3), and the new one, a
        // different allocation, has room for more.
        unsafe { ptr::copy_nonoverlapping(old, array, len) };
        // SAFETY: `len` is below `capacity`, the number of places.
        // INVARIANT: 1. to 3. of the new array, into which the filled part was copied, by this line
        // and the next.
        self.top.store(unsafe { array.add(len) }, Self::STORE);
        // SAFETY: the array has as many places.
        self.limit.set(unsafe { array.add(capacity) });
        // SAFETY: 1. the old array no longer belongs to the magazine.
        unsafe { Self::free(old, old_capacity) };
        Ok(())
    }

    /// The layout of the array of a magazine with room for `capacity` slots.
    fn layout(capacity: usize) -> Layout {
        assert!(capacity <= MAGAZINE_SLOTS);
        let array = Layout::array::<Place>(capacity).and_then(|array| array.align_to(ALIGN));
        array.expect("a magazine is small")
    }

    /// Gives an array back to the global allocator.
    ///
    /// # Safety
    ///
    /// 1. `array` was the array of a magazine with room for `capacity`, and no longer is.
    unsafe fn free(array: *mut Place, capacity: usize) {
        if capacity != 0 {
            // SAFETY: the array was allocated with this layout (clause 1; invariant 1).
            unsafe { dealloc(array.cast(), Self::layout(capacity)) };
        }
    }
}

impl<const WATCHED: bool> Drop for Magazine<WATCHED> {
    fn drop(&mut self) {
        // SAFETY: 1. the magazine ends here, and so does its hold on the array.
        unsafe { Self::free(self.base(), self.capacity()) };
    }
}

#[cfg(all(test, not(loom)))]
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
            let magazine = Magazine::<false>::new();
            assert!(!magazine.push(slot(0)) && magazine.pop().is_none());
            magazine.grow(capacity).unwrap();
            let mut model = Vec::new();
            for number in 0..if cfg!(miri) { 100 } else { 5000 } {
                match rng.u8(..11) {
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
                    #[cfg(feature = "std")]
                    9 => {
                        let most = rng.usize(..8);
                        let rest = model.len().saturating_sub(most);
                        assert!(magazine.take_last(most).eq(model.drain(rest..)));
                    }
                    _ if rng.u8(..20) == 0 => {
                        while magazine.pop().is_some() {}
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
        let magazine = Magazine::<false>::new();
        magazine.grow(MAGAZINE_SLOTS).unwrap();
        magazine.extend((0..MAGAZINE_SLOTS).map(slot));
        assert!(!magazine.push(slot(0)));
        assert_eq!(magazine.len(), MAGAZINE_SLOTS);
        assert_eq!(magazine.pop(), Some(slot(MAGAZINE_SLOTS - 1)));
    }

    #[test]
    fn a_magazine_keeps_its_slots_when_it_grows() {
        let magazine = Magazine::<false>::new();
        for capacity in [1, 2, 4, 7, 64, MAGAZINE_SLOTS] {
            magazine.grow(capacity).unwrap();
            magazine.grow(capacity / 2).unwrap();
            assert_eq!(magazine.capacity(), capacity);
            while magazine.push(slot(magazine.len())) {}
            assert_eq!(magazine.len(), capacity);
            assert!(magazine.iter().eq((0..capacity).map(slot)));
        }
    }
}
