//! Values that are pinned where they are built.

use core::pin::Pin;

use super::TypedPool;
use crate::block_pool::BlockPool;
use crate::error::TryAllocError;
use crate::pool_box::PoolBox;
use crate::pool_core::PoolCore;

impl<T, C: PoolCore> TypedPool<T, C> {
    /// Moves `value` into a slot and pins it there: a future that is to be polled, a node that
    /// others point to.
    ///
    /// It stays there until it is dropped, also where the handle is forgotten: the pool then keeps
    /// the memory.
    ///
    /// # Panics
    ///
    /// As [`TypedPool::alloc`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::task::{Context, Poll, Waker};
    ///
    /// let pool = typed_pool::Pool::new();
    /// let mut task = pool.alloc_pin(async { 7 });
    /// let mut context = Context::from_waker(Waker::noop());
    /// assert_eq!(task.as_mut().poll(&mut context), Poll::Ready(7));
    /// ```
    #[inline]
    #[track_caller]
    pub fn alloc_pin(&self, value: T) -> Pin<PoolBox<'_, T, BlockPool<C>>> {
        PoolBox::into_pin(self.alloc(value))
    }

    /// Moves `value` into a slot and pins it there, or gives it back.
    ///
    /// # Errors
    ///
    /// As [`TypedPool::try_alloc`].
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::Pool::bounded(1);
    /// let task = pool.try_alloc_pin(std::future::ready(7));
    /// assert!(task.is_ok());
    /// assert!(pool.try_alloc_pin(std::future::ready(8)).unwrap_err().is_full());
    /// ```
    #[inline]
    pub fn try_alloc_pin(
        &self,
        value: T,
    ) -> Result<Pin<PoolBox<'_, T, BlockPool<C>>>, TryAllocError<T>> {
        self.try_alloc(value).map(PoolBox::into_pin)
    }
}
