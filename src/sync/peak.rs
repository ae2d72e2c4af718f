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
    /// The most slots that are on their way out of the bitmaps and back, for no value.
    aside: AtomicUsize,
    /// The most slots that were out of the bitmaps at once when a thread looked.
    out: AtomicUsize,
    /// The most of them that were occupied.
    len: AtomicUsize,
}

impl Peak {
    /// That of a core without slots.
    pub(super) fn new() -> Self {
        let zero = || AtomicUsize::new(0);
        Self { entered: zero(), aside: zero(), out: zero(), len: zero() }
    }

    /// The most slots that were occupied at once, as far as was noticed.
    pub(super) fn len(&self) -> usize {
        self.len.load(Relaxed)
    }

    /// Notes the number of slots in entered chunks.
    pub(super) fn set_entered(&self, entered: usize) {
        self.entered.store(entered, Relaxed);
    }

    /// Notes how many slots the caller may take out of the bitmaps, only to put them back, until
    /// the result is dropped.
    pub(super) fn aside(&self, slots: usize) -> Aside<'_> {
        self.aside.fetch_add(slots, Relaxed);
        Aside { all: &self.aside, slots }
    }

    /// Looks how many slots are out of the bitmaps, in which there are as many as `in_bitmaps`
    /// says. Where there are more than ever, `vacant` of them are counted.
    pub(super) fn look(&self, in_bitmaps: impl FnOnce() -> usize, vacant: impl FnOnce() -> usize) {
        // In this order: what is entered meanwhile is in the bitmaps soon after.
        let entered = self.entered.load(Relaxed);
        let out = entered.saturating_sub(in_bitmaps() + self.aside.load(Relaxed));
        if out > self.out.load(Relaxed) {
            self.out.fetch_max(out, Relaxed);
            self.len.fetch_max(out.saturating_sub(vacant()), Relaxed);
        }
    }
}

/// Slots that are on their way out of the bitmaps and back.
pub(super) struct Aside<'p> {
    all: &'p AtomicUsize,
    slots: usize,
}

impl Drop for Aside<'_> {
    fn drop(&mut self) {
        self.all.fetch_sub(self.slots, Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_is_only_on_its_way_does_not_live() {
        let peak = Peak::new();
        peak.set_entered(100);
        peak.look(|| 70, || 10);
        assert_eq!(peak.len(), 20);
        let aside = peak.aside(40);
        peak.look(|| 30, || 10);
        assert_eq!(peak.len(), 20, "of the 70 that are out 40 are to be put back");
        drop(aside);
        peak.look(|| 30, || 10);
        assert_eq!(peak.len(), 60);
        for in_bitmaps in [30, 50] {
            peak.look(|| in_bitmaps, || unreachable!("as many have been out"));
        }
        assert_eq!(peak.len(), 60);
    }
}
