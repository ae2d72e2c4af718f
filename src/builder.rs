//! The builder of pools: what goes beyond a capacity.

use core::fmt;
use core::marker::PhantomData;

use crate::block_pool::BlockPool;
use crate::error::{PoolError, expect};
use crate::plan::{Growth, Plan};
use crate::pool::Pool;
use crate::pool_core::PoolCore;
use crate::typed_pool::TypedPool;

/// Makes a pool with options: [`TypedPool::builder`] and [`BlockPool::builder`] start one.
///
/// # Examples
///
/// A pool that asks for no memory while it is used, neither the allocator nor, page by page, the
/// kernel:
///
/// ```
/// use typed_pool::Pool;
///
/// let pool = Pool::<[u64; 4]>::builder().bounded(10_000).prefault().build();
/// let value = pool.alloc([1, 2, 3, 4]);
/// assert_eq!((value[3], pool.capacity()), (4, 10_000));
/// ```
#[must_use = "a builder does nothing before `build`"]
pub struct PoolBuilder<P> {
    /// The size of a block, which a typed pool knows by itself.
    object_size: usize,
    plan: Plan,
    pool: PhantomData<fn() -> P>,
}

impl<P> PoolBuilder<P> {
    fn new(object_size: usize, plan: Plan) -> Self {
        Self { object_size, plan, pool: PhantomData }
    }

    fn with(self, growth: Growth, slots: usize) -> Self {
        Self { plan: Plan { growth, slots, ..self.plan }, ..self }
    }

    /// Touches every page of the pool's memory as soon as it is reserved: what the pool has from
    /// the start when it is made, and what it reserves later in the call that reserves it; the
    /// tables that it keeps beside its slots as well. No page is then missing when a slot is first
    /// used, and no allocation or free that reserves nothing waits for the kernel to clear one.
    ///
    /// Making the pool takes as long as the kernel takes for that many pages, and all of its memory
    /// is resident from then on.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::MemoryPool::builder(64, 1000).prefault().build()?;
    /// assert_eq!(pool.capacity(), 1000);
    /// # Ok::<(), typed_pool::PoolError>(())
    /// ```
    pub fn prefault(mut self) -> Self {
        self.plan.pages.prefault = true;
        self
    }

    /// Asks for huge pages, of 2 MiB, which take fewer entries of the processor's page tables: what
    /// is read and written in random order over many megabytes gets faster.
    ///
    /// It is advice to the kernel of Linux (`madvise` with `MADV_HUGEPAGE`), given with the feature
    /// `huge-pages`; elsewhere, and without the feature, it does nothing. It concerns reservations
    /// of 2 MiB and more, which are then aligned to as much: those of bounded pools, while a
    /// growing one reserves chunks of 256 KiB, unless a single value is larger. The advice stays
    /// with the addresses when the pool is dropped and its memory goes back to the global
    /// allocator. Memory is resident 2 MiB at a time.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::Pool::<u64>::builder().bounded(1_000_000).huge_pages().build();
    /// assert_eq!(*pool.alloc(7), 7);
    /// ```
    pub fn huge_pages(mut self) -> Self {
        self.plan.pages.huge = true;
        self
    }
}

impl<T> PoolBuilder<Pool<T>> {
    /// Has the pool give chunks without an occupied slot back by itself, or, with `false`, only
    /// when asked to, as is the default.
    ///
    /// It does so with hysteresis: only while more than a quarter of its slots is vacant, and never
    /// with the last slots, as many as fit into a chunk of 256 KiB (16 KiB on 32-bit targets), nor
    /// with those that it was made with. Room made by [`TypedPool::reserve`] counts as vacant.
    ///
    /// The drop of a handle in which it does so takes as long as the upstream allocator takes.
    /// Others take as long as without it, but that each time when the number of values has fallen
    /// by a quarter one looks through the bitmaps and the magazine. Such a pool also grows in
    /// smaller steps, of an eighth of what it has. Where the number of values rises and falls by
    /// more than half again and again, memory goes to and fro, which takes several times as long as
    /// the values do: there [`Pool::trim`] at quiet times is better.
    ///
    /// A bounded pool keeps its memory.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::Pool::builder().release_empty_chunks(true).build();
    /// let mut values: Vec<_> = (0..100_000).map(|number| pool.alloc([number; 16])).collect();
    /// values.truncate(10_000);
    /// assert!(pool.capacity() < 30_000);
    /// ```
    pub fn release_empty_chunks(mut self, yes: bool) -> Self {
        self.plan.gives_back = yes;
        self
    }
}

impl<T, C: PoolCore> PoolBuilder<TypedPool<T, C>> {
    /// Has the pool start with `capacity` slots and grow when they are used up, as
    /// [`TypedPool::with_capacity`] does. Without a call of this or of [`PoolBuilder::bounded`] it
    /// starts with none.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::Pool::<u8>::builder().capacity(100).build();
    /// assert_eq!(pool.capacity(), 100);
    /// ```
    pub fn capacity(self, capacity: usize) -> Self {
        self.with(Growth::OnDemand, capacity)
    }

    /// Has the pool have `capacity` slots and never more, as [`TypedPool::bounded`] does.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::Pool::builder().bounded(1).build();
    /// let _first = pool.alloc(1);
    /// assert!(pool.try_alloc(2).is_err());
    /// ```
    pub fn bounded(self, capacity: usize) -> Self {
        self.with(Growth::Bounded, capacity)
    }

    /// Makes the pool.
    ///
    /// # Panics
    ///
    /// As [`TypedPool::with_capacity`].
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::Pool::builder().build();
    /// assert_eq!(*pool.alloc(7), 7);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn build(self) -> TypedPool<T, C> {
        expect(self.try_build())
    }

    /// As [`PoolBuilder::build`], with an error instead of a panic or an abort.
    ///
    /// # Errors
    ///
    /// [`PoolError::TooLarge`] or [`PoolError::OutOfMemory`].
    ///
    /// # Examples
    ///
    /// ```
    /// let builder = typed_pool::Pool::<u64>::builder().bounded(usize::MAX / 8);
    /// assert!(builder.try_build().is_err());
    /// ```
    pub fn try_build(self) -> Result<TypedPool<T, C>, PoolError> {
        TypedPool::build(self.plan)
    }
}

impl<C: PoolCore> PoolBuilder<BlockPool<C>> {
    /// Makes the pool.
    ///
    /// # Errors
    ///
    /// As [`BlockPool::new`].
    ///
    /// # Examples
    ///
    /// ```
    /// use typed_pool::{MemoryPool, PoolError};
    ///
    /// let error = MemoryPool::builder(0, 10).build().unwrap_err();
    /// assert_eq!(error, PoolError::ZeroObjectSize);
    /// ```
    pub fn build(self) -> Result<BlockPool<C>, PoolError> {
        BlockPool::from_size(self.object_size, self.plan)
    }
}

impl<P> Clone for PoolBuilder<P> {
    fn clone(&self) -> Self {
        let Self { object_size, plan, pool } = *self;
        Self { object_size, plan, pool }
    }
}

impl<P> fmt::Debug for PoolBuilder<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolBuilder")
            .field("slots", &self.plan.slots)
            .field("growth", &self.plan.growth)
            .field("gives_back", &self.plan.gives_back)
            .field("pages", &self.plan.pages)
            .finish_non_exhaustive()
    }
}

impl<T, C: PoolCore> TypedPool<T, C> {
    /// Starts to make a pool with options. Unless told otherwise it is like [`TypedPool::new`].
    ///
    /// # Examples
    ///
    /// ```
    /// use typed_pool::Pool;
    ///
    /// let pool = Pool::builder().capacity(1000).prefault().build();
    /// let _order = pool.alloc((101, 10));
    /// ```
    pub fn builder() -> PoolBuilder<Self> {
        PoolBuilder::new(size_of::<T>(), Self::plan(Growth::OnDemand, 0))
    }
}

impl<C: PoolCore> BlockPool<C> {
    /// Starts to make a pool of `pool_size` blocks of `object_size` bytes with options. Unless told
    /// otherwise it is like [`BlockPool::new`].
    ///
    /// # Examples
    ///
    /// ```
    /// use typed_pool::MemoryPool;
    ///
    /// let pool = MemoryPool::builder(32, 1_000_000).huge_pages().build()?;
    /// assert!(pool.allocate().is_some());
    /// # Ok::<(), typed_pool::PoolError>(())
    /// ```
    pub fn builder(object_size: usize, pool_size: usize) -> PoolBuilder<Self> {
        PoolBuilder::new(object_size, Self::plan(pool_size))
    }
}
