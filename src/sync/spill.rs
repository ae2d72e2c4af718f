//! Slots on their way from a thread to the bitmaps.

use core::ptr::NonNull;

use super::cache::Cache;
use super::refill::shared;
use super::sync_core::SyncCore;
use crate::bit_tree::WORD_BITS;
use crate::chunk::{Chunk, Kind};

/// The most slots that are spilled at once, so that the worst single free stays short.
const SPILL_SLOTS: usize = 2 * WORD_BITS;

/// The number of words whose slots are gathered before they are given.
const GATHERED_WORDS: usize = WORD_BITS;

impl SyncCore {
    /// Makes a slot vacant where the magazine of this thread is full, or the thread has none.
    ///
    /// # Safety
    ///
    /// 1. `slot` is an occupied slot of this core, with the provenance of its chunk.
    /// 2. The slot belongs to the caller, who gives it up.
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn spill(&self, slot: NonNull<u8>) {
        let pushed = self.cache().is_some_and(|cache| {
            // It has room where it is another's that has ended, or one just made.
            cache.magazine.push(slot) || {
                self.spill_from(cache, SPILL_SLOTS);
                cache.magazine.push(slot)
            }
        });
        if !pushed {
            // SAFETY: 1. clause 1: an occupied slot's chunk has been entered and not been released.
            // 2. It is used here alone.
            let chunk = unsafe { Chunk::of(slot) };
            if chunk.kind() == Kind::Lone {
                self.release_lone(chunk);
                return;
            }
            let (index, mask) = chunk.bit_of(slot);
            self.give(chunk, index, mask);
            self.tokens.give(1);
        }
    }

    /// Moves slots from the magazine of `cache`, which is this thread's or nobody's, into the
    /// bitmaps, `most` of them if there are as many: those that were put in last, since to move the
    /// others to the bottom would take longer than to get these.
    pub(super) fn spill_from(&self, cache: &Cache, most: usize) {
        let mut count = 0;
        // A locked instruction costs as much as all else for a slot: slots of one word are gathered,
        // in a place that other words may claim.
        let mut gathered: [Option<(Chunk, usize, usize)>; GATHERED_WORDS] = [None; GATHERED_WORDS];
        while let Some(slot) = (count < most).then(|| cache.magazine.pop()).flatten() {
            count += 1;
            // SAFETY: 1. `SyncCore` invariant 1. 2. In this function, while the chunk is not released
            // since the slot is in no bitmap.
            let chunk = unsafe { Chunk::of(slot) };
            let (index, mask) = chunk.bit_of(slot);
            match &mut gathered[(index + chunk.number()) % GATHERED_WORDS] {
                Some((same_chunk, same_index, masks))
                    if *same_chunk == chunk && *same_index == index =>
                {
                    *masks |= mask;
                }
                place => {
                    if let Some((chunk, index, masks)) = place.replace((chunk, index, mask)) {
                        self.give(chunk, index, masks);
                    }
                }
            }
        }
        for (chunk, index, masks) in gathered.into_iter().flatten() {
            self.give(chunk, index, masks);
        }
        if count != 0 {
            // INVARIANT: `SyncCore` 2. the bits were set above.
            self.tokens.give(count);
        }
    }

    /// Sets bits in the bitmap of a chunk, for slots that were the caller's.
    fn give(&self, chunk: Chunk, index: usize, mask: usize) {
        // INVARIANT: `Depot` 3. from the caller to the bitmap.
        let number = chunk.number();
        shared(&chunk).give(index, mask, || self.table.hint(number));
    }
}
