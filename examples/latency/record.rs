//! The value that is allocated: an order as a venue keeps it.

use crate::book::Order;

/// An order with what a venue knows of it beside its place in the book: 64 bytes on 64-bit targets,
/// without an alignment beyond that of `u64`.
#[derive(Debug)]
pub(crate) struct Record {
    /// What the book works with.
    pub(crate) order: Order,
    /// How many orders came before.
    number: u64,
    account: u64,
    /// When the order came in, in nanoseconds.
    entered: u64,
    /// The part of its size that others see.
    shown: u64,
}

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Record>() == 64);

impl Record {
    /// An order with details that follow from its number.
    pub(crate) fn new(order: Order, number: u64) -> Self {
        let account = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Self { order, number, account, entered: number * 1_000, shown: account % 100 }
    }

    /// A sum of the details, by which a record that another has been written over shows.
    pub(crate) fn digest(&self) -> u64 {
        let details = [self.number, self.account, self.entered, self.shown];
        details.iter().fold(0, |sum: u64, detail| sum.rotate_left(9) ^ detail)
    }
}
