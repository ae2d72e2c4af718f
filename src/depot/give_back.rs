//! Memory on its way back upstream, and memory that must stay.

use core::mem;
use core::ops::Range;

use super::Depot;
use crate::bit_tree::runs;
use crate::chunk::Chunk;
use crate::fault::point;
use crate::pages;
use crate::plan::Growth;
use crate::reservation::Reservation;

impl Depot {
    /// Gives wholly vacant chunks of a growing depot back, as long as it keeps `floor` slots; the
    /// last ones first. The bitmaps name every vacant slot of the entered ones. Returns the number
    /// of bytes. The other chunks are numbered anew.
    pub(crate) fn release_vacant(&mut self, floor: usize) -> usize {
        debug_assert!(self.growth == Growth::OnDemand);
        let before = self.bytes;
        let mut spare = self.capacity.saturating_sub(floor);
        // Behind the entered chunks lie reservations that were never entered.
        let entered = self.chunks.len();
        let mut end = self.reservations.len();
        while end > entered && self.reservations[end - 1].slots() <= spare {
            spare -= self.reservations[end - 1].slots();
            end -= 1;
        }
        self.release(end..self.reservations.len());
        point();
        for chunk in self.chunks.iter().rev() {
            let goes = chunk.slots() <= spare && chunk.vacancy().count() == chunk.slots();
            if goes {
                spare -= chunk.slots();
            }
            chunk.set_tally(u32::from(goes));
            point();
        }
        let mut kept = 0;
        for number in 0..entered {
            let chunk = self.chunks[number];
            if chunk.tally() == 0 {
                // INVARIANT: 1. and 2. the chunk and its reservation move together, in order.
                self.chunks.swap(kept, number);
                self.reservations.swap(kept, number);
                // One that goes has the other number until it does.
                self.chunks[number].set_number(number as u32);
                chunk.set_number(kept as u32);
                kept += 1;
            }
            point();
        }
        // INVARIANT: 3. the slots of these chunks were all in the bitmap, so none is occupied and
        // none is in a front. 5. here.
        let gone: usize = self.chunks.drain(kept..).map(|chunk| chunk.slots()).sum();
        self.entered -= gone;
        // What is not released then is reserved, and not entered.
        point();
        self.release(kept..entered);
        before - self.bytes
    }

    /// Releases the reservations of some numbers, whose chunks are used no more.
    pub(super) fn release(&mut self, numbers: Range<usize>) {
        for reservation in &self.reservations[numbers.clone()] {
            // INVARIANT: 5. here.
            self.capacity -= reservation.slots();
            self.bytes -= reservation.bytes();
            self.releases += usize::from(reservation.is_upstream());
        }
        self.reservations.drain(numbers);
    }

    /// Gives whole pages without an occupied slot back to the system, which the bitmaps name, where
    /// that can be done; returns the number of bytes. The slots stay.
    pub(crate) fn release_pages(&self) -> usize {
        let mut bytes = self.release_pages_behind();
        for chunk in &self.chunks {
            // SAFETY: 1. what the bitmap names is neither occupied nor in a front (invariant 3).
            bytes += unsafe { release_pages_of(*chunk, |index| chunk.vacancy().word(index)) };
        }
        bytes
    }

    /// As [`Depot::release_pages`], of the chunks alone that have not been entered.
    pub(crate) fn release_pages_behind(&self) -> usize {
        let mut bytes = 0;
        let behind = self.chunks.len()..self.chunk_count();
        for (base, slots, geometry) in behind.filter_map(|number| self.place(number)) {
            // SAFETY: 1. the bytes of a chunk belong to its reservation (`Reservation` invariants 1
            // and 2). 2. It has not been entered, so nothing is in it (invariant 2).
            bytes += unsafe { pages::release(base, geometry.chunk_bytes(slots)) };
        }
        bytes
    }

    /// Lets go of every reservation that still has an occupied slot whose handle was not leaked,
    /// so that its memory is never given back; of all of them, where the depot is bounded. The
    /// bitmaps name every vacant slot of the entered chunks. The rest is given back as usual.
    pub(crate) fn keep_occupied(&mut self) {
        // INVARIANT: 5. ends here: of this depot only the drop is still to come. The chunks go
        // before the memory that they lie in.
        let chunks = mem::take(&mut self.chunks);
        let reservations = mem::take(&mut self.reservations);
        let occupied = |chunk: &Chunk| chunk.vacancy().count() + chunk.given_up() < chunk.slots();
        match self.growth {
            Growth::Bounded => {
                if chunks.iter().any(occupied) {
                    reservations.into_iter().for_each(Reservation::forget);
                }
            }
            Growth::OnDemand | Growth::Lone => {
                // Reservations behind the entered chunks have nothing to keep.
                let mut chunks = chunks.into_iter();
                for reservation in reservations {
                    if chunks.next().is_some_and(|chunk| occupied(&chunk)) {
                        reservation.forget();
                    }
                }
            }
        }
    }
}

/// Gives the whole pages among vacant slots of a chunk back to the system; returns the number of
/// bytes. `vacant` gives a word of bits, which are set for slots that are vacant.
///
/// # Safety
///
/// 1. What is in those slots is not needed, and nobody uses them meanwhile.
pub(crate) unsafe fn release_pages_of(chunk: Chunk, vacant: impl Fn(usize) -> usize) -> usize {
    let mut bytes = 0;
    for (first, count) in runs(chunk.slots(), vacant) {
        let first = chunk.slot(first);
        // SAFETY: 1. the slots are those of the chunk. 2. clause 1.
        bytes += unsafe { pages::release(first, count * chunk.slot_bytes()) };
    }
    bytes
}
