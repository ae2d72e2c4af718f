//! Slots on their way from a thread to the bitmaps.

use core::ptr::NonNull;

use super::cache::Cache;
use super::refill::shared;
use super::sync_core::SyncCore;
use crate::bit_tree::WORD_BITS;
use crate::chunk::Chunk;

/// The most slots that are spilled at once, so that the worst single free stays short.
const SPILL_SLOTS: usize = WORD_BITS;

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
        // Slots that were freed one after the other are often neighbours: a word is changed once for
        // all of them.
        let mut pending: Option<(Chunk, usize, usize)> = None;
        while let Some(slot) = (count < most).then(|| cache.magazine.pop()).flatten() {
            count += 1;
            // SAFETY: 1. `SyncCore` invariant 1. 2. In this function, while the chunk is not released
            // since the slot is in no bitmap.
            let chunk = unsafe { Chunk::of(slot) };
            let (index, mask) = chunk.bit_of(slot);
            match &mut pending {
                Some((same_chunk, same_index, masks))
                    if *same_chunk == chunk && *same_index == index =>
                {
                    *masks |= mask;
                }
                _ => {
                    if let Some((chunk, index, masks)) = pending.replace((chunk, index, mask)) {
                        self.give(chunk, index, masks);
                    }
                }
            }
        }
        if let Some((chunk, index, masks)) = pending {
            self.give(chunk, index, masks);
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
