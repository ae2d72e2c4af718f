//! Bitstamp order events: `id,timestamp,exchange.timestamp,price,volume,action,direction`.
//!
//! The price is in dollars and becomes cents. The volume, in units of 1e-8, is what remains of the
//! order, so an order that ends with none has been filled and one that ends with some cancelled.

use crate::book::{End, Event, Side};
use crate::lines::{Mismatch, fields, number, quote};
use crate::numbers::{decimal, size};

pub(crate) const HEADER: &str = "id,timestamp,exchange.timestamp,price,volume,action,direction";

pub(crate) fn event(line: &[u8]) -> Result<Event, Mismatch> {
    let [id, time, exchange_time, price, volume, action, direction] = fields(line, b',')?;
    let id = number(id, "an order id")?;
    number::<u64>(time, "a time in milliseconds")?;
    number::<u64>(exchange_time, "a time in milliseconds")?;
    let price = decimal(price, 2, "a price in dollars with at most 2 decimals")?;
    let remaining = number::<u64>(volume, "a volume")?;
    let side = match direction {
        b"bid" => Side::Bid,
        b"ask" => Side::Ask,
        _ => return Err(Mismatch::new("direction bid or ask", quote(direction))),
    };
    match action {
        b"created" => Ok(Event::Add { id, side, price, size: size(volume)? }),
        b"changed" if remaining > 0 => Ok(Event::Replace { id, side, price, size: remaining }),
        b"deleted" if remaining > 0 => Ok(Event::Remove { id, end: End::Cancelled }),
        b"changed" | b"deleted" => Ok(Event::Remove { id, end: End::Filled }),
        _ => Err(Mismatch::new("action created, changed or deleted", quote(action))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_become_events() {
        let (id, side, price, size) = (7, Side::Ask, 23_647, 5);
        for (line, expected) in [
            ("7,1,1,236.47,5,created,ask", Event::Add { id, side, price, size }),
            ("7,1,1,236.47,5,changed,ask", Event::Replace { id, side, price, size }),
            ("7,1,1,236.47,5,deleted,ask", Event::Remove { id, end: End::Cancelled }),
            ("7,1,1,236.47,0,deleted,bid", Event::Remove { id, end: End::Filled }),
            ("7,1,1,236.47,0,changed,bid", Event::Remove { id, end: End::Filled }),
        ] {
            assert_eq!(event(line.as_bytes()), Ok(expected), "{line}");
        }
    }

    #[test]
    fn a_bad_line_is_named_with_what_it_should_be() {
        let dollars = "a price in dollars with at most 2 decimals";
        for (line, expected, found) in [
            (&b"7,1,1,2.34,5,created"[..], "7 columns", "6 in \"7,1,1,2.34,5,created\""),
            (b"7.5,1,1,2.34,5,created,bid", "an order id", "\"7.5\""),
            (b"7,now,1,2.34,5,created,bid", "a time in milliseconds", "\"now\""),
            (b"7,1,,2.34,5,created,bid", "a time in milliseconds", "\"\""),
            (b"7,1,1,2.345,5,created,bid", dollars, "\"2.345\""),
            (b"7,1,1,-2.34,5,created,bid", dollars, "\"-2.34\""),
            (b"7,1,1,99999999999999999999,5,created,bid", dollars, "\"99999999999999999999\""),
            (b"7,1,1,2.34,0,created,bid", "a size of at least 1", "\"0\""),
            (b"7,1,1,2.34,-1,deleted,bid", "a volume", "\"-1\""),
            (b"7,1,1,2.34,5,moved,bid", "action created, changed or deleted", "\"moved\""),
            (b"7,1,1,2.34,5,created,buy", "direction bid or ask", "\"buy\""),
            (b"7,1,1,2.34,5,created,\x80", "direction bid or ask", "\"\\x80\""),
        ] {
            assert_eq!(event(line), Err(Mismatch::new(expected, found.to_owned())));
        }
    }
}
