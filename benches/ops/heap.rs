//! What values are put into: the pool and its two baselines, behind one trait.

use std::ops::Deref;

use typed_arena::Arena;
use typed_pool::{Pool, PoolBox};

/// A value of `WORDS` words that has nothing to do when it is dropped, so that a row measures the
/// memory behind handles and not a destructor.
pub(crate) struct Value<const WORDS: usize>(pub(crate) [u64; WORDS]);

impl<const WORDS: usize> Value<WORDS> {
    /// A value whose every word is `seed`: all of its bytes are written, from one register.
    #[inline]
    pub(crate) fn new(seed: u64) -> Self {
        Self([seed; WORDS])
    }
}

/// The pool that the rows are about.
pub(crate) type ValuePool<const WORDS: usize> = Pool<Value<WORDS>>;

/// The baseline that takes values only.
pub(crate) type ValueArena<const WORDS: usize> = Arena<Value<WORDS>>;

/// The baseline that every Rust program has: the global allocator by way of [`Box`].
pub(crate) struct Global;

/// Something that values are put into, one at a time.
pub(crate) trait Heap<const WORDS: usize>: 'static {
    /// What `put` gives to reach the value with.
    type Handle<'h>: Deref<Target = Value<WORDS>>;

    /// Makes a heap that holds `count` values without asking for more memory, where that can be
    /// said.
    fn with_room(count: usize) -> Self;

    /// Moves a value in.
    fn put(&self, value: Value<WORDS>) -> Self::Handle<'_>;

    /// A heap with room for `count` values, given one whose handles are all gone: itself where the
    /// room of dropped handles is used again, otherwise its successor.
    fn emptied(self, count: usize) -> Self;
}

/// A heap that makes room again when a handle is dropped. Rows that free ask for this, which keeps
/// the arena out of them.
pub(crate) trait Frees<const WORDS: usize>: Heap<WORDS> {}

impl<const WORDS: usize> Heap<WORDS> for ValuePool<WORDS> {
    type Handle<'h> = PoolBox<'h, Value<WORDS>>;

    fn with_room(count: usize) -> Self {
        Self::with_capacity(count)
    }

    #[inline]
    fn put(&self, value: Value<WORDS>) -> Self::Handle<'_> {
        self.alloc(value)
    }

    fn emptied(self, _count: usize) -> Self {
        self
    }
}

impl<const WORDS: usize> Frees<WORDS> for ValuePool<WORDS> {}

impl<const WORDS: usize> Heap<WORDS> for Global {
    type Handle<'h> = Box<Value<WORDS>>;

    fn with_room(_count: usize) -> Self {
        Self
    }

    #[inline]
    fn put(&self, value: Value<WORDS>) -> Self::Handle<'_> {
        Box::new(value)
    }

    fn emptied(self, _count: usize) -> Self {
        self
    }
}

impl<const WORDS: usize> Frees<WORDS> for Global {}

impl<const WORDS: usize> Heap<WORDS> for ValueArena<WORDS> {
    type Handle<'h> = &'h mut Value<WORDS>;

    fn with_room(count: usize) -> Self {
        Self::with_capacity(count)
    }

    #[inline]
    fn put(&self, value: Value<WORDS>) -> Self::Handle<'_> {
        self.alloc(value)
    }

    /// An arena takes no value twice, so the next one is made. The old one goes first: the global
    /// allocator then has the memory that was just written to give again.
    fn emptied(self, count: usize) -> Self {
        drop(self);
        Self::with_capacity(count)
    }
}
