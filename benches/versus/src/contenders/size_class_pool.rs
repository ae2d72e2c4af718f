//! The pool of this crate for values of any size.

use typed_pool::{PoolBox, SizeClassPool};

use crate::heap::{Frees, Heap, Value, freed_by_drop, reached_by_deref};

impl<const WORDS: usize> Heap<WORDS> for SizeClassPool {
    type Handle<'h> = PoolBox<'h, Value<WORDS>>;

    reached_by_deref!();
    freed_by_drop!();

    #[inline]
    fn with_room(_count: usize) -> Self {
        Self::new()
    }

    #[inline]
    fn put(&self, seed: u64) -> Self::Handle<'_> {
        self.alloc_with(|| Value::new(seed))
    }
}

impl<const WORDS: usize> Frees<WORDS> for SizeClassPool {}
