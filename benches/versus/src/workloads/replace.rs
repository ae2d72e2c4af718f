//! A set of values of steady size, of which one after the other is replaced.

use std::cell::LazyCell;

use fastrand::Rng;

use super::{Run, SEED, timed};
use crate::heap::Frees;
use crate::live::Live;

/// How many replacements a generation of `larson` makes before it hands its values on.
pub(crate) const LARSON_GENERATION: usize = 50_000;

/// Measured: one of `count` values replaced, picked at random. The new one is put in before the old
/// one is freed, as an assignment does it. Picking, a few instructions, is measured as well.
pub(super) fn random<const WORDS: usize, H: Frees<WORDS>>(count: usize, run: Run<'_>) {
    let heap = LazyCell::new(|| H::with_room(count + 1));
    let mut live = None;
    let mut rng = Rng::with_seed(SEED);
    run(&mut |iterations| {
        let live = live.get_or_insert_with(|| Live::<WORDS, H>::filled(&heap, count));
        timed(|| {
            for seed in 0..iterations {
                live.replace(rng.usize(..live.len()), seed);
            }
        })
    });
}

/// Measured: a value freed, picked at random among `count`, and another one put in; after
/// [`LARSON_GENERATION`] of these, all handles are handed to the next generation. So does the
/// benchmark of Larson and Krishnan, in which a generation is a thread; here it is all one thread.
pub(super) fn larson<const WORDS: usize, H: Frees<WORDS>>(count: usize, run: Run<'_>) {
    let heap = LazyCell::new(|| H::with_room(count));
    let mut live = None;
    let mut rng = Rng::with_seed(SEED);
    run(&mut |iterations| {
        let live = live.get_or_insert_with(|| Live::<WORDS, H>::filled(&heap, count));
        timed(|| {
            for seed in 0..iterations {
                larson_generation(live, &mut rng, seed);
                live.hand_over();
            }
        })
    });
}

/// What a generation of `larson` does.
#[inline]
pub(crate) fn larson_generation<const WORDS: usize, H: Frees<WORDS>>(
    live: &mut Live<'_, WORDS, H>,
    rng: &mut Rng,
    seed: u64,
) {
    for _ in 0..LARSON_GENERATION {
        live.swap_free(rng.usize(..live.len()));
        live.push(seed);
    }
}
