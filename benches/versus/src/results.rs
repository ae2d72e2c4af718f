//! Figures of all rows, of one run or of several.

use crate::contenders::{BASELINE, COUNT};
use crate::machine::Machine;
use crate::measure::{Figure, median};

/// A run whose baseline is slower than its best by more than this factor says nothing: the machine
/// was busy.
const SLOW_BASELINE: f64 = 1.1;

/// What was measured, and where.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    pub(crate) rows: Vec<RowResult>,
}

/// The figures of each contender in one run of a row.
pub(crate) type Run = [Option<Figure>; COUNT];

/// What was measured of a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RowResult {
    pub(crate) task: String,
    pub(crate) bytes: usize,
    /// At least one.
    pub(crate) runs: Vec<Run>,
    /// Why contenders that were asked for have no figures.
    pub(crate) unable: [Option<String>; COUNT],
}

/// How a contender compares with the best of some peers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ratio {
    /// Its time by that of the best peer: the median of the runs.
    pub(crate) value: f64,
    /// The best peer.
    pub(crate) peer: usize,
}

impl RowResult {
    pub(crate) fn name(&self) -> String {
        format!("{}/{}B", self.task, self.bytes)
    }

    /// Whether a contender was asked for.
    pub(crate) fn has(&self, contender: usize) -> bool {
        self.unable[contender].is_some() || self.runs[0][contender].is_some()
    }

    /// The shortest time of a contender in all runs.
    pub(crate) fn minimum(&self, contender: usize) -> Option<f64> {
        self.of_runs(|run| Some(run[contender]?.minimum)).into_iter().reduce(f64::min)
    }

    /// The median of a contender's medians.
    pub(crate) fn median(&self, contender: usize) -> Option<f64> {
        middle(self.of_runs(|run| Some(run[contender]?.median)))
    }

    /// How a contender compares with the best of `peers`.
    pub(crate) fn ratio(&self, contender: usize, peers: impl Fn(usize) -> bool) -> Option<Ratio> {
        let peers: Vec<usize> = (0..COUNT).filter(|&peer| peers(peer)).collect();
        let ratios = self.of_runs(|run| {
            let times = peers.iter().filter_map(|&peer| Some(run[peer]?.minimum));
            Some(run[contender]?.minimum / times.reduce(f64::min)?)
        });
        let with_times = peers.iter().filter_map(|&peer| Some((peer, self.minimum(peer)?)));
        let (peer, _) = with_times.min_by(|(_, a), (_, b)| a.total_cmp(b))?;
        Some(Ratio { value: middle(ratios)?, peer })
    }

    /// Drops the runs in which the baseline was slow; returns how many these were. Where the row
    /// has no baseline, all runs stay.
    pub(crate) fn drop_slow_runs(&mut self) -> usize {
        let Some(best) = self.minimum(BASELINE) else { return 0 };
        let before = self.runs.len();
        let slow = |run: &Run| run[BASELINE].is_some_and(|f| f.minimum > best * SLOW_BASELINE);
        self.runs.retain(|run| !slow(run));
        before - self.runs.len()
    }

    /// What `of` says of the runs of which it says something.
    fn of_runs(&self, of: impl Fn(&Run) -> Option<f64>) -> Vec<f64> {
        self.runs.iter().filter_map(of).collect()
    }
}

/// The median, if there is anything.
fn middle(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    (!numbers.is_empty()).then(|| median(&numbers))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A row of runs that give some contenders a time.
    pub(crate) fn row(task: &str, bytes: usize, runs: &[&[(usize, f64)]]) -> RowResult {
        let run = |times: &&[(usize, f64)]| {
            let mut run: Run = [None; COUNT];
            for &(contender, time) in *times {
                run[contender] = Some(Figure { minimum: time, median: time * 2.0 });
            }
            run
        };
        let runs = runs.iter().map(run).collect();
        RowResult { task: task.to_owned(), bytes, runs, unable: [const { None }; COUNT] }
    }

    #[test]
    fn ratios_are_medians_of_the_ratios_of_runs() {
        let runs: [&[(usize, f64)]; 3] =
            [&[(0, 2.0), (1, 4.0), (2, 5.0)], &[(0, 6.0), (1, 6.0)], &[(0, 3.0), (2, 4.0)]];
        let row = row("pair", 8, &runs);
        assert_eq!(row.minimum(0), Some(2.0));
        assert_eq!(row.median(0), Some(6.0));
        assert_eq!(row.ratio(0, |peer| peer > 0), Some(Ratio { value: 0.75, peer: 1 }));
        assert_eq!(row.ratio(0, |_| true), Some(Ratio { value: 1.0, peer: 0 }));
        assert_eq!(row.ratio(0, |peer| peer == 2), Some(Ratio { value: 0.575, peer: 2 }));
        assert_eq!(row.ratio(0, |peer| peer == 3), None);
        assert_eq!(row.ratio(3, |_| true), None);
    }

    #[test]
    fn slow_runs_are_dropped() {
        let runs: [&[(usize, f64)]; 3] = [&[(1, 10.0)], &[(1, 11.5)], &[(1, 10.9)]];
        let mut measured = row("pair", 8, &runs);
        assert_eq!(measured.drop_slow_runs(), 1);
        assert_eq!(measured.runs.len(), 2);
        let mut without = row("pair", 8, &[&[(0, 1.0)], &[(0, 9.0)]]);
        assert_eq!(without.drop_slow_runs(), 0);
    }
}
