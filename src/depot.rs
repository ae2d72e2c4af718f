//! What stands behind the magazine and the bump window of a core: its chunks with their vacancy
//! bitmaps, and the memory they lie in.
//!
//! Nothing here runs on the hot path.

use alloc::vec::Vec;
use core::cell::Cell;
use core::hint;
use core::ptr::NonNull;

use crate::bit_tree::BitSet;
use crate::chunk::Chunk;
use crate::error::PoolError;
use crate::geometry::Geometry;
use crate::magazine::Magazine;
use crate::pages::Pages;
use crate::reservation::Reservation;
use crate::window::Window;

mod check;
mod find;
mod give_back;
mod refill;
mod spill;

/// The bytes above which a request is first tried in one piece and given back: upstream refuses at
/// once what it cannot have, and to find that out chunk by chunk would touch, and could use up, all
/// the memory there is.
const PROBED_BYTES: usize = 1 << 30;

/// Whether a depot gets more memory when its slots are used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Growth {
    /// It holds one reservation, made in advance.
    Bounded,
    /// It adds a reservation of one chunk at a time.
    OnDemand,
}

/// The hot end of a core: where slots are taken from and given back to. The depot of the same core
/// fills and empties it.
///
/// It fills one cache line, so that the hot path touches no other beside the magazine's array and
/// the header of the slot's chunk.
///
/// # Invariants
///
/// 1. What is in the magazine and in the window are starts of vacant slots of entered chunks of
///    the depot whose front this is, with the provenance of their chunks.
/// 2. `vacant` is the number of slots in the vacancy bitmaps of that depot.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Front {
    pub(crate) magazine: Magazine,
    pub(crate) window: Window,
    pub(crate) vacant: Cell<usize>,
}

const _: () = assert!(size_of::<Front>() == 64);

/// The chunks of a core and the memory they lie in.
///
/// A chunk is entered, its header and bitmap written, when its slots are first needed; chunks are
/// entered in order, so those in front of `chunks.len()` have been and those behind have not.
///
/// # Invariants
///
/// 1. Chunk `n` is the `n`th of the only reservation of a bounded depot, and the only one of the
///    `n`th reservation of a growing one.
/// 2. `chunks[n]` is chunk `n`, its number is `n` and its owner `owner`.
/// 3. A slot of an entered chunk is in exactly one place: occupied, in the magazine, in the bump
///    window, or set in its chunk's vacancy bitmap.
/// 4. `with_vacancy` holds the numbers of the chunks whose bitmap has a bit set, and has room for
///    every chunk that is reserved; so has `chunks`.
/// 5. `capacity` is the number of slots in all reservations, `entered` that in all entered chunks.
/// 6. Slots are of one size and alignment: every chunk and reservation is laid out by `geometry`.
#[derive(Debug)]
pub(crate) struct Depot {
    geometry: Geometry,
    growth: Growth,
    pages: Pages,
    owner: NonNull<()>,
    // Declared, and so dropped, in front of the memory that the chunks lie in.
    chunks: Vec<Chunk>,
    reservations: Vec<Reservation>,
    with_vacancy: BitSet,
    capacity: usize,
    entered: usize,
}

impl Depot {
    /// A depot without memory for the core at `owner`.
    pub(crate) fn new(
        geometry: Geometry,
        growth: Growth,
        pages: Pages,
        owner: NonNull<()>,
    ) -> Self {
        Self {
            geometry,
            growth,
            pages,
            owner,
            chunks: Vec::new(),
            reservations: Vec::new(),
            with_vacancy: BitSet::default(),
            capacity: 0,
            entered: 0,
        }
    }

    pub(crate) fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    pub(crate) fn growth(&self) -> Growth {
        self.growth
    }

    /// The number of slots in all reservations.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// The number of occupied slots, given the front of this depot.
    pub(crate) fn len(&self, front: &Front) -> usize {
        self.entered - front.vacant.get() - front.magazine.len() - front.window.len()
    }

    /// The number of chunks, entered or not.
    pub(crate) fn chunk_count(&self) -> usize {
        match self.growth {
            Growth::Bounded => self.geometry.chunks(self.capacity),
            Growth::OnDemand => self.reservations.len(),
        }
    }

    /// The number of bytes in all reservations.
    pub(crate) fn bytes_reserved(&self) -> usize {
        self.reservations.iter().map(Reservation::bytes).sum()
    }

    /// The number of occupied slots whose handles were leaked.
    pub(crate) fn given_up(&self) -> usize {
        self.chunks.iter().map(Chunk::given_up).sum()
    }

    /// Why there is no vacant slot.
    pub(crate) fn refusal(&self) -> PoolError {
        match self.growth {
            Growth::Bounded => PoolError::Full { capacity: self.capacity },
            Growth::OnDemand => match self.geometry.reservation(self.growth_slots()) {
                Ok(layout) => PoolError::OutOfMemory { bytes: layout.size() },
                Err(error) => error,
            },
        }
    }

    /// Adds a reservation of `slots` slots, at least one, and enlarges the magazine to match.
    ///
    /// # Errors
    ///
    /// [`PoolError::TooLarge`] or [`PoolError::OutOfMemory`]; the depot is unchanged then.
    pub(crate) fn add_reservation(&mut self, slots: usize, front: &Front) -> Result<(), PoolError> {
        let chunks = self.chunk_count() + self.geometry.chunks(slots);
        let too_large =
            PoolError::TooLarge { object_size: self.geometry.object_size(), pool_size: slots };
        // Chunks number themselves in 32 bits.
        if u32::try_from(chunks).is_err() {
            return Err(too_large);
        }
        let capacity = self.capacity.checked_add(slots).ok_or(too_large)?;
        let reservation = Reservation::new(slots, &self.geometry, self.pages)?;
        let out_of_memory = PoolError::OutOfMemory { bytes: reservation.bytes() };
        self.reservations.try_reserve(1).map_err(|_| out_of_memory)?;
        self.chunks.try_reserve(chunks - self.chunks.len()).map_err(|_| out_of_memory)?;
        self.with_vacancy.reserve(chunks).map_err(|_| out_of_memory)?;
        // A smaller magazine than wished for does as well, and so does none at all.
        let _ = front.magazine.grow(self.geometry.magazine_slots(capacity), self.pages.of_tables());
        let spare = self.chunks.spare_capacity_mut();
        let (start, bytes) = (NonNull::from(&mut *spare).cast(), size_of_val(spare));
        // SAFETY: 1. and 2. as the spare capacity of a `Vec`, borrowed here.
        unsafe { self.pages.of_tables().prepare(start, bytes) };
        // INVARIANT: 1. a bounded depot gets one reservation, a growing one calls with no more
        // slots than a chunk has. 4. by the lines above. 5. here. 6. by `Reservation::new`.
        self.reservations.push(reservation);
        self.capacity = capacity;
        Ok(())
    }

    /// The number of slots that a growing depot reserves next.
    fn growth_slots(&self) -> usize {
        self.geometry.growth_slots(self.reservations.len())
    }

    /// Makes sure that `additional` slots can be taken without a further upstream allocation.
    /// Where the depot has reservations already, it grows as it would on demand at least, so that
    /// many small requests do not make many small chunks.
    ///
    /// # Errors
    ///
    /// [`PoolError::CapacityExceeded`], [`PoolError::TooLarge`] or [`PoolError::OutOfMemory`]; the
    /// capacity is unchanged then.
    pub(crate) fn reserve(&mut self, additional: usize, front: &Front) -> Result<(), PoolError> {
        let len = self.len(front);
        let vacant = self.capacity - len;
        let Some(mut missing) = additional.checked_sub(vacant).filter(|&missing| missing > 0)
        else {
            return Ok(());
        };
        if self.growth == Growth::Bounded {
            return Err(PoolError::CapacityExceeded { capacity: self.capacity, len, additional });
        }
        // Refuses what cannot be had in one piece before it asks for the pieces.
        if self.geometry.reservation(missing)?.size() > PROBED_BYTES {
            // Seen by nobody, an allocation and its release are left out by the compiler.
            let probe = Reservation::new(missing, &self.geometry, Pages::default())?;
            drop(hint::black_box(probe));
        }
        let (reservations, capacity) = (self.reservations.len(), self.capacity);
        let least = if reservations == 0 { 1 } else { self.growth_slots() };
        while missing > 0 {
            let slots = missing.max(least).min(self.geometry.chunk_slots());
            if let Err(error) = self.add_reservation(slots, front) {
                // INVARIANT: 1. to 4. none of these has been entered. 5. here.
                self.reservations.truncate(reservations);
                self.capacity = capacity;
                return Err(error);
            }
            missing = missing.saturating_sub(slots);
        }
        Ok(())
    }

    /// Where chunk `number` lies and the number of its slots, if it is reserved.
    fn place(&self, number: usize) -> Option<(NonNull<u8>, usize)> {
        let (reservation, index) = match self.growth {
            Growth::Bounded => (self.reservations.first()?, number),
            Growth::OnDemand => (self.reservations.get(number)?, 0),
        };
        reservation.chunk(index)
    }
}
