//! A value at an address that does not change, which others may note.

use alloc::alloc::{alloc, dealloc};
use core::alloc::Layout;
use core::ops::Deref;
use core::ptr::{self, NonNull};

use crate::error::PoolError;

/// A value of its own allocation, dropped with it.
///
/// Not a `Box`, which may be reached by way of nothing but itself, and whose move would end the
/// pointers that others hold.
///
/// # Invariants
///
/// 1. `place` points to a valid `T` in memory of its layout from the global allocator, both of
///    which belong to this value. No exclusive reference to the `T` is made before its end.
#[derive(Debug)]
pub(crate) struct Fixed<T> {
    place: NonNull<T>,
}

impl<T> Fixed<T> {
    /// Makes a value, given where it is going to lie.
    ///
    /// # Errors
    ///
    /// [`PoolError::OutOfMemory`].
    pub(crate) fn new(make: impl FnOnce(NonNull<T>) -> T) -> Result<Self, PoolError> {
        const { assert!(size_of::<T>() != 0) };
        let layout = Layout::new::<T>();
        // SAFETY: a `T` is not of size 0, by the first line.
        let place = NonNull::new(unsafe { alloc(layout) })
            .ok_or(PoolError::OutOfMemory { bytes: layout.size() })?
            .cast::<T>();
        let value = make(place);
        // SAFETY: the memory was just allocated for a `T`.
        unsafe { place.write(value) };
        // INVARIANT: 1. by the lines above.
        Ok(Self { place })
    }

    /// Where the value lies, with the provenance of its allocation.
    pub(crate) fn place(&self) -> NonNull<T> {
        self.place
    }
}

impl<T> Deref for Fixed<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: valid: invariant 1. Unaliased: no exclusive reference is made (invariant 1).
        unsafe { self.place.as_ref() }
    }
}

impl<T> Drop for Fixed<T> {
    fn drop(&mut self) {
        // SAFETY: the value is valid and ends here (invariant 1).
        unsafe { ptr::drop_in_place(self.place.as_ptr()) };
        // SAFETY: `new` allocated the memory with this layout (invariant 1).
        unsafe { dealloc(self.place.as_ptr().cast(), Layout::new::<T>()) };
    }
}
