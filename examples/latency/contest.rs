//! Runs every contender's book over the same events, in turns.
//!
//! Each round begins with empty books and heaps as the last round left them. Within a round the
//! contenders take turns of a few milliseconds, in random order, so that what disturbs the machine
//! disturbs all of them, and none always finds the caches as the same other one leaves them.

use typed_pool::Pool;

use crate::allocate::{Allocate, Mimalloc, System};
use crate::book::{Book, Event, Side, Tally};
use crate::clock::{self, Clock, Empty};
use crate::timed::{Pair, Timed};

/// How many events a turn has.
const TURN: usize = 16_384;

/// How many orders the prefaulted pool has room for from the start.
const PREFAULTED: usize = 1 << 14;

/// How many levels of a book are compared.
const LEVELS: usize = 5;

/// Seeds the order of turns.
const TURNS_SEED: u64 = 1;

/// The contenders. A line here is all that another one takes.
fn contenders<C: Clock>(clock: C) -> Vec<Box<dyn Contender>> {
    vec![
        named("pool", Pool::new(), clock),
        named("pool, prefaulted", Pool::builder().capacity(PREFAULTED).prefault().build(), clock),
        named("box", System, clock),
        named("mimalloc", Mimalloc, clock),
    ]
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Contest {
    pub(crate) results: Vec<Measured>,
    pub(crate) clock: ClockUsed,
    /// What each book went through in a round.
    pub(crate) tally: Tally,
    /// Over all records that were freed, in their order.
    pub(crate) checksum: u64,
}

/// The times of one contender.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) name: &'static str,
    /// Of the first round, in which a heap has to be fetched from the system.
    pub(crate) first: Pair,
    /// Of all later rounds.
    pub(crate) later: Pair,
}

/// The clock, and what was subtracted for it.
#[derive(Debug)]
pub(crate) struct ClockUsed {
    pub(crate) description: String,
    /// In nanoseconds: the smallest, the middle and the largest of what was measured before turns.
    pub(crate) cost: [f64; 3],
    /// In nanoseconds: times closer together than this are not told apart.
    pub(crate) step: f64,
}

/// Runs `rounds` rounds over events that a book has been found to accept.
pub(crate) fn run<C: Clock>(clock: C, events: &[Event], rounds: usize) -> Contest {
    let contenders = contenders(clock);
    let rng = fastrand::Rng::with_seed(TURNS_SEED);
    let mut turns = Turns { rng, costs: Vec::new(), step: 0 };
    let mut end = turns.round(clock, &contenders, events);
    let first: Vec<Pair> = contenders.iter().map(|contender| contender.take_times()).collect();
    for _ in 1..rounds {
        end = turns.round(clock, &contenders, events);
    }
    turns.costs.sort_unstable();
    let costs = &turns.costs;
    let cost = [0, costs.len() / 2, costs.len() - 1].map(|at| costs[at] as f64);
    let results = contenders.iter().zip(first).map(|(contender, first)| Measured {
        name: contender.name(),
        first,
        later: contender.take_times(),
    });
    Contest {
        results: results.collect(),
        clock: ClockUsed {
            description: clock.describe(),
            cost: cost.map(|ticks| ticks * clock.ns_per_tick()),
            step: turns.step as f64 * clock.ns_per_tick(),
        },
        tally: end.tally,
        checksum: end.checksum,
    }
}

/// Deals out the turns.
struct Turns {
    rng: fastrand::Rng,
    /// What the clock cost before each turn of all, in ticks.
    costs: Vec<u64>,
    /// The greatest that all empty measurements are multiples of, in ticks.
    step: u64,
}

impl Turns {
    /// Runs a book of each contender over all events and returns what each of them has become.
    fn round<C: Clock>(
        &mut self,
        clock: C,
        contenders: &[Box<dyn Contender>],
        events: &[Event],
    ) -> End {
        let mut players: Vec<_> = contenders.iter().map(|contender| contender.open()).collect();
        let mut order: Vec<usize> = (0..players.len()).collect();
        for turn in events.chunks(TURN) {
            // The processor changes its speed, and with it what the clock costs.
            let Empty { cost, step } = clock::empty(clock);
            self.costs.push(cost);
            self.step = clock::common_divisor(self.step, step);
            self.rng.shuffle(&mut order);
            for &player in &order {
                players[player].play(turn, cost);
            }
        }
        let mut ends = players.into_iter().map(|player| player.end());
        let one = ends.next().expect("there are contenders");
        for other in ends {
            assert_eq!(one, other, "where the orders live does not change what a book does");
        }
        one
    }
}

/// An allocator with a name, whose type is hidden.
trait Contender {
    fn name(&self) -> &'static str;

    /// Begins a round with an empty book.
    fn open(&self) -> Box<dyn Player + '_>;

    /// What was measured since the last call.
    fn take_times(&self) -> Pair;
}

/// A contender's book during a round.
trait Player {
    fn play(&mut self, events: &[Event], cost: u64);

    /// Ends the round. The frees of what rests in the book are not timed: they come in the order of
    /// a hash table, and no venue throws its book away.
    fn end(self: Box<Self>) -> End;
}

/// What a round's book has become.
#[derive(Debug, PartialEq, Eq)]
struct End {
    tally: Tally,
    live: usize,
    bids: Vec<(i64, u64)>,
    asks: Vec<(i64, u64)>,
    checksum: u64,
}

struct Named<A, C> {
    name: &'static str,
    timed: Timed<A, C>,
}

fn named<A: Allocate, C: Clock>(name: &'static str, allocator: A, clock: C) -> Box<dyn Contender> {
    Box::new(Named { name, timed: Timed::new(allocator, clock) })
}

impl<A: Allocate, C: Clock> Contender for Named<A, C> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn open(&self) -> Box<dyn Player + '_> {
        self.timed.set_open(true);
        Box::new(Playing { timed: &self.timed, book: Book::new(&self.timed) })
    }

    fn take_times(&self) -> Pair {
        self.timed.take_times()
    }
}

struct Playing<'s, A: Allocate, C: Clock> {
    timed: &'s Timed<A, C>,
    book: Book<'s, Timed<A, C>>,
}

impl<A: Allocate, C: Clock> Player for Playing<'_, A, C> {
    fn play(&mut self, events: &[Event], cost: u64) {
        self.timed.set_cost(cost);
        for &event in events {
            self.book.apply(event).expect("a book has accepted these events before");
        }
    }

    fn end(self: Box<Self>) -> End {
        let Self { timed, book } = *self;
        let end = End {
            tally: book.tally().clone(),
            live: book.live(),
            bids: book.side(Side::Bid).top(LEVELS),
            asks: book.side(Side::Ask).top(LEVELS),
            checksum: timed.checksum(),
        };
        timed.set_open(false);
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Monotonic;
    use crate::flow;

    #[test]
    #[cfg_attr(miri, ignore = "Miri cannot call mimalloc")]
    fn every_contender_frees_the_same_records_in_the_same_order() {
        // More than two turns, the last one short.
        let events = flow::generate(2 * TURN + 100, 5, flow::RESTING);
        let contest = run(Monotonic, &events, 3);
        assert_eq!(contest.results.len(), 4);
        let ended = contest.tally.cancelled + contest.tally.filled;
        for result in &contest.results {
            assert_eq!(result.first.allocate.count(), contest.tally.adds);
            assert_eq!(result.later.allocate.count(), 2 * contest.tally.adds);
            assert_eq!(result.first.free.count(), ended);
            assert_eq!(result.later.free.count(), 2 * ended);
        }
        assert_ne!(contest.checksum, 0);
    }

    #[test]
    fn the_pool_has_every_slot_back_after_a_round() {
        let events = flow::generate(5_000, 5, 100);
        let timed = Timed::new(Pool::new(), Monotonic);
        let mut book = Book::new(&timed);
        for event in events {
            book.apply(event).unwrap();
        }
        assert_eq!(timed.allocator().len(), book.live());
        let freed = timed.take_times().free.count();
        timed.set_open(false);
        drop(book);
        assert!(timed.allocator().is_empty());
        assert!(freed > 0);
        assert_eq!(timed.take_times().free.count(), 0);
    }
}
