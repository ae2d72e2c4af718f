//! `typed-arena`, which takes values only.

use typed_arena::Arena;

use crate::heap::{Heap, Value, reached_by_deref};

/// An arena for values of one type.
pub(crate) type TypedArena<const WORDS: usize> = Arena<Value<WORDS>>;

impl<const WORDS: usize> Heap<WORDS> for TypedArena<WORDS> {
    type Handle<'h> = &'h mut Value<WORDS>;

    reached_by_deref!();

    #[inline]
    fn with_room(count: usize) -> Self {
        Self::with_capacity(count)
    }

    #[inline]
    fn put(&self, seed: u64) -> Self::Handle<'_> {
        self.alloc(Value::new(seed))
    }

    #[inline]
    unsafe fn free(&self, _handle: Self::Handle<'_>) {}

    /// An arena takes no value twice, so the next one is made. The old one goes first: the global
    /// allocator then has the memory that was just written to give again.
    fn emptied(self, count: usize) -> Self {
        drop(self);
        Self::with_capacity(count)
    }
}
