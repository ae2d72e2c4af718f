//! What stands behind the magazine and the bump window of a core: its chunks with their vacancy
//! bitmaps, and the memory they lie in.
//!
//! Nothing here runs on the hot path. A refill takes the lowest vacant slots of the lowest chunk
//! that has any; a spill puts the oldest slots of a full magazine back into the bitmaps.

use alloc::vec::Vec;
use core::hint;
use core::ptr::NonNull;

use crate::bit_tree::{BitSet, WORD_BITS, run_masks};
use crate::chunk::Chunk;
use crate::error::PoolError;
use crate::geometry::Geometry;
use crate::magazine::Magazine;
use crate::reservation::Reservation;
use crate::window::Window;

mod check;
mod find;
mod give_back;

/// The most slots that one spill moves, so that the worst single free stays short.
const SPILL_SLOTS: usize = 64;

/// The most words of a bitmap that one run takes, so that the worst single allocation stays short.
const RUN_WORDS: usize = 64;

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
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Front {
    pub(crate) magazine: Magazine,
    pub(crate) window: Window,
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
/// 5. `capacity` is the number of slots in all reservations, `entered` that in all entered chunks,
///    `vacant` that in all bitmaps.
/// 6. Slots are of one size and alignment: every chunk and reservation is laid out by `geometry`.
#[derive(Debug)]
pub(crate) struct Depot {
    geometry: Geometry,
    growth: Growth,
    owner: NonNull<()>,
    // Declared, and so dropped, in front of the memory that the chunks lie in.
    chunks: Vec<Chunk>,
    reservations: Vec<Reservation>,
    with_vacancy: BitSet,
    capacity: usize,
    entered: usize,
    vacant: usize,
}

impl Depot {
    /// A depot without memory for the core at `owner`.
    pub(crate) fn new(geometry: Geometry, growth: Growth, owner: NonNull<()>) -> Self {
        Self {
            geometry,
            growth,
            owner,
            chunks: Vec::new(),
            reservations: Vec::new(),
            with_vacancy: BitSet::default(),
            capacity: 0,
            entered: 0,
            vacant: 0,
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
        self.entered - self.vacant - front.magazine.len() - front.window.len()
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
        let reservation = Reservation::new(slots, &self.geometry)?;
        let out_of_memory = PoolError::OutOfMemory { bytes: reservation.bytes() };
        self.reservations.try_reserve(1).map_err(|_| out_of_memory)?;
        self.chunks.try_reserve(chunks - self.chunks.len()).map_err(|_| out_of_memory)?;
        self.with_vacancy.reserve(chunks).map_err(|_| out_of_memory)?;
        let grown = front.magazine.grow(self.geometry.magazine_slots(capacity));
        // A smaller magazine than wished for does as well; only none at all would not.
        if front.magazine.capacity() == 0 {
            grown?;
        }
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
            drop(hint::black_box(Reservation::new(missing, &self.geometry)?));
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

    /// Moves vacant slots into the front, which is empty; returns whether there were any to be
    /// had. Enters a chunk or adds one where the bitmaps are empty.
    ///
    /// # Safety
    ///
    /// 1. `front` is the front of this depot.
    pub(crate) unsafe fn refill(&mut self, front: &Front) -> bool {
        if let Some(number) = self.with_vacancy.tree().first() {
            // SAFETY: 1. clause 1.
            unsafe { self.take_lowest(number, front) };
            return true;
        }
        let number = self.chunks.len();
        let place = self.place(number).or_else(|| {
            let grows = self.growth == Growth::OnDemand
                && self.add_reservation(self.growth_slots(), front).is_ok();
            if grows { self.place(number) } else { None }
        });
        let Some((base, slots)) = place else { return false };
        // SAFETY: 1. clause 1. 2. `place` said so, and the chunks up to this one are entered.
        unsafe { self.enter_next(base, slots, front) };
        true
    }

    /// Where chunk `number` lies and the number of its slots, if it is reserved.
    fn place(&self, number: usize) -> Option<(NonNull<u8>, usize)> {
        let (reservation, index) = match self.growth {
            Growth::Bounded => (self.reservations.first()?, number),
            Growth::OnDemand => (self.reservations.get(number)?, 0),
        };
        reservation.chunk(index)
    }

    /// Enters the next chunk and opens the window, which is empty, on all of its slots.
    ///
    /// # Safety
    ///
    /// 1. `front` is the front of this depot.
    /// 2. The next chunk is reserved, at `base` with `slots` slots, as [`Depot::place`] has it.
    unsafe fn enter_next(&mut self, base: NonNull<u8>, slots: usize, front: &Front) {
        // The number fits into 32 bits by `add_reservation`.
        let number = self.chunks.len() as u32;
        // SAFETY: 1. `base` and `slots` are those of a chunk of a reservation laid out by the
        // same geometry (clause 2; invariant 6), aligned and with the reservation's provenance
        // (`Reservation` invariants 1 and 2). 2. The chunk has not been entered before
        // (invariants 1 and 2). 3. A chunk leaves `chunks` before its reservation is released, be
        // it by `trim`, `keep_occupied` or the drop of the depot, and then nobody uses its slots.
        let chunk = unsafe { Chunk::enter(base, slots, &self.geometry, self.owner, number) };
        // INVARIANT: 2. here. 5. `entered` here. 3. and 4. the bitmap is empty, and the next lines
        // give all slots to the window.
        self.chunks.push(chunk);
        self.entered += slots;
        // SAFETY: 1. These are the slots of the chunk just entered, and its own pointer to them.
        // 2. Nothing has them yet, and the front is this depot's (clause 1).
        unsafe { front.window.open(chunk.first(), slots) };
    }

    /// Moves the lowest vacant slots of chunk `number`, which has some, into the front: a run of
    /// neighbours into the window, others into the magazine, both of which are empty.
    ///
    /// # Safety
    ///
    /// 1. `front` is the front of this depot.
    unsafe fn take_lowest(&mut self, number: usize, front: &Front) {
        let chunk = self.chunks[number];
        let bitmap = chunk.vacancy();
        let index = bitmap.first_word().expect("`with_vacancy` names chunks with a vacant slot");
        let word = bitmap.word(index);
        let shift = word.trailing_zeros();
        let ones = (word >> shift).trailing_ones();
        let first = index * WORD_BITS + shift as usize;
        // INVARIANT: 3. each slot goes from the bitmap to the front. 5. and 4. at the end.
        let count = if ones == word.count_ones() {
            let mut count = chunk.remove(index, word);
            // The run goes on into the next word where it fills this one to its end.
            if (shift + ones) as usize == WORD_BITS {
                count += extend_run(chunk, index + 1, RUN_WORDS - 1);
            }
            // SAFETY: 1. The slots from `first` on are neighbours in one chunk, which gives the
            // pointer. 2. Each was set in the bitmap and is no longer; the front is this depot's
            // (clause 1).
            unsafe { front.window.open(chunk.slot(first), count) };
            count
        } else {
            front.magazine.settle();
            let taken = lowest_bits(word, front.magazine.capacity());
            // The highest goes in first, so that the lowest comes out first.
            let mut rest = taken;
            while rest != 0 {
                let bit = WORD_BITS - 1 - rest.leading_zeros() as usize;
                rest &= !(1 << bit);
                let slot = chunk.slot(index * WORD_BITS + bit);
                let pushed = front.magazine.push(slot);
                debug_assert!(pushed, "the magazine is empty and has room for these");
            }
            chunk.remove(index, taken)
        };
        self.vacant -= count;
        if chunk.vacant() == 0 {
            self.with_vacancy.tree().remove(number / WORD_BITS, 1 << (number % WORD_BITS));
        }
    }

    /// Makes room in a magazine that takes no more: moves its oldest slots into the bitmaps where
    /// it is full.
    ///
    /// # Safety
    ///
    /// 1. `front` is the front of this depot.
    pub(crate) unsafe fn spill(&mut self, front: &Front) {
        let magazine = &front.magazine;
        if magazine.len() == magazine.capacity() {
            // SAFETY: 1. clause 1.
            unsafe { self.empty_magazine(front, SPILL_SLOTS.min(magazine.len().div_ceil(2))) };
        }
        if magazine.is_at_limit() {
            magazine.settle();
        }
    }

    /// Moves the `count` oldest slots of the magazine into the bitmaps.
    ///
    /// # Safety
    ///
    /// 1. `front` is the front of this depot.
    unsafe fn empty_magazine(&mut self, front: &Front, count: usize) {
        let magazine = &front.magazine;
        // SAFETY: 1. what follows changes bitmaps alone, up to the call of `discard_oldest`.
        let slots = unsafe { magazine.oldest(count) };
        let run_of = |slot: &NonNull<u8>| {
            // SAFETY: 1. `Front` invariant 1, of this depot's front (clause 1). 2. The chunk is
            // used in this function alone, which releases none.
            let chunk = unsafe { Chunk::of(*slot) };
            let (index, mask) = chunk.bit_of(*slot);
            Run { chunk, key: chunk.word_key(index), mask, count: 1 }
        };
        let Some((first, rest)) = slots.split_first() else { return };
        // Slots that were freed one after the other often share a word: it is written once. Of
        // slots freed in random order few share a word, but more share a chunk. One comparison of
        // both together is predicted where one of chunks would not be.
        let mut run = run_of(first);
        for next in rest.iter().map(run_of) {
            if next.key == run.key {
                run.mask |= next.mask;
                run.count += 1;
            } else {
                self.insert(run);
                run = next;
            }
        }
        self.insert(run);
        self.vacant += count;
        magazine.discard_oldest(count);
    }

    /// Puts slots into a bitmap, which `vacant` counts already.
    #[inline(always)]
    fn insert(&mut self, Run { chunk, key, mask, count }: Run) {
        let index = chunk.word_of_key(key);
        // INVARIANT: 3. the slots come from the front. 4. by the lines below.
        if chunk.insert_below(index, mask, count) {
            self.announce(chunk, index, count);
        }
    }

    /// Tells the summaries of `count` slots, the first of word `index` in the bitmap of `chunk`.
    ///
    /// Kept out of the loop of a spill, which seldom meets such a word.
    #[cold]
    #[inline(never)]
    fn announce(&mut self, chunk: Chunk, index: usize, count: usize) {
        chunk.vacancy().announce(index);
        if chunk.vacant() == count {
            self.list(chunk.number());
        }
    }

    /// Adds a chunk to those with a vacant slot.
    fn list(&mut self, number: usize) {
        self.with_vacancy.tree().insert(number / WORD_BITS, 1 << (number % WORD_BITS));
    }

    /// Moves every slot of the front into the bitmaps.
    ///
    /// # Safety
    ///
    /// 1. `front` is the front of this depot.
    unsafe fn empty_front(&mut self, front: &Front) {
        // SAFETY: 1. clause 1.
        unsafe { self.empty_magazine(front, front.magazine.len()) };
        if let Some((first, count)) = front.window.close() {
            // SAFETY: 1. `Front` invariant 1, of this depot's front (clause 1); it holds for the
            // slots of the window until the bitmap has them. 2. As nothing is released here.
            let chunk = unsafe { Chunk::of(first) };
            let start = chunk.index_of(first);
            self.vacant += count;
            for (index, mask) in run_masks(start, count) {
                let key = chunk.word_key(index);
                self.insert(Run { chunk, key, mask, count: mask.count_ones() as usize });
            }
        }
    }
}

/// Slots of one word of a bitmap.
struct Run {
    chunk: Chunk,
    /// The word, as [`Chunk::word_key`] has it.
    key: usize,
    mask: usize,
    count: usize,
}

/// Takes the vacant slots of `chunk` out of its bitmap that follow each other from the start of
/// word `index` on, as far as one run goes, at most `words` words; returns how many.
fn extend_run(chunk: Chunk, index: usize, words: usize) -> usize {
    let bitmap = chunk.vacancy();
    let mut count = 0;
    for index in index..bitmap.word_count().min(index + words) {
        let ones = bitmap.word(index).trailing_ones();
        if ones > 0 {
            count += chunk.remove(index, usize::MAX >> (usize::BITS - ones));
        }
        if ones < usize::BITS {
            break;
        }
    }
    count
}

/// The lowest `count` bits set in `word`.
fn lowest_bits(mut word: usize, count: usize) -> usize {
    if word.count_ones() as usize <= count {
        return word;
    }
    let all = word;
    for _ in 0..count {
        word &= word.wrapping_sub(1);
    }
    all & !word
}
