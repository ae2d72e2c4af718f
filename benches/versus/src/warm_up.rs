//! How often an operation is done before a block is measured, so that the block meets the caches as
//! the operation leaves them, and not as the turns of others do.
//!
//! A quarter of a block is enough for what goes through its values in turn, and for what picks as
//! often in one iteration. What picks among many values at random, one in each iteration, comes to
//! the last of them late.

use crate::workloads::operation::Operation;

/// The number of values from which on it would take too long, and most caches have no room for
/// them.
const TOO_MANY: usize = 1_000_000;

/// How often one of `count` values is picked at random until all but one in twenty thousand have
/// been. Where a twentieth had not, looking for those in memory could be half of what is measured.
pub(crate) const fn picks_among(count: usize) -> u64 {
    if count < TOO_MANY { 10 * count as u64 } else { 0 }
}

/// How often an operation of one thread is done before a block, at least.
pub(crate) fn of(operation: Operation) -> u64 {
    match operation {
        Operation::RandomReplace(count) => picks_among(count),
        // It picks some places more often than others, and leaves out one in thirty.
        Operation::AllocTest => picks_among(operation.count()),
        Operation::Pair
        | Operation::Fill(_)
        | Operation::FillFresh(_)
        | Operation::FillAndFree(..)
        | Operation::FreeRandom(_)
        | Operation::RefillHalf(_)
        | Operation::GlibcSimple(_)
        | Operation::Larson
        | Operation::WalkChurned(_)
        | Operation::WalkLocal(_)
        | Operation::Create(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::*;

    #[test]
    fn few_are_not_picked() {
        let count = 100_000;
        let mut rng = Rng::with_seed(1);
        let mut picked = vec![false; count];
        (0..picks_among(count)).for_each(|_| picked[rng.usize(..count)] = true);
        let left = picked.iter().filter(|picked| !**picked).count();
        assert!((1..count / 10_000).contains(&left), "{left}");
    }
}
