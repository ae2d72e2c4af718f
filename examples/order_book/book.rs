//! The limit order book: resting orders by id, matched by price, then by time.
//!
//! The book owns one handle per resting order, and dropping the handle is how an order's slot goes
//! back. Where the orders live is a [`Store`]'s business, so the same book runs on a pool and on
//! `Box`.

use std::collections::hash_map::Entry;
use std::fmt;
use std::ops::DerefMut;

use rustc_hash::FxHashMap;
use typed_pool::{Pool, PoolBox};

use crate::ladder::{Ladder, TotalOverflow};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Bid,
    Ask,
}

/// How an order's life ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Cancelled,
    Filled,
}

/// A resting order: the object that lives in the pool.
#[derive(Debug)]
pub(crate) struct Order {
    price: i64,
    size: u64,
    /// The order's place in time among all orders of the book.
    seq: u64,
    side: Side,
}

/// A place for orders to live in.
pub(crate) trait Store {
    /// Owns one order and gives its memory back on drop.
    type Handle<'s>: DerefMut<Target = Order>
    where
        Self: 's;

    fn store(&self, order: Order) -> Self::Handle<'_>;
}

impl Store for Pool<Order> {
    type Handle<'s> = PoolBox<'s, Order>;

    fn store(&self, order: Order) -> PoolBox<'_, Order> {
        self.alloc(order)
    }
}

/// The global allocator, to compare the pool with.
#[derive(Debug)]
pub(crate) struct Heap;

impl Store for Heap {
    type Handle<'s> = Box<Order>;

    fn store(&self, order: Order) -> Box<Order> {
        Box::new(order)
    }
}

/// One step of the book's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// An order comes to rest. It is not matched: a recorded flow has been matched by the exchange.
    Add { id: u64, side: Side, price: i64, size: u64 },
    /// An order shrinks by `by` and keeps its place in time. One that shrinks to nothing ends.
    Reduce { id: u64, by: u64, end: End },
    /// An order ends whatever its size is.
    Remove { id: u64, end: End },
    /// An order gets a new price and size. At the same price and no larger it keeps its place in
    /// time; otherwise it queues last at its price.
    Replace { id: u64, side: Side, price: i64, size: u64 },
    /// A market order of this side is matched against the other; what finds no order lapses.
    Market { side: Side, size: u64 },
    /// Every order ends as cancelled.
    Clear,
    /// A message that does not concern the resting orders.
    Other,
}

/// What an event did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Changed,
    /// The event names an id that does not rest in the book.
    Unknown,
    Untouched,
}

/// An event that contradicts the book. The book is as it was before the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// An add names an order that already rests.
    Resting { id: u64 },
    /// A replace names the other side than the one the order rests on.
    OtherSide { id: u64, rests: Side },
    /// The size at one price would exceed 64 bits.
    TooLarge { size: u64 },
}

impl Refused {
    pub(crate) fn expected(&self) -> String {
        match self {
            Self::Resting { .. } => "the id of a new order".to_owned(),
            Self::OtherSide { id, rests } => format!("order {id} on the {rests} side"),
            Self::TooLarge { .. } => "sizes at one price whose sum fits in 64 bits".to_owned(),
        }
    }

    pub(crate) fn found(&self) -> String {
        match self {
            Self::Resting { id } => format!("order {id}, which is resting"),
            Self::OtherSide { .. } => "the other side".to_owned(),
            Self::TooLarge { size } => format!("a size of {size} that exceeds it"),
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bid => "bid",
            Self::Ask => "ask",
        })
    }
}

/// What has happened to the orders so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) adds: u64,
    pub(crate) modified: u64,
    pub(crate) cancelled: u64,
    pub(crate) filled: u64,
    pub(crate) unknown: u64,
    pub(crate) peak_live: usize,
}

impl Tally {
    fn end(&mut self, end: End) {
        match end {
            End::Cancelled => self.cancelled += 1,
            End::Filled => self.filled += 1,
        }
    }
}

/// A limit order book whose orders live in `store`.
pub(crate) struct Book<'s, S: Store> {
    store: &'s S,
    /// The ids come from outside, so they are a map's keys; each value owns one order. Hashing
    /// costs the same on every store, so a fast hasher lets their difference show.
    orders: FxHashMap<u64, S::Handle<'s>>,
    bids: Ladder,
    asks: Ladder,
    next_seq: u64,
    tally: Tally,
}

impl<'s, S: Store> Book<'s, S> {
    pub(crate) fn new(store: &'s S) -> Self {
        Self {
            store,
            orders: FxHashMap::default(),
            bids: Ladder::new(Side::Bid),
            asks: Ladder::new(Side::Ask),
            next_seq: 0,
            tally: Tally::default(),
        }
    }

    pub(crate) fn apply(&mut self, event: Event) -> Result<Outcome, Refused> {
        match event {
            Event::Add { id, side, price, size } => self.add(id, side, price, size),
            Event::Reduce { id, by, end } => Ok(self.reduce(id, by, end)),
            Event::Remove { id, end } => Ok(self.reduce(id, u64::MAX, end)),
            Event::Replace { id, side, price, size } => self.replace(id, side, price, size),
            Event::Market { side, size } => Ok(self.market(side, size)),
            Event::Clear => Ok(self.clear()),
            Event::Other => Ok(Outcome::Untouched),
        }
    }

    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    pub(crate) fn live(&self) -> usize {
        self.orders.len()
    }

    /// What rests under this id.
    pub(crate) fn order(&self, id: u64) -> Option<(Side, i64, u64)> {
        self.orders.get(&id).map(|order| (order.side, order.price, order.size))
    }

    /// One side's levels.
    pub(crate) fn side(&self, side: Side) -> &Ladder {
        match side {
            Side::Bid => &self.bids,
            Side::Ask => &self.asks,
        }
    }

    fn add(&mut self, id: u64, side: Side, price: i64, size: u64) -> Result<Outcome, Refused> {
        let Entry::Vacant(vacant) = self.orders.entry(id) else {
            return Err(Refused::Resting { id });
        };
        let seq = self.next_seq;
        ladder(&mut self.bids, &mut self.asks, side)
            .push(price, seq, id, size)
            .map_err(|TotalOverflow| Refused::TooLarge { size })?;
        vacant.insert(self.store.store(Order { price, size, seq, side }));
        self.next_seq += 1;
        self.tally.adds += 1;
        self.tally.peak_live = self.tally.peak_live.max(self.orders.len());
        Ok(Outcome::Changed)
    }

    /// An order never gives more than it has: a larger `by` ends it and the excess is dropped.
    fn reduce(&mut self, id: u64, by: u64, end: End) -> Outcome {
        let Entry::Occupied(mut occupied) = self.orders.entry(id) else {
            self.tally.unknown += 1;
            return Outcome::Unknown;
        };
        let order = occupied.get_mut();
        let ladder = ladder(&mut self.bids, &mut self.asks, order.side);
        if by < order.size {
            order.size -= by;
            ladder.reduce(order.price, by);
        } else {
            ladder.remove(order.price, order.seq, order.size);
            occupied.remove();
            self.tally.end(end);
        }
        Outcome::Changed
    }

    fn replace(&mut self, id: u64, side: Side, price: i64, size: u64) -> Result<Outcome, Refused> {
        let Some(order) = self.orders.get_mut(&id) else {
            self.tally.unknown += 1;
            return Ok(Outcome::Unknown);
        };
        if order.side != side {
            return Err(Refused::OtherSide { id, rests: order.side });
        }
        let ladder = ladder(&mut self.bids, &mut self.asks, side);
        if price == order.price && size <= order.size {
            ladder.reduce(price, order.size - size);
        } else {
            // The new place comes first, so that a refusal leaves the old one as it was.
            ladder
                .push(price, self.next_seq, id, size)
                .map_err(|TotalOverflow| Refused::TooLarge { size })?;
            ladder.remove(order.price, order.seq, order.size);
            order.price = price;
            order.seq = self.next_seq;
            self.next_seq += 1;
        }
        order.size = size;
        self.tally.modified += 1;
        Ok(Outcome::Changed)
    }

    fn market(&mut self, side: Side, mut size: u64) -> Outcome {
        let ladder = match side {
            Side::Bid => &mut self.asks,
            Side::Ask => &mut self.bids,
        };
        let mut outcome = Outcome::Untouched;
        while size > 0 {
            let Some(id) = ladder.front() else { break };
            let Entry::Occupied(mut occupied) = self.orders.entry(id) else {
                unreachable!("every queued id rests in the book");
            };
            let order = occupied.get_mut();
            if size < order.size {
                order.size -= size;
                ladder.reduce(order.price, size);
                size = 0;
            } else {
                size -= order.size;
                ladder.remove(order.price, order.seq, order.size);
                occupied.remove();
                self.tally.end(End::Filled);
            }
            outcome = Outcome::Changed;
        }
        outcome
    }

    fn clear(&mut self) -> Outcome {
        self.tally.cancelled += self.orders.len() as u64;
        self.orders.clear();
        self.bids.clear();
        self.asks.clear();
        Outcome::Changed
    }
}

/// Picks a side's ladder while the book's orders are borrowed.
fn ladder<'l>(bids: &'l mut Ladder, asks: &'l mut Ladder, side: Side) -> &'l mut Ladder {
    match side {
        Side::Bid => bids,
        Side::Ask => asks,
    }
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;
