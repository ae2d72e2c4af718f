//! The baseline that every Rust program has: the global allocator by way of [`Box`].

use crate::heap::{
    Frees, Heap, Shared, Value, freed_by_drop, looked_at_by_deref, reached_by_deref,
};

/// The global allocator, which is that of the system.
pub(crate) struct Boxed;

impl<const WORDS: usize> Heap<WORDS> for Boxed {
    type Handle<'h> = Box<Value<WORDS>>;

    reached_by_deref!();
    freed_by_drop!();

    #[inline]
    fn with_room(_count: usize) -> Self {
        Self
    }

    #[inline]
    fn put(&self, seed: u64) -> Self::Handle<'_> {
        Box::new(Value::new(seed))
    }
}

impl<const WORDS: usize> Frees<WORDS> for Boxed {}

impl<const WORDS: usize> Shared<WORDS> for Boxed {
    looked_at_by_deref!();
}
