//! The second thread: a limit order book that messages change, and fills that come of it.
//!
//! Orders stay on this thread, so they live in a pool of this thread, or in boxes. Messages are
//! dropped as soon as the book has taken them in, which makes room for the feed.

use std::ops::Deref;

use crate::book::{Book, End, Event, Refused, Side, Store as OrderStore, Tally};
use crate::feed::Message;
use crate::logger::Fill;
use crate::pipe::{Closed, Inbox, Outbox};
use crate::store::Store;

/// How many levels of each side are compared at the end.
const LEVELS: usize = 5;

/// What the book has become.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Matched {
    /// How many messages the book has taken in.
    pub(crate) messages: usize,
    pub(crate) tally: Tally,
    pub(crate) live: usize,
    /// The best levels' prices and sizes, best first.
    bids: Vec<(i64, u64)>,
    asks: Vec<(i64, u64)>,
}

/// Why the matcher stopped before the messages did.
#[derive(Debug)]
enum Stopped {
    /// Nobody receives fills any more.
    Closed,
    /// The message in this line contradicts the book.
    Refused { line: usize, refused: Refused },
}

impl From<Closed> for Stopped {
    fn from(Closed: Closed) -> Self {
        Self::Closed
    }
}

/// What came of the matcher.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) matched: Matched,
    /// How often it had to wait for room for a fill.
    pub(crate) waits: u64,
    /// The line that it ended at, where the book refused it.
    pub(crate) refused: Option<(usize, Refused)>,
}

/// Takes in messages until none is sent any more, one is refused, or nobody receives the fills. All
/// fills of the messages before are sent.
pub(crate) fn run<F: Store<Fill>, O: OrderStore>(
    orders: &O,
    inbox: Inbox<impl Deref<Target = Message>>,
    outbox: Outbox<'_, Fill, F>,
) -> Ended {
    let mut matcher = Matcher { book: Book::new(orders), fills: outbox, messages: 0 };
    let stopped = matcher.take_in(&inbox);
    // Where the other end has gone, it says why.
    let _ = matcher.fills.flush();
    let Matcher { book, fills, messages } = matcher;
    let matched = Matched {
        messages,
        tally: book.tally().clone(),
        live: book.live(),
        bids: book.side(Side::Bid).top(LEVELS),
        asks: book.side(Side::Ask).top(LEVELS),
    };
    let refused = match stopped {
        Err(Stopped::Refused { line, refused }) => Some((line, refused)),
        Err(Stopped::Closed) | Ok(()) => None,
    };
    Ended { matched, waits: fills.waits(), refused }
}

struct Matcher<'s, 'o, F: Store<Fill>, O: OrderStore> {
    book: Book<'o, O>,
    fills: Outbox<'s, Fill, F>,
    messages: usize,
}

impl<F: Store<Fill>, O: OrderStore> Matcher<'_, '_, F, O> {
    fn take_in(&mut self, inbox: &Inbox<impl Deref<Target = Message>>) -> Result<(), Stopped> {
        while let Some(batch) = inbox.receive() {
            for message in batch {
                self.step(*message)?;
                self.messages += 1;
            }
            // No fill waits here for others to come.
            self.fills.flush()?;
        }
        Ok(())
    }

    fn step(&mut self, Message { line, event }: Message) -> Result<(), Stopped> {
        match event {
            Event::Reduce { id, by, end: End::Filled } => {
                self.execute(line, id, by)?;
            }
            Event::Remove { id, end: End::Filled } => {
                self.execute(line, id, u64::MAX)?;
            }
            Event::Market { side, size } => self.market(line, side, size)?,
            _ => {
                self.apply(line, event)?;
            }
        }
        Ok(())
    }

    fn apply(&mut self, line: usize, event: Event) -> Result<(), Stopped> {
        let applied = self.book.apply(event);
        applied.map(drop).map_err(|refused| Stopped::Refused { line, refused })
    }

    /// Fills at most `size` of an order and returns how much that was.
    fn execute(&mut self, line: usize, id: u64, size: u64) -> Result<u64, Stopped> {
        let resting = self.book.order(id);
        // An id that does not rest is the book's to count.
        self.apply(line, Event::Reduce { id, by: size, end: End::Filled })?;
        let Some((side, price, had)) = resting else { return Ok(0) };
        let size = size.min(had);
        self.fills.push(Fill { line, id, side, price, size })?;
        Ok(size)
    }

    /// Matches a market order one resting order at a time, as each gives a fill. What finds no
    /// order lapses.
    fn market(&mut self, line: usize, side: Side, mut size: u64) -> Result<(), Stopped> {
        let other = match side {
            Side::Bid => Side::Ask,
            Side::Ask => Side::Bid,
        };
        while size > 0 {
            let Some(id) = self.book.side(other).front() else { break };
            size -= self.execute(line, id, size)?;
        }
        Ok(())
    }
}
