//! The typed pool for many threads.

use crate::pool_core::PoolCore;
use crate::sync::SyncCore;
use crate::typed_pool::TypedPool;

/// A pool of values of one type that many threads share: the twin of [`Pool`](crate::Pool).
///
/// Values are put in by any thread, and their handles, [`PoolBox`](crate::PoolBox)es one pointer
/// wide, may be sent where `T: Send`, shared where `T: Sync`, and dropped by any thread. All that
/// [`Pool`](crate::Pool) says of destructors, constructors, panics and forgotten handles holds
/// here, on every thread.
///
/// Every thread takes slots from a magazine of its own and gives them back there, without a lock, a
/// fence or an atomic read-modify-write. Up to half a magazine at a time moves between there and
/// what all threads share: bitmaps of vacant slots, and a shelf for each thread that takes and
/// frees many, on which it lays up to 14 times as many by. A lock is taken to add memory, and by
/// what is no part of allocating and freeing: the figures, [`reserve`](TypedPool::reserve). A
/// thread that is stopped in the middle of an operation blocks no other, unless it is adding
/// memory. One that panics there blocks none at all, and loses at most the slots that it was
/// moving: its magazine goes to the next thread.
///
/// # Capacity
///
/// A pool made by [`bounded`](TypedPool::bounded) never refuses while fewer values live than its
/// capacity, wherever vacant slots lie in magazines of threads that sleep or have ended: with its
/// magazine, a thread that first uses the pool brings as many slots more as that has room for, at
/// most an eighth of the capacity, 1023, or 64 KiB (but up to eight, however large). So it may hold
/// more values than its capacity, [`SyncPool::reserved_slots`] at most. One of a capacity below
/// eight does without magazines, and never holds more.
///
/// A refusal means that as many values live as the capacity says, so some thread has one to drop:
/// who waits for a slot waits for that.
///
/// The next thread inherits the magazine of one that has ended. No more than 256 threads at a time
/// (128 on 32-bit targets) have one; the others use the bitmaps directly, as do threads for whose
/// magazine upstream has no memory, and destructors of thread-local values that run late.
///
/// # Examples
///
/// ```
/// use std::sync::mpsc;
/// use std::thread;
/// use typed_pool::SyncPool;
///
/// let pool = SyncPool::bounded(1000);
/// let (send, receive) = mpsc::channel();
/// thread::scope(|scope| {
///     let pool = &pool;
///     scope.spawn(move || {
///         for number in 0..100 {
///             send.send(pool.alloc(number)).unwrap();
///         }
///     });
///     // The handles are dropped here, on another thread.
///     let sum: u64 = receive.iter().map(|number| *number).sum();
///     assert_eq!(sum, 4950);
/// });
/// assert!(pool.is_empty());
/// ```
pub type SyncPool<T> = TypedPool<T, SyncCore>;

impl<T> SyncPool<T> {
    /// The number of slots that there is memory for: the capacity, and, where that is bounded, the
    /// slots that came with the magazines of threads. Waits for a thread that is reserving memory.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::SyncPool::bounded(80);
    /// let number = pool.alloc(7);
    /// assert_eq!((pool.capacity(), pool.reserved_slots()), (80, 90));
    /// # drop(number);
    /// ```
    pub fn reserved_slots(&self) -> usize {
        self.core().reserved_slots()
    }

    /// Gives whole pages in which no slot is occupied back to the kernel of Linux, with the feature
    /// `madvise`; returns the number of bytes. They are there again when they are used. Without the
    /// feature, and elsewhere, it does nothing, and returns 0.
    ///
    /// Other threads may use the pool meanwhile: slots of one chunk at a time are taken out of it
    /// for as long as the kernel takes, and who finds no other waits for that. Slots in magazines
    /// of other threads, 1023 each at most, keep their pages. Chunks stay, as threads may
    /// look through them; [`SyncPool::shrink_to_fit`] gives those back.
    ///
    /// Takes time in proportion to the number of chunks, and to that of slots on shelves.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::SyncPool::<u64>::with_capacity(100_000);
    /// drop((0..100_000).map(|number| pool.alloc(number)).collect::<Vec<_>>());
    /// let released = pool.trim();
    /// # #[cfg(all(feature = "madvise", not(feature = "hardened"), target_os = "linux"))]
    /// assert!(released > 700_000);
    /// assert!(pool.capacity() >= 100_000);
    /// ```
    pub fn trim(&self) -> usize {
        self.core().trim()
    }

    /// Gives chunks without an occupied slot back to the upstream allocator as long as the pool
    /// keeps a capacity of `min_capacity`, the last ones first; returns the number of bytes. A
    /// bounded pool keeps its memory, and returns 0. No handle is left that borrows the pool: what
    /// is still occupied was forgotten, leaked or taken apart.
    ///
    /// Takes time in proportion to the number of chunks, and to that of slots in magazines and on
    /// shelves.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut pool = typed_pool::SyncPool::<u64>::with_capacity(1_000_000);
    /// assert!(pool.shrink_to(100_000) > 0);
    /// assert!((100_000..200_000).contains(&pool.capacity()));
    /// ```
    pub fn shrink_to(&mut self, min_capacity: usize) -> usize {
        // SAFETY: 1. the pool is borrowed exclusively, so no thread is in a call of it and no
        // handle is left that borrows it; of those that were taken apart, clause 3 of
        // `PoolBox::from_raw` says that the pool is not borrowed so while they are used.
        unsafe { self.core().shrink_to(min_capacity) }
    }

    /// Gives every chunk without an occupied slot back, as [`SyncPool::shrink_to`] does.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut pool = typed_pool::SyncPool::<u64>::with_capacity(100_000);
    /// drop(pool.alloc(7));
    /// assert!(pool.shrink_to_fit() > 0);
    /// assert_eq!(pool.capacity(), 0);
    /// ```
    pub fn shrink_to_fit(&mut self) -> usize {
        self.shrink_to(0)
    }
}
