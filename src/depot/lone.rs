//! Lone chunks: values that are too large for the slots of a class, each in a reservation of its
//! own.

use core::alloc::Layout;
use core::ptr::NonNull;

use super::{Depot, MakeRoom};
use crate::chunk::{Chunk, Kind};
use crate::error::PoolError;
use crate::fault::point;
use crate::geometry::Geometry;
use crate::plan::Growth;
use crate::reservation::Reservation;

impl Depot {
    /// Takes a slot for a value of `layout` in a chunk of its own, which is the caller's.
    /// `make_room` is as for [`Depot::add_reservation`].
    ///
    /// # Errors
    ///
    /// [`PoolError::AlignTooLarge`], [`PoolError::TooLarge`] or [`PoolError::OutOfMemory`].
    pub(crate) fn take_lone(
        &mut self,
        layout: Layout,
        make_room: &mut MakeRoom<'_>,
    ) -> Result<NonNull<u8>, PoolError> {
        debug_assert!(self.growth == Growth::Lone);
        let geometry = Geometry::new(layout)?;
        // What is reserved and not entered is of another layout: a call was broken off there.
        self.release(self.chunks.len()..self.reservations.len());
        self.adopt(Reservation::new(1, &geometry, self.pages)?, make_room)?;
        point();
        let chunk = self.enter_next().expect("a chunk has just been reserved");
        point();
        Ok(chunk.first())
    }

    /// Releases a lone chunk of this depot, whose slot is vacant and the caller's.
    pub(crate) fn release_lone(&mut self, chunk: Chunk) {
        assert!(chunk.kind() == Kind::Lone && self.chunks.get(chunk.number()) == Some(&chunk));
        let number = chunk.number();
        // INVARIANT: 1. and 2. the last chunk takes the number, and so does its reservation. 3. the
        // slot goes with the chunk. 5. here.
        let chunks = self.chunks.len();
        self.chunks.swap_remove(number);
        self.entered -= 1;
        if let Some(moved) = self.chunks.get(number) {
            // It had a larger one, which fits into 32 bits.
            moved.set_number(number as u32);
        }
        self.reservations.swap(number, chunks - 1);
        self.release(chunks - 1..chunks);
    }
}
