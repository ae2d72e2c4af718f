//! Values on their way to chunks in front, and out of sparse ones.

use core::ptr::NonNull;

use super::Stock;
use super::give_back::Listing;
use crate::bit_tree::WORD_BITS;
use crate::chunk::Chunk;
use crate::compaction::{CompactStats, Movable};
use crate::fault::point;
use crate::front::Front;

/// The tally of a chunk whose values are moved out, and of one that has values which cannot be: no
/// chunk has so many slots.
const LEAVES: u32 = u32::MAX;
const STAYS: u32 = u32::MAX - 1;

/// The number of equal shares that chunks are told apart by, so that the sparsest go first in time
/// in proportion to their number.
const SHARES: usize = 64;

/// Vacant slots of one word of a bitmap, out of which they have been taken.
#[derive(Clone, Copy)]
struct Targets {
    chunk: Chunk,
    index: usize,
    mask: usize,
}

impl Stock {
    /// Takes a vacant slot in a chunk with a number below `number`: the lowest.
    ///
    /// # Safety
    ///
    /// 1. `front` is the front of this stock.
    pub(crate) unsafe fn take_below(
        &mut self,
        number: usize,
        front: &Front,
    ) -> Option<NonNull<u8>> {
        if number == 0 {
            return None;
        }
        let lowest = |stock: &Self| stock.lowest_word().filter(|&(low, _)| low < number);
        if lowest(self).is_none() {
            // Such slots may lie in the front, where nobody takes them before they are needed.
            // SAFETY: 1. clause 1.
            unsafe { self.empty_front(front) };
        }
        let (number, index) = lowest(self)?;
        let chunk = self.depot.chunks()[number];
        let word = chunk.vacancy().word(index);
        let bit = word & word.wrapping_neg();
        // INVARIANT: `Depot` 3. from the bitmap to the caller.
        self.remove(number, index, bit, front);
        Some(chunk.slot(index * WORD_BITS + bit.trailing_zeros() as usize))
    }

    /// Moves values of `handles` out of the sparsest chunks until none of the chunks could be
    /// emptied by moving more of them, then gives back what is vacant, as [`Stock::trim`] does.
    ///
    /// # Safety
    ///
    /// 1. `front` is the front of this stock.
    pub(crate) unsafe fn compact<H: Movable>(
        &mut self,
        handles: &mut [H],
        front: &Front,
    ) -> CompactStats {
        // SAFETY: 1. clause 1.
        unsafe { self.empty_front(front) };
        let foreign = self.tally_handles(handles);
        point();
        let mut done = CompactStats { foreign, ..CompactStats::default() };
        let listing = Listing { stock: self, front };
        listing.stock.choose_sparsest(front.vacant.get());
        point();
        done.moved = listing.stock.move_out(handles, front);
        drop(listing);
        point();
        let chunks = self.depot.chunk_count();
        // SAFETY: 1. clause 1.
        done.bytes_released = unsafe { self.trim(front) };
        done.chunks_released = chunks - self.depot.chunk_count();
        done
    }

    /// The chunk of this stock in which the slot of a handle lies.
    fn chunk_of<H: Movable>(&self, handle: &H) -> Option<Chunk> {
        // SAFETY: 1. clause 1 of `Movable`: an occupied slot's chunk has been entered and not been
        // released. 2. It stays while a slot of it is occupied.
        let chunk = unsafe { Chunk::holding(handle.slot()) };
        (chunk.owner() == self.depot.owner()).then_some(chunk)
    }

    /// Notes in each chunk how many handles lie in it, or that it stays, as others do too. Returns
    /// the number of handles that lie in none.
    fn tally_handles<H: Movable>(&self, handles: &[H]) -> usize {
        for chunk in self.depot.chunks() {
            chunk.set_tally(0);
        }
        let mut foreign = 0;
        for handle in handles {
            match self.chunk_of(handle) {
                Some(chunk) => chunk.set_tally(chunk.tally() + 1),
                None => foreign += 1,
            }
        }
        for chunk in self.depot.chunks() {
            if chunk.tally() as usize + chunk.vacancy().count() != chunk.slots() {
                chunk.set_tally(STAYS);
            }
        }
        foreign
    }

    /// Notes which chunks are to leave: the sparsest, as long as the others have room for what is
    /// in them, where `vacant` slots are vacant in all. A chunk whose values go elsewhere takes its
    /// own vacant slots away and as many others as it has occupied ones: as many as it has slots.
    fn choose_sparsest(&self, mut vacant: usize) {
        for share in 0..=SHARES {
            for chunk in self.depot.chunks() {
                let (tally, slots) = (chunk.tally(), chunk.slots());
                if tally < STAYS && tally as usize * SHARES / slots == share && slots <= vacant {
                    chunk.set_tally(LEAVES);
                    vacant -= slots;
                }
            }
        }
        for chunk in self.depot.chunks().iter().filter(|chunk| chunk.tally() == LEAVES) {
            // INVARIANT: 1. does not hold as long as there is a `Listing`: these are not to be
            // found.
            if chunk.vacancy().first_word().is_some() {
                self.unlist(chunk.number());
            }
        }
    }

    /// Moves the values of `handles` out of the chunks that leave; returns the number of values.
    /// There is a [`Listing`] meanwhile, which counts the slots that become vacant when it ends.
    fn move_out<H: Movable>(&mut self, handles: &mut [H], front: &Front) -> usize {
        let mut targets: Option<Targets> = None;
        let mut moved = 0;
        for handle in handles {
            let Some(chunk) = self.chunk_of(handle).filter(|chunk| chunk.tally() == LEAVES) else {
                continue;
            };
            if targets.is_none_or(|targets| targets.mask == 0) {
                targets = self.next_targets(front);
            }
            // There is room for all of them, by the choice of chunks.
            let Some(Targets { chunk: dense, index, mask }) = &mut targets else { break };
            let target = dense.slot(*index * WORD_BITS + mask.trailing_zeros() as usize);
            *mask &= *mask - 1;
            let slot = handle.slot();
            point();
            // SAFETY: 1. the target was in the bitmap of a chunk of this stock, as the handle is of
            // one: of the same core, whose slots are alike. 2. It has been taken out there.
            unsafe { handle.move_to(target) };
            point();
            // INVARIANT: `Depot` 3. from the handle to the bitmap. `Front` 2. the `Listing` counts.
            let (index, bit) = chunk.bit_of(slot);
            chunk.vacancy().insert(index, bit);
            moved += 1;
        }
        point();
        if let Some(Targets { chunk, index, mask }) = targets.filter(|targets| targets.mask != 0) {
            // INVARIANT: `Depot` 3. back to the bitmap. `Front` 2. the `Listing` counts.
            chunk.vacancy().insert(index, mask);
        }
        moved
    }

    /// Takes the slots of the lowest word that has any out of its bitmap.
    fn next_targets(&mut self, front: &Front) -> Option<Targets> {
        let (number, index) = self.lowest_word()?;
        let chunk = self.depot.chunks()[number];
        let mask = chunk.vacancy().word(index);
        self.remove(number, index, mask, front);
        Some(Targets { chunk, index, mask })
    }
}
