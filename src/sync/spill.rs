//! Slots on their way from a thread to the bitmaps.

use core::array;
use core::ptr::NonNull;

use super::cache::Cache;
use super::shared_bits::SharedBits;
use super::sync_core::SyncCore;
use crate::bit_tree::run_masks;
use crate::chunk::{Chunk, Kind};
use crate::depot::Depot;
use crate::fault::point;

/// The number of slots that are looked at together: values freed in the order in which they were
/// allocated leave runs of neighbours.
const GROUP: usize = 4;

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
                self.spill_half(cache);
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

    /// Moves half of the full magazine of `cache`, which is this thread's, to where others find it.
    fn spill_half(&self, cache: &Cache) {
        // INVARIANT: `Depot` 3. from the magazine to the shelf.
        if cache.put_on_shelf() {
            point();
            // INVARIANT: `SyncCore` 2. by the line above.
            self.tokens.give(cache.half());
        } else {
            self.spill_from(cache, cache.half());
        }
    }

    /// Moves the slots in the magazine of this thread into the bitmaps, and those on all shelves,
    /// as far as there are tokens for them, while the depot is locked: who finds no token meanwhile
    /// waits for it, and looks again.
    pub(super) fn bring_in(&self, _depot: &Depot) {
        self.caches.with_own(|cache| self.spill_from(cache, usize::MAX));
        self.caches.iter().for_each(|cache| self.clear_shelf(cache, false));
    }

    /// Moves the slots that are on the shelf of a cache into the bitmaps: all of them where the
    /// caller is `alone` with the core.
    pub(super) fn clear_shelf(&self, cache: &Cache, alone: bool) {
        let _aside = self.peak.aside(cache.half());
        // Those that are there now: their owner may go on to put some on as fast as these go.
        let mut rest = cache.shelved().count();
        while rest != 0 {
            // Where a thread stops here, tokens are lost, not what they stand for.
            let tokens = self.tokens.take(rest.min(cache.half()));
            point();
            let slots = cache.take_from_shelf(if alone { usize::MAX } else { tokens });
            rest = slots.as_ref().map_or(0, |slots| rest.saturating_sub(slots.len()));
            for slot in slots.into_iter().flatten() {
                // SAFETY: 1. `SyncCore` invariant 1. 2. Chunks whose slots go through magazines are
                // released by `shrink_to` alone, while nobody else uses the core.
                let chunk = unsafe { Chunk::of(slot) };
                let (index, mask) = chunk.bit_of(slot);
                self.give(chunk, index, mask);
                point();
            }
            // INVARIANT: `SyncCore` 2. the slots of these have moved, as many as there were.
            self.tokens.give(tokens);
        }
    }

    /// Moves slots from the magazine of `cache`, which is this thread's or nobody's, into the
    /// bitmaps, `most` of them if there are as many: those that were put in last, since to move the
    /// others to the bottom would take longer than to get these.
    pub(super) fn spill_from(&self, cache: &Cache, most: usize) {
        let Some(gathered) = &cache.gathered else { return };
        let stride = self.geometry.stride().bytes();
        let mut slots = cache.magazine.take_last(most);
        let mut given = 0;
        let add_one = |slot| {
            // SAFETY: 1. `SyncCore` invariant 1. 2. Chunks whose slots go through magazines are
            // released by `shrink_to` alone, while nobody else uses the core.
            let chunk = unsafe { Chunk::of(slot) };
            let (index, mask) = chunk.bit_of(slot);
            gathered.add(self, chunk, index, mask)
        };
        while slots.len() >= GROUP {
            let group: [_; GROUP] = array::from_fn(|_| slots.next().expect("as many are left"));
            // One branch that is mostly foreseen, not one for each slot. Between the slots of two
            // chunks there is a header, so neighbours are of one chunk.
            let gaps = group.windows(2).fold(0, |gaps, pair| {
                gaps | (pair[1].addr().get().wrapping_sub(pair[0].addr().get()) ^ stride)
            });
            if gaps == 0 {
                // SAFETY: 1. and 2. as for a single slot.
                let chunk = unsafe { Chunk::of(group[0]) };
                for (index, mask) in run_masks(chunk.index_of(group[0]), GROUP) {
                    given += gathered.add(self, chunk, index, mask);
                }
            } else {
                given += group.map(add_one).iter().sum::<usize>();
            }
        }
        given += slots.map(add_one).sum::<usize>();
        given += gathered.give(self);
        point();
        if given != 0 {
            // INVARIANT: `SyncCore` 2. the bits were set above.
            self.tokens.give(given);
        }
    }

    /// Sets bits in the bitmap of a chunk, for slots that were the caller's.
    pub(super) fn give(&self, chunk: Chunk, index: usize, mask: usize) {
        let number = chunk.number();
        // INVARIANT: `Depot` 3. from the caller to the bitmap. `SyncCore` 7. the hint comes after.
        SharedBits::of(&chunk).give(index, mask, || self.table.hint(number));
    }
}
