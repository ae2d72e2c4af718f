//! Vacant slots on their way back to the bitmaps: the oldest of a full magazine.

use core::ptr::NonNull;

use super::{Depot, Front};
use crate::bit_tree::{WORD_BITS, run_masks};
use crate::chunk::Chunk;
use crate::geometry::SPILL_SLOTS;

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
        // SAFETY: 1. `Front` invariant 1, of this depot's front (clause 1). 2. The chunk is used in
        // this function alone, which releases none.
        let chunk_of = |slot: NonNull<u8>| unsafe { Chunk::of(slot) };
        match ends_of_run(slots, self.geometry.stride().bytes()) {
            Some((lowest, highest)) if chunk_of(lowest) == chunk_of(highest) => {
                self.insert_run(chunk_of(lowest), lowest, count);
            }
            _ => {
                for slot in slots {
                    let chunk = chunk_of(*slot);
                    let (index, mask) = chunk.bit_of(*slot);
                    self.insert(chunk, index, mask);
                }
            }
        }
        self.vacant += count;
        magazine.discard_oldest(count);
    }

    /// Puts the slots of a run into the bitmap of `chunk`: the one that starts at `first`, and those
    /// that follow it. `vacant` counts them already.
    fn insert_run(&mut self, chunk: Chunk, first: NonNull<u8>, count: usize) {
        for (index, mask) in run_masks(chunk.index_of(first), count) {
            self.insert(chunk, index, mask);
        }
    }

    /// Puts the slots that `mask` names in word `index` into the bitmap of `chunk`. `vacant` counts
    /// them already.
    #[inline(always)]
    fn insert(&mut self, chunk: Chunk, index: usize, mask: usize) {
        // INVARIANT: 3. the slots come from the front. 4. by the lines below.
        if chunk.vacancy().insert_below(index, mask) {
            self.announce(chunk, index);
        }
    }

    /// Tells the summaries of the first slots in word `index` of the bitmap of `chunk`.
    ///
    /// Kept out of the loop of a spill, which seldom meets such a word.
    #[cold]
    #[inline(never)]
    fn announce(&mut self, chunk: Chunk, index: usize) {
        if chunk.vacancy().announce(index) {
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
            self.vacant += count;
            self.insert_run(chunk, first, count);
        }
    }
}

/// The lowest and the highest of `slots` where each lies `stride` bytes above the last, or each as
/// far below it: handles are often dropped in the order of their slots, or in the opposite one.
fn ends_of_run(slots: &[NonNull<u8>], stride: usize) -> Option<(NonNull<u8>, NonNull<u8>)> {
    let (first, last) = (*slots.first()?, *slots.last()?);
    let steps = |from: usize, to: usize| {
        let mut pairs = slots.windows(2);
        pairs.all(|pair| pair[to].addr().get().wrapping_sub(pair[from].addr().get()) == stride)
    };
    if steps(0, 1) {
        Some((first, last))
    } else if steps(1, 0) {
        Some((last, first))
    } else {
        None
    }
}
