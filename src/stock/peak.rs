//! How many slots were occupied at most, noted without a step on the hot path.
//!
//! Between two refills the number is highest when the front is emptiest. Where the last refill
//! opened the window, its slots tell how far that went: each is taken with the magazine empty. So
//! the number is looked at before a refill, and when slots are spilled after the window was used,
//! from time to time. What goes unnoticed is at most what the magazine has room for.

use super::Stock;
use crate::front::Front;

impl Stock {
    /// The most slots that were occupied at once, as far as can be told now.
    pub(crate) fn peak_len(&self, front: &Front) -> usize {
        self.peak_len.max(self.reached(front))
    }

    /// A number of slots that were occupied at once, the highest that the front tells of.
    fn reached(&self, front: &Front) -> usize {
        match self.by_window {
            // As many were when the last of the window's slots was taken, or more: those spilled
            // since were occupied too.
            true => self.depot.entered() - front.vacant.get() - front.window.len(),
            false => self.len(front),
        }
    }

    /// Notes how many slots were occupied, before that can no longer be told.
    pub(super) fn note_peak(&mut self, front: &Front) {
        self.peak_len = self.peak_len(front);
    }

    /// Looks at the front after a slot was spilled, as its `heed` asks for, and says when to look
    /// next.
    ///
    /// # Safety
    ///
    /// 1. `front` is the front of this stock.
    pub(crate) unsafe fn heed(&mut self, front: &Front) {
        // The slot that was spilled was occupied before.
        self.peak_len = self.peak_len.max(self.reached(front) + 1);
        // SAFETY: 1. clause 1.
        unsafe { self.give_back(front) };
        self.set_heed(front);
    }

    /// Says when to look at the front next.
    pub(super) fn set_heed(&self, front: &Front) {
        let again = match front.window.is_empty() {
            true => usize::MAX,
            false => front.vacant.get() + front.magazine.capacity().max(1),
        };
        front.heed.set(again.min(self.vacant_to_give_back(front)));
    }
}
