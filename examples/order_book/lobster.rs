//! LOBSTER message files: `time,type,order_id,size,price,direction`, without a header.
//!
//! Prices are dollars times 10000, and direction 1 is a bid. Types 1 to 4 add, partly cancel,
//! delete and execute a visible order; 5 (a hidden order is executed), 6 (a cross trade) and 7 (a
//! halt) name none and leave the book alone.

use crate::book::{End, Event, Side};
use crate::lines::{Mismatch, fields, number, quote};
use crate::numbers::{decimal, size};

pub(crate) fn event(line: &[u8]) -> Result<Event, Mismatch> {
    let [time, kind, id, amount, price, direction] = fields(line, b',')?;
    decimal(time, 12, "a time in seconds")?;
    let expected = "a message type from 1 to 7";
    let kind = match number::<u8>(kind, expected)? {
        kind @ 1..=7 => kind,
        _ => return Err(Mismatch::new(expected, quote(kind))),
    };
    let id = number(id, "an order id")?;
    let side = match direction {
        b"1" => Side::Bid,
        b"-1" => Side::Ask,
        _ => return Err(Mismatch::new("direction 1 or -1", quote(direction))),
    };
    if kind >= 5 {
        // A halt has no size, and its price is a code that may be -1.
        number::<u64>(amount, "a size")?;
        number::<i64>(price, "a price times 10000")?;
        return Ok(Event::Other);
    }
    let size = size(amount)?;
    let expected = "a positive price times 10000";
    let price = match number::<i64>(price, expected)? {
        price @ 1.. => price,
        _ => return Err(Mismatch::new(expected, quote(price))),
    };
    Ok(match kind {
        1 => Event::Add { id, side, price, size },
        2 => Event::Reduce { id, by: size, end: End::Cancelled },
        3 => Event::Remove { id, end: End::Cancelled },
        _ => Event::Reduce { id, by: size, end: End::Filled },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_become_events() {
        for (line, expected) in [
            ("34200.01,1,7,4,100,-1", Event::Add { id: 7, side: Side::Ask, price: 100, size: 4 }),
            ("34200,1,7,4,100,1", Event::Add { id: 7, side: Side::Bid, price: 100, size: 4 }),
            ("1,2,7,4,100,1", Event::Reduce { id: 7, by: 4, end: End::Cancelled }),
            ("1,3,7,4,100,1", Event::Remove { id: 7, end: End::Cancelled }),
            ("1,4,7,4,100,1", Event::Reduce { id: 7, by: 4, end: End::Filled }),
            ("1,5,0,4,100,1", Event::Other),
            ("1,6,0,4,100,1", Event::Other),
            ("1,7,0,0,-1,-1", Event::Other),
        ] {
            assert_eq!(event(line.as_bytes()), Ok(expected), "{line}");
        }
    }

    #[test]
    fn a_bad_line_is_named_with_what_it_should_be() {
        for (line, expected, found) in [
            (&b"1,1,11,5,100"[..], "6 columns", "5 in \"1,1,11,5,100\""),
            (b"1,1,11,5,100,1,", "6 columns", "7 in \"1,1,11,5,100,1,\""),
            (b"", "6 columns", "an empty line"),
            (b"noon,1,11,5,100,1", "a time in seconds", "\"noon\""),
            (b"-1,1,11,5,100,1", "a time in seconds", "\"-1\""),
            (b"1,8,11,5,100,1", "a message type from 1 to 7", "\"8\""),
            (b"1,x,11,5,100,1", "a message type from 1 to 7", "\"x\""),
            (b"1,1,-11,5,100,1", "an order id", "\"-11\""),
            (b"1,1,11,-5,100,1", "a size of at least 1", "\"-5\""),
            (b"1,4,11,0,100,1", "a size of at least 1", "\"0\""),
            (b"1,5,0,-5,100,1", "a size", "\"-5\""),
            (b"1,1,11,5,-100,1", "a positive price times 10000", "\"-100\""),
            (
                b"1,1,11,5,9223372036854775808,1",
                "a positive price times 10000",
                "\"9223372036854775808\"",
            ),
            (b"1,1,11,5,100,0", "direction 1 or -1", "\"0\""),
            (b"1,1,11,\xff\xfe,100,1", "a size of at least 1", "\"\\xff\\xfe\""),
        ] {
            assert_eq!(event(line), Err(Mismatch::new(expected, found.to_owned())));
        }
    }
}
