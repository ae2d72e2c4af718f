//! Slots on their way from a thread to the bitmaps.

use core::array;
use core::ptr::NonNull;

use super::cache::Cache;
use super::refill::shared;
use super::sync_core::SyncCore;
use crate::bit_tree::{WORD_BITS, run_masks};
use crate::chunk::{Chunk, Kind};
use crate::fault::point;

/// The number of words whose slots are gathered before they are given.
const GATHERED_WORDS: usize = 2 * WORD_BITS;

/// The number of slots that are looked at together: values freed in the order in which they were
/// allocated leave runs of neighbours.
const GROUP: usize = 4;

/// Slots by the words that their bits are in.
///
/// A locked instruction costs as much as all else for a slot, and with this it serves many. A word
/// has its place by its number, in which another word may be.
struct Gathered<'c> {
    core: &'c SyncCore,
    places: [Option<(Chunk, usize, usize)>; GATHERED_WORDS],
}

impl Gathered<'_> {
    /// Adds the slots that `mask` names in word `index` of the bitmap of `chunk`.
    fn add(&mut self, chunk: Chunk, index: usize, mask: usize) {
        point();
        match &mut self.places[(index + chunk.number()) % GATHERED_WORDS] {
            Some((same_chunk, same_index, masks))
                if *same_chunk == chunk && *same_index == index =>
            {
                *masks |= mask;
            }
            place => {
                if let Some((chunk, index, masks)) = place.replace((chunk, index, mask)) {
                    self.core.give(chunk, index, masks);
                }
            }
        }
    }

    /// Gives all that is there.
    fn give(self) {
        for (chunk, index, masks) in self.places.into_iter().flatten() {
            self.core.give(chunk, index, masks);
        }
    }
}

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
                self.spill_from(cache, cache.half());
                point();
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
            self.put_into_bitmap(chunk, slot);
        }
    }

    /// Puts a slot of `chunk`, one of this core, into the bitmap. It is the caller's, and in no
    /// other place.
    pub(super) fn put_into_bitmap(&self, chunk: Chunk, slot: NonNull<u8>) {
        let (index, mask) = chunk.bit_of(slot);
        point();
        self.give(chunk, index, mask);
        point();
        // INVARIANT: `SyncCore` 2. the bit was set above.
        self.tokens.give(1);
    }

    /// Moves slots from the magazine of `cache`, which is this thread's or nobody's, into the
    /// bitmaps, `most` of them if there are as many: those that were put in last, since to move the
    /// others to the bottom would take longer than to get these.
    pub(super) fn spill_from(&self, cache: &Cache, most: usize) {
        let stride = self.geometry.stride().bytes();
        let mut gathered = Gathered { core: self, places: [None; GATHERED_WORDS] };
        let mut slots = cache.magazine.take_last(most);
        let mut count = 0;
        loop {
            let group: [Option<NonNull<u8>>; GROUP] = array::from_fn(|_| slots.next());
            let [Some(first), .., last] = group else { break };
            // SAFETY: 1. `SyncCore` invariant 1. 2. In this turn, while the chunk is not released
            // since the slot is in no bitmap.
            let chunk = unsafe { Chunk::of(first) };
            // One branch that is mostly foreseen, not one for each slot. Between the slots of two
            // chunks there is a header, so neighbours are of one chunk.
            let address = |slot: Option<NonNull<u8>>| slot.map_or(0, |slot| slot.addr().get());
            let gaps = group.windows(2).fold(0, |gaps, pair| {
                gaps | (address(pair[1]).wrapping_sub(address(pair[0])) ^ stride)
            });
            if gaps == 0 && last.is_some() {
                count += GROUP;
                for (index, mask) in run_masks(chunk.index_of(first), GROUP) {
                    gathered.add(chunk, index, mask);
                }
                continue;
            }
            for slot in group.into_iter().flatten() {
                count += 1;
                // SAFETY: 1. and 2. as for the first slot.
                let chunk = unsafe { Chunk::of(slot) };
                let (index, mask) = chunk.bit_of(slot);
                gathered.add(chunk, index, mask);
            }
        }
        gathered.give();
        point();
        if count != 0 {
            // INVARIANT: `SyncCore` 2. the bits were set above.
            self.tokens.give(count);
        }
    }

    /// Sets bits in the bitmap of a chunk, for slots that were the caller's.
    pub(super) fn give(&self, chunk: Chunk, index: usize, mask: usize) {
        // INVARIANT: `Depot` 3. from the caller to the bitmap.
        let number = chunk.number();
        shared(&chunk).give(index, mask, || self.table.hint(number));
    }
}
