//! Contenders of a row, interleaved.
//!
//! In seconds some machines become twice as fast or slow. So the contenders of a row take turns in
//! blocks of a fraction of a millisecond, of a few where it takes that long to warm up, in an order
//! that is drawn anew for each round, and whatever slows the machine down for longer than that
//! slows all of them down.

use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::workloads::{Body, Workload};

/// How long blocks are to take, and how many there are to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// How long a row takes at least, next to what it takes to set it up.
    pub(crate) time: Duration,
    /// How long a block takes at least. Operations that take longer make longer blocks.
    pub(crate) block: Duration,
    /// The fewest rounds: a median of less says little.
    pub(crate) rounds: usize,
    /// How often a body goes through its operation before each block, and in it, at least.
    pub(crate) warm_up: u64,
}

impl Pace {
    /// One round of one iteration, to see that everything runs.
    pub(crate) const ONCE: Self =
        Self { time: Duration::ZERO, block: Duration::ZERO, rounds: 1, warm_up: 0 };

    /// Rounds for as long as `time` says.
    pub(crate) fn for_time(time: Duration) -> Self {
        Self { time, block: Duration::from_micros(100), rounds: 11, warm_up: 0 }
    }

    /// The same where threads work together. They begin and end a microsecond or two apart, which
    /// is nothing next to longer blocks.
    pub(crate) fn for_threads(time: Duration) -> Self {
        Self { block: Duration::from_millis(1), ..Self::for_time(time) }
    }
}

/// What was measured of one contender, in nanoseconds for one operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Figure {
    pub(crate) minimum: f64,
    pub(crate) median: f64,
}

impl Figure {
    /// The figure of some blocks, of which there is one at least.
    fn of(mut blocks: Vec<f64>) -> Self {
        blocks.sort_by(f64::total_cmp);
        Self { minimum: blocks[0], median: median(&blocks) }
    }
}

/// The middle of numbers in order, of which there is one at least.
pub(crate) fn median(sorted: &[f64]) -> f64 {
    let (below, above) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
    f64::midpoint(below, above)
}

/// Measures `workloads` in interleaved blocks; one iteration of each is `elements` operations.
pub(crate) fn measure(workloads: &[&Workload], elements: usize, pace: Pace) -> Vec<Figure> {
    if workloads.is_empty() {
        return Vec::new();
    }
    let mut figures = Vec::new();
    with_all(workloads, &mut [], &mut |bodies| {
        figures = interleave(bodies, elements, pace).into_iter().map(Figure::of).collect();
    });
    figures
}

/// Calls `then` with the bodies of `opened` and of `workloads`, behind each other. Each workload
/// lends its body only to what it calls, hence the recursion.
fn with_all(
    workloads: &[&Workload],
    opened: &mut [&mut Body<'_>],
    then: &mut dyn FnMut(&mut [&mut Body<'_>]),
) {
    let Some((first, rest)) = workloads.split_first() else {
        return then(opened);
    };
    first(&mut |body| {
        let mut bodies: Vec<&mut Body<'_>> = Vec::new();
        for before in opened.iter_mut() {
            bodies.push(&mut **before);
        }
        bodies.push(body);
        with_all(rest, &mut bodies, then);
    });
}

/// Lets `bodies` take turns; returns for each the time per element, in ns, of its blocks.
fn interleave(bodies: &mut [&mut Body<'_>], elements: usize, pace: Pace) -> Vec<Vec<f64>> {
    let length = |body: &mut &mut Body<'_>| block_length(body, pace).max(pace.warm_up);
    let iterations: Vec<u64> = bodies.iter_mut().map(length).collect();
    let mut blocks = vec![Vec::new(); bodies.len()];
    let mut order: Vec<usize> = (0..bodies.len()).collect();
    let mut rng = Rng::new();
    let start = Instant::now();
    while start.elapsed() < pace.time || blocks[0].len() < pace.rounds {
        rng.shuffle(&mut order);
        for &turn in &order {
            // Not measured: it brings back to the caches what the turns of others drove out.
            bodies[turn](iterations[turn].div_ceil(4).max(pace.warm_up));
            let time = bodies[turn](iterations[turn]);
            let operations = iterations[turn] as f64 * elements as f64;
            blocks[turn].push(time.as_secs_f64() * 1e9 / operations);
        }
    }
    blocks
}

/// How often a body is to go through its operation to fill a block.
fn block_length(body: &mut Body<'_>, pace: Pace) -> u64 {
    let mut iterations = 1;
    // The first call sets things up, and meets caches that are cold.
    body(iterations);
    // Several calls in a row, lest one that was held up passes for a long block.
    while (0..3).any(|_| body(iterations) < pace.block) {
        iterations *= 2;
    }
    iterations
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn medians_are_in_the_middle() {
        assert_eq!(median(&[3.0]), 3.0);
        assert_eq!(median(&[3.0, 5.0]), 4.0);
        assert_eq!(median(&[3.0, 5.0, 90.0]), 5.0);
        let figure = Figure::of(vec![9.0, 2.0, 4.0]);
        assert_eq!(figure, Figure { minimum: 2.0, median: 4.0 });
    }

    #[test]
    fn every_workload_gets_its_turns() {
        let steady: Workload = Box::new(|run| run(&mut |n| Duration::from_nanos(60 * n)));
        let slow: Workload = Box::new(|run| run(&mut |n| Duration::from_nanos(600 * n)));
        let pace = Pace { rounds: 3, ..Pace::ONCE };
        let figures = measure(&[&steady, &slow], 6, pace);
        let expected = [10.0, 100.0].map(|time| Figure { minimum: time, median: time });
        for (figure, expected) in figures.iter().zip(expected) {
            assert!((figure.minimum - expected.minimum).abs() < 1e-6, "{figure:?}");
            assert!((figure.median - expected.median).abs() < 1e-6, "{figure:?}");
        }
    }

    #[test]
    fn a_body_is_warmed_up_before_each_block() {
        for (warm_up, before, block) in [(0, 2, 8), (1, 2, 8), (5, 5, 8), (100, 100, 100)] {
            let calls = RefCell::new(Vec::new());
            let mut body = |n: u64| {
                calls.borrow_mut().push(n);
                Duration::from_nanos(30 * n)
            };
            let pace = Pace { block: Duration::from_nanos(240), rounds: 3, warm_up, ..Pace::ONCE };
            interleave(&mut [&mut body], 1, pace);
            assert!(calls.into_inner().ends_with(&[before, block].repeat(3)));
        }
    }

    #[test]
    fn blocks_are_as_long_as_asked_for() {
        let mut body = |n: u64| Duration::from_nanos(30 * n);
        assert_eq!(block_length(&mut body, Pace::ONCE), 1);
        assert_eq!(block_length(&mut body, Pace::for_time(Duration::ZERO)), 4096);
    }
}
