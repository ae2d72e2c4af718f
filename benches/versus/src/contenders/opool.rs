//! `opool`, with handles that borrow the pool.

use opool::{Pool, PoolAllocator, RefGuard};

use crate::heap::{
    Frees, Heap, Shared, Value, freed_by_drop, looked_at_by_deref, reached_by_deref,
};

/// What makes boxes where the pool has none.
pub(crate) struct Boxes;

impl<const WORDS: usize> PoolAllocator<Box<Value<WORDS>>> for Boxes {
    #[inline]
    fn allocate(&self) -> Box<Value<WORDS>> {
        Box::new(Value::new(0))
    }
}

/// A pool of boxes, made with as many as the workload needs. Without boxes values would lie in
/// their handles, and move with them.
pub(crate) type OPool<const WORDS: usize> = Pool<Boxes, Box<Value<WORDS>>>;

impl<const WORDS: usize> Heap<WORDS> for OPool<WORDS> {
    type Handle<'h> = RefGuard<'h, Boxes, Box<Value<WORDS>>>;

    reached_by_deref!();
    freed_by_drop!();

    fn with_room(count: usize) -> Self {
        Self::new_prefilled(count.max(1), Boxes)
    }

    #[inline]
    fn put(&self, seed: u64) -> Self::Handle<'_> {
        let mut handle = self.get();
        **handle = Value::new(seed);
        handle
    }
}

impl<const WORDS: usize> Frees<WORDS> for OPool<WORDS> {}

impl<const WORDS: usize> Shared<WORDS> for OPool<WORDS> {
    looked_at_by_deref!();
}
