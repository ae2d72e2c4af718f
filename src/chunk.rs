//! One aligned chunk of memory: its header, its vacancy bitmap and its slots. The only code that
//! turns the number of a slot into an address and back.
//!
//! ```text
//! multiple of CHUNK_ALIGN
//! |<- header_offset ->|
//! [      unused       | header | bitmap, summary |  unused  ][ slot 0 ][ slot 1 ] … [ slot n - 1 ]
//! |<- HEADER_AREA and the size of the bitmap, aligned ----->|
//! ```
//!
//! Every slot starts less than `CHUNK_ALIGN` bytes from the chunk's start; a slot larger than that
//! ends further on.
//!
//! A tract has a header in the same place, and small chunks behind it, whose own headers stand at
//! their starts. A table behind the header of the tract tells which of them an address belongs to.
//! (A page that knows the span it is part of is TCMalloc's.)

use core::alloc::Layout;
#[cfg(all(target_arch = "x86_64", target_pointer_width = "64", not(miri)))]
use core::arch::asm;
use core::iter;
use core::ptr::NonNull;
use core::slice;
use core::sync::atomic::{AtomicU8, AtomicU32, Ordering::Relaxed};

use crate::atomic::AtomicUsize;
use crate::bit_tree::{BitTree, WORD_BITS, mask_of, words_for};
#[cfg(feature = "hardened")]
use crate::error::InvalidFree;
use crate::geometry::{
    CHUNK_ALIGN, COLOUR_STEP, GRANULE, GRANULES, Geometry, MAX_ALIGN, Stride, header_offset,
};

/// What a header says of what is behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Slots of the owner, vacant and occupied.
    Slots,
    /// One slot of the owner, whose reservation is released with it.
    Lone,
    /// Small chunks with headers and owners of their own. As a chunk it has one slot, of all bytes,
    /// which is never vacant.
    Tract,
}

/// What a chunk says of itself. It lies in one cache line, the only one that the drop of a handle
/// reads beside the magazine. In the order of C, since the compiler promises no order, hence no
/// size, of its own.
#[derive(Debug)]
#[repr(C)]
struct Header {
    /// The core that the slots belong to.
    owner: NonNull<()>,
    /// The first slot.
    first: NonNull<u8>,
    /// The distance between slots.
    stride: Stride,
    /// The number of slots.
    slots: u32,
    /// The number of words of the vacancy bitmap, its summary included.
    word_count: u32,
    /// The number of this chunk among those of its core.
    number: AtomicU32,
    /// The number of occupied slots whose handles were leaked.
    given_up: AtomicU32,
    /// For whoever has the depot, to count something by chunks.
    tally: AtomicU32,
    /// What is behind.
    kind: Kind,
    /// The size of what a slot is made for; that of a tract is none that a value has.
    #[cfg(feature = "hardened")]
    object_bytes: usize,
}

const _: () = assert!(size_of::<Header>() <= COLOUR_STEP && align_of::<Header>() <= COLOUR_STEP);

/// The header of a chunk that has been entered, with the provenance of the whole chunk.
///
/// # Invariants
///
/// 1. The pointer leads to an initialised [`Header`], which lies at [`header_offset`] in a chunk
///    that starts at a multiple of [`CHUNK_ALIGN`], or at the start of a small chunk, and may be
///    used to reach every byte of the chunk. This lasts until the chunk's reservation is released.
/// 2. [`COLOUR_STEP`] bytes behind the start of the header lie the `word_count` initialised words
///    of a [`BitTree`] for `slots` numbers, which nothing but [`Chunk::words`] refers to.
/// 3. `first` points to the first of `slots` slots, `stride` apart, with the provenance of the
///    chunk; each starts less than [`CHUNK_ALIGN`] bytes from the chunk's start. (The slot of a
///    tract, which is never handed out, ends where a whole tract does.)
/// 4. Where the kind is [`Kind::Tract`], [`GRANULES`] initialised bytes lie behind the one word.
///    That of a granule that belongs to a small chunk is the number of the small chunk's first
///    granule, others are 0, and a small chunk's provenance is that of its tract.
/// 5. The bitmap of a tract, and that of a lone chunk, is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunk(NonNull<Header>);

impl Chunk {
    /// Writes the header and the bitmap of a chunk of `slots` slots at `base`, none of them
    /// vacant: they belong to the caller.
    ///
    /// # Safety
    ///
    /// 1. `base` is a multiple of [`CHUNK_ALIGN`], or of [`GRANULE`] where `geometry` is that of
    ///    small chunks, and may be used to write as many bytes as `geometry` gives a chunk of
    ///    `slots` slots, at most `geometry.chunk_slots()` of them.
    /// 2. Nothing else refers to those bytes.
    /// 3. The chunk is not used after its reservation was released.
    /// 4. `kind` is not [`Kind::Tract`].
    pub(crate) unsafe fn enter(
        base: NonNull<u8>,
        slots: usize,
        geometry: &Geometry,
        owner: NonNull<()>,
        number: u32,
        kind: Kind,
    ) -> Self {
        let address = expose(base);
        debug_assert!(address % GRANULE == 0 && slots <= geometry.chunk_slots());
        // SAFETY: clause 1: a chunk holds the header area and at least one slot behind the first
        // slot's offset, all inside its bytes.
        let first = unsafe { base.byte_add(geometry.first_slot(slots)) };
        // SAFETY: clause 1: the header area is inside the chunk, and the header inside its area.
        let header = unsafe { base.byte_add(geometry.header_offset(address)) }.cast::<Header>();
        // SAFETY: clause 1: the header ends inside the header area, hence inside the chunk.
        let words = unsafe { header.byte_add(COLOUR_STEP) }.cast::<AtomicUsize>();
        let word_count = words_for(slots);
        for index in 0..word_count {
            // SAFETY: the words start in the header area or at its end, and `first_slot` leaves
            // room for all of them behind its end, in bytes that are the chunk's (clause 1).
            let word = unsafe { words.add(index) };
            // SAFETY: by the line above; nothing refers to those bytes (clause 2). Headers lie at
            // multiples of `COLOUR_STEP`, and so do the words behind them, hence aligned.
            unsafe { word.write(AtomicUsize::new(0)) };
        }
        let value = Header {
            owner,
            first,
            stride: geometry.stride(),
            // A slot's number is below CHUNK_ALIGN, which fits by an assertion in `geometry`; so
            // does that of a word, of which there are fewer.
            slots: slots as u32,
            word_count: word_count as u32,
            number: AtomicU32::new(number),
            given_up: AtomicU32::new(0),
            tally: AtomicU32::new(0),
            kind,
            #[cfg(feature = "hardened")]
            object_bytes: geometry.slot().size(),
        };
        // SAFETY: the bytes are the chunk's (clause 1) and not referred to (clause 2); the offset
        // of a header is a multiple of `COLOUR_STEP`, hence aligned.
        unsafe { header.write(value) };
        // INVARIANT: 1. to 3. and 5. by the lines above. 4. clause 4.
        Self(header)
    }

    /// Writes the header of a tract at `base`, in the granules in front of those for small chunks.
    ///
    /// # Safety
    ///
    /// 1. `base` is a multiple of [`CHUNK_ALIGN`], and may be used to write as many bytes as those
    ///    granules have.
    /// 2. Nothing else refers to those bytes.
    /// 3. The tract is not used after it was released.
    pub(crate) unsafe fn enter_tract(base: NonNull<u8>, owner: NonNull<()>) -> Self {
        // SAFETY: clause 1: the header of a tract lies in its header area.
        let header = unsafe { base.byte_add(header_offset(expose(base))) }.cast::<Header>();
        // SAFETY: clause 1: behind the header area there is room for a word more.
        let word = unsafe { header.byte_add(COLOUR_STEP) }.cast::<AtomicUsize>();
        // SAFETY: by the line above; nothing refers to those bytes (clause 2). Headers lie at
        // multiples of `COLOUR_STEP`, and so do the words behind them, hence aligned.
        unsafe { word.write(AtomicUsize::new(0)) };
        // SAFETY: clause 1: behind that word there is room for a byte for each granule.
        let table = unsafe { word.add(1) }.cast::<[AtomicU8; GRANULES]>();
        // SAFETY: by the line above; nothing refers to those bytes (clause 2).
        unsafe { table.write([const { AtomicU8::new(0) }; GRANULES]) };
        let value = Header {
            owner,
            first: base,
            stride: Stride::TRACT,
            slots: 1,
            word_count: 1,
            number: AtomicU32::new(0),
            given_up: AtomicU32::new(0),
            tally: AtomicU32::new(0),
            kind: Kind::Tract,
            #[cfg(feature = "hardened")]
            object_bytes: usize::MAX,
        };
        // SAFETY: the bytes are the tract's (clause 1) and not referred to (clause 2); the offset
        // of a header is a multiple of `COLOUR_STEP`, hence aligned.
        unsafe { header.write(value) };
        // INVARIANT: 1. to 5. by the lines above: no granule belongs to a small chunk.
        Self(header)
    }

    /// The chunk in which `slot` starts, be it a small one.
    ///
    /// # Safety
    ///
    /// 1. and 2. As for [`Chunk::of`].
    pub(crate) unsafe fn holding(slot: NonNull<u8>) -> Self {
        // SAFETY: 1. clause 1. 2. clause 2.
        let chunk = unsafe { Self::of(slot) };
        match chunk.kind() {
            // SAFETY: 1. and 2. clauses 1 and 2.
            Kind::Tract => unsafe { chunk.small(slot) },
            Kind::Slots | Kind::Lone => chunk,
        }
    }

    /// The small chunk of this tract in which `slot` starts.
    ///
    /// # Safety
    ///
    /// 1. and 2. As for [`Chunk::of`], and this is what that gives.
    #[inline]
    pub(crate) unsafe fn small(self, slot: NonNull<u8>) -> Self {
        let granule = slot.addr().get() % CHUNK_ALIGN / GRANULE;
        let start = usize::from(self.granules()[granule].load(Relaxed));
        // It lies in the tract (invariant 4), so this does not leave the allocation.
        let header = chunk_start(slot).wrapping_byte_add(start * GRANULE);
        // SAFETY: a chunk is part of an allocation, so no address in it is 0 (clause 1).
        // INVARIANT: 1. to 5. hold since the small chunk was entered (clause 1; invariant 4 of the
        // tract).
        Self(unsafe { NonNull::new_unchecked(header.cast()) })
    }

    /// For each granule of a tract, the first granule of the small chunk that it belongs to.
    ///
    /// # Panics
    ///
    /// Panics where it is no tract.
    #[inline]
    pub(crate) fn granules(&self) -> &[AtomicU8; GRANULES] {
        assert!(self.kind() == Kind::Tract);
        // SAFETY: the bytes lie in the tract (invariants 1 and 4).
        let table = unsafe { self.0.byte_add(COLOUR_STEP + size_of::<AtomicUsize>()) };
        // SAFETY: valid: invariant 4. Unaliased: they change atomically and only by way of such
        // references. The tract outlives the borrow by invariant 1 and the safety clauses of the
        // constructors.
        unsafe { table.cast().as_ref() }
    }

    /// The small chunk of this tract that has the granule of `address`, if one has.
    #[cfg(feature = "hardened")]
    pub(crate) fn small_at(self, address: usize) -> Option<Self> {
        let granule = address % CHUNK_ALIGN / GRANULE;
        let start = usize::from(self.granules()[granule].load(Relaxed));
        // It lies in the tract (invariant 4), so this does not leave the allocation.
        let header = chunk_start(self.0.cast()).wrapping_byte_add(start * GRANULE);
        // INVARIANT: 1. to 5. as for `small`: where the granule belongs to a small chunk, it is the
        // start of that.
        (start != 0).then_some(Self(NonNull::new(header.cast())?))
    }

    /// The slot that starts at `address`, which is not above the chunk's start by [`CHUNK_ALIGN`]
    /// or more, with the provenance of the chunk.
    ///
    /// # Errors
    ///
    /// [`InvalidFree::Interior`] where none does, and [`InvalidFree::Foreign`] behind the last.
    #[cfg(feature = "hardened")]
    pub(crate) fn slot_at(&self, address: usize) -> Result<NonNull<u8>, InvalidFree> {
        let first = self.first().addr().get();
        let offset = address.checked_sub(first).ok_or(InvalidFree::Interior)?;
        let index = self.header().stride.index_of(offset);
        match index < self.slots() {
            false => Err(InvalidFree::Foreign),
            true if index * self.slot_bytes() == offset => Ok(self.slot(index)),
            true => Err(InvalidFree::Interior),
        }
    }

    /// What is behind the header.
    #[inline]
    pub(crate) fn kind(&self) -> Kind {
        self.header().kind
    }

    /// The size of a slot in bytes, with what aligns the next, and with its canary.
    pub(crate) fn slot_bytes(&self) -> usize {
        self.header().stride.bytes()
    }

    /// The size of a slot in bytes, as [`Geometry::slot`] has it.
    #[inline]
    pub(crate) fn object_bytes(&self) -> usize {
        #[cfg(feature = "hardened")]
        return self.header().object_bytes;
        #[cfg(not(feature = "hardened"))]
        self.slot_bytes()
    }

    /// The chunk in which `slot` starts, or the tract, where that is a small one.
    ///
    /// # Safety
    ///
    /// 1. `slot` is the start of a slot of a chunk that has been entered and whose reservation has
    ///    not been released, with the provenance of the chunk.
    /// 2. The chunk is not used after its reservation was released.
    #[inline]
    pub(crate) unsafe fn of(slot: NonNull<u8>) -> Self {
        // The header lies in the chunk by `header_offset`, so this does not leave the allocation.
        let header = chunk_start(slot).wrapping_byte_add(header_offset(slot.addr().get()));
        // SAFETY: a chunk is part of an allocation, so no address in it is 0 (clause 1).
        // INVARIANT: 1. to 5. hold since the chunk was entered (clause 1).
        Self(unsafe { NonNull::new_unchecked(header.cast()) })
    }

    /// The address of the header, from which [`Chunk::from_ptr`] makes the same again.
    #[cfg(any(feature = "std", feature = "hardened"))]
    pub(crate) fn as_ptr(self) -> NonNull<()> {
        self.0.cast()
    }

    /// The chunk whose header lies at `header`.
    ///
    /// # Safety
    ///
    /// 1. `header` came from [`Chunk::as_ptr`] of a chunk whose reservation has not been released.
    /// 2. The chunk is not used after its reservation was released.
    #[cfg(any(feature = "std", feature = "hardened"))]
    pub(crate) unsafe fn from_ptr(header: NonNull<()>) -> Self {
        // INVARIANT: 1. to 5. as for the chunk that it came from (clause 1).
        Self(header.cast())
    }

    #[inline]
    fn header(&self) -> &Header {
        // SAFETY: valid: invariant 1. Unaliased: all that changes in a header is atomic, and no
        // exclusive reference to one is ever made.
        unsafe { self.0.as_ref() }
    }

    /// The core that the slots belong to.
    #[inline]
    pub(crate) fn owner(&self) -> NonNull<()> {
        self.header().owner
    }

    /// The first slot.
    pub(crate) fn first(&self) -> NonNull<u8> {
        self.header().first
    }

    /// The number of slots.
    pub(crate) fn slots(&self) -> usize {
        self.header().slots as usize
    }

    /// The number of this chunk among those of its core.
    pub(crate) fn number(&self) -> usize {
        self.header().number.load(Relaxed) as usize
    }

    /// Changes the number of this chunk.
    pub(crate) fn set_number(&self, number: u32) {
        self.header().number.store(number, Relaxed);
    }

    /// The number of occupied slots whose handles were leaked.
    pub(crate) fn given_up(&self) -> usize {
        self.header().given_up.load(Relaxed) as usize
    }

    /// Counts one more occupied slot whose handle is leaked. Not to be called from two threads at
    /// once, or one is not counted.
    pub(crate) fn give_up_one(&self) {
        let given_up = &self.header().given_up;
        given_up.store(given_up.load(Relaxed) + 1, Relaxed);
    }

    /// What was last noted by [`Chunk::set_tally`].
    pub(crate) fn tally(&self) -> u32 {
        self.header().tally.load(Relaxed)
    }

    /// Notes a number. It belongs to whoever has the depot of the chunk, and lasts until another
    /// has.
    pub(crate) fn set_tally(&self, tally: u32) {
        self.header().tally.store(tally, Relaxed);
    }

    /// The vacancy bitmap.
    #[inline]
    pub(crate) fn vacancy(&self) -> BitTree<'_> {
        BitTree::new(self.words(), self.slots())
    }

    /// The words of the vacancy bitmap.
    #[inline]
    pub(crate) fn words(&self) -> &[AtomicUsize] {
        let count = self.header().word_count as usize;
        // SAFETY: the words are in the chunk (invariants 1 and 2).
        let words = unsafe { self.0.byte_add(COLOUR_STEP) }.cast::<AtomicUsize>();
        // SAFETY: valid: invariant 2. Unaliased: words change atomically and only by way of such
        // slices. The chunk outlives the borrow by invariant 1 and the safety clauses of the
        // constructors.
        unsafe { slice::from_raw_parts(words.as_ptr(), count) }
    }

    /// The layout of a slot. It is aligned to the largest power of two that its size and its
    /// address are multiples of, and to [`MAX_ALIGN`] at most, hence to as much as was asked for at
    /// least.
    pub(crate) fn slot_layout(&self) -> Layout {
        let aligned = self.slot_bytes() | self.first().addr().get() | MAX_ALIGN;
        let align = 1 << aligned.trailing_zeros();
        Layout::from_size_align(self.object_bytes(), align).expect("the slot is there")
    }

    /// The start of slot `index`, with the provenance of the chunk.
    #[inline]
    pub(crate) fn slot(&self, index: usize) -> NonNull<u8> {
        assert!(index < self.slots());
        // SAFETY: by the line above the slot is one of the chunk's (invariant 3).
        unsafe { self.first().byte_add(index * self.header().stride.bytes()) }
    }

    /// The starts of the slots that `mask` names in word `index` of the vacancy bitmap, the highest
    /// first.
    #[inline]
    pub(crate) fn slots_of(&self, index: usize, mask: usize) -> impl Iterator<Item = NonNull<u8>> {
        let bits = WORD_BITS - mask.leading_zeros() as usize;
        assert!(bits == 0 || index * WORD_BITS + bits <= self.slots());
        let (first, stride) = (self.first(), self.header().stride.bytes());
        let mut rest = mask;
        iter::from_fn(move || {
            let bit = rest.checked_ilog2()? as usize;
            // Not `^=`, of which the compiler makes three instructions more.
            rest &= !(1 << bit);
            // SAFETY: by the assertion above, the slot of the mask's highest bit is one of the
            // chunk's (invariant 3), and so are those below.
            Some(unsafe { first.byte_add((index * WORD_BITS + bit) * stride) })
        })
    }

    /// The starts of `count` neighbouring slots from slot `first` on, the highest first.
    #[cfg(any(feature = "std", feature = "hardened", typed_pool_sanitize))]
    pub(crate) fn run(&self, first: usize, count: usize) -> impl Iterator<Item = NonNull<u8>> {
        assert!(count <= self.slots() && first <= self.slots() - count);
        let (lowest, stride) = (self.first(), self.header().stride.bytes());
        (first..first + count).rev().map(move |index| {
            // SAFETY: by the assertion above, the slot is one of the chunk's (invariant 3).
            unsafe { lowest.byte_add(index * stride) }
        })
    }

    /// The number of the slot that starts at `slot`, which is one of this chunk.
    #[inline]
    pub(crate) fn index_of(&self, slot: NonNull<u8>) -> usize {
        self.header().stride.index_of(slot.addr().get() - self.first().addr().get())
    }

    /// The word and the bit in it that stand for `slot`, which is one of this chunk.
    #[inline]
    pub(crate) fn bit_of(&self, slot: NonNull<u8>) -> (usize, usize) {
        let index = self.index_of(slot);
        (index / WORD_BITS, mask_of(index))
    }
}

/// The address of a chunk that is entered. Its provenance is exposed where pointers are taken from
/// collections, which may have lost it (`allocator`).
fn expose(base: NonNull<u8>) -> usize {
    #[cfg(feature = "allocator-api2")]
    base.as_ptr().expose_provenance();
    base.addr().get()
}

/// The start of the chunk in which `slot` starts, with the provenance of `slot`.
#[inline]
fn chunk_start(slot: NonNull<u8>) -> *mut u8 {
    #[cfg(all(target_arch = "x86_64", target_pointer_width = "64", not(miri)))]
    {
        let start;
        // From the line below, LLVM computes the offset of the start from the slot, which takes an
        // instruction and a cycle more in every drop of a handle.
        // SAFETY: one AND of a register with a constant, as `map_addr` below does it, which keeps
        // the provenance; nothing is read, written or pushed.
        #[expect(clippy::pointers_in_nomem_asm_block, reason = "the pointer is not followed")]
        unsafe {
            asm!(
                "and {pointer}, {mask}",
                pointer = inlateout(reg) slot.as_ptr() => start,
                mask = const !(CHUNK_ALIGN as isize - 1),
                options(pure, nomem, nostack),
            );
        }
        start
    }
    #[cfg(not(all(target_arch = "x86_64", target_pointer_width = "64", not(miri))))]
    slot.as_ptr().map_addr(|address| address & !(CHUNK_ALIGN - 1))
}
