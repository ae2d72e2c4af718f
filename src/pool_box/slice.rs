//! Handles of several values in a row, and of text.

use core::marker::PhantomData;
use core::mem;
use core::ptr::{self, NonNull};

use crate::memory::{Memory, Slot};
use crate::pool_box::PoolBox;
use crate::pool_box::clone::CloneInPlace;

/// Values at the start of a slot, dropped where building the next one panics.
///
/// # Invariants
///
/// 1. `built` valid values lie in a row from `start` on, which belong to this value.
struct Built<T> {
    start: NonNull<T>,
    built: usize,
}

impl<T> Drop for Built<T> {
    fn drop(&mut self) {
        let values = NonNull::slice_from_raw_parts(self.start, self.built);
        // SAFETY: they are valid and end here (invariant 1).
        unsafe { ptr::drop_in_place(values.as_ptr()) };
    }
}

/// Builds `len` values in a row at `start`, in order, each by its number; drops those that were
/// built where `build` panics.
///
/// # Safety
///
/// 1. `start` has room for so many values, and is aligned for them.
/// 2. Nothing else refers to that room.
unsafe fn build_row<T>(
    start: NonNull<T>,
    len: usize,
    mut build: impl FnMut(usize) -> T,
) -> NonNull<[T]> {
    // INVARIANT: `Built` 1. there are none.
    let mut values = Built { start, built: 0 };
    for number in 0..len {
        // SAFETY: there is room for one value more (clause 1).
        let place = unsafe { start.add(number) };
        // SAFETY: by the line above, and nothing else refers to the place (clause 2), whatever
        // `build` does.
        unsafe { place.write(build(number)) };
        // INVARIANT: `Built` 1. one more has been written.
        values.built += 1;
    }
    mem::forget(values);
    NonNull::slice_from_raw_parts(start, len)
}

// SAFETY: 1. `cast` changes neither, nor does making it wide; `build_row` builds all values.
unsafe impl<T: Clone> CloneInPlace for [T] {
    unsafe fn clone_to(&self, place: NonNull<u8>) -> NonNull<Self> {
        // SAFETY: 1. clause 1. 2. clause 2.
        unsafe { build_row(place.cast(), self.len(), |number| self[number].clone()) }
    }

    fn clone_over(&mut self, source: &Self) -> bool {
        let fits = self.len() == source.len();
        if fits {
            self.clone_from_slice(source);
        }
        fits
    }
}

// SAFETY: 1. `cast` changes neither, nor does making it wide; the bytes are those of text.
unsafe impl CloneInPlace for str {
    unsafe fn clone_to(&self, place: NonNull<u8>) -> NonNull<Self> {
        // SAFETY: 1. clause 1. 2. clause 2.
        let bytes = unsafe { self.as_bytes().clone_to(place) };
        let text = bytes.as_ptr() as *mut str;
        // SAFETY: it is the address of a place.
        unsafe { NonNull::new_unchecked(text) }
    }

    fn clone_over(&mut self, _: &Self) -> bool {
        false
    }
}

impl<'p, T, M: Memory> PoolBox<'p, [T], M> {
    /// Builds `len` values in a slot, in order, each by its number; drops those that were built and
    /// gives the slot back where `build` panics.
    ///
    /// # Safety
    ///
    /// 1. The slot is of the size and the alignment of `len` values at least.
    pub(crate) unsafe fn fill_row(
        slot: Slot<'p, M>,
        len: usize,
        build: impl FnMut(usize) -> T,
    ) -> Self {
        // SAFETY: 1. clause 1. 2. it belongs to `slot`, which is dropped after what was built.
        unsafe { build_row(slot.start().cast::<T>(), len, build) };
        // SAFETY: 1. by the line above.
        unsafe { Self::from_row(slot, len) }
    }

    /// Copies values into a slot.
    ///
    /// # Safety
    ///
    /// 1. The slot is of the size and the alignment of those values at least.
    #[inline]
    pub(crate) unsafe fn copy_from(slot: Slot<'p, M>, values: &[T]) -> Self
    where
        T: Copy,
    {
        let start = slot.start().cast::<T>().as_ptr();
        // SAFETY: the slot has room for them (clause 1) and belongs to `slot`, so that they, which
        // are borrowed, do not lie in it.
        unsafe { ptr::copy_nonoverlapping(values.as_ptr(), start, values.len()) };
        // SAFETY: 1. by the line above.
        unsafe { Self::from_row(slot, values.len()) }
    }

    /// The handle of the values in a slot.
    ///
    /// # Safety
    ///
    /// 1. `len` valid values lie in a row at the start of the slot.
    #[inline]
    unsafe fn from_row(slot: Slot<'p, M>, len: usize) -> Self {
        let values = NonNull::slice_from_raw_parts(slot.into_start().cast::<T>(), len);
        // INVARIANT: 1. `Slot` invariant 1. 2. clause 1; `slot` gave the slot up. 3. `[T]` is not
        // sized.
        Self { value: values, memory: PhantomData, owned: PhantomData }
    }
}

impl<'p, M: Memory> PoolBox<'p, str, M> {
    /// Copies text into a slot.
    ///
    /// # Safety
    ///
    /// 1. The slot is of the size of `text` at least.
    #[inline]
    pub(crate) unsafe fn copy_text(slot: Slot<'p, M>, text: &str) -> Self {
        // SAFETY: 1. clause 1; a byte can lie anywhere.
        let bytes = unsafe { PoolBox::<[u8], M>::copy_from(slot, text.as_bytes()) };
        let bytes = PoolBox::into_raw(bytes).as_ptr();
        // SAFETY: a handle's value has an address.
        let text = unsafe { NonNull::new_unchecked(bytes as *mut str) };
        // SAFETY: 1. by the lines above. 2. the address goes nowhere else. 3. the lifetime and the
        // thread are the same. 4. the bytes are those of a `str`.
        unsafe { Self::from_raw(text) }
    }
}
