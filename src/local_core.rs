//! The core of a pool for one thread: the front in cells, the stock behind a check.

use core::alloc::Layout;
use core::cell::{Cell, OnceCell, RefCell};
use core::ptr::{self, NonNull};

use crate::chunk::{Chunk, Kind};
use crate::chunk_summary::Chunks;
use crate::compaction::{CompactStats, Movable};
use crate::depot::{Depot, WALKS_UNASKED};
use crate::error::{InvalidFree, PoolError};
use crate::fault::point;
use crate::front::Front;
use crate::geometry::Geometry;
use crate::plan::{Growth, Leftovers, Plan};
use crate::pool_core::{PoolCore, owner_of};
use crate::stats::PoolStats;
use crate::stock::Stock;

/// The state of a pool that is used by one thread at a time.
///
/// Control leaves this layer only for the upstream allocator. One that uses the very pool it serves
/// finds the front consistent, or, where it needs the stock, a `RefCell` that is borrowed: a panic.
///
/// # Invariants
///
/// 1. `front` is the front of `stock`.
/// 2. `given_up` is the number of occupied slots whose handles were leaked, over all chunks.
/// 3. The owner that the depot of `stock` gives its chunks is this core, with the provenance of its
///    allocation.
/// 4. Where tracts name the core, its front is empty, and its magazine has no room.
#[derive(Debug)]
pub struct LocalCore {
    front: Front,
    stock: RefCell<Stock>,
    given_up: Cell<usize>,
    geometry: Geometry,
    leftovers: Leftovers,
    home: Cell<*const ()>,
}

impl LocalCore {
    /// What [`Owned`](crate::Owned) notes of the pool: nothing here looks at it.
    #[inline]
    pub(crate) fn home(&self) -> &Cell<*const ()> {
        &self.home
    }

    #[cold]
    #[inline(never)]
    fn refill_and_take(&self) -> Option<NonNull<u8>> {
        point();
        // SAFETY: 1. invariant 1.
        if !unsafe { self.stock.borrow_mut().refill(&self.front) } {
            return None;
        }
        self.take_at_hand()
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
        // INVARIANT: `Depot` 3. from occupied to the bitmap.
        if chunk.vacancy().insert_beside(index, mask) {
            self.count_vacant();
            point();
        } else {
            point();
            // SAFETY: 1. clause 1; by the first line. 2. clause 2.
            unsafe { self.spill_first(chunk, slot) };
        }
    }

    /// As [`LocalCore::spill`], for the first slot of a word of the bitmap, of which the summaries
    /// are to be told, and for one whose chunk is not a plain one: neither a lone chunk nor a tract
    /// has a bit set. It is seldom met, but for tracts, and kept out of the way of the others.
    ///
    /// # Safety
    ///
    /// 1. As for [`PoolCore::put`], and `chunk` is what [`Chunk::of`] gives for the slot.
    /// 2. As for [`PoolCore::put`].
    #[cold]
    #[inline(never)]
    unsafe fn spill_first(&self, chunk: Chunk, slot: NonNull<u8>) {
        match chunk.kind() {
            Kind::Slots => self.insert(chunk, slot),
            Kind::Lone => self.stock.borrow_mut().release_lone(chunk),
            Kind::Tract => {
                // SAFETY: 1. clause 1. 2. It is used here alone.
                let small = unsafe { chunk.small(slot) };
                // SAFETY: valid: the owner of a chunk is its core (`Depot` invariant 2), which
                // outlives the slots that it hands out. Unaliased: no exclusive reference to a core
                // is made before its end.
                let owner = unsafe { small.owner().cast::<Self>().as_ref() };
                if ptr::eq(owner, self) {
                    self.insert(small, slot);
                } else {
                    // SAFETY: 1. the core is the owner of the chunk. 2. clause 2.
                    unsafe { owner.put(slot) };
                }
            }
        }
    }

    /// Puts a slot of `chunk`, one of this core, into the bitmap. It is the caller's, and in no
    /// other place.
    fn insert(&self, chunk: Chunk, slot: NonNull<u8>) {
        let (index, mask) = chunk.bit_of(slot);
        // INVARIANT: `Depot` 3. from the caller to the bitmap.
        self.stock.borrow_mut().insert(chunk, index, mask);
        self.count_vacant();
    }

    /// Counts a slot that has gone into a bitmap.
    #[inline]
    fn count_vacant(&self) {
        let vacant = self.front.vacant.get() + 1;
        // INVARIANT: `Front` 2. here.
        self.front.vacant.set(vacant);
        if vacant >= self.front.heed.get() {
            self.heed();
        }
    }

    /// Has the stock look at the front.
    #[cold]
    #[inline(never)]
    fn heed(&self) {
        // SAFETY: 1. invariant 1.
        unsafe { self.stock.borrow_mut().heed(&self.front) };
    }

    /// Gives wholly vacant chunks back where the core grows, as long as it keeps `floor` slots;
    /// returns the number of bytes.
    pub(crate) fn shrink_to(&self, floor: usize) -> usize {
        // SAFETY: 1. invariant 1.
        unsafe { self.stock.borrow_mut().shrink_to(floor, &self.front) }
    }

    /// Moves values of `handles` out of sparse chunks, as [`Stock::compact`] does.
    pub(crate) fn compact<H: Movable>(&self, handles: &mut [H]) -> CompactStats {
        // SAFETY: 1. invariant 1.
        unsafe { self.stock.borrow_mut().compact(handles, &self.front) }
    }
}

// SAFETY: 1. `Depot` invariant 6. 2. `Depot` invariant 3: what is taken leaves the front, which
// held it with that provenance (`Front` invariant 1), or is of a chunk just entered. 3. invariant
// 3; `Depot` invariant 2. 4. `trim` releases wholly vacant chunks, and `release_lone` one whose
// slot is given back; nothing else does. 5. In `put` the magazine of a core that tracts name is
// without room (invariant 4), and `spill_first` passes the slot on; so does `give_up`.
unsafe impl PoolCore for LocalCore {
    type Once<T> = OnceCell<T>;

    const SHARES_GROUND: bool = true;

    unsafe fn new(geometry: Geometry, plan: Plan, place: NonNull<()>) -> Self {
        let front = Front::new(geometry.stride().bytes());
        // SAFETY: 1. clause 1.
        let depot = unsafe { Depot::new(geometry, plan, place) };
        let stock = RefCell::new(Stock::new(depot));
        // INVARIANT: 1. the front is empty, so it can be any stock's. 2. no slot is occupied.
        // 3. by the line above. 4. `ClassedPool` makes it so of a core that never gets slots at
        //    once.
        Self {
            front,
            stock,
            given_up: Cell::new(0),
            geometry,
            leftovers: plan.leftovers,
            home: Cell::new(ptr::null()),
        }
    }

    fn settle_leftovers(&self) {
        if WALKS_UNASKED {
            self.check_invariants();
        }
        if self.leftovers == Leftovers::Keep && self.len() > self.given_up.get() {
            // SAFETY: 1. invariant 1.
            unsafe { self.stock.borrow_mut().keep_occupied(&self.front) };
        }
    }

    #[inline]
    fn take_at_hand(&self) -> Option<NonNull<u8>> {
        // INVARIANT: `Depot` 3. from the magazine or the window to occupied.
        if let Some(slot) = self.front.magazine.pop() {
            return Some(slot);
        }
        self.front.window.take()
    }

    #[inline]
    fn take_behind(&self) -> Option<NonNull<u8>> {
        self.refill_and_take()
    }

    fn take_lone(&self, layout: Layout) -> Result<NonNull<u8>, PoolError> {
        self.stock.borrow_mut().take_lone(layout)
    }

    #[inline]
    unsafe fn put(&self, slot: NonNull<u8>) {
        // INVARIANT: `Front` 1. clauses 1 and 2. `Depot` 3. from occupied to the magazine.
        if !self.front.magazine.push(slot) {
            // SAFETY: 1. clause 1. 2. clause 2.
            unsafe { self.spill(slot) };
        }
    }

    unsafe fn give_up(&self, slot: NonNull<u8>) {
        // SAFETY: 1. clause 1, and a core outlives the slots that it hands out.
        let owner = unsafe { owner_of::<Self>(slot) };
        // INVARIANT: 2. the chunk counts below.
        owner.given_up.set(owner.given_up.get() + 1);
        // SAFETY: 1. clause 1: an occupied slot's chunk has been entered and not been released.
        // 2. It is used here alone.
        unsafe { Chunk::holding(slot) }.give_up_one();
    }

    fn len(&self) -> usize {
        self.stock.borrow().len(&self.front)
    }

    fn capacity(&self) -> usize {
        self.stock.borrow().depot().capacity()
    }

    fn is_bounded(&self) -> bool {
        self.stock.borrow().depot().growth() == Growth::Bounded
    }

    fn is_for_lone(&self) -> bool {
        self.stock.borrow().depot().growth() == Growth::Lone
    }

    fn is_full(&self) -> bool {
        self.is_bounded() && self.len() == self.capacity()
    }

    #[inline]
    fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    #[cold]
    fn refusal(&self) -> PoolError {
        self.stock.borrow().depot().refusal()
    }

    fn furnish(&self, slots: usize) -> Result<(), PoolError> {
        self.stock.borrow_mut().furnish(slots, &self.front)
    }

    fn reserve(&self, additional: usize) -> Result<(), PoolError> {
        self.stock.borrow_mut().reserve(additional, &self.front)
    }

    fn occupied_slot(&self, address: usize) -> Result<NonNull<u8>, InvalidFree> {
        self.stock.borrow().occupied_slot(address, &self.front)
    }

    fn contains(&self, address: usize) -> bool {
        self.stock.borrow().depot().contains(address)
    }

    fn trim(&self) -> usize {
        // SAFETY: 1. invariant 1.
        unsafe { self.stock.borrow_mut().trim(&self.front) }
    }

    fn bytes_upstream(&self) -> usize {
        self.stock.borrow().depot().bytes_upstream()
    }

    fn stats(&self) -> PoolStats {
        let stock = self.stock.borrow();
        let lens = (stock.len(&self.front), stock.peak_len(&self.front));
        // SAFETY: 1. `Front` invariant 1.
        unsafe { stock.depot().stats(lens, stock.depot().capacity(), self.front.runs()) }
    }

    fn chunks(&self) -> Chunks {
        // SAFETY: 1. `Front` invariant 1.
        unsafe { self.stock.borrow().depot().summaries(self.front.runs()) }
    }

    unsafe fn relocate(&self, slot: NonNull<u8>, move_to: impl FnOnce(NonNull<u8>)) -> bool {
        // SAFETY: 1. clause 1: an occupied slot's chunk has been entered and not been released.
        // 2. It is used here alone.
        let chunk = unsafe { Chunk::holding(slot) };
        let mut stock = self.stock.borrow_mut();
        // SAFETY: 1. invariant 1.
        let Some(target) = (unsafe { stock.take_below(chunk.number(), &self.front) }) else {
            return false;
        };
        point();
        // Control stays in the crate (clause 3).
        move_to(target);
        point();
        let (index, mask) = chunk.bit_of(slot);
        // INVARIANT: `Depot` 3. from the caller to the bitmap. `Front` 2. counted here.
        stock.insert(chunk, index, mask);
        self.front.vacant.set(self.front.vacant.get() + 1);
        true
    }

    fn check_invariants(&self) {
        let stock = self.stock.borrow();
        stock.check_invariants(&self.front);
        assert_eq!(stock.depot().given_up(), self.given_up.get(), "LocalCore invariant 2");
    }
}
