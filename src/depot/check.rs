//! Proof by walking: every slot is in one place, and every count is right.

use super::{Depot, Front, Growth};
use crate::bit_tree::{WORD_BITS, run_masks};
use crate::chunk::Chunk;

impl Depot {
    /// Walks everything.
    ///
    /// Slots in the front are marked in the bitmaps for the duration of the walk: one that is
    /// there already, or comes twice, is in two places. Nothing is allocated.
    ///
    /// # Panics
    ///
    /// Panics where an invariant does not hold.
    pub(crate) fn check_invariants(&self, front: &Front) {
        self.check_counts(front);
        for slot in front.magazine.iter() {
            let (number, index) = self.slot_at(slot.addr().get());
            self.mark(number, index / WORD_BITS, 1 << (index % WORD_BITS));
        }
        if let Some((first, count)) = front.window.run() {
            let (number, index) = self.slot_at(first.addr().get());
            assert!(index + count <= self.chunks[number].slots(), "the window is in one chunk");
            for (word, mask) in run_masks(index, count) {
                self.mark(number, word, mask);
            }
        }
        let clear: usize =
            self.chunks.iter().map(|chunk| chunk.slots() - chunk.vacancy().count()).sum();
        self.unmark(front);
        // Depot invariant 3: what is nowhere else is occupied.
        assert_eq!(clear, self.len(front), "len counts the occupied slots");
    }

    /// The numbers of the chunk and of the slot that starts at `address`.
    fn slot_at(&self, address: usize) -> (usize, usize) {
        let (number, index, offset) =
            self.slot_around(address).expect("the front holds slots of this depot");
        assert_eq!(offset, 0, "the front holds slots, not what lies inside them");
        (number, index)
    }

    /// Marks slots of the front in the bitmap, where they are not yet.
    fn mark(&self, number: usize, word: usize, mask: usize) {
        let chunk = self.chunks.get(number).expect("a slot in use is in an entered chunk");
        assert_eq!(chunk.vacancy().word(word) & mask, 0, "Depot invariant 3: in two places");
        chunk.vacancy().insert(word, mask);
    }

    /// Undoes the marks.
    fn unmark(&self, front: &Front) {
        for slot in front.magazine.iter() {
            // SAFETY: 1. the slot was found in an entered chunk when it was marked. 2. Nothing is
            // released here.
            let chunk = unsafe { Chunk::of(slot) };
            let (word, bit) = chunk.bit_of(slot);
            chunk.vacancy().remove(word, bit);
        }
        if let Some((first, count)) = front.window.run() {
            // SAFETY: 1. the run was found in an entered chunk when it was marked. 2. Nothing is
            // released here.
            let chunk = unsafe { Chunk::of(first) };
            for (word, mask) in run_masks(chunk.index_of(first), count) {
                chunk.vacancy().remove(word, mask);
            }
        }
    }

    /// Checks all but where the slots of the front lie.
    fn check_counts(&self, front: &Front) {
        self.with_vacancy.tree().check_invariants();
        let (mut entered, mut vacant) = (0, 0);
        for (number, chunk) in self.chunks.iter().enumerate() {
            let (_, slots) = self.place(number).expect("Depot invariant 1");
            assert_eq!(chunk.slots(), slots, "Depot invariant 6");
            assert_eq!(chunk.number(), number, "Depot invariant 2");
            assert_eq!(chunk.owner(), self.owner, "Depot invariant 2");
            chunk.vacancy().check_invariants();
            let in_bitmap = chunk.vacancy().count();
            let listed = self.with_vacancy.tree().contains(number);
            assert_eq!(listed, in_bitmap != 0, "Depot invariant 4");
            assert!(in_bitmap + chunk.given_up() <= slots, "leaked slots are occupied");
            entered += slots;
            vacant += in_bitmap;
        }
        assert_eq!(entered, self.entered, "Depot invariant 5");
        assert_eq!(vacant, front.vacant.get(), "Front invariant 2");
        let capacity: usize = self.reservations.iter().map(|held| held.slots()).sum();
        assert_eq!(capacity, self.capacity, "Depot invariant 5");
        assert!(self.growth == Growth::OnDemand || self.reservations.len() <= 1);
        assert!(self.chunks.len() <= self.chunk_count(), "Depot invariant 1");
    }
}
