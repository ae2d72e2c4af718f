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

use core::cell::Cell;
use core::ptr::NonNull;
use core::slice;
use core::sync::atomic::AtomicUsize;

use crate::bit_tree::{BitTree, WORD_BITS, words_for};
use crate::geometry::{CHUNK_ALIGN, COLOUR_STEP, Geometry, Stride, header_offset};

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
    /// The first word of the vacancy bitmap.
    words: NonNull<AtomicUsize>,
    /// The distance between slots.
    stride: Stride,
    /// The number of slots.
    slots: u32,
    /// The number of words of the vacancy bitmap, its summary included.
    word_count: u32,
    /// The number of this chunk among those of its core.
    number: Cell<u32>,
    /// The number of bits set in the vacancy bitmap.
    vacant: Cell<u32>,
    /// The number of occupied slots whose handles were leaked.
    given_up: Cell<u32>,
}

const _: () = assert!(size_of::<Header>() <= COLOUR_STEP && align_of::<Header>() <= COLOUR_STEP);

/// The header of a chunk that has been entered, with the provenance of the whole chunk.
///
/// # Invariants
///
/// 1. The pointer leads to an initialised [`Header`], which lies at [`header_offset`] in a chunk
///    that starts at a multiple of [`CHUNK_ALIGN`], and may be used to reach every byte of the
///    chunk. This lasts until the chunk's reservation is released.
/// 2. `words`, right behind the header, points to the `word_count` initialised words of a
///    [`BitTree`] for `slots` numbers, which nothing but [`Chunk::vacancy`] refers to.
/// 3. `first` points to the first of `slots` slots, `stride` apart, with the provenance of the
///    chunk; each starts less than [`CHUNK_ALIGN`] bytes from the chunk's start.
/// 4. `vacant` is the number of members of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunk(NonNull<Header>);

impl Chunk {
    /// Writes the header and the bitmap of a chunk of `slots` slots at `base`, none of them
    /// vacant: they belong to the caller.
    ///
    /// # Safety
    ///
    /// 1. `base` is a multiple of [`CHUNK_ALIGN`], and may be used to write as many bytes as
    ///    `geometry` gives a chunk of `slots` slots, at most `geometry.chunk_slots()` of them.
    /// 2. Nothing else refers to those bytes.
    /// 3. The chunk is not used after its reservation was released.
    pub(crate) unsafe fn enter(
        base: NonNull<u8>,
        slots: usize,
        geometry: &Geometry,
        owner: NonNull<()>,
        number: u32,
    ) -> Self {
        let address = base.addr().get();
        debug_assert!(address % CHUNK_ALIGN == 0 && slots <= geometry.chunk_slots());
        // SAFETY: clause 1: a chunk holds the header area and at least one slot behind the first
        // slot's offset, all inside its bytes.
        let first = unsafe { base.byte_add(geometry.first_slot(slots)) };
        // SAFETY: clause 1: the header area is inside the chunk, and the header inside its area.
        let header = unsafe { base.byte_add(header_offset(address)) }.cast::<Header>();
        // SAFETY: clause 1: the header ends inside the header area, hence inside the chunk.
        let words = unsafe { header.byte_add(COLOUR_STEP) }.cast::<AtomicUsize>();
        let word_count = words_for(slots);
        for index in 0..word_count {
            // SAFETY: the words start in the header area or at its end, and `first_slot` leaves
            // room for all of them behind its end.
            let word = unsafe { words.add(index) };
            // SAFETY: the bytes are the chunk's (clause 1) and not referred to (clause 2); headers
            // lie at multiples of `COLOUR_STEP`, and so do the words behind them.
            unsafe { word.write(AtomicUsize::new(0)) };
        }
        let value = Header {
            owner,
            first,
            words,
            stride: geometry.stride(),
            // A slot's number is below CHUNK_ALIGN, which fits by an assertion in `geometry`; so
            // does that of a word, of which there are fewer.
            slots: slots as u32,
            word_count: word_count as u32,
            number: Cell::new(number),
            vacant: Cell::new(0),
            given_up: Cell::new(0),
        };
        // SAFETY: the bytes are the chunk's (clause 1) and not referred to (clause 2); the offset
        // of a header is a multiple of `COLOUR_STEP`, hence aligned.
        unsafe { header.write(value) };
        // INVARIANT: 1. to 3. by the lines above. 4. no bit is set.
        Self(header)
    }

    /// The chunk in which `slot` starts.
    ///
    /// # Safety
    ///
    /// 1. `slot` is the start of a slot of a chunk that has been entered and whose reservation has
    ///    not been released, with the provenance of the chunk.
    /// 2. The chunk is not used after its reservation was released.
    #[inline]
    pub(crate) unsafe fn of(slot: NonNull<u8>) -> Self {
        let header =
            slot.as_ptr().map_addr(|address| address & !(CHUNK_ALIGN - 1) | header_offset(address));
        // SAFETY: a chunk is part of an allocation, so no address in it is 0 (clause 1).
        // INVARIANT: 1. to 4. hold since the chunk was entered (clause 1).
        Self(unsafe { NonNull::new_unchecked(header.cast()) })
    }

    #[inline]
    fn header(&self) -> &Header {
        // SAFETY: valid: invariant 1. Unaliased: all that changes in a header is in cells, and no
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
        self.header().number.get() as usize
    }

    /// Changes the number of this chunk.
    pub(crate) fn set_number(&self, number: u32) {
        self.header().number.set(number);
    }

    /// The number of slots in the vacancy bitmap.
    #[inline]
    pub(crate) fn vacant(&self) -> usize {
        self.header().vacant.get() as usize
    }

    /// The number of occupied slots whose handles were leaked.
    pub(crate) fn given_up(&self) -> usize {
        self.header().given_up.get() as usize
    }

    /// Counts one more occupied slot whose handle is leaked.
    pub(crate) fn give_up_one(&self) {
        let given_up = &self.header().given_up;
        given_up.set(given_up.get() + 1);
    }

    /// The vacancy bitmap, to read. It is changed by [`Chunk::insert_below`] and
    /// [`Chunk::remove`], which count.
    #[inline]
    pub(crate) fn vacancy(&self) -> BitTree<'_> {
        let header = self.header();
        let count = header.word_count as usize;
        // SAFETY: valid: invariant 2. Unaliased: words change atomically and only by way of such
        // slices. The chunk outlives the borrow by invariant 1 and the safety clauses of the
        // constructors.
        let words = unsafe { slice::from_raw_parts(header.words.as_ptr(), count) };
        BitTree::new(words, header.slots as usize)
    }

    /// Puts the slots that `mask` names in word `index`, `count` of them, into the vacancy bitmap.
    /// Returns whether the bitmap's summary is to be told, by [`BitTree::announce`].
    #[inline]
    #[must_use]
    pub(crate) fn insert_below(&self, index: usize, mask: usize, count: usize) -> bool {
        debug_assert_eq!(mask.count_ones() as usize, count);
        let first_of_word = self.vacancy().insert_below(index, mask);
        let vacant = &self.header().vacant;
        // INVARIANT: 4. the mask names slots that were not in the tree.
        vacant.set(vacant.get() + count as u32);
        first_of_word
    }

    /// Takes the slots that `mask` names in word `index` out of the vacancy bitmap; returns how
    /// many.
    #[inline]
    pub(crate) fn remove(&self, index: usize, mask: usize) -> usize {
        self.vacancy().remove(index, mask);
        let count = mask.count_ones();
        let vacant = &self.header().vacant;
        // INVARIANT: 4. the mask names slots that were in the tree.
        vacant.set(vacant.get() - count);
        count as usize
    }

    /// The start of slot `index`.
    #[inline]
    pub(crate) fn slot(&self, index: usize) -> NonNull<u8> {
        assert!(index < self.slots());
        // SAFETY: by the line above the slot is one of the chunk's (invariant 3).
        unsafe { self.first().byte_add(index * self.header().stride.bytes()) }
    }

    /// The number of the slot that starts at `slot`, which is one of this chunk.
    #[inline]
    pub(crate) fn index_of(&self, slot: NonNull<u8>) -> usize {
        self.header().stride.index_of(slot.addr().get() - self.first().addr().get())
    }

    /// A number for word `index` of the vacancy bitmap that no other word of any chunk has.
    #[inline]
    pub(crate) fn word_key(&self, index: usize) -> usize {
        debug_assert!(index < self.header().word_count as usize);
        // Unique by an assertion in `geometry`: headers are further apart than a chunk has words.
        self.0.addr().get() + index
    }

    /// The word to which [`Chunk::word_key`] of this chunk gave `key`.
    #[inline]
    pub(crate) fn word_of_key(&self, key: usize) -> usize {
        key - self.0.addr().get()
    }

    /// The word and the bit in it that stand for `slot`, which is one of this chunk.
    #[inline]
    pub(crate) fn bit_of(&self, slot: NonNull<u8>) -> (usize, usize) {
        let index = self.index_of(slot);
        (index / WORD_BITS, 1 << (index % WORD_BITS))
    }
}
