//! The untyped pool: blocks of one size, without a `T`.

use core::alloc::Layout;
use core::fmt;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr::NonNull;

use crate::chunk_summary::Chunks;
use crate::error::{InvalidFree, PoolError};
use crate::fixed::Fixed;
use crate::guard::Size;
use crate::memory::{Memory, Slot, sealed::Slots};
use crate::plan::{Growth, Leftovers, Plan};
use crate::pool_core::{self, PoolCore, ThreadSafe, core_of, owner_of};
use crate::stats::PoolStats;

/// What [`MemoryPool`](crate::MemoryPool) and `SyncMemoryPool` have in common: a pool of equal
/// blocks of raw memory, for one thread or for many, as its core `C` is.
///
/// # Examples
///
/// ```
/// use typed_pool::{BlockPool, MemoryPool};
///
/// let pool: BlockPool<_> = MemoryPool::new(32, 10)?;
/// let block = pool.allocate().expect("ten blocks are vacant");
/// assert_eq!((pool.len(), pool.capacity()), (1, 10));
/// // SAFETY: the block came from this pool and is not used any more.
/// unsafe { pool.deallocate(block) };
/// assert!(pool.is_empty());
/// # Ok::<(), typed_pool::PoolError>(())
/// ```
// # Invariants
//
// 1. `core` came from `pool_core::create`.
pub struct BlockPool<C: PoolCore> {
    core: Fixed<C>,
}

// SAFETY: everything the pool reaches belongs to it alone: its memory, its core, and the blocks,
// which are raw memory to it. Handles that reach the core borrow the pool, which therefore cannot
// be sent while they live; or they hold it where it is (`Owned` invariant 2), in an `Rc`, which is
// not sent; or they are held to its thread by clause 3 of `PoolBox::from_raw`, where it is not
// shared, and where it is, its core is `ThreadSafe`. Those that were forgotten or leaked reach it
// no more.
unsafe impl<C: PoolCore> Send for BlockPool<C> {}

// SAFETY: sharing the pool shares its core, hence `C: ThreadSafe`.
unsafe impl<C: ThreadSafe> Sync for BlockPool<C> {}

// No call leaves the pool half-done when it unwinds, so a caller that catches a panic finds it as
// usable as before.
impl<C: PoolCore> UnwindSafe for BlockPool<C> {}
impl<C: PoolCore> RefUnwindSafe for BlockPool<C> {}

impl<C: PoolCore> BlockPool<C> {
    /// Makes a pool of `pool_size` blocks of `object_size` bytes.
    ///
    /// Blocks are aligned to the largest power of two that divides `object_size`, at most 16.
    /// Making even the largest pool takes microseconds, since no block is touched.
    ///
    /// # Errors
    ///
    /// [`PoolError::ZeroObjectSize`], [`PoolError::ZeroPoolSize`], [`PoolError::TooLarge`] where no
    /// allocation can hold that many bytes, [`PoolError::OutOfMemory`] where the upstream allocator
    /// refuses them.
    ///
    /// # Examples
    ///
    /// ```
    /// use typed_pool::{MemoryPool, PoolError};
    ///
    /// let pool = MemoryPool::new(24, 1_000_000)?;
    /// assert_eq!((pool.object_size(), pool.capacity()), (24, 1_000_000));
    /// assert_eq!(MemoryPool::new(24, 0).unwrap_err(), PoolError::ZeroPoolSize);
    /// # Ok::<(), PoolError>(())
    /// ```
    pub fn new(object_size: usize, pool_size: usize) -> Result<Self, PoolError> {
        Self::from_size(object_size, Self::plan(pool_size))
    }

    /// What a pool of `pool_size` blocks is to be.
    pub(crate) fn plan(pool_size: usize) -> Plan {
        Plan::new(Growth::Bounded, pool_size, Leftovers::Free)
    }

    /// As [`BlockPool::new`], after a plan without ground.
    pub(crate) fn from_size(object_size: usize, plan: Plan) -> Result<Self, PoolError> {
        let align = 1 << object_size.trailing_zeros().min(4);
        let layout = Layout::from_size_align(object_size, align)
            .map_err(|_| PoolError::TooLarge { object_size, pool_size: plan.slots })?;
        Self::from_layout(layout, plan)
    }

    /// Makes a pool of `pool_size` blocks that each hold a value of `layout`, whose alignment is at
    /// most 4096 bytes. Blocks lie as far apart as the size rounded up to the alignment, with
    /// the feature `hardened` as that and a word.
    ///
    /// # Errors
    ///
    /// As [`BlockPool::new`], and [`PoolError::AlignTooLarge`].
    ///
    /// # Examples
    ///
    /// ```
    /// use core::alloc::Layout;
    /// use typed_pool::MemoryPool;
    ///
    /// let pool = MemoryPool::with_layout(Layout::new::<[u128; 5]>(), 100)?;
    /// let block = pool.allocate().expect("the pool is empty");
    /// assert!(block.cast::<[u128; 5]>().is_aligned());
    /// # Ok::<(), typed_pool::PoolError>(())
    /// ```
    pub fn with_layout(layout: Layout, pool_size: usize) -> Result<Self, PoolError> {
        Self::from_layout(layout, Self::plan(pool_size))
    }

    /// As [`BlockPool::with_layout`], after a plan without ground.
    fn from_layout(layout: Layout, plan: Plan) -> Result<Self, PoolError> {
        if layout.size() == 0 {
            return Err(PoolError::ZeroObjectSize);
        }
        if plan.slots == 0 {
            return Err(PoolError::ZeroPoolSize);
        }
        // SAFETY: 1. it has none.
        unsafe { Self::from_plan(layout, Plan { ground: None, ..plan }) }
    }

    /// Makes a pool for values of `layout`, which may be of size 0.
    ///
    /// # Safety
    ///
    /// 1. The ground of the plan, if it has one, outlives the pool.
    pub(crate) unsafe fn from_plan(layout: Layout, plan: Plan) -> Result<Self, PoolError> {
        let slots = plan.slots;
        // SAFETY: 1. clause 1.
        let core = unsafe { pool_core::create(layout, plan) };
        let core = core.map_err(|error| match error {
            // Where not even one value fits, the message still names what was asked for.
            PoolError::TooLarge { object_size, .. } => {
                PoolError::TooLarge { object_size, pool_size: slots.max(1) }
            }
            error => error,
        })?;
        // INVARIANT: 1. here.
        let pool = Self { core };
        if slots > 0 {
            pool.core().furnish(slots)?;
        }
        Ok(pool)
    }

    #[inline]
    pub(crate) fn core(&self) -> &C {
        &self.core
    }

    /// Where the core lies, with the provenance of its allocation.
    pub(crate) fn core_place(&self) -> NonNull<()> {
        self.core.place().cast()
    }

    /// Takes a vacant slot: the step without a value that all forms of allocation share.
    #[inline]
    pub(crate) fn take(&self, size: Size) -> Option<Slot<'_, Self>> {
        let slot = self.core().take()?;
        // SAFETY: 1. and 2. the core just handed the slot out, and `self` outlives the borrow.
        Some(unsafe { Slot::handed_out(slot, size) })
    }

    /// Takes a slot for a value of `layout` in a chunk of its own, where the pool is one for such.
    ///
    /// # Errors
    ///
    /// Those of [`PoolCore::take_lone`].
    pub(crate) fn take_lone(&self, layout: Layout) -> Result<Slot<'_, Self>, PoolError> {
        let slot = self.core().take_lone(layout)?;
        // SAFETY: 1. and 2. the core just handed the slot out, and `self` outlives the borrow.
        Ok(unsafe { Slot::handed_out(slot, Size::UNKNOWN) })
    }

    /// Why [`BlockPool::take`] found nothing.
    #[cold]
    pub(crate) fn refusal(&self) -> PoolError {
        self.core().refusal()
    }

    /// Ends an allocation for which [`BlockPool::take`] found nothing.
    #[track_caller]
    pub(crate) fn refuse(&self) -> ! {
        pool_core::refuse_for(self.core())
    }

    /// Hands a vacant block out, or `None` when there is none. Its content is uninitialised.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::MemoryPool::new(8, 1)?;
    /// assert!(pool.allocate().is_some());
    /// assert!(pool.allocate().is_none());
    /// # Ok::<(), typed_pool::PoolError>(())
    /// ```
    #[inline]
    pub fn allocate(&self) -> Option<NonNull<u8>> {
        self.take(Size::BLOCK).map(Slot::into_start)
    }

    /// Takes a block back. It is the first to be handed out again, by a pool that threads share to
    /// this thread, unless a thousand others or more are vacant, in which case it may be a later
    /// one.
    ///
    /// # Panics
    ///
    /// With debug assertions on, or with the feature `hardened`, where
    /// [`BlockPool::try_deallocate`] would refuse the pointer.
    ///
    /// # Safety
    ///
    /// 1. `block` is what [`BlockPool::allocate`] of this very pool handed out, not a pointer
    ///    re-derived from a reference, and has not been given back since.
    /// 2. Nothing uses the block any more.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::MemoryPool::new(8, 1)?;
    /// let block = pool.allocate().expect("the pool is empty");
    /// // SAFETY: the block came from this pool and is not used any more.
    /// unsafe { pool.deallocate(block) };
    /// assert_eq!(pool.allocate(), Some(block));
    /// # Ok::<(), typed_pool::PoolError>(())
    /// ```
    #[inline]
    #[track_caller]
    pub unsafe fn deallocate(&self, block: NonNull<u8>) {
        if let Err(error) = pool_core::check_free(self.core(), block) {
            panic!("{error}");
        }
        // SAFETY: 1. clause 1. 2. clauses 1 and 2.
        unsafe { pool_core::give_back(self.core(), block) };
    }

    /// Takes a block back after checking that it is one; the pool is unchanged where it is not.
    ///
    /// The check finds every pointer that is not the start of an occupied block of this pool. It
    /// reads nothing at the address, and takes as long as looking through the magazine does, at
    /// most 1023 pointers, or that of every thread, with up to seven times as many where it has
    /// laid some by. What it cannot find is that the block has meanwhile been handed out to
    /// somebody else, or, in a pool that other threads are using, that it is vacant and just on its
    /// way from the magazine of one of them.
    ///
    /// # Errors
    ///
    /// [`InvalidFree`] says what the pointer is instead.
    ///
    /// # Safety
    ///
    /// 1. If `block` is an occupied block of this pool, it belongs to the caller and nothing uses
    ///    it any more.
    /// 2. If it is a vacant one, no other thread uses the pool during the call.
    ///
    /// # Examples
    ///
    /// ```
    /// use typed_pool::InvalidFree;
    ///
    /// let pool = typed_pool::MemoryPool::new(8, 2)?;
    /// let block = pool.allocate().expect("the pool is empty");
    /// // SAFETY: the block came from this pool and is not used any more.
    /// assert_eq!(unsafe { pool.try_deallocate(block) }, Ok(()));
    /// // SAFETY: the block is vacant, so nobody uses it.
    /// assert_eq!(unsafe { pool.try_deallocate(block) }, Err(InvalidFree::Vacant));
    /// # Ok::<(), typed_pool::PoolError>(())
    /// ```
    pub unsafe fn try_deallocate(&self, block: NonNull<u8>) -> Result<(), InvalidFree> {
        let slot = self.core().occupied_slot(block.addr().get())?;
        pool_core::check_block(self.core(), slot)?;
        // SAFETY: 1. by the lines above, since clause 2 lets tell vacant blocks apart. 2. clause 1.
        unsafe { pool_core::give_back(self.core(), slot) };
        Ok(())
    }

    /// The number of blocks handed out and not given back. Takes constant time; for a pool that
    /// threads share, time in proportion to the number of threads that have used it, and the number
    /// is exact when no other thread is within a call.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::MemoryPool::new(8, 5)?;
    /// let _block = pool.allocate();
    /// assert_eq!(pool.len(), 1);
    /// # Ok::<(), typed_pool::PoolError>(())
    /// ```
    pub fn len(&self) -> usize {
        self.core().len()
    }

    /// The number of blocks.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(typed_pool::MemoryPool::new(8, 5)?.capacity(), 5);
    /// # Ok::<(), typed_pool::PoolError>(())
    /// ```
    pub fn capacity(&self) -> usize {
        self.core().capacity()
    }

    /// Whether every block is vacant.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(typed_pool::MemoryPool::new(8, 5)?.is_empty());
    /// # Ok::<(), typed_pool::PoolError>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether no block is vacant.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::MemoryPool::new(8, 1)?;
    /// assert!(!pool.is_full());
    /// let _block = pool.allocate();
    /// assert!(pool.is_full());
    /// # Ok::<(), typed_pool::PoolError>(())
    /// ```
    pub fn is_full(&self) -> bool {
        self.core().is_full()
    }

    /// The size of a block in bytes, as the pool was asked for it.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(typed_pool::MemoryPool::new(24, 5)?.object_size(), 24);
    /// # Ok::<(), typed_pool::PoolError>(())
    /// ```
    pub fn object_size(&self) -> usize {
        self.core().geometry().object_size()
    }

    /// Whether `pointer` points into one of the pool's blocks, occupied or vacant, or into the
    /// padding that aligns the next. The pointer is not read through.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::MemoryPool::new(24, 5)?;
    /// let block = pool.allocate().expect("the pool is empty");
    /// assert!(pool.contains(block));
    /// assert!(!pool.contains(core::ptr::NonNull::from(&pool).cast()));
    /// # Ok::<(), typed_pool::PoolError>(())
    /// ```
    pub fn contains(&self, pointer: NonNull<u8>) -> bool {
        self.core().contains(pointer.addr().get())
    }

    /// The pool's figures at this moment, as [`TypedPool::stats`](crate::TypedPool::stats) gives
    /// them.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::MemoryPool::new(24, 100)?;
    /// let _block = pool.allocate();
    /// assert_eq!(pool.stats().bytes_live, 24);
    /// # Ok::<(), typed_pool::PoolError>(())
    /// ```
    pub fn stats(&self) -> PoolStats {
        self.core().stats()
    }

    /// The pool's chunks at this moment, as [`TypedPool::chunks`](crate::TypedPool::chunks) gives
    /// them.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::MemoryPool::new(24, 100_000)?;
    /// let slots: usize = pool.chunks().map(|chunk| chunk.slots()).sum();
    /// assert_eq!(slots, 100_000);
    /// # Ok::<(), typed_pool::PoolError>(())
    /// ```
    pub fn chunks(&self) -> Chunks {
        self.core().chunks()
    }

    /// Gives whole pages in which no block is occupied back to the kernel of Linux, with the
    /// feature `madvise`; returns the number of bytes. The pool keeps its blocks: the pages are
    /// there again when they are used. Without the feature, and elsewhere, it does nothing, and
    /// returns 0.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = typed_pool::MemoryPool::new(24, 100_000)?;
    /// pool.trim();
    /// assert_eq!(pool.capacity(), 100_000);
    /// # Ok::<(), typed_pool::PoolError>(())
    /// ```
    pub fn trim(&self) -> usize {
        self.core().trim()
    }

    /// Walks everything the pool holds and panics where an invariant does not hold, or where
    /// another thread uses the pool. For tests; a
    /// pool does it by itself when it is dropped with debug assertions on.
    #[doc(hidden)]
    pub fn check_invariants(&self) {
        self.core().check_invariants();
    }
}

impl<C: PoolCore> Drop for BlockPool<C> {
    fn drop(&mut self) {
        // Handles borrow the pool, or keep it, or end before it by clause 3 of `PoolBox::from_raw`,
        // so none is left; what was forgotten or leaked reaches the core no more.
        self.core.settle_leftovers();
    }
}

impl<C: PoolCore> fmt::Debug for BlockPool<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryPool")
            .field("object_size", &self.object_size())
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .finish()
    }
}

// SAFETY: 1. and 2. clauses 1 and 2 of `PoolCore`; clause 3 there says that the owner is the core.
unsafe impl<C: PoolCore> Slots for BlockPool<C> {
    const MARK: usize = if C::SHARES_GROUND { 0 } else { 1 };

    #[inline]
    unsafe fn take_beside(slot: NonNull<u8>) -> Option<NonNull<u8>> {
        // SAFETY: 1. clause 1.
        unsafe { pool_core::take_beside::<C>(slot) }
    }

    unsafe fn refusal_beside(slot: NonNull<u8>) -> PoolError {
        // SAFETY: 1. clause 1.
        unsafe { pool_core::refusal_beside::<C>(slot) }
    }

    #[inline]
    unsafe fn put_back(slot: NonNull<u8>) {
        // SAFETY: 1. clause 1.
        let core = unsafe { core_of::<C>(slot) };
        // SAFETY: 1. the core is the slot's own, or that of its tract. 2. clause 2.
        unsafe { core.put(slot) };
    }

    unsafe fn relocate(slot: NonNull<u8>, move_to: impl FnOnce(NonNull<u8>)) -> bool {
        // SAFETY: 1. clause 1.
        let owner = unsafe { owner_of::<C>(slot) };
        // SAFETY: 1. the owner is the core of the slot. 2. clause 2. 3. clause 3.
        unsafe { owner.relocate(slot, move_to) }
    }

    unsafe fn give_up(slot: NonNull<u8>) {
        // SAFETY: 1. clause 1.
        let core = unsafe { core_of::<C>(slot) };
        // SAFETY: 1. the core is the slot's own, or that of its tract. 2. clause 2.
        unsafe { core.give_up(slot) };
    }
}

impl<C: PoolCore> Memory for BlockPool<C> {}
