//! `infinity_pool`: the typed pool for one thread, the fastest of those whose handles free.

use infinity_pool::{LocalPinnedPool, LocalPooledMut};

use crate::heap::{Frees, Heap, Value, freed_by_drop, reached_by_deref};

/// A pool whose handles count references to it.
pub(crate) type InfinityPool<const WORDS: usize> = LocalPinnedPool<Value<WORDS>>;

impl<const WORDS: usize> Heap<WORDS> for InfinityPool<WORDS> {
    type Handle<'h> = LocalPooledMut<Value<WORDS>>;

    reached_by_deref!();
    freed_by_drop!();

    #[inline]
    fn with_room(count: usize) -> Self {
        let pool = Self::new();
        pool.reserve(count);
        pool
    }

    #[inline]
    fn put(&self, seed: u64) -> Self::Handle<'_> {
        self.insert(Value::new(seed))
    }
}

impl<const WORDS: usize> Frees<WORDS> for InfinityPool<WORDS> {}
