//! Pages on their way back to the system, while threads use the core.

use alloc::vec::Vec;

use super::refill::shared;
use super::sync_core::SyncCore;
use crate::bit_tree::WORD_BITS;
use crate::chunk::Chunk;
use crate::depot::release_pages_of;
use crate::pages;

impl SyncCore {
    /// Gives whole pages without an occupied slot back to the system, where that can be done, chunk
    /// by chunk; returns the number of bytes. Slots in magazines stay as they are, but for those of
    /// this thread, and so do headers and bitmaps.
    ///
    /// The slots of a chunk are taken meanwhile, as for values. Who finds none left waits for the
    /// depot, and looks again: so a core refuses nothing that it has room for.
    pub(super) fn release_pages(&self) -> usize {
        if !pages::CAN_RELEASE {
            return 0;
        }
        self.caches.with_own(|cache| self.spill_from(cache, usize::MAX));
        let count = self.depot().chunks().len();
        let entered: usize = (0..count).map(|number| self.release_pages_in(number)).sum();
        entered + self.depot().release_pages_behind()
    }

    /// Gives the whole pages of an entered chunk back that have no occupied slot.
    fn release_pages_in(&self, number: usize) -> usize {
        let depot = self.depot();
        let Some(&chunk) = depot.chunks().get(number) else { return 0 };
        self.peak.set_aside(chunk.slots());
        let claimed = self.claim_all(chunk).unwrap_or_default();
        // SAFETY: 1. these slots have been claimed, and are in no other place.
        let bytes = unsafe {
            release_pages_of(chunk, |index| claimed.get(index).copied().unwrap_or_default())
        };
        let mut count = 0;
        for (index, &mask) in claimed.iter().enumerate().filter(|(_, mask)| **mask != 0) {
            self.give(chunk, index, mask);
            count += mask.count_ones() as usize;
        }
        if count != 0 {
            // INVARIANT: `SyncCore` 2. the bits were set above.
            self.tokens.give(count);
        }
        self.peak.set_aside(0);
        drop(depot);
        bytes
    }

    /// Claims the vacant slots of a chunk, as many as there are tokens for; returns them word by
    /// word, or nothing where memory to note them is refused.
    fn claim_all(&self, chunk: Chunk) -> Option<Vec<usize>> {
        let words = chunk.slots().div_ceil(WORD_BITS);
        let mut claimed = Vec::new();
        claimed.try_reserve_exact(words).ok()?;
        let taken = self.tokens.take(chunk.slots());
        let mut rest = taken;
        for index in 0..words {
            let mask = shared(&chunk).claim_word(index, rest, || self.table.hint(chunk.number()));
            rest -= mask.count_ones() as usize;
            claimed.push(mask);
        }
        if rest != 0 {
            self.tokens.give(rest);
        }
        Some(claimed)
    }
}
