//! Chunks on their way back: when asked for, and by itself.
//!
//! A stock that gives chunks back by itself does so with hysteresis: only while more than a quarter
//! of its slots is vacant, and never the last slots, as many as a full chunk has. (The quarter is
//! snmalloc's.) To find out whether a chunk is wholly vacant takes a look at all chunks and at the
//! front. It looks each time when the number of occupied slots has fallen by a quarter, and by half
//! where they are few: some thirty times before a million are down to none, which is little beside
//! the frees in between. And anew when the number has risen by as much, or the stock has grown.
//!
//! Only a slot that is spilled can bring a look about. So the magazine, which is emptied before a
//! chunk goes, is filled again: with slots of the chunks in front, which are the last to go.

use super::Stock;
use crate::bit_tree::lowest_bits;
use crate::fault::point;
use crate::front::Front;
use crate::pages;
use crate::plan::Growth;

/// When a stock looks for chunks to give back by itself.
#[derive(Debug)]
pub(super) struct Watch {
    /// The number of occupied slots at which it does, or below.
    below: Option<usize>,
    /// The number of occupied slots from which on `below` is set anew.
    above: usize,
    /// The number of slots that it was made with, and keeps.
    least: usize,
}

impl Watch {
    /// That of a stock without slots.
    pub(super) fn new() -> Self {
        Self { below: None, above: 0, least: 0 }
    }
}

/// A stock and its front, while what is noted of bitmaps does not hold. When this ends, be it by a
/// panic, the stock says anew which chunks have a vacant slot, and the front how many there are.
pub(super) struct Listing<'s> {
    pub(super) stock: &'s mut Stock,
    pub(super) front: &'s Front,
}

impl Drop for Listing<'_> {
    fn drop(&mut self) {
        // INVARIANT: 1. here. `Front` 2. here.
        self.stock.with_vacancy.clear();
        self.front.vacant.set(0);
        for (number, chunk) in self.stock.depot.chunks().iter().enumerate() {
            let count = chunk.vacancy().count();
            if count != 0 {
                self.stock.list(number);
                self.front.vacant.set(self.front.vacant.get() + count);
            }
        }
    }
}

impl Stock {
    /// Gives memory without an occupied slot back: every wholly vacant chunk, or the pages of a
    /// stock that keeps its slots, where that can be done. Returns the number of bytes.
    ///
    /// # Safety
    ///
    /// 1. `front` is the front of this stock.
    pub(crate) unsafe fn trim(&mut self, front: &Front) -> usize {
        match self.depot.growth() {
            // SAFETY: 1. clause 1.
            Growth::OnDemand => unsafe { self.shrink_to(0, front) },
            Growth::Bounded if pages::CAN_RELEASE => {
                // SAFETY: 1. clause 1.
                unsafe { self.empty_front(front) };
                self.depot.release_pages()
            }
            Growth::Bounded | Growth::Lone => 0,
        }
    }

    /// Gives wholly vacant chunks of a growing stock back, as long as it keeps `floor` slots;
    /// returns the number of bytes.
    ///
    /// # Safety
    ///
    /// 1. `front` is the front of this stock.
    pub(crate) unsafe fn shrink_to(&mut self, floor: usize, front: &Front) -> usize {
        if self.depot.growth() != Growth::OnDemand {
            return 0;
        }
        // SAFETY: 1. clause 1.
        unsafe { self.empty_front(front) };
        let listing = Listing { stock: self, front };
        let released = listing.stock.depot.release_vacant(floor);
        drop(listing);
        point();
        self.watch_anew(front);
        released
    }

    /// Gives chunks back by itself, where it is one that does, and time to.
    ///
    /// # Safety
    ///
    /// 1. `front` is the front of this stock.
    pub(super) unsafe fn give_back(&mut self, front: &Front) {
        let Some(watch) = &self.watch else { return };
        let len = self.len(front);
        if watch.below.is_none_or(|below| len > below) {
            return;
        }
        // A quarter of what is kept is vacant, and a chunk stays: as many slots as a full one has,
        // or loads that come and go by a few would take small ones to and fro.
        let chunk = self.depot.geometry().chunk_slots();
        let floor = (len + len.div_ceil(3)).max(watch.least).max(chunk);
        if let Some(spare) = self.depot.capacity().checked_sub(floor).filter(|&spare| spare > 0) {
            // SAFETY: 1. `Front` invariant 1, of this stock's front (clause 1).
            unsafe { self.depot.tally(front.runs()) };
            if self.depot.could_release(spare) {
                // SAFETY: 1. clause 1.
                unsafe { self.shrink_to(floor, front) };
                point();
                self.stock_up(front);
            }
        }
        self.watch_anew(front);
    }

    /// Fills the magazine, which is empty, with the lowest vacant slots of the bitmaps.
    fn stock_up(&mut self, front: &Front) {
        loop {
            let room = front.magazine.capacity() - front.magazine.len();
            let Some((number, index)) = self.lowest_word().filter(|_| room > 0) else { return };
            let chunk = self.depot.chunks()[number];
            let taken = lowest_bits(chunk.vacancy().word(index), room);
            // INVARIANT: `Depot` 3. from the bitmap to the magazine.
            self.remove(number, index, taken, front);
            point();
            front.magazine.extend(chunk.slots_of(index, taken));
        }
    }

    /// Sets anew when to look for chunks to give back, from what is occupied now.
    pub(super) fn watch_anew(&mut self, front: &Front) {
        let (len, capacity) = (self.len(front), self.depot.capacity());
        if let Some(watch) = &mut self.watch {
            let magazine = front.magazine.capacity();
            let step = if len > magazine { len / 4 } else { len.div_ceil(2) };
            // Below this more than a quarter is vacant.
            let quarter = (capacity - capacity / 4).saturating_sub(1);
            watch.below = (len > 0).then(|| (len - step).min(quarter));
            // A look goes through a bit for each slot, a word at once.
            watch.above = len + (len / 4).max(magazine).max(capacity / 256);
            // The next look may come later than it was to, for the peak.
            self.note_peak(front);
            self.set_heed(front);
        }
    }

    /// As [`Stock::watch_anew`], where so many slots are occupied that it is time to.
    pub(super) fn watch_rise(&mut self, front: &Front) {
        if self.watch.as_ref().is_some_and(|watch| self.len(front) >= watch.above) {
            self.watch_anew(front);
        }
    }

    /// Notes that a stock that gives chunks back by itself is to keep so many slots.
    pub(super) fn keep(&mut self, slots: usize) {
        if let Some(watch) = &mut self.watch {
            watch.least = slots;
        }
    }

    /// The number of slots in the bitmaps at which it is time to look for chunks to give back: a
    /// slot is spilled when the magazine is full, so this tells how many are occupied then.
    pub(super) fn vacant_to_give_back(&self, front: &Front) -> usize {
        let below = self.watch.as_ref().and_then(|watch| watch.below);
        below.map_or(usize::MAX, |below| {
            let elsewhere = below + front.magazine.capacity() + front.window.len();
            self.depot.entered().saturating_sub(elsewhere)
        })
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use core::alloc::Layout;
    use core::ptr::NonNull;

    use super::*;
    use crate::depot::Depot;
    use crate::geometry::Geometry;
    use crate::plan::{Leftovers, Plan};

    #[test]
    fn the_next_look_is_due_when_a_quarter_has_gone_or_come() {
        let geometry = Geometry::new(Layout::new::<[u64; 128]>()).unwrap();
        let plan = Plan { gives_back: true, ..Plan::new(Growth::OnDemand, 0, Leftovers::Free) };
        // SAFETY: 1. it has none.
        let depot = unsafe { Depot::new(geometry, plan, NonNull::dangling()) };
        let (mut stock, front) = (Stock::new(depot), Front::new(geometry.stride().bytes()));
        let capacity = if cfg!(miri) { 3000 } else { 50_000 };
        stock.reserve(capacity, &front).unwrap();
        let magazine = front.magazine.capacity();
        for len in 0..=capacity {
            assert_eq!(stock.len(&front), len);
            if [0, 100, magazine, 20_000, capacity].contains(&len) {
                stock.watch_anew(&front);
                let Watch { below, above, .. } = stock.watch.as_ref().unwrap();
                let wished = if len > magazine { (3 * len).div_ceil(4) } else { len / 2 };
                let most = (3 * capacity).div_ceil(4) - 1;
                assert_eq!(*below, (len != 0).then_some(wished.min(most)), "{len}");
                let risen = (len / 4).max(magazine).max(capacity / 256);
                assert_eq!(*above, len + risen, "{len}");
                // So many are in the bitmaps when the magazine is full and the rest is occupied.
                let used = stock.depot.entered() - front.window.len();
                let vacant = below.map(|below| used.saturating_sub(below + magazine));
                assert_eq!(stock.vacant_to_give_back(&front), vacant.unwrap_or(usize::MAX));
            }
            if len == capacity || front.window.take().is_some() {
                continue;
            }
            let due = stock.watch.as_ref().unwrap().above;
            // SAFETY: 1. it is.
            assert!(unsafe { stock.refill(&front) }, "there is another chunk");
            assert_eq!(stock.watch.as_ref().unwrap().above != due, len >= due, "{len}");
            assert!(front.window.take().is_some());
        }
    }
}
