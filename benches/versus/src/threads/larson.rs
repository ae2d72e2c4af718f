//! Generations of threads that leave their values to the next.

use std::sync::{Mutex, PoisonError};
use std::thread;

use fastrand::Rng;

use super::team::Team;
use crate::heap::Shared;
use crate::live::Live;
use crate::workloads::{Run, SEED, replace};

/// A value on cache lines of its own, with those that are fetched together with them: each thread
/// writes to its estate all the time, and what neighbours cost each other would depend on where
/// they happen to lie.
#[repr(align(128))]
struct Apart<T>(T);

/// Measured: by each thread, a value freed, picked at random among `count` of its own, and another
/// one put in; after [`replace::LARSON_GENERATION`] of these the thread ends, and a new one goes on
/// with its values. So does the benchmark of Larson and Krishnan.
///
/// What comes between two generations is not measured: the ends of threads and their starts.
pub(super) fn larson<const WORDS: usize, H: Shared<WORDS>>(
    threads: usize,
    count: usize,
    run: Run<'_>,
) {
    let heap = H::with_room(threads * count);
    let estate = |number| {
        let live = Live::<WORDS, H>::with_room(&heap, count);
        Apart(Mutex::new((live, Rng::with_seed(SEED + number as u64))))
    };
    let estates: Vec<_> = (0..threads).map(estate).collect();
    let generation = || {
        thread::scope(|scope| {
            let estates = &estates;
            let team = Team::start(scope, threads, move |number| {
                let mut estate = estates[number].0.lock().unwrap_or_else(PoisonError::into_inner);
                let missing = count - estate.0.len();
                estate.0.fill(missing);
                move |seed| {
                    let (live, rng) = &mut *estate;
                    replace::larson_generation(live, rng, seed);
                }
            });
            team.round(1)
        })
    };
    run(&mut |iterations| (0..iterations).map(|_| generation()).sum());
}
