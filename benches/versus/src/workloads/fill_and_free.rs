//! Values put in, and freed in one order or another.

use std::cell::LazyCell;

use fastrand::Rng;

use super::{Run, SEED, timed};
use crate::heap::Frees;
use crate::live::Live;

/// Measured: `count` values put in, and freed in the same order.
pub(super) fn same_order<const WORDS: usize, H: Frees<WORDS>>(count: usize, run: Run<'_>) {
    fill_and_free::<WORDS, H>(count, |live| live.free_in_same_order(), run);
}

/// Measured: `count` values put in, and freed in the opposite order.
pub(super) fn reverse_order<const WORDS: usize, H: Frees<WORDS>>(count: usize, run: Run<'_>) {
    fill_and_free::<WORDS, H>(count, |live| live.free_in_reverse_order(), run);
}

/// Measured: `count` values put in, the first half freed in the same order, then the second half in
/// the opposite one, as the benchmark `malloc-simple` of glibc does it.
pub(super) fn glibc_simple<const WORDS: usize, H: Frees<WORDS>>(count: usize, run: Run<'_>) {
    fill_and_free::<WORDS, H>(count, |live| live.free_in_both_orders(count / 2), run);
}

/// Measures fills and what `free` does to their values.
fn fill_and_free<const WORDS: usize, H: Frees<WORDS>>(
    count: usize,
    free: impl Fn(&mut Live<'_, WORDS, H>),
    run: Run<'_>,
) {
    let heap = LazyCell::new(|| H::with_room(count));
    let mut live = None;
    run(&mut |iterations| {
        let live = live.get_or_insert_with(|| Live::with_room(&*heap, count));
        timed(|| {
            for _ in 0..iterations {
                live.fill(count);
                free(live);
            }
        })
    });
}

/// Measured: `count` values put in, and freed in random order. Each fill meets what the last one's
/// frees left. That the handles are shuffled in between is not measured.
pub(super) fn random_order<const WORDS: usize, H: Frees<WORDS>>(count: usize, run: Run<'_>) {
    let heap = LazyCell::new(|| H::with_room(count));
    let mut live = None;
    let mut rng = Rng::with_seed(SEED);
    run(&mut |iterations| {
        let live = live.get_or_insert_with(|| Live::<WORDS, H>::with_room(&heap, count));
        (0..iterations)
            .map(|_| {
                let filled = timed(|| live.fill(count));
                live.shuffle(&mut rng);
                filled + timed(|| live.free_in_same_order())
            })
            .sum()
    });
}

/// Measured: `count` values freed in random order. That they are put in before, and their handles
/// shuffled, is not.
pub(super) fn free_random<const WORDS: usize, H: Frees<WORDS>>(count: usize, run: Run<'_>) {
    let heap = LazyCell::new(|| H::with_room(count));
    let mut live = None;
    let mut rng = Rng::with_seed(SEED);
    run(&mut |iterations| {
        let live = live.get_or_insert_with(|| Live::<WORDS, H>::with_room(&heap, count));
        (0..iterations)
            .map(|_| {
                live.fill(count);
                live.shuffle(&mut rng);
                timed(|| live.free_in_same_order())
            })
            .sum()
    });
}

/// Measured: half of `count` values put in, into the gaps that a random half left. Choosing and
/// freeing that half is not.
pub(super) fn refill_half<const WORDS: usize, H: Frees<WORDS>>(count: usize, run: Run<'_>) {
    let heap = LazyCell::new(|| H::with_room(count));
    let mut live = None;
    let mut rng = Rng::with_seed(SEED);
    run(&mut |iterations| {
        let live = live.get_or_insert_with(|| Live::<WORDS, H>::filled(&heap, count));
        (0..iterations)
            .map(|_| {
                live.shuffle(&mut rng);
                live.free_from(count - count / 2);
                timed(|| live.fill(count / 2))
            })
            .sum()
    });
}
