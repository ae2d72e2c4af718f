//! How many slots were occupied at most, noted when threads refill their magazines.
#![forbid(unsafe_code)]

use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;

/// The highest number of occupied slots that was noticed. No other memory is seen or published by
/// way of it.
#[derive(Debug)]
pub(super) struct Peak {
    /// The number of slots in entered chunks.
    entered: AtomicUsize,
    /// The most slots that were out of the bitmaps at once when a thread looked.
    out: AtomicUsize,
    /// The most of them that were occupied.
    len: AtomicUsize,
}

impl Peak {
    /// That of a core without slots.
    pub(super) fn new() -> Self {
        let zero = || AtomicUsize::new(0);
        Self { entered: zero(), out: zero(), len: zero() }
    }

    /// The most slots that were occupied at once, as far as was noticed.
    pub(super) fn len(&self) -> usize {
        self.len.load(Relaxed)
    }

    /// Notes the number of slots in entered chunks.
    pub(super) fn set_entered(&self, entered: usize) {
        self.entered.store(entered, Relaxed);
    }

    /// Looks how many slots are out of the bitmaps, in which there are `in_bitmaps`. Where there
    /// are more than ever, `vacant` of them are counted.
    pub(super) fn look(&self, in_bitmaps: usize, vacant: impl FnOnce() -> usize) {
        let out = self.entered.load(Relaxed).saturating_sub(in_bitmaps);
        if out > self.out.load(Relaxed) {
            self.out.fetch_max(out, Relaxed);
            self.len.fetch_max(out.saturating_sub(vacant()), Relaxed);
        }
    }
}
