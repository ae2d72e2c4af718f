//! The steps of operations, for tests that have a thread stop between two of them.
//!
//! Built with `--cfg typed_pool_faults`, a point panics where its thread has been told to stop at
//! it; otherwise it is nothing at all. What lies between two points is done whole: stores side by
//! side, with nothing that could panic among them. (The panic is an unlikely end of a thread, but
//! one that a test can bring about; nothing that runs where points are can panic unless the crate
//! is broken.)
//!
//! What is not lost then is told in `tests/faults.rs`.
#![forbid(unsafe_code)]

#[cfg(not(typed_pool_faults))]
mod points {
    /// The end of a step.
    #[inline(always)]
    pub(crate) fn point() {}

    /// Whether a thread has stopped at a point, in this process.
    #[cfg(feature = "std")]
    #[inline(always)]
    pub(crate) fn has_stopped_one() -> bool {
        false
    }
}

#[cfg(typed_pool_faults)]
mod points {
    use core::cell::Cell;
    use core::sync::atomic::AtomicBool;
    use core::sync::atomic::Ordering::Relaxed;
    use std::boxed::Box;
    use std::panic::resume_unwind;

    std::thread_local! {
        /// How many points this thread passes before it stops at one; none where nothing counts.
        static LEFT: Cell<Option<usize>> = const { Cell::new(None) };
    }

    static HAS_STOPPED_ONE: AtomicBool = AtomicBool::new(false);

    /// What a thread that stops at a point panics with.
    #[derive(Clone, Copy, Debug)]
    pub struct Stopped;

    /// Has this thread stop at the point that it comes to after `points` others.
    pub fn stop_after(points: usize) {
        LEFT.set(Some(points));
    }

    /// Has this thread go on at whatever points it comes to. Returns whether it had still to stop.
    pub fn go_on() -> bool {
        LEFT.take().is_some()
    }

    /// Whether a thread has stopped at a point, in this process.
    #[cfg(feature = "std")]
    pub(crate) fn has_stopped_one() -> bool {
        HAS_STOPPED_ONE.load(Relaxed)
    }

    /// The end of a step.
    pub(crate) fn point() {
        match LEFT.get() {
            None => {}
            Some(0) => {
                // What it does while it unwinds, it does to the end.
                LEFT.set(None);
                HAS_STOPPED_ONE.store(true, Relaxed);
                resume_unwind(Box::new(Stopped));
            }
            Some(left) => LEFT.set(Some(left - 1)),
        }
    }
}

#[cfg(feature = "std")]
pub(crate) use points::has_stopped_one;
pub(crate) use points::point;
#[cfg(typed_pool_faults)]
pub use points::{Stopped, go_on, stop_after};
