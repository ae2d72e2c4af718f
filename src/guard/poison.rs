//! Memory that AddressSanitizer reports the use of.

use core::ffi::c_void;
use core::ptr::NonNull;

// SAFETY: as the runtime of the sanitizer declares them, which a program with this `cfg` is linked
// with. They read and write nothing but what that has noted of the memory.
unsafe extern "C" {
    fn __asan_poison_memory_region(start: *const c_void, bytes: usize);
    fn __asan_unpoison_memory_region(start: *const c_void, bytes: usize);
}

/// How many bytes share one note: only whole ones can be poisoned.
const GRAIN: usize = 8;

/// The whole grains among `bytes` bytes from `start` on.
fn grains(start: NonNull<u8>, bytes: usize) -> (*const c_void, usize) {
    let in_front = start.addr().get().next_multiple_of(GRAIN) - start.addr().get();
    let whole = bytes.saturating_sub(in_front) / GRAIN * GRAIN;
    (start.as_ptr().wrapping_byte_add(in_front.min(bytes)).cast(), whole)
}

/// Has every use of `bytes` bytes from `start` on reported, but for those that share a grain with
/// others.
///
/// # Safety
///
/// 1. They are of one allocation and the caller's.
pub(super) unsafe fn put(start: NonNull<u8>, bytes: usize) {
    let (start, bytes) = grains(start, bytes);
    // SAFETY: it is memory (clause 1).
    unsafe { __asan_poison_memory_region(start, bytes) };
}

/// Lets `bytes` bytes from `start` on be used again.
///
/// # Safety
///
/// 1. As for [`put`].
pub(super) unsafe fn lift(start: NonNull<u8>, bytes: usize) {
    let (start, bytes) = grains(start, bytes);
    // SAFETY: it is memory (clause 1).
    unsafe { __asan_unpoison_memory_region(start, bytes) };
}
