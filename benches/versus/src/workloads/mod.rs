//! The bodies that are measured, each written once for every heap.
//!
//! A body is a function that goes through its operation a number of times and says how long the
//! part took that its row is named for. A workload lends its body to what it is given, and keeps
//! what the body works on (a heap, and values in it) alive around all of its calls. Nothing is set
//! up before the first call, so that a row that is filtered out costs nothing.

use std::time::{Duration, Instant};

mod alloc_test;
mod create;
mod fill;
mod fill_and_free;
pub(crate) mod operation;
mod pair;
pub(crate) mod replace;
mod walk;

/// Goes through an operation as often as it is told; returns the time of the measured part.
pub(crate) type Body<'b> = dyn FnMut(u64) -> Duration + 'b;

/// What a workload lends its body to, once.
pub(crate) type Run<'r> = &'r mut dyn FnMut(&mut Body<'_>);

/// A body for one heap, and what it works on.
pub(crate) type Workload = Box<dyn Fn(Run<'_>)>;

/// Every heap meets the same random numbers, in every run.
pub(crate) const SEED: u64 = 0x5eed;

/// Runs `work` and measures it.
pub(crate) fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}
