//! Values of any type, each in a slot.

use core::mem::MaybeUninit;
use core::pin::Pin;

use super::ClassedPool;
use crate::block_pool::BlockPool;
use crate::error::{TryAllocError, expect};
use crate::geometry::layout_of;
use crate::pool_box::PoolBox;
use crate::pool_core::PoolCore;

impl<C: PoolCore> ClassedPool<C> {
    /// Moves a value into a slot of its class, or into a reservation of its own, where it is larger
    /// than 32 KiB, and returns its handle.
    ///
    /// # Panics
    ///
    /// Where a value is larger than any allocation can be. Calls
    /// [`handle_alloc_error`](alloc::alloc::handle_alloc_error) where the upstream allocator has no
    /// memory.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::SizeClassPool::new();
    /// let mut numbers = pool.alloc([1, 2, 3]);
    /// numbers[0] = 4;
    /// assert_eq!(*numbers, [4, 2, 3]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn alloc<T>(&self, value: T) -> PoolBox<'_, T, BlockPool<C>> {
        let slot = expect(self.take(const { layout_of::<T>() }));
        // SAFETY: 1. by `take`.
        unsafe { PoolBox::fill(slot, value) }
    }

    /// As [`ClassedPool::alloc`], or gives the value back.
    ///
    /// # Errors
    ///
    /// [`TryAllocError`] holds the value, where the upstream allocator has no memory.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::SizeClassPool::new();
    /// let name = pool.try_alloc(String::from("pooled"))?;
    /// assert_eq!(*name, "pooled");
    /// # Ok::<(), typed_pool::TryAllocError<String>>(())
    /// ```
    #[inline]
    pub fn try_alloc<T>(&self, value: T) -> Result<PoolBox<'_, T, BlockPool<C>>, TryAllocError<T>> {
        match self.take(const { layout_of::<T>() }) {
            // SAFETY: 1. by `take`.
            Ok(slot) => Ok(unsafe { PoolBox::fill(slot, value) }),
            Err(error) => Err(TryAllocError::new(value, error)),
        }
    }

    /// Builds a value in a slot. The slot is taken first, and given back where `build` panics.
    ///
    /// # Panics
    ///
    /// As [`ClassedPool::alloc`]; `build` is not called then. And where `build` panics.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::SizeClassPool::new();
    /// let table = pool.alloc_with(|| [0_u8; 1 << 16]);
    /// assert_eq!((table.len(), pool.stats().large), (1 << 16, 1));
    /// ```
    #[inline]
    #[track_caller]
    pub fn alloc_with<T>(&self, build: impl FnOnce() -> T) -> PoolBox<'_, T, BlockPool<C>> {
        let slot = expect(self.take(const { layout_of::<T>() }));
        // SAFETY: 1. by `take`.
        unsafe { PoolBox::fill_with(slot, build) }
    }

    /// Builds a value in a slot, or gives the builder back.
    ///
    /// # Errors
    ///
    /// [`TryAllocError`] holds `build`, which has not been called, where the upstream allocator has
    /// no memory.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::SizeClassPool::new();
    /// let number = pool.try_alloc_with(|| 7).map_err(|refused| refused.error())?;
    /// assert_eq!(*number, 7);
    /// # Ok::<(), typed_pool::PoolError>(())
    /// ```
    #[inline]
    pub fn try_alloc_with<T, F: FnOnce() -> T>(
        &self,
        build: F,
    ) -> Result<PoolBox<'_, T, BlockPool<C>>, TryAllocError<F>> {
        match self.take(const { layout_of::<T>() }) {
            // SAFETY: 1. by `take`.
            Ok(slot) => Ok(unsafe { PoolBox::fill_with(slot, build) }),
            Err(error) => Err(TryAllocError::new(build, error)),
        }
    }

    /// Takes a slot whose value is written later, by [`PoolBox::write`] or in place.
    ///
    /// # Panics
    ///
    /// As [`ClassedPool::alloc`].
    ///
    /// # Examples
    ///
    /// ```
    /// use typed_pool::{PoolBox, SizeClassPool};
    ///
    /// let pool = SizeClassPool::new();
    /// let slot = pool.alloc_uninit::<u32>();
    /// assert_eq!(*PoolBox::write(slot, 7), 7);
    /// ```
    #[inline]
    #[track_caller]
    pub fn alloc_uninit<T>(&self) -> PoolBox<'_, MaybeUninit<T>, BlockPool<C>> {
        let slot = expect(self.take(const { layout_of::<T>() }));
        // SAFETY: 1. by `take`. 2. any content is a valid `MaybeUninit<T>`.
        unsafe { PoolBox::from_slot(slot) }
    }

    /// Takes a slot whose value is written later, or says why there is none.
    ///
    /// # Errors
    ///
    /// [`TryAllocError`], with nothing to give back, where the upstream allocator has no memory.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::SizeClassPool::new();
    /// assert!(pool.try_alloc_uninit::<[u8; 1 << 20]>().is_ok());
    /// ```
    #[inline]
    pub fn try_alloc_uninit<T>(
        &self,
    ) -> Result<PoolBox<'_, MaybeUninit<T>, BlockPool<C>>, TryAllocError<()>> {
        match self.take(const { layout_of::<T>() }) {
            // SAFETY: 1. by `take`. 2. any content is a valid `MaybeUninit<T>`.
            Ok(slot) => Ok(unsafe { PoolBox::from_slot(slot) }),
            Err(error) => Err(TryAllocError::new((), error)),
        }
    }

    /// Builds the default value of a type in a slot.
    ///
    /// # Panics
    ///
    /// As [`ClassedPool::alloc_with`].
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::SizeClassPool::new();
    /// assert!(pool.alloc_default::<Vec<u8>>().is_empty());
    /// ```
    #[inline]
    #[track_caller]
    pub fn alloc_default<T: Default>(&self) -> PoolBox<'_, T, BlockPool<C>> {
        self.alloc_with(T::default)
    }

    /// Moves a value into a slot and pins it there, as
    /// [`TypedPool::alloc_pin`](crate::TypedPool::alloc_pin) does.
    ///
    /// # Panics
    ///
    /// As [`ClassedPool::alloc`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::task::{Context, Poll, Waker};
    ///
    /// let pool = typed_pool::SizeClassPool::new();
    /// let mut task = pool.alloc_pin(async { 7 });
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert_eq!(task.as_mut().poll(&mut context), Poll::Ready(7));
    /// ```
    #[inline]
    #[track_caller]
    pub fn alloc_pin<T>(&self, value: T) -> Pin<PoolBox<'_, T, BlockPool<C>>> {
        PoolBox::into_pin(self.alloc(value))
    }

    /// Moves a value into a slot and pins it there, or gives it back.
    ///
    /// # Errors
    ///
    /// As [`ClassedPool::try_alloc`].
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::SizeClassPool::new();
    /// let task = pool.try_alloc_pin(std::future::ready(7))?;
    /// # drop(task);
    /// # Ok::<(), typed_pool::TryAllocError<std::future::Ready<i32>>>(())
    /// ```
    #[inline]
    pub fn try_alloc_pin<T>(
        &self,
        value: T,
    ) -> Result<Pin<PoolBox<'_, T, BlockPool<C>>>, TryAllocError<T>> {
        self.try_alloc(value).map(PoolBox::into_pin)
    }
}
