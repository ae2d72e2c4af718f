//! The pool of size classes for many threads.

use crate::classed_pool::ClassedPool;
use crate::sync::SyncCore;
use crate::sync_memory_pool::SyncMemoryPool;

/// A pool of values of any type and size that many threads share: the twin of
/// [`SizeClassPool`](crate::SizeClassPool).
///
/// Classes are the same, and each has a pool like a [`SyncPool`](crate::SyncPool), with magazines
/// of its own for every thread that uses it. Handles may be sent where `T: Send`, shared where `T:
/// Sync`, and dropped by any thread; with the feature `allocator-api2` a reference to the pool is
/// an `Allocator` that may be sent. Each class reserves memory for itself, in steps from 4 KiB to
/// 256 KiB. A larger value takes a lock.
///
/// # Examples
///
/// ```
/// use std::thread;
/// use typed_pool::SyncSizeClassPool;
///
/// let pool = SyncSizeClassPool::new();
/// let text = pool.alloc_str("made here");
/// thread::scope(|scope| {
///     scope.spawn(|| assert_eq!(text.len(), 9));
///     scope.spawn(|| assert_eq!(pool.alloc_slice_copy(&[1, 2, 3])[2], 3));
/// });
/// drop(text);
/// assert!(pool.is_empty());
/// ```
pub type SyncSizeClassPool = ClassedPool<SyncCore>;

impl SyncSizeClassPool {
    /// Gives whole pages without an occupied slot back to the kernel of Linux while threads use the
    /// pool, as [`SyncPool::trim`](crate::SyncPool::trim) does; returns the number of bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::SyncSizeClassPool::new();
    /// let number = pool.alloc(7);
    /// pool.trim();
    /// assert_eq!(*number, 7);
    /// ```
    pub fn trim(&self) -> usize {
        self.used().map(SyncMemoryPool::trim).sum()
    }

    /// Gives every chunk without an occupied slot back to the upstream allocator; returns the
    /// number of bytes. No handle is left that borrows the pool: what is still occupied was
    /// forgotten, leaked or taken apart.
    ///
    /// Takes time in proportion to the number of chunks, and to that of slots in magazines.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut pool = typed_pool::SyncSizeClassPool::new();
    /// drop(pool.alloc(7));
    /// assert!(pool.shrink_to_fit() > 0);
    /// ```
    pub fn shrink_to_fit(&mut self) -> usize {
        let shrink = |pool: &SyncMemoryPool| {
            // SAFETY: 1. the pool is borrowed exclusively, so no thread is in a call of it and no
            // handle is left that borrows it; of those that were taken apart, clause 3 of
            // `PoolBox::from_raw` says that the pool is not borrowed so while they are used.
            unsafe { pool.core().shrink_to(0) }
        };
        self.used().map(shrink).sum()
    }
}
