//! The vacancy bitmap of a chunk, while threads claim slots in it and give them back.
//!
//! It is the tree of [`BitTree`](crate::bit_tree::BitTree), of which it uses two levels: the bits,
//! which say exactly what is vacant, and above them hints, one for a word, which say where to look.
//! A hint is set after the first bit of its word; who empties a word clears the hint and looks at
//! the word again. So a hint may be set over an empty word for long, but lacks over another only
//! while somebody is about to set it.
//!
//! Whoever sets the first hint of its word of hints tells of it, by calling what he was given for
//! that: those who look for chunks may have seen none.
#![forbid(unsafe_code)]

use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use crate::atomic::AtomicUsize;
use crate::bit_tree::{WORD_BITS, lowest_bits};
use crate::fault::point;

/// A view of the bitmap of a chunk of `bits` slots.
#[derive(Clone, Copy, Debug)]
pub(super) struct SharedBits<'a> {
    words: &'a [AtomicUsize],
    /// None where there is but one word.
    hints: &'a [AtomicUsize],
}

impl<'a> SharedBits<'a> {
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
        // Release, with the Acquire of `claim_in`: what was done with the slots is done.
        let old = self.words[index].fetch_or(mask, Release);
        debug_assert!(old & mask == 0, "a slot is given back twice");
        point();
        if old == 0 {
            self.hint(index, tell);
        }
    }

    /// Sets the hint to a word.
    fn hint(self, index: usize, tell: impl Fn()) {
        // Release, with the Acquire of `emptied`: who clears this hint sees what it hints to.
        let first = self
            .hints
            .get(index / WORD_BITS)
            .is_none_or(|hints| hints.fetch_or(1 << (index % WORD_BITS), Release) == 0);
        if first {
            point();
            tell();
        }
    }

    /// Claims at most `most` of the bits of word `index`, the lowest; returns which.
    fn claim_in(self, index: usize, most: usize, tell: impl Fn()) -> usize {
        let word = &self.words[index];
        let mut seen = word.load(Relaxed);
        while seen != 0 {
            let wanted = lowest_bits(seen, most);
            // Acquire, with the Release of `give`.
            let old = word.fetch_and(!wanted, Acquire);
            if old & wanted != 0 {
                point();
                if old & !wanted == 0 {
                    self.emptied(index, tell);
                }
                return old & wanted;
            }
            seen = old;
        }
        self.emptied(index, tell);
        0
    }

    /// Claims at most `most` slots of word `index`; returns which. They are the caller's from then
    /// on.
    pub(super) fn claim_word(self, index: usize, most: usize, tell: impl Fn()) -> usize {
        if most == 0 || self.words[index].load(Relaxed) == 0 {
            return 0;
        }
        self.claim_in(index, most, tell)
    }

    /// Clears the hint to word `index`, which was seen empty, and sets it again if it no longer is.
    fn emptied(self, index: usize, tell: impl Fn()) {
        let Some(hints) = self.hints.get(index / WORD_BITS) else { return };
        let bit = 1 << (index % WORD_BITS);
        if hints.load(Relaxed) & bit == 0 {
            return;
        }
        // Acquire, with the Release of `hint`: if the hint that goes here was set for bits that
        // came after the word was seen empty, the next line sees them; otherwise it is set after.
        hints.fetch_and(!bit, AcqRel);
        point();
        if self.words[index].load(Relaxed) != 0 {
            self.hint(index, tell);
        }
    }

    /// Claims at most `most` slots of one word, the first with a hint from word `start` on and
    /// round. Returns the word and the bits in it, which are the caller's from then on.
    pub(super) fn claim(
        self,
        start: usize,
        most: usize,
        tell: impl Fn(),
    ) -> Option<(usize, usize)> {
        if self.hints.is_empty() {
            let claimed = self.claim_in(0, most, &tell);
            return (claimed != 0).then_some((0, claimed));
        }
        let (first, bit) = (start / WORD_BITS % self.hints.len(), start % WORD_BITS);
        // The word of hints to begin with is visited twice, for what is behind the start and for
        // what is in front of it.
        for step in 0..=self.hints.len() {
            let at = (first + step) % self.hints.len();
            let mask = match step {
                0 => usize::MAX << bit,
                step if step == self.hints.len() => !(usize::MAX << bit),
                _ => usize::MAX,
            };
            let mut hints = self.hints[at].load(Relaxed) & mask;
            while hints != 0 {
                let index = at * WORD_BITS + hints.trailing_zeros() as usize;
                hints &= hints - 1;
                let claimed = self.claim_in(index, most, &tell);
                if claimed != 0 {
                    return Some((index, claimed));
                }
            }
        }
        None
    }

    /// Claims as [`SharedBits::claim`] does, looking at every word, whatever hints say.
    pub(super) fn claim_unhinted(self, most: usize, tell: impl Fn()) -> Option<(usize, usize)> {
        (0..self.words.len())
            .map(|index| (index, self.claim_in(index, most, &tell)))
            .find(|(_, claimed)| *claimed != 0)
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
                        let claimed = shared.claim(index, most, || {});
                        assert_eq!(claimed.is_some(), !vacant.is_empty(), "bits {bits}");
                        let Some((index, mask)) = claimed else { continue };
                        assert!(mask != 0 && mask.count_ones() as usize <= most);
                        (index, mask)
                    }
                };
                assert!(members(index, mask).all(|member| vacant.remove(&member)));
                // While nobody else is at it, hints are exact.
                assert_eq!(shared.is_hinted(), !vacant.is_empty());
            }
            while let Some((index, mask)) = shared.claim_unhinted(WORD_BITS, || {}) {
                assert!(members(index, mask).all(|member| vacant.remove(&member)));
            }
            assert!(vacant.is_empty() && !shared.is_hinted());
        }
    }

    #[test]
    fn a_claim_goes_on_from_where_it_starts_and_round() {
        let mut rng = fastrand::Rng::with_seed(2);
        for count in [2, WORD_BITS - 1, WORD_BITS, WORD_BITS + 1, 4 * WORD_BITS - 5] {
            let words = zeros(count * WORD_BITS);
            let shared = SharedBits::new(&words, count * WORD_BITS);
            let given: BTreeSet<_> = (0..6).map(|_| rng.usize(..count)).collect();
            let told = Cell::new(0);
            for &index in &given {
                shared.give(index, 1, || told.set(told.get() + 1));
            }
            let hints: BTreeSet<_> = given.iter().map(|index| index / WORD_BITS).collect();
            assert_eq!(told.get(), hints.len(), "of the first hint of each word");
            for _ in 0..if cfg!(miri) { 10 } else { 300 } {
                // Hints over words that were emptied meanwhile are passed by.
                shared.hint(rng.usize(..count), || {});
                shared.hint(rng.usize(..count), || {});
                let start = rng.usize(..8 * WORD_BITS);
                let from = start % count.next_multiple_of(WORD_BITS);
                let first = *given.range(from..).chain(&given).next().unwrap();
                assert_eq!(shared.claim(start, WORD_BITS, || {}), Some((first, 1)));
                shared.give(first, 1, || {});
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
                            shared.claim(start * 4, rng.usize(1..=64), || {})
                        {
                            shared.give(index, mask, || {});
                        }
                    }
                });
            }
        });
        let mut count = 0;
        while let Some((_, mask)) = shared.claim(0, WORD_BITS, || {}) {
            count += mask.count_ones() as usize;
        }
        assert_eq!(count, bits, "every bit has a hint when all is quiet");
    }
}
