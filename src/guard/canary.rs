//! What stands in vacant slots, and behind occupied ones.
//!
//! Behind each slot is a word, its canary. It says whether what occupies the slot is a value with a
//! handle, one whose handle was taken apart, or a block. A vacant slot holds [`PATTERN`] in every
//! byte in front of its canary, which says that it is vacant where [`MARKS_VACANT`], and is that of
//! a value with a handle elsewhere. What stands there is looked at before it changes: who has
//! written past the end of a value, or to a slot that was given back, has changed it.

use core::fmt;
use core::ptr::NonNull;
use core::slice;

use crate::error::InvalidFree;
use crate::geometry::CANARY;
use crate::guard::MARKS;
use crate::guard::pattern::{FEW, PATTERN, differs};

/// Whether slots are marked as they become vacant, so that the second of two handles of one value
/// is found when it ends. It takes two stores more for each value that comes and goes, a third of
/// all that hardening costs small ones. Without it such a slot is found when it is to be handed out
/// for the second time, by the value that lies in it.
const MARKS_VACANT: bool = cfg!(debug_assertions);

/// What tells a block from handles of each kind that were taken apart.
const BLOCK: usize = MARKS;

/// What a slot is, as its canary says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State(usize);

impl State {
    /// It is a handle's, or nobody's who has to give it back; or it is vacant.
    const HELD: Self = Self(0x5A3C_9627);

    /// It is vacant, and marked so.
    const VACANT: Self = if MARKS_VACANT { Self(0x4B7D_6C35) } else { Self::HELD };

    /// It is a block, for [`BLOCK`], or its handle, of a kind that is told by `mark`, was taken
    /// apart.
    const fn apart(mark: usize) -> Self {
        Self(0x2E61_7845 + (mark << 8))
    }

    /// The canary that says so of a slot. It depends on the address, so that a value that is copied
    /// over another, canary and all, is noticed. In few bits, so that it takes one instruction; in
    /// memory the first byte is not 0, which text ends with, where slots are aligned to anything.
    #[inline]
    fn behind(self, slot: NonNull<u8>) -> usize {
        slot.addr().get().wrapping_add(self.0).to_le()
    }
}

const _: () = assert!(CANARY == size_of::<usize>());

/// The canary of a slot for values of `bytes` bytes.
///
/// # Safety
///
/// 1. `slot` is one of a chunk that was entered, with its provenance, for values of `bytes` bytes.
#[inline]
unsafe fn canary(slot: NonNull<u8>, bytes: usize) -> NonNull<usize> {
    // SAFETY: behind the value is room for it in every slot (`Geometry` invariant 1, clause 1).
    unsafe { slot.byte_add(bytes) }.cast()
}

/// What stands there.
///
/// # Safety
///
/// 1. As for [`canary`].
#[inline]
unsafe fn read(slot: NonNull<u8>, bytes: usize) -> usize {
    // SAFETY: 1. clause 1.
    let canary = unsafe { canary(slot, bytes) };
    // SAFETY: it was written when the chunk was entered (clause 1).
    unsafe { canary.read_unaligned() }
}

/// Notes what a slot is.
///
/// # Safety
///
/// 1. As for [`canary`].
/// 2. The slot is the caller's.
#[inline]
unsafe fn write(slot: NonNull<u8>, bytes: usize, state: State) {
    // SAFETY: 1. clause 1.
    let canary = unsafe { canary(slot, bytes) };
    // SAFETY: there is room for it, which nobody else uses (clauses 1 and 2).
    unsafe { canary.write_unaligned(state.behind(slot)) };
}

/// Fills memory of vacant slots with the pattern.
///
/// # Safety
///
/// 1. `bytes` bytes from `start` on are the caller's, who may write them.
#[inline(always)]
pub(super) unsafe fn fill(start: NonNull<u8>, bytes: usize) {
    // SAFETY: clause 1.
    unsafe { start.write_bytes(PATTERN, bytes) };
}

/// Notes that a slot is vacant, whatever it was.
///
/// # Safety
///
/// 1. and 2. As for [`write`].
#[inline]
pub(super) unsafe fn mark_vacant(slot: NonNull<u8>, bytes: usize) {
    // SAFETY: 1. clause 1. 2. clause 2.
    unsafe { write(slot, bytes, State::VACANT) };
}

/// Prepares a slot that becomes vacant, and was a block or had a handle, for a number of bytes that
/// the compiler may know.
///
/// # Safety
///
/// 1. and 2. As for [`write`].
#[inline(always)]
pub(super) unsafe fn take_back(slot: NonNull<u8>, bytes: usize, was_block: bool) {
    // SAFETY: 1. the slot is as long (clause 1), and the caller's (clause 2).
    unsafe { fill(slot, bytes) };
    if MARKS_VACANT || was_block {
        // SAFETY: 1. clause 1. 2. clause 2.
        unsafe { mark_vacant(slot, bytes) };
    }
}

/// Checks that nobody wrote to a vacant slot, which is a block or a handle's from then on, for a
/// number of bytes that the compiler may know.
///
/// # Safety
///
/// 1. and 2. As for [`write`].
/// 3. It was prepared by [`fill`] and [`mark_vacant`], or by [`take_back`], as it became vacant.
#[inline(always)]
pub(super) unsafe fn hand_out(slot: NonNull<u8>, bytes: usize, is_block: bool) {
    // SAFETY: 1. to 3. clauses 1 to 3.
    let content = unsafe { content(slot, bytes) };
    let wrong = if bytes <= FEW { differs(content) } else { many_differ(content) };
    if wrong {
        // SAFETY: 1. to 3. clauses 1 to 3.
        unsafe { stop_at_vacant(slot, bytes) };
    }
    if MARKS_VACANT || is_block {
        // SAFETY: 1. clause 1.
        if unsafe { read(slot, bytes) } != State::VACANT.behind(slot) {
            // SAFETY: 1. to 3. clauses 1 to 3.
            unsafe { stop_at_vacant(slot, bytes) };
        }
        let state = if is_block { State::apart(BLOCK) } else { State::HELD };
        // SAFETY: 1. clause 1. 2. clause 2.
        unsafe { write(slot, bytes, state) };
    }
}

/// Notes that a slot is a handle's, or nobody's who has to give it back.
///
/// # Safety
///
/// 1. and 2. As for [`write`].
#[inline]
pub(super) unsafe fn hold(slot: NonNull<u8>, bytes: usize) {
    // SAFETY: 1. clause 1. 2. clause 2.
    unsafe { write(slot, bytes, State::HELD) };
}

/// As [`differs`], out of the way: an allocation stays short enough to be inlined.
#[inline(never)]
fn many_differ(content: &[u8]) -> bool {
    differs(content)
}

/// What is in a vacant slot.
///
/// # Safety
///
/// 1. and 2. As for [`write`]; the slot is the caller's for as long as the result lives.
/// 3. As for [`hand_out`].
#[inline(always)]
unsafe fn content<'a>(slot: NonNull<u8>, bytes: usize) -> &'a [u8] {
    // SAFETY: valid: the slot is as long (clause 1), and all of it was filled (clause 3).
    // Unaliased: it is the caller's (clause 2).
    unsafe { slice::from_raw_parts(slot.as_ptr(), bytes) }
}

/// Checks that a slot is occupied, and that nobody wrote past its end.
///
/// # Safety
///
/// 1. As for [`canary`].
#[inline]
pub(super) unsafe fn check_occupied(slot: NonNull<u8>, bytes: usize) {
    // SAFETY: 1. clause 1.
    if unsafe { read(slot, bytes) } != State::HELD.behind(slot) {
        // SAFETY: 1. clause 1.
        unsafe { stop_at_occupied(slot, bytes) };
    }
}

/// Checks that a slot is a block that was handed out, and that nobody wrote past its end.
///
/// # Errors
///
/// [`InvalidFree::Vacant`] where it is vacant, or was never handed out as a block.
///
/// # Safety
///
/// 1. As for [`canary`].
pub(super) unsafe fn check_block(slot: NonNull<u8>, bytes: usize) -> Result<(), InvalidFree> {
    // SAFETY: 1. clause 1.
    let found = unsafe { read(slot, bytes) };
    if found == State::apart(BLOCK).behind(slot) {
        Ok(())
    } else if [State::HELD, State::VACANT].iter().any(|state| found == state.behind(slot)) {
        Err(InvalidFree::Vacant)
    } else {
        // SAFETY: 1. clause 1.
        unsafe { stop_at_occupied(slot, bytes) }
    }
}

/// Notes that an occupied slot is a block, or that its handle is taken apart.
///
/// # Safety
///
/// 1. and 2. As for [`write`].
#[inline]
pub(super) unsafe fn take_apart(slot: NonNull<u8>, bytes: usize, mark: usize) {
    // SAFETY: 1. clause 1.
    unsafe { check_occupied(slot, bytes) };
    // SAFETY: 1. clause 1. 2. clause 2.
    unsafe { write(slot, bytes, State::apart(mark)) };
}

/// Notes that the handle of an occupied slot is put together again.
///
/// # Errors
///
/// What the slot is instead, where no handle of the kind has been taken apart.
///
/// # Safety
///
/// 1. As for [`canary`].
/// 2. If such a handle has been taken apart, the slot is the caller's.
pub(super) unsafe fn put_together(
    slot: NonNull<u8>,
    bytes: usize,
    mark: usize,
) -> Result<(), &'static str> {
    // SAFETY: 1. clause 1.
    let found = unsafe { read(slot, bytes) };
    if found == State::apart(mark).behind(slot) {
        // SAFETY: 1. clause 1. 2. clause 2.
        unsafe { hold(slot, bytes) };
        Ok(())
    } else if found == State::HELD.behind(slot) {
        Err("its value has a handle already, or is no handle's any more")
    } else if found == State::VACANT.behind(slot) {
        Err("its slot is vacant")
    } else if (0..=BLOCK).any(|mark| found == State::apart(mark).behind(slot)) {
        Err("it was a handle of another kind of pool, or is a block")
    } else {
        // SAFETY: 1. clause 1.
        unsafe { stop_at_occupied(slot, bytes) }
    }
}

/// Ends the program: a vacant slot is not as it was left.
///
/// # Safety
///
/// 1. to 3. As for [`hand_out`].
#[cold]
#[inline(never)]
unsafe fn stop_at_vacant(slot: NonNull<u8>, bytes: usize) -> ! {
    // SAFETY: 1. to 3. clauses 1 to 3.
    let content = unsafe { content(slot, bytes) };
    match content.iter().position(|&byte| byte != PATTERN) {
        Some(offset) => stop(&format_args!(
            "the slot of {bytes} bytes at {slot:p} was written to while it was vacant: byte \
             {offset} is {:#04x}{}",
            content[offset],
            if MARKS_VACANT { "" } else { ", unless the slot was given back twice" }
        )),
        None => stop(&format_args!(
            "memory was written to behind the vacant slot of {bytes} bytes at {slot:p}"
        )),
    }
}

/// Ends the program: a slot is not occupied, as it should be.
///
/// # Safety
///
/// 1. As for [`canary`].
#[cold]
#[inline(never)]
unsafe fn stop_at_occupied(slot: NonNull<u8>, bytes: usize) -> ! {
    // SAFETY: 1. clause 1.
    let found = unsafe { read(slot, bytes) };
    if MARKS_VACANT && found == State::VACANT.behind(slot) {
        stop(&format_args!("the slot of {bytes} bytes at {slot:p} is given back twice"))
    }
    if found == State::apart(BLOCK).behind(slot) {
        stop(&format_args!(
            "the slot of {bytes} bytes at {slot:p} is given back twice: it is a block by now"
        ))
    }
    if (0..MARKS).any(|mark| found == State::apart(mark).behind(slot)) {
        stop(&format_args!(
            "the slot of {bytes} bytes at {slot:p} is given back, whose handle was taken apart"
        ))
    }
    stop(&format_args!(
        "memory was written to behind the slot of {bytes} bytes at {slot:p}, past the end of its \
         value"
    ))
}

/// Ends the program: what was to be a slot is part of a tract, in which no chunk is there any more.
#[cold]
pub(super) fn stop_at_nothing(slot: NonNull<u8>) -> ! {
    stop(&format_args!("the slot at {slot:p} is used after its chunk was given back"))
}

/// Ends the program with a message. Nothing is unwound: what would run then trusts the memory.
#[cold]
fn stop(what: &fmt::Arguments<'_>) -> ! {
    /// A panic that leaves such a function aborts.
    extern "C" fn abort(what: &fmt::Arguments<'_>) -> ! {
        panic!("memory of a pool is damaged: {what}")
    }
    abort(what)
}
