//! `nexus-slab`, in both of its forms: bounded, which has no chunk to look up, and growing, as the
//! pool does.

use nexus_slab::Slot;
use nexus_slab::{bounded, unbounded};

use crate::heap::{Frees, Heap, Value, reached_by_deref};

/// A slab of as many slots as the workload needs, exactly.
pub(crate) struct NexusBounded<const WORDS: usize>(bounded::Slab<Value<WORDS>>);

impl<const WORDS: usize> Heap<WORDS> for NexusBounded<WORDS> {
    type Handle<'h> = Slot<Value<WORDS>>;

    reached_by_deref!();

    #[inline]
    fn with_room(count: usize) -> Self {
        // SAFETY: slots are freed by the slab they came from, which outlives them: clause 1 of
        // `Heap::free`, whose callers keep handles no longer than the heap they borrow.
        Self(unsafe { bounded::Slab::with_capacity(count.max(1)) })
    }

    #[inline]
    fn put(&self, seed: u64) -> Self::Handle<'_> {
        self.0.claim().expect("made with room for all values").write(Value::new(seed))
    }

    #[inline]
    unsafe fn free(&self, handle: Self::Handle<'_>) {
        self.0.free(handle);
    }

    #[inline]
    fn emptied(self, _count: usize) -> Self {
        self
    }
}

impl<const WORDS: usize> Frees<WORDS> for NexusBounded<WORDS> {}

/// A slab that could grow, made with one chunk that has room for what the workload needs.
pub(crate) struct NexusUnbounded<const WORDS: usize>(unbounded::Slab<Value<WORDS>>);

impl<const WORDS: usize> Heap<WORDS> for NexusUnbounded<WORDS> {
    type Handle<'h> = Slot<Value<WORDS>>;

    reached_by_deref!();

    #[inline]
    fn with_room(count: usize) -> Self {
        let builder = unbounded::Builder::new().chunk_capacity(count.max(1)).initial_chunks(1);
        // SAFETY: slots are freed by the slab they came from, which outlives them: clause 1 of
        // `Heap::free`, whose callers keep handles no longer than the heap they borrow.
        Self(unsafe { builder.build() })
    }

    #[inline]
    fn put(&self, seed: u64) -> Self::Handle<'_> {
        self.0.claim().write(Value::new(seed))
    }

    #[inline]
    unsafe fn free(&self, handle: Self::Handle<'_>) {
        self.0.free(handle);
    }

    #[inline]
    fn emptied(self, _count: usize) -> Self {
        self
    }
}

impl<const WORDS: usize> Frees<WORDS> for NexusUnbounded<WORDS> {}
