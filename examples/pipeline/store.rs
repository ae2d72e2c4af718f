//! Where what goes from thread to thread is kept.

use std::ops::Deref;

use typed_pool::{PoolBox, SyncMemoryPool, SyncPool};

use crate::book::Heap;

/// A place for values that one thread puts in and another drops.
pub(crate) trait Store<T>: Sync {
    /// Whether there is a limit to how many values it holds.
    const BOUNDED: bool;

    /// Owns one value and gives its memory back on drop, on whatever thread that is.
    type Handle<'s>: Deref<Target = T> + Send
    where
        Self: 's;

    /// Stores a value, or hands it back where there is no room now.
    fn store(&self, value: T) -> Result<Self::Handle<'_>, T>;
}

impl<T: Send> Store<T> for SyncPool<T> {
    /// All pools here are made so. "Full" is then the only reason to hand a value back.
    const BOUNDED: bool = true;

    type Handle<'s>
        = PoolBox<'s, T, SyncMemoryPool>
    where
        T: 's;

    fn store(&self, value: T) -> Result<PoolBox<'_, T, SyncMemoryPool>, T> {
        self.try_alloc(value).map_err(|refused| refused.into_inner())
    }
}

/// The global allocator, to compare the pool with. It always has room.
impl<T: Send> Store<T> for Heap {
    const BOUNDED: bool = false;

    type Handle<'s> = Box<T>;

    fn store(&self, value: T) -> Result<Box<T>, T> {
        Ok(Box::new(value))
    }
}
