//! The third thread: writes fills down and adds them up.

use std::io::{self, Write};
use std::ops::Deref;

use crate::book::Side;
use crate::pipe::Inbox;

/// A resting order, or a part of it, has been executed.
#[derive(Debug)]
pub(crate) struct Fill {
    /// The line of the message that it came of.
    pub(crate) line: usize,
    /// The resting order and its side.
    pub(crate) id: u64,
    pub(crate) side: Side,
    pub(crate) price: i64,
    pub(crate) size: u64,
}

/// The sums over all fills.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) fills: u64,
    pub(crate) volume: u128,
    /// Over every field of every fill, in their order.
    pub(crate) checksum: u64,
}

impl Sums {
    fn add(&mut self, &Fill { line, id, side, price, size }: &Fill) {
        self.fills += 1;
        self.volume += u128::from(size);
        for field in [line as u64, id, side as u64, price as u64, size] {
            let mixed = self.checksum.rotate_left(5) ^ field;
            self.checksum = mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        }
    }
}

/// What came of the logger.
#[derive(Debug)]
pub(crate) struct Logged {
    pub(crate) sums: Sums,
    /// Why it could not write what it did not write.
    pub(crate) failed: Option<io::Error>,
}

/// Writes fills as `line,order_id,side,price,size`, until none is sent any more or one cannot be
/// written.
pub(crate) fn run(inbox: Inbox<impl Deref<Target = Fill>>, log: &mut dyn Write) -> Logged {
    let mut sums = Sums::default();
    let failed = write(&inbox, log, &mut sums).err();
    Logged { sums, failed }
}

fn write(
    inbox: &Inbox<impl Deref<Target = Fill>>,
    log: &mut dyn Write,
    sums: &mut Sums,
) -> io::Result<()> {
    writeln!(log, "line,order_id,side,price,size")?;
    while let Some(batch) = inbox.receive() {
        for fill in batch {
            sums.add(&fill);
            let Fill { line, id, side, price, size } = &*fill;
            writeln!(log, "{line},{id},{side},{price},{size}")?;
        }
    }
    log.flush()
}
