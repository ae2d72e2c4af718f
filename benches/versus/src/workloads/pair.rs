//! One value at a time.

use std::cell::LazyCell;

use super::{Run, timed};
use crate::heap::Frees;
use crate::live::put_and_free;

/// Measured: one value put in and freed.
pub(super) fn pair<const WORDS: usize, H: Frees<WORDS>>(run: Run<'_>) {
    let heap = LazyCell::new(|| H::with_room(1));
    run(&mut |iterations| {
        let heap: &H = &heap;
        timed(|| {
            for seed in 0..iterations {
                put_and_free(heap, seed);
            }
        })
    });
}
