//! The untyped pool for one thread.

use crate::block_pool::BlockPool;
use crate::local_core::LocalCore;

/// A pool of equal blocks of raw memory, as many as it was made with.
///
/// All blocks lie in one upstream allocation, made when the pool is; later calls never allocate.
/// A block is taken from a stack of vacant blocks (the magazine) or, where that is empty, from a
/// run of neighbours found in a bitmap of vacant blocks; both take constant time. The memory of a
/// block is not touched before the block is used, unless the pool is built with
/// [`prefault`](crate::PoolBuilder::prefault), nor is a vacant block ever read or written, so
/// a block needs no minimum size.
///
/// This is what [`Pool`](crate::Pool) is built on; take that unless the memory is not for values
/// of one Rust type. Dropping the pool frees every block, whether it was given back or not.
///
/// The pool may be moved and sent to another thread, but not shared between threads: for that there
/// is `SyncMemoryPool`.
///
/// # Examples
///
/// ```
/// use typed_pool::MemoryPool;
///
/// let pool = MemoryPool::new(32, 10)?;
/// let block = pool.allocate().expect("ten blocks are vacant");
/// assert_eq!((pool.len(), pool.capacity()), (1, 10));
/// // SAFETY: the block came from this pool and is not used any more.
/// unsafe { pool.deallocate(block) };
/// assert!(pool.is_empty());
/// # Ok::<(), typed_pool::PoolError>(())
/// ```
pub type MemoryPool = BlockPool<LocalCore>;
