//! The pool of this crate that threads share.

use typed_pool::{PoolBox, SyncMemoryPool};

use crate::heap::{
    Frees, Heap, Shared, Value, freed_by_drop, looked_at_by_deref, reached_by_deref,
};

/// A growing pool, made with room for what the workload needs.
pub(crate) type SyncPool<const WORDS: usize> = typed_pool::SyncPool<Value<WORDS>>;

impl<const WORDS: usize> Heap<WORDS> for SyncPool<WORDS> {
    type Handle<'h> = PoolBox<'h, Value<WORDS>, SyncMemoryPool>;

    reached_by_deref!();
    freed_by_drop!();

    #[inline]
    fn with_room(count: usize) -> Self {
        Self::with_capacity(count)
    }

    #[inline]
    fn put(&self, seed: u64) -> Self::Handle<'_> {
        self.alloc_with(|| Value::new(seed))
    }
}

impl<const WORDS: usize> Frees<WORDS> for SyncPool<WORDS> {}

impl<const WORDS: usize> Shared<WORDS> for SyncPool<WORDS> {
    looked_at_by_deref!();
}
