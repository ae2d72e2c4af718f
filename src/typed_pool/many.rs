//! Many values at once.

use alloc::vec::Vec;

use super::TypedPool;
use crate::block_pool::BlockPool;
use crate::error::{PoolError, TryAllocIterError, expect};
use crate::pool_box::PoolBox;
use crate::pool_core::PoolCore;

/// What [`TypedPool::try_alloc_iter`] returns.
type Filled<'p, T, C, I> = Result<Handles<'p, T, C>, TryAllocIterError<Handle<'p, T, C>, I>>;
type Handles<'p, T, C> = Vec<Handle<'p, T, C>>;
type Handle<'p, T, C> = PoolBox<'p, T, BlockPool<C>>;

/// Makes room for `additional` handles more.
fn make_room<H>(handles: &mut Vec<H>, additional: usize) -> Result<(), PoolError> {
    handles
        .try_reserve(additional)
        .map_err(|_| PoolError::OutOfMemory { bytes: additional.saturating_mul(size_of::<H>()) })
}

impl<T, C: PoolCore> TypedPool<T, C> {
    /// Moves each of many values into a slot. Room for as many as the iterator promises is reserved
    /// first, so that a pool that grows calls upstream once.
    ///
    /// # Panics
    ///
    /// Where the pool is bounded and has not as many slots; the values, and the handles of those
    /// that found one, are dropped then. Calls
    /// [`handle_alloc_error`](alloc::alloc::handle_alloc_error) where there is no memory for a pool
    /// that grows, or for the handles.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::Pool::new();
    /// let squares = pool.alloc_iter((0..100).map(|number| number * number));
    /// assert_eq!((*squares[9], pool.len()), (81, 100));
    /// ```
    #[track_caller]
    pub fn alloc_iter<I: IntoIterator<Item = T>>(&self, values: I) -> Handles<'_, T, C> {
        expect(self.try_alloc_iter(values).map_err(PoolError::from))
    }

    /// Moves each of many values into a slot, or as many as find one, and gives the others back.
    /// Room for as many as the iterator promises is reserved first, if there can be so much.
    ///
    /// # Errors
    ///
    /// [`TryAllocIterError`] holds the handles and the values that found no slot, and says how many
    /// these are, and whether the pool is full or upstream memory has run out.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::Pool::bounded(3);
    /// let refused = pool.try_alloc_iter(vec!["a", "b", "c", "d"]).unwrap_err();
    /// assert_eq!((refused.handles().len(), refused.missing()), (3, 1));
    /// assert_eq!(refused.into_parts().1.collect::<Vec<_>>(), ["d"]);
    /// ```
    pub fn try_alloc_iter<I: IntoIterator<Item = T>>(
        &self,
        values: I,
    ) -> Filled<'_, T, C, I::IntoIter> {
        let mut values = values.into_iter();
        let mut handles = Vec::new();
        // Where so much is not to be had, as many are stored as there is room for.
        let promised = values.size_hint().0;
        if self.try_reserve(promised).is_ok() {
            let _ = make_room(&mut handles, promised);
        }
        // Nothing is taken while the iterator, which may use the pool, runs.
        while let Some(value) = values.next() {
            let refused = match make_room(&mut handles, 1) {
                Ok(()) => self.try_alloc(value).map_err(|refused| {
                    let error = refused.error();
                    (refused.into_inner(), error)
                }),
                Err(error) => Err((value, error)),
            };
            match refused {
                Ok(handle) => handles.push(handle),
                Err((value, error)) => {
                    return Err(TryAllocIterError::new(handles, value, values, error));
                }
            }
        }
        Ok(handles)
    }
}
