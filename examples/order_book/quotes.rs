//! Checks a replay against a published file of best quotes.
//!
//! A state is the best ask, its size, the best bid and its size, taken after each event that
//! touched a known order while both sides had orders; a state equal to the one before counts once.
//! The published rows know orders that the messages do not, so each state is looked for in the next
//! few rows only, beginning with the row matched last. A state that is not there is a miss, and the
//! search for the next one begins where this one began.

use std::path::Path;

use crate::book::{Book, Event, Outcome, Refused, Side, Store};
use crate::lines::{BadLine, Mismatch, fields, lines, number};

/// How many rows past the row matched last a state may stand.
const ROWS_AHEAD: usize = 59;

/// The best ask, its size, the best bid, its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quote {
    ask: i64,
    ask_size: u64,
    bid: i64,
    bid_size: u64,
}

/// How many states the book passed through, and how many of them stand in the quote file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Checked {
    pub(crate) states: usize,
    pub(crate) matched: usize,
}

/// Reads rows of `ask,ask_size,bid,bid_size`. An empty side is a row like any other: it carries a
/// price beyond every order's and the size 0.
pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<Vec<Quote>, BadLine> {
    let rows = lines(bytes)
        .zip(1..)
        .map(|(line, number)| quote(line).map_err(|mismatch| mismatch.at(path, number)))
        .collect::<Result<Vec<_>, _>>()?;
    if rows.is_empty() {
        let mismatch = Mismatch::new("a row of quotes", "the end of the file".to_owned());
        return Err(mismatch.at(path, 1));
    }
    Ok(rows)
}

fn quote(line: &[u8]) -> Result<Quote, Mismatch> {
    let [ask, ask_size, bid, bid_size] = fields(line, b',')?;
    Ok(Quote {
        ask: number(ask, "an ask price")?,
        ask_size: number(ask_size, "an ask size")?,
        bid: number(bid, "a bid price")?,
        bid_size: number(bid_size, "a bid size")?,
    })
}

/// Replays the events on a book of its own and looks for each state. A refused event is returned
/// with its index.
pub(crate) fn check<S: Store>(
    store: &S,
    events: &[Event],
    rows: &[Quote],
) -> Result<Checked, (usize, Refused)> {
    let mut book = Book::new(store);
    let mut checked = Checked { states: 0, matched: 0 };
    let mut last_state = None;
    let mut last_row = 0;
    for (index, &event) in events.iter().enumerate() {
        if book.apply(event).map_err(|refused| (index, refused))? != Outcome::Changed {
            continue;
        }
        let state = state(&book);
        if state.is_none() || state == last_state {
            continue;
        }
        last_state = state;
        checked.states += 1;
        let mut ahead = rows[last_row..].iter().take(ROWS_AHEAD + 1);
        if let Some(skipped) = ahead.position(|&row| Some(row) == state) {
            checked.matched += 1;
            last_row += skipped;
        }
    }
    Ok(checked)
}

fn state<S: Store>(book: &Book<'_, S>) -> Option<Quote> {
    let (ask, ask_size) = book.side(Side::Ask).best()?;
    let (bid, bid_size) = book.side(Side::Bid).best()?;
    Some(Quote { ask, ask_size, bid, bid_size })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::{End, Heap};

    const ASK: Event = Event::Add { id: 1, side: Side::Ask, price: 101, size: 5 };
    const BID: Event = Event::Add { id: 2, side: Side::Bid, price: 99, size: 9 };

    fn shrink(by: u64) -> Event {
        Event::Reduce { id: 2, by, end: End::Filled }
    }

    fn rows(text: &str) -> Vec<Quote> {
        parse(Path::new("quotes.csv"), text.as_bytes()).unwrap()
    }

    fn checked(events: &[Event], rows: &[Quote]) -> (usize, usize) {
        let Checked { states, matched } = check(&Heap, events, rows).unwrap();
        (states, matched)
    }

    #[test]
    fn a_one_sided_book_has_no_state_and_equal_neighbours_count_once() {
        let deep = Event::Add { id: 3, side: Side::Bid, price: 90, size: 1 };
        let stray = Event::Remove { id: 77, end: End::Cancelled };
        let rows = rows("101,5,99,9\r\n101,5,99,8\r\n");
        assert_eq!(checked(&[ASK], &rows), (0, 0));
        assert_eq!(checked(&[ASK, BID, deep, stray, Event::Other], &rows), (1, 1));
        assert_eq!(checked(&[ASK, BID, deep, shrink(1)], &rows), (2, 2));
    }

    #[test]
    fn a_miss_does_not_advance() {
        let events = [ASK, BID, shrink(1), shrink(1)];
        assert_eq!(checked(&events, &rows("101,5,99,9\n101,5,99,7\n")), (3, 2));
    }

    #[test]
    fn a_state_stands_at_most_59_rows_ahead() {
        for (filler, matched) in [(58, 2), (59, 1)] {
            let filler = "9999999999,0,-9999999999,0\n".repeat(filler);
            let rows = rows(&format!("101,5,99,9\n{filler}101,5,99,8\n"));
            assert_eq!(checked(&[ASK, BID, shrink(1)], &rows), (2, matched));
        }
    }

    #[test]
    fn a_bad_row_is_named() {
        for (text, message) in [
            ("", "q:1: expected a row of quotes, found the end of the file"),
            ("1,2,3\n", "q:1: expected 4 columns, found 3 in \"1,2,3\""),
            ("1,2,3,4\n1,-2,3,4\n", "q:2: expected an ask size, found \"-2\""),
            ("1,2,x,4\n", "q:1: expected a bid price, found \"x\""),
        ] {
            let error = parse(Path::new("q"), text.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }
}
