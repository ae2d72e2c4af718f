//! Several values in one slot, and text.

use core::alloc::Layout;

use super::ClassedPool;
use crate::block_pool::BlockPool;
use crate::error::{PoolError, TryAllocError, expect};
use crate::geometry::layout_of;
use crate::memory::Slot;
use crate::pool_box::PoolBox;
use crate::pool_core::PoolCore;

impl<C: PoolCore> ClassedPool<C> {
    /// Takes a slot of the size and the alignment of `len` values of type `T` at least.
    fn take_row<T>(&self, len: usize) -> Result<Slot<'_, BlockPool<C>>, PoolError> {
        let single = const { layout_of::<T>() };
        let layout = Layout::array::<T>(len)
            .map_err(|_| PoolError::TooLarge { object_size: single.size(), pool_size: len })?;
        self.take(layout)
    }

    /// Copies values into the pool, one behind the other.
    ///
    /// # Panics
    ///
    /// As [`ClassedPool::alloc`].
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::SizeClassPool::new();
    /// let mut primes = pool.alloc_slice_copy(&[2, 3, 5, 7]);
    /// primes[0] = 11;
    /// assert_eq!(*primes, [11, 3, 5, 7]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn alloc_slice_copy<T: Copy>(&self, values: &[T]) -> PoolBox<'_, [T], BlockPool<C>> {
        let slot = expect(self.take_row::<T>(values.len()));
        // SAFETY: 1. by `take_row`.
        unsafe { PoolBox::copy_from(slot, values) }
    }

    /// As [`ClassedPool::alloc_slice_copy`], or gives the values back.
    ///
    /// # Errors
    ///
    /// [`TryAllocError`] holds `values`, where the upstream allocator has no memory.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::SizeClassPool::new();
    /// let bytes = pool.try_alloc_slice_copy(b"a row of bytes").unwrap();
    /// assert_eq!(bytes.len(), 14);
    /// ```
    #[inline]
    #[expect(clippy::type_complexity, reason = "it is that of `try_alloc`, for a slice")]
    pub fn try_alloc_slice_copy<'a, T: Copy>(
        &self,
        values: &'a [T],
    ) -> Result<PoolBox<'_, [T], BlockPool<C>>, TryAllocError<&'a [T]>> {
        match self.take_row::<T>(values.len()) {
            // SAFETY: 1. by `take_row`.
            Ok(slot) => Ok(unsafe { PoolBox::copy_from(slot, values) }),
            Err(error) => Err(TryAllocError::new(values, error)),
        }
    }

    /// Builds `len` values in the pool, one behind the other: `build` is called with the number of
    /// each, in order. Where it panics, those that were built are dropped and the slot is given
    /// back.
    ///
    /// # Panics
    ///
    /// As [`ClassedPool::alloc`], where so many values are more than any allocation can hold, and
    /// where `build` panics.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::SizeClassPool::new();
    /// let names = pool.alloc_slice_fill_with(3, |number| format!("name {number}"));
    /// assert_eq!(names[2], "name 2");
    /// ```
    #[inline]
    #[track_caller]
    pub fn alloc_slice_fill_with<T>(
        &self,
        len: usize,
        build: impl FnMut(usize) -> T,
    ) -> PoolBox<'_, [T], BlockPool<C>> {
        let slot = expect(self.take_row::<T>(len));
        // SAFETY: 1. by `take_row`.
        unsafe { PoolBox::fill_row(slot, len, build) }
    }

    /// As [`ClassedPool::alloc_slice_fill_with`], or gives the builder back.
    ///
    /// # Errors
    ///
    /// [`TryAllocError`] holds `build`, which has not been called: [`PoolError::TooLarge`] where so
    /// many values are more than any allocation can hold, or [`PoolError::OutOfMemory`].
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::SizeClassPool::new();
    /// let refused = pool.try_alloc_slice_fill_with(usize::MAX, |number| number).unwrap_err();
    /// assert!(refused.to_string().contains("too large"));
    /// ```
    #[inline]
    pub fn try_alloc_slice_fill_with<T, F: FnMut(usize) -> T>(
        &self,
        len: usize,
        build: F,
    ) -> Result<PoolBox<'_, [T], BlockPool<C>>, TryAllocError<F>> {
        match self.take_row::<T>(len) {
            // SAFETY: 1. by `take_row`.
            Ok(slot) => Ok(unsafe { PoolBox::fill_row(slot, len, build) }),
            Err(error) => Err(TryAllocError::new(build, error)),
        }
    }

    /// Copies text into the pool.
    ///
    /// # Panics
    ///
    /// As [`ClassedPool::alloc`].
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::SizeClassPool::new();
    /// let mut name = pool.alloc_str("pool");
    /// name.make_ascii_uppercase();
    /// assert_eq!(&*name, "POOL");
    /// ```
    #[inline]
    #[track_caller]
    pub fn alloc_str(&self, text: &str) -> PoolBox<'_, str, BlockPool<C>> {
        let slot = expect(self.take_row::<u8>(text.len()));
        // SAFETY: 1. by `take_row`.
        unsafe { PoolBox::copy_text(slot, text) }
    }

    /// As [`ClassedPool::alloc_str`], or gives the text back.
    ///
    /// # Errors
    ///
    /// [`TryAllocError`] holds `text`, where the upstream allocator has no memory.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::SizeClassPool::new();
    /// assert_eq!(&*pool.try_alloc_str("pooled").unwrap(), "pooled");
    /// ```
    #[inline]
    pub fn try_alloc_str<'a>(
        &self,
        text: &'a str,
    ) -> Result<PoolBox<'_, str, BlockPool<C>>, TryAllocError<&'a str>> {
        match self.take_row::<u8>(text.len()) {
            // SAFETY: 1. by `take_row`.
            Ok(slot) => Ok(unsafe { PoolBox::copy_text(slot, text) }),
            Err(error) => Err(TryAllocError::new(text, error)),
        }
    }
}
