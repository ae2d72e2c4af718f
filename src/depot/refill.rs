//! Vacant slots on their way to the front: the lowest of the lowest chunk that has any, or those
//! of a chunk that is new.

use core::ptr::NonNull;

use super::{Depot, Front, Growth};
use crate::bit_tree::WORD_BITS;
use crate::chunk::Chunk;

/// The most words of a bitmap that one run takes, so that the worst single allocation stays short.
const RUN_WORDS: usize = 64;

impl Depot {
    /// Moves vacant slots into the front, which is empty; returns whether there were any to be
    /// had. Enters a chunk or adds one where the bitmaps are empty.
    ///
    /// # Safety
    ///
    /// 1. `front` is the front of this depot.
    pub(crate) unsafe fn refill(&mut self, front: &Front) -> bool {
        if let Some(number) = self.with_vacancy.tree().first() {
            // SAFETY: 1. clause 1.
            unsafe { self.take_lowest(number, front) };
            return true;
        }
        let number = self.chunks.len();
        let place = self.place(number).or_else(|| {
            let grows = self.growth == Growth::OnDemand
                && self.add_reservation(self.growth_slots(), front).is_ok();
            if grows { self.place(number) } else { None }
        });
        let Some((base, slots)) = place else { return false };
        // SAFETY: 1. clause 1. 2. `place` said so, and the chunks up to this one are entered.
        unsafe { self.enter_next(base, slots, front) };
        true
    }

    /// Enters the next chunk and opens the window, which is empty, on all of its slots.
    ///
    /// # Safety
    ///
    /// 1. `front` is the front of this depot.
    /// 2. The next chunk is reserved, at `base` with `slots` slots, as [`Depot::place`] has it.
    unsafe fn enter_next(&mut self, base: NonNull<u8>, slots: usize, front: &Front) {
        // The number fits into 32 bits by `add_reservation`.
        let number = self.chunks.len() as u32;
        // SAFETY: 1. `base` and `slots` are those of a chunk of a reservation laid out by the
        // same geometry (clause 2; invariant 6), aligned and with the reservation's provenance
        // (`Reservation` invariants 1 and 2). 2. The chunk has not been entered before
        // (invariants 1 and 2). 3. A chunk leaves `chunks` before its reservation is released, be
        // it by `trim`, `keep_occupied` or the drop of the depot, and then nobody uses its slots.
        let chunk = unsafe { Chunk::enter(base, slots, &self.geometry, self.owner, number) };
        // INVARIANT: 2. here. 5. `entered` here. 3. and 4. the bitmap is empty, and the next lines
        // give all slots to the window.
        self.chunks.push(chunk);
        self.entered += slots;
        // SAFETY: 1. These are the slots of the chunk just entered, and its own pointer to them.
        // 2. Nothing has them yet, and the front is this depot's (clause 1).
        unsafe { front.window.open(chunk.first(), slots) };
    }

    /// Moves the lowest vacant slots of chunk `number`, which has some, into the front: a run of
    /// neighbours into the window, others into the magazine, both of which are empty.
    ///
    /// # Safety
    ///
    /// 1. `front` is the front of this depot.
    unsafe fn take_lowest(&mut self, number: usize, front: &Front) {
        let chunk = self.chunks[number];
        let bitmap = chunk.vacancy();
        let index = bitmap.first_word().expect("`with_vacancy` names chunks with a vacant slot");
        let word = bitmap.word(index);
        let shift = word.trailing_zeros();
        let ones = (word >> shift).trailing_ones();
        let first = index * WORD_BITS + shift as usize;
        // INVARIANT: 3. each slot goes from the bitmap to the front. 5. and 4. at the end.
        let count = if ones == word.count_ones() {
            let mut count = chunk.remove(index, word);
            // The run goes on into the next word where it fills this one to its end.
            if (shift + ones) as usize == WORD_BITS {
                count += extend_run(chunk, index + 1, RUN_WORDS - 1);
            }
            // SAFETY: 1. The slots from `first` on are neighbours in one chunk, which gives the
            // pointer. 2. Each was set in the bitmap and is no longer; the front is this depot's
            // (clause 1).
            unsafe { front.window.open(chunk.slot(first), count) };
            count
        } else {
            front.magazine.settle();
            let taken = lowest_bits(word, front.magazine.capacity());
            // The highest goes in first, so that the lowest comes out first.
            let mut rest = taken;
            while rest != 0 {
                let bit = WORD_BITS - 1 - rest.leading_zeros() as usize;
                rest &= !(1 << bit);
                let slot = chunk.slot(index * WORD_BITS + bit);
                let pushed = front.magazine.push(slot);
                debug_assert!(pushed, "the magazine is empty and has room for these");
            }
            chunk.remove(index, taken)
        };
        self.vacant -= count;
        if chunk.vacant() == 0 {
            self.with_vacancy.tree().remove(number / WORD_BITS, 1 << (number % WORD_BITS));
        }
    }
}

/// Takes the vacant slots of `chunk` out of its bitmap that follow each other from the start of
/// word `index` on, as far as one run goes, at most `words` words; returns how many.
fn extend_run(chunk: Chunk, index: usize, words: usize) -> usize {
    let bitmap = chunk.vacancy();
    let mut count = 0;
    for index in index..bitmap.word_count().min(index + words) {
        let ones = bitmap.word(index).trailing_ones();
        if ones > 0 {
            count += chunk.remove(index, usize::MAX >> (usize::BITS - ones));
        }
        if ones < usize::BITS {
            break;
        }
    }
    count
}

/// The lowest `count` bits set in `word`.
fn lowest_bits(mut word: usize, count: usize) -> usize {
    if word.count_ones() as usize <= count {
        return word;
    }
    let all = word;
    for _ in 0..count {
        word &= word.wrapping_sub(1);
    }
    all & !word
}
