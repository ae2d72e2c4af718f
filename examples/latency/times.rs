//! Times of one kind of operation, as a histogram.

use hdrhistogram::Histogram;

/// Times up to this many ticks are kept apart; it is minutes on any clock.
const LONGEST: u64 = 1 << 40;

/// Three digits: what is read from the histogram is less than 0.1 % above a time that was measured.
const DIGITS: u8 = 3;

/// The quantiles of a report and their names. The last is the longest time.
pub(crate) const QUANTILES: [(&str, f64); 5] =
    [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("p99.99", 0.9999), ("max", 1.0)];

/// A histogram in ticks of a clock, which is read in nanoseconds.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    ticks: Histogram<u64>,
    ns_per_tick: f64,
}

impl Times {
    pub(crate) fn new(ns_per_tick: f64) -> Self {
        let ticks = Histogram::new_with_bounds(1, LONGEST, DIGITS);
        Self { ticks: ticks.expect("the bounds are in order"), ns_per_tick }
    }

    /// Adds a measurement less what the clock cost in it. One that is shorter counts as 0.
    #[inline]
    pub(crate) fn add(&mut self, measured: u64, cost: u64) {
        self.ticks.saturating_record(measured.saturating_sub(cost));
    }

    pub(crate) fn count(&self) -> u64 {
        self.ticks.len()
    }

    /// The time in nanoseconds that this share of the operations did not exceed; `None` if there
    /// were none.
    pub(crate) fn quantile(&self, share: f64) -> Option<f64> {
        let ticks = (self.count() > 0).then(|| self.ticks.value_at_quantile(share))?;
        Some(ticks as f64 * self.ns_per_tick)
    }

    /// How many operations took less than 1 ns, from 1 to below 2, from 2 to below 4, and
    /// so on by powers of two up to the longest.
    pub(crate) fn buckets(&self) -> Vec<u64> {
        let mut buckets = Vec::new();
        for step in self.ticks.iter_recorded() {
            let ns = step.value_iterated_to() as f64 * self.ns_per_tick;
            let bucket = if ns < 1.0 { 0 } else { 1 + ns.log2() as usize };
            if buckets.len() <= bucket {
                buckets.resize(bucket + 1, 0);
            }
            buckets[bucket] += step.count_since_last_iteration();
        }
        buckets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_sorted_times() {
        let mut rng = fastrand::Rng::with_seed(1);
        for count in [1, 2, 100, 12_345] {
            let mut times = Times::new(0.5);
            let mut sorted: Vec<u64> =
                (0..count).map(|_| rng.u64(..1 << 40) >> rng.u32(11..40)).collect();
            sorted.iter().for_each(|&ticks| times.add(ticks, 0));
            sorted.sort_unstable();
            assert_eq!(times.count(), count as u64);
            for (name, share) in QUANTILES {
                // The smallest time that so many do not exceed.
                let rank = ((share * count as f64).ceil() as usize).clamp(1, count);
                let (exact, read) = (sorted[rank - 1] as f64 * 0.5, times.quantile(share).unwrap());
                let excess = read - exact;
                assert!((0.0..=exact * 0.001).contains(&excess), "{name}: {read} for {exact}");
            }
        }
    }

    #[test]
    fn the_cost_of_the_clock_is_taken_off_and_never_more_than_there_is() {
        let mut times = Times::new(2.0);
        for measured in [100, 49, 50, 0] {
            times.add(measured, 50);
        }
        assert_eq!(times.quantile(1.0), Some(100.0));
        assert_eq!(times.quantile(0.75), Some(0.0));
        assert_eq!(times.count(), 4);
    }

    #[test]
    fn buckets_double_from_one_nanosecond() {
        let mut times = Times::new(1.0);
        for ns in [0, 1, 2, 3, 4, 7, 8, 1023, 1024] {
            times.add(ns, 0);
        }
        assert_eq!(times.buckets(), [1, 1, 2, 2, 1, 0, 0, 0, 0, 0, 1, 1]);
        let mut fine = Times::new(0.25);
        (0..8).for_each(|ticks| fine.add(ticks, 0));
        assert_eq!(fine.buckets(), [4, 4]);
    }

    #[test]
    fn without_a_time_there_is_no_quantile() {
        let times = Times::new(1.0);
        assert_eq!((times.quantile(1.0), times.buckets()), (None, vec![]));
    }

    #[test]
    fn a_time_beyond_the_longest_counts_as_that() {
        let mut times = Times::new(1.0);
        times.add(u64::MAX, 0);
        assert!(times.quantile(1.0).unwrap() >= LONGEST as f64);
    }
}
