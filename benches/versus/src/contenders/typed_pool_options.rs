//! The pool that the rows are about, with options that its builder has.

use std::marker::PhantomData;

use typed_pool::{Pool, PoolBox, PoolBuilder};

use super::typed_pool::TypedPool;
use crate::heap::{Frees, Heap, Value, freed_by_drop, reached_by_deref};

/// Options of a pool.
pub(crate) trait Options: 'static {
    /// Adds them.
    fn add<P>(builder: PoolBuilder<P>) -> PoolBuilder<P>;
}

/// None but that the pool is bounded, which the others are too.
pub(crate) struct Plain;

impl Options for Plain {
    fn add<P>(builder: PoolBuilder<P>) -> PoolBuilder<P> {
        builder
    }
}

/// All pages touched in advance.
pub(crate) struct Prefaulted;

impl Options for Prefaulted {
    fn add<P>(builder: PoolBuilder<P>) -> PoolBuilder<P> {
        builder.prefault()
    }
}

/// Huge pages.
pub(crate) struct Huge;

impl Options for Huge {
    fn add<P>(builder: PoolBuilder<P>) -> PoolBuilder<P> {
        builder.huge_pages()
    }
}

/// A bounded pool of as many slots as the workload needs, with options.
pub(crate) struct BoundedPool<const WORDS: usize, O> {
    pool: TypedPool<WORDS>,
    options: PhantomData<O>,
}

impl<const WORDS: usize, O: Options> Heap<WORDS> for BoundedPool<WORDS, O> {
    type Handle<'h> = PoolBox<'h, Value<WORDS>>;

    reached_by_deref!();
    freed_by_drop!();

    #[inline]
    fn with_room(count: usize) -> Self {
        let pool = O::add(Pool::builder().bounded(count)).build();
        Self { pool, options: PhantomData }
    }

    #[inline]
    fn put(&self, seed: u64) -> Self::Handle<'_> {
        self.pool.alloc_with(|| Value::new(seed))
    }
}

impl<const WORDS: usize, O: Options> Frees<WORDS> for BoundedPool<WORDS, O> {}
