//! What can go wrong, in words: one type for making a pool, one for allocating from it and one
//! for giving back what it never gave.
#![forbid(unsafe_code)]

use alloc::alloc::handle_alloc_error;
use core::alloc::Layout;
use core::error::Error;
use core::fmt;

mod many;

pub use many::TryAllocIterError;

/// Why a pool cannot be made or cannot be enlarged.
///
/// # Examples
///
/// ```
/// use typed_pool::{MemoryPool, PoolError};
///
/// let error = MemoryPool::new(0, 10).unwrap_err();
/// assert_eq!(error, PoolError::ZeroObjectSize);
/// assert_eq!(error.to_string(), "object_size is 0: a block needs at least one byte");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PoolError {
    /// The object size is 0 bytes.
    ZeroObjectSize,
    /// The pool size is 0 objects.
    ZeroPoolSize,
    /// The alignment asked for is above 4096 bytes.
    AlignTooLarge {
        /// The alignment asked for, in bytes.
        align: usize,
    },
    /// The objects are more than a pool can hold: an allocation ends at `isize::MAX` bytes, and a
    /// pool at 2^32 - 1 chunks.
    TooLarge {
        /// The size of one object, in bytes.
        object_size: usize,
        /// The number of objects asked for.
        pool_size: usize,
    },
    /// A bounded pool does not hold as many vacant slots as were asked for.
    CapacityExceeded {
        /// The number of slots the pool has.
        capacity: usize,
        /// The number of those that are occupied.
        len: usize,
        /// The number of vacant slots asked for.
        additional: usize,
    },
    /// The pool is bounded and every slot is occupied.
    Full {
        /// The number of slots the pool has.
        capacity: usize,
    },
    /// The upstream allocator refused a request.
    OutOfMemory {
        /// The size in bytes of what could not be had: a reservation, for which a smaller request,
        /// for a table that it needs, may have been what was refused.
        bytes: usize,
    },
}

impl fmt::Display for PoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ZeroObjectSize => {
                f.write_str("object_size is 0: a block needs at least one byte")
            }
            Self::ZeroPoolSize => f.write_str("pool_size is 0: a pool needs at least one block"),
            Self::AlignTooLarge { align } => {
                write!(f, "the alignment of {align} bytes is above the limit of 4096 bytes")
            }
            Self::TooLarge { object_size, pool_size } => {
                let bytes = if object_size == 1 { "byte" } else { "bytes" };
                write!(
                    f,
                    "pool_size {pool_size} is too large for object_size {object_size} {bytes}: \
                     an allocation ends at isize::MAX bytes, and a pool at 2^32 - 1 chunks"
                )
            }
            Self::CapacityExceeded { capacity, len, additional } => write!(
                f,
                "no room for {additional} more: the pool is bounded to {capacity} slots and \
                 {len} of them are occupied"
            ),
            Self::Full { capacity } => {
                write!(f, "the pool is full: all of its slots are occupied, {capacity} in number")
            }
            Self::OutOfMemory { bytes } => {
                write!(f, "the upstream allocator refused {bytes} bytes")
            }
        }
    }
}

impl Error for PoolError {}

/// Ends a fallible call that is not to fail.
#[track_caller]
pub(crate) fn expect<R>(result: Result<R, PoolError>) -> R {
    // Not `unwrap_or_else`: a closure would be the caller that the message names.
    match result {
        Ok(value) => value,
        Err(error) => refuse(error),
    }
}

/// Ends what cannot go on: calls [`handle_alloc_error`] where memory has run out, and panics
/// otherwise.
#[track_caller]
pub(crate) fn refuse(error: PoolError) -> ! {
    if let PoolError::OutOfMemory { bytes } = error {
        handle_alloc_error(Layout::from_size_align(bytes, 1).unwrap_or(Layout::new::<()>()));
    }
    panic!("{error}")
}

/// Why a pointer cannot be given back to a pool.
///
/// # Examples
///
/// ```
/// use core::ptr::NonNull;
/// use typed_pool::{InvalidFree, MemoryPool};
///
/// let pool = MemoryPool::new(32, 10)?;
/// let mut local = 0_u8;
/// // SAFETY: the pointer is no block of this pool, so nothing is given back.
/// let refused = unsafe { pool.try_deallocate(NonNull::from(&mut local)) };
/// assert_eq!(refused, Err(InvalidFree::Foreign));
/// # Ok::<(), typed_pool::PoolError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InvalidFree {
    /// The address lies outside the memory of this pool.
    Foreign,
    /// The address is not a multiple of the alignment of the blocks.
    Misaligned,
    /// No block starts at the address: it lies inside one, or in a chunk's header or tail.
    Interior,
    /// The block is vacant: it has been given back before, or was never handed out.
    Vacant,
}

impl fmt::Display for InvalidFree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Foreign => "the pointer is foreign: it does not lie in the memory of this pool",
            Self::Misaligned => "the pointer is misaligned: no block starts at such an address",
            Self::Interior => "the pointer is interior: no block of this pool starts there",
            Self::Vacant => "the block is vacant already: it was given back before or never taken",
        })
    }
}

impl Error for InvalidFree {}

/// An allocation that was refused, with what was to be stored.
///
/// `T` is the value given to [`Pool::try_alloc`](crate::Pool::try_alloc), or the function given to
/// [`Pool::try_alloc_with`](crate::Pool::try_alloc_with), which has not been called then.
///
/// # Examples
///
/// ```
/// let pool = typed_pool::Pool::bounded(1);
/// let first = pool.try_alloc(String::from("first"))?;
/// let error = pool.try_alloc(String::from("second")).unwrap_err();
/// assert!(error.is_full());
/// assert_eq!(error.to_string(), "the pool is full: all of its slots are occupied, 1 in number");
/// assert_eq!(error.into_inner(), "second");
/// # Ok::<(), typed_pool::TryAllocError<String>>(())
/// ```
pub struct TryAllocError<T> {
    value: T,
    error: PoolError,
}

impl<T> TryAllocError<T> {
    pub(crate) fn new(value: T, error: PoolError) -> Self {
        Self { value, error }
    }

    /// Gives back what was to be stored.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::Pool::bounded(0);
    /// assert_eq!(pool.try_alloc(7).unwrap_err().into_inner(), 7);
    /// ```
    pub fn into_inner(self) -> T {
        self.value
    }

    /// Why the allocation was refused: [`PoolError::Full`] or [`PoolError::OutOfMemory`].
    ///
    /// # Examples
    ///
    /// ```
    /// use typed_pool::{Pool, PoolError};
    ///
    /// let refused = Pool::bounded(0).try_alloc(7).unwrap_err();
    /// assert_eq!(refused.error(), PoolError::Full { capacity: 0 });
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
    /// let pool = typed_pool::Pool::bounded(0);
    /// assert!(pool.try_alloc(7).unwrap_err().is_full());
    /// ```
    pub fn is_full(&self) -> bool {
        matches!(self.error, PoolError::Full { .. })
    }
}

// Written by hand: the value has no part in the message, so `T` needs no `Debug`.
impl<T> fmt::Debug for TryAllocError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryAllocError").field("error", &self.error).finish_non_exhaustive()
    }
}

impl<T> fmt::Display for TryAllocError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<T> Error for TryAllocError<T> {}

/// Drops what was to be stored and keeps the reason, for callers that pass errors on with `?`.
impl<T> From<TryAllocError<T>> for PoolError {
    fn from(refused: TryAllocError<T>) -> Self {
        refused.error
    }
}
