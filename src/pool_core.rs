//! What a pool asks of its core, whether that serves one thread or many.

use core::alloc::Layout;
use core::ptr::NonNull;

use crate::chunk::{Chunk, Kind};
use crate::chunk_summary::Chunks;
use crate::error::{InvalidFree, PoolError, refuse};
use crate::fixed::Fixed;
use crate::geometry::Geometry;
use crate::guard::{self, Size};
use crate::once::Once;
use crate::plan::Plan;
use crate::stats::PoolStats;

/// The state of a pool, at an address that does not change: the headers of its chunks name it.
///
/// # Safety
///
/// 1. Slots of one core are laid out by the geometry it was made with, but for those of lone
///    chunks.
/// 2. A slot that [`PoolCore::take_at_hand`], [`PoolCore::take_behind`] or [`PoolCore::take_lone`]
///    hands out, or [`PoolCore::relocate`] gives to move to, is occupied and the caller's until it
///    is given back by [`PoolCore::put`], and has the provenance of its chunk.
/// 3. The owner of each chunk that the core enters is the place it was made for, with the
///    provenance of its allocation.
/// 4. Chunks of occupied slots stay as long as the core does.
/// 5. [`PoolCore::put`] and [`PoolCore::give_up`] pass slots of small chunks on to the cores that
///    own them.
pub unsafe trait PoolCore: Sized {
    /// What holds a value that is made once, by whatever threads use the core.
    type Once<T>: Once<T>;

    /// Whether such cores can share tracts with others of their kind.
    const SHARES_GROUND: bool;

    /// A core without slots that is going to lie at `place`.
    ///
    /// # Safety
    ///
    /// 1. The ground of the plan, if it has one, outlives the core.
    unsafe fn new(geometry: Geometry, plan: Plan, place: NonNull<()>) -> Self;

    /// Decides what dropping the core gives back, and checks its invariants where debug assertions
    /// are on. Nothing reaches the core by way of a slot any more.
    fn settle_leftovers(&self);

    /// Takes a vacant slot, with the provenance of its chunk, which is occupied and the caller's
    /// from then on.
    #[inline]
    fn take(&self) -> Option<NonNull<u8>> {
        match self.take_at_hand() {
            Some(slot) => Some(slot),
            None => self.take_behind(),
        }
    }

    /// As [`PoolCore::take`], where one is in front: in a few instructions, or none.
    fn take_at_hand(&self) -> Option<NonNull<u8>>;

    /// As [`PoolCore::take`], where none is in front.
    fn take_behind(&self) -> Option<NonNull<u8>>;

    /// Takes a slot for a value of `layout` in a chunk of its own, where the core is one for such.
    ///
    /// # Errors
    ///
    /// [`PoolError::AlignTooLarge`], [`PoolError::TooLarge`] or [`PoolError::OutOfMemory`].
    fn take_lone(&self, layout: Layout) -> Result<NonNull<u8>, PoolError>;

    /// Makes a slot vacant.
    ///
    /// # Safety
    ///
    /// 1. `slot` is an occupied slot of this core, or of a small chunk in a tract of this core,
    ///    with the provenance of its chunk.
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

    /// Whether all it has is lone chunks, of what layout it is asked for.
    fn is_for_lone(&self) -> bool;

    /// Whether it is bounded and [`PoolCore::take`] would find nothing.
    fn is_full(&self) -> bool;

    /// How slots are laid out.
    fn geometry(&self) -> &Geometry;

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

    /// The occupied slot that starts at `address`, with the provenance of its chunk. A vacant one
    /// is told from it where no other thread uses the core.
    ///
    /// # Errors
    ///
    /// An [`InvalidFree`] where none does.
    fn occupied_slot(&self, address: usize) -> Result<NonNull<u8>, InvalidFree>;

    /// Whether `address` lies in a slot.
    fn contains(&self, address: usize) -> bool;

    /// The number of bytes in reservations that are the core's own, and not of a ground.
    fn bytes_upstream(&self) -> usize;

    /// Gives memory without an occupied slot back, where that can be done while the core is in use;
    /// returns the number of bytes.
    fn trim(&self) -> usize;

    /// The figures at this moment.
    fn stats(&self) -> PoolStats;

    /// The chunks at this moment.
    fn chunks(&self) -> Chunks;

    /// Has the value in `slot` moved to a chunk in front of its own, if a slot is vacant there;
    /// returns whether there is. `move_to` is given that, with the provenance of its chunk, which
    /// is occupied and the caller's. When it returns, `slot` is made vacant, and is not to be taken
    /// soon.
    ///
    /// # Safety
    ///
    /// 1. `slot` is an occupied slot of this core, with the provenance of its chunk.
    /// 2. Where `move_to` is called, the slot belongs to the caller, who gives it up.
    /// 3. `move_to` uses no core, and does not let control leave the crate.
    unsafe fn relocate(&self, slot: NonNull<u8>, move_to: impl FnOnce(NonNull<u8>)) -> bool;

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
/// 2. [`PoolCore::SHARES_GROUND`] is false.
#[diagnostic::on_unimplemented(
    message = "a pool for one thread cannot be used by another, and nor can its handles",
    label = "needs a pool for many threads",
    note = "`SyncPool`, `SyncMemoryPool` and `SyncSizeClassPool` are for many threads"
)]
pub unsafe trait ThreadSafe: PoolCore {}

/// Makes the core of a pool. It gets its slots by [`PoolCore::furnish`].
///
/// # Errors
///
/// Those of [`Geometry::new`], or [`PoolError::OutOfMemory`].
///
/// # Safety
///
/// 1. The ground of the plan, if it has one, outlives the core.
pub(crate) unsafe fn create<C: PoolCore>(
    layout: Layout,
    plan: Plan,
) -> Result<Fixed<C>, PoolError> {
    let geometry = Geometry::new(layout)?;
    Fixed::new(|place| {
        // SAFETY: 1. clause 1.
        unsafe { C::new(geometry, plan, place.cast()) }
    })
}

/// The core to which `slot` belongs, or, where it is one of a small chunk, the core of its tract.
///
/// # Safety
///
/// 1. `slot` is an occupied slot of a `C` made by [`create`], with the provenance of its chunk.
///    That `C` lives for `'p` at least, and where its chunk is a small one, so does the `C` that
///    its tract names.
#[inline]
pub(crate) unsafe fn core_of<'p, C: PoolCore>(slot: NonNull<u8>) -> &'p C {
    // SAFETY: 1. clause 1: an occupied slot's chunk has been entered and not been released.
    // 2. It is used here alone.
    let owner = unsafe { Chunk::of(slot) }.owner();
    // SAFETY: valid: the owner of the chunk is its core (clause 3 of `PoolCore`), or that of the
    // tract the core that its ground was made for, which live for `'p` (clause 1). Unaliased: no
    // exclusive reference to a core is made before its end.
    unsafe { owner.cast::<C>().as_ref() }
}

/// Takes a slot of the size and the alignment of `slot`, at least, of the core that owns that.
///
/// # Safety
///
/// 1. As for [`core_of`].
#[inline]
pub(crate) unsafe fn take_beside<C: PoolCore>(slot: NonNull<u8>) -> Option<NonNull<u8>> {
    // SAFETY: 1. clause 1.
    let core = unsafe { core_of::<C>(slot) };
    match core.take_at_hand() {
        Some(slot) => Some(slot),
        // SAFETY: 1. clause 1.
        None => unsafe { take_behind_beside(core, slot) },
    }
}

/// As [`take_beside`], where `core`, that of the slot or of its tract, has nothing in front.
///
/// # Safety
///
/// 1. As for [`core_of`].
#[cold]
#[inline(never)]
unsafe fn take_behind_beside<C: PoolCore>(core: &C, slot: NonNull<u8>) -> Option<NonNull<u8>> {
    // SAFETY: 1. clause 1. 2. It is used here alone, while its slot is occupied.
    let chunk = unsafe { Chunk::of(slot) };
    match chunk.kind() {
        Kind::Slots => core.take_behind(),
        Kind::Lone => core.take_lone(chunk.slot_layout()).ok(),
        // SAFETY: 1. clause 1.
        Kind::Tract => unsafe { owner_of::<C>(slot) }.take(),
    }
}

/// Checks that a block may be given back to a core, where blocks are looked at: with debug
/// assertions on, or with the feature `hardened`.
///
/// # Errors
///
/// An [`InvalidFree`] where it may not.
#[inline]
pub(crate) fn check_free<C: PoolCore>(core: &C, block: NonNull<u8>) -> Result<(), InvalidFree> {
    if cfg!(feature = "hardened") {
        check_block(core, block)
    } else if cfg!(debug_assertions) {
        core.occupied_slot(block.addr().get()).map(drop)
    } else {
        Ok(())
    }
}

/// Checks that a block is one that a core handed out. Without the feature `hardened`, nothing.
///
/// # Errors
///
/// An [`InvalidFree`] where it is not.
#[inline]
pub(crate) fn check_block<C: PoolCore>(core: &C, block: NonNull<u8>) -> Result<(), InvalidFree> {
    guard::check_block(block, NonNull::from(core).cast(), core.geometry().slot().align())
}

/// Gives a block back.
///
/// # Safety
///
/// 1. and 2. As for [`PoolCore::put`].
#[inline]
pub(crate) unsafe fn give_back<C: PoolCore>(core: &C, slot: NonNull<u8>) {
    // SAFETY: 1. clause 1: an occupied slot's chunk has been entered. 2. clause 2.
    unsafe { guard::take_back(slot, Size::BLOCK) };
    // SAFETY: 1. clause 1. 2. clause 2.
    unsafe { core.put(slot) };
}

/// The core that owns `slot`, be it one of a small chunk.
///
/// # Safety
///
/// 1. As for [`core_of`].
pub(crate) unsafe fn owner_of<'p, C: PoolCore>(slot: NonNull<u8>) -> &'p C {
    // SAFETY: 1. clause 1: an occupied slot's chunk has been entered and not been released.
    // 2. It is used here alone.
    let owner = unsafe { Chunk::holding(slot) }.owner();
    // SAFETY: valid: the owner of the chunk is its core (clause 3 of `PoolCore`), which lives for
    // `'p` (clause 1). Unaliased: no exclusive reference to a core is made before its end.
    unsafe { owner.cast::<C>().as_ref() }
}

/// Why [`take_beside`] found nothing.
///
/// # Safety
///
/// 1. As for [`core_of`].
#[cold]
pub(crate) unsafe fn refusal_beside<C: PoolCore>(slot: NonNull<u8>) -> PoolError {
    // SAFETY: 1. clause 1. 2. It is used here alone, while its slot is occupied.
    let chunk = unsafe { Chunk::of(slot) };
    match chunk.kind() {
        Kind::Lone => PoolError::OutOfMemory { bytes: chunk.object_bytes() },
        // SAFETY: 1. clause 1.
        Kind::Slots | Kind::Tract => unsafe { owner_of::<C>(slot) }.refusal(),
    }
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
