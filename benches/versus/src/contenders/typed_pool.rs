//! The pool that the rows are about.

use typed_pool::{Pool, PoolBox};

use crate::heap::{Frees, Heap, Value, freed_by_drop, reached_by_deref};

/// A growing pool, made with room for what the workload needs.
pub(crate) type TypedPool<const WORDS: usize> = Pool<Value<WORDS>>;

impl<const WORDS: usize> Heap<WORDS> for TypedPool<WORDS> {
    type Handle<'h> = PoolBox<'h, Value<WORDS>>;

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

impl<const WORDS: usize> Frees<WORDS> for TypedPool<WORDS> {}
