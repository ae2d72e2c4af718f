//! What a chunk holds, for those who look into a pool.
#![forbid(unsafe_code)]

use alloc::boxed::Box;
use alloc::vec::{self, Vec};
use core::iter::FusedIterator;

use crate::bit_tree::WORD_BITS;

/// A chunk of a pool at one moment, from [`Pool::chunks`](crate::Pool::chunks).
///
/// # Examples
///
/// ```
/// let pool = typed_pool::Pool::new();
/// let number = pool.alloc(7_u64);
/// let chunk = pool.chunks().next().unwrap();
/// assert_eq!(chunk.occupied(), 1);
/// assert!(chunk.is_occupied(0) && !chunk.is_occupied(1));
/// assert!(chunk.address() < &raw const *number as usize);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkSummary {
    address: usize,
    slots: usize,
    occupied: usize,
    bitmap: Box<[usize]>,
}

impl ChunkSummary {
    /// A chunk of `slots` slots at `address`, of which those are vacant that have a bit in
    /// `vacant`.
    pub(crate) fn new(address: usize, slots: usize, vacant: Vec<usize>) -> Self {
        debug_assert_eq!(vacant.len(), slots.div_ceil(WORD_BITS));
        let mut bitmap = vacant.into_boxed_slice();
        for (index, word) in bitmap.iter_mut().enumerate() {
            let slots = (slots - index * WORD_BITS).min(WORD_BITS);
            *word = !*word & (usize::MAX >> (WORD_BITS - slots));
        }
        let occupied = bitmap.iter().map(|word| word.count_ones() as usize).sum();
        Self { address, slots, occupied, bitmap }
    }

    /// Where the chunk starts; its header and its bitmap come first, then its slots, the lowest
    /// numbers first.
    #[must_use]
    pub fn address(&self) -> usize {
        self.address
    }

    /// The number of slots.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// The number of occupied slots.
    #[must_use]
    pub fn occupied(&self) -> usize {
        self.occupied
    }

    /// Whether a slot is occupied.
    ///
    /// # Panics
    ///
    /// Where there are no more than `slot` slots.
    #[must_use]
    pub fn is_occupied(&self, slot: usize) -> bool {
        assert!(slot < self.slots, "slot {slot} of a chunk of {}", self.slots);
        self.bitmap[slot / WORD_BITS] >> (slot % WORD_BITS) & 1 == 1
    }

    /// A bit for each slot, set where it is occupied: slot 0 is the lowest bit of the first word.
    #[must_use]
    pub fn bitmap(&self) -> &[usize] {
        &self.bitmap
    }
}

/// The chunks of a pool as they were at one moment, from [`Pool::chunks`](crate::Pool::chunks).
#[derive(Clone, Debug)]
pub struct Chunks(vec::IntoIter<ChunkSummary>);

impl Chunks {
    pub(crate) fn new(chunks: Vec<ChunkSummary>) -> Self {
        Self(chunks.into_iter())
    }
}

impl Iterator for Chunks {
    type Item = ChunkSummary;

    fn next(&mut self) -> Option<ChunkSummary> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl DoubleEndedIterator for Chunks {
    fn next_back(&mut self) -> Option<ChunkSummary> {
        self.0.next_back()
    }
}

impl ExactSizeIterator for Chunks {}
impl FusedIterator for Chunks {}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::vec;

    use super::*;

    #[test]
    fn bits_behind_the_last_slot_are_not_set() {
        for slots in 1..3 * WORD_BITS {
            let full = ChunkSummary::new(4096, slots, vec![0; slots.div_ceil(WORD_BITS)]);
            assert_eq!((full.occupied(), full.slots(), full.address()), (slots, slots, 4096));
            assert!((0..slots).all(|slot| full.is_occupied(slot)));
            let mut vacant = vec![0; slots.div_ceil(WORD_BITS)];
            vacant[(slots - 1) / WORD_BITS] = 1 << ((slots - 1) % WORD_BITS);
            let but_one = ChunkSummary::new(0, slots, vacant);
            assert_eq!(but_one.occupied(), slots - 1);
            assert!(!but_one.is_occupied(slots - 1));
            let bits = but_one.bitmap().iter().map(|word| word.count_ones() as usize);
            assert_eq!(bits.sum::<usize>(), slots - 1);
        }
    }

    #[test]
    fn chunks_come_from_both_ends() {
        let all: Vec<_> = (1..=5).map(|slots| ChunkSummary::new(0, slots, vec![0])).collect();
        let (mut chunks, mut model) = (Chunks::new(all.clone()), all.into_iter());
        for from_behind in [false, true, true, false, true, true] {
            assert_eq!((chunks.len(), chunks.size_hint()), (model.len(), model.size_hint()));
            if from_behind {
                assert_eq!(chunks.next_back(), model.next_back());
            } else {
                assert_eq!(chunks.next(), model.next());
            }
        }
    }

    #[test]
    #[should_panic(expected = "slot 3 of a chunk of 3")]
    fn there_are_no_more_slots_than_there_are() {
        let _ = ChunkSummary::new(0, 3, vec![0]).is_occupied(3);
    }
}
