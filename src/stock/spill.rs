//! Vacant slots on their way to the bitmaps.

use super::Stock;
use crate::bit_tree::run_masks;
use crate::chunk::Chunk;
use crate::fault::point;
use crate::front::Front;

impl Stock {
    /// Puts the slots that `mask` names in word `index` into the bitmap of `chunk`, one of this
    /// stock. They are the caller's, and in no other place. The count of the front is the caller's
    /// to raise.
    pub(crate) fn insert(&mut self, chunk: Chunk, index: usize, mask: usize) {
        // INVARIANT: `Depot` 3. the slots are the caller's. 1. here.
        if chunk.vacancy().insert(index, mask) {
            self.list(chunk.number());
        }
    }

    /// Moves every slot of the front into the bitmaps.
    ///
    /// # Safety
    ///
    /// 1. `front` is the front of this stock.
    pub(super) unsafe fn empty_front(&mut self, front: &Front) {
        self.note_peak(front);
        let Front { magazine, window, vacant, .. } = front;
        // One by one: none is in two places, wherever this is broken off.
        while let Some(slot) = magazine.pop() {
            point();
            // SAFETY: 1. `Front` invariant 1, of this stock's front (clause 1). 2. The chunk is
            // used in this function alone, which releases none.
            let chunk = unsafe { Chunk::holding(slot) };
            let (index, mask) = chunk.bit_of(slot);
            self.insert(chunk, index, mask);
            vacant.set(vacant.get() + 1);
            point();
        }
        if let Some((first, count)) = window.run() {
            // SAFETY: 1. `Front` invariant 1, of this stock's front (clause 1); it holds for the
            // slots of the window until the bitmap has them. 2. As nothing is released here.
            let chunk = unsafe { Chunk::holding(first) };
            window.close();
            for (index, mask) in run_masks(chunk.index_of(first), count) {
                self.insert(chunk, index, mask);
                vacant.set(vacant.get() + mask.count_ones() as usize);
            }
        }
    }
}
