//! Slots on their way from a thread to the bitmaps.

use core::array;
use core::cell::Cell;
use core::ptr::NonNull;

use super::cache::Cache;
use super::shared_bits::{hint_to, shared};
use super::sync_core::SyncCore;
use crate::bit_tree::{WORD_BITS, run_masks};
use crate::chunk::{Chunk, Kind};
use crate::depot::Depot;
use crate::fault::point;

/// The number of words whose slots are gathered before they are given.
const GATHERED_WORDS: usize = 2 * WORD_BITS;

/// The number of slots that are looked at together: values freed in the order in which they were
/// allocated leave runs of neighbours.
const GROUP: usize = 4;

/// What is on its way to a word of a bitmap.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// The address of the header of the word's chunk, and the number of the word, added up: no two
    /// words have the same. The chunk may have been released, unless there are slots.
    key: usize,
    /// The chunk, where there are slots.
    chunk: Option<Chunk>,
    /// The bits that stand for them.
    mask: usize,
}

impl Place {
    /// The number of the word in the bitmap of its chunk.
    fn index(self, chunk: Chunk) -> usize {
        self.key - chunk.as_ptr().addr().get()
    }
}

/// Slots by the words that their bits are in, on their way from a magazine to there.
///
/// A locked instruction costs as much as all else for a slot, and with this it serves many. A word
/// has its place by its number, and keeps it, over many spills, until another needs it: so a slot
/// mostly finds its word there, which is foreseen.
#[derive(Debug)]
pub(super) struct Gathered {
    places: [Cell<Place>; GATHERED_WORDS],
}

impl Gathered {
    /// No slots.
    pub(super) const fn new() -> Self {
        const NOTHING: Place = Place { key: 0, chunk: None, mask: 0 };
        Self { places: [const { Cell::new(NOTHING) }; GATHERED_WORDS] }
    }

    /// Adds the slots that `mask` names in word `index` of the bitmap of `chunk`, one of `core`,
    /// and gives what has had their place; returns how many slots were given.
    #[inline]
    fn add(&self, core: &SyncCore, chunk: Chunk, index: usize, mask: usize) -> usize {
        point();
        let place = &self.places[(index + chunk.number()) % GATHERED_WORDS];
        let key = chunk.as_ptr().addr().get() + index;
        let (there, added) = (place.get(), Place { key, chunk: Some(chunk), mask });
        if there.key == key {
            place.set(Place { mask: there.mask | mask, ..added });
            return 0;
        }
        take_over(place, added, core)
    }

    /// Gives all that is there to `core`; returns how many slots that were.
    fn give(&self, core: &SyncCore) -> usize {
        let mut hints = Hints::none();
        let mut given = 0;
        for place in &self.places {
            let there = place.get();
            let Some(chunk) = there.chunk else { continue };
            place.set(Place { chunk: None, mask: 0, ..there });
            given += there.mask.count_ones() as usize;
            let index = there.index(chunk);
            // INVARIANT: `Depot` 3. from the place to the bitmap.
            if shared(&chunk).give_unhinted(index, there.mask) {
                hints.add(core, chunk, index);
            }
        }
        hints.give(core);
        given
    }
}

/// Hints that are yet to be set, in one word of them.
#[derive(Debug)]
struct Hints {
    chunk: Option<Chunk>,
    at: usize,
    mask: usize,
}

impl Hints {
    const fn none() -> Self {
        Self { chunk: None, at: 0, mask: 0 }
    }

    /// Adds the one to word `index` of a bitmap, and sets the others first if they are elsewhere.
    fn add(&mut self, core: &SyncCore, chunk: Chunk, index: usize) {
        let at = index / WORD_BITS;
        if (self.chunk, self.at) != (Some(chunk), at) {
            self.give(core);
            *self = Self { chunk: Some(chunk), at, mask: 0 };
        }
        self.mask |= hint_to(index);
    }

    /// Sets them.
    fn give(&self, core: &SyncCore) {
        if let Some(chunk) = self.chunk {
            let number = chunk.number();
            shared(&chunk).hint(self.at, self.mask, || core.table.hint(number));
        }
    }
}

/// Gives what is in a place, and puts something for another word there; returns how many slots
/// were given. (Apart from where it is called, which is done for every slot.)
#[cold]
#[inline(never)]
fn take_over(place: &Cell<Place>, by: Place, core: &SyncCore) -> usize {
    let there = place.replace(by);
    let Some(chunk) = there.chunk else { return 0 };
    core.give(chunk, there.index(chunk), there.mask);
    there.mask.count_ones() as usize
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
                // SAFETY: 1. `SyncCore` invariant 1. 2. It is used while the slot is in no bitmap,
                // and the chunk is not released before that.
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
            // SAFETY: 1. `SyncCore` invariant 1. 2. It is used while the slot is in no bitmap, and
            // the chunk is not released before that.
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
        // INVARIANT: `Depot` 3. from the caller to the bitmap.
        let number = chunk.number();
        shared(&chunk).give(index, mask, || self.table.hint(number));
    }
}
