//! Proof by walking: every slot is in one place, and every count is right.

use core::ptr::NonNull;

use super::Depot;
use crate::bit_tree::WORD_BITS;
use crate::chunk::Chunk;
use crate::plan::Growth;

impl Depot {
    /// Walks everything, given the vacant slots that are `held` by the fronts of the core, and the
    /// number of occupied ones. Returns the number of slots in the bitmaps.
    ///
    /// Where it is `alone` with the core, what is held is marked in the bitmaps for the duration of
    /// the walk, so that a slot that is held twice is found; otherwise nothing is changed. Nothing
    /// is allocated.
    ///
    /// # Panics
    ///
    /// Panics where an invariant does not hold; and where another thread uses the core.
    pub(crate) fn check_invariants<I: Iterator<Item = NonNull<u8>>>(
        &self,
        held: impl Fn() -> I,
        occupied: usize,
        alone: bool,
    ) -> usize {
        let vacant = self.check_counts();
        let mut count = 0;
        for slot in held() {
            let (chunk, word, bit) = self.bit_of(slot);
            assert_eq!(chunk.vacancy().word(word) & bit, 0, "Depot invariant 3: in two places");
            if alone {
                chunk.vacancy().insert(word, bit);
            }
            count += 1;
        }
        if alone {
            for slot in held() {
                let (chunk, word, bit) = self.bit_of(slot);
                chunk.vacancy().remove(word, bit);
            }
        }
        // Depot invariant 3: what is nowhere else is occupied.
        assert_eq!(self.entered, vacant + count + occupied, "len counts the occupied slots");
        vacant
    }

    /// The chunk of a slot in a front, and the word and the bit that stand for it there.
    fn bit_of(&self, slot: NonNull<u8>) -> (Chunk, usize, usize) {
        let (chunk, index) =
            self.slot_at(slot.addr().get()).expect("a front holds slots of entered chunks");
        (chunk, index / WORD_BITS, 1 << (index % WORD_BITS))
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
