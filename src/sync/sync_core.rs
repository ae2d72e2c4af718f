//! The state of a pool for many threads.

use core::alloc::Layout;
use core::mem::offset_of;
use core::ptr::{self, NonNull};
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicPtr as PlainPtr, AtomicUsize as PlainUsize};
use std::sync::{OnceLock, PoisonError};

use super::cache::{Cache, Caches};
use super::chunk_table::ChunkTable;
use super::padded::Padded;
use super::peak::Peak;
use super::shared_bits::SharedBits;
use super::thread_number::{self, THREADS};
use super::tokens::Tokens;
use crate::atomic::{Mutex, MutexGuard};
use crate::chunk::{Chunk, Kind};
use crate::chunk_summary::Chunks;
use crate::depot::{Depot, WALKS_UNASKED};
use crate::error::{InvalidFree, PoolError};
use crate::fault::{has_stopped_one, point};
use crate::geometry::Geometry;
use crate::plan::{Growth, Leftovers, Plan};
use crate::pool_core::{PoolCore, ThreadSafe};
use crate::stats::PoolStats;

/// A magazine of a bounded pool has room for this part of its capacity at most, and brings as many
/// slots beyond it. The smallest pools have none, and hold no more than their capacity.
const MAGAZINE_PART: usize = 8;

/// The state of a pool that many threads use at once.
///
/// Control leaves this layer only for the upstream allocator, with the depot locked. One that uses
/// the very pool it serves waits for itself.
///
/// # Invariants
///
/// 1. The caches hold vacant slots of entered chunks of `depot`, with the provenance of their
///    chunks. What is in the magazine of a number is taken and put by the thread of that number
///    alone; it alone puts slots on the shelf beside it.
/// 2. There are as many tokens as bits set in the bitmaps of `depot` and slots on shelves, but for
///    those of operations under way or broken off, which may be fewer.
/// 3. `table` has every entered chunk of `depot` but lone ones, under its number, and room for
///    every one that is reserved. It lacks the last while a thread enters it, or where that was
///    broken off: the next thread that needs slots goes on with it.
/// 4. `given_up` is the number of occupied slots whose handles were leaked, over all chunks; those
///    of the chunks change while `depot` is locked.
/// 5. The owner that `depot` gives its chunks is this core, with the provenance of its allocation.
/// 6. Where the core is bounded, `depot` has `capacity` slots and, for each cache, as many as the
///    magazine has room for.
/// 7. The word of every bit that is set has its hint, and every chunk with a hint (or with one
///    word, and a bit there) has its hint in `table`, but where an operation under way or broken
///    off is yet to set it.
#[derive(Debug)]
pub struct SyncCore {
    pub(super) caches: Caches,
    pub(super) tokens: Padded<Tokens>,
    pub(super) peak: Peak,
    pub(super) table: ChunkTable,
    depot: Padded<Mutex<Depot>>,
    given_up: PlainUsize,
    capacity: PlainUsize,
    pub(super) geometry: Geometry,
    pub(super) growth: Growth,
    leftovers: Leftovers,
    home: Padded<PlainPtr<()>>,
}

// SAFETY: 1. What is in cells is in the caches, and each is the affair of one thread (invariant 1);
// all else is atomic, locked, or does not change. 2. As the constant below says.
unsafe impl ThreadSafe for SyncCore {}

impl SyncCore {
    /// What [`Owned`](crate::Owned) notes of the pool: nothing here looks at it.
    #[inline]
    pub(crate) fn home(&self) -> &PlainPtr<()> {
        &self.home
    }

    /// The depot, locked. Nothing is half-done in it where a panic has poisoned the lock.
    pub(super) fn depot(&self) -> MutexGuard<'_, Depot> {
        self.depot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The cache of this thread, made where it had none; none where it cannot have one.
    pub(super) fn cache(&self) -> Option<&Cache> {
        let number = thread_number::assign();
        self.caches.get(number).or_else(|| self.add_cache(number))
    }

    #[cold]
    fn add_cache(&self, number: usize) -> Option<&Cache> {
        if number >= THREADS {
            return None;
        }
        let slots = match self.growth {
            Growth::Bounded => self.capacity.load(Relaxed) / MAGAZINE_PART,
            Growth::OnDemand => usize::MAX,
            // What has a chunk of its own goes with it.
            Growth::Lone => 0,
        };
        let slots = self.geometry.magazine_slots(slots).min(self.geometry.chunk_slots());
        if slots == 0 {
            return None;
        }
        // Threads look for slots in different lines of the bitmap first.
        let start = (number, number * (128 / size_of::<usize>()));
        // INVARIANT: 6. here.
        let reserve = || match self.growth {
            Growth::Bounded => {
                self.depot().add_reservation(slots, &mut |chunks| self.table.reserve(chunks))
            }
            Growth::OnDemand | Growth::Lone => Ok(()),
        };
        // A thread does without where upstream has no memory for it.
        self.caches.add(number, slots, start, reserve).ok()
    }

    /// The number of slots in all chunks, entered or not: the capacity, and where that is bounded,
    /// the slots that come with the magazines of threads.
    pub(crate) fn reserved_slots(&self) -> usize {
        self.depot().capacity()
    }

    /// The vacant slots in the caches of threads, as the first of neighbours and their number.
    fn runs(&self) -> impl Iterator<Item = (NonNull<u8>, usize)> {
        self.vacant().map(|slot| (slot, 1))
    }

    /// The vacant slots in the caches of threads.
    fn vacant(&self) -> impl Iterator<Item = NonNull<u8>> {
        self.caches.iter().flat_map(|cache| cache.magazine.iter().chain(cache.shelved()))
    }

    /// The number of slots on shelves.
    pub(super) fn shelved(&self) -> usize {
        self.caches.iter().flat_map(Cache::shelved).count()
    }

    /// The number of vacant slots in the magazines of threads.
    pub(super) fn cached(&self) -> usize {
        self.caches.iter().map(|cache| cache.magazine.len()).sum()
    }

    /// The number of occupied slots.
    fn len_of(&self, depot: &Depot) -> usize {
        // While others are at it, what moves may be counted twice.
        depot.entered().saturating_sub(self.tokens.count() + self.cached())
    }

    /// The number of slots: those of magazines do not count.
    fn capacity_of(&self, depot: &Depot) -> usize {
        match self.growth {
            Growth::Bounded => self.capacity.load(Relaxed),
            Growth::OnDemand | Growth::Lone => depot.capacity(),
        }
    }

    /// Walks everything, `alone` with the core or not.
    pub(super) fn check(&self, alone: bool) {
        let depot = self.depot();
        let stranded = self.stranded(&depot);
        let vacant = depot.check_invariants(|| self.runs(), self.len_of(&depot) - stranded, alone);
        let counted = self.tokens.count() + stranded;
        assert_eq!(vacant + self.shelved(), counted, "SyncCore invariant 2");
        let listed = if self.growth == Growth::Lone { &[] } else { depot.chunks() };
        // One that a thread stopped at is listed by the next that needs it.
        let listed = &listed[..listed.len() - usize::from(self.unlisted(&depot).is_some())];
        let entered = listed.iter().copied().map(Some);
        let numbers = 0..listed.len();
        assert!(numbers.map(|number| self.table.get(number)).eq(entered), "SyncCore invariant 3");
        assert_eq!(self.table.numbers().count(), listed.len(), "SyncCore invariant 3");
        if alone && !has_stopped_one() {
            let hinted = |(number, chunk): (usize, &Chunk)| {
                let bits = SharedBits::of(chunk);
                bits.are_hinted() && (self.table.is_hinted(number) || !bits.is_hinted())
            };
            assert!(listed.iter().enumerate().all(hinted), "SyncCore invariant 7");
        }
        assert_eq!(depot.given_up(), self.given_up.load(Relaxed), "SyncCore invariant 4");
        if self.is_bounded() {
            let cached: usize = self.caches.iter().map(|cache| cache.magazine.capacity()).sum();
            let capacity = self.capacity.load(Relaxed);
            assert_eq!(depot.capacity(), capacity + cached, "SyncCore invariant 6");
        }
    }

    /// The number of bits and shelved slots without a token: none while no thread uses the core,
    /// unless one has stopped in the middle of an operation.
    fn stranded(&self, depot: &Depot) -> usize {
        if !has_stopped_one() {
            return 0;
        }
        let bits: usize = depot.chunks().iter().map(|chunk| chunk.vacancy().count()).sum();
        (bits + self.shelved()).checked_sub(self.tokens.count()).expect("SyncCore invariant 2")
    }

    /// Moves every slot of the caches into the bitmaps.
    ///
    /// # Safety
    ///
    /// 1. No other thread uses the core.
    pub(super) unsafe fn empty_caches(&self) {
        for cache in self.caches.iter() {
            self.spill_from(cache, usize::MAX);
            self.clear_shelf(cache, true);
        }
    }

    /// Releases a lone chunk, whose slot is vacant and the caller's.
    pub(super) fn release_lone(&self, chunk: Chunk) {
        self.depot().release_lone(chunk);
    }
}

// SAFETY: 1. `Depot` invariant 6. 2. `Depot` invariant 3: what is taken leaves a cache or a bitmap,
// which had it with that provenance, or is of a chunk just entered. 3. invariant 5; `Depot`
// invariant 2. 4. `shrink_to` releases wholly vacant chunks, and `release_lone` one whose slot is
// given back; nothing else does. 5. Such a core has no tracts.
unsafe impl PoolCore for SyncCore {
    type Once<T> = OnceLock<T>;

    const SHARES_GROUND: bool = false;

    unsafe fn new(geometry: Geometry, plan: Plan, place: NonNull<()>) -> Self {
        // SAFETY: the core is going to lie at `place`, so the field is inside the allocation.
        let caches = unsafe { place.byte_add(offset_of!(Self, caches)) }.cast();
        // SAFETY: 1. there is none.
        let depot = unsafe {
            Depot::new(geometry, Plan { gives_back: false, ground: None, ..plan }, place)
        };
        // INVARIANT: 1. to 4. and 7. nothing is there. 5. by the line above. 6. see `furnish`.
        Self {
            // SAFETY: 1. the core goes to `place`, and stays there until it ends.
            caches: unsafe { Caches::new(caches) },
            tokens: Padded(Tokens::none()),
            peak: Peak::new(),
            table: ChunkTable::default(),
            depot: Padded(Mutex::new(depot)),
            given_up: PlainUsize::new(0),
            capacity: PlainUsize::new(0),
            geometry,
            growth: plan.growth,
            leftovers: plan.leftovers,
            home: Padded(PlainPtr::new(ptr::null_mut())),
        }
    }

    fn settle_leftovers(&self) {
        if WALKS_UNASKED {
            self.check(true);
        }
        if self.leftovers == Leftovers::Keep && self.len() > self.given_up.load(Relaxed) {
            // SAFETY: 1. nothing reaches the core any more.
            unsafe { self.empty_caches() };
            self.depot().keep_occupied();
        }
    }

    #[inline]
    fn take_at_hand(&self) -> Option<NonNull<u8>> {
        // INVARIANT: `Depot` 3. from the magazine to occupied.
        self.caches.with_own(|cache| cache.magazine.pop()).flatten()
    }

    #[inline]
    fn take_behind(&self) -> Option<NonNull<u8>> {
        self.refill_and_take()
    }

    fn take_lone(&self, layout: Layout) -> Result<NonNull<u8>, PoolError> {
        self.depot().take_lone(layout, &mut |_| Ok(()))
    }

    #[inline]
    unsafe fn put(&self, slot: NonNull<u8>) {
        // INVARIANT: 1. clauses 1 and 2. `Depot` 3. from occupied to the magazine.
        if self.caches.with_own(|cache| cache.magazine.push(slot)) != Some(true) {
            // SAFETY: 1. clause 1. 2. clause 2.
            unsafe { self.spill(slot) };
        }
    }

    unsafe fn give_up(&self, slot: NonNull<u8>) {
        let _depot = self.depot();
        // INVARIANT: 4. here and, by the chunk, below.
        self.given_up.fetch_add(1, Relaxed);
        // SAFETY: 1. clause 1: an occupied slot's chunk has been entered and not been released.
        // 2. It is used here alone.
        unsafe { Chunk::of(slot) }.give_up_one();
    }

    fn len(&self) -> usize {
        self.len_of(&self.depot())
    }

    fn capacity(&self) -> usize {
        self.capacity_of(&self.depot())
    }

    fn is_bounded(&self) -> bool {
        self.growth == Growth::Bounded
    }

    fn is_for_lone(&self) -> bool {
        self.growth == Growth::Lone
    }

    fn is_full(&self) -> bool {
        // A cache that is yet to be made comes with slots.
        let cached = self.cache().map_or(0, |cache| cache.magazine.len());
        // Who gives pages back has the depot while tokens are missing.
        let depot = self.depot();
        let has_more = depot.has_next() || self.unlisted(&depot).is_some();
        self.is_bounded() && cached == 0 && self.tokens.count() == 0 && !has_more
    }

    #[inline]
    fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    #[cold]
    fn refusal(&self) -> PoolError {
        match self.growth {
            Growth::Bounded => PoolError::Full { capacity: self.capacity.load(Relaxed) },
            Growth::OnDemand | Growth::Lone => self.depot().refusal(),
        }
    }

    fn furnish(&self, slots: usize) -> Result<(), PoolError> {
        let mut make_room = |chunks| self.table.reserve(chunks);
        match self.growth {
            Growth::Bounded => {
                self.depot().add_reservation(slots, &mut make_room)?;
                // INVARIANT: 6. there are no caches.
                self.capacity.store(slots, Relaxed);
                Ok(())
            }
            Growth::OnDemand | Growth::Lone => self.depot().grow(slots, &mut make_room),
        }
    }

    fn reserve(&self, additional: usize) -> Result<(), PoolError> {
        let cached = self.cache().map_or(0, |cache| cache.magazine.len());
        let mut depot = self.depot();
        let (capacity, len) = (self.capacity_of(&depot), self.len_of(&depot));
        if self.is_bounded() {
            if additional > capacity.saturating_sub(len) {
                return Err(PoolError::CapacityExceeded { capacity, len, additional });
            }
            return Ok(());
        }
        // What lies in the magazines of others is out of reach.
        let reach = cached + self.tokens.count() + (capacity - depot.entered());
        match additional.saturating_sub(reach) {
            0 => Ok(()),
            missing => depot.grow(missing, &mut |chunks| self.table.reserve(chunks)),
        }
    }

    fn occupied_slot(&self, address: usize) -> Result<NonNull<u8>, InvalidFree> {
        let (chunk, index) = self.depot().slot_at(address)?;
        let slot = chunk.slot(index);
        let vacant = chunk.vacancy().contains(index) || self.vacant().any(|vacant| vacant == slot);
        if vacant { Err(InvalidFree::Vacant) } else { Ok(slot) }
    }

    fn contains(&self, address: usize) -> bool {
        self.depot().contains(address)
    }

    fn trim(&self) -> usize {
        self.release_pages()
    }

    fn bytes_upstream(&self) -> usize {
        self.depot().bytes_upstream()
    }

    fn stats(&self) -> PoolStats {
        let depot = self.depot();
        let len = self.len_of(&depot);
        let lens = (len, self.peak.len().max(len));
        // SAFETY: 1. invariant 1.
        unsafe { depot.stats(lens, self.capacity_of(&depot), self.runs()) }
    }

    fn chunks(&self) -> Chunks {
        // SAFETY: 1. invariant 1.
        unsafe { self.depot().summaries(self.runs()) }
    }

    unsafe fn relocate(&self, slot: NonNull<u8>, move_to: impl FnOnce(NonNull<u8>)) -> bool {
        // SAFETY: 1. clause 1: an occupied slot's chunk has been entered and not been released.
        // 2. It is used here alone.
        let chunk = unsafe { Chunk::of(slot) };
        if chunk.kind() == Kind::Lone || chunk.number() == 0 {
            return false;
        }
        // Who finds no slot meanwhile waits for the depot, and looks again: the value has two.
        let depot = self.depot();
        let _aside = self.peak.aside(1);
        let target = self.take_below(chunk.number()).or_else(|| {
            self.bring_in(&depot);
            self.take_below(chunk.number())
        });
        point();
        if let Some(target) = target {
            // Control stays in the crate (clause 3).
            move_to(target);
            self.put_into_bitmap(chunk, slot);
        }
        target.is_some()
    }

    fn check_invariants(&self) {
        self.check(false);
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
