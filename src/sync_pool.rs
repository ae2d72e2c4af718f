//! The typed pool for many threads.

use crate::sync::SyncCore;
use crate::typed_pool::TypedPool;

/// A pool of values of one type, shared by threads.
pub type SyncPool<T> = TypedPool<T, SyncCore>;

impl<T> SyncPool<T> {
    /// The number of slots in memory.
    pub fn reserved_slots(&self) -> usize {
        self.core().reserved_slots()
    }

    /// Gives every chunk without an occupied slot back.
    pub fn trim(&mut self) -> usize {
        // SAFETY: 1. the pool is borrowed exclusively, and so are all handles that reach it gone.
        unsafe { self.core().trim() }
    }
}
