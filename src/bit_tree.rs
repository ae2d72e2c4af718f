//! A set of small integers as a tree of words: a bit is set where its number is a member, and a
//! bit one level up is set where the word below it has any bit set.
//!
//! The lowest member is found by one step per level, three for the slots of a chunk, however
//! sparse the set is. The words are atomic so that cores for one thread and for many can lie in
//! the same memory; this file uses plain relaxed loads and stores, for one thread at a time, and
//! `sync` the rest.
#![forbid(unsafe_code)]

use alloc::collections::TryReserveError;
use alloc::vec::Vec;
use core::sync::atomic::Ordering::Relaxed;

use crate::atomic::AtomicUsize;

/// The number of members that one word stands for.
pub(crate) const WORD_BITS: usize = usize::BITS as usize;

/// The most levels a tree can have: each divides the number of bits by `WORD_BITS`.
const MAX_LEVELS: usize = WORD_BITS.div_ceil(WORD_BITS.ilog2() as usize);

/// The number of words, over all levels, of a tree for the numbers below `bits`.
pub(crate) const fn words_for(bits: usize) -> usize {
    let mut level = bits.div_ceil(WORD_BITS);
    let mut total = level;
    while level > 1 {
        level = level.div_ceil(WORD_BITS);
        total += level;
    }
    total
}

/// A view of a tree for the numbers below `bits`.
///
/// # Invariants
///
/// 1. `words` holds `words_for(bits)` words: level 0 first, one bit a member, then each level
///    above, one bit a word of the level below, up to a level of one word.
/// 2. A bit above level 0 is set exactly when its word below is not 0.
/// 3. No bit from `bits` on is set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BitTree<'a> {
    words: &'a [AtomicUsize],
    bits: usize,
}

impl<'a> BitTree<'a> {
    /// Looks at `words`, which are all 0 or were written through such a view before.
    #[inline]
    pub(crate) fn new(words: &'a [AtomicUsize], bits: usize) -> Self {
        debug_assert_eq!(words.len(), words_for(bits));
        Self { words, bits }
    }

    /// The number of words of level 0.
    #[inline]
    pub(crate) fn word_count(self) -> usize {
        self.bits.div_ceil(WORD_BITS)
    }

    /// The members `index * WORD_BITS ..` of level 0, lowest bit first.
    #[inline]
    pub(crate) fn word(self, index: usize) -> usize {
        self.words[index].load(Relaxed)
    }

    /// Whether `member` belongs to the set.
    pub(crate) fn contains(self, member: usize) -> bool {
        self.word(member / WORD_BITS) & mask_of(member) != 0
    }

    /// The lowest word of level 0 that is not 0.
    pub(crate) fn first_word(self) -> Option<usize> {
        let mut starts = [0; MAX_LEVELS];
        let mut top = 0;
        let mut size = self.word_count();
        while size > 1 {
            starts[top + 1] = starts[top] + size;
            size = size.div_ceil(WORD_BITS);
            top += 1;
        }
        if size == 0 || self.word(starts[top]) == 0 {
            return None;
        }
        let mut index = 0;
        for level in (1..=top).rev() {
            let word = self.word(starts[level] + index);
            index = index * WORD_BITS + word.trailing_zeros() as usize;
        }
        Some(index)
    }

    /// The lowest member.
    pub(crate) fn first(self) -> Option<usize> {
        let index = self.first_word()?;
        Some(index * WORD_BITS + self.word(index).trailing_zeros() as usize)
    }

    /// Adds the members that `mask` names in word `index` of level 0. None of them may be in the
    /// set, and `mask` is not 0. Returns whether the set was empty.
    #[inline]
    pub(crate) fn insert(self, index: usize, mask: usize) -> bool {
        let old = self.word(index);
        debug_assert!(mask != 0 && old & mask == 0, "a member is added twice");
        debug_assert!(mask.ilog2() as usize + index * WORD_BITS < self.bits);
        self.words[index].store(old | mask, Relaxed);
        old == 0 && self.propagate(index, |word, bit| word | bit)
    }

    /// As [`BitTree::insert`], where word `index` has members already: the levels above know of it.
    /// Returns whether it has; nothing is added where it has none.
    #[inline]
    #[must_use]
    pub(crate) fn insert_beside(self, index: usize, mask: usize) -> bool {
        let old = self.word(index);
        debug_assert!(mask != 0 && old & mask == 0, "a member is added twice");
        if old != 0 {
            self.words[index].store(old | mask, Relaxed);
        }
        old != 0
    }

    /// Takes the members that `mask` names out of word `index` of level 0. All of them are in the
    /// set, and `mask` is not 0. Returns whether the set has become empty.
    #[inline]
    pub(crate) fn remove(self, index: usize, mask: usize) -> bool {
        let old = self.word(index);
        debug_assert!(mask != 0 && old & mask == mask, "a member that is absent is taken out");
        self.words[index].store(old & !mask, Relaxed);
        old == mask && self.propagate(index, |word, bit| word & !bit)
    }

    /// Tells the levels above that word `index` of level 0 has become 0 or has ceased to be.
    /// Returns whether the set has become empty or has ceased to be.
    fn propagate(self, mut index: usize, change: impl Fn(usize, usize) -> usize) -> bool {
        let mut start = 0;
        let mut size = self.word_count();
        while size > 1 {
            start += size;
            size = size.div_ceil(WORD_BITS);
            let bit = mask_of(index);
            index /= WORD_BITS;
            let old = self.word(start + index);
            let new = change(old, bit);
            self.words[start + index].store(new, Relaxed);
            // Only a word that turns from or to 0 is news to the level above.
            if old != 0 && new != 0 {
                return false;
            }
        }
        true
    }

    /// The number of members.
    pub(crate) fn count(self) -> usize {
        (0..self.word_count()).map(|index| self.word(index).count_ones() as usize).sum()
    }

    /// Walks the whole tree.
    ///
    /// # Panics
    ///
    /// Panics where an invariant does not hold.
    pub(crate) fn check_invariants(self) {
        assert_eq!(self.words.len(), words_for(self.bits), "BitTree invariant 1");
        if self.bits % WORD_BITS != 0 {
            let last = self.word(self.word_count() - 1);
            assert_eq!(last >> (self.bits % WORD_BITS), 0, "BitTree invariant 3");
        }
        let mut start = 0;
        let mut size = self.word_count();
        while size > 1 {
            let above = start + size;
            for index in 0..size {
                let bit = self.word(above + index / WORD_BITS) >> (index % WORD_BITS) & 1;
                let expected = usize::from(self.word(start + index) != 0);
                assert_eq!(bit, expected, "BitTree invariant 2");
            }
            start = above;
            size = size.div_ceil(WORD_BITS);
        }
    }
}

/// Splits the numbers `first .. first + count` into words of level 0 and the bits in each.
pub(crate) fn run_masks(first: usize, count: usize) -> impl Iterator<Item = (usize, usize)> {
    let end = first + count;
    let mut next = first;
    core::iter::from_fn(move || {
        (next < end).then(|| {
            let (index, shift) = (next / WORD_BITS, next % WORD_BITS);
            let bits = (WORD_BITS - shift).min(end - next);
            next += bits;
            (index, (usize::MAX >> (WORD_BITS - bits)) << shift)
        })
    })
}

/// The rows of neighbouring members below `bits` of a set, the words of whose level 0 `word` gives:
/// the first of each, and their number.
pub(crate) fn runs(
    bits: usize,
    word: impl Fn(usize) -> usize,
) -> impl Iterator<Item = (usize, usize)> {
    let mut next = 0;
    core::iter::from_fn(move || {
        let mut first = None;
        while next < bits {
            let rest = WORD_BITS - next % WORD_BITS;
            let members = word(next / WORD_BITS) >> (next % WORD_BITS);
            match first {
                None if members == 0 => next += rest,
                None => {
                    next += members.trailing_zeros() as usize;
                    first = Some(next);
                }
                Some(_) => {
                    let more = members.trailing_ones() as usize;
                    next += more.min(rest);
                    if more < rest {
                        break;
                    }
                }
            }
        }
        first.map(|first| (first, next.min(bits) - first))
    })
}

/// The mask of the bit that stands for `number`, in its word.
#[inline]
pub(crate) fn mask_of(number: usize) -> usize {
    1 << (number % WORD_BITS)
}

/// The numbers of the bits set in `word`, the lowest first.
#[cfg(feature = "std")]
pub(crate) fn bits_in(mut word: usize) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        let bit = (word != 0).then(|| word.trailing_zeros() as usize)?;
        word &= word - 1;
        Some(bit)
    })
}

/// The lowest `count` bits set in `word`.
pub(crate) fn lowest_bits(mut word: usize, count: usize) -> usize {
    if word.count_ones() as usize <= count {
        return word;
    }
    let all = word;
    for _ in 0..count {
        word &= word.wrapping_sub(1);
    }
    all & !word
}

/// The lowest of the bits set in `word` and those that follow it in a row.
pub(crate) fn lowest_run(word: usize) -> usize {
    // The carry runs through the row, and ends behind it.
    word & !word.wrapping_add(word & word.wrapping_neg())
}

/// A growing set of small integers that owns its tree.
#[derive(Debug, Default)]
pub(crate) struct BitSet {
    words: Vec<AtomicUsize>,
    bits: usize,
}

impl BitSet {
    /// Makes room for the numbers below `bits` at least.
    ///
    /// # Errors
    ///
    /// Where memory is refused; the set is unchanged then.
    pub(crate) fn reserve(&mut self, bits: usize) -> Result<(), TryReserveError> {
        if bits <= self.bits {
            return Ok(());
        }
        // Doubling, because the whole tree is built anew each time.
        let bits = bits.max(self.bits * 2).next_multiple_of(WORD_BITS);
        let mut words = Vec::new();
        words.try_reserve_exact(words_for(bits))?;
        words.resize_with(words_for(bits), || AtomicUsize::new(0));
        let grown = Self { words, bits };
        for index in 0..self.tree().word_count() {
            let word = self.tree().word(index);
            if word != 0 {
                grown.tree().insert(index, word);
            }
        }
        *self = grown;
        Ok(())
    }

    /// The set as a tree.
    #[inline]
    pub(crate) fn tree(&self) -> BitTree<'_> {
        BitTree::new(&self.words, self.bits)
    }

    /// Takes every member out.
    pub(crate) fn clear(&mut self) {
        for word in &self.words {
            word.store(0, Relaxed);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::collections::BTreeSet;
    use std::format;
    use std::panic::catch_unwind;
    use std::string::String;
    use std::vec::Vec;

    use super::*;

    /// Sizes at and around the ends of words and of levels.
    const SIZES: [usize; 13] = [
        1,
        2,
        WORD_BITS - 1,
        WORD_BITS,
        WORD_BITS + 1,
        2 * WORD_BITS,
        1000,
        WORD_BITS * WORD_BITS - 1,
        WORD_BITS * WORD_BITS,
        WORD_BITS * WORD_BITS + 1,
        5000,
        WORD_BITS * WORD_BITS * 3 + 7,
        300_000,
    ];

    fn zeros(bits: usize) -> Vec<AtomicUsize> {
        (0..words_for(bits)).map(|_| AtomicUsize::new(0)).collect()
    }

    #[test]
    fn a_tree_has_a_level_of_one_word_on_top() {
        assert_eq!(words_for(0), 0);
        for bits in 1..=WORD_BITS {
            assert_eq!(words_for(bits), 1);
        }
        assert_eq!(words_for(WORD_BITS + 1), 3);
        assert_eq!(words_for(WORD_BITS * WORD_BITS), WORD_BITS + 1);
        assert_eq!(words_for(WORD_BITS * WORD_BITS + 1), WORD_BITS + 1 + 2 + 1);
    }

    #[cfg(feature = "std")]
    #[test]
    fn the_bits_in_a_word_are_those_that_are_set() {
        for word in [0, 1, 0b1010, usize::MAX, 1 << (WORD_BITS - 1), usize::MAX / 3] {
            let set = (0..WORD_BITS).filter(|bit| word >> bit & 1 == 1);
            assert!(bits_in(word).eq(set), "{word:b}");
        }
    }

    #[test]
    fn members_come_and_go_as_in_a_set() {
        let mut rng = fastrand::Rng::with_seed(1);
        for bits in SIZES {
            let words = zeros(bits);
            let tree = BitTree::new(&words, bits);
            let mut set = BTreeSet::new();
            let steps = if cfg!(miri) { 20 } else { 500 };
            for step in 0..steps {
                // Removals prevail in the second half, so that the tree gets empty again.
                let member = match set.first() {
                    Some(first) if step > steps / 2 && rng.u8(..4) > 0 => *first,
                    _ => rng.usize(..bits),
                };
                let (word, mask) = (member / WORD_BITS, 1 << (member % WORD_BITS));
                if set.remove(&member) {
                    assert_eq!(tree.remove(word, mask), set.is_empty());
                } else {
                    let beside = tree.word(word) != 0;
                    assert_eq!(tree.insert_beside(word, mask), beside);
                    if !beside {
                        assert_eq!(tree.insert(word, mask), set.is_empty());
                    }
                    set.insert(member);
                }
                assert_eq!(tree.first(), set.first().copied(), "bits {bits}");
                assert_eq!(tree.first_word(), set.first().map(|first| first / WORD_BITS));
                assert_eq!(tree.contains(member), set.contains(&member));
                assert_eq!(tree.count(), set.len());
            }
            tree.check_invariants();
        }
    }

    #[test]
    fn masks_of_a_run_name_its_numbers() {
        for first in 0..2 * WORD_BITS {
            for count in 0..3 * WORD_BITS {
                let named: Vec<usize> = run_masks(first, count)
                    .flat_map(|(index, mask)| {
                        (0..WORD_BITS)
                            .filter(move |bit| mask >> bit & 1 == 1)
                            .map(move |bit| index * WORD_BITS + bit)
                    })
                    .collect();
                assert!(named.iter().copied().eq(first..first + count), "{first} {count}");
            }
        }
    }

    #[test]
    fn runs_name_the_members_of_a_set() {
        let mut rng = fastrand::Rng::with_seed(3);
        for bits in SIZES.into_iter().filter(|bits| *bits <= 5000) {
            for density in [0, 1, 5, 9, 10] {
                let members: Vec<bool> = (0..bits).map(|_| rng.u8(..10) < density).collect();
                let word = |index: usize| {
                    assert!(index * WORD_BITS < bits, "there is no such word");
                    let bits = members[index * WORD_BITS..].iter().take(WORD_BITS).enumerate();
                    bits.fold(0, |word, (bit, member)| word | usize::from(*member) << bit)
                };
                let mut named = std::vec![false; bits];
                let mut end = None;
                for (first, count) in runs(bits, word) {
                    assert!(count > 0 && end.is_none_or(|end| first > end), "rows are not cut");
                    named[first..first + count].fill(true);
                    end = Some(first + count);
                }
                assert!(named == members);
            }
        }
    }

    #[test]
    fn the_lowest_run_is_the_first_of_a_word() {
        let mut rng = fastrand::Rng::with_seed(4);
        for _ in 0..1000 {
            // Rows of every length, up to that of a word.
            let word = rng.usize(..) >> rng.usize(..WORD_BITS) << rng.usize(..WORD_BITS);
            let word = if rng.bool() { word } else { !word };
            let first = runs(WORD_BITS, |_| word).next();
            let mask = first.and_then(|(first, count)| run_masks(first, count).next());
            assert_eq!(lowest_run(word), mask.map_or(0, |(_, mask)| mask), "{word:b}");
        }
    }

    #[test]
    fn a_tree_that_is_wrong_is_noticed() {
        let bits = WORD_BITS * WORD_BITS + 1;
        for (place, invariant) in [(0, 2), (WORD_BITS + 1, 2), (WORD_BITS, 3)] {
            let words = zeros(bits);
            let tree = BitTree::new(&words, bits);
            tree.check_invariants();
            words[place].store(1 << (WORD_BITS - 1), Relaxed);
            let noticed = catch_unwind(|| tree.check_invariants()).unwrap_err();
            let words = noticed.downcast::<String>().unwrap();
            assert!(words.contains(&format!("invariant {invariant}")), "{words}");
        }
    }

    #[test]
    fn a_set_keeps_its_members_when_it_grows() {
        let mut set = BitSet::default();
        assert_eq!(set.tree().first(), None);
        let mut members = Vec::new();
        for bits in SIZES {
            set.reserve(bits).unwrap();
            members.push(bits - 1);
            set.tree().insert((bits - 1) / WORD_BITS, 1 << ((bits - 1) % WORD_BITS));
            set.tree().check_invariants();
            assert!(members.iter().all(|member| set.tree().contains(*member)));
            assert_eq!(set.tree().count(), members.len());
        }
        set.clear();
        assert_eq!((set.tree().first(), set.tree().count()), (None, 0));
    }
}
