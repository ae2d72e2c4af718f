//! `plurality`, with each of its two unshared handles.

use plurality::{Alloc, Pool};

use crate::heap::{Frees, Heap, Value, freed_by_drop, reached_by_deref};

/// A pool of one chunk, which is as close as it comes to room made beforehand: the chunk is
/// allocated with the first value.
fn pool_with_room<const WORDS: usize>(count: usize) -> Pool<Value<WORDS>> {
    let slots = u32::try_from(count.max(1)).expect("rows have fewer values");
    Pool::builder().chunk_size(slots).build()
}

/// Handles that borrow the pool.
pub(crate) struct PluralityAlloc<const WORDS: usize>(Pool<Value<WORDS>>);

impl<const WORDS: usize> Heap<WORDS> for PluralityAlloc<WORDS> {
    type Handle<'h> = Alloc<'h, Value<WORDS>>;

    reached_by_deref!();
    freed_by_drop!();

    #[inline]
    fn with_room(count: usize) -> Self {
        Self(pool_with_room(count))
    }

    #[inline]
    fn put(&self, seed: u64) -> Self::Handle<'_> {
        self.0.alloc_with(|| Value::new(seed))
    }
}

impl<const WORDS: usize> Frees<WORDS> for PluralityAlloc<WORDS> {}

/// Handles that keep the pool alive.
pub(crate) struct PluralityBox<const WORDS: usize>(Pool<Value<WORDS>>);

impl<const WORDS: usize> Heap<WORDS> for PluralityBox<WORDS> {
    type Handle<'h> = plurality::Box<Value<WORDS>>;

    reached_by_deref!();
    freed_by_drop!();

    #[inline]
    fn with_room(count: usize) -> Self {
        Self(pool_with_room(count))
    }

    #[inline]
    fn put(&self, seed: u64) -> Self::Handle<'_> {
        self.0.alloc_box_with(|| Value::new(seed))
    }
}

impl<const WORDS: usize> Frees<WORDS> for PluralityBox<WORDS> {}
