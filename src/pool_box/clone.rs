//! Handles of values that are cloned into the same pool.

use core::marker::PhantomData;
use core::ptr::NonNull;

use crate::error::{TryAllocError, refuse};
use crate::memory::{Memory, Slot};
use crate::pool_box::PoolBox;

/// What can be cloned to a place as large and as aligned as its own.
///
/// # Safety
///
/// 1. What [`CloneInPlace::clone_to`] returns is the address that it is given, with the same
///    provenance, where a valid value lies then.
pub unsafe trait CloneInPlace {
    /// Clones the value to `place`.
    ///
    /// # Safety
    ///
    /// 1. `place` has room for a value of this one's size, and is aligned for it.
    /// 2. Nothing else refers to that room.
    unsafe fn clone_to(&self, place: NonNull<u8>) -> NonNull<Self>;

    /// Makes this value a clone of another in its place, if it has room for it; returns whether it
    /// has.
    fn clone_over(&mut self, source: &Self) -> bool;
}

// SAFETY: 1. `cast` changes neither, and a value is written.
unsafe impl<T: Clone> CloneInPlace for T {
    #[inline]
    unsafe fn clone_to(&self, place: NonNull<u8>) -> NonNull<T> {
        let place = place.cast();
        // SAFETY: there is room (clause 1), which nothing else refers to (clause 2), whatever
        // `clone` does.
        unsafe { place.write(self.clone()) };
        place
    }

    #[inline]
    fn clone_over(&mut self, source: &T) -> bool {
        self.clone_from(source);
        true
    }
}

/// Ends a clone for which there is no slot.
///
/// # Safety
///
/// 1. `slot` is that of a handle in an `M`, which lives.
#[cold]
#[inline(never)]
#[track_caller]
unsafe fn refuse_beside<M: Memory>(slot: NonNull<u8>) -> ! {
    // SAFETY: 1. clause 1, and `PoolBox` invariant 1.
    refuse(unsafe { M::refusal_beside(slot) })
}

impl<'p, T: ?Sized + CloneInPlace, M: Memory> PoolBox<'p, T, M> {
    /// Takes a slot of the size and the alignment of this handle's, at least.
    #[inline]
    fn take_beside(this: &Self) -> Option<Slot<'p, M>> {
        // SAFETY: 1. invariant 1.
        let start = unsafe { M::take_beside(Self::slot(this)) }?;
        // SAFETY: 1. and 2. clause 1 of `Slots`; the core outlives this handle's lifetime, or its
        // count, as that of its own slot does, both being behind the same pool.
        Some(unsafe { Slot::handed_out(start, Self::size(this)) })
    }

    /// Clones the value into a slot from [`PoolBox::take_beside`], which is given back where the
    /// clone panics.
    ///
    /// # Safety
    ///
    /// 1. `slot` came from there.
    #[inline]
    unsafe fn clone_to(this: &Self, slot: Slot<'p, M>) -> Self {
        // SAFETY: 1. this value lies in a slot (invariant 2), and that is as large and as aligned
        // (clause 1, clause 1 of `Slots`). 2. It belongs to `slot`.
        let value = unsafe { T::clone_to(this, slot.start()) };
        slot.into_start();
        // INVARIANT: 1. `Slot` invariant 1. 2. clause 1 of `CloneInPlace`; `slot` gave the slot up.
        // 3. as for this handle.
        Self { value, memory: PhantomData, owned: PhantomData }
    }

    /// Clones the value into another slot of the same pool, if there is one.
    ///
    /// # Errors
    ///
    /// [`TryAllocError`], with nothing to give back: the value has not been cloned.
    ///
    /// # Examples
    ///
    /// ```
    /// use typed_pool::{Pool, PoolBox};
    ///
    /// let pool = Pool::bounded(2);
    /// let first = pool.alloc(String::from("again"));
    /// let second = PoolBox::try_clone(&first)?;
    /// assert_eq!(first, second);
    /// assert!(PoolBox::try_clone(&first).unwrap_err().is_full());
    /// # Ok::<(), typed_pool::TryAllocError<()>>(())
    /// ```
    #[inline]
    pub fn try_clone(this: &Self) -> Result<Self, TryAllocError<()>> {
        match Self::take_beside(this) {
            // SAFETY: 1. by the line above.
            Some(slot) => Ok(unsafe { Self::clone_to(this, slot) }),
            None => {
                // SAFETY: 1. invariant 1.
                let error = unsafe { M::refusal_beside(Self::slot(this)) };
                Err(TryAllocError::new((), error))
            }
        }
    }
}

/// Clones the value into a slot of the same pool: of a type that is `Clone`, of a slice of such, or
/// text.
impl<T: ?Sized + CloneInPlace, M: Memory> Clone for PoolBox<'_, T, M> {
    /// Clones the value into another slot of the same pool.
    ///
    /// # Panics
    ///
    /// Where the pool is bounded and full. Calls
    /// [`handle_alloc_error`](alloc::alloc::handle_alloc_error) where the upstream allocator has no
    /// memory for the pool.
    #[inline]
    #[track_caller]
    fn clone(&self) -> Self {
        let Some(slot) = Self::take_beside(self) else {
            // SAFETY: 1. it is.
            unsafe { refuse_beside::<M>(Self::slot(self)) }
        };
        // SAFETY: 1. by the lines above.
        unsafe { Self::clone_to(self, slot) }
    }

    /// Clones the value of `source` into this handle's slot. A slice of another length, and text,
    /// goes into another slot, and this one is given back.
    ///
    /// # Panics
    ///
    /// As [`PoolBox::clone`], where another slot is needed.
    #[inline]
    #[track_caller]
    fn clone_from(&mut self, source: &Self) {
        if !T::clone_over(self, source) {
            *self = source.clone();
        }
    }
}
