//! Values of each thread's own, of which one after the other is replaced.

use std::thread;

use fastrand::Rng;

use super::team::Team;
use crate::heap::Shared;
use crate::live::Live;
use crate::workloads::{Run, SEED};

/// Measured: one of `count` values replaced, picked at random, by each thread among its own.
pub(super) fn replace<const WORDS: usize, H: Shared<WORDS>>(
    threads: usize,
    count: usize,
    run: Run<'_>,
) {
    let heap = H::with_room(threads * (count + 1));
    thread::scope(|scope| {
        let heap = &heap;
        let team = Team::start(scope, threads, move |number| {
            let mut live = Live::<WORDS, H>::filled(heap, count);
            let mut rng = Rng::with_seed(SEED + number as u64);
            move |iterations| {
                for seed in 0..iterations {
                    live.replace(rng.usize(..live.len()), seed);
                }
            }
        });
        run(&mut |iterations| team.round(iterations));
    });
}
