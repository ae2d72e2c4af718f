//! Boxes from mimalloc, called directly and not as the global allocator.

use std::alloc::{Layout, handle_alloc_error};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// Owns a `T` in memory of mimalloc.
///
/// # Invariants
///
/// 1. `value` came from `mi_malloc`, holds a `T`, and only this box reaches it.
#[derive(Debug)]
pub(crate) struct MiBox<T> {
    value: NonNull<T>,
}

impl<T> MiBox<T> {
    /// What mimalloc promises without being asked.
    const ALIGN: usize = 16;

    #[inline]
    pub(crate) fn new(value: T) -> Self {
        const { assert!(align_of::<T>() <= Self::ALIGN && size_of::<T>() >= Self::ALIGN) };
        // SAFETY: the function has no conditions.
        let memory = unsafe { libmimalloc_sys::mi_malloc(size_of::<T>()) };
        let Some(memory) = NonNull::new(memory.cast::<T>()) else {
            handle_alloc_error(Layout::new::<T>())
        };
        // SAFETY: the memory is fresh, as large as a `T`, and aligned for one by the assertion.
        unsafe { memory.write(value) };
        // INVARIANT: 1. by the lines above.
        Self { value: memory }
    }
}

impl<T> Deref for MiBox<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: valid and unaliased by invariant 1, and `&self` borrows the box for as long as
        // the result lives.
        unsafe { self.value.as_ref() }
    }
}

impl<T> DerefMut for MiBox<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: valid and unaliased by invariant 1, and `&mut self` borrows the box for as long
        // as the result lives.
        unsafe { self.value.as_mut() }
    }
}

impl<T> Drop for MiBox<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: it holds a `T` that nothing else reaches, by invariant 1, nor does the box again.
        unsafe { self.value.drop_in_place() };
        // SAFETY: it came from `mi_malloc`, by invariant 1, and is given back only here.
        unsafe { libmimalloc_sys::mi_free(self.value.as_ptr().cast()) };
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    #[test]
    #[cfg_attr(miri, ignore = "Miri cannot call C")]
    fn a_box_holds_its_value_and_drops_it_once() {
        let shared = Rc::new(());
        let mut held = MiBox::new((Rc::clone(&shared), 1));
        held.1 += 1;
        assert_eq!((held.1, Rc::strong_count(&shared)), (2, 2));
        drop(held);
        assert_eq!(Rc::strong_count(&shared), 1);
    }
}
