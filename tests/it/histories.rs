//! Random histories of every kind of pool and of handle, by one list of operations: at any time
//! what is held has the bytes that a vector of boxes has, the pool counts as many slots, and every
//! invariant holds.
//!
//! What is the same for all kinds is here, and plays on one thread; `sync_histories` plays the same
//! on several at once. The kinds are in `histories/kinds`. (`model` has histories of one kind, the
//! typed pool, with more that can be done to it: constructors and destructors that panic, handles
//! that are forgotten.)
//!
//! How many operations that are: a history has 50 on average. There are four kinds, and a fifth
//! with the feature `allocator-api2`, of pools for one thread and as many of those for many; the
//! latter are played by one thread, and by three at once. So one case of each comes to 1,000
//! operations, 50 × (4 + 4 + 3 × 4); there are `PROPTEST_CASES` of them, which are 128 in
//! `checks/release`, or a few.

use std::iter;
use std::sync::{Mutex, PoisonError};

use proptest::prelude::*;

use self::kinds::{Blocks, Classes, Keeping, Typed};
use super::{
    MemoryPool, OwnedPoolBox, Pool, PoolBox, Shared, SizeClassPool, shrink_under_handles,
    trim_classes_under_handles, trim_under_handles,
};

#[cfg(feature = "allocator-api2")]
pub(crate) mod allocated;
pub(crate) mod kinds;

/// The most operations of a history.
pub(crate) const LONGEST: usize = 100;

/// A pool of some kind and what is held of it.
pub(crate) trait Kind: 'static {
    type Pool;
    type Held<'p>;

    /// A pool that is `bound` to so many values, where the kind can be.
    fn make(bound: usize) -> Self::Pool;

    /// How many bytes there are in what has at least, or at most, so many.
    fn length(wished: usize) -> usize {
        wished
    }

    /// Puts bytes in, whose number is one that [`Kind::length`] gives, if there is room.
    fn put<'p>(pool: &'p Self::Pool, bytes: &[u8]) -> Option<Self::Held<'p>>;

    fn bytes<'h>(held: &'h Self::Held<'_>) -> &'h [u8];

    /// Changes what is held in one of some ways: to `fresh`, of such a number of bytes too, so that
    /// this is what `bytes` becomes, or to nothing but another place. Returns what it has become,
    /// and another of the same content where that was made.
    fn change<'p>(
        pool: &'p Self::Pool,
        held: Self::Held<'p>,
        bytes: &mut Box<[u8]>,
        fresh: Box<[u8]>,
        way: u8,
    ) -> (Self::Held<'p>, Option<Self::Held<'p>>);

    /// Ends what is held in one of some ways.
    fn take<'p>(pool: &'p Self::Pool, held: Self::Held<'p>, way: u8);

    /// What is done to a pool as a whole.
    fn upkeep(pool: &Self::Pool, number: usize);

    /// The number of slots that are occupied, and whether there are no more.
    fn count(pool: &Self::Pool) -> (usize, bool);

    fn check_invariants(pool: &Self::Pool);
}

/// What can be done. Numbers pick what is held, modulo its number.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Put(usize),
    Fill {
        length: usize,
        count: usize,
    },
    Change {
        pick: usize,
        way: u8,
        length: usize,
    },
    Take {
        pick: usize,
        way: u8,
    },
    TakeEvery(usize),
    /// Gives one away, for whoever accepts it.
    Offer(usize),
    Accept,
    Upkeep(usize),
}

pub(crate) fn operations() -> impl Strategy<Value = Vec<Operation>> {
    use Operation::*;
    let pick = any::<usize>;
    let length = || prop_oneof![12 => 0..300_usize, 3 => 0..5000_usize, 1 => 30_000..80_000_usize];
    let operation = prop_oneof![
        8 => length().prop_map(Put),
        2 => (0..400_usize, 1..700_usize).prop_map(|(length, count)| Fill { length, count }),
        8 => (pick(), any::<u8>(), length())
            .prop_map(|(pick, way, length)| Change { pick, way, length }),
        6 => (pick(), any::<u8>()).prop_map(|(pick, way)| Take { pick, way }),
        2 => (1..5_usize).prop_map(TakeEvery),
        4 => pick().prop_map(Offer),
        4 => Just(Accept),
        2 => (0..2000_usize).prop_map(Upkeep),
    ];
    prop::collection::vec(operation, 1..=LONGEST)
}

/// What is held, and the bytes that it ought to have.
pub(crate) struct Entry<'p, K: Kind> {
    held: K::Held<'p>,
    bytes: Box<[u8]>,
}

impl<K: Kind> Entry<'_, K> {
    pub(crate) fn check(&self) {
        assert!(*K::bytes(&self.held) == *self.bytes, "what is held has changed");
    }
}

/// What is given away and not accepted yet.
pub(crate) type Offers<'p, K> = Mutex<Vec<Entry<'p, K>>>;

/// What one thread does, and what it holds.
pub(crate) struct History<'o, 'p, K: Kind> {
    pool: &'p K::Pool,
    offers: &'o Offers<'p, K>,
    pub(crate) entries: Vec<Entry<'p, K>>,
    last: usize,
}

impl<'o, 'p, K: Kind> History<'o, 'p, K> {
    /// A history of the thread of some number.
    pub(crate) fn new(pool: &'p K::Pool, offers: &'o Offers<'p, K>, thread: usize) -> Self {
        Self { pool, offers, entries: Vec::new(), last: thread << (usize::BITS - 8) }
    }

    /// Bytes that no other has.
    fn fresh(&mut self, wished: usize) -> Box<[u8]> {
        self.last += 1;
        let word = self.last.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as usize).to_le_bytes();
        word.into_iter().cycle().take(K::length(wished)).collect()
    }

    /// Puts something in; returns whether there was room.
    fn put(&mut self, wished: usize) -> bool {
        let bytes = self.fresh(wished);
        let held = K::put(self.pool, &bytes);
        let has_room = held.is_some();
        self.entries.extend(held.map(|held| Entry { held, bytes }));
        has_room
    }

    /// Takes an entry out.
    fn pick(&mut self, number: usize) -> Option<Entry<'p, K>> {
        let index = number.checked_rem(self.entries.len())?;
        Some(self.entries.swap_remove(index))
    }

    fn offers(&self) -> std::sync::MutexGuard<'o, Vec<Entry<'p, K>>> {
        self.offers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something; returns whether there was room for it.
    pub(crate) fn step(&mut self, operation: &Operation) -> bool {
        match *operation {
            Operation::Put(length) => return self.put(length),
            Operation::Fill { length, count } => return (0..count).all(|_| self.put(length)),
            Operation::Change { pick, way, length } => {
                let fresh = self.fresh(length);
                let Some(Entry { held, mut bytes }) = self.pick(pick) else { return true };
                let (held, other) = K::change(self.pool, held, &mut bytes, fresh, way);
                let other = other.map(|held| Entry { held, bytes: bytes.clone() });
                self.entries.extend(iter::once(Entry { held, bytes }).chain(other));
            }
            Operation::Take { pick, way } => {
                if let Some(entry) = self.pick(pick) {
                    entry.check();
                    K::take(self.pool, entry.held, way);
                }
            }
            Operation::TakeEvery(nth) => {
                for index in (0..self.entries.len()).rev().filter(|index| index % nth == 0) {
                    K::take(self.pool, self.entries.swap_remove(index).held, 0);
                }
            }
            Operation::Offer(pick) => {
                let offered = self.pick(pick);
                self.offers().extend(offered);
            }
            Operation::Accept => {
                let accepted = self.offers().pop();
                accepted.iter().for_each(Entry::check);
                self.entries.extend(accepted);
            }
            Operation::Upkeep(number) => K::upkeep(self.pool, number),
        }
        true
    }
}

/// Ends what is held, of a pool that no other thread uses.
pub(crate) fn end<'p, K: Kind>(pool: &'p K::Pool, entries: Vec<Entry<'p, K>>) {
    entries.iter().for_each(Entry::check);
    assert_eq!(K::count(pool).0, entries.len());
    K::check_invariants(pool);
    entries.into_iter().for_each(|entry| K::take(pool, entry.held, 0));
    assert_eq!(K::count(pool).0, 0);
    K::check_invariants(pool);
}

/// Plays a history on one thread, and looks at everything after each step.
fn play<K: Kind>(bound: usize, operations: &[Operation]) {
    let pool = K::make(bound);
    let offers = Mutex::default();
    let mut history = History::<K>::new(&pool, &offers, 0);
    for operation in operations {
        let had_room = history.step(operation);
        K::check_invariants(&pool);
        let offers = history.offers();
        let all = || history.entries.iter().chain(&*offers);
        let (len, is_full) = K::count(&pool);
        assert_eq!(len, all().count());
        assert!(had_room || is_full, "a pool that has room refuses");
        all().for_each(Entry::check);
    }
    let mut entries = history.entries;
    entries.append(&mut offers.lock().unwrap());
    end(&pool, entries);
}

/// How many histories are played of each kind, where `PROPTEST_CASES` does not say.
pub(crate) const CASES: u32 = if cfg!(debug_assertions) { 10 } else { 24 };

/// The number of histories: `PROPTEST_CASES` where it is set, and otherwise `cases`.
pub(crate) fn config(cases: u32) -> ProptestConfig {
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = cases;
    }
    config
}

/// Plays random histories of some kinds.
macro_rules! test_kinds {
    ($($(#[$attribute:meta])* $name:ident: $Kind:ty;)*) => {
        proptest! {
            #![proptest_config(config(CASES))]
            $(
                $(#[$attribute])*
                #[test]
                #[cfg_attr(miri, ignore = "takes hours there")]
                fn $name(bound in 1..1500_usize, operations in operations()) {
                    play::<$Kind>(bound, &operations);
                }
            )*
        }
    };
}

test_kinds! {
    typed: Typed;
    blocks: Blocks;
    size_classes: Classes;
    handles_that_keep_their_pool: Keeping;
    #[cfg(feature = "allocator-api2")]
    allocated: allocated::Allocated;
}
