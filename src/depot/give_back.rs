//! Memory on its way back upstream, and memory that must stay.

use core::mem;

use super::{Depot, Growth};
use crate::chunk::Chunk;
use crate::reservation::Reservation;

impl Depot {
    /// Gives every wholly vacant chunk of a growing depot back, the bitmaps naming every vacant
    /// slot of the entered ones; returns the number of bytes. The other chunks are numbered anew.
    pub(crate) fn release_vacant(&mut self) -> usize {
        debug_assert!(self.growth == Growth::OnDemand);
        let mut kept = 0;
        for number in 0..self.chunks.len() {
            let chunk = self.chunks[number];
            if chunk.vacancy().count() == chunk.slots() {
                self.entered -= chunk.slots();
                continue;
            }
            // INVARIANT: 1. and 2. the chunk and its reservation move together, in order.
            self.chunks.swap(kept, number);
            self.reservations.swap(kept, number);
            chunk.set_number(kept as u32);
            kept += 1;
        }
        // INVARIANT: 3. the slots of these chunks were all in the bitmap, so none is occupied and
        // none is in a front. Behind them lie reservations that were never entered.
        self.chunks.truncate(kept);
        let released: usize = self.reservations[kept..].iter().map(Reservation::bytes).sum();
        // INVARIANT: 5. here.
        self.capacity -= self.reservations[kept..].iter().map(Reservation::slots).sum::<usize>();
        self.release_from(kept);
        released
    }

    /// Releases the reservations from number `kept` on, whose chunks are used no more.
    pub(super) fn release_from(&mut self, kept: usize) {
        let released = self.reservations.drain(kept..);
        self.releases += released.filter(Reservation::is_upstream).count();
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
                    reservations.into_iter().for_each(mem::forget);
                }
            }
            Growth::OnDemand | Growth::Lone => {
                // Reservations behind the entered chunks have nothing to keep.
                let mut chunks = chunks.into_iter();
                for reservation in reservations {
                    if chunks.next().is_some_and(|chunk| occupied(&chunk)) {
                        mem::forget(reservation);
                    }
                }
            }
        }
    }
}
