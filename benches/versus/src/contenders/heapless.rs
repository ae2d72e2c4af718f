//! `heapless`: boxes from a lock-free stack of blocks that were handed to it.
//!
//! A pool is a static, one for each type of value, and keeps the blocks it was given for good.

use std::sync::atomic::{AtomicUsize, Ordering};

use heapless::pool::boxed::{Box as PooledBox, BoxBlock, BoxPool};

use crate::heap::{
    Frees, Heap, Shared, Value, freed_by_drop, looked_at_by_deref, reached_by_deref,
};

/// A type of values that there is a pool for.
pub(crate) trait Pooled: Sized + 'static {
    /// The pool.
    type Pool: BoxPool<Data = Self>;

    /// The number of its blocks that no heap counts on.
    fn spare() -> &'static AtomicUsize;
}

/// Makes the pools of values of these sizes, in words.
macro_rules! pools {
    ($($pool:ident: $words:literal),*) => {$(
        heapless::box_pool!($pool: Value<$words>);

        impl Pooled for Value<$words> {
            type Pool = $pool;

            fn spare() -> &'static AtomicUsize {
                static SPARE: AtomicUsize = AtomicUsize::new(0);
                &SPARE
            }
        }
    )*};
}

pools!(PoolOf4: 4, PoolOf8: 8);

/// As many blocks of the pool as the workload needs, exactly.
pub(crate) struct HeaplessPool<const WORDS: usize>
where
    Value<WORDS>: Pooled,
{
    count: usize,
}

impl<const WORDS: usize> Heap<WORDS> for HeaplessPool<WORDS>
where
    Value<WORDS>: Pooled,
{
    type Handle<'h> = PooledBox<<Value<WORDS> as Pooled>::Pool>;

    reached_by_deref!();
    freed_by_drop!();

    fn with_room(count: usize) -> Self {
        let enough = |spare: usize| Some(spare.saturating_sub(count));
        // Acquire, with the Release of `drop`: the blocks are seen to be back.
        let spare = Value::<WORDS>::spare()
            .fetch_update(Ordering::Acquire, Ordering::Relaxed, enough)
            .expect("there is always something to set it to");
        let missing = (spare..count).map(|_| BoxBlock::new()).collect::<Vec<_>>();
        missing.leak().iter_mut().for_each(<Value<WORDS> as Pooled>::Pool::manage);
        Self { count }
    }

    #[inline]
    fn put(&self, seed: u64) -> Self::Handle<'_> {
        <Value<WORDS> as Pooled>::Pool::alloc(Value::new(seed)).expect("made with enough blocks")
    }
}

impl<const WORDS: usize> Drop for HeaplessPool<WORDS>
where
    Value<WORDS>: Pooled,
{
    fn drop(&mut self) {
        Value::<WORDS>::spare().fetch_add(self.count, Ordering::Release);
    }
}

impl<const WORDS: usize> Frees<WORDS> for HeaplessPool<WORDS> where Value<WORDS>: Pooled {}

impl<const WORDS: usize> Shared<WORDS> for HeaplessPool<WORDS>
where
    Value<WORDS>: Pooled,
{
    looked_at_by_deref!();
}
