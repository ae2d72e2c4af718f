//! The untyped pool for many threads.

use crate::block_pool::BlockPool;
use crate::sync::SyncCore;

/// A pool of equal blocks of raw memory, shared by threads.
pub type SyncMemoryPool = BlockPool<SyncCore>;

impl SyncMemoryPool {
    /// The number of slots in memory.
    pub fn reserved_slots(&self) -> usize {
        self.core().reserved_slots()
    }
}
