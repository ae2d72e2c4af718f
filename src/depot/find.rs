//! From an address to the slot there, without reading at the address.

use super::Depot;
use crate::chunk::Chunk;
use crate::error::InvalidFree;

impl Depot {
    /// The slot that `address` lies in, as the numbers of chunk and slot and the offset from the
    /// slot's start.
    ///
    /// # Errors
    ///
    /// [`InvalidFree::Foreign`] or [`InvalidFree::Interior`].
    fn slot_around(&self, address: usize) -> Result<(usize, usize, usize), InvalidFree> {
        let (reservation, offset) = self
            .reservations
            .iter()
            .enumerate()
            .find_map(|(number, reservation)| Some((number, reservation.offset_of(address)?)))
            .ok_or(InvalidFree::Foreign)?;
        let pitch = self.reservations[reservation].geometry().pitch();
        let number = match reservation {
            0 => offset / pitch,
            behind => self.reserved().0 + behind - 1,
        };
        let (_, slots, geometry) = self.place(number).ok_or(InvalidFree::Interior)?;
        let offset = (offset % pitch)
            .checked_sub(geometry.first_slot(slots))
            .ok_or(InvalidFree::Interior)?;
        let stride = geometry.stride().bytes();
        let (index, offset) = (offset / stride, offset % stride);
        if index < slots { Ok((number, index, offset)) } else { Err(InvalidFree::Interior) }
    }

    /// Whether `address` lies in a slot.
    pub(crate) fn contains(&self, address: usize) -> bool {
        self.slot_around(address).is_ok()
    }

    /// The entered chunk and the number of its slot that starts at `address`.
    ///
    /// # Errors
    ///
    /// An [`InvalidFree`] where none does: [`InvalidFree::Vacant`] where the slot is of a chunk
    /// that has not been entered.
    pub(crate) fn slot_at(&self, address: usize) -> Result<(Chunk, usize), InvalidFree> {
        let (number, index) = match self.slot_around(address) {
            Err(InvalidFree::Foreign) => return Err(InvalidFree::Foreign),
            _ if address % self.geometry.slot().align() != 0 => {
                return Err(InvalidFree::Misaligned);
            }
            Ok((number, index, 0)) => (number, index),
            _ => return Err(InvalidFree::Interior),
        };
        // A chunk that was never entered has no occupied slot and nothing to read.
        let chunk = self.chunks.get(number).ok_or(InvalidFree::Vacant)?;
        Ok((*chunk, index))
    }
}
