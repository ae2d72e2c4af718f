//! `plurality`, with each of its two unshared handles, and shared by threads.

use std::sync::{Mutex, PoisonError};

use plurality::{Alloc, Pool};

use crate::heap::{
    Frees, Heap, Shared, Value, freed_by_drop, looked_at_by_deref, reached_by_deref,
};

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

/// A pool that one thread at a time takes from. Its handles, which keep it alive, are dropped on
/// any thread without the lock.
pub(crate) struct PluralityMutex<const WORDS: usize>(Mutex<Pool<Value<WORDS>>>);

impl<const WORDS: usize> Heap<WORDS> for PluralityMutex<WORDS> {
    type Handle<'h> = plurality::Box<Value<WORDS>>;

    reached_by_deref!();
    freed_by_drop!();

    #[inline]
    fn with_room(count: usize) -> Self {
        Self(Mutex::new(pool_with_room(count)))
    }

    #[inline]
    fn put(&self, seed: u64) -> Self::Handle<'_> {
        let pool = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pool.alloc_box_with(|| Value::new(seed))
    }
}

impl<const WORDS: usize> Frees<WORDS> for PluralityMutex<WORDS> {}

impl<const WORDS: usize> Shared<WORDS> for PluralityMutex<WORDS> {
    looked_at_by_deref!();
}
