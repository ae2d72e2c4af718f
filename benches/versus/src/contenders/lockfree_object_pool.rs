//! `lockfree-object-pool`: pages of 32 values, looked through from the first on.

use lockfree_object_pool::{LinearObjectPool, LinearReusable};

use crate::heap::{
    Frees, Heap, Shared, Value, freed_by_drop, looked_at_by_deref, reached_by_deref,
};

/// The lock-free one of its pools. There is no way to make it with room.
pub(crate) type LockfreePool<const WORDS: usize> = LinearObjectPool<Value<WORDS>>;

impl<const WORDS: usize> Heap<WORDS> for LockfreePool<WORDS> {
    type Handle<'h> = LinearReusable<'h, Value<WORDS>>;

    reached_by_deref!();
    freed_by_drop!();

    fn with_room(_count: usize) -> Self {
        Self::new(|| Value::new(0), |_| ())
    }

    #[inline]
    fn put(&self, seed: u64) -> Self::Handle<'_> {
        let mut handle = self.pull();
        *handle = Value::new(seed);
        handle
    }
}

impl<const WORDS: usize> Frees<WORDS> for LockfreePool<WORDS> {}

impl<const WORDS: usize> Shared<WORDS> for LockfreePool<WORDS> {
    const SEARCHES: bool = true;

    looked_at_by_deref!();
}
