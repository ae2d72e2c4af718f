//! The untyped core: blocks of one size, without a `T`.

use alloc::alloc::{alloc, dealloc};
use core::alloc::Layout;
use core::cell::{Cell, RefCell};
use core::fmt;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::ptr::{self, NonNull};

use crate::chunk::Chunk;
use crate::depot::{Depot, Front, Growth};
use crate::error::{InvalidFree, PoolError, Refusal};
use crate::geometry::Geometry;
use crate::magazine::Magazine;
use crate::memory::{Memory, Slot, sealed::Slots};
use crate::stats::PoolStats;
use crate::window::Window;

/// What happens to slots that are still occupied when a pool is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leftovers {
    /// Their memory goes back with the rest.
    Free,
    /// Their memory is kept for ever, since the values in them may be pinned.
    Keep,
}

/// The state of a pool, at an address that does not change: the headers of its chunks name it.
///
/// Control leaves the crate only for the upstream allocator, and only while `depot` is borrowed:
/// an upstream allocator that uses the very pool it serves meets a panic there, not a half-done
/// state.
struct Core {
    front: Front,
    depot: RefCell<Depot>,
    given_up: Cell<usize>,
    leftovers: Leftovers,
}

impl Core {
    #[inline]
    fn take(&self) -> Option<NonNull<u8>> {
        if let Some(slot) = self.front.magazine.pop() {
            return Some(slot);
        }
        if let Some(slot) = self.front.window.take() {
            return Some(slot);
        }
        self.refill_and_take()
    }

    #[cold]
    #[inline(never)]
    fn refill_and_take(&self) -> Option<NonNull<u8>> {
        if !self.depot.borrow_mut().refill(&self.front) {
            return None;
        }
        self.front
            .magazine
            .pop()
            .or_else(|| self.front.window.take())
    }

    /// Puts a slot on the magazine.
    ///
    /// # Safety
    ///
    /// 1. `slot` is an occupied slot of this core, with the provenance of its chunk.
    /// 2. The slot belongs to the caller, who gives it up.
    #[inline]
    unsafe fn put(&self, slot: NonNull<u8>) {
        if !self.front.magazine.push(slot) {
            self.spill_and_put(slot);
        }
    }

    #[cold]
    #[inline(never)]
    fn spill_and_put(&self, slot: NonNull<u8>) {
        self.depot.borrow_mut().spill(&self.front);
        let pushed = self.front.magazine.push(slot);
        debug_assert!(pushed, "a spill makes room");
    }

    fn len(&self) -> usize {
        self.depot.borrow().len(&self.front)
    }

    fn check_invariants(&self) {
        self.depot.borrow().check_invariants(&self.front);
        assert!(
            self.given_up.get() <= self.len(),
            "leaked slots are occupied"
        );
    }
}

/// A pool of equal blocks of raw memory, as many as it was made with.
///
/// All blocks lie in one upstream allocation, made when the pool is; later calls never allocate.
/// A block is taken from a stack of vacant blocks (the magazine) or, where that is empty, from a
/// run of neighbours found in a bitmap of vacant blocks; both take constant time. The memory of a
/// block is not touched before the block is used, nor is a vacant block ever read or written, so
/// a block needs no minimum size.
///
/// This is what [`Pool`](crate::Pool) is built on; take that unless the memory is not for values
/// of one Rust type. Dropping the pool frees every block, whether it was given back or not.
///
/// The pool may be moved and sent to another thread, but not shared between threads.
///
/// # Examples
///
/// ```
/// use typed_pool::MemoryPool;
///
/// let pool = MemoryPool::new(32, 10)?;
/// let block = pool.allocate().expect("ten blocks are vacant");
/// assert_eq!((pool.len(), pool.capacity()), (1, 10));
/// // SAFETY: the block came from this pool and is not used any more.
/// unsafe { pool.deallocate(block) };
/// assert!(pool.is_empty());
/// # Ok::<(), typed_pool::PoolError>(())
/// ```
///
/// # Invariants
///
/// 1. `core` points to a [`Core`] from the global allocator, which belongs to this value and to
///    which no exclusive reference exists while the pool does.
pub struct MemoryPool {
    core: NonNull<Core>,
}

// SAFETY: everything the pool reaches belongs to it alone: its memory, its core, and the blocks,
// which are raw memory to it. Handles that reach the core borrow the pool, which therefore cannot
// be sent while they live; those that were forgotten or leaked reach it no more.
unsafe impl Send for MemoryPool {}

// No call leaves the pool half-done when it unwinds, so a caller that catches a panic finds it as
// usable as before.
impl UnwindSafe for MemoryPool {}
impl RefUnwindSafe for MemoryPool {}

impl MemoryPool {
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
        let align = 1 << object_size.trailing_zeros().min(4);
        let layout =
            Layout::from_size_align(object_size, align).map_err(|_| PoolError::TooLarge {
                object_size,
                pool_size,
            })?;
        Self::with_layout(layout, pool_size)
    }

    /// Makes a pool of `pool_size` blocks that each hold a value of `layout`, whose alignment is at
    /// most 4096 bytes. Blocks lie as far apart as the size rounded up to the alignment.
    ///
    /// # Errors
    ///
    /// As [`MemoryPool::new`], and [`PoolError::AlignTooLarge`].
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
        if layout.size() == 0 {
            return Err(PoolError::ZeroObjectSize);
        }
        if pool_size == 0 {
            return Err(PoolError::ZeroPoolSize);
        }
        Self::build(layout, Growth::Bounded, pool_size, Leftovers::Free)
    }

    /// Makes a pool that has `slots` slots at once, or none.
    pub(crate) fn build(
        layout: Layout,
        growth: Growth,
        slots: usize,
        leftovers: Leftovers,
    ) -> Result<Self, PoolError> {
        let geometry = Geometry::new(layout)?;
        let core_layout = Layout::new::<Core>();
        // SAFETY: a core is not of size 0.
        let core = NonNull::new(unsafe { alloc(core_layout) })
            .ok_or(PoolError::OutOfMemory {
                bytes: core_layout.size(),
            })?
            .cast::<Core>();
        let front = Front {
            magazine: Magazine::new(),
            window: Window::new(geometry.stride()),
        };
        let depot = RefCell::new(Depot::new(geometry, growth, core.cast()));
        // SAFETY: the memory was just allocated for a core.
        unsafe {
            core.write(Core {
                front,
                depot,
                given_up: Cell::new(0),
                leftovers,
            })
        };
        // INVARIANT: 1. by the lines above.
        let pool = Self { core };
        if slots > 0 {
            let core = pool.core();
            let mut depot = core.depot.borrow_mut();
            match growth {
                Growth::Bounded => depot.add_reservation(slots, &core.front)?,
                Growth::OnDemand => depot.reserve(slots, &core.front)?,
            }
        }
        Ok(pool)
    }

    #[inline]
    fn core(&self) -> &Core {
        // SAFETY: valid and unaliased: invariant 1; all that changes in a core is in cells.
        unsafe { self.core.as_ref() }
    }

    /// Takes a vacant slot: the step without a value that all forms of allocation share.
    #[inline]
    pub(crate) fn take(&self) -> Option<Slot<'_, Self>> {
        let slot = self.core().take()?;
        // SAFETY: 1. and 2. the core just handed the slot out, and `self` outlives the borrow.
        Some(unsafe { Slot::from_start(slot) })
    }

    /// Why [`MemoryPool::take`] found nothing.
    #[cold]
    pub(crate) fn refusal(&self) -> Refusal {
        self.core().depot.borrow().refusal()
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
        self.take().map(Slot::into_start)
    }

    /// Takes a block back. It is the first to be handed out again.
    ///
    /// # Panics
    ///
    /// With debug assertions on, where [`MemoryPool::try_deallocate`] would refuse the pointer.
    ///
    /// # Safety
    ///
    /// 1. `block` was handed out by [`MemoryPool::allocate`] of this very pool, and has not been
    ///    given back since.
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
        #[cfg(debug_assertions)]
        if let Err(error) = self.occupied_slot(block) {
            panic!("{error}");
        }
        // SAFETY: 1. clause 1. 2. clauses 1 and 2.
        unsafe { self.core().put(block) };
    }

    /// Takes a block back after checking that it is one; the pool is unchanged where it is not.
    ///
    /// The check finds every pointer that is not the start of an occupied block of this pool. It
    /// reads nothing at the address, and takes as long as looking through the magazine does. What
    /// it cannot find is that the block has meanwhile been handed out to somebody else.
    ///
    /// # Errors
    ///
    /// [`InvalidFree`] says what the pointer is instead.
    ///
    /// # Safety
    ///
    /// 1. If `block` is an occupied block of this pool, it belongs to the caller and nothing uses
    ///    it any more.
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
        let slot = self.occupied_slot(block)?;
        // SAFETY: 1. by the line above. 2. clause 1.
        unsafe { self.core().put(slot) };
        Ok(())
    }

    fn occupied_slot(&self, block: NonNull<u8>) -> Result<NonNull<u8>, InvalidFree> {
        let core = self.core();
        core.depot
            .borrow()
            .occupied_slot(block.addr().get(), &core.front)
    }

    /// The number of blocks handed out and not given back.
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
        self.core().depot.borrow().capacity()
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
        self.len() == self.capacity()
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
        self.core().depot.borrow().geometry().object_size()
    }

    /// Whether `pointer` points into one of the pool's blocks, occupied or vacant. The pointer is
    /// not read through.
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
        self.core().depot.borrow().contains(pointer.addr().get())
    }

    pub(crate) fn reserve(&self, additional: usize) -> Result<(), PoolError> {
        let core = self.core();
        core.depot.borrow_mut().reserve(additional, &core.front)
    }

    pub(crate) fn trim(&self) -> usize {
        let core = self.core();
        core.depot.borrow_mut().trim(&core.front)
    }

    pub(crate) fn stats(&self) -> PoolStats {
        let core = self.core();
        let depot = core.depot.borrow();
        let len = depot.len(&core.front);
        PoolStats {
            capacity: depot.capacity(),
            len,
            chunks: depot.chunk_count(),
            bytes_reserved: depot.bytes_reserved(),
            bytes_live: len * depot.geometry().stride(),
        }
    }

    /// Whether the pool stays as large as it was made.
    pub(crate) fn is_bounded(&self) -> bool {
        self.core().depot.borrow().growth() == Growth::Bounded
    }

    /// Walks everything the pool holds and panics where an invariant does not hold. For tests; a
    /// pool does it by itself when it is dropped with debug assertions on.
    #[doc(hidden)]
    pub fn check_invariants(&self) {
        self.core().check_invariants();
    }
}

impl Drop for MemoryPool {
    fn drop(&mut self) {
        let core = self.core();
        if cfg!(debug_assertions) {
            core.check_invariants();
        }
        if core.leftovers == Leftovers::Keep && core.len() > core.given_up.get() {
            core.depot.borrow_mut().keep_occupied(&core.front);
        }
        // SAFETY: the core belongs to this value, which ends here (invariant 1). What is left of
        // handles, forgotten or leaked, reaches it no more.
        unsafe { ptr::drop_in_place(self.core.as_ptr()) };
        // SAFETY: the core's memory was allocated with this layout (invariant 1).
        unsafe { dealloc(self.core.as_ptr().cast(), Layout::new::<Core>()) };
    }
}

impl fmt::Debug for MemoryPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryPool")
            .field("object_size", &self.object_size())
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .finish()
    }
}

/// The core to which `slot` belongs.
///
/// # Safety
///
/// 1. `slot` is an occupied slot of a [`MemoryPool`] that outlives `'p`, with the provenance of its
///    chunk.
#[inline]
unsafe fn core_of<'p>(slot: NonNull<u8>) -> &'p Core {
    // SAFETY: 1. clause 1: an occupied slot's chunk has been entered and not been released.
    let owner = unsafe { Chunk::of(slot) }.owner();
    // SAFETY: valid: the owner of a chunk of a `MemoryPool` is its core, which lives as long as the
    // pool (clause 1; `MemoryPool` invariant 1). Unaliased: all that changes in a core is in cells.
    unsafe { owner.cast::<Core>().as_ref() }
}

impl Slots for MemoryPool {
    #[inline]
    unsafe fn take_beside(slot: NonNull<u8>) -> Option<NonNull<u8>> {
        // SAFETY: 1. clause 1.
        unsafe { core_of(slot) }.take()
    }

    #[cold]
    unsafe fn refusal_beside(slot: NonNull<u8>) -> Refusal {
        // SAFETY: 1. clause 1.
        unsafe { core_of(slot) }.depot.borrow().refusal()
    }

    #[inline]
    unsafe fn put_back(slot: NonNull<u8>) {
        // SAFETY: 1. clause 1.
        let core = unsafe { core_of(slot) };
        // SAFETY: 1. the core is the slot's own. 2. clause 2.
        unsafe { core.put(slot) };
    }

    unsafe fn give_up(slot: NonNull<u8>) {
        // SAFETY: 1. clause 1.
        let core = unsafe { core_of(slot) };
        core.given_up.set(core.given_up.get() + 1);
        // SAFETY: 1. clause 1: an occupied slot's chunk has been entered and not been released.
        unsafe { Chunk::of(slot) }.give_up_one();
    }
}

impl Memory for MemoryPool {}
