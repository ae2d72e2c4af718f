//! Places that are chosen unevenly, emptied and filled again.

use std::cell::LazyCell;
use std::sync::LazyLock;

use fastrand::Rng;

use super::{Run, SEED, timed};
use crate::heap::Frees;
use crate::live::Places;

/// The number of places, a power of two so that choices can be rotated by an exclusive or.
pub(super) const PLACES: usize = 1 << 17;

/// The number of choices that are drawn beforehand.
const CHOICES: usize = 1 << 18;

/// The places chosen, in order. Four fifths of the choices fall on a fifth of the places, four
/// fifths of those on a fifth of that fifth, and so on.
static DRAWN: LazyLock<Vec<u32>> = LazyLock::new(|| {
    let mut rng = Rng::with_seed(SEED);
    let exponent = 0.2_f64.ln() / 0.8_f64.ln();
    (0..CHOICES).map(|_| (rng.f64().powf(exponent) * PLACES as f64) as u32).collect()
});

/// Measured: a place chosen; a value put in where it is empty, or freed where it is not. So does
/// `alloc-test` by its authors at node-dot-cpp, with sizes that vary; here they are all the same.
///
/// The choices are drawn beforehand. When all are through, they are rotated and used again: as they
/// are, they would empty every place that they had filled.
pub(super) fn alloc_test<const WORDS: usize, H: Frees<WORDS>>(run: Run<'_>) {
    let heap = LazyCell::new(|| H::with_room(PLACES));
    let mut places = None;
    let mut rng = Rng::with_seed(SEED);
    let (mut rotation, mut next) = (0, 0);
    run(&mut |iterations| {
        let places = places.get_or_insert_with(|| Places::<WORDS, H>::new(&heap, PLACES));
        let drawn = DRAWN.as_slice();
        timed(|| {
            for seed in 0..iterations {
                if next == drawn.len() {
                    rotation = rng.usize(..PLACES);
                    next = 0;
                }
                places.toggle(drawn[next] as usize ^ rotation, seed);
                next += 1;
            }
        })
    });
}
