//! `refpool`, with its unshared handle.

use refpool::{Pool, PoolBox};

use crate::heap::{Frees, Heap, Value, freed_by_drop, reached_by_deref};

/// A pool that keeps as many vacant boxes as the workload needs, made with all of them.
pub(crate) type RefPool<const WORDS: usize> = Pool<Value<WORDS>>;

impl<const WORDS: usize> Heap<WORDS> for RefPool<WORDS> {
    type Handle<'h> = PoolBox<Value<WORDS>>;

    reached_by_deref!();
    freed_by_drop!();

    #[inline]
    fn with_room(count: usize) -> Self {
        Self::new(count).filled()
    }

    #[inline]
    fn put(&self, seed: u64) -> Self::Handle<'_> {
        PoolBox::new(self, Value::new(seed))
    }
}

impl<const WORDS: usize> Frees<WORDS> for RefPool<WORDS> {}
