//! The integration tests, one file a subject.
//!
//! What both kinds of pools promise is in files that are compiled twice, as part of `local` for the
//! pools of one thread and as part of `sync` for those of many: `Pool`, `MemoryPool` and `PoolBox`
//! are there what the module says. Files whose name begins with `sync` are about threads.
//!
//! Sizes are cut where an interpreter runs the tests (`cfg(miri)`); `TYPED_POOL_STRESS` multiplies
//! the rounds of those that are about threads.

mod auto_traits;
mod implements;
mod layers;
mod order;
mod parity;
mod shared_memory;
mod source;
mod support;
#[cfg(feature = "std")]
mod sync_support;
#[cfg(feature = "std")]
mod sync_capacity;
#[cfg(feature = "std")]
mod sync_ends;
#[cfg(feature = "std")]
mod sync_fragmentation;
#[cfg(feature = "std")]
mod sync_size_class;
#[cfg(feature = "std")]
mod sync_handles;
#[cfg(feature = "std")]
mod sync_histories;
#[cfg(feature = "std")]
mod sync_owned;
#[cfg(feature = "std")]
mod sync_shelves;
#[cfg(feature = "std")]
mod sync_stress;
mod ui;

/// The pools for one thread.
#[path = "."]
mod local {
    use std::mem::MaybeUninit;

    type Pool<T> = typed_pool::Pool<T>;
    type MemoryPool = typed_pool::MemoryPool;
    type SizeClassPool = typed_pool::SizeClassPool;
    type PoolBox<'p, T> = typed_pool::PoolBox<'p, T, MemoryPool>;
    type OwnedPoolBox<T> = typed_pool::OwnedPoolBox<T>;
    type Shared<P> = std::rc::Rc<P>;
    type Weak<P> = std::rc::Weak<P>;

    #[cfg(feature = "allocator-api2")]
    mod allocator;
    mod contract;
    mod figures;
    mod fragmentation;
    mod futures;
    mod histories;
    mod many;
    mod memory_pool;
    mod model;
    mod owned;
    mod pool;
    mod regressions;
    mod size_class;
    mod structures;
    mod unsize;
    mod words;

    /// The number of slots that this thread can have of a bounded pool that it alone has used.
    fn slots<T>(pool: &Pool<T>) -> usize {
        pool.capacity()
    }

    /// By how many magazines the peak may be too high: it is a number that was reached.
    const PEAK_MAY_BE_ABOVE: usize = 0;

    /// A pool that grows, and may give chunks back by itself.
    fn growing<T>(gives_back: bool) -> Pool<T> {
        Pool::builder().release_empty_chunks(gives_back).build()
    }

    /// Gives back what is vacant, where a number of slots stays, and where that can be done while
    /// handles live.
    fn shrink_under_handles<T>(pool: &Pool<T>, floor: usize) -> usize {
        pool.shrink_to(floor)
    }

    /// Moves values out of sparse chunks, where there is a way.
    fn compact<'a, 'p: 'a, T: 'a>(pool: &'p Pool<T>, handles: Vec<&'a mut PoolBox<'p, T>>) {
        pool.compact(handles);
    }

    /// As [`slots`].
    fn block_count(pool: &MemoryPool) -> usize {
        pool.capacity()
    }

    /// Takes the slots that a bounded pool has beside its capacity, which is used up.
    fn surplus<T>(pool: &Pool<T>) -> Vec<PoolBox<'_, MaybeUninit<T>>> {
        assert!(pool.is_full());
        Vec::new()
    }

    /// Gives back what is vacant.
    fn trim<T>(pool: &mut Pool<T>) -> usize {
        pool.shrink_to_fit()
    }

    /// Gives back what is vacant where that can be done while handles live.
    fn trim_under_handles<T>(pool: &Pool<T>) -> usize {
        pool.trim()
    }

    /// As [`trim`].
    fn trim_classes(pool: &mut SizeClassPool) -> usize {
        pool.trim()
    }

    /// As [`trim_under_handles`].
    fn trim_classes_under_handles(pool: &SizeClassPool) -> usize {
        pool.trim()
    }
}

/// The pools for many threads, here used by one.
#[cfg(feature = "std")]
#[expect(clippy::duplicate_mod, reason = "what they hold is held for both kinds of pools")]
#[path = "."]
mod sync {
    use std::iter;
    use std::mem::MaybeUninit;

    type Pool<T> = typed_pool::SyncPool<T>;
    type MemoryPool = typed_pool::SyncMemoryPool;
    type SizeClassPool = typed_pool::SyncSizeClassPool;
    type PoolBox<'p, T> = typed_pool::PoolBox<'p, T, MemoryPool>;
    type OwnedPoolBox<T> = typed_pool::SyncOwnedPoolBox<T>;
    type Shared<P> = std::sync::Arc<P>;
    type Weak<P> = std::sync::Weak<P>;

    #[cfg(feature = "allocator-api2")]
    mod allocator;
    mod contract;
    mod figures;
    mod futures;
    pub(crate) mod histories;
    mod many;
    mod memory_pool;
    mod model;
    mod owned;
    mod pool;
    mod regressions;
    mod size_class;
    mod structures;
    mod unsize;
    mod words;

    /// The number of slots that this thread can have of a bounded pool that it alone has used.
    fn slots<T>(pool: &Pool<T>) -> usize {
        pool.reserved_slots()
    }

    /// By how many magazines the peak may be too high: slots on their way are taken for occupied.
    const PEAK_MAY_BE_ABOVE: usize = 1;

    /// A pool that grows. None for many threads gives chunks back by itself.
    fn growing<T>(_: bool) -> Pool<T> {
        Pool::new()
    }

    /// There is no way to while handles live.
    fn shrink_under_handles<T>(_: &Pool<T>, _: usize) -> usize {
        0
    }

    /// There is no way to but value by value.
    fn compact<T>(_: &Pool<T>, handles: Vec<&mut PoolBox<'_, T>>) {
        for handle in handles {
            PoolBox::relocate(handle);
        }
    }

    /// As [`slots`].
    fn block_count(pool: &MemoryPool) -> usize {
        pool.reserved_slots()
    }

    /// Takes the slots that a bounded pool has beside its capacity, which is used up.
    fn surplus<T>(pool: &Pool<T>) -> Vec<PoolBox<'_, MaybeUninit<T>>> {
        let rest: Vec<_> = iter::from_fn(|| pool.try_alloc_uninit().ok()).collect();
        assert!(pool.is_full() && pool.len() == pool.reserved_slots());
        assert_eq!(rest.len(), pool.reserved_slots() - pool.capacity());
        rest
    }

    /// Gives back what is vacant.
    fn trim<T>(pool: &mut Pool<T>) -> usize {
        pool.shrink_to_fit()
    }

    /// Gives back what is vacant where that can be done while handles live.
    fn trim_under_handles<T>(pool: &Pool<T>) -> usize {
        pool.trim()
    }

    /// As [`trim`].
    fn trim_classes(pool: &mut SizeClassPool) -> usize {
        pool.shrink_to_fit()
    }

    /// As [`trim_under_handles`].
    fn trim_classes_under_handles(pool: &SizeClassPool) -> usize {
        pool.trim()
    }
}
