//! What is done to the memory of a slot as it changes hands.
//!
//! By itself, nothing. With the feature `hardened`, what is written to it out of turn is found, and
//! so is a pointer to no slot; with `--cfg typed_pool_sanitize`, AddressSanitizer is told which
//! slots are vacant.

#[cfg(any(feature = "hardened", typed_pool_sanitize))]
use core::cell::UnsafeCell;
use core::ptr::NonNull;

use crate::chunk::{Chunk, Kind};
use crate::error::InvalidFree;

#[cfg(feature = "hardened")]
mod pattern;
#[cfg(feature = "hardened")]
mod canary;
#[cfg(typed_pool_sanitize)]
mod poison;
#[cfg(feature = "hardened")]
mod registry;

/// The number of kinds of handles.
pub(crate) const MARKS: usize = 4;

/// What is known beforehand of the size that the slots of a pool were made for, and whether they
/// are blocks. What is done to a number of bytes that the compiler knows takes no loop. Nothing at
/// all where nothing is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    #[cfg(any(feature = "hardened", typed_pool_sanitize))]
    known: Known,
}

/// What is known of a size in bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Known {
    Nothing,
    /// Nothing but that it is a block's.
    Block,
    Likely(usize),
    Certain(usize),
}

impl Size {
    /// Nothing is known.
    pub(crate) const UNKNOWN: Self = Self::new(Known::Nothing);

    /// Nothing is known but that the slot is a block, or is to be one, and not a handle's.
    pub(crate) const BLOCK: Self = Self::new(Known::Block);

    const fn new(known: Known) -> Self {
        let _ = known;
        Self {
            #[cfg(any(feature = "hardened", typed_pool_sanitize))]
            known,
        }
    }

    /// It is `bytes` most often: the size of the value.
    #[inline]
    pub(crate) const fn likely(bytes: usize) -> Self {
        Self::new(Known::Likely(bytes))
    }

    /// It is that of the value at `place` most often.
    ///
    /// # Safety
    ///
    /// 1. A valid `T` lies there, to which nobody has an exclusive reference.
    #[inline]
    pub(crate) unsafe fn likely_of<T: ?Sized>(place: NonNull<T>) -> Self {
        #[cfg(any(feature = "hardened", typed_pool_sanitize))]
        {
            // A value may refer to itself, exclusively. Not so what is in a cell, of which a
            // reference says nothing but where it is.
            let place = place.as_ptr() as *const UnsafeCell<T>;
            // SAFETY: valid: clause 1; a cell is laid out as what is in it. Unaliased: there is no
            // exclusive reference to the value (clause 1), and those in it are left alone.
            Self::likely(size_of_val(unsafe { &*place }))
        }
        #[cfg(not(any(feature = "hardened", typed_pool_sanitize)))]
        {
            let _ = place;
            Self::UNKNOWN
        }
    }

    /// It is `bytes`.
    ///
    /// # Safety
    ///
    /// 1. It is said of slots alone that were made for so many bytes.
    #[inline]
    pub(crate) const unsafe fn certain(bytes: usize) -> Self {
        Self::new(Known::Certain(bytes))
    }

    /// Whether it is that of a block.
    #[cfg(feature = "hardened")]
    #[inline]
    fn is_block(self) -> bool {
        self.known == Known::Block
    }

    /// What is known, or `None` where nothing is done.
    #[inline]
    fn known(self) -> Option<Known> {
        #[cfg(any(feature = "hardened", typed_pool_sanitize))]
        return Some(self.known);
        #[cfg(not(any(feature = "hardened", typed_pool_sanitize)))]
        None
    }
}

/// Makes it possible to note the chunks that are entered among `bytes` bytes from `base` on;
/// returns whether it is.
pub(crate) fn make_room(base: NonNull<u8>, bytes: usize) -> bool {
    #[cfg(feature = "hardened")]
    return registry::make_room(base.addr().get(), bytes);
    #[cfg(not(feature = "hardened"))]
    {
        let _ = (base, bytes);
        true
    }
}

/// Notes a chunk that has been entered, for whose memory [`make_room`] made room unless it is a
/// small one, and prepares its slots.
///
/// # Safety
///
/// 1. The slots are the caller's.
pub(crate) unsafe fn enter(chunk: Chunk) {
    #[cfg(feature = "hardened")]
    registry::insert(chunk);
    // A tract has none.
    let has_slots = chunk.kind() != Kind::Tract;
    #[cfg(feature = "hardened")]
    if has_slots {
        // SAFETY: 1. they are those of the slots (clause 1).
        unsafe { canary::fill(chunk.first(), chunk.slots() * chunk.slot_bytes()) };
        let bytes = chunk.object_bytes();
        for slot in chunk.run(0, chunk.slots()) {
            // SAFETY: 1. it is one. 2. clause 1.
            unsafe { canary::mark_vacant(slot, bytes) };
        }
    }
    #[cfg(typed_pool_sanitize)]
    for slot in chunk.run(0, if has_slots { chunk.slots() } else { 0 }) {
        // SAFETY: 1. they are those of a slot (clause 1). Its canary stays to be read.
        unsafe { poison::put(slot, chunk.object_bytes()) };
    }
    let _ = has_slots;
}

/// Forgets the chunks among `bytes` bytes from `base` on, whose memory goes.
///
/// # Safety
///
/// 1. The bytes are of one allocation; they are the caller's, and nothing refers to them.
pub(crate) unsafe fn leave(base: NonNull<u8>, bytes: usize) {
    forget(base, bytes);
    // SAFETY: 1. clause 1.
    unsafe { take_up(base, bytes) };
}

/// Forgets the chunks among `bytes` bytes from `base` on, whose memory stays, with what is in it,
/// and belongs to no pool any more.
pub(crate) fn forget(base: NonNull<u8>, bytes: usize) {
    #[cfg(feature = "hardened")]
    registry::remove(base.addr().get(), bytes);
    let _ = (base, bytes);
}

/// Has `bytes` bytes from `base` on lie idle until [`take_up`].
///
/// # Safety
///
/// 1. The bytes are of one allocation; they are the caller's, and nothing refers to them.
pub(crate) unsafe fn lay_by(base: NonNull<u8>, bytes: usize) {
    #[cfg(typed_pool_sanitize)]
    // SAFETY: 1. clause 1.
    unsafe {
        poison::put(base, bytes);
    }
    let _ = (base, bytes);
}

/// Lets `bytes` bytes from `base` on be used again.
///
/// # Safety
///
/// 1. As for [`lay_by`].
pub(crate) unsafe fn take_up(base: NonNull<u8>, bytes: usize) {
    #[cfg(typed_pool_sanitize)]
    // SAFETY: 1. clause 1.
    unsafe {
        poison::lift(base, bytes);
    }
    let _ = (base, bytes);
}

/// Runs a function with the number of bytes that a slot is made for, if it is of any use.
///
/// # Safety
///
/// 1. `slot` is one of a chunk that was entered, with its provenance. Where the size is certain, it
///    is that of the slot.
#[inline(always)]
unsafe fn with_bytes(slot: NonNull<u8>, size: Size, run: impl Fn(usize) + Copy) {
    let likely = match size.known() {
        None => return,
        Some(Known::Certain(bytes)) => return run(bytes),
        Some(Known::Likely(bytes)) => Some(bytes),
        Some(Known::Nothing | Known::Block) => None,
    };
    // SAFETY: 1. clause 1. 2. It is used here alone.
    let found = || unsafe { Chunk::of(slot) }.object_bytes();
    match likely {
        // A tract says that it has slots of a size that no value has.
        Some(bytes) if bytes == found() => run(bytes),
        // SAFETY: 1. clause 1.
        _ => unsafe { with_other_bytes(slot, run) },
    }
}

/// As [`with_bytes`], out of the way. Numbers that are frequent have code of their own.
///
/// # Safety
///
/// 1. `slot` is one of a chunk that was entered, with its provenance.
#[inline(never)]
unsafe fn with_other_bytes(slot: NonNull<u8>, run: impl Fn(usize)) {
    // Where the slot's chunk has gone, its tract may still be there.
    #[cfg(feature = "hardened")]
    {
        // SAFETY: 1. clause 1. 2. It is used here alone.
        let chunk = unsafe { Chunk::of(slot) };
        if chunk.kind() == Kind::Tract && chunk.small_at(slot.addr().get()).is_none() {
            canary::stop_at_nothing(slot);
        }
    }
    // SAFETY: 1. clause 1. 2. It is used here alone.
    match unsafe { Chunk::holding(slot) }.object_bytes() {
        8 => run(8),
        16 => run(16),
        24 => run(24),
        32 => run(32),
        48 => run(48),
        64 => run(64),
        bytes => run(bytes),
    }
}

/// Prepares a slot that becomes vacant.
///
/// # Safety
///
/// 1. `slot` is one of a chunk that was entered, with its provenance.
/// 2. It is the caller's, who gives it up.
#[inline]
pub(crate) unsafe fn take_back(slot: NonNull<u8>, size: Size) {
    let run = |bytes| {
        #[cfg(feature = "hardened")]
        // SAFETY: 1. by `with_bytes`. 2. clause 2.
        unsafe {
            canary::take_back(slot, bytes, size.is_block());
        }
        #[cfg(typed_pool_sanitize)]
        // SAFETY: 1. by `with_bytes`, and clause 2.
        unsafe {
            poison::put(slot, bytes);
        }
        let _ = bytes;
    };
    // SAFETY: 1. clause 1.
    unsafe { with_bytes(slot, size, run) };
}

/// Looks at a vacant slot that a core has just handed out.
///
/// # Safety
///
/// 1. As for [`with_bytes`].
/// 2. It is the caller's.
#[inline]
pub(crate) unsafe fn hand_out(slot: NonNull<u8>, size: Size) {
    let run = |bytes| {
        #[cfg(typed_pool_sanitize)]
        // SAFETY: 1. by `with_bytes`, and clause 2.
        unsafe {
            poison::lift(slot, bytes);
        }
        #[cfg(feature = "hardened")]
        // SAFETY: 1. by `with_bytes`. 2. clause 2. 3. So a slot becomes vacant.
        unsafe {
            canary::hand_out(slot, bytes, size.is_block());
        }
        let _ = bytes;
    };
    // SAFETY: 1. clause 1.
    unsafe { with_bytes(slot, size, run) };
}

/// Checks an occupied slot that is to be given back: it is not vacant, and nobody wrote past the
/// end of its value.
///
/// # Safety
///
/// 1. `slot` is one of a chunk that was entered, with its provenance.
#[inline]
pub(crate) unsafe fn check_occupied(slot: NonNull<u8>, size: Size) {
    let run = |bytes| {
        #[cfg(feature = "hardened")]
        // SAFETY: 1. by `with_bytes`.
        unsafe {
            canary::check_occupied(slot, bytes);
        }
        let _ = bytes;
    };
    // SAFETY: 1. clause 1.
    unsafe { with_bytes(slot, size, run) };
}

/// Checks that `block` may be given back to the core at `owner`, whose slots are aligned to `align`
/// bytes: that it is a block that the core handed out. Without the feature `hardened`, nothing.
///
/// # Errors
///
/// An [`InvalidFree`] where it may not.
#[inline]
pub(crate) fn check_block(
    block: NonNull<u8>,
    owner: NonNull<()>,
    align: usize,
) -> Result<(), InvalidFree> {
    #[cfg(feature = "hardened")]
    {
        let address = block.addr().get();
        let chunk = registry::chunk_at(address)?;
        if chunk.owner() != owner {
            return Err(InvalidFree::Foreign);
        }
        if address % align != 0 {
            return Err(InvalidFree::Misaligned);
        }
        let slot = chunk.slot_at(address)?;
        // SAFETY: 1. by the line above.
        unsafe { canary::check_block(slot, chunk.object_bytes()) }?;
    }
    let _ = (block, owner, align);
    Ok(())
}

/// Notes that the handle of an occupied slot is taken apart, into its address. `mark` says what
/// kind of handle it is.
///
/// # Safety
///
/// 1. `slot` is one of a chunk that was entered, with its provenance.
/// 2. It is the caller's.
#[inline]
pub(crate) unsafe fn take_apart(slot: NonNull<u8>, mark: usize) {
    debug_assert!(mark < MARKS);
    let run = |bytes| {
        #[cfg(feature = "hardened")]
        // SAFETY: 1. by `with_bytes`. 2. clause 2.
        unsafe {
            canary::take_apart(slot, bytes, mark);
        }
        let _ = bytes;
    };
    // SAFETY: 1. clause 1.
    unsafe { with_bytes(slot, Size::UNKNOWN, run) };
}

/// Notes that the handle of an occupied slot is put together again, from its address alone.
///
/// # Panics
///
/// With the feature `hardened`, where no handle of that kind was taken apart into that address, or
/// one has been put together from it since.
///
/// # Safety
///
/// 1. If such a handle was taken apart and not put together since, the slot is the caller's.
#[inline]
#[track_caller]
pub(crate) unsafe fn put_together(address: NonNull<u8>, mark: usize) {
    #[cfg(feature = "hardened")]
    {
        let place = address.addr().get();
        let found = registry::chunk_at(place).and_then(|chunk| Ok((chunk.slot_at(place)?, chunk)));
        let done = match found {
            // SAFETY: 1. by `slot_at`. 2. clause 1.
            Ok((slot, chunk)) => unsafe { canary::put_together(slot, chunk.object_bytes(), mark) },
            Err(InvalidFree::Foreign) => Err("no pool has a slot there"),
            Err(_) => Err("no slot starts there"),
        };
        if let Err(why) = done {
            panic!("{address:p} did not come from `into_raw`, or has been used since: {why}");
        }
    }
    let _ = (address, mark);
}

/// Notes that a slot is as one with a handle again, though it was taken apart.
///
/// # Safety
///
/// 1. `slot` is one of a chunk that was entered, with its provenance.
/// 2. It is the caller's.
#[inline]
pub(crate) unsafe fn keep(slot: NonNull<u8>) {
    let run = |bytes| {
        #[cfg(feature = "hardened")]
        // SAFETY: 1. by `with_bytes`. 2. clause 2.
        unsafe {
            canary::hold(slot, bytes);
        }
        let _ = bytes;
    };
    // SAFETY: 1. clause 1.
    unsafe { with_bytes(slot, Size::UNKNOWN, run) };
}
