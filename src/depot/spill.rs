//! Vacant slots on their way back to the bitmaps: the oldest of a full magazine.

use core::ptr::NonNull;

use super::{Depot, Front};
use crate::bit_tree::{WORD_BITS, run_masks};
use crate::chunk::Chunk;

/// The most slots that one spill moves, so that the worst single free stays short.
const SPILL_SLOTS: usize = 64;

impl Depot {
    /// Makes room in a magazine that takes no more: moves its oldest slots into the bitmaps where
    /// it is full.
    ///
    /// # Safety
    ///
    /// 1. `front` is the front of this depot.
    pub(crate) unsafe fn spill(&mut self, front: &Front) {
        let magazine = &front.magazine;
        if magazine.len() == magazine.capacity() {
            // SAFETY: 1. clause 1.
            unsafe { self.empty_magazine(front, SPILL_SLOTS.min(magazine.len().div_ceil(2))) };
        }
        if magazine.is_at_limit() {
            magazine.settle();
        }
    }

    /// Moves the `count` oldest slots of the magazine into the bitmaps.
    ///
    /// # Safety
    ///
    /// 1. `front` is the front of this depot.
    unsafe fn empty_magazine(&mut self, front: &Front, count: usize) {
        let magazine = &front.magazine;
        // SAFETY: 1. what follows changes bitmaps alone, up to the call of `discard_oldest`.
        let slots = unsafe { magazine.oldest(count) };
        let run_of = |slot: &NonNull<u8>| {
            // SAFETY: 1. `Front` invariant 1, of this depot's front (clause 1). 2. The chunk is
            // used in this function alone, which releases none.
            let chunk = unsafe { Chunk::of(*slot) };
            let (index, mask) = chunk.bit_of(*slot);
            Run { chunk, key: chunk.word_key(index), mask, count: 1 }
        };
        let Some((first, rest)) = slots.split_first() else { return };
        // Slots that were freed one after the other often share a word: it is written once. Of
        // slots freed in random order few share a word, but more share a chunk. One comparison of
        // both together is predicted where one of chunks would not be.
        let mut run = run_of(first);
        for next in rest.iter().map(run_of) {
            if next.key == run.key {
                run.mask |= next.mask;
                run.count += 1;
            } else {
                self.insert(run);
                run = next;
            }
        }
        self.insert(run);
        self.vacant += count;
        magazine.discard_oldest(count);
    }

    /// Puts slots into a bitmap, which `vacant` counts already.
    #[inline(always)]
    fn insert(&mut self, Run { chunk, key, mask, count }: Run) {
        let index = chunk.word_of_key(key);
        // INVARIANT: 3. the slots come from the front. 4. by the lines below.
        if chunk.insert_below(index, mask, count) {
            self.announce(chunk, index, count);
        }
    }

    /// Tells the summaries of `count` slots, the first of word `index` in the bitmap of `chunk`.
    ///
    /// Kept out of the loop of a spill, which seldom meets such a word.
    #[cold]
    #[inline(never)]
    fn announce(&mut self, chunk: Chunk, index: usize, count: usize) {
        chunk.vacancy().announce(index);
        if chunk.vacant() == count {
            self.list(chunk.number());
        }
    }

    /// Adds a chunk to those with a vacant slot.
    pub(super) fn list(&mut self, number: usize) {
        self.with_vacancy.tree().insert(number / WORD_BITS, 1 << (number % WORD_BITS));
    }

    /// Moves every slot of the front into the bitmaps.
    ///
    /// # Safety
    ///
    /// 1. `front` is the front of this depot.
    pub(super) unsafe fn empty_front(&mut self, front: &Front) {
        // SAFETY: 1. clause 1.
        unsafe { self.empty_magazine(front, front.magazine.len()) };
        if let Some((first, count)) = front.window.close() {
            // SAFETY: 1. `Front` invariant 1, of this depot's front (clause 1); it holds for the
            // slots of the window until the bitmap has them. 2. As nothing is released here.
            let chunk = unsafe { Chunk::of(first) };
            let start = chunk.index_of(first);
            self.vacant += count;
            for (index, mask) in run_masks(start, count) {
                let key = chunk.word_key(index);
                self.insert(Run { chunk, key, mask, count: mask.count_ones() as usize });
            }
        }
    }
}

/// Slots of one word of a bitmap.
struct Run {
    chunk: Chunk,
    /// The word, as [`Chunk::word_key`] has it.
    key: usize,
    mask: usize,
    count: usize,
}
