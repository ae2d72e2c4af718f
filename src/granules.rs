//! Which granules of a tract are vacant: bits of a word.
#![forbid(unsafe_code)]

use core::ops::Range;

use crate::geometry::{GRANULES, TRACT_HEADER_GRANULES};

/// The vacant granules of a tract, of which the first are taken by its header.
///
/// # Invariants
///
/// 1. Bits are set for vacant granules, all of them in `TRACT_HEADER_GRANULES..end`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Granules {
    vacant: u64,
    end: usize,
}

const _: () = assert!(GRANULES == u64::BITS as usize);

impl Granules {
    /// Those of a tract that is `end` granules long: all vacant but the header's.
    pub(crate) fn new(end: usize) -> Self {
        assert!((TRACT_HEADER_GRANULES + 1..=GRANULES).contains(&end));
        // INVARIANT: 1. here.
        Self { vacant: mask(TRACT_HEADER_GRANULES..end), end }
    }

    /// The number of granules, those of the header included.
    pub(crate) fn end(&self) -> usize {
        self.end
    }

    /// Whether all but those of the header are vacant.
    pub(crate) fn are_vacant(&self) -> bool {
        self.vacant == mask(TRACT_HEADER_GRANULES..self.end)
    }

    /// Takes `count` granules in a row, at least one: the lowest there are. Returns the first.
    pub(crate) fn take(&mut self, count: usize) -> Option<usize> {
        let mut starts = self.vacant;
        let mut rows = 1;
        while rows < count && starts != 0 {
            // A bit is left where a row of `rows` starts, so this makes rows longer by `further`.
            let further = rows.min(count - rows);
            starts &= starts >> further;
            rows += further;
        }
        let start = starts.trailing_zeros() as usize;
        if starts == 0 {
            return None;
        }
        // INVARIANT: 1. these were vacant.
        self.vacant &= !mask(start..start + count);
        Some(start)
    }

    /// Makes granules vacant that were taken.
    ///
    /// # Panics
    ///
    /// Panics where they were not.
    pub(crate) fn put_back(&mut self, granules: Range<usize>) {
        assert!(TRACT_HEADER_GRANULES <= granules.start && granules.end <= self.end);
        let mask = mask(granules);
        assert_eq!(self.vacant & mask, 0, "granules are given back twice");
        // INVARIANT: 1. by the lines above.
        self.vacant |= mask;
    }
}

/// The bits of a range that is not empty.
fn mask(range: Range<usize>) -> u64 {
    (u64::MAX >> (GRANULES - range.len())) << range.start
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::vec;

    use super::*;
    use crate::geometry::SHARED_GRANULES;

    #[test]
    fn the_lowest_row_is_taken_and_comes_back() {
        let mut rng = fastrand::Rng::with_seed(7);
        for end in [TRACT_HEADER_GRANULES + 1, GRANULES / 4, GRANULES / 2, GRANULES] {
            let mut granules = Granules::new(end);
            let mut model = vec![false; TRACT_HEADER_GRANULES];
            model.resize(end, true);
            let mut taken = vec![];
            for _ in 0..2000 {
                if rng.bool() {
                    let count = rng.usize(1..=GRANULES);
                    let found = granules.take(count);
                    let expected = model.windows(count).position(|row| row.iter().all(|bit| *bit));
                    assert_eq!(found, expected.filter(|_| count <= end));
                    if let Some(start) = found {
                        model[start..start + count].fill(false);
                        taken.push(start..start + count);
                    }
                } else if !taken.is_empty() {
                    let row = taken.swap_remove(rng.usize(..taken.len()));
                    model[row.clone()].fill(true);
                    granules.put_back(row);
                }
                assert_eq!((granules.are_vacant(), granules.end()), (taken.is_empty(), end));
            }
        }
    }

    #[test]
    fn all_but_the_header_of_a_whole_tract_can_be_taken_at_once() {
        let mut granules = Granules::new(GRANULES);
        assert_eq!(granules.take(SHARED_GRANULES), Some(TRACT_HEADER_GRANULES));
        assert_eq!(granules.take(1), None);
    }

    #[test]
    #[should_panic(expected = "given back twice")]
    fn what_is_vacant_is_not_given_back() {
        let mut granules = Granules::new(GRANULES);
        granules.put_back(TRACT_HEADER_GRANULES..TRACT_HEADER_GRANULES + 1);
    }
}
