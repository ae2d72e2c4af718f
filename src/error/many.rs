//! What is left where not all of many values found a slot.
#![forbid(unsafe_code)]

use alloc::vec::Vec;
use core::error::Error;
use core::fmt;
use core::iter;

use super::PoolError;

/// An allocation of many values that ended before they did: the handles of those that found a slot,
/// and those that did not.
///
/// `H` is the type of the handles, and `I` that of the iterator given to
/// [`Pool::try_alloc_iter`](crate::Pool::try_alloc_iter).
///
/// # Examples
///
/// ```
/// let pool = typed_pool::Pool::bounded(3);
/// let refused = pool.try_alloc_iter(1..=5).unwrap_err();
/// assert_eq!((refused.handles().len(), refused.missing()), (3, 2));
/// let (handles, rest) = refused.into_parts();
/// assert_eq!((*handles[2], rest.collect::<Vec<_>>()), (3, vec![4, 5]));
/// ```
pub struct TryAllocIterError<H, I: Iterator> {
    handles: Vec<H>,
    refused: I::Item,
    rest: I,
    error: PoolError,
}

impl<H, I: Iterator> TryAllocIterError<H, I> {
    pub(crate) fn new(handles: Vec<H>, refused: I::Item, rest: I, error: PoolError) -> Self {
        Self { handles, refused, rest, error }
    }

    /// The handles of the values that found a slot, in their order.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::Pool::bounded(1);
    /// assert_eq!(pool.try_alloc_iter([7, 8]).unwrap_err().handles().len(), 1);
    /// ```
    pub fn handles(&self) -> &[H] {
        &self.handles
    }

    /// The number of values that found no slot, as far as the iterator tells, and at least.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::Pool::bounded(1);
    /// assert_eq!(pool.try_alloc_iter([7, 8, 9]).unwrap_err().missing(), 2);
    /// ```
    pub fn missing(&self) -> usize {
        self.rest.size_hint().0.saturating_add(1)
    }

    /// Gives back the handles of the values that found a slot, and the values that did not.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::Pool::bounded(1);
    /// let (handles, rest) = pool.try_alloc_iter(["a", "b"]).unwrap_err().into_parts();
    /// assert_eq!((*handles[0], rest.collect::<String>()), ("a", "b".to_owned()));
    /// ```
    pub fn into_parts(self) -> (Vec<H>, iter::Chain<iter::Once<I::Item>, I>) {
        (self.handles, iter::once(self.refused).chain(self.rest))
    }

    /// Why the first of the values that found no slot was refused: [`PoolError::Full`] or
    /// [`PoolError::OutOfMemory`].
    ///
    /// # Examples
    ///
    /// ```
    /// use typed_pool::{Pool, PoolError};
    ///
    /// let refused = Pool::bounded(1).try_alloc_iter([7, 8]).unwrap_err().error();
    /// assert_eq!(refused, PoolError::Full { capacity: 1 });
    /// ```
    pub fn error(&self) -> PoolError {
        self.error
    }

    /// Whether the pool refused because it is bounded and every slot is occupied. Otherwise the
    /// upstream allocator had no memory to give.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(typed_pool::Pool::bounded(0).try_alloc_iter([7]).unwrap_err().is_full());
    /// ```
    pub fn is_full(&self) -> bool {
        matches!(self.error, PoolError::Full { .. })
    }
}

// Written by hand: handles and values have no part in the message, so they need no `Debug`.
impl<H, I: Iterator> fmt::Debug for TryAllocIterError<H, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryAllocIterError")
            .field("handles", &self.handles.len())
            .field("missing", &self.missing())
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

impl<H, I: Iterator> fmt::Display for TryAllocIterError<H, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (stored, missing, error) = (self.handles.len(), self.missing(), self.error);
        write!(f, "{stored} values were stored and {missing} or more were not: {error}")
    }
}

impl<H, I: Iterator> Error for TryAllocIterError<H, I> {}

/// Drops what was stored and what was to be, and keeps the reason, for callers that pass errors on
/// with `?`.
impl<H, I: Iterator> From<TryAllocIterError<H, I>> for PoolError {
    fn from(refused: TryAllocIterError<H, I>) -> Self {
        refused.error
    }
}
