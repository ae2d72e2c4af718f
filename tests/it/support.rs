//! Values that count themselves, and ways to make them misbehave.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Counts constructions and destructions; each must meet its counterpart.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    made: Cell<usize>,
    dropped: Cell<usize>,
}

impl Tally {
    /// The number of values alive.
    pub(crate) fn live(&self) -> usize {
        self.made.get() - self.dropped.get()
    }

    /// The number of values ever made.
    pub(crate) fn made(&self) -> usize {
        self.made.get()
    }

    /// Makes a value that counts.
    pub(crate) fn value(&self, id: u64) -> Counted<'_> {
        self.made.set(self.made.get() + 1);
        Counted { id, tally: self, panics_on_drop: false }
    }

    /// Makes a value whose destructor counts, then panics.
    pub(crate) fn bomb(&self, id: u64) -> Counted<'_> {
        let mut value = self.value(id);
        value.panics_on_drop = true;
        value
    }
}

/// A value that is counted by a [`Tally`].
#[derive(Debug)]
pub(crate) struct Counted<'t> {
    pub(crate) id: u64,
    tally: &'t Tally,
    panics_on_drop: bool,
}

impl Clone for Counted<'_> {
    fn clone(&self) -> Self {
        self.tally.value(self.id)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.tally.dropped.set(self.tally.dropped.get() + 1);
        assert!(!self.panics_on_drop, "the destructor of {} panics", self.id);
    }
}

/// Runs `f`, which is expected to panic; returns the message.
pub(crate) fn panic_message<R>(f: impl FnOnce() -> R) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(f)) else { panic!("no panic came") };
    match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => payload.downcast_ref::<&str>().map_or_else(String::new, |s| s.to_string()),
    }
}
