//! What a pool asks of its core, whether that serves one thread or many.

use alloc::alloc::{alloc, dealloc};
use core::alloc::Layout;
use core::ptr::{self, NonNull};

use crate::chunk::Chunk;
use crate::depot::Growth;
use crate::error::{InvalidFree, PoolError, refuse};
use crate::geometry::Geometry;
use crate::pages::Pages;
use crate::stats::PoolStats;

/// What happens to slots that are still occupied when a pool is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leftovers {
    /// Their memory goes back with the rest.
    Free,
    /// Their memory is kept for ever, since the values in them may be pinned.
    Keep,
}

/// What a pool is to be.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How it gets more slots.
    pub(crate) growth: Growth,
    /// The number of slots it has from the start.
    pub(crate) slots: usize,
    /// What happens to its memory in the end.
    pub(crate) leftovers: Leftovers,
    /// What is asked of the system for its memory.
    pub(crate) pages: Pages,
}

/// The state of a pool, at an address that does not change: the headers of its chunks name it.
///
/// # Safety
///
/// 1. Slots of one core are laid out by the geometry it was made with.
/// 2. A slot that [`PoolCore::take`] hands out is occupied and the caller's until it is given back
///    by [`PoolCore::put`], and has the provenance of its chunk.
/// 3. The owner of each chunk that the core enters is the place it was made for, with the provenance
///    of its allocation.
/// 4. Chunks of occupied slots stay as long as the core does.
pub unsafe trait PoolCore: Sized {
    /// A core without slots that is going to lie at `place`.
    fn new(geometry: Geometry, plan: Plan, place: NonNull<()>) -> Self;

    /// Decides what dropping the core gives back, and checks its invariants where debug assertions
    /// are on. Nothing reaches the core by way of a slot any more.
    fn settle_leftovers(&self);

    /// Takes a vacant slot, with the provenance of its chunk, which is occupied and the caller's
    /// from then on.
    fn take(&self) -> Option<NonNull<u8>>;

    /// Makes a slot vacant.
    ///
    /// # Safety
    ///
    /// 1. `slot` is an occupied slot of this core, with the provenance of its chunk.
    /// 2. The slot belongs to the caller, who gives it up.
    unsafe fn put(&self, slot: NonNull<u8>);

    /// Notes that `slot` stays occupied as long as the core lives, and does not keep the memory of
    /// its chunk when the core ends.
    ///
    /// # Safety
    ///
    /// 1. and 2. As for [`PoolCore::put`].
    unsafe fn give_up(&self, slot: NonNull<u8>);

    /// The number of occupied slots.
    fn len(&self) -> usize;

    /// The number of slots.
    fn capacity(&self) -> usize;

    /// Whether the core never gets more slots than it was made with.
    fn is_bounded(&self) -> bool;

    /// Whether it is bounded and [`PoolCore::take`] would find nothing.
    fn is_full(&self) -> bool;

    /// The size of a value, as asked for.
    fn object_size(&self) -> usize;

    /// Why [`PoolCore::take`] found nothing.
    fn refusal(&self) -> PoolError;

    /// Gives the core its one reservation, if it is bounded, and otherwise room for as many slots
    /// at once.
    ///
    /// # Errors
    ///
    /// [`PoolError::TooLarge`] or [`PoolError::OutOfMemory`].
    fn furnish(&self, slots: usize) -> Result<(), PoolError>;

    /// Makes room for so many occupied slots more.
    ///
    /// # Errors
    ///
    /// [`PoolError::CapacityExceeded`], [`PoolError::TooLarge`] or [`PoolError::OutOfMemory`].
    fn reserve(&self, additional: usize) -> Result<(), PoolError>;

    /// The occupied slot that starts at `address`, with the provenance of its chunk. A vacant one is
    /// told from it where no other thread uses the core.
    ///
    /// # Errors
    ///
    /// An [`InvalidFree`] where none does.
    fn occupied_slot(&self, address: usize) -> Result<NonNull<u8>, InvalidFree>;

    /// Whether `address` lies in a slot.
    fn contains(&self, address: usize) -> bool;

    /// The figures at this moment.
    fn stats(&self) -> PoolStats;

    /// Walks everything and changes nothing.
    ///
    /// # Panics
    ///
    /// Panics where an invariant does not hold; and where another thread uses the core.
    fn check_invariants(&self);
}

/// A core that many threads may use at once.
///
/// # Safety
///
/// 1. All of [`PoolCore`] may be called by several threads at once.
#[diagnostic::on_unimplemented(
    message = "a pool for one thread cannot be used by another, and nor can its handles",
    label = "needs a pool for many threads",
    note = "`SyncPool` and `SyncMemoryPool` are for many threads"
)]
pub unsafe trait ThreadSafe: PoolCore {}

/// Makes the core of a pool, to be ended by [`destroy`]. It gets its slots by
/// [`PoolCore::furnish`].
///
/// # Errors
///
/// Those of [`Geometry::new`], or [`PoolError::OutOfMemory`].
pub(crate) fn create<C: PoolCore>(layout: Layout, plan: Plan) -> Result<NonNull<C>, PoolError> {
    const { assert!(size_of::<C>() != 0) };
    let geometry = Geometry::new(layout)?;
    let layout = Layout::new::<C>();
    // SAFETY: a core is not of size 0, by the first line.
    let core = NonNull::new(unsafe { alloc(layout) })
        .ok_or(PoolError::OutOfMemory { bytes: layout.size() })?
        .cast::<C>();
    let value = C::new(geometry, plan, core.cast());
    // SAFETY: the memory was just allocated for a core.
    unsafe { core.write(value) };
    Ok(core)
}

/// Ends a core and gives its memory back.
///
/// # Safety
///
/// 1. `core` came from [`create`] and has not been ended before.
/// 2. Nothing reaches the core any more, also not by way of one of its slots.
pub(crate) unsafe fn destroy<C: PoolCore>(core: NonNull<C>) {
    // SAFETY: valid: clause 1. Unaliased: clause 2; what is made here ends before the next line.
    unsafe { core.as_ref() }.settle_leftovers();
    // SAFETY: the core is valid (clause 1) and nothing reaches it (clause 2).
    unsafe { ptr::drop_in_place(core.as_ptr()) };
    // SAFETY: `create` allocated the memory with this layout (clause 1).
    unsafe { dealloc(core.as_ptr().cast(), Layout::new::<C>()) };
}

/// The core to which `slot` belongs.
///
/// # Safety
///
/// 1. `slot` is an occupied slot of a `C` made by [`create`] that lives for `'p` at least, with the
///    provenance of its chunk.
#[inline]
pub(crate) unsafe fn core_of<'p, C: PoolCore>(slot: NonNull<u8>) -> &'p C {
    // SAFETY: 1. clause 1: an occupied slot's chunk has been entered and not been released.
    // 2. It is used here alone.
    let owner = unsafe { Chunk::of(slot) }.owner();
    // SAFETY: valid: the owner of the chunk is its core (clause 3 of `PoolCore`), which lives for
    // `'p` (clause 1). Unaliased: no exclusive reference to a core is made before its end.
    unsafe { owner.cast::<C>().as_ref() }
}

/// Ends an allocation for which [`PoolCore::take`] found nothing: panics where the core is full,
/// calls [`handle_alloc_error`](alloc::alloc::handle_alloc_error) where memory has run out.
///
/// Kept out of the way of allocations that succeed, arguments and all.
#[cold]
#[inline(never)]
#[track_caller]
pub(crate) fn refuse_for<C: PoolCore>(core: &C) -> ! {
    refuse(core.refusal())
}
