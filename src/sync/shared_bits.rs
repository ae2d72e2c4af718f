//! The vacancy bitmap of a chunk, while threads claim slots in it and give them back.
//!
//! It is the tree of [`BitTree`](crate::bit_tree::BitTree), of which it uses two levels: the bits,
//! which say exactly what is vacant, and above them hints, one for a word, which say where to look.
//! A hint is set after the first bit of its word; who empties a word clears the hint and looks at
//! the word again. So a hint may be set over an empty word for long, but lacks over another only
//! while somebody is about to set it. Who fills or empties several words sees to their hints
//! afterwards, by one locked instruction for each word of hints.
//!
//! Whoever sets the first hint of its word of hints tells of it, by calling what he was given for
//! that: those who look for chunks may have seen none.
#![forbid(unsafe_code)]

use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use crate::atomic::AtomicUsize;
use crate::bit_tree::{WORD_BITS, bits_in, lowest_bits, mask_of};
use crate::chunk::Chunk;
use crate::fault::point;

/// What a claim is still to find: at most so many slots, in at most so many words. Neither is 0
/// when it begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) slots: usize,
    pub(super) words: usize,
}

impl Wanted {
    /// Whether enough was found.
    pub(super) fn is_nothing(self) -> bool {
        self.slots == 0 || self.words == 0
    }

    /// Notes that the slots of some bits in a word were found, which are no more than wanted.
    pub(super) fn found(&mut self, mask: usize) {
        self.slots -= mask.count_ones() as usize;
        self.words -= 1;
    }
}

/// A view of the bitmap of a chunk of `bits` slots.
#[derive(Clone, Copy, Debug)]
pub(super) struct SharedBits<'a> {
    words: &'a [AtomicUsize],
    /// None where there is but one word.
    hints: &'a [AtomicUsize],
}

impl<'a> SharedBits<'a> {
    /// The bitmap of a chunk.
    pub(super) fn of(chunk: &'a Chunk) -> Self {
        Self::new(chunk.words(), chunk.slots())
    }

    /// Looks at the `words` of a tree for the numbers below `bits`.
    #[inline]
    pub(super) fn new(words: &'a [AtomicUsize], bits: usize) -> Self {
        let (words, above) = words.split_at(bits.div_ceil(WORD_BITS));
        let hints = words.len().div_ceil(WORD_BITS).min(above.len());
        Self { words, hints: &above[..hints] }
    }

    /// Sets the bits of `mask`, which is not 0, in word `index`: the caller's slots, which are his
    /// no more.
    pub(super) fn give(self, index: usize, mask: usize, tell: impl Fn()) {
        if self.give_unhinted(index, mask) {
            self.hint(index / WORD_BITS, mask_of(index), tell);
        }
    }

    /// Sets bits as [`SharedBits::give`] does, and leaves the hint to the caller; returns whether
    /// he has to set it, before he gives tokens for them, since the word was empty.
    pub(super) fn give_unhinted(self, index: usize, mask: usize) -> bool {
        // Release, with the Acquire of `claim_in`: what was done with the slots is done.
        let old = self.words[index].fetch_or(mask, Release);
        debug_assert!(old & mask == 0, "a slot is given back twice");
        point();
        old == 0
    }

    /// Sets the hints that `mask` names, which is not 0, in word `at` of the hints. Where there is
    /// but one word of bits there are none, and it tells of that.
    pub(super) fn hint(self, at: usize, mask: usize, tell: impl Fn()) {
        debug_assert!(mask != 0);
        // Release, with the Acquire of `emptied`: who clears this hint sees what it hints to.
        let first = self.hints.get(at).is_none_or(|hints| hints.fetch_or(mask, Release) == 0);
        if first {
            point();
            tell();
        }
    }

    /// Claims at most `most` of the bits of word `index`, one at least, the lowest. Returns which,
    /// and whether the word was seen empty: then [`SharedBits::emptied`] is to be called for it.
    fn claim_in(self, index: usize, most: usize) -> (usize, bool) {
        debug_assert!(most != 0);
        let word = &self.words[index];
        let mut seen = word.load(Relaxed);
        while seen != 0 {
            let wanted = lowest_bits(seen, most);
            // Acquire, with the Release of `give_unhinted`.
            let old = word.fetch_and(!wanted, Acquire);
            if old & wanted != 0 {
                point();
                return (old & wanted, old & !wanted == 0);
            }
            seen = old;
        }
        (0, true)
    }

    /// Claims at most `most` slots of word `index`, whatever hints say; returns which. They are the
    /// caller's from then on.
    pub(super) fn claim_word(self, index: usize, most: usize, tell: impl Fn()) -> usize {
        if most == 0 {
            return 0;
        }
        let (claimed, empty) = self.claim_in(index, most);
        if empty {
            self.emptied(index / WORD_BITS, mask_of(index), tell);
        }
        claimed
    }

    /// Clears the hints that `mask` names, which is not 0, in word `at` of the hints, whose words
    /// were seen empty, and sets those again whose words are not empty any more.
    fn emptied(self, at: usize, mask: usize, tell: impl Fn()) {
        debug_assert!(mask != 0);
        let Some(hints) = self.hints.get(at) else { return };
        if hints.load(Relaxed) & mask == 0 {
            return;
        }
        // Acquire, with the Release of `hint`: if a hint that goes here was set for bits that came
        // after its word was seen empty, the look below sees them; otherwise it is set after.
        hints.fetch_and(!mask, AcqRel);
        point();
        let filled = |&bit: &usize| self.words[at * WORD_BITS + bit].load(Relaxed) != 0;
        let again = bits_in(mask).filter(filled).fold(0, |again, bit| again | 1 << bit);
        if again != 0 {
            self.hint(at, again, tell);
        }
    }

    /// Claims what is wanted, which is something, in words that have hints, from word `start` on
    /// and round. Calls `each` with each word and the bits in it, which are the caller's from then
    /// on.
    pub(super) fn claim(
        self,
        start: usize,
        wanted: &mut Wanted,
        mut each: impl FnMut(usize, usize),
        tell: impl Fn(),
    ) {
        debug_assert!(!wanted.is_nothing());
        // Claims in a word; returns whether it was seen empty.
        let mut empties = |index, wanted: &mut Wanted| {
            let (claimed, empty) = self.claim_in(index, wanted.slots);
            if claimed != 0 {
                wanted.found(claimed);
                each(index, claimed);
            }
            empty
        };
        if self.hints.is_empty() {
            // There is no hint to clear.
            empties(0, wanted);
            return;
        }
        let (first, offset) = (start / WORD_BITS % self.hints.len(), start % WORD_BITS);
        // The word of hints to begin with is visited twice, for what is behind the start and for
        // what is in front of it.
        for step in 0..=self.hints.len() {
            let at = (first + step) % self.hints.len();
            let mask = match step {
                0 => usize::MAX << offset,
                step if step == self.hints.len() => !(usize::MAX << offset),
                _ => usize::MAX,
            };
            let mut emptied = 0;
            for bit in bits_in(self.hints[at].load(Relaxed) & mask) {
                if empties(at * WORD_BITS + bit, wanted) {
                    emptied |= 1 << bit;
                }
                if wanted.is_nothing() {
                    break;
                }
            }
            if emptied != 0 {
                self.emptied(at, emptied, &tell);
            }
            if wanted.is_nothing() {
                break;
            }
        }
    }

    /// Claims at most `most` slots of one word that has a hint, as [`SharedBits::claim`] does;
    /// returns which.
    #[cfg(test)]
    pub(super) fn claim_one(
        self,
        start: usize,
        most: usize,
        tell: impl Fn(),
    ) -> Option<(usize, usize)> {
        let mut found = None;
        let mut wanted = Wanted { slots: most, words: 1 };
        self.claim(start, &mut wanted, |index, mask| found = Some((index, mask)), tell);
        found
    }

    /// Claims at most `most` slots of one word, the first that has any, whatever hints say. Returns
    /// the word and the bits in it, which are the caller's from then on. What is left there has a
    /// hint then, which a thread may have stopped before it set it.
    pub(super) fn claim_unhinted(self, most: usize, tell: impl Fn()) -> Option<(usize, usize)> {
        let (index, claimed) = (0..self.words.len())
            .map(|index| (index, self.claim_word(index, most, &tell)))
            .find(|(_, claimed)| *claimed != 0)?;
        if self.words[index].load(Relaxed) != 0 {
            self.hint(index / WORD_BITS, mask_of(index), tell);
        }
        Some((index, claimed))
    }

    /// Whether every bit has a hint, while nobody else is at it.
    pub(super) fn are_hinted(self) -> bool {
        let hinted = |index: usize| match self.hints.get(index / WORD_BITS) {
            Some(hints) => hints.load(Relaxed) & mask_of(index) != 0,
            None => true,
        };
        let mut words = self.words.iter().enumerate();
        words.all(|(index, word)| word.load(Relaxed) == 0 || hinted(index))
    }

    /// Whether any hint is set, or, where there is but one word, any bit.
    pub(super) fn is_hinted(self) -> bool {
        let top = if self.hints.is_empty() { self.words } else { self.hints };
        top.iter().any(|word| word.load(Relaxed) != 0)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::cell::Cell;
    use std::collections::BTreeSet;
    use std::thread;
    use std::vec::Vec;

    use super::*;
    use crate::bit_tree::words_for;

    fn zeros(bits: usize) -> Vec<AtomicUsize> {
        (0..words_for(bits)).map(|_| AtomicUsize::new(0)).collect()
    }

    /// The members that a word and a mask name.
    fn members(index: usize, mask: usize) -> impl Iterator<Item = usize> {
        (0..WORD_BITS)
            .filter(move |bit| mask >> bit & 1 == 1)
            .map(move |bit| index * WORD_BITS + bit)
    }

    #[test]
    fn what_is_given_is_claimed_once() {
        let mut rng = fastrand::Rng::with_seed(1);
        for bits in [1, 63, 64, 65, 1000, 4096, 4097, 8192, 300_000] {
            if cfg!(miri) && bits > 5000 {
                break;
            }
            let words = zeros(bits);
            let shared = SharedBits::new(&words, bits);
            let mut vacant = BTreeSet::new();
            for _ in 0..if cfg!(miri) { 20 } else { 2000 } {
                let index = rng.usize(..bits.div_ceil(WORD_BITS));
                let most = rng.usize(..=WORD_BITS);
                let (index, mask) = match rng.u8(..5) {
                    0..3 => {
                        let member = rng.usize(..bits);
                        if vacant.insert(member) {
                            shared.give(member / WORD_BITS, 1 << (member % WORD_BITS), || {});
                        }
                        continue;
                    }
                    3 => {
                        let mask = shared.claim_word(index, most, || {});
                        let word = index * WORD_BITS..(index + 1) * WORD_BITS;
                        assert!(members(index, mask).eq(vacant.range(word).copied().take(most)));
                        (index, mask)
                    }
                    _ => {
                        let most = most.max(1);
                        let claimed = shared.claim_one(index, most, || {});
                        assert_eq!(claimed.is_some(), !vacant.is_empty(), "bits {bits}");
                        let Some((index, mask)) = claimed else { continue };
                        assert!(mask != 0 && mask.count_ones() as usize <= most);
                        (index, mask)
                    }
                };
                assert!(members(index, mask).all(|member| vacant.remove(&member)));
                // While nobody else is at it, hints are exact.
                assert!(shared.are_hinted());
                let index = rng.usize(..bits.div_ceil(WORD_BITS));
                let word = index * WORD_BITS..(index + 1) * WORD_BITS;
                if bits > WORD_BITS && vacant.range(word).next().is_none() {
                    assert!(shared.give_unhinted(index, 1) && !shared.are_hinted());
                    shared.hint(index / WORD_BITS, mask_of(index), || {});
                    assert!(shared.are_hinted());
                    assert_eq!(shared.claim_word(index, 1, || {}), 1);
                }
                assert_eq!(shared.is_hinted(), !vacant.is_empty());
            }
            while let Some((index, mask)) = shared.claim_unhinted(WORD_BITS, || {}) {
                assert!(members(index, mask).all(|member| vacant.remove(&member)));
            }
            assert!(vacant.is_empty() && !shared.is_hinted());
        }
    }

    #[test]
    fn what_lacks_a_hint_gets_one_where_it_is_found() {
        let words = zeros(3 * WORD_BITS);
        let shared = SharedBits::new(&words, 3 * WORD_BITS);
        assert!(shared.give_unhinted(1, 0b111) && !shared.is_hinted());
        assert_eq!(shared.claim_one(0, 1, || {}), None);
        assert_eq!(shared.claim_unhinted(1, || {}), Some((1, 0b1)));
        assert!(shared.are_hinted());
        assert_eq!(shared.claim_one(0, 1, || {}), Some((1, 0b10)));
        assert_eq!(shared.claim_unhinted(1, || {}), Some((1, 0b100)));
        assert!(!shared.is_hinted());
    }

    #[test]
    fn a_claim_goes_on_from_where_it_starts_and_round() {
        let mut rng = fastrand::Rng::with_seed(2);
        for count in [2, WORD_BITS - 1, WORD_BITS, WORD_BITS + 1, 4 * WORD_BITS - 5] {
            let words = zeros(count * WORD_BITS);
            let shared = SharedBits::new(&words, count * WORD_BITS);
            let given: BTreeSet<_> = (0..6).map(|_| rng.usize(..count)).collect();
            let hint = |index| shared.hint(index / WORD_BITS, mask_of(index), || {});
            let told = Cell::new(0);
            for &index in &given {
                shared.give(index, 1, || told.set(told.get() + 1));
            }
            let hints: BTreeSet<_> = given.iter().map(|index| index / WORD_BITS).collect();
            assert_eq!(told.get(), hints.len(), "of the first hint of each word");
            for _ in 0..if cfg!(miri) { 10 } else { 300 } {
                // Hints over words that were emptied meanwhile are passed by.
                hint(rng.usize(..count));
                hint(rng.usize(..count));
                let start = rng.usize(..8 * WORD_BITS);
                let from = start % count.next_multiple_of(WORD_BITS);
                let first = *given.range(from..).chain(&given).next().unwrap();
                assert_eq!(shared.claim_one(start, WORD_BITS, || {}), Some((first, 1)));
                shared.give(first, 1, || {});
            }
        }
    }

    #[test]
    fn a_claim_takes_what_is_wanted_word_by_word() {
        let mut rng = fastrand::Rng::with_seed(3);
        for count in [1, 3, WORD_BITS + 2, 3 * WORD_BITS] {
            for _ in 0..if cfg!(miri) { 3 } else { 100 } {
                let words = zeros(count * WORD_BITS);
                let shared = SharedBits::new(&words, count * WORD_BITS);
                let mut masks: Vec<_> = (0..count).map(|_| rng.usize(..) & rng.usize(..)).collect();
                masks.iter_mut().for_each(|mask| *mask &= usize::MAX * rng.usize(..2));
                // Those of one word of hints at once.
                for (at, group) in masks.chunks(WORD_BITS).enumerate() {
                    let words = || (at * WORD_BITS..).zip(group).filter(|(_, mask)| **mask != 0);
                    let unhinted =
                        |(index, mask): (usize, &usize)| shared.give_unhinted(index, *mask);
                    assert!(words().all(unhinted), "none had bits");
                    let hints = words().fold(0, |hints, (index, _)| hints | mask_of(index));
                    if hints != 0 {
                        shared.hint(at, hints, || {});
                    }
                }
                while masks.iter().any(|mask| *mask != 0) {
                    let mut wanted =
                        Wanted { slots: rng.usize(1..=200), words: rng.usize(1..=2 * count) };
                    let start = rng.usize(..count);
                    let mut expected = Vec::new();
                    let (mut slots, mut words) = (wanted.slots, wanted.words);
                    for index in (start..count).chain(0..start).filter(|&index| masks[index] != 0) {
                        if slots == 0 || words == 0 {
                            break;
                        }
                        let mask = lowest_bits(masks[index], slots);
                        slots -= mask.count_ones() as usize;
                        words -= 1;
                        expected.push((index, mask));
                    }
                    for &(index, mask) in &expected {
                        masks[index] &= !mask;
                    }
                    let mut claimed = Vec::new();
                    shared.claim(
                        start,
                        &mut wanted,
                        |index, mask| claimed.push((index, mask)),
                        || {},
                    );
                    assert_eq!(claimed, expected);
                    assert_eq!((wanted.slots, wanted.words), (slots, words));
                }
                assert!(!shared.is_hinted());
            }
        }
    }

    #[test]
    fn threads_that_claim_and_give_lose_nothing() {
        let bits = if cfg!(miri) { 100 } else { 1000 };
        let words = zeros(bits);
        let shared = SharedBits::new(&words, bits);
        for member in 0..bits {
            shared.give(member / WORD_BITS, 1 << (member % WORD_BITS), || {});
        }
        thread::scope(|scope| {
            for start in 0..4 {
                scope.spawn(move || {
                    let mut rng = fastrand::Rng::with_seed(start as u64);
                    for _ in 0..if cfg!(miri) { 20 } else { 20_000 } {
                        if let Some((index, mask)) =
                            shared.claim_one(start * 4, rng.usize(1..=64), || {})
                        {
                            shared.give(index, mask, || {});
                        }
                    }
                });
            }
        });
        let mut count = 0;
        while let Some((_, mask)) = shared.claim_one(0, WORD_BITS, || {}) {
            count += mask.count_ones() as usize;
        }
        assert_eq!(count, bits, "every bit has a hint when all is quiet");
    }
}
