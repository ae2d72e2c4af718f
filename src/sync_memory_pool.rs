//! The untyped pool for many threads.

use crate::block_pool::BlockPool;
use crate::sync::SyncCore;

/// A pool of equal blocks of raw memory that many threads share: the twin of
/// [`MemoryPool`](crate::MemoryPool).
///
/// Every thread takes blocks from a magazine of its own and gives them back there, without a lock,
/// a fence or an atomic read-modify-write; up to a word of blocks at a time move between there and
/// the bitmaps of vacant blocks that all threads share. A block may be given back by another thread
/// than the one that took it.
///
/// # Capacity
///
/// All `pool_size` blocks lie in one upstream allocation, made when the pool is. When a thread
/// first uses the pool, its magazine comes with as many blocks more as it has room for, from
/// another one: at most an eighth of `pool_size` (none, where that is below eight), 1023, or 64 KiB
/// (but up to eight, however large). So there is always a block for a thread while fewer than
/// `pool_size` are handed out, wherever vacant ones lie in magazines of threads that sleep or have
/// ended. More may be handed out: [`SyncMemoryPool::reserved_slots`] is how many at most. The next
/// thread inherits the magazine of one that has ended; no more than 256 threads at a time (128 on
/// 32-bit targets) have one, and the others do without, as do threads for whose magazine upstream
/// has no memory.
///
/// # Examples
///
/// ```
/// use std::thread;
/// use typed_pool::SyncMemoryPool;
///
/// let pool = SyncMemoryPool::new(32, 10)?;
/// thread::scope(|scope| {
///     for _ in 0..2 {
///         scope.spawn(|| {
///             let block = pool.allocate().expect("ten blocks are vacant");
///             // SAFETY: the block came from this pool and is not used any more.
///             unsafe { pool.deallocate(block) };
///         });
///     }
/// });
/// assert_eq!((pool.len(), pool.capacity()), (0, 10));
/// # Ok::<(), typed_pool::PoolError>(())
/// ```
pub type SyncMemoryPool = BlockPool<SyncCore>;

impl SyncMemoryPool {
    /// The number of blocks that there is memory for: the capacity, and the blocks that came with
    /// the magazines of threads. Waits for a thread that is reserving memory.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::SyncMemoryPool::new(32, 1000)?;
    /// assert_eq!(pool.reserved_slots(), 1000);
    /// let block = pool.allocate().expect("the pool is empty");
    /// assert_eq!((pool.capacity(), pool.reserved_slots()), (1000, 1125));
    /// # let _ = block;
    /// # Ok::<(), typed_pool::PoolError>(())
    /// ```
    pub fn reserved_slots(&self) -> usize {
        self.core().reserved_slots()
    }
}
