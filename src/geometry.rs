//! Where things lie in memory: integers only, over whole ranges tested.
//!
//! A chunk starts at a multiple of [`CHUNK_ALIGN`]. Its header lies in the first [`HEADER_AREA`]
//! bytes, at an offset that depends on the address of the chunk; behind it are the words of the
//! vacancy bitmap, then the slots, at an offset that leaves room for header and bitmap wherever
//! they lie, and at which a slot lies in no more cache lines than it has to.
//!
//! A small chunk lies in a tract, which starts at a multiple of [`CHUNK_ALIGN`], with others: at a
//! multiple of [`GRANULE`] bytes from the start, its header first.
#![forbid(unsafe_code)]

use core::alloc::Layout;

use crate::atomic::AtomicUsize;
use crate::bit_tree::words_for;
use crate::error::PoolError;

/// The alignment of every chunk of every pool in bytes, and the distance within which every slot
/// of a chunk starts: masking the address of a slot gives its chunk, or its
/// tract.
pub(crate) const CHUNK_ALIGN: usize =
    if cfg!(target_pointer_width = "64") { 256 << 10 } else { 16 << 10 };

/// The most bytes of a chunk of several slots. The rest up to the next chunk is left to the
/// upstream allocator: one that keeps notes in front of each block, as that of glibc does, could
/// otherwise place chunks at every second multiple of [`CHUNK_ALIGN`] only.
const CHUNK_BYTES: usize = CHUNK_ALIGN - CACHE_LINE;

/// The binary logarithm of [`CHUNK_ALIGN`].
const CHUNK_SHIFT: u32 = CHUNK_ALIGN.trailing_zeros();

/// The size of a cache line in bytes.
const CACHE_LINE: usize = 64;

/// The offset between two header colours in bytes.
pub(crate) const COLOUR_STEP: usize = CACHE_LINE;

/// The bytes in which the header lies, how far from the chunk's start depends on the address; the
/// vacancy bitmap is right behind it. At one and the same offset from a large power of two the
/// headers and bitmaps of all chunks would compete for a few sets of the cache.
pub(crate) const HEADER_AREA: usize =
    COLOUR_STEP * if cfg!(target_pointer_width = "64") { 16 } else { 4 };

/// The largest alignment of a slot in bytes.
pub(crate) const MAX_ALIGN: usize = 4096;

/// The size in bytes of what stands behind each value to tell whether it was written past its end.
pub(crate) const CANARY: usize = if cfg!(feature = "hardened") { size_of::<usize>() } else { 0 };

/// The size in bytes of the stores that most machines write larger values with, if told no better.
/// One that lies across two cache lines takes as long as two.
const STORE: usize = 16;

/// The layout of a `T`, which a slot can be aligned to.
pub(crate) const fn layout_of<T>() -> Layout {
    assert!(align_of::<T>() <= MAX_ALIGN, "a pool aligns its values to at most 4096 bytes");
    Layout::new::<T>()
}

/// The size of a growing pool's first reservation in bytes.
const FIRST_RESERVATION: usize = 4096;

/// The most slots that a magazine holds: one less than a power of two, see `magazine`.
pub(crate) const MAGAZINE_SLOTS: usize = 1023;

/// The most bytes that the slots in a magazine may span together, so that it does not hold back
/// much memory where slots are large.
const MAGAZINE_BYTES: usize = 64 << 10;

/// The number of equal parts that a tract has.
pub(crate) const GRANULES: usize = 64;

/// The size of such a part in bytes. Small chunks are made of whole ones.
pub(crate) const GRANULE: usize = CHUNK_ALIGN / GRANULES;

/// The number of granules in front of a tract's small chunks: its header lies there, in the header
/// area, and right behind it at most a word and a byte for each granule.
pub(crate) const TRACT_HEADER_GRANULES: usize =
    (HEADER_AREA + size_of::<AtomicUsize>() + GRANULES).div_ceil(GRANULE);

/// The number of granules of a tract that small chunks can have.
pub(crate) const SHARED_GRANULES: usize = GRANULES - TRACT_HEADER_GRANULES;

/// How far [`Stride::index_of`] shifts: offsets and reciprocals stay below this many bits
/// together, so that their product is exact in 64 bits.
const RECIPROCAL_SHIFT: u32 = 2 * CHUNK_SHIFT;

const _: () = assert!(CHUNK_ALIGN.is_power_of_two() && CHUNK_ALIGN >= MAX_ALIGN);
const _: () = assert!(HEADER_AREA < MAX_ALIGN && HEADER_AREA.is_power_of_two());
const _: () = assert!(COLOUR_STEP % align_of::<AtomicUsize>() == 0);
// A slot's number is below `CHUNK_ALIGN`, which lets a chunk count in `u32`.
const _: () = assert!(CHUNK_ALIGN <= u32::MAX as usize);
const _: () = assert!(3 * CHUNK_SHIFT <= u64::BITS);
const _: () = assert!(GRANULE.is_power_of_two() && TRACT_HEADER_GRANULES < GRANULES);
const _: () = assert!(GRANULES <= u8::MAX as usize);

/// The offset of a chunk's header from the chunk's start, given any of its first
/// [`CHUNK_ALIGN`] addresses: one of the header colours, chosen by the address bits above the chunk
/// alignment.
#[inline]
pub(crate) const fn header_offset(address: usize) -> usize {
    (address >> (CHUNK_SHIFT - COLOUR_STEP.trailing_zeros())) & (HEADER_AREA - COLOUR_STEP)
}

/// The distance between slots in bytes, and how to divide by it.
///
/// # Invariants
///
/// 1. `bytes` is not 0.
/// 2. `reciprocal` is 2^[`RECIPROCAL_SHIFT`] / `bytes`, rounded up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Stride {
    bytes: usize,
    reciprocal: u64,
}

impl Stride {
    /// That of a tract, which has one slot: what lies in it is in slot 0.
    // INVARIANT: 1. here. 2. an exact division.
    pub(crate) const TRACT: Self =
        Self { bytes: CHUNK_ALIGN, reciprocal: (1 << RECIPROCAL_SHIFT) / CHUNK_ALIGN as u64 };

    /// A distance of `bytes`, which is not 0.
    fn new(bytes: usize) -> Self {
        // INVARIANT: 1. and 2. here: a division by 0 would panic.
        Self { bytes, reciprocal: (1_u64 << RECIPROCAL_SHIFT).div_ceil(bytes as u64) }
    }

    /// The distance in bytes.
    #[inline]
    pub(crate) fn bytes(self) -> usize {
        self.bytes
    }

    /// The number of the slot in which the byte `offset` lies, counted from a chunk's first slot.
    /// `offset` is below [`CHUNK_ALIGN`].
    #[inline]
    pub(crate) fn index_of(self, offset: usize) -> usize {
        debug_assert!(offset < CHUNK_ALIGN);
        // Exact. With e = reciprocal * bytes - 2^RECIPROCAL_SHIFT, which is below `bytes`, the
        // shifted product is offset / bytes + offset * e / (bytes * 2^RECIPROCAL_SHIFT) before
        // its fraction goes. For a stride of at most 2^CHUNK_SHIFT the second term is below
        // 1 / bytes, too little to reach the next integer. For a larger stride the reciprocal is
        // at most 2^CHUNK_SHIFT, the product below 2^RECIPROCAL_SHIFT and the result 0.
        ((offset as u64 * self.reciprocal) >> RECIPROCAL_SHIFT) as usize
    }
}

/// What a core that shares tracts with others takes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A whole tract, for a chunk as large as any.
    Tract,
    /// So many granules, at least one and at most [`SHARED_GRANULES`], for a small chunk.
    Granules(usize),
}

/// How the slots of one pool lie in its chunks. Sizes and offsets are in bytes.
///
/// # Invariants
///
/// 1. `slot` is aligned to [`MAX_ALIGN`] at most, and to [`GRANULE`] at most for small chunks.
///    `stride`, a multiple of that, has room for its size and [`CANARY`], and is its size where
///    that is 0.
/// 2. `chunk_slots` is the largest number of slots whose chunk ends within [`CHUNK_BYTES`], or 1
///    where not even one does; for small chunks, within [`SHARED_GRANULES`] granules.
/// 3. `pitch` is a multiple of [`CHUNK_ALIGN`] and no smaller than a chunk of `chunk_slots`.
/// 4. `header_area` is [`HEADER_AREA`], or [`COLOUR_STEP`] for small chunks.
#[derive(Clone, Copy, Debug)]
pub struct Geometry {
    object_size: usize,
    slot: Layout,
    stride: Stride,
    chunk_slots: usize,
    pitch: usize,
    header_area: usize,
}

impl Geometry {
    /// The geometry for slots that hold a value of `layout`, which may be of size 0.
    ///
    /// # Errors
    ///
    /// [`PoolError::AlignTooLarge`], or [`PoolError::TooLarge`] where not even one slot fits into
    /// an allocation.
    pub(crate) fn new(layout: Layout) -> Result<Self, PoolError> {
        let align = layout.align();
        if align > MAX_ALIGN {
            return Err(PoolError::AlignTooLarge { align });
        }
        // A layout rounded up to its alignment still fits into `isize`, so this cannot overflow.
        let size = (layout.size() + CANARY).max(1);
        let stride = Stride::new(size.next_multiple_of(align.max(Self::apart(layout.size()))));
        let too_large = PoolError::TooLarge { object_size: layout.size(), pool_size: 1 };
        let slot = match CANARY {
            0 => Layout::from_size_align(stride.bytes, align).map_err(|_| too_large)?,
            _ => layout,
        };
        // INVARIANT: 1. by the lines above. 2. and 3. by the lines below. 4. here.
        let mut geometry = Self {
            object_size: layout.size(),
            slot,
            stride,
            chunk_slots: 1,
            pitch: CHUNK_ALIGN,
            header_area: HEADER_AREA,
        };
        // A single slot that no allocation can hold is found here.
        let single = geometry.reservation(1)?.size();
        geometry.chunk_slots = geometry.slots_within(CHUNK_BYTES).max(1);
        geometry.pitch = single.next_multiple_of(CHUNK_ALIGN);
        Ok(geometry)
    }

    /// What the distance between slots for values of `size` bytes is a multiple of, whatever they
    /// are aligned to. Hardened slots are filled once more for each value, and canaries would let
    /// every second one begin across two cache lines.
    const fn apart(size: usize) -> usize {
        if CANARY != 0 && size >= STORE { STORE } else { 1 }
    }

    /// The geometry of small chunks of the same slots, where one of them has room for a slot.
    pub(crate) fn small(&self) -> Option<Self> {
        if self.slot.align() > GRANULE {
            return None;
        }
        // INVARIANT: 1. by the lines above. 2. and 3. by the lines below. 4. here.
        let mut small = Self { header_area: COLOUR_STEP, pitch: CHUNK_ALIGN, ..*self };
        small.chunk_slots = small.slots_within(SHARED_GRANULES * GRANULE);
        (small.chunk_slots > 0).then_some(small)
    }

    /// What a core that has `held` bytes in slots takes next, where small chunks are laid out by
    /// this: half as much again, or what one slot needs; whole tracts as soon as it would take more
    /// than half of one.
    pub(crate) fn next_piece(&self, held: usize) -> Piece {
        debug_assert!(self.header_area == COLOUR_STEP);
        let single = self.first_slot(1) + self.stride.bytes;
        let granules = single.max(held / 2).div_ceil(GRANULE);
        if held / 2 > CHUNK_ALIGN / 2 || granules > SHARED_GRANULES {
            return Piece::Tract;
        }
        Piece::Granules(granules)
    }

    /// The offset of a chunk's header from the chunk's start, given that.
    pub(crate) fn header_offset(&self, base: usize) -> usize {
        // In a small chunk no bit is left.
        header_offset(base) & (self.header_area - COLOUR_STEP)
    }

    /// The size of a value, as asked for.
    pub(crate) fn object_size(&self) -> usize {
        self.object_size
    }

    /// The size and the alignment of every slot; the size is without the canary.
    #[inline]
    pub(crate) fn slot(&self) -> Layout {
        self.slot
    }

    /// The distance between slots.
    #[inline]
    pub(crate) fn stride(&self) -> Stride {
        self.stride
    }

    /// The number of slots in a chunk that is not cut short.
    pub(crate) fn chunk_slots(&self) -> usize {
        self.chunk_slots
    }

    /// The distance between the chunks of one reservation.
    pub(crate) fn pitch(&self) -> usize {
        self.pitch
    }

    /// The offset of the first slot in a chunk of `slots` slots, at most `chunk_slots` of them.
    pub(crate) fn first_slot(&self, slots: usize) -> usize {
        let bitmap = words_for(slots) * size_of::<AtomicUsize>();
        (self.header_area + bitmap).next_multiple_of(self.first_align())
    }

    /// What the first slot is aligned to: what all slots are, and a cache line. So one of 64 bytes
    /// is in one line and not in two, and none is in a line of the bitmap or, where words have 64
    /// bits, in one with slots of another word, which may be another thread's. A small chunk is one
    /// thread's and has few bytes to spare: there it is as much of a line as all slots can be.
    fn first_align(&self) -> usize {
        let of_line = match self.header_area {
            COLOUR_STEP => CACHE_LINE.min(1 << self.stride.bytes.trailing_zeros()),
            _ => CACHE_LINE,
        };
        self.slot.align().max(of_line)
    }

    /// The size of a chunk of `slots` slots, which there is.
    pub(crate) fn chunk_bytes(&self, slots: usize) -> usize {
        self.first_slot(slots) + slots * self.stride.bytes
    }

    /// The size of a chunk of `slots` slots, where it can be said.
    fn checked_chunk_bytes(&self, slots: usize) -> Option<usize> {
        slots.checked_mul(self.stride.bytes)?.checked_add(self.first_slot(slots))
    }

    /// The largest number of slots whose chunk takes no more than `bytes`, a size of at most
    /// [`CHUNK_ALIGN`]; it may be 0.
    pub(crate) fn slots_within(&self, bytes: usize) -> usize {
        debug_assert!((self.header_area..=CHUNK_ALIGN).contains(&bytes));
        let fits = |slots| self.checked_chunk_bytes(slots).is_some_and(|size| size <= bytes);
        // Each bound follows from the other by way of the bitmap: one for too many slots leaves
        // room for too few, and one for too few for too many.
        let behind =
            |bitmap_for| bytes.saturating_sub(self.first_slot(bitmap_for)) / self.stride.bytes;
        let mut low = behind((bytes - self.header_area) / self.stride.bytes);
        let mut high = behind(low);
        // Mostly the slots start at the same place behind either bitmap, and then as many fit.
        let mut middle = high;
        while low < high {
            if fits(middle) {
                low = middle;
            } else {
                high = middle - 1;
            }
            middle = low + (high - low).div_ceil(2);
        }
        low
    }

    /// The number of chunks over which `slots` slots of one reservation spread.
    pub(crate) fn chunks(&self, slots: usize) -> usize {
        slots.div_ceil(self.chunk_slots)
    }

    /// The layout of a reservation of `slots` slots, at least one: full chunks, `pitch` apart, and
    /// a last one cut to what is needed.
    ///
    /// # Errors
    ///
    /// [`PoolError::TooLarge`] where no allocation can hold them.
    pub(crate) fn reservation(&self, slots: usize) -> Result<Layout, PoolError> {
        let full = self.chunks(slots) - 1;
        let last = slots - full * self.chunk_slots;
        full.checked_mul(self.pitch)
            .and_then(|front| self.checked_chunk_bytes(last)?.checked_add(front))
            .and_then(|bytes| Layout::from_size_align(bytes, CHUNK_ALIGN).ok())
            .ok_or(PoolError::TooLarge { object_size: self.object_size, pool_size: slots })
    }

    /// The number of slots that a growing pool reserves at least when it has `reservations`
    /// already: its first are small, and each is twice the last until it is a full chunk.
    pub(crate) fn growth_slots(&self, reservations: usize) -> usize {
        let doublings = (CHUNK_ALIGN / FIRST_RESERVATION).ilog2() as usize;
        let slots = self.slots_within(FIRST_RESERVATION << reservations.min(doublings));
        slots.clamp(1, self.chunk_slots)
    }

    /// The number of slots that a growing pool reserves next when it has `bytes` already and is to
    /// have few to spare: an eighth of that, as long as a chunk is larger.
    pub(crate) fn small_growth_slots(&self, bytes: usize) -> usize {
        let step = (bytes / 8).next_multiple_of(FIRST_RESERVATION);
        self.slots_within(step.clamp(FIRST_RESERVATION, CHUNK_ALIGN)).clamp(1, self.chunk_slots)
    }

    /// The most slots that the magazine of a pool of `capacity` slots holds.
    pub(crate) fn magazine_slots(&self, capacity: usize) -> usize {
        (MAGAZINE_BYTES / self.stride.bytes).clamp(8, MAGAZINE_SLOTS).min(capacity)
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
