//! Pages on their way back to the system, while threads use the core.

use alloc::vec::Vec;
use core::mem;

use super::shared_bits::SharedBits;
use super::sync_core::SyncCore;
use crate::bit_tree::WORD_BITS;
use crate::chunk::Chunk;
use crate::depot::release_pages_of;
use crate::fault::point;
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
        let depot = self.depot();
        self.bring_in(&depot);
        let count = depot.chunks().len();
        drop(depot);
        let entered: usize = (0..count).map(|number| self.release_pages_in(number)).sum();
        entered + self.depot().release_pages_behind()
    }

    /// Gives the whole pages of an entered chunk back that have no occupied slot.
    fn release_pages_in(&self, number: usize) -> usize {
        let depot = self.depot();
        let Some(&chunk) = depot.chunks().get(number) else { return 0 };
        let _aside = self.peak.aside(chunk.slots());
        let claimed = self.claim_all(chunk);
        point();
        // SAFETY: 1. these slots have been claimed, and are in no other place.
        unsafe {
            release_pages_of(chunk, |index| claimed.words.get(index).copied().unwrap_or_default())
        }
    }

    /// Claims the vacant slots of a chunk, as many as there are tokens for, and none where memory
    /// to note them is refused.
    fn claim_all(&self, chunk: Chunk) -> Claimed<'_> {
        let words = chunk.slots().div_ceil(WORD_BITS);
        let mut claimed = Claimed { core: self, chunk, words: Vec::new() };
        if claimed.words.try_reserve_exact(words).is_err() {
            return claimed;
        }
        for index in 0..words {
            let tokens = self.tokens.take(WORD_BITS);
            point();
            let tell = || self.table.hint(chunk.number());
            let mask = SharedBits::of(&chunk).claim_word(index, tokens, tell);
            claimed.words.push(mask);
            let unused = tokens - mask.count_ones() as usize;
            if unused != 0 {
                self.tokens.give(unused);
            }
            point();
        }
        claimed
    }
}

/// Vacant slots of a chunk, word by word, that go back into its bitmap when this ends, be it by a
/// panic.
struct Claimed<'c> {
    core: &'c SyncCore,
    chunk: Chunk,
    words: Vec<usize>,
}

impl Drop for Claimed<'_> {
    fn drop(&mut self) {
        if self.words.is_empty() {
            return;
        }
        // Where this thread stops at one, the others still go back.
        let mut rest = Self { words: mem::take(&mut self.words), ..*self };
        while let Some(mask) = rest.words.pop() {
            if mask != 0 {
                self.core.give(self.chunk, rest.words.len(), mask);
                point();
                // INVARIANT: `SyncCore` 2. the bits were just set.
                self.core.tokens.give(mask.count_ones() as usize);
            }
        }
    }
}
