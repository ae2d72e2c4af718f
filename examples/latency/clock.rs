//! Two clocks for single operations, and what reading them costs.
//!
//! [`Tsc`] reads the processor's time stamp counter between fences. Out of order a processor would
//! begin the operation before the first reading, or take the second one before the operation is
//! done; the fences forbid both, and an operation alone between them shows its latency and not its
//! share of a stream of work. [`Monotonic`] is `std::time::Instant`, for everything else.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// How many empty measurements give the cost of a clock. Odd, so that there is a median.
const EMPTY: usize = 101;

/// How long the time stamp counter is compared with `Instant`.
const CALIBRATION: Duration = Duration::from_millis(50);

/// A source of time for one operation.
pub(crate) trait Clock: Copy + 'static {
    /// What a reading gives.
    type Moment: Copy;

    /// Reads the clock before an operation.
    fn before(self) -> Self::Moment;

    /// Reads the clock after an operation.
    fn after(self) -> Self::Moment;

    /// The ticks from one reading to the next.
    fn ticks(from: Self::Moment, to: Self::Moment) -> u64;

    /// The length of a tick.
    fn ns_per_tick(self) -> f64;

    /// What the clock is, for the report.
    fn describe(self) -> String;
}

/// `std::time::Instant`, in ticks of a nanosecond.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Monotonic;

impl Clock for Monotonic {
    type Moment = Instant;

    #[inline(always)]
    fn before(self) -> Instant {
        Instant::now()
    }

    #[inline(always)]
    fn after(self) -> Instant {
        Instant::now()
    }

    fn ticks(from: Instant, to: Instant) -> u64 {
        u64::try_from(to.duration_since(from).as_nanos()).unwrap_or(u64::MAX)
    }

    fn ns_per_tick(self) -> f64 {
        1.0
    }

    fn describe(self) -> String {
        "Instant".to_owned()
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use tsc::Tsc;

#[cfg(target_arch = "x86_64")]
mod tsc {
    use std::arch::x86_64::{__cpuid, __rdtscp, _mm_lfence, _rdtsc, CpuidResult};

    use super::{CALIBRATION, Clock, Instant};

    /// The time stamp counter of x86-64.
    ///
    /// # Invariants
    ///
    /// 1. The processor has `rdtscp`.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Tsc {
        ns_per_tick: f64,
    }

    impl Tsc {
        /// Calibrates the counter, or returns `None` where this processor's counter is no clock: it
        /// changes its rate, stops, or cannot be read in order.
        pub(crate) fn new() -> Option<Self> {
            const RDTSCP: u32 = 1 << 27;
            const INVARIANT: u32 = 1 << 8;
            if features(0x8000_0001) & RDTSCP == 0 || features(0x8000_0007) & INVARIANT == 0 {
                return None;
            }
            // INVARIANT: 1. by the test above.
            let uncalibrated = Self { ns_per_tick: 1.0 };
            let (start, from) = (Instant::now(), uncalibrated.before());
            while start.elapsed() < CALIBRATION {
                std::hint::spin_loop();
            }
            let (elapsed, to) = (start.elapsed(), uncalibrated.after());
            let ticks = Self::ticks(from, to);
            // INVARIANT: 1. by the test above.
            (ticks > 0).then(|| Self { ns_per_tick: elapsed.as_nanos() as f64 / ticks as f64 })
        }
    }

    impl Clock for Tsc {
        type Moment = u64;

        #[inline(always)]
        fn before(self) -> u64 {
            // What comes before is done when the counter is read.
            lfence();
            // SAFETY: every x86-64 processor has `rdtsc`.
            let now = unsafe { _rdtsc() };
            // Nothing of the operation begins until it has been.
            lfence();
            now
        }

        #[inline(always)]
        fn after(self) -> u64 {
            let mut core = 0;
            // The instruction itself waits for what comes before it.
            // SAFETY: the processor has it, by invariant 1, and `core` may be written.
            let now = unsafe { __rdtscp(&mut core) };
            lfence();
            now
        }

        /// 0 where the thread has moved to a core whose counter is behind.
        fn ticks(from: u64, to: u64) -> u64 {
            to.saturating_sub(from)
        }

        fn ns_per_tick(self) -> f64 {
            self.ns_per_tick
        }

        fn describe(self) -> String {
            format!("time stamp counter, {:.3} GHz", 1.0 / self.ns_per_tick)
        }
    }

    /// The features that `cpuid` reports in `edx` of a leaf, none where it has no such leaf.
    fn features(leaf: u32) -> u32 {
        let highest = cpuid(0x8000_0000).eax;
        if highest >= leaf { cpuid(leaf).edx } else { 0 }
    }

    #[allow(unused_unsafe, reason = "newer compilers have `__cpuid` as a safe function")]
    fn cpuid(leaf: u32) -> CpuidResult {
        // SAFETY: every x86-64 processor has `cpuid`.
        unsafe { __cpuid(leaf) }
    }

    #[inline(always)]
    fn lfence() {
        // SAFETY: every x86-64 processor has SSE2.
        unsafe { _mm_lfence() };
    }
}

/// What empty measurements tell of a clock, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Empty {
    /// What the clock adds to each measurement: the median.
    pub(crate) cost: u64,
    /// All of them are multiples of this, 0 where each is 0. Some counters move several ticks at a
    /// time.
    pub(crate) step: u64,
}

/// Takes empty measurements. They have the `black_box` that a measured allocation has, so that its
/// cost counts as the clock's.
pub(crate) fn empty<C: Clock>(clock: C) -> Empty {
    let nothing = 0_u64;
    let mut all = [0; EMPTY];
    for ticks in &mut all {
        let before = clock.before();
        black_box(&raw const nothing);
        let after = clock.after();
        *ticks = C::ticks(before, after);
    }
    all.sort_unstable();
    Empty { cost: all[EMPTY / 2], step: all.into_iter().fold(0, common_divisor) }
}

/// The greatest common divisor; 0 is a multiple of everything.
pub(crate) fn common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measures_a_pause<C: Clock>(clock: C) {
        let pause = Duration::from_millis(5);
        let start = Instant::now();
        let before = clock.before();
        std::thread::sleep(pause);
        let after = clock.after();
        let bound = start.elapsed();
        let ns = C::ticks(before, after) as f64 * clock.ns_per_tick();
        // A calibration may be disturbed, so the bounds are wide.
        assert!(ns > pause.as_nanos() as f64 * 0.8, "{ns} ns");
        assert!(ns < bound.as_nanos() as f64 * 1.25, "{ns} ns");
        let Empty { cost, step } = empty(clock);
        assert!((cost as f64 * clock.ns_per_tick()) < ns);
        assert!(cost == 0 || cost % step == 0);
    }

    #[test]
    fn steps_are_the_greatest_that_all_times_consist_of() {
        let step = |all: &[u64]| all.iter().copied().fold(0, common_divisor);
        assert_eq!(step(&[52, 78, 0, 26]), 26);
        assert_eq!(step(&[52, 78, 27]), 1);
        assert_eq!(step(&[0, 0]), 0);
    }

    #[test]
    fn the_monotonic_clock_measures_a_pause() {
        measures_a_pause(Monotonic);
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    #[cfg_attr(miri, ignore = "Miri has no time stamp counter")]
    fn the_time_stamp_counter_measures_a_pause() {
        if let Some(clock) = Tsc::new() {
            measures_a_pause(clock);
        }
    }

    #[test]
    fn time_that_runs_backwards_is_no_time() {
        let now = Instant::now();
        assert_eq!(Monotonic::ticks(now + CALIBRATION, now), 0);
        #[cfg(target_arch = "x86_64")]
        assert_eq!(Tsc::ticks(7, 5), 0);
    }
}
