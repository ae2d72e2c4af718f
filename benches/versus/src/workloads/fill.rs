//! Putting values in, which is all that an arena can do.

use std::time::Duration;

use super::{Run, timed};
use crate::heap::Heap;
use crate::live::Live;

/// Measured: `count` values put into a heap that has held as many before, the last time just now.
///
/// `typed-arena` cannot be emptied. Its successor is made between two fills, unmeasured and with
/// room for all values. It lies in the memory of its predecessor as long as the global allocator
/// keeps that. All heaps thus write memory that they have written before, and the row compares the
/// work, not page faults.
pub(super) fn warm<const WORDS: usize, H: Heap<WORDS>>(count: usize, run: Run<'_>) {
    again::<WORDS, H>(count, H::emptied, run);
}

/// Measured: `count` values put into a heap that was just made with room for them. Its memory
/// comes from the global allocator, which got it back from the last such heap.
pub(super) fn fresh<const WORDS: usize, H: Heap<WORDS>>(count: usize, run: Run<'_>) {
    let renewed = |heap, count| {
        drop(heap);
        H::with_room(count)
    };
    again::<WORDS, H>(count, renewed, run);
}

/// Measures fills of a heap that goes through `renew` after each, once all values are freed.
fn again<const WORDS: usize, H: Heap<WORDS>>(
    count: usize,
    renew: impl Fn(H, usize) -> H,
    run: Run<'_>,
) {
    let mut state = None;
    run(&mut |iterations| {
        let (mut heap, mut spare) =
            state.take().unwrap_or_else(|| (H::with_room(count), Vec::with_capacity(count)));
        let mut total = Duration::ZERO;
        for _ in 0..iterations {
            assert!(spare.capacity() >= count, "the memory is used again");
            let mut live = Live::<WORDS, H>::recycled(&heap, spare);
            total += timed(|| live.fill(count));
            spare = live.into_spare();
            heap = renew(heap, count);
        }
        state = Some((heap, spare));
        total
    });
}
