//! The typed pool over the untyped one.

use core::alloc::Layout;
use core::fmt;
use core::marker::PhantomData;
use core::mem::MaybeUninit;

use crate::block_pool::BlockPool;
use crate::error::{PoolError, TryAllocError, expect};
use crate::geometry::layout_of;
use crate::guard::Size;
use crate::memory::Slot;
use crate::plan::{Growth, Leftovers, Plan};
use crate::pool_box::PoolBox;
use crate::pool_core::{PoolCore, ThreadSafe};

mod figures;
mod many;
mod pinned;

/// What [`Pool`](crate::Pool) and `SyncPool` have in common: a pool of values of one type, for one
/// thread or for many, as its core `C` is.
///
/// # Examples
///
/// ```
/// use typed_pool::{Pool, TypedPool};
///
/// let pool: TypedPool<String, _> = Pool::bounded(10);
/// let word = pool.alloc(String::from("word"));
/// assert_eq!((word.len(), pool.len(), pool.capacity()), (4, 1, 10));
/// ```
// # Invariants
//
// 1. The slots of `memory` have the size and the alignment of `Self::LAYOUT`, for it was built for
//    that, or for a type of which `T` is a supertype. `PoolCore` says that they are alike.
// 2. It is laid out, and ends, as its `BlockPool` does: `Owned` counts on it.
#[repr(transparent)]
pub struct TypedPool<T, C: PoolCore> {
    memory: BlockPool<C>,
    /// Values go into the pool, and those of a subtype may: the pool is covariant. That it is not
    /// `PhantomData<T>` keeps `T` out of what dropping the pool might use, which lets values
    /// borrow the pool they are in.
    values: PhantomData<fn() -> T>,
}

// SAFETY: sending the pool may send values in it whose handles were forgotten or leaked, hence
// `T: Send`; all else it reaches is its `BlockPool`, which is `Send`.
unsafe impl<T: Send, C: PoolCore> Send for TypedPool<T, C> {}

// SAFETY: sharing the pool shares no value in it, but lets other threads put values in, whose
// handles are then dropped there or elsewhere, hence `T: Send`; it shares the `BlockPool`, which is
// `Sync` where `C` is `ThreadSafe`.
unsafe impl<T: Send, C: ThreadSafe> Sync for TypedPool<T, C> {}

impl<T, C: PoolCore> TypedPool<T, C> {
    /// What a slot holds. A value of size 0 takes a slot of its alignment.
    const LAYOUT: Layout = layout_of::<T>();

    /// What a pool is to be that has `slots` slots at once.
    pub(crate) fn plan(growth: Growth, slots: usize) -> Plan {
        Plan::new(growth, slots, Leftovers::Keep)
    }

    /// Makes a pool after a plan without ground.
    pub(crate) fn build(plan: Plan) -> Result<Self, PoolError> {
        // SAFETY: 1. it has none.
        let memory = unsafe { BlockPool::from_plan(Self::LAYOUT, Plan { ground: None, ..plan }) }?;
        // INVARIANT: 1. by the line above.
        Ok(Self { memory, values: PhantomData })
    }

    pub(crate) fn core(&self) -> &C {
        self.memory.core()
    }

    #[inline]
    pub(crate) fn memory(&self) -> &BlockPool<C> {
        &self.memory
    }

    /// Takes a vacant slot for a `T`.
    #[inline]
    pub(crate) fn take(&self) -> Option<Slot<'_, BlockPool<C>>> {
        // SAFETY: 1. invariant 1.
        self.memory.take(unsafe { Size::certain(size_of::<T>()) })
    }

    /// Makes a pool that has no slots yet and grows on demand.
    ///
    /// # Panics
    ///
    /// Where a value is larger than any allocation can be. Calls
    /// [`handle_alloc_error`](alloc::alloc::handle_alloc_error) where the global allocator refuses
    /// the few bytes that an empty pool takes.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::Pool::new();
    /// let _number = pool.alloc(7);
    /// assert!(pool.capacity() >= 1);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn new() -> Self {
        expect(Self::try_with_capacity(0))
    }

    /// Makes a pool that has `capacity` slots and grows when they are used up.
    ///
    /// # Panics
    ///
    /// Where so many values are more than any allocation can hold. Calls
    /// [`handle_alloc_error`](alloc::alloc::handle_alloc_error) where the global allocator refuses
    /// the memory.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::Pool::<[u64; 4]>::with_capacity(1000);
    /// assert_eq!((pool.len(), pool.capacity()), (0, 1000));
    /// ```
    #[must_use]
    #[track_caller]
    pub fn with_capacity(capacity: usize) -> Self {
        expect(Self::try_with_capacity(capacity))
    }

    /// As [`TypedPool::with_capacity`], with an error instead of a panic or an abort.
    ///
    /// # Errors
    ///
    /// [`PoolError::TooLarge`] or [`PoolError::OutOfMemory`].
    ///
    /// # Examples
    ///
    /// ```
    /// use typed_pool::{Pool, PoolError};
    ///
    /// let error = Pool::<u64>::try_with_capacity(usize::MAX).unwrap_err();
    /// assert_eq!(error, PoolError::TooLarge { object_size: 8, pool_size: usize::MAX });
    /// ```
    pub fn try_with_capacity(capacity: usize) -> Result<Self, PoolError> {
        Self::build(Self::plan(Growth::OnDemand, capacity))
    }

    /// Makes a pool that has `capacity` slots and never more. They lie in one upstream allocation,
    /// made here; the pool makes no further one. (`SyncPool` says where threads that share a pool
    /// go beyond both.)
    ///
    /// # Panics
    ///
    /// As [`TypedPool::with_capacity`].
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::Pool::bounded(1);
    /// let first = pool.alloc(1);
    /// assert!(pool.try_alloc(2).is_err());
    /// drop(first);
    /// assert!(pool.try_alloc(2).is_ok());
    /// ```
    #[must_use]
    #[track_caller]
    pub fn bounded(capacity: usize) -> Self {
        expect(Self::try_bounded(capacity))
    }

    /// As [`TypedPool::bounded`], with an error instead of a panic or an abort.
    ///
    /// # Errors
    ///
    /// [`PoolError::TooLarge`] or [`PoolError::OutOfMemory`].
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(typed_pool::Pool::<u64>::try_bounded(usize::MAX / 8).is_err());
    /// ```
    pub fn try_bounded(capacity: usize) -> Result<Self, PoolError> {
        Self::build(Self::plan(Growth::Bounded, capacity))
    }

    /// Moves `value` into a slot.
    ///
    /// # Panics
    ///
    /// Where the pool is bounded and full; `value` is dropped then. Calls
    /// [`handle_alloc_error`](alloc::alloc::handle_alloc_error) where the upstream allocator has no
    /// memory for a pool that grows.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::Pool::new();
    /// let word = pool.alloc("word");
    /// assert_eq!(*word, "word");
    /// ```
    #[inline]
    #[track_caller]
    pub fn alloc(&self, value: T) -> PoolBox<'_, T, BlockPool<C>> {
        let Some(slot) = self.take() else { self.memory.refuse() };
        // SAFETY: 1. invariant 1.
        unsafe { PoolBox::fill(slot, value) }
    }

    /// Moves `value` into a slot, or gives it back.
    ///
    /// # Errors
    ///
    /// [`TryAllocError`] holds `value`, and says whether the pool is full or upstream memory has
    /// run out.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::Pool::bounded(1);
    /// let first = pool.try_alloc("first").unwrap();
    /// let refused = pool.try_alloc("second").unwrap_err();
    /// assert_eq!(refused.into_inner(), "second");
    /// ```
    #[inline]
    pub fn try_alloc(&self, value: T) -> Result<PoolBox<'_, T, BlockPool<C>>, TryAllocError<T>> {
        match self.take() {
            // SAFETY: 1. invariant 1.
            Some(slot) => Ok(unsafe { PoolBox::fill(slot, value) }),
            None => Err(TryAllocError::new(value, self.memory.refusal())),
        }
    }

    /// Builds a value in a slot. The slot is taken first, and given back where `build` panics.
    ///
    /// With optimisation the result of `build` is usually written to the slot directly, without it
    /// the result is moved there; [`TypedPool::alloc_uninit`] never moves it.
    ///
    /// # Panics
    ///
    /// As [`TypedPool::alloc`]; `build` is not called then. And where `build` panics.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::Pool::new();
    /// let table = pool.alloc_with(|| [0_u8; 1 << 12]);
    /// assert_eq!(table.len(), 4096);
    /// ```
    #[inline]
    #[track_caller]
    pub fn alloc_with(&self, build: impl FnOnce() -> T) -> PoolBox<'_, T, BlockPool<C>> {
        let Some(slot) = self.take() else { self.memory.refuse() };
        // SAFETY: 1. invariant 1.
        unsafe { PoolBox::fill_with(slot, build) }
    }

    /// Builds a value in a slot, or gives the builder back.
    ///
    /// # Errors
    ///
    /// [`TryAllocError`] holds `build`, which has not been called.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::Pool::bounded(0);
    /// let refused = pool.try_alloc_with(|| String::from("late")).unwrap_err();
    /// let build = refused.into_inner();
    /// assert_eq!(build(), "late");
    /// ```
    #[inline]
    pub fn try_alloc_with<F: FnOnce() -> T>(
        &self,
        build: F,
    ) -> Result<PoolBox<'_, T, BlockPool<C>>, TryAllocError<F>> {
        match self.take() {
            // SAFETY: 1. invariant 1.
            Some(slot) => Ok(unsafe { PoolBox::fill_with(slot, build) }),
            None => Err(TryAllocError::new(build, self.memory.refusal())),
        }
    }

    /// Takes a slot whose value is written later, by [`PoolBox::write`] or in place.
    ///
    /// # Panics
    ///
    /// As [`TypedPool::alloc`].
    ///
    /// # Examples
    ///
    /// ```
    /// use typed_pool::{Pool, PoolBox};
    ///
    /// let pool = Pool::new();
    /// let slot = pool.alloc_uninit();
    /// assert_eq!(pool.len(), 1);
    /// assert_eq!(*PoolBox::write(slot, 7), 7);
    /// ```
    #[inline]
    #[track_caller]
    pub fn alloc_uninit(&self) -> PoolBox<'_, MaybeUninit<T>, BlockPool<C>> {
        let Some(slot) = self.take() else { self.memory.refuse() };
        // SAFETY: 1. invariant 1. 2. any content is a valid `MaybeUninit<T>`.
        unsafe { PoolBox::from_slot(slot) }
    }

    /// Takes a slot whose value is written later, or says why there is none.
    ///
    /// # Errors
    ///
    /// [`TryAllocError`], with nothing to give back.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(typed_pool::Pool::<u64>::bounded(0).try_alloc_uninit().is_err());
    /// ```
    #[inline]
    pub fn try_alloc_uninit(
        &self,
    ) -> Result<PoolBox<'_, MaybeUninit<T>, BlockPool<C>>, TryAllocError<()>> {
        match self.take() {
            // SAFETY: 1. invariant 1. 2. any content is a valid `MaybeUninit<T>`.
            Some(slot) => Ok(unsafe { PoolBox::from_slot(slot) }),
            None => Err(TryAllocError::new((), self.memory.refusal())),
        }
    }

    /// Builds the default value in a slot.
    ///
    /// # Panics
    ///
    /// As [`TypedPool::alloc_with`].
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::Pool::<Vec<u8>>::new();
    /// assert!(pool.alloc_default().is_empty());
    /// ```
    #[inline]
    #[track_caller]
    pub fn alloc_default(&self) -> PoolBox<'_, T, BlockPool<C>>
    where
        T: Default,
    {
        self.alloc_with(T::default)
    }

    /// The number of occupied slots, those of forgotten and leaked handles included. Takes
    /// constant time; for a pool that threads share, time in proportion to the number of threads
    /// that have used it, and the number is exact when no other thread is within a call.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::Pool::new();
    /// let _number = pool.alloc(7);
    /// assert_eq!(pool.len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        self.memory.len()
    }

    /// The number of slots that the pool has now, occupied and vacant.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(typed_pool::Pool::<u64>::bounded(5).capacity(), 5);
    /// ```
    pub fn capacity(&self) -> usize {
        self.memory.capacity()
    }

    /// Whether every slot is vacant.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(typed_pool::Pool::<u64>::new().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.memory.is_empty()
    }

    /// Whether the pool would refuse a value because it is bounded and no slot is vacant. A pool
    /// that grows is never full.
    ///
    /// # Examples
    ///
    /// ```
    /// use typed_pool::Pool;
    ///
    /// assert!(Pool::<u64>::bounded(0).is_full());
    /// assert!(!Pool::<u64>::new().is_full());
    /// ```
    pub fn is_full(&self) -> bool {
        self.core().is_full()
    }

    /// Makes room for `additional` values more than there are now: so many can be stored without
    /// a further upstream allocation.
    ///
    /// # Panics
    ///
    /// Where the pool is bounded and has not as many vacant slots, or where so many values are more
    /// than any allocation can hold. Calls
    /// [`handle_alloc_error`](alloc::alloc::handle_alloc_error) where the upstream allocator
    /// refuses the memory.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::Pool::<u64>::new();
    /// pool.reserve(100);
    /// assert!(pool.capacity() >= 100);
    /// ```
    #[track_caller]
    pub fn reserve(&self, additional: usize) {
        expect(self.try_reserve(additional));
    }

    /// As [`TypedPool::reserve`], with an error instead of a panic or an abort. The capacity is
    /// unchanged then.
    ///
    /// # Errors
    ///
    /// [`PoolError::CapacityExceeded`], [`PoolError::TooLarge`] or [`PoolError::OutOfMemory`].
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::Pool::<u64>::bounded(5);
    /// assert!(pool.try_reserve(5).is_ok());
    /// let error = pool.try_reserve(6).unwrap_err();
    /// assert!(error.to_string().contains("no room for 6 more"));
    /// ```
    pub fn try_reserve(&self, additional: usize) -> Result<(), PoolError> {
        self.core().reserve(additional)
    }

    /// Walks everything the pool holds and panics where an invariant does not hold, or where
    /// another thread uses the pool. For tests; a
    /// pool does it by itself when it is dropped with debug assertions on.
    #[doc(hidden)]
    pub fn check_invariants(&self) {
        self.memory.check_invariants();
    }
}

/// The pool that [`TypedPool::new`] makes.
impl<T, C: PoolCore> Default for TypedPool<T, C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, C: PoolCore> fmt::Debug for TypedPool<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("bounded", &self.core().is_bounded())
            .finish()
    }
}
