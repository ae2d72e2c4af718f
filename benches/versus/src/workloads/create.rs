//! The pool itself.

use super::{Run, timed};
use crate::heap::Frees;
use crate::live::put_and_free;

/// Measured: a pool made with room for `count` values, one put in and freed, and the pool dropped.
pub(super) fn create<const WORDS: usize, H: Frees<WORDS>>(count: usize, run: Run<'_>) {
    run(&mut |iterations| {
        timed(|| {
            for seed in 0..iterations {
                let heap = H::with_room(count);
                put_and_free(&heap, seed);
            }
        })
    });
}
