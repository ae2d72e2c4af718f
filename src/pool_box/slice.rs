//! Handles of several values in a row, and of text.

use core::marker::PhantomData;
use core::mem;
use core::ptr::{self, NonNull};

use crate::memory::{Memory, Slot};
use crate::pool_box::PoolBox;

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
        mut build: impl FnMut(usize) -> T,
    ) -> Self {
        // INVARIANT: `Built` 1. there are none. The slot is dropped after it.
        let mut values = Built { start: slot.start().cast::<T>(), built: 0 };
        for number in 0..len {
            // SAFETY: the slot has room for one value more (clause 1).
            let place = unsafe { values.start.add(number) };
            // SAFETY: by the line above, and the place belongs to `slot`, so nothing else refers to
            // it, whatever `build` does.
            unsafe { place.write(build(number)) };
            // INVARIANT: `Built` 1. one more has been written.
            values.built += 1;
        }
        mem::forget(values);
        // SAFETY: 1. by the loop.
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
