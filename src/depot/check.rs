//! Proof by walking: every slot is in one place, and every count is right.

use core::ptr::NonNull;

use super::Depot;
use crate::bit_tree::run_masks;
use crate::chunk::Chunk;
use crate::plan::Growth;

/// Whether everything is walked where nobody asks for it: when a pool is dropped or shrinks. An
/// interpreter takes seconds for that, with a program of a user who looks for faults of his own.
pub(crate) const WALKS_UNASKED: bool = cfg!(all(debug_assertions, not(miri)));

impl Depot {
    /// Walks everything, given the vacant slots that are `held` by the fronts of the core, as the
    /// first of neighbours and their number, and the number of occupied ones. Returns the number of
    /// slots in the bitmaps.
    ///
    /// Where it is `alone` with the core, what is held is marked in the bitmaps for the duration of
    /// the walk, so that a slot that is held twice is found; otherwise nothing is changed. Nothing
    /// is allocated.
    ///
    /// # Panics
    ///
    /// Panics where an invariant does not hold; and where another thread uses the core.
    pub(crate) fn check_invariants<I: Iterator<Item = (NonNull<u8>, usize)>>(
        &self,
        held: impl Fn() -> I,
        occupied: usize,
        alone: bool,
    ) -> usize {
        let vacant = self.check_counts();
        let mut count = 0;
        for (chunk, word, mask) in held().flat_map(|run| self.bits_of(run)) {
            assert_eq!(chunk.vacancy().word(word) & mask, 0, "Depot invariant 3: in two places");
            if alone {
                chunk.vacancy().insert(word, mask);
            }
            count += mask.count_ones() as usize;
        }
        if alone {
            for (chunk, word, mask) in held().flat_map(|run| self.bits_of(run)) {
                chunk.vacancy().remove(word, mask);
            }
        }
        // Depot invariant 3: what is nowhere else is occupied.
        assert_eq!(self.entered, vacant + count + occupied, "len counts the occupied slots");
        vacant
    }

    /// The chunk of neighbours in a front, and the words and the bits that stand for them there.
    fn bits_of(
        &self,
        (first, count): (NonNull<u8>, usize),
    ) -> impl Iterator<Item = (Chunk, usize, usize)> {
        let (chunk, index) =
            self.slot_at(first.addr().get()).expect("a front holds slots of entered chunks");
        assert!(index + count <= chunk.slots(), "neighbours lie in one chunk");
        run_masks(index, count).map(move |(word, mask)| (chunk, word, mask))
    }

    /// Checks all but where the slots of the fronts lie. Returns the number of slots in the
    /// bitmaps.
    fn check_counts(&self) -> usize {
        let (mut entered, mut vacant) = (0, 0);
        for (number, chunk) in self.chunks.iter().enumerate() {
            let (_, slots, _) = self.place(number).expect("Depot invariant 1");
            assert_eq!(chunk.slots(), slots, "Depot invariant 6");
            assert_eq!(chunk.number(), number, "Depot invariant 2");
            assert_eq!(chunk.owner(), self.owner, "Depot invariant 2");
            let in_bitmap = chunk.vacancy().count();
            assert!(in_bitmap + chunk.given_up() <= slots, "leaked slots are occupied");
            entered += slots;
            vacant += in_bitmap;
        }
        assert_eq!(entered, self.entered, "Depot invariant 5");
        let capacity: usize = self.reservations.iter().map(|held| held.slots()).sum();
        assert_eq!(capacity, self.capacity, "Depot invariant 5");
        let bytes: usize = self.reservations.iter().map(|held| held.bytes()).sum();
        assert_eq!(bytes, self.bytes, "Depot invariant 5");
        assert!(self.growth == Growth::Bounded || self.reserved().0 <= 1, "Depot invariant 1");
        assert!(self.chunks.len() <= self.chunk_count(), "Depot invariant 1");
        assert!(self.chunks.capacity() >= self.chunk_count(), "Depot invariant 4");
        vacant
    }
}
