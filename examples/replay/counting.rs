//! The program's global allocator: the system's, with a count of what a pool asks of it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// What was asked for on one thread while counting was on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// Calls that asked for memory, those that resized some included.
    pub(crate) requests: usize,
    /// Calls that gave memory back.
    pub(crate) releases: usize,
    /// Bytes that have been given and not taken back.
    pub(crate) bytes: usize,
    /// The most that these have been.
    pub(crate) peak_bytes: usize,
}

thread_local! {
    static ON: Cell<bool> = const { Cell::new(false) };
    static COUNT: Cell<Count> = const {
        Cell::new(Count { requests: 0, releases: 0, bytes: 0, peak_bytes: 0 })
    };
}

/// Begins at nothing.
pub(crate) fn reset() {
    COUNT.set(Count::default());
}

pub(crate) fn count() -> Count {
    COUNT.get()
}

/// Counts while `call` runs.
#[inline]
pub(crate) fn counted<R>(call: impl FnOnce() -> R) -> R {
    ON.set(true);
    let result = call();
    ON.set(false);
    result
}

fn note(taken: usize, given: usize, change: impl FnOnce(&mut Count)) {
    if !ON.get() {
        return;
    }
    let mut count = COUNT.get();
    change(&mut count);
    // What was given before counting began may be taken back under it.
    count.bytes = (count.bytes + given).saturating_sub(taken);
    count.peak_bytes = count.peak_bytes.max(count.bytes);
    COUNT.set(count);
}

#[derive(Debug)]
struct Counting;

// SAFETY: memory comes from and goes to the system's allocator by the caller's own layout. Nothing
// here allocates or unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(0, layout.size(), |count| count.requests += 1);
        // SAFETY: the caller's own promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(0, layout.size(), |count| count.requests += 1);
        // SAFETY: the caller's own promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        note(layout.size(), 0, |count| count.releases += 1);
        // SAFETY: the caller's own promise.
        unsafe { System.dealloc(memory, layout) };
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(layout.size(), size, |count| count.requests += 1);
        // SAFETY: the caller's own promise.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static GLOBAL: Counting = Counting;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_called_for_is_counted() {
        reset();
        let before = vec![0_u8; 100];
        let mut bytes: Vec<u8> = counted(|| Vec::with_capacity(1_000));
        counted(|| bytes.reserve_exact(3_000));
        bytes.shrink_to(2_000);
        let most = Count { requests: 2, releases: 0, bytes: 3_000, peak_bytes: 3_000 };
        assert_eq!(count(), most);
        counted(|| drop(bytes));
        drop(before);
        assert_eq!(count(), Count { releases: 1, bytes: 1_000, ..most });
    }
}
