//! Memory that several cores of one thread have in common: tracts, and the small chunks in them.
//!
//! A core with few slots takes some granules of a tract, one with many takes whole tracts. What is
//! vacant again serves any of them, without the upstream allocator.

use alloc::alloc::{alloc, dealloc};
use alloc::vec::Vec;
use core::alloc::Layout;
use core::cell::{Cell, RefCell};
use core::ptr::NonNull;
use core::sync::atomic::Ordering::Relaxed;

use crate::chunk::Chunk;
use crate::error::PoolError;
use crate::geometry::{CHUNK_ALIGN, GRANULE, GRANULES, SHARED_GRANULES, TRACT_HEADER_GRANULES};
use crate::granules::Granules;
use crate::guard;

/// The first tract is 2^this times shorter than others, the second half as much, and so on: there
/// may never be more to serve.
const SHORTER: usize = 2;

/// A tract that small chunks share.
#[derive(Debug)]
struct Tract {
    base: NonNull<u8>,
    granules: Granules,
}

impl Tract {
    fn layout(&self) -> Layout {
        layout(self.granules.end())
    }
}

/// The layout of a tract that is `granules` granules long.
fn layout(granules: usize) -> Layout {
    Layout::from_size_align(granules * GRANULE, CHUNK_ALIGN).expect("a tract is small")
}

/// Tracts, by what they are used for. Those that are chunks are known to the cores that have them.
#[derive(Debug, Default)]
struct Tracts {
    shared: Vec<Tract>,
    spare: Vec<NonNull<u8>>,
}

/// Where cores get memory in common. It lies at an address that does not change.
///
/// Control leaves for the upstream allocator while `tracts` is borrowed. One that uses the very
/// pool it serves finds that: a panic.
///
/// # Invariants
///
/// 1. What is in `shared` points to as many granules of memory, with the provenance of their
///    allocation, that [`Ground::reserve`] got, and has been entered as a tract of `owner`. The
///    vacant granules are nobody's.
/// 2. What is in `spare` points to a whole tract that it got, with the provenance of its
///    allocation, which is nobody's.
#[derive(Debug)]
pub(crate) struct Ground {
    owner: NonNull<()>,
    tracts: RefCell<Tracts>,
    may_reserve: Cell<bool>,
    reserved: Cell<usize>,
    allocations: Cell<usize>,
    releases: Cell<usize>,
    /// How much is to be reserved before it is worth looking for vacant chunks again.
    patience: Cell<usize>,
}

impl Ground {
    /// Ground without memory, whose tracts are going to name `owner`.
    pub(crate) fn new(owner: NonNull<()>) -> Self {
        // INVARIANT: 1. and 2. there is nothing.
        Self {
            owner,
            tracts: RefCell::default(),
            may_reserve: Cell::new(true),
            reserved: Cell::new(0),
            allocations: Cell::new(0),
            releases: Cell::new(0),
            patience: Cell::new(0),
        }
    }

    /// The number of bytes in all tracts.
    pub(crate) fn bytes_reserved(&self) -> usize {
        self.reserved.get()
    }

    /// The numbers of upstream allocations and of releases so far, for tracts.
    pub(crate) fn upstream_calls(&self) -> (usize, usize) {
        (self.allocations.get(), self.releases.get())
    }

    /// Whether it is worth having cores give back chunks, of which `vacant` bytes are: a quarter,
    /// and some more than when that last brought little.
    pub(crate) fn is_worth_gathering(&self, vacant: usize) -> bool {
        let reserved = self.reserved.get();
        reserved != 0 && reserved >= self.patience.get() && vacant >= reserved / 4
    }

    /// Notes that so many bytes were given back then.
    pub(crate) fn note_gathered(&self, bytes: usize) {
        let reserved = self.reserved.get();
        let little = bytes < reserved / 16;
        self.patience.set(if little { reserved + reserved / 8 } else { 0 });
    }

    /// Whether it may reserve tracts.
    pub(crate) fn may_reserve(&self) -> bool {
        self.may_reserve.get()
    }

    /// Lets `run` have what there is and no more: no tract is reserved.
    pub(crate) fn without_reserving<R>(&self, run: impl FnOnce() -> R) -> R {
        struct Restore<'a>(&'a Cell<bool>, bool);
        impl Drop for Restore<'_> {
            fn drop(&mut self) {
                self.0.set(self.1);
            }
        }
        let _restore = Restore(&self.may_reserve, self.may_reserve.replace(false));
        run()
    }

    /// Takes a whole tract, with the provenance of its allocation. It is the caller's.
    ///
    /// # Errors
    ///
    /// [`PoolError::OutOfMemory`].
    pub(crate) fn take_tract(&self) -> Result<NonNull<u8>, PoolError> {
        let spare = self.tracts.borrow_mut().spare.pop();
        let base = spare.map_or_else(|| self.reserve(GRANULES), Ok)?;
        // SAFETY: 1. invariant 2, or as just reserved.
        unsafe { guard::take_up(base, CHUNK_ALIGN) };
        Ok(base)
    }

    /// Takes `count` granules in a row, at least one and at most [`SHARED_GRANULES`], for a small
    /// chunk that starts with the first of them, with the provenance of their tract. They are the
    /// caller's.
    ///
    /// # Errors
    ///
    /// [`PoolError::OutOfMemory`].
    pub(crate) fn take_granules(&self, count: usize) -> Result<NonNull<u8>, PoolError> {
        debug_assert!((1..=SHARED_GRANULES).contains(&count));
        let tracts = &mut *self.tracts.borrow_mut();
        let take = |tract: &mut Tract| Some((tract.base, tract.granules.take(count)?));
        let (base, start) = match tracts.shared.iter_mut().find_map(take) {
            Some(found) => found,
            None => {
                let end = self.add_shared(tracts, count)?;
                let tract = tracts.shared.last_mut().and_then(take);
                tract.ok_or(PoolError::OutOfMemory { bytes: layout(end).size() })?
            }
        };
        // SAFETY: 1. invariant 1: the tract was entered, and stays while a granule is taken. 2. It
        // is used here alone.
        let tract = unsafe { Chunk::of(base) };
        for granule in &tract.granules()[start..start + count] {
            // There are fewer than 256 granules, by an assertion in `geometry`.
            // INVARIANT: `Chunk` 4. here.
            granule.store(start as u8, Relaxed);
        }
        // SAFETY: the granule lies in the tract (invariant 1).
        let first = unsafe { base.byte_add(start * GRANULE) };
        // SAFETY: 1. invariant 1: they were nobody's.
        unsafe { guard::take_up(first, count * GRANULE) };
        Ok(first)
    }

    /// Adds a tract to the shared ones that has `count` granules at least. Returns its length.
    fn add_shared(&self, tracts: &mut Tracts, count: usize) -> Result<usize, PoolError> {
        let shorter = SHORTER.saturating_sub(tracts.shared.len());
        let wished = (GRANULES >> shorter).max(TRACT_HEADER_GRANULES + count);
        let out_of_memory = PoolError::OutOfMemory { bytes: layout(wished).size() };
        tracts.shared.try_reserve(1).map_err(|_| out_of_memory)?;
        let (base, end) = match tracts.spare.pop() {
            Some(base) => (base, GRANULES),
            None => (self.reserve(wished)?, wished),
        };
        // SAFETY: 1. invariant 2, or as just reserved.
        unsafe { guard::take_up(base, TRACT_HEADER_GRANULES * GRANULE) };
        // SAFETY: 1. a tract is so aligned, and longer than its header. 2. It is nobody's, by
        // invariant 2 or as just reserved. 3. A tract of `shared` is used while one of its granules
        // is taken, and released while none is.
        let tract = unsafe { Chunk::enter_tract(base, self.owner) };
        // SAFETY: 1. it has none.
        unsafe { guard::enter(tract) };
        // INVARIANT: 1. by the lines above.
        tracts.shared.push(Tract { base, granules: Granules::new(end) });
        Ok(end)
    }

    /// Takes memory back that holds a chunk no more.
    ///
    /// # Safety
    ///
    /// 1. `base` came from [`Ground::take_tract`] and `bytes` is the size of a tract, or it came
    ///    from [`Ground::take_granules`] and `bytes` is that of as many granules as were taken; of
    ///    this very ground.
    /// 2. They are the caller's, who gives them up, and nothing refers to them.
    pub(crate) unsafe fn put_back(&self, base: NonNull<u8>, bytes: usize) {
        let tracts = &mut *self.tracts.borrow_mut();
        // SAFETY: 1. clauses 1 and 2.
        unsafe { guard::lay_by(base, bytes) };
        if bytes == CHUNK_ALIGN {
            // SAFETY: 1. clauses 1 and 2.
            unsafe { self.put_spare(&mut tracts.spare, base) };
            return;
        }
        let start = base.addr().get() % CHUNK_ALIGN;
        let tract = base.addr().get() - start;
        let place = tracts.shared.iter().position(|shared| shared.base.addr().get() == tract);
        let place = place.expect("granules are those of a shared tract");
        let Tract { base, granules } = &mut tracts.shared[place];
        let taken = start / GRANULE..(start + bytes) / GRANULE;
        // SAFETY: 1. invariant 1. 2. It is used here alone.
        for granule in &unsafe { Chunk::of(*base) }.granules()[taken.clone()] {
            // INVARIANT: `Chunk` 4. here.
            granule.store(0, Relaxed);
        }
        // INVARIANT: 1. clause 2.
        granules.put_back(taken);
        if granules.are_vacant() && granules.end() == GRANULES {
            let tract = tracts.shared.swap_remove(place);
            // SAFETY: 1. it is a whole tract by the lines above, got by `reserve` (invariant 1),
            // and no granule is taken, so nothing refers to it.
            unsafe { self.put_spare(&mut tracts.spare, tract.base) };
        }
    }

    /// Adds a tract to the spare ones, or releases it where there is no room to note it.
    ///
    /// # Safety
    ///
    /// 1. `base` points to a whole tract that [`Ground::reserve`] got, with the provenance of its
    ///    allocation; it is the caller's, who gives it up, and nothing refers to it.
    unsafe fn put_spare(&self, spare: &mut Vec<NonNull<u8>>, base: NonNull<u8>) {
        if spare.try_reserve(1).is_ok() {
            // INVARIANT: 2. clause 1.
            spare.push(base);
        } else {
            // SAFETY: 1. clause 1.
            unsafe { self.release(base, layout(GRANULES)) };
        }
    }

    /// Gives every wholly vacant tract back to the upstream allocator.
    pub(crate) fn release_vacant(&self) {
        self.patience.set(0);
        let tracts = &mut *self.tracts.borrow_mut();
        for base in tracts.spare.drain(..) {
            // SAFETY: 1. invariant 2.
            unsafe { self.release(base, layout(GRANULES)) };
        }
        tracts.shared.retain(|tract| {
            let kept = !tract.granules.are_vacant();
            if !kept {
                // SAFETY: 1. invariant 1; none of its granules is taken.
                unsafe { self.release(tract.base, tract.layout()) };
            }
            kept
        });
    }

    /// Gets memory for a tract, `granules` granules long, which is the caller's.
    fn reserve(&self, granules: usize) -> Result<NonNull<u8>, PoolError> {
        let layout = layout(granules);
        let refused = PoolError::OutOfMemory { bytes: layout.size() };
        if !self.may_reserve.get() {
            return Err(refused);
        }
        // SAFETY: a tract is not of size 0.
        let base = NonNull::new(unsafe { alloc(layout) }).ok_or(refused)?;
        if !guard::make_room(base, layout.size()) {
            // SAFETY: it was just allocated with this layout.
            unsafe { dealloc(base.as_ptr(), layout) };
            return Err(refused);
        }
        self.reserved.set(self.reserved.get() + layout.size());
        self.allocations.set(self.allocations.get() + 1);
        Ok(base)
    }

    /// Gives the memory of a tract back to the upstream allocator.
    ///
    /// # Safety
    ///
    /// 1. `base` came from [`Ground::reserve`] for a tract of this layout; it is the caller's, who
    ///    gives it up, and nothing refers to it.
    unsafe fn release(&self, base: NonNull<u8>, layout: Layout) {
        self.reserved.set(self.reserved.get() - layout.size());
        self.releases.set(self.releases.get() + 1);
        // SAFETY: 1. clause 1.
        unsafe { guard::leave(base, layout.size()) };
        // SAFETY: `reserve` allocated it with this layout (clause 1).
        unsafe { dealloc(base.as_ptr(), layout) };
    }

    /// Checks what can be seen from here.
    ///
    /// # Panics
    ///
    /// Panics where an invariant does not hold.
    pub(crate) fn check_invariants(&self) {
        let tracts = self.tracts.borrow();
        for tract in &tracts.shared {
            assert_eq!(tract.base.addr().get() % CHUNK_ALIGN, 0, "Ground invariant 1");
            // SAFETY: 1. invariant 1. 2. It is used here alone.
            let chunk = unsafe { Chunk::of(tract.base) };
            assert_eq!(chunk.owner(), self.owner, "Ground invariant 1");
        }
        let shared: usize = tracts.shared.iter().map(|tract| tract.layout().size()).sum();
        assert!(shared + tracts.spare.len() * CHUNK_ALIGN <= self.reserved.get());
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        // A tract with a chunk that is still there is kept, as the chunk is.
        self.release_vacant();
        for tract in &self.tracts.get_mut().shared {
            guard::forget(tract.base, tract.layout().size());
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn a_tract_is_no_longer_than_what_is_taken_of_it_needs() {
        for count in 1..=SHARED_GRANULES {
            let ground = Ground::new(NonNull::dangling());
            let granules = ground.take_granules(count).unwrap();
            let needed = (TRACT_HEADER_GRANULES + count).max(GRANULES >> SHORTER);
            assert_eq!(ground.bytes_reserved(), needed * GRANULE);
            // SAFETY: 1. and 2. they were just taken, and nobody has used them.
            unsafe { ground.put_back(granules, count * GRANULE) };
        }
    }

    #[test]
    fn it_is_worth_gathering_a_quarter_and_not_again_soon_for_little() {
        let ground = Ground::new(NonNull::dangling());
        assert!(!ground.is_worth_gathering(usize::MAX), "there is nothing");
        let granules = ground.take_granules(1).unwrap();
        let reserved = ground.bytes_reserved();
        for little in [false, true, false] {
            ground.note_gathered(reserved / 16 - usize::from(little));
            assert_eq!(ground.is_worth_gathering(reserved / 4), !little);
            assert!(!ground.is_worth_gathering(reserved / 4 - 1));
            let patience = if little { reserved + reserved / 8 } else { 0 };
            assert_eq!(ground.patience.get(), patience);
        }
        ground.patience.set(reserved);
        assert!(ground.is_worth_gathering(reserved), "it has as much as was to be waited for");
        // SAFETY: 1. and 2. it was just taken, and nobody has used it.
        unsafe { ground.put_back(granules, GRANULE) };
        ground.release_vacant();
        assert_eq!((ground.bytes_reserved(), ground.patience.get()), (0, 0));
        assert_eq!(ground.upstream_calls(), (1, 1));
    }

    #[test]
    fn a_ground_with_more_than_it_has_reserved_is_noticed() {
        let ground = Ground::new(NonNull::dangling());
        let granules = ground.take_granules(3).unwrap();
        let tract = ground.take_tract().unwrap();
        // SAFETY: 1. and 2. it was just taken, and nobody has used it.
        unsafe { ground.put_back(tract, CHUNK_ALIGN) };
        // A tract of each kind, and no other.
        ground.check_invariants();
        let reserved = ground.reserved.replace(ground.reserved.get() - 1);
        let noticed = catch_unwind(AssertUnwindSafe(|| ground.check_invariants()));
        ground.reserved.set(reserved);
        assert!(noticed.is_err());
        // SAFETY: 1. and 2. they were just taken, and nobody has used them.
        unsafe { ground.put_back(granules, 3 * GRANULE) };
    }
}
