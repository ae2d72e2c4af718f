//! What can be seen of a pool.

use super::TypedPool;
use crate::chunk_summary::Chunks;
use crate::pool_core::PoolCore;
use crate::stats::PoolStats;

impl<T, C: PoolCore> TypedPool<T, C> {
    /// The pool's figures at this moment, exact where no other thread is within a call of it.
    ///
    /// Looks at a bit for each slot, 64 at once, and at every slot in a magazine: some ten
    /// microseconds for a million slots. For a pool that threads share, those that want more memory
    /// wait meanwhile, and no others.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::Pool::<u64>::bounded(100_000);
    /// let stats = pool.stats();
    /// assert_eq!((stats.capacity, stats.chunks), (100_000, stats.occupancy[0]));
    /// ```
    pub fn stats(&self) -> PoolStats {
        self.memory.stats()
    }

    /// The pool's chunks as they are at this moment, those first that the pool fills first. Later
    /// changes are not seen.
    ///
    /// Takes as long as [`TypedPool::stats`], and memory for a bit a slot. Calls
    /// [`handle_alloc_error`](alloc::alloc::handle_alloc_error) where that is refused.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::Pool::new();
    /// let mut values: Vec<_> = (0..100_000_u64).map(|number| pool.alloc(number)).collect();
    /// values.truncate(10);
    /// let sparse = pool.chunks().filter(|chunk| chunk.occupied() == 0).count();
    /// assert_eq!(sparse, pool.chunks().len() - 1);
    /// ```
    pub fn chunks(&self) -> Chunks {
        self.memory.chunks()
    }
}
