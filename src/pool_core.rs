//! The state of a pool for one thread: the front in cells, the stock behind a check.

use alloc::alloc::{alloc, dealloc};
use core::alloc::Layout;
use core::cell::{Cell, RefCell};
use core::ptr::{self, NonNull};

use crate::chunk::Chunk;
use crate::depot::{Depot, Growth};
use crate::error::{InvalidFree, PoolError, refuse};
use crate::front::Front;
use crate::geometry::Geometry;
use crate::magazine::Magazine;
use crate::pages::Pages;
use crate::stats::PoolStats;
use crate::stock::Stock;
use crate::window::Window;

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
pub(crate) struct Plan {
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
/// Control leaves this layer only for the upstream allocator. One that uses the very pool it serves
/// finds the front consistent, or, where it needs the stock, a `RefCell` that is borrowed: a panic.
///
/// # Invariants
///
/// 1. `front` is the front of `stock`.
/// 2. `given_up` is the number of occupied slots whose handles were leaked, over all chunks.
/// 3. The owner that the depot of `stock` gives its chunks is this core, with the provenance of its allocation.
#[derive(Debug)]
pub(crate) struct PoolCore {
    front: Front,
    stock: RefCell<Stock>,
    given_up: Cell<usize>,
    leftovers: Leftovers,
}

impl PoolCore {
    /// Makes the core of a pool, to be ended by [`PoolCore::destroy`]. It gets its slots by
    /// [`PoolCore::furnish`].
    ///
    /// # Errors
    ///
    /// Those of [`Geometry::new`], or [`PoolError::OutOfMemory`].
    pub(crate) fn create(layout: Layout, plan: Plan) -> Result<NonNull<Self>, PoolError> {
        let geometry = Geometry::new(layout)?;
        let layout = Layout::new::<Self>();
        // SAFETY: a core is not of size 0.
        let core = NonNull::new(unsafe { alloc(layout) })
            .ok_or(PoolError::OutOfMemory { bytes: layout.size() })?
            .cast::<Self>();
        let front = Front {
            magazine: Magazine::new(),
            window: Window::new(geometry.stride().bytes()),
            vacant: Cell::new(0),
        };
        let depot = Depot::new(geometry, plan.growth, plan.pages, core.cast());
        let stock = RefCell::new(Stock::new(depot));
        // INVARIANT: 1. the front is empty, so it can be any stock's. 2. no slot is occupied.
        // 3. by the line above.
        let value = Self { front, stock, given_up: Cell::new(0), leftovers: plan.leftovers };
        // SAFETY: the memory was just allocated for a core.
        unsafe { core.write(value) };
        Ok(core)
    }

    /// Ends a core and gives its memory back.
    ///
    /// # Safety
    ///
    /// 1. `core` came from [`PoolCore::create`] and has not been ended before.
    /// 2. Nothing reaches the core any more, also not by way of one of its slots.
    pub(crate) unsafe fn destroy(core: NonNull<Self>) {
        // SAFETY: valid: clause 1. Unaliased: clause 2; what is made here ends before the next
        // line.
        unsafe { core.as_ref() }.settle_leftovers();
        // SAFETY: the core is valid (clause 1) and nothing reaches it (clause 2).
        unsafe { ptr::drop_in_place(core.as_ptr()) };
        // SAFETY: `create` allocated the memory with this layout (clause 1).
        unsafe { dealloc(core.as_ptr().cast(), Layout::new::<Self>()) };
    }

    /// Decides what dropping the stock gives back.
    fn settle_leftovers(&self) {
        if cfg!(debug_assertions) {
            self.check_invariants();
        }
        if self.leftovers == Leftovers::Keep && self.len() > self.given_up.get() {
            // SAFETY: 1. invariant 1.
            unsafe { self.stock.borrow_mut().keep_occupied(&self.front) };
        }
    }

    /// The core to which `slot` belongs.
    ///
    /// # Safety
    ///
    /// 1. `slot` is an occupied slot of a [`PoolCore`] that lives for `'p` at least, with the
    ///    provenance of its chunk.
    #[inline]
    pub(crate) unsafe fn of<'p>(slot: NonNull<u8>) -> &'p Self {
        // SAFETY: 1. clause 1: an occupied slot's chunk has been entered and not been released.
        // 2. It is used here alone.
        let owner = unsafe { Chunk::of(slot) }.owner();
        // SAFETY: valid: the owner of the chunk is its core (invariant 3; `Depot` invariant 2),
        // which lives for `'p` (clause 1). Unaliased: no exclusive reference to a core is made
        // before its end.
        unsafe { owner.cast::<Self>().as_ref() }
    }

    /// Takes a vacant slot, with the provenance of its chunk, which is occupied and the caller's
    /// from then on.
    #[inline]
    pub(crate) fn take(&self) -> Option<NonNull<u8>> {
        // INVARIANT: `Depot` 3. from the magazine or the window to occupied.
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
        // SAFETY: 1. invariant 1.
        if !unsafe { self.stock.borrow_mut().refill(&self.front) } {
            return None;
        }
        let Front { magazine, window, .. } = &self.front;
        magazine.pop().or_else(|| window.take())
    }

    /// Makes a slot vacant.
    ///
    /// # Safety
    ///
    /// 1. `slot` is an occupied slot of this core, with the provenance of its chunk.
    /// 2. The slot belongs to the caller, who gives it up.
    #[inline]
    pub(crate) unsafe fn put(&self, slot: NonNull<u8>) {
        // INVARIANT: `Front` 1. clauses 1 and 2. `Depot` 3. from occupied to the magazine.
        if !self.front.magazine.push(slot) {
            // SAFETY: 1. clause 1. 2. clause 2.
            unsafe { self.spill(slot) };
        }
    }

    /// Makes a slot vacant that finds the magazine full: it goes into the bitmap of its chunk.
    ///
    /// # Safety
    ///
    /// 1. and 2. As for [`PoolCore::put`].
    #[cold]
    #[inline(never)]
    unsafe fn spill(&self, slot: NonNull<u8>) {
        // SAFETY: 1. clause 1: an occupied slot's chunk has been entered and not been released.
        // 2. It is used here alone.
        let chunk = unsafe { Chunk::of(slot) };
        let (index, mask) = chunk.bit_of(slot);
        // INVARIANT: `Depot` 3. from occupied to the bitmap. `Front` 2. counted here or there.
        if chunk.vacancy().insert_beside(index, mask) {
            self.front.vacant.set(self.front.vacant.get() + 1);
        } else {
            self.spill_first(chunk, index, mask);
        }
    }

    /// As [`PoolCore::spill`], for the first slot of a word of the bitmap, of which the summaries
    /// are to be told. It is seldom met, and kept out of the way of the others.
    #[cold]
    #[inline(never)]
    fn spill_first(&self, chunk: Chunk, index: usize, mask: usize) {
        self.stock.borrow_mut().insert(chunk, index, mask);
        self.front.vacant.set(self.front.vacant.get() + 1);
    }

    /// Notes that `slot` stays occupied as long as the core lives, and does not keep the memory of
    /// its chunk when the core ends.
    ///
    /// # Safety
    ///
    /// 1. and 2. As for [`PoolCore::put`].
    pub(crate) unsafe fn give_up(&self, slot: NonNull<u8>) {
        // INVARIANT: 2. the chunk counts below.
        self.given_up.set(self.given_up.get() + 1);
        // SAFETY: 1. clause 1: an occupied slot's chunk has been entered and not been released.
        // 2. It is used here alone.
        unsafe { Chunk::of(slot) }.give_up_one();
    }

    /// The number of occupied slots.
    pub(crate) fn len(&self) -> usize {
        self.stock.borrow().len(&self.front)
    }

    /// The number of slots.
    pub(crate) fn capacity(&self) -> usize {
        self.stock.borrow().depot().capacity()
    }

    /// Whether the core never gets more slots than it was made with.
    pub(crate) fn is_bounded(&self) -> bool {
        self.stock.borrow().depot().growth() == Growth::Bounded
    }

    /// The size of a value, as asked for.
    pub(crate) fn object_size(&self) -> usize {
        self.stock.borrow().depot().geometry().object_size()
    }

    /// Why [`PoolCore::take`] found nothing.
    #[cold]
    pub(crate) fn refusal(&self) -> PoolError {
        self.stock.borrow().depot().refusal()
    }

    /// Ends an allocation for which [`PoolCore::take`] found nothing: panics where the core is
    /// full, calls [`handle_alloc_error`](alloc::alloc::handle_alloc_error) where memory has run
    /// out.
    ///
    /// Kept out of the way of allocations that succeed, arguments and all.
    #[cold]
    #[inline(never)]
    #[track_caller]
    pub(crate) fn refuse(&self) -> ! {
        refuse(self.refusal())
    }

    /// Gives the core its one reservation, if it is bounded, and otherwise room for as many slots
    /// at once.
    pub(crate) fn furnish(&self, slots: usize) -> Result<(), PoolError> {
        self.stock.borrow_mut().furnish(slots, &self.front)
    }

    /// Makes room for so many occupied slots more.
    pub(crate) fn reserve(&self, additional: usize) -> Result<(), PoolError> {
        self.stock.borrow_mut().reserve(additional, &self.front)
    }

    /// Gives wholly vacant chunks back; returns the number of bytes.
    pub(crate) fn trim(&self) -> usize {
        // SAFETY: 1. invariant 1.
        unsafe { self.stock.borrow_mut().trim(&self.front) }
    }

    /// The occupied slot that starts at `address`, with the provenance of its chunk.
    ///
    /// # Errors
    ///
    /// An [`InvalidFree`] where none does.
    pub(crate) fn occupied_slot(&self, address: usize) -> Result<NonNull<u8>, InvalidFree> {
        self.stock.borrow().occupied_slot(address, &self.front)
    }

    /// Whether `address` lies in a slot.
    pub(crate) fn contains(&self, address: usize) -> bool {
        self.stock.borrow().depot().contains(address)
    }

    /// The figures at this moment.
    pub(crate) fn stats(&self) -> PoolStats {
        let stock = self.stock.borrow();
        let (depot, len) = (stock.depot(), stock.len(&self.front));
        PoolStats {
            capacity: depot.capacity(),
            len,
            chunks: depot.chunk_count(),
            bytes_reserved: depot.bytes_reserved(),
            bytes_live: len * depot.geometry().stride().bytes(),
        }
    }

    /// Walks everything.
    ///
    /// # Panics
    ///
    /// Panics where an invariant does not hold.
    pub(crate) fn check_invariants(&self) {
        let stock = self.stock.borrow();
        stock.check_invariants(&self.front);
        assert_eq!(stock.depot().given_up(), self.given_up.get(), "PoolCore invariant 2");
    }
}
