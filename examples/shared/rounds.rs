//! Rounds in which several runners take turns, and the times they took.

/// Has each of `runners` runners run once a round; `times[runner][round]` is what `run` says it
/// took.
///
/// Who begins moves on by one each round, so that none profits always from what the same other one
/// leaves in the caches.
pub(crate) fn rotate<E>(
    rounds: usize,
    runners: usize,
    mut run: impl FnMut(usize) -> Result<f64, E>,
) -> Result<Vec<Vec<f64>>, E> {
    let mut times = vec![Vec::with_capacity(rounds); runners];
    for round in 0..rounds {
        for turn in 0..runners {
            let runner = (round + turn) % runners;
            times[runner].push(run(runner)?);
        }
    }
    Ok(times)
}

/// The times, the shortest first. There is at least one.
#[derive(Debug)]
pub(crate) struct Sorted(Vec<f64>);

impl Sorted {
    pub(crate) fn new(times: impl IntoIterator<Item = f64>) -> Self {
        let mut times: Vec<f64> = times.into_iter().collect();
        assert!(!times.is_empty(), "nothing was run");
        times.sort_by(f64::total_cmp);
        Self(times)
    }

    pub(crate) fn least(&self) -> f64 {
        self.0[0]
    }

    /// The middle one; of an even number, the longer of the two.
    pub(crate) fn median(&self) -> f64 {
        self.0[self.0.len() / 2]
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn each_runs_once_a_round_and_begins_in_turn() {
        let mut order = Vec::new();
        let Ok(times) = rotate(4, 3, |runner| {
            order.push(runner);
            Ok::<_, Infallible>(order.len() as f64)
        });
        assert_eq!(order, [0, 1, 2, 1, 2, 0, 2, 0, 1, 0, 1, 2]);
        assert_eq!(times[0], [1.0, 6.0, 8.0, 10.0]);
    }

    #[test]
    fn the_first_failure_ends_the_rounds() {
        let mut runs = 0;
        let failed = rotate(3, 2, |runner| {
            runs += 1;
            if runner == 1 { Err("refused") } else { Ok(1.0) }
        });
        assert_eq!((failed, runs), (Err("refused"), 2));
    }

    #[test]
    fn the_least_and_the_middle_of_times_are_found() {
        let sorted = Sorted::new([3.0, 1.0, 9.0, 2.0]);
        assert_eq!((sorted.least(), sorted.median()), (1.0, 3.0));
        assert_eq!(Sorted::new([5.0]).median(), 5.0);
    }
}
