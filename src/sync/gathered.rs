//! Slots that a spill gathers by the words that their bits are in.

use core::cell::Cell;

use super::shared_bits::SharedBits;
use super::sync_core::SyncCore;
use crate::bit_tree::{WORD_BITS, mask_of};
use crate::chunk::Chunk;
use crate::fault::point;

/// The number of words whose slots are gathered before they are given.
const GATHERED_WORDS: usize = 2 * WORD_BITS;

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
    pub(super) fn add(&self, core: &SyncCore, chunk: Chunk, index: usize, mask: usize) -> usize {
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
    pub(super) fn give(&self, core: &SyncCore) -> usize {
        let mut hints = Hints::none();
        let mut given = 0;
        for place in &self.places {
            let there = place.get();
            let Some(chunk) = there.chunk else { continue };
            place.set(Place { chunk: None, mask: 0, ..there });
            given += there.mask.count_ones() as usize;
            let index = there.index(chunk);
            // INVARIANT: `Depot` 3. from the place to the bitmap.
            if SharedBits::of(&chunk).give_unhinted(index, there.mask) {
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
    /// In which word: of which chunk, and its number there. The chunk is there as long as threads
    /// use the core, though none of its slots may be ours any more.
    word: Option<(Chunk, usize)>,
    mask: usize,
}

impl Hints {
    const fn none() -> Self {
        Self { word: None, mask: 0 }
    }

    /// Adds the one to word `index` of a bitmap, and sets the others first if they are elsewhere.
    fn add(&mut self, core: &SyncCore, chunk: Chunk, index: usize) {
        let word = Some((chunk, index / WORD_BITS));
        if self.word != word {
            self.give(core);
            *self = Self { word, mask: 0 };
        }
        self.mask |= mask_of(index);
    }

    /// Sets them.
    fn give(&self, core: &SyncCore) {
        if let Some((chunk, at)) = self.word {
            let number = chunk.number();
            // INVARIANT: `SyncCore` 7. the bits were set before.
            SharedBits::of(&chunk).hint(at, self.mask, || core.table.hint(number));
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
