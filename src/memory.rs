//! What a handle needs of the core its slot belongs to.

use core::fmt;
use core::marker::PhantomData;
use core::mem;
use core::ptr::NonNull;

use self::sealed::Slots;
use crate::guard::{self, Size};

/// The memory that handles hold slots of. It is sealed: [`MemoryPool`](crate::MemoryPool) is what
/// implements it, with its twin for threads, and [`Owned`](crate::Owned) of either, for handles
/// that keep their pool.
///
/// # Examples
///
/// A function for handles whatever memory they come from:
///
/// ```
/// use typed_pool::{Memory, Pool, PoolBox};
///
/// fn total<M: Memory>(numbers: &[PoolBox<'_, u64, M>]) -> u64 {
///     numbers.iter().map(|number| **number).sum()
/// }
///
/// let pool = Pool::new();
/// assert_eq!(total(&[pool.alloc(1), pool.alloc(2)]), 3);
/// ```
pub trait Memory: Slots {}

/// The part of [`Memory`] that only this crate can implement.
pub(crate) mod sealed {
    use core::ptr::NonNull;

    use crate::error::PoolError;

    /// Access to a core by way of one of its slots.
    ///
    /// # Safety
    ///
    /// 1. What `take_beside` gives is a slot of the size and the alignment of the one given at
    ///    least, of a core behind the same `Self`, with the provenance of its chunk; it is occupied
    ///    and the caller's. With it comes what the slot given has to keep that core, if anything.
    /// 2. What [`Slots::relocate`] gives to `move_to` is as it says.
    pub unsafe trait Slots {
        /// Tells handles of one kind of memory from those of others: one of the first
        /// [`MARKS`](crate::guard::MARKS) numbers.
        const MARK: usize;

        /// Takes a vacant slot like `slot`.
        ///
        /// # Safety
        ///
        /// 1. `slot` is an occupied slot of such a core, with the provenance of its chunk; where
        ///    that lies in a tract, the core that the tract names lives too.
        unsafe fn take_beside(slot: NonNull<u8>) -> Option<NonNull<u8>>;

        /// Why [`Slots::take_beside`] found no slot.
        ///
        /// # Safety
        ///
        /// 1. As for [`Slots::take_beside`].
        unsafe fn refusal_beside(slot: NonNull<u8>) -> PoolError;

        /// Makes `slot` vacant.
        ///
        /// # Safety
        ///
        /// 1. As for [`Slots::take_beside`].
        /// 2. The slot belongs to the caller, who gives it up.
        unsafe fn put_back(slot: NonNull<u8>);

        /// Has the value in `slot` moved to where values lie denser, if there is such a place;
        /// returns whether there is. `move_to` is given a slot of the same core, laid out alike,
        /// with the provenance of its chunk, which is occupied and the caller's. When it returns,
        /// `slot` is made vacant, and is not the next to be taken.
        ///
        /// # Safety
        ///
        /// 1. and 2. As for [`Slots::put_back`], where `move_to` is called.
        /// 3. `move_to` uses no core, and does not let control leave the crate.
        unsafe fn relocate(slot: NonNull<u8>, move_to: impl FnOnce(NonNull<u8>)) -> bool;

        /// Notes that `slot` stays occupied until its core ends, and does not keep the memory of
        /// its chunk from going then.
        ///
        /// # Safety
        ///
        /// 1. and 2. As for [`Slots::put_back`].
        unsafe fn give_up(slot: NonNull<u8>);
    }
}

/// An occupied slot without a value, given back when it is dropped: what a handle is before its
/// value is built and after its value is gone, whichever way that ends.
///
/// # Invariants
///
/// 1. `start` is an occupied slot of a core behind an `M`, with the provenance of its chunk. That
///    outlives `'p`, or, where `M` is `Owned`, the count that comes with the slot.
/// 2. The slot belongs to this value.
pub(crate) struct Slot<'p, M: Memory> {
    start: NonNull<u8>,
    size: Size,
    memory: PhantomData<&'p M>,
}

impl<M: Memory> Slot<'_, M> {
    /// Takes charge of an occupied slot.
    ///
    /// # Safety
    ///
    /// 1. `start` is an occupied slot of a core behind an `M` that outlives the slot's lifetime, or
    ///    a count that comes with the slot, with the provenance of its chunk.
    /// 2. The slot belongs to the caller, who gives it up.
    #[inline]
    pub(crate) unsafe fn from_start(start: NonNull<u8>, size: Size) -> Self {
        // INVARIANT: 1. clause 1. 2. clause 2.
        Self { start, size, memory: PhantomData }
    }

    /// Takes charge of the slot of a handle that ends.
    ///
    /// # Safety
    ///
    /// 1. and 2. As for [`Slot::from_start`].
    #[inline]
    pub(crate) unsafe fn of_handle(start: NonNull<u8>, size: Size) -> Self {
        // SAFETY: 1. clause 1: an occupied slot's chunk has been entered.
        unsafe { guard::check_occupied(start, size) };
        // SAFETY: 1. clause 1. 2. clause 2.
        unsafe { Self::from_start(start, size) }
    }

    /// Takes charge of a slot that a core has just handed out.
    ///
    /// # Safety
    ///
    /// 1. and 2. As for [`Slot::from_start`].
    #[inline]
    pub(crate) unsafe fn handed_out(start: NonNull<u8>, size: Size) -> Self {
        // SAFETY: 1. clause 1: an occupied slot's chunk has been entered. 2. clause 2; it was
        // vacant until now.
        unsafe { guard::hand_out(start, size) };
        // SAFETY: 1. clause 1. 2. clause 2.
        unsafe { Self::from_start(start, size) }
    }

    /// The same slot as one of another memory.
    ///
    /// # Safety
    ///
    /// 1. It is one of a core behind an `N` that outlives the slot's new lifetime, or a count that
    ///    comes with the slot.
    #[inline]
    pub(crate) unsafe fn with_memory<'n, N: Memory>(self) -> Slot<'n, N> {
        let size = self.size;
        // SAFETY: 1. clause 1. 2. invariant 2, which ends here.
        unsafe { Slot::from_start(self.into_start(), size) }
    }

    /// The slot's address; the slot stays with this value.
    #[inline]
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// The slot's address; the slot is the caller's.
    #[inline]
    pub(crate) fn into_start(self) -> NonNull<u8> {
        let start = self.start;
        mem::forget(self);
        start
    }
}

impl<M: Memory> Drop for Slot<'_, M> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: 1. invariant 1: an occupied slot's chunk has been entered. 2. invariant 2.
        unsafe { guard::take_back(self.start, self.size) };
        // SAFETY: 1. invariant 1. 2. invariant 2.
        unsafe { M::put_back(self.start) };
    }
}

impl<M: Memory> fmt::Debug for Slot<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Slot").field(&self.start).finish()
    }
}
