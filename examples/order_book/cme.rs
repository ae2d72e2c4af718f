//! CME market by order: `ts_event,action,side,price,size,order_id,flags,sequence`.
//!
//! Prices are integers, and a spread's may be zero or negative. Trades (T) and fills (F) change
//! nothing: the exchange sends the change as a cancel (C) or modify (M) of its own. A cancel ends
//! the order, so no order of such a file ends as filled.

use crate::book::{End, Event, Side};
use crate::lines::{Mismatch, fields, number, quote};
use crate::numbers::size;

pub(crate) const HEADER: &str = "ts_event,action,side,price,size,order_id,flags,sequence";

pub(crate) fn event(line: &[u8]) -> Result<Event, Mismatch> {
    let [time, action, side, price, amount, id, flags, sequence] = fields(line, b',')?;
    number::<u64>(time, "a time in nanoseconds")?;
    number::<u8>(flags, "flags from 0 to 255")?;
    number::<u64>(sequence, "a sequence number")?;
    match (action, side) {
        // The columns that describe an order mean nothing here, and may be empty.
        (b"R", _) => return Ok(Event::Clear),
        (b"T" | b"F", b"A" | b"B" | b"N") | (b"A" | b"C" | b"M", b"A" | b"B") => {}
        (b"T" | b"F", _) => return Err(Mismatch::new("side A, B or N", quote(side))),
        (b"A" | b"C" | b"M", _) => return Err(Mismatch::new("side A or B", quote(side))),
        _ => return Err(Mismatch::new("action A, C, M, T, F or R", quote(action))),
    }
    let id = number(id, "an order id")?;
    let price = number(price, "a price")?;
    let size = size(amount)?;
    let side = if side == b"A" { Side::Ask } else { Side::Bid };
    Ok(match action {
        b"A" => Event::Add { id, side, price, size },
        b"C" => Event::Remove { id, end: End::Cancelled },
        b"M" => Event::Replace { id, side, price, size },
        _ => Event::Other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_become_events() {
        let (id, side, price, size) = (7, Side::Bid, -25, 3);
        for (line, expected) in [
            ("9,A,B,-25,3,7,40,6", Event::Add { id, side, price, size }),
            ("9,A,A,-25,3,7,40,6", Event::Add { id, side: Side::Ask, price, size }),
            ("9,M,B,-25,3,7,40,6", Event::Replace { id, side, price, size }),
            ("9,C,B,-25,3,7,40,6", Event::Remove { id, end: End::Cancelled }),
            ("9,T,N,-25,3,0,40,6", Event::Other),
            ("9,F,A,-25,3,7,40,6", Event::Other),
            ("9,R,N,,0,0,40,6", Event::Clear),
        ] {
            assert_eq!(event(line.as_bytes()), Ok(expected), "{line}");
        }
    }

    #[test]
    fn a_bad_line_is_named_with_what_it_should_be() {
        for (line, expected, found) in [
            (&b"9,A,B,25,3,7,40"[..], "8 columns", "7 in \"9,A,B,25,3,7,40\""),
            (b"x,A,B,25,3,7,40,6", "a time in nanoseconds", "\"x\""),
            (b"9,X,B,25,3,7,40,6", "action A, C, M, T, F or R", "\"X\""),
            (b"9,,B,25,3,7,40,6", "action A, C, M, T, F or R", "\"\""),
            (b"9,A,N,25,3,7,40,6", "side A or B", "\"N\""),
            (b"9,T,Q,25,3,7,40,6", "side A, B or N", "\"Q\""),
            (b"9,A,B,2.5,3,7,40,6", "a price", "\"2.5\""),
            (b"9,A,B,9223372036854775808,3,7,40,6", "a price", "\"9223372036854775808\""),
            (b"9,A,B,25,-3,7,40,6", "a size of at least 1", "\"-3\""),
            (b"9,M,B,25,0,7,40,6", "a size of at least 1", "\"0\""),
            (b"9,A,B,25,3,\xe9,40,6", "an order id", "\"\\xe9\""),
            (b"9,A,B,25,3,7,256,6", "flags from 0 to 255", "\"256\""),
            (b"9,A,B,25,3,7,40,", "a sequence number", "\"\""),
        ] {
            assert_eq!(event(line), Err(Mismatch::new(expected, found.to_owned())));
        }
    }
}
