//! The chunks of a core and the memory they lie in, whatever takes and gives their slots.
//!
//! Nothing here runs on the hot path.

use alloc::collections::TryReserveError;
use alloc::vec::Vec;
use core::hint;
use core::ptr::NonNull;

use crate::chunk::{Chunk, Kind};
use crate::error::PoolError;
use crate::fault::point;
use crate::geometry::{Geometry, Piece};
use crate::ground::Ground;
use crate::guard;
use crate::pages::Pages;
use crate::plan::{Growth, Plan};
use crate::reservation::Reservation;

mod check;
mod find;
mod give_back;
mod lone;
mod survey;

pub(crate) use check::WALKS_UNASKED;
#[cfg(feature = "std")]
pub(crate) use give_back::release_pages_of;

/// The bytes above which a request is first tried in one piece and given back: upstream refuses at
/// once what it cannot have, and to find that out chunk by chunk would touch, and could use up, all
/// the memory there is.
const PROBED_BYTES: usize = 1 << 30;

/// Makes room for a number of chunks.
pub(crate) type MakeRoom<'a> = dyn FnMut(usize) -> Result<(), TryReserveError> + 'a;

/// The chunks of a core and the memory they lie in.
///
/// A chunk is entered, its header and bitmap written, when its slots are first needed; chunks are
/// entered in order, so those in front of `chunks.len()` have been and those behind have not.
///
/// # Invariants
///
/// 1. The chunks of the first reservation come first, then those of the others, which have one
///    each: chunks are numbered in this order. In a growing depot the first has one chunk too.
/// 2. `chunks[n]` is chunk `n`, its number is `n` and its owner `owner`.
/// 3. A slot of an entered chunk is in exactly one place: occupied, vacant in the front of a core,
///    or set in its chunk's vacancy bitmap.
/// 4. `chunks` has room for every chunk that is reserved.
/// 5. `capacity` is the number of slots in all reservations, `bytes` that of their bytes, `entered`
///    the number of slots in all entered chunks.
/// 6. Slots are of the size and alignment of `geometry`, but for those of lone chunks. A chunk is
///    laid out by the geometry of its reservation: `geometry`, or `small` for a small chunk.
/// 7. `ground` outlives the depot.
#[derive(Debug)]
pub(crate) struct Depot {
    geometry: Geometry,
    /// The geometry of small chunks, where the core shares tracts with others and one has room.
    small: Option<Geometry>,
    growth: Growth,
    gives_back: bool,
    pages: Pages,
    owner: NonNull<()>,
    ground: Option<NonNull<Ground>>,
    // Declared, and so dropped, in front of the memory that the chunks lie in.
    chunks: Vec<Chunk>,
    reservations: Vec<Reservation>,
    capacity: usize,
    entered: usize,
    bytes: usize,
    /// The most that `bytes` has been.
    peak_bytes: usize,
    /// How often memory came from the upstream allocator.
    allocations: usize,
    /// And how often it went back.
    releases: usize,
}

impl Depot {
    /// A depot without memory for the core at `owner`.
    ///
    /// # Safety
    ///
    /// 1. The ground of the plan, if it has one, outlives the depot.
    pub(crate) unsafe fn new(geometry: Geometry, plan: Plan, owner: NonNull<()>) -> Self {
        let Plan { growth, gives_back, pages, ground, .. } = plan;
        // INVARIANT: 1. to 6. there is nothing. 7. clause 1.
        Self {
            geometry,
            small: ground.and_then(|_| geometry.small()),
            growth,
            gives_back: gives_back && growth == Growth::OnDemand,
            pages,
            owner,
            ground,
            chunks: Vec::new(),
            reservations: Vec::new(),
            capacity: 0,
            entered: 0,
            bytes: 0,
            peak_bytes: 0,
            allocations: 0,
            releases: 0,
        }
    }

    pub(crate) fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// The core that the slots belong to.
    pub(crate) fn owner(&self) -> NonNull<()> {
        self.owner
    }

    pub(crate) fn growth(&self) -> Growth {
        self.growth
    }

    /// Whether wholly vacant chunks are given back unasked.
    pub(crate) fn gives_back(&self) -> bool {
        self.gives_back
    }

    /// The number of slots in all reservations.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// The number of slots in all entered chunks.
    pub(crate) fn entered(&self) -> usize {
        self.entered
    }

    /// The entered chunks, in the order of their numbers.
    pub(crate) fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// The number of chunks in the first reservation, and that of the reservations behind it.
    fn reserved(&self) -> (usize, usize) {
        match self.reservations.split_first() {
            Some((first, rest)) => (first.geometry().chunks(first.slots()), rest.len()),
            None => (0, 0),
        }
    }

    /// The number of chunks, entered or not.
    pub(crate) fn chunk_count(&self) -> usize {
        let (first, rest) = self.reserved();
        first + rest
    }

    /// The number of occupied slots whose handles were leaked.
    pub(crate) fn given_up(&self) -> usize {
        self.chunks.iter().map(Chunk::given_up).sum()
    }

    /// Why there is no vacant slot.
    pub(crate) fn refusal(&self) -> PoolError {
        match self.growth {
            Growth::Bounded => PoolError::Full { capacity: self.capacity },
            Growth::OnDemand | Growth::Lone => {
                match self.geometry.reservation(self.growth_slots()) {
                    Ok(layout) => PoolError::OutOfMemory { bytes: layout.size() },
                    Err(error) => error,
                }
            }
        }
    }

    /// Adds a reservation of `slots` slots, at least one; where there is one already, with no more
    /// slots than a chunk has. Before anything changes, `make_room` is to make room for as many
    /// chunks as there will be, in whatever the caller keeps of chunks.
    ///
    /// # Errors
    ///
    /// [`PoolError::TooLarge`] or [`PoolError::OutOfMemory`]; the depot is unchanged then.
    pub(crate) fn add_reservation(
        &mut self,
        slots: usize,
        make_room: &mut MakeRoom<'_>,
    ) -> Result<(), PoolError> {
        debug_assert!(self.reservations.is_empty() || slots <= self.geometry.chunk_slots());
        // What cannot be numbered is not asked for.
        self.fits(slots, self.geometry.chunks(slots))?;
        self.adopt(Reservation::new(slots, &self.geometry, self.pages)?, make_room)
    }

    /// Adds a reservation to a growing depot as it grows on demand. `make_room` is as for
    /// [`Depot::add_reservation`].
    ///
    /// # Errors
    ///
    /// As [`Depot::add_reservation`].
    pub(crate) fn extend(&mut self, make_room: &mut MakeRoom<'_>) -> Result<(), PoolError> {
        debug_assert!(self.growth == Growth::OnDemand);
        let (Some(ground), Some(small)) = (self.ground, self.small) else {
            return self.add_reservation(self.growth_slots(), make_room);
        };
        let piece = small.next_piece(self.capacity * self.geometry.stride().bytes());
        let geometry = if piece == Piece::Tract { self.geometry } else { small };
        // SAFETY: 1. invariant 7.
        let reserved = unsafe { Reservation::on(ground, piece, &geometry) };
        let reservation = reserved.or_else(|refused| {
            // SAFETY: 1. invariant 7.
            let least = unsafe { Reservation::on_what_is_left(ground, &small) };
            least.ok_or(refused)
        })?;
        self.adopt(reservation, make_room)
    }

    /// Whether `slots` slots more, in so many `chunks`, can be numbered. Returns the capacity then.
    fn fits(&self, slots: usize, chunks: usize) -> Result<usize, PoolError> {
        let too_large =
            PoolError::TooLarge { object_size: self.geometry.object_size(), pool_size: slots };
        // Chunks number themselves in 32 bits.
        match u32::try_from(self.chunk_count() + chunks) {
            Ok(_) => self.capacity.checked_add(slots).ok_or(too_large),
            Err(_) => Err(too_large),
        }
    }

    /// The number of bytes in reservations that came from the upstream allocator.
    pub(crate) fn bytes_upstream(&self) -> usize {
        let upstream = self.reservations.iter().filter(|held| held.is_upstream());
        upstream.map(Reservation::bytes).sum()
    }

    /// Adds a reservation, as [`Depot::add_reservation`] does: laid out by `geometry` or by
    /// `small`, or for a lone chunk, and in a growing depot of one chunk.
    fn adopt(
        &mut self,
        reservation: Reservation,
        make_room: &mut MakeRoom<'_>,
    ) -> Result<(), PoolError> {
        let slots = reservation.slots();
        let added = reservation.geometry().chunks(slots);
        let capacity = self.fits(slots, added)?;
        let chunks = self.chunk_count() + added;
        let out_of_memory = PoolError::OutOfMemory { bytes: reservation.bytes() };
        self.reservations.try_reserve(1).map_err(|_| out_of_memory)?;
        self.chunks.try_reserve(chunks - self.chunks.len()).map_err(|_| out_of_memory)?;
        point();
        make_room(chunks).map_err(|_| out_of_memory)?;
        point();
        let spare = self.chunks.spare_capacity_mut();
        let (start, bytes) = (NonNull::from(&mut *spare).cast(), size_of_val(spare));
        // SAFETY: 1. and 2. as the spare capacity of a `Vec`, borrowed here.
        unsafe { self.pages.of_tables().prepare(start, bytes) };
        // INVARIANT: 1. a growing depot calls with no more slots than a chunk has. 4. and 5. here.
        // 6. as the callers are asked to.
        self.allocations += usize::from(reservation.is_upstream());
        self.bytes += reservation.bytes();
        self.peak_bytes = self.peak_bytes.max(self.bytes);
        self.reservations.push(reservation);
        self.capacity = capacity;
        Ok(())
    }

    /// The number of slots that a growing depot reserves next.
    pub(crate) fn growth_slots(&self) -> usize {
        match self.gives_back {
            true => self.geometry.small_growth_slots(self.bytes),
            false => self.geometry.growth_slots(self.reservations.len()),
        }
    }

    /// The number of slots that are missing for `additional` more than `len` occupied ones.
    ///
    /// # Errors
    ///
    /// [`PoolError::CapacityExceeded`] where slots are missing and the depot is bounded.
    pub(crate) fn missing(&self, additional: usize, len: usize) -> Result<usize, PoolError> {
        let capacity = self.capacity;
        let missing = additional.saturating_sub(capacity - len);
        if missing > 0 && self.growth == Growth::Bounded {
            return Err(PoolError::CapacityExceeded { capacity, len, additional });
        }
        Ok(missing)
    }

    /// Adds reservations of `missing` slots together at least, at least one, to a growing depot.
    /// Where it has some already, it grows as it would on demand at least, so that many small
    /// requests do not make many small chunks. `make_room` is as for [`Depot::add_reservation`].
    ///
    /// # Errors
    ///
    /// [`PoolError::TooLarge`] or [`PoolError::OutOfMemory`]; the capacity is unchanged then.
    pub(crate) fn grow(
        &mut self,
        mut missing: usize,
        make_room: &mut MakeRoom<'_>,
    ) -> Result<(), PoolError> {
        // Refuses what cannot be had in one piece before it asks for the pieces.
        if self.geometry.reservation(missing)?.size() > PROBED_BYTES {
            // Seen by nobody, an allocation and its release are left out by the compiler.
            let probe = Reservation::new(missing, &self.geometry, Pages::default())?;
            drop(hint::black_box(probe));
        }
        let reservations = self.reservations.len();
        let least = if reservations == 0 { 1 } else { self.growth_slots() };
        while missing > 0 {
            let slots = missing.max(least).min(self.geometry.chunk_slots());
            if let Err(error) = self.add_reservation(slots, make_room) {
                // INVARIANT: 1. to 4. none of these has been entered.
                self.release(reservations..self.reservations.len());
                return Err(error);
            }
            missing = missing.saturating_sub(slots);
            point();
        }
        Ok(())
    }

    /// Where chunk `number` lies, the number of its slots and how they are laid out, if it is
    /// reserved.
    fn place(&self, number: usize) -> Option<(NonNull<u8>, usize, Geometry)> {
        let (reservation, chunk) = match number.checked_sub(self.reserved().0) {
            None => (self.reservations.first()?, number),
            Some(behind) => (self.reservations.get(behind + 1)?, 0),
        };
        let (base, slots) = reservation.chunk(chunk)?;
        Some((base, slots, *reservation.geometry()))
    }

    /// Whether a chunk is reserved that has not been entered.
    pub(crate) fn has_next(&self) -> bool {
        self.place(self.chunks.len()).is_some()
    }

    /// Enters the next chunk, if one is reserved. All of its slots are vacant and the caller's.
    pub(crate) fn enter_next(&mut self) -> Option<Chunk> {
        let number = self.chunks.len();
        let (base, slots, geometry) = self.place(number)?;
        let kind = if self.growth == Growth::Lone { Kind::Lone } else { Kind::Slots };
        // The number fits into 32 bits by `fits`.
        let number = number as u32;
        // SAFETY: 1. `base` and `slots` are those of a chunk of a reservation laid out by the
        // same geometry, aligned and with the reservation's provenance (`Reservation` invariants 1
        // and 2). 2. They belong to the reservation (there, 1), and none of its chunks with this
        // number has been entered (invariants 1 and 2). 3. A chunk leaves
        // `chunks` before its reservation is released, be it by `release_vacant`, `release_lone`,
        // `keep_occupied` or the drop of the depot, and then nobody uses its slots. 4. By the line
        // above.
        let chunk = unsafe { Chunk::enter(base, slots, &geometry, self.owner, number, kind) };
        // SAFETY: 1. by the lines above.
        unsafe { guard::enter(chunk) };
        // INVARIANT: 2. here. 3. the slots are the caller's. 5. `entered` here.
        self.chunks.push(chunk);
        self.entered += slots;
        Some(chunk)
    }
}
