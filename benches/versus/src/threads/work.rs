//! What threads do: every work by name, and the body that does it on a heap.

use std::thread;

use super::{larson, pass, replace, stress};
use crate::contenders::SharedTask;
use crate::heap::Shared;
use crate::warm_up;
use crate::workloads::Workload;
use crate::workloads::operation::{LARSON_LIVE, Unable, abbreviated};
use crate::workloads::replace::LARSON_GENERATION;

/// The number of values from which on none is put in by looking through all of them.
const TOO_MANY_TO_SEARCH: usize = 100_000;

/// The numbers of threads.
const TEAMS: [usize; 5] = [1, 2, 4, 8, 16];

/// What each thread does, and with how many values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Replace(usize),
    Pass(usize),
    Larson(usize),
    Stress(usize),
}

/// Some work, and how many threads do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Threaded {
    work: Work,
    pub(crate) threads: usize,
}

/// The number of processors that threads of this process can run on.
pub(crate) fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

impl Threaded {
    /// All that is measured where `processors` threads can run at a time, and in any case by one
    /// thread and by two.
    pub(crate) fn all(processors: usize) -> impl Iterator<Item = Self> {
        let works = [
            Work::Replace(1_000),
            Work::Replace(100_000),
            Work::Pass(1_000),
            Work::Larson(LARSON_LIVE),
            Work::Stress(7_500),
        ];
        let with_teams = works.into_iter().flat_map(|work| TEAMS.map(|threads| (work, threads)));
        with_teams
            .filter(move |(_, threads)| *threads <= processors.max(2))
            .filter(|(work, threads)| !matches!(work, Work::Pass(_)) || threads % 2 == 0)
            .map(|(work, threads)| Self { work, threads })
    }

    /// Its name, which filters match.
    pub(crate) fn name(self) -> String {
        let work = match self.work {
            Work::Replace(count) => format!("mt_replace_{}", abbreviated(count)),
            // A batch, not how many are alive.
            Work::Pass(count) => format!("mt_pass_{count}"),
            Work::Larson(_) => "mt_larson".into(),
            Work::Stress(_) => "mt_mstress".into(),
        };
        format!("{work}_{}t", self.threads)
    }

    /// The most values that are alive at once.
    pub(crate) fn count(self) -> usize {
        match self.work {
            Work::Replace(count) | Work::Larson(count) => self.threads * count,
            Work::Pass(count) => self.threads / 2 * pass::BATCHES * count,
            Work::Stress(count) => stress::most_alive(self.threads, count),
        }
    }

    /// The number of operations of one thread that one iteration of a body measures. For what is
    /// passed on, that is one at both ends.
    pub(crate) fn elements(self) -> usize {
        match self.work {
            Work::Replace(_) => 1,
            Work::Larson(_) => LARSON_GENERATION,
            Work::Pass(count) | Work::Stress(count) => count,
        }
    }

    /// How often a thread does it before a block, at least.
    pub(crate) fn warm_up(self) -> u64 {
        match self.work {
            Work::Replace(count) => warm_up::picks_among(count),
            Work::Pass(_) | Work::Larson(_) | Work::Stress(_) => 0,
        }
    }

    /// The same with at most `most` values, for tests.
    pub(crate) fn at_most(self, most: usize) -> Self {
        let work = match self.work {
            Work::Replace(count) => Work::Replace(count.min(most)),
            Work::Pass(count) => Work::Pass(count.min(most)),
            Work::Larson(count) => Work::Larson(count.min(most)),
            Work::Stress(count) => Work::Stress(count.min(most)),
        };
        Self { work, ..self }
    }
}

impl<const WORDS: usize> SharedTask<WORDS> for Threaded {
    fn on<H: Shared<WORDS>>(&self) -> Result<Workload, Unable> {
        if H::SEARCHES && self.count() >= TOO_MANY_TO_SEARCH {
            return Err("it would look through 100,000 values for each");
        }
        let Self { work, threads } = *self;
        Ok(match work {
            Work::Replace(count) => {
                Box::new(move |run| replace::replace::<WORDS, H>(threads, count, run))
            }
            Work::Pass(count) => Box::new(move |run| pass::pass::<WORDS, H>(threads, count, run)),
            Work::Larson(count) => {
                Box::new(move |run| larson::larson::<WORDS, H>(threads, count, run))
            }
            Work::Stress(count) => {
                Box::new(move |run| stress::stress::<WORDS, H>(threads, count, run))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn teams_are_as_large_as_the_machine_and_two_at_least() {
        let largest = |processors| Threaded::all(processors).map(|all| all.threads).max();
        assert_eq!([1, 2, 7, 64].map(largest), [2, 2, 4, 16].map(Some));
        assert!(Threaded::all(2).all(|all| all.name() != "mt_pass_1000_1t"));
    }
}
