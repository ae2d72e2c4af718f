//! One side of the book: its price levels, and in each level the orders in the order they arrived.
//!
//! A level holds ids, not handles, because the book owns the handles. An order that leaves from the
//! middle of a level leaves a gap in its queue; the queue is compacted once gaps outnumber orders,
//! so that it stays bounded and a removal costs a binary search instead of a shift.

use std::collections::{BTreeMap, VecDeque};

use crate::book::Side;

/// The sum of the sizes at one price would not fit into 64 bits.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TotalOverflow;

/// How many gaps a queue keeps before it is worth compacting.
const FREE_GAPS: usize = 32;

/// How many emptied levels a ladder keeps, so that a price that comes and goes allocates no queue.
const SPARE_LEVELS: usize = 64;

#[derive(Debug)]
struct Entry {
    /// The order's place in time. It grows along the queue, which makes it searchable.
    seq: u64,
    /// The order's id, or `None` for a gap.
    id: Option<u64>,
}

/// The orders at one price, first come first.
#[derive(Debug, Default)]
struct Level {
    total: u64,
    live: usize,
    /// Begins with a live order whenever the level has one.
    queue: VecDeque<Entry>,
}

impl Level {
    fn push(&mut self, seq: u64, id: u64, size: u64) -> Result<(), TotalOverflow> {
        self.total = self.total.checked_add(size).ok_or(TotalOverflow)?;
        self.live += 1;
        self.queue.push_back(Entry { seq, id: Some(id) });
        Ok(())
    }

    fn remove(&mut self, seq: u64, size: u64) {
        let found = match self.queue.front() {
            Some(first) if first.seq == seq => Ok(0),
            _ => self.queue.binary_search_by_key(&seq, |entry| entry.seq),
        };
        let index = found.expect("every resting order is queued at its price");
        self.queue[index].id = None;
        self.total -= size;
        self.live -= 1;
        while self.queue.front().is_some_and(|entry| entry.id.is_none()) {
            self.queue.pop_front();
        }
        if self.queue.len() > 2 * self.live + FREE_GAPS {
            self.queue.retain(|entry| entry.id.is_some());
        }
    }
}

/// One side's levels by price.
#[derive(Debug)]
pub(crate) struct Ladder {
    side: Side,
    /// No level in here is empty.
    levels: BTreeMap<i64, Level>,
    spare: Vec<Level>,
}

impl Ladder {
    pub(crate) fn new(side: Side) -> Self {
        Self { side, levels: BTreeMap::new(), spare: Vec::new() }
    }

    /// Queues an order last at its price.
    pub(crate) fn push(
        &mut self,
        price: i64,
        seq: u64,
        id: u64,
        size: u64,
    ) -> Result<(), TotalOverflow> {
        let spare = &mut self.spare;
        let level = self.levels.entry(price).or_insert_with(|| spare.pop().unwrap_or_default());
        level.push(seq, id, size)
    }

    /// Takes an order out of its level.
    pub(crate) fn remove(&mut self, price: i64, seq: u64, size: u64) {
        let level = self.levels.get_mut(&price).expect("every resting order has a level");
        level.remove(seq, size);
        if level.live == 0 {
            let emptied = self.levels.remove(&price);
            if self.spare.len() < SPARE_LEVELS {
                self.spare.extend(emptied);
            }
        }
    }

    /// Shrinks an order in place: the level's total falls, the queue stays as it is.
    pub(crate) fn reduce(&mut self, price: i64, by: u64) {
        let level = self.levels.get_mut(&price).expect("every resting order has a level");
        level.total -= by;
    }

    /// The id of the order that is matched next: the oldest at the best price.
    pub(crate) fn front(&self) -> Option<u64> {
        self.best_level()?.1.queue.front()?.id
    }

    /// The best price and the size resting there.
    pub(crate) fn best(&self) -> Option<(i64, u64)> {
        self.best_level().map(|(&price, level)| (price, level.total))
    }

    /// Up to `n` prices with their sizes, best first.
    pub(crate) fn top(&self, n: usize) -> Vec<(i64, u64)> {
        let row = |(&price, level): (&i64, &Level)| (price, level.total);
        match self.side {
            Side::Bid => self.levels.iter().rev().take(n).map(row).collect(),
            Side::Ask => self.levels.iter().take(n).map(row).collect(),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.levels.clear();
    }

    fn best_level(&self) -> Option<(&i64, &Level)> {
        match self.side {
            Side::Bid => self.levels.last_key_value(),
            Side::Ask => self.levels.first_key_value(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_bid_is_the_highest_and_the_best_ask_the_lowest() {
        for (side, best, top) in
            [(Side::Bid, 12, [(12, 3), (11, 2)]), (Side::Ask, 10, [(10, 1), (11, 2)])]
        {
            let mut ladder = Ladder::new(side);
            for (seq, price, size) in [(0, 11, 2), (1, 10, 1), (2, 12, 3)] {
                ladder.push(price, seq, seq, size).unwrap();
            }
            assert_eq!(ladder.best().unwrap().0, best);
            assert_eq!(ladder.top(2), top);
        }
    }

    #[test]
    fn negative_prices_are_ordered_below_zero() {
        let mut ladder = Ladder::new(Side::Bid);
        ladder.push(-25, 0, 7, 1).unwrap();
        ladder.push(-50, 1, 8, 1).unwrap();
        assert_eq!(ladder.best(), Some((-25, 1)));
        assert_eq!(ladder.front(), Some(7));
    }

    #[test]
    fn a_gap_is_skipped_and_an_emptied_level_disappears() {
        let mut ladder = Ladder::new(Side::Ask);
        for seq in 0..3 {
            ladder.push(10, seq, 100 + seq, 5).unwrap();
        }
        ladder.remove(10, 1, 5);
        assert_eq!(ladder.front(), Some(100));
        ladder.remove(10, 0, 5);
        assert_eq!(ladder.front(), Some(102));
        assert_eq!(ladder.best(), Some((10, 5)));
        ladder.remove(10, 2, 5);
        assert_eq!(ladder.best(), None);
        ladder.push(11, 3, 9, 1).unwrap();
        assert_eq!((ladder.best(), ladder.front()), (Some((11, 1)), Some(9)));
    }

    #[test]
    fn gaps_stay_bounded() {
        let mut ladder = Ladder::new(Side::Bid);
        ladder.push(10, 0, 0, 1).unwrap();
        for seq in 1..10_000 {
            ladder.push(10, seq, seq, 1).unwrap();
            ladder.remove(10, seq, 1);
            assert!(ladder.levels[&10].queue.len() <= 2 + FREE_GAPS);
        }
        assert_eq!(ladder.front(), Some(0));
    }

    #[test]
    fn a_total_that_does_not_fit_is_refused_and_changes_nothing() {
        let mut ladder = Ladder::new(Side::Bid);
        ladder.push(10, 0, 0, u64::MAX).unwrap();
        assert_eq!(ladder.push(10, 1, 1, 1), Err(TotalOverflow));
        assert_eq!(ladder.best(), Some((10, u64::MAX)));
        ladder.remove(10, 0, u64::MAX);
        assert_eq!(ladder.best(), None);
    }
}
