//! Reading values, once a heap has been in use for a while: what it costs where they lie.

use std::cell::LazyCell;
use std::hint::black_box;

use fastrand::Rng;

use super::{Run, SEED, timed};
use crate::heap::Frees;
use crate::live::Live;

/// How often the values that are read have been thinned out and filled up before.
const CHURN_ROUNDS: usize = 10;

/// Measured: the first word read of each of `count` values, in the order of their handles in a
/// `Vec`, after churn: again and again a tenth of the values, picked at random, was freed and as
/// many new ones were put in.
pub(super) fn churned<const WORDS: usize, H: Frees<WORDS>>(count: usize, run: Run<'_>) {
    let churn = |live: &mut Live<'_, WORDS, H>| {
        let mut rng = Rng::with_seed(SEED);
        live.fill(count);
        for _ in 0..CHURN_ROUNDS {
            for _ in 0..count / CHURN_ROUNDS {
                live.swap_free(rng.usize(..live.len()));
            }
            live.fill(count - live.len());
        }
    };
    walk::<WORDS, H>(count, churn, run);
}

/// Measured: the first word read of each of `count / 2` values, in the order in which they were put
/// in, which was after `count` others had been freed in random order.
pub(super) fn local<const WORDS: usize, H: Frees<WORDS>>(count: usize, run: Run<'_>) {
    let refill = |live: &mut Live<'_, WORDS, H>| {
        live.fill(count);
        live.shuffle(&mut Rng::with_seed(SEED));
        live.free_in_same_order();
        live.fill(count / 2);
    };
    walk::<WORDS, H>(count, refill, run);
}

/// Measures reading the values that `prepare` leaves.
fn walk<const WORDS: usize, H: Frees<WORDS>>(
    count: usize,
    prepare: impl Fn(&mut Live<'_, WORDS, H>),
    run: Run<'_>,
) {
    let heap = LazyCell::new(|| H::with_room(count));
    let mut live = None;
    run(&mut |iterations| {
        let live = live.get_or_insert_with(|| {
            let mut live = Live::<WORDS, H>::with_room(&heap, count);
            prepare(&mut live);
            live
        });
        timed(|| {
            for _ in 0..iterations {
                black_box(live.sum());
            }
        })
    });
}
