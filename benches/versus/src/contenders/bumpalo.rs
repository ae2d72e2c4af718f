//! `bumpalo`, which forgets all of its values at once.

use bumpalo::Bump;

use crate::heap::{Heap, Value, reached_by_deref};

/// An arena that knows the alignment of all of its values beforehand, which saves it the rounding.
pub(crate) type BumpArena = Bump<{ align_of::<u64>() }>;

impl<const WORDS: usize> Heap<WORDS> for BumpArena {
    type Handle<'h> = &'h mut Value<WORDS>;

    reached_by_deref!();

    #[inline]
    fn with_room(count: usize) -> Self {
        Self::with_min_align_and_capacity(count * size_of::<Value<WORDS>>())
    }

    #[inline]
    fn put(&self, seed: u64) -> Self::Handle<'_> {
        self.alloc_with(|| Value::new(seed))
    }

    #[inline]
    unsafe fn free(&self, _handle: Self::Handle<'_>) {}

    /// A reset keeps the chunk, which had room for everything.
    fn emptied(mut self, _count: usize) -> Self {
        self.reset();
        self
    }
}
