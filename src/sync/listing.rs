//! Chunks on their way to where threads find them, and from there.
//!
//! A thread that stops on the way, by a panic, holds up nobody: the next that needs slots goes on
//! with the chunk, or finds it where it was.

use super::sync_core::SyncCore;
use crate::atomic::MutexGuard;
use crate::bit_tree::run_masks;
use crate::chunk::Chunk;
use crate::depot::{Depot, WALKS_UNASKED};
use crate::fault::point;
use crate::plan::Growth;

impl SyncCore {
    /// Enters the next chunk, and reserves one where there is none and the core may grow. Returns
    /// whether there are slots to be had, by this or meanwhile.
    #[cold]
    pub(super) fn add_slots(&self) -> bool {
        let mut depot = self.depot();
        if self.tokens.count() != 0 {
            return true;
        }
        let Some(chunk) = self.unlisted(&depot).or_else(|| self.enter_next(&mut depot)) else {
            return false;
        };
        point();
        set_all_bits(chunk);
        let entering = Entering { core: self, chunk };
        // SAFETY: 1. `shrink_to` clears the table before it releases chunks, and otherwise they
        // stay as long as the depot.
        unsafe { self.table.enter(chunk.number(), chunk) };
        point();
        // INVARIANT: `SyncCore` 7. the bits and the hints to their words were set above.
        self.table.hint(chunk.number());
        point();
        self.peak.set_entered(depot.entered());
        point();
        drop(entering);
        true
    }

    /// The last chunk, where a thread has entered it and then stopped: no other has seen it yet.
    pub(super) fn unlisted(&self, depot: &Depot) -> Option<Chunk> {
        let last = *depot.chunks().last().filter(|_| self.growth != Growth::Lone)?;
        self.table.get(last.number()).is_none().then_some(last)
    }

    /// Enters the next chunk of `depot`, the core's, which reserves one where there is none and it
    /// may grow.
    fn enter_next(&self, depot: &mut Depot) -> Option<Chunk> {
        if !depot.has_next() {
            if self.growth != Growth::OnDemand {
                return None;
            }
            depot.extend(&mut |chunks| self.table.reserve(chunks)).ok()?;
            point();
        }
        depot.enter_next()
    }

    /// Gives wholly vacant chunks of a growing core back, as long as it keeps `floor` slots;
    /// returns the number of bytes.
    ///
    /// # Safety
    ///
    /// 1. No other thread uses the core.
    pub(crate) unsafe fn shrink_to(&self, floor: usize) -> usize {
        if self.growth != Growth::OnDemand {
            return 0;
        }
        if WALKS_UNASKED {
            self.check(true);
        }
        // SAFETY: 1. clause 1.
        unsafe { self.empty_caches() };
        let depot = self.depot();
        if let Some(chunk) = self.unlisted(&depot) {
            set_all_bits(chunk);
        }
        let mut listing = Listing { core: self, depot };
        self.table.clear();
        point();
        listing.depot.release_vacant(floor)
    }
}

/// Sets all bits of a chunk that no other thread has seen: some may be set, where one stopped
/// there.
fn set_all_bits(chunk: Chunk) {
    for (index, mask) in run_masks(0, chunk.slots()) {
        let missing = mask & !chunk.vacancy().word(index);
        if missing != 0 {
            // INVARIANT: `Depot` 3. from nowhere to the bitmap.
            chunk.vacancy().insert(index, missing);
        }
        point();
    }
}

/// A chunk with all bits set, on its way to where threads find it. When this ends, be it by a
/// panic, a chunk that has arrived has its tokens: who takes one finds a slot, and none is lost.
struct Entering<'c> {
    core: &'c SyncCore,
    chunk: Chunk,
}

impl Drop for Entering<'_> {
    fn drop(&mut self) {
        if self.core.table.get(self.chunk.number()).is_some() {
            // INVARIANT: `SyncCore` 2. the bits were set before.
            self.core.tokens.give(self.chunk.slots());
        }
    }
}

/// A core that nobody else uses, while its chunks change. When this ends, be it by a panic, each is
/// in the table under its number, and there are as many tokens as bits.
struct Listing<'c> {
    core: &'c SyncCore,
    depot: MutexGuard<'c, Depot>,
}

impl Drop for Listing<'_> {
    fn drop(&mut self) {
        let SyncCore { table, tokens, peak, .. } = self.core;
        table.clear();
        tokens.take(usize::MAX);
        for chunk in self.depot.chunks() {
            // INVARIANT: `SyncCore` 3. and 7. here.
            // SAFETY: 1. as in `add_slots`.
            unsafe { table.enter(chunk.number(), *chunk) };
            table.hint(chunk.number());
            // INVARIANT: `SyncCore` 2. here.
            tokens.give(chunk.vacancy().count());
        }
        peak.set_entered(self.depot.entered());
    }
}
