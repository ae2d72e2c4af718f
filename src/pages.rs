//! What is asked of the system for the pages that a reservation lies in.

use core::ptr::NonNull;

#[cfg(all(feature = "madvise", target_os = "linux", not(miri)))]
use crate::bit_tree::{WORD_BITS, runs};

/// The size of a page in bytes. Where pages are larger, more bytes are touched than needed, and
/// advice reaches as far as the last page does.
const PAGE: usize = 4096;

/// Whether it is worth looking for pages to give back to the system. (Models and interpreters look
/// too, and find that none are taken.) What vacant slots hold is looked at with the feature
/// `hardened`, and would be gone.
pub(crate) const CAN_RELEASE: bool =
    cfg!(any(loom, miri, all(feature = "madvise", not(feature = "hardened"), target_os = "linux")));

/// The size of a huge page in bytes.
pub(crate) const HUGE_PAGE: usize = 2 << 20;

/// What is done to the pages of a reservation when it is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pages {
    /// Whether every page is touched, so that none is missing later.
    pub(crate) prefault: bool,
    /// Whether huge pages are asked for.
    pub(crate) huge: bool,
}

impl Pages {
    /// The same for the small tables of a pool: nothing is gained by huge pages there.
    pub(crate) fn of_tables(self) -> Self {
        Self { huge: false, ..self }
    }

    /// Does it to the pages of `bytes` bytes from `base` on.
    ///
    /// # Safety
    ///
    /// 1. The bytes are those of one allocation and may be written.
    /// 2. Nothing refers to them, and what is in them is not needed.
    pub(crate) unsafe fn prepare(self, base: NonNull<u8>, bytes: usize) {
        if self.huge {
            // SAFETY: 1. clause 1.
            unsafe { advise_huge(base, bytes) };
        }
        if self.prefault {
            // The first byte of each page, and the last of all, whose page may begin behind.
            for offset in (0..bytes).step_by(PAGE).chain(bytes.checked_sub(1)) {
                // SAFETY: the offset is below `bytes`, so the byte is in the allocation (clause 1).
                let byte = unsafe { base.byte_add(offset) };
                // SAFETY: the byte may be written (clause 1), and nobody misses what was in it
                // (clause 2).
                unsafe { byte.write_volatile(0) };
            }
        }
    }
}

/// Advises the kernel to back whole pages among `bytes` bytes from `base` on by huge ones.
///
/// # Safety
///
/// 1. The bytes are those of one allocation.
#[cfg(all(feature = "huge-pages", target_os = "linux"))]
unsafe fn advise_huge(base: NonNull<u8>, bytes: usize) {
    let in_front = base.align_offset(PAGE);
    let Some(bytes) = bytes.checked_sub(in_front) else { return };
    // SAFETY: `in_front` is at most `bytes` by the line above, hence inside the allocation or at
    // its end (clause 1).
    let first = unsafe { base.byte_add(in_front) };
    // It is advice: where the kernel does not take it, the pages stay small.
    // SAFETY: advice on how pages are backed does not change what is in them, whoever's they are.
    unsafe { libc::madvise(first.as_ptr().cast(), bytes / PAGE * PAGE, libc::MADV_HUGEPAGE) };
}

/// There is nobody to advise.
///
/// # Safety
///
/// 1. The bytes are those of one allocation.
#[cfg(not(all(feature = "huge-pages", target_os = "linux")))]
unsafe fn advise_huge(_base: NonNull<u8>, _bytes: usize) {}

/// Gives whole pages among `bytes` bytes from `base` on back to the system, those of them that are
/// there; returns the number of their bytes. They are there again, cleared, when they are used.
///
/// # Safety
///
/// 1. The bytes are those of one allocation and may be written.
/// 2. Nobody uses them meanwhile, and what is in them is not needed.
#[cfg(all(feature = "madvise", target_os = "linux", not(miri)))]
pub(crate) unsafe fn release(base: NonNull<u8>, bytes: usize) -> usize {
    /// The number of pages that are asked about at once.
    const ASKED: usize = 64;
    // SAFETY: it asks for a number.
    let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(PAGE);
    let in_front = base.align_offset(page);
    let count = bytes.saturating_sub(in_front) / page;
    let mut released = 0;
    for first in (0..count).step_by(ASKED) {
        let asked = ASKED.min(count - first);
        // SAFETY: the pages end within the bytes, as `count` is of whole ones behind `in_front`
        // (clause 1).
        let start = unsafe { base.byte_add(in_front + first * page) };
        let mut there = [0_u8; ASKED];
        // SAFETY: there is a byte for each page that is asked about.
        if unsafe { libc::mincore(start.as_ptr().cast(), asked * page, there.as_mut_ptr().cast()) }
            != 0
        {
            return released;
        }
        let resident = |index: usize| usize::from(there[index] & 1);
        for (first, count) in runs(asked, |word| {
            (0..WORD_BITS.min(asked - word * WORD_BITS))
                .fold(0, |bits, bit| bits | resident(word * WORD_BITS + bit) << bit)
        }) {
            // SAFETY: as for `start`.
            let start = unsafe { start.byte_add(first * page) };
            // SAFETY: the pages are whole ones among the bytes. They read as 0 after it or, where
            // the kernel does not take the advice, as before: nobody minds (clause 2).
            let done =
                unsafe { libc::madvise(start.as_ptr().cast(), count * page, libc::MADV_DONTNEED) };
            released += if done == 0 { count * page } else { 0 };
        }
    }
    released
}

/// There is nobody to give them to.
///
/// # Safety
///
/// 1. The bytes are those of one allocation and may be written.
/// 2. Nobody uses them meanwhile, and what is in them is not needed.
#[cfg(not(all(feature = "madvise", target_os = "linux", not(miri))))]
pub(crate) unsafe fn release(_base: NonNull<u8>, _bytes: usize) -> usize {
    0
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn tables_are_touched_like_the_rest_and_have_no_huge_pages() {
        for prefault in [false, true] {
            let tables = Pages { prefault, huge: true }.of_tables();
            assert_eq!(tables, Pages { prefault, huge: false });
        }
    }
}
