//! The built-in order flow: seeded, and in a steady state after its first few ten thousand events.
//!
//! Five kinds of events arrive independently of each other, each at its own rate. Cancels are the
//! only ones whose rate follows the book: every resting order runs the same risk, so the book grows
//! until cancels and executions balance arrivals.
//!
//! | kind | rate | what it does |
//! |---|---|---|
//! | arrival | 5000 | a limit order of size 1 to 100, up to 60 ticks behind the other side's best |
//! | cancel | 1 per resting order | a random order ends |
//! | partial cancel | 500 | a random order loses at most half its size |
//! | replace | 750 | a random order shrinks in place or, as often, moves to a new price |
//! | execution | 250 | a market order of size 1 to 200 walks the other side |
//!
//! A market order fills about two orders on average, so some 4,500 orders rest in the steady state.
//! Of 100 events 45 are then arrivals, 41 cancels and 2 market orders; about one order in ten ends
//! filled. For a book of another depth the other rates are scaled against that of cancels, which
//! leaves these shares as they are.

use fastrand::Rng;

use crate::book::{Book, End, Event, Heap, Outcome, Side};

const ARRIVALS: u64 = 5_000;
const PARTIAL_CANCELS: u64 = 500;
const REPLACES: u64 = 750;
const EXECUTIONS: u64 = 250;

/// How many orders rest in the steady state at the rates above.
pub(crate) const RESTING: u64 = 4_500;

const LIMIT_SIZE: u64 = 100;
const MARKET_SIZE: u64 = 200;
/// How far behind the other side's best a limit order may be, in ticks.
const DEPTH: i64 = 60;
/// The price in ticks that the flow begins at.
const OPENING: i64 = 100_000;

/// Draws `count` events of a book in which about `resting` orders rest once it is in its steady
/// state, after some eight events for each of them. Equal arguments give equal flows.
///
/// A cancel has to name an order that has not been filled yet, so the flow runs a book of its own
/// while it draws. This book lives on the heap, so it leaves no mark on the pool of the replay.
pub(crate) fn generate(count: usize, seed: u64, resting: u64) -> Vec<Event> {
    let mut flow = Flow {
        rng: Rng::with_seed(seed),
        resting,
        book: Book::new(&Heap),
        ids: Vec::new(),
        next_id: 1,
        opposite: [OPENING; 2],
    };
    (0..count).map(|_| flow.step()).collect()
}

#[derive(Clone, Copy)]
enum Kind {
    Arrival,
    Cancel,
    PartialCancel,
    Replace,
    Execution,
}

struct Flow {
    rng: Rng,
    /// How many orders are to rest in the steady state.
    resting: u64,
    book: Book<'static, Heap>,
    /// Every resting order's id, and ids of orders that have been filled and not drawn since.
    ids: Vec<u64>,
    next_id: u64,
    /// The best prices of the other side, as seen last by a bid and by an ask.
    opposite: [i64; 2],
}

impl Flow {
    fn step(&mut self) -> Event {
        let event = self.draw();
        let outcome = self.book.apply(event);
        debug_assert!(matches!(outcome, Ok(Outcome::Changed | Outcome::Untouched)));
        event
    }

    fn draw(&mut self) -> Event {
        let kind = self.kind();
        if matches!(kind, Kind::Execution) {
            return Event::Market { side: self.side(), size: self.rng.u64(1..=MARKET_SIZE) };
        }
        if !matches!(kind, Kind::Arrival) {
            if let Some((id, side, price, size)) = self.resting() {
                return match kind {
                    Kind::PartialCancel if size > 1 => {
                        Event::Reduce { id, by: self.rng.u64(1..=size / 2), end: End::Cancelled }
                    }
                    Kind::Replace if self.rng.bool() => {
                        Event::Replace { id, side, price, size: self.rng.u64(1..=size) }
                    }
                    Kind::Replace => {
                        let (price, size) = (self.price(side), self.rng.u64(1..=LIMIT_SIZE));
                        Event::Replace { id, side, price, size }
                    }
                    _ => Event::Remove { id, end: End::Cancelled },
                };
            }
        }
        // An empty book has nothing to change, so whatever was drawn becomes an arrival.
        let id = self.next_id;
        self.next_id += 1;
        self.ids.push(id);
        let side = self.side();
        Event::Add { id, side, price: self.price(side), size: self.rng.u64(1..=LIMIT_SIZE) }
    }

    /// Draws the kind whose event arrives first, given every kind's rate.
    fn kind(&mut self) -> Kind {
        let cancels = self.book.live() as u64;
        let scaled = |rate: u64| rate * self.resting / RESTING;
        let rates = [
            (Kind::Arrival, scaled(ARRIVALS)),
            (Kind::Cancel, cancels),
            (Kind::PartialCancel, scaled(PARTIAL_CANCELS)),
            (Kind::Replace, scaled(REPLACES)),
        ];
        let sum = rates.iter().map(|(_, rate)| rate).sum::<u64>() + scaled(EXECUTIONS);
        let mut at = self.rng.u64(..sum);
        for (kind, rate) in rates {
            if at < rate {
                return kind;
            }
            at -= rate;
        }
        Kind::Execution
    }

    fn side(&mut self) -> Side {
        if self.rng.bool() { Side::Bid } else { Side::Ask }
    }

    /// A price that does not cross the book, nearer to the other side more often than farther.
    fn price(&mut self, side: Side) -> i64 {
        let behind = 1 + self.rng.i64(0..DEPTH).min(self.rng.i64(0..DEPTH));
        let (other, seen, sign) = match side {
            Side::Bid => (Side::Ask, &mut self.opposite[0], -1),
            Side::Ask => (Side::Bid, &mut self.opposite[1], 1),
        };
        if let Some((best, _)) = self.book.side(other).best() {
            *seen = best;
        }
        *seen + sign * behind
    }

    /// A random resting order. An id that no longer rests is dropped when it is drawn, which leaves
    /// every resting order the same chance.
    fn resting(&mut self) -> Option<(u64, Side, i64, u64)> {
        while !self.ids.is_empty() {
            let index = self.rng.usize(..self.ids.len());
            let id = self.ids[index];
            if let Some((side, price, size)) = self.book.order(id) {
                return Some((id, side, price, size));
            }
            self.ids.swap_remove(index);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_give_equal_flows_and_others_do_not() {
        let flow = |count, seed| generate(count, seed, RESTING);
        assert_eq!(flow(2_000, 7), flow(2_000, 7));
        assert_ne!(flow(2_000, 7), flow(2_000, 8));
        assert_eq!(flow(3_000, 7)[..2_000], flow(2_000, 7));
    }

    #[test]
    fn the_book_stays_in_a_steady_state_and_is_never_crossed() {
        for (resting, count, near) in
            [(RESTING, 200_000, 4_000..5_000), (1_000, 50_000, 800..1_200)]
        {
            let mut book = Book::new(&Heap);
            for (index, event) in generate(count, 1, resting).into_iter().enumerate() {
                assert_ne!(book.apply(event), Ok(Outcome::Unknown));
                if let (Some((bid, _)), Some((ask, _))) =
                    (book.side(Side::Bid).best(), book.side(Side::Ask).best())
                {
                    assert!(bid < ask, "{bid} meets {ask}");
                }
                if index > count / 4 {
                    assert!(near.contains(&book.live()), "{} rest", book.live());
                }
            }
            let tally = book.tally();
            let filled = tally.filled as f64 / tally.adds as f64;
            assert!((0.07..0.13).contains(&filled), "{filled} of the orders end filled");
        }
    }
}
