//! Vacant slots on their way to the front: the lowest of the lowest chunk that has any, or those
//! of a chunk that is new.

use super::Stock;
use crate::bit_tree::{WORD_BITS, lowest_bits, lowest_run};
use crate::depot::Depot;
use crate::fault::point;
use crate::front::Front;
use crate::plan::Growth;

/// The most words of a bitmap that one run takes, so that the worst single allocation stays short.
const RUN_WORDS: usize = 16;

/// The fewest neighbours, within one word of a bitmap, that the window is opened on.
const RUN_SLOTS: u32 = 16;

/// The most words of bitmaps that one refill of the magazine looks at, for the same reason.
const REFILL_WORDS: usize = 6;

/// The most slots that it takes.
const REFILL_SLOTS: usize = 96;

impl Stock {
    /// Moves vacant slots into the front, which is empty; returns whether there were any to be
    /// had. Enters a chunk or adds one where the bitmaps are empty.
    ///
    /// # Safety
    ///
    /// 1. `front` is the front of this stock.
    pub(crate) unsafe fn refill(&mut self, front: &Front) -> bool {
        // The front is empty.
        self.peak_len = self.peak_len.max(self.depot.entered() - front.vacant.get());
        self.watch_rise(front);
        let refilled = if front.vacant.get() != 0 {
            // SAFETY: 1. clause 1.
            unsafe { self.take_lowest(front) };
            true
        } else {
            // SAFETY: 1. clause 1.
            unsafe { self.enter_chunk(front) }
        };
        self.by_window = !front.window.is_empty();
        // The first that is spilled is to be looked at where the window may have been used then.
        match self.by_window {
            true => front.heed.set(0),
            false => self.set_heed(front),
        }
        refilled
    }

    /// Opens the window, which is empty, on the next chunk; adds one where there is none. Returns
    /// whether there is one to be had.
    ///
    /// # Safety
    ///
    /// 1. `front` is the front of this stock.
    unsafe fn enter_chunk(&mut self, front: &Front) -> bool {
        if !self.depot.has_next() {
            let grows = self.depot.growth() == Growth::OnDemand;
            if !grows || self.add(front, Depot::extend).is_err() {
                return false;
            }
        }
        point();
        let Some(chunk) = self.depot.enter_next() else { return false };
        // SAFETY: 1. These are the slots of the chunk just entered, and its own pointer to them.
        // 2. They are vacant and the caller's, as `enter_next` says, and the front is this stock's
        // (clause 1).
        unsafe { front.window.open(chunk.first(), chunk.slots()) };
        true
    }

    /// Moves the lowest vacant slots of the bitmaps, which have some, into the front, which is
    /// empty: a run of neighbours into the window, others into the magazine.
    ///
    /// # Safety
    ///
    /// 1. `front` is the front of this stock.
    // Not inlined: its loops need all registers that there are.
    #[inline(never)]
    unsafe fn take_lowest(&mut self, front: &Front) {
        // Half of the magazine stays free for slots that are given back.
        let most = front.magazine.capacity().div_ceil(2).min(REFILL_SLOTS);
        let mut found = [None; REFILL_WORDS];
        let mut count = 0;
        let mut lowest = None;
        for words in &mut found {
            lowest = lowest.or_else(|| self.with_vacancy.tree().first());
            let Some(number) = lowest else { break };
            let chunk = self.depot.chunks()[number];
            let index = chunk.vacancy().first_word();
            let index = index.expect("`with_vacancy` names chunks with a vacant slot");
            let word = chunk.vacancy().word(index);
            let run = lowest_run(word);
            if run.count_ones() >= RUN_SLOTS || most == 0 {
                if count == 0 {
                    // SAFETY: 1. clause 1. 2. by the lines above.
                    unsafe { self.take_run(number, index, run, front) };
                }
                break;
            }
            let taken = lowest_bits(word, most);
            count += taken.count_ones() as usize;
            if count > most {
                break;
            }
            *words = Some((chunk, index, taken));
            if self.remove(number, index, taken, front) {
                lowest = None;
            }
            point();
        }
        // INVARIANT: `Depot` 3. what was removed goes into the magazine, which is empty and has
        // room for `most` at least. The lowest goes in last, and so comes out first.
        for (chunk, index, taken) in found.into_iter().rev().flatten() {
            front.magazine.extend(chunk.slots_of(index, taken));
            point();
        }
    }

    /// Opens the window, which is empty, on a run of neighbours: those of `run` in word `index` of
    /// the bitmap of chunk `number`, and what goes on from there in the next words.
    ///
    /// # Safety
    ///
    /// 1. `front` is the front of this stock.
    /// 2. The bits of `run` are set in that word, and in a row.
    unsafe fn take_run(&mut self, number: usize, mut index: usize, mut run: usize, front: &Front) {
        let chunk = self.depot.chunks()[number];
        let first = chunk.slot(index * WORD_BITS + run.trailing_zeros() as usize);
        let end = chunk.vacancy().word_count().min(index + RUN_WORDS);
        let mut count = 0;
        loop {
            count += run.count_ones() as usize;
            self.remove(number, index, run, front);
            point();
            index += 1;
            // The run goes on where it fills the word to its end.
            if run >> (WORD_BITS - 1) == 0 || index == end {
                break;
            }
            let word = chunk.vacancy().word(index);
            run = word & !word.wrapping_add(1);
            if run == 0 {
                break;
            }
        }
        // INVARIANT: `Depot` 3. what was removed goes into the window.
        // SAFETY: 1. The slots from `first` on are neighbours in one chunk (clause 2), which gives
        // the pointer. 2. Each was set in the bitmap and is no longer; the front is this stock's
        // (clause 1).
        unsafe { front.window.open(first, count) };
    }

    /// Takes the slots that `mask` names in word `index` out of the bitmap of chunk `number`. They
    /// are set there, and for the front, which is this stock's. Returns whether the bitmap has
    /// become empty.
    pub(super) fn remove(
        &mut self,
        number: usize,
        index: usize,
        mask: usize,
        front: &Front,
    ) -> bool {
        // INVARIANT: 1. here. `Front` 2. at the end.
        let emptied = self.depot.chunks()[number].vacancy().remove(index, mask);
        if emptied {
            self.unlist(number);
        }
        front.vacant.set(front.vacant.get() - mask.count_ones() as usize);
        emptied
    }
}
