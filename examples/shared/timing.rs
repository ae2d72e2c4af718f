//! Runs on a pool and on boxes in turn, and the times they took.

use std::fmt::{Debug, Write as _};
use std::time::Duration;

use crate::rounds::{self, Sorted};

/// How many steps `--with both` takes on each store, in as many rounds as that takes within these
/// bounds. A short input gets more rounds, because a short round is easily disturbed.
const COMPARED_STEPS: usize = 10_000_000;
const MIN_ROUNDS: usize = 9;
const MAX_ROUNDS: usize = 301;

/// One run: what it came to, and how long a step took.
#[derive(Debug)]
pub(crate) struct Run<S> {
    pub(crate) summary: S,
    ns_per_step: f64,
}

/// The times of one run, or of several on both stores, in nanoseconds a step.
#[derive(Debug)]
pub(crate) enum Timing {
    Alone(f64),
    Both { pool: Vec<f64>, heap: Vec<f64> },
}

impl<S> Run<S> {
    pub(crate) fn new(summary: S, elapsed: Duration, steps: usize) -> Self {
        Self { summary, ns_per_step: elapsed.as_nanos() as f64 / steps as f64 }
    }

    pub(crate) fn alone(self) -> (S, Timing) {
        (self.summary, Timing::Alone(self.ns_per_step))
    }
}

impl Timing {
    /// Appends the times as `key: value` lines; `step` is what a step is called.
    pub(crate) fn write(&self, step: &str, text: &mut String) {
        let (pool, heap) = match self {
            Self::Alone(ns) => {
                let _ = writeln!(text, "ns_per_{step}: {ns:.1}");
                return;
            }
            Self::Both { pool, heap } => {
                (Sorted::new(pool.iter().copied()), Sorted::new(heap.iter().copied()))
            }
        };
        let _ = writeln!(text, "ns_per_{step}: {:.1}", pool.least());
        let shortest = ("", pool.least(), heap.least());
        let middle = ("median_", pool.median(), heap.median());
        for (name, pool, heap) in [shortest, middle] {
            let _ = writeln!(text, "{name}pool_ns_per_{step}: {pool:.1}");
            let _ = writeln!(text, "{name}box_ns_per_{step}: {heap:.1}");
            let _ = writeln!(text, "{name}ratio: {:.3}", heap / pool);
        }
    }
}

/// Runs `steps` steps on the pool and on the heap in alternation. Which goes first alternates as
/// well, so that neither profits from what the other leaves in the caches. Both have to come to the
/// same.
pub(crate) fn alternate<S: Debug + PartialEq, E>(
    steps: usize,
    mut on_pool: impl FnMut() -> Result<Run<S>, E>,
    mut on_heap: impl FnMut() -> Result<Run<S>, E>,
) -> Result<(S, Timing), E> {
    let mut first: Option<S> = None;
    let times = rounds::rotate(rounds(steps), 2, |runner| {
        let Run { summary, ns_per_step } = if runner == 0 { on_pool()? } else { on_heap()? };
        match &first {
            Some(first) => {
                assert_eq!(*first, summary, "the store does not change what is done");
            }
            None => first = Some(summary),
        }
        Ok(ns_per_step)
    })?;
    let summary = first.expect("there is at least one round");
    let [pool, heap] = times.try_into().expect("two have run");
    Ok((summary, Timing::Both { pool, heap }))
}

/// An odd number, which has a median.
fn rounds(steps: usize) -> usize {
    (COMPARED_STEPS / steps).clamp(MIN_ROUNDS, MAX_ROUNDS) | 1
}
