//! The chunks of all pools, found by address: a pointer to anything can be asked about.
//!
//! Chunks and tracts start at different multiples of [`CHUNK_ALIGN`], so a table of as many places
//! as the address space has of those finds them. It has two levels, of which the lower is made
//! where it is needed, and then stays. (The table by pages of TCMalloc is such a one.)

use alloc::alloc::{alloc_zeroed, dealloc};
use core::alloc::Layout;
use core::ptr::{self, NonNull};
use core::sync::atomic::{
    AtomicPtr,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};

use crate::chunk::{Chunk, Kind};
use crate::error::InvalidFree;
use crate::geometry::CHUNK_ALIGN;

/// The number of bits of an address that tell where it is. What is above them on 64-bit machines is
/// a tag, or the same for all that is near each other; of what differs in nothing else, one is
/// found.
const ADDRESS_BITS: u32 = if usize::BITS == 64 { 48 } else { usize::BITS };

/// Those of the number of a place.
const BITS: u32 = ADDRESS_BITS - CHUNK_ALIGN.trailing_zeros();

/// The number of places in a leaf, and that of leaves.
const LEAF: usize = 1 << (BITS / 2);
const LEAVES: usize = 1 << (BITS - BITS / 2);

/// For each of some neighbouring places, the header of the chunk there, or null.
type Leaf = [AtomicPtr<()>; LEAF];

/// # Invariants
///
/// 1. What is not null points to a leaf, for ever.
/// 2. What is not null in a leaf is the header of a chunk, as [`Chunk::as_ptr`] gives it, that was
///    entered and whose memory is there.
static TREE: [AtomicPtr<Leaf>; LEAVES] = [const { AtomicPtr::new(ptr::null_mut()) }; LEAVES];

/// The leaf for the place `number`, where there is one.
fn leaf(number: usize) -> Option<&'static Leaf> {
    // Acquire, with the Release of `add_leaf`: its places have been cleared.
    let leaf = TREE[number / LEAF].load(Acquire);
    // SAFETY: valid: invariant 1. Unaliased: what is in a leaf changes atomically.
    unsafe { leaf.as_ref() }
}

/// Adds the leaf for the place `number`; returns whether there is one then.
fn add_leaf(number: usize) -> bool {
    let layout = Layout::new::<Leaf>();
    // SAFETY: a leaf is not of size 0.
    let leaf = unsafe { alloc_zeroed(layout) }.cast::<Leaf>();
    if leaf.is_null() {
        return false;
    }
    // INVARIANT: 1. here; null is what cleared memory holds.
    let added = TREE[number / LEAF].compare_exchange(ptr::null_mut(), leaf, AcqRel, Relaxed);
    if added.is_err() {
        // Another thread was faster.
        // SAFETY: it was just allocated with this layout, and nobody has it.
        unsafe { dealloc(leaf.cast(), layout) };
    }
    true
}

/// The number of the place of the chunk that starts around `address`.
fn number_of(address: usize) -> usize {
    address / CHUNK_ALIGN % (LEAF * LEAVES)
}

/// The place of the chunk that starts around `address`, where there is a leaf for it.
fn place(address: usize) -> Option<&'static AtomicPtr<()>> {
    let number = number_of(address);
    Some(&leaf(number)?[number % LEAF])
}

/// The multiples of [`CHUNK_ALIGN`] among `bytes` addresses from `base` on.
fn starts(base: usize, bytes: usize) -> impl Iterator<Item = usize> {
    (base.next_multiple_of(CHUNK_ALIGN)..base + bytes).step_by(CHUNK_ALIGN)
}

/// Makes room for the chunks among `bytes` addresses from `base` on; returns whether there is.
pub(super) fn make_room(base: usize, bytes: usize) -> bool {
    starts(base, bytes).all(|start| place(start).is_some() || add_leaf(number_of(start)))
}

/// Notes a chunk, but for a small one, for which there is room.
pub(super) fn insert(chunk: Chunk) {
    // Of a small chunk that is the tract.
    // SAFETY: 1. it is a slot of the chunk. 2. It is compared.
    if unsafe { Chunk::of(chunk.first()) } != chunk {
        return;
    }
    let place = place(chunk.first().addr().get()).expect("room was made for the chunk");
    // INVARIANT: 2. here. Release, with the Acquire of `chunk_at`: the header has been written.
    place.store(chunk.as_ptr().as_ptr(), Release);
}

/// Forgets the chunks among `bytes` addresses from `base` on.
pub(super) fn remove(base: usize, bytes: usize) {
    for place in starts(base, bytes).filter_map(place) {
        // INVARIANT: 2. here.
        place.store(ptr::null_mut(), Relaxed);
    }
}

/// The chunk, be it a small one, that may have a slot at `address`.
///
/// Nothing is read at the address. Where another thread is just giving the chunk back, the result
/// is not to be used: no slot in it belongs to anybody then.
///
/// # Errors
///
/// [`InvalidFree::Foreign`] or [`InvalidFree::Interior`], where there is none.
pub(super) fn chunk_at(address: usize) -> Result<Chunk, InvalidFree> {
    // Acquire, with the Release of `insert`.
    let header = place(address).map_or(ptr::null_mut(), |place| place.load(Acquire));
    let header = NonNull::new(header)
        .filter(|header| header.addr().get() / CHUNK_ALIGN == address / CHUNK_ALIGN)
        .ok_or(InvalidFree::Foreign)?;
    // SAFETY: 1. invariant 2. 2. While its memory is there, by the words above.
    let chunk = unsafe { Chunk::from_ptr(header) };
    match chunk.kind() {
        Kind::Tract => chunk.small_at(address).ok_or(InvalidFree::Interior),
        Kind::Slots | Kind::Lone => Ok(chunk),
    }
}
