//! From an address to the slot there, without reading at the address.

use core::ptr::NonNull;

use super::{Depot, Front, Growth};
use crate::error::InvalidFree;

impl Depot {
    /// The slot that `address` lies in, as the numbers of chunk and slot and the offset from the
    /// slot's start.
    ///
    /// # Errors
    ///
    /// [`InvalidFree::Foreign`] or [`InvalidFree::Interior`].
    pub(super) fn slot_around(&self, address: usize) -> Result<(usize, usize, usize), InvalidFree> {
        let (reservation, offset) = self
            .reservations
            .iter()
            .enumerate()
            .find_map(|(number, reservation)| Some((number, reservation.offset_of(address)?)))
            .ok_or(InvalidFree::Foreign)?;
        let number = match self.growth {
            Growth::Bounded => offset / self.geometry.pitch(),
            Growth::OnDemand => reservation,
        };
        let (_, slots) = self.place(number).ok_or(InvalidFree::Interior)?;
        let offset = (offset % self.geometry.pitch())
            .checked_sub(self.geometry.first_slot(slots))
            .ok_or(InvalidFree::Interior)?;
        let (index, offset) =
            (offset / self.geometry.stride().bytes(), offset % self.geometry.stride().bytes());
        if index < slots { Ok((number, index, offset)) } else { Err(InvalidFree::Interior) }
    }

    /// Whether `address` lies in a slot.
    pub(crate) fn contains(&self, address: usize) -> bool {
        self.slot_around(address).is_ok()
    }

    /// The occupied slot that starts at `address`, with the provenance of its chunk, given the front
    /// of this depot.
    ///
    /// # Errors
    ///
    /// An [`InvalidFree`] where none does.
    pub(crate) fn occupied_slot(
        &self,
        address: usize,
        front: &Front,
    ) -> Result<NonNull<u8>, InvalidFree> {
        let (number, index) = match self.slot_around(address) {
            Err(InvalidFree::Foreign) => return Err(InvalidFree::Foreign),
            _ if address % self.geometry.align() != 0 => return Err(InvalidFree::Misaligned),
            Ok((number, index, 0)) => (number, index),
            _ => return Err(InvalidFree::Interior),
        };
        // A chunk that was never entered has no occupied slot and nothing to read.
        let chunk = self.chunks.get(number).ok_or(InvalidFree::Vacant)?;
        let slot = chunk.slot(index);
        let vacant = chunk.vacancy().contains(index)
            || front.window.contains(slot)
            || front.magazine.iter().any(|vacant| vacant == slot);
        if vacant { Err(InvalidFree::Vacant) } else { Ok(slot) }
    }
}
