//! Values that are kept, freed at random or swapped with other threads.

use std::thread;

use fastrand::Rng;

use super::team::Team;
use crate::heap::Shared;
use crate::live::Places;
use crate::live::exchange::Exchange;
use crate::workloads::{Run, SEED};

/// The number of values that a thread puts in and frees soon, for each that it keeps to the end.
const SHORT_BY_KEPT: usize = 2;

/// The number of places that all threads swap values with.
const SWAPS: usize = 1_000;

/// The number of values that live at once at most, where each thread puts `count` in.
pub(super) fn most_alive(threads: usize, count: usize) -> usize {
    threads * count + SWAPS
}

/// The number of values that a thread keeps, of the `count` that it puts in.
const fn kept(count: usize) -> usize {
    count / (SHORT_BY_KEPT + 1)
}

/// Measured: `count` values put in by each thread, and as many freed, as `mstress` of mimalloc does
/// it, with sizes that are all the same. In a step, which puts one in, half of the values are to be
/// kept as long as there are such. After it, in two of three cases, a place picked at random is
/// emptied; in one of four, one is swapped with a place that all threads share. At the end, all is
/// freed but what is in those. Each value is looked at, every word of it, before it is freed.
pub(super) fn stress<const WORDS: usize, H: Shared<WORDS>>(
    threads: usize,
    count: usize,
    run: Run<'_>,
) {
    let heap = H::with_room(most_alive(threads, count));
    let exchange = Exchange::new(&heap, SWAPS);
    thread::scope(|scope| {
        let (heap, exchange) = (&heap, &exchange);
        let team = Team::start(scope, threads, move |number| {
            let mut stress = Stress {
                keep: Places::new(heap, kept(count)),
                short: Places::new(heap, count - kept(count)),
                rng: Rng::with_seed(SEED + number as u64),
            };
            move |iterations| {
                for iteration in 0..iterations {
                    // No two values of all threads are the same.
                    let first = (iteration * threads as u64 + number as u64) * count as u64;
                    stress.go(count, exchange, first);
                }
            }
        });
        run(&mut |iterations| team.round(iterations));
    });
}

/// Four random numbers from one: drawing each is a tenth of what the row would measure.
struct Draw(u64);

impl Draw {
    /// A number below `end`, which is far below 2^16.
    #[inline]
    fn below(&mut self, end: usize) -> usize {
        let number = ((self.0 & u64::from(u16::MAX)) as usize * end) >> u16::BITS;
        self.0 >>= u16::BITS;
        number
    }
}

/// The values of a thread.
struct Stress<'h, const WORDS: usize, H: Shared<WORDS>> {
    keep: Places<'h, WORDS, H>,
    short: Places<'h, WORDS, H>,
    rng: Rng,
}

impl<'h, const WORDS: usize, H: Shared<WORDS>> Stress<'h, WORDS, H> {
    /// Goes through all steps, from no values to no values, whose words are the numbers from
    /// `first` on.
    fn go(&mut self, count: usize, exchange: &Exchange<'h, WORDS, H>, first: u64) {
        let (keep, short) = (kept(count), count - kept(count));
        let (mut kept, mut put) = (0, 0);
        while kept < keep || put < short {
            let seed = first + (kept + put) as u64;
            let mut draw = Draw(self.rng.u64(..));
            let case = draw.below(2 * 3 * 4);
            if put < short && (kept == keep || case.is_multiple_of(2)) {
                self.short.put(put, seed);
                put += 1;
            } else {
                self.keep.put(kept, seed);
                kept += 1;
            }
            if put == 0 {
                continue;
            }
            if case / 2 % 3 < 2 {
                self.short.check_and_free(draw.below(put));
            }
            if case / 2 / 3 == 0 {
                self.short.swap(draw.below(put), exchange, draw.below(SWAPS));
            }
        }
        (0..keep).for_each(|index| self.keep.check_and_free(index));
        (0..short).for_each(|index| self.short.check_and_free(index));
    }
}
