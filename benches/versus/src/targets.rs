//! What the figures are to be: our time by that of peers, at most.

use crate::contenders::{self, Kind, OURS};
use crate::results::{Ratio, Results, RowResult};

pub(crate) mod threads;

/// The sizes of values that targets are for, in bytes. Traces have sizes of their own.
const SIZES: [usize; 2] = [32, 64];

/// Whom a target compares with: the best of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Peers {
    /// Everyone who can free.
    Freeing,
    /// Pools whose handles free.
    RaiiPools,
    /// Pools that threads share.
    SharedPools,
    /// General allocators.
    Allocators,
    One(&'static str),
}

/// Our time by that of the best peer is to be `limit` at most in these rows.
struct Target {
    tasks: &'static [&'static str],
    peers: Peers,
    limit: f64,
}

/// The rows of the first targets, which ask more of pools whose handles free.
const CORE: &[&str] = &[
    "pair",
    "fill_1k",
    "fill_100k",
    "fill_free_same_1k",
    "fill_free_reverse_1k",
    "fill_free_random_1k",
    "fill_free_same_100k",
    "fill_free_reverse_100k",
    "fill_free_random_100k",
    "random_replace_1k",
];

/// The targets that name their rows.
const NAMED: &[Target] = &[
    Target { tasks: &["pair"], peers: Peers::Freeing, limit: 1.03 },
    Target { tasks: &["fill_100k"], peers: Peers::One("typed_arena"), limit: 0.85 },
    Target { tasks: &["fill_100k"], peers: Peers::One("bumpalo"), limit: 1.05 },
    Target {
        tasks: &["fill_free_same_1k", "fill_free_reverse_1k"],
        peers: Peers::Freeing,
        limit: 1.03,
    },
    Target { tasks: &["fill_free_random_100k"], peers: Peers::One("mimalloc"), limit: 0.75 },
    Target { tasks: &["fill_free_random_100k"], peers: Peers::Freeing, limit: 0.9 },
    Target { tasks: &["random_replace_1k"], peers: Peers::Freeing, limit: 1.03 },
    Target { tasks: &["random_replace_1m"], peers: Peers::One("mimalloc"), limit: 0.3 },
    Target { tasks: &["random_replace_1m"], peers: Peers::Freeing, limit: 0.9 },
    Target { tasks: &["walk_local_1m"], peers: Peers::Freeing, limit: 0.95 },
    Target {
        tasks: &["trace_sqlite3", "trace_cc1plus", "trace_espresso"],
        peers: Peers::One("mimalloc"),
        limit: 0.6,
    },
    Target { tasks: CORE, peers: Peers::RaiiPools, limit: 0.5 },
];

/// What every row that [`CORE`] does not name is to be, by the best pool whose handles free.
const OTHER_LIMIT: f64 = 1.0;

/// How a target turned out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Held,
    Missed,
    /// The row, or the peer, was not measured.
    Open,
}

/// A target in one row, and what was found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finding {
    pub(crate) row: String,
    pub(crate) against: &'static str,
    pub(crate) limit: f64,
    pub(crate) ratio: Option<Ratio>,
}

impl Finding {
    pub(crate) fn verdict(&self) -> Verdict {
        match self.ratio {
            None => Verdict::Open,
            Some(ratio) if ratio.value <= self.limit => Verdict::Held,
            Some(_) => Verdict::Missed,
        }
    }
}

impl Peers {
    fn has(self, index: usize) -> bool {
        let contender = contenders::ALL[index];
        match self {
            Self::Freeing => contender.kind.frees() && contender.kind.is_peer(),
            Self::RaiiPools => contender.kind == Kind::RaiiPool,
            Self::SharedPools => contender.kind == Kind::SharedPool,
            Self::Allocators => contender.kind == Kind::Allocator,
            Self::One(name) => contender.name == name,
        }
    }

    fn describe(self) -> &'static str {
        match self {
            Self::Freeing => "all that free",
            Self::RaiiPools => "RAII pools",
            Self::SharedPools => "shared pools",
            Self::Allocators => "allocators",
            Self::One(name) => name,
        }
    }
}

/// Whether a target is about values of such a size in such a row.
pub(crate) fn concern(task: &str, bytes: usize) -> bool {
    SIZES.contains(&bytes) || task.starts_with("trace_")
}

/// What was found of every target of the pool for one thread in the rows that were measured.
pub(crate) fn findings(results: &Results) -> Vec<Finding> {
    let mut findings = of_named(results, OURS, NAMED);
    let others = rows(results).filter(|row| !CORE.contains(&row.task.as_str()));
    for row in others.filter(|row| !threads::concern(&row.task)) {
        findings.push(finding(row, OURS, Peers::RaiiPools, OTHER_LIMIT));
    }
    findings
}

/// The rows that targets may be about.
fn rows(results: &Results) -> impl Iterator<Item = &RowResult> {
    results.rows.iter().filter(|row| concern(&row.task, row.bytes))
}

/// What was found of `targets` for one of our pools.
fn of_named(results: &Results, ours: usize, targets: &[Target]) -> Vec<Finding> {
    let of_target = |target: &Target| {
        let (tasks, peers, limit) = (target.tasks, target.peers, target.limit);
        let rows = rows(results).filter(|row| tasks.contains(&row.task.as_str()));
        rows.map(|row| finding(row, ours, peers, limit)).collect::<Vec<_>>()
    };
    targets.iter().flat_map(of_target).collect()
}

fn finding(row: &RowResult, ours: usize, peers: Peers, limit: f64) -> Finding {
    let ratio = row.ratio(ours, |peer| peers.has(peer));
    Finding { row: row.name(), against: peers.describe(), limit, ratio }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::machine::Machine;
    use crate::results::tests::row;
    use crate::workloads::operation::Operation;

    #[test]
    fn targets_name_rows_and_contenders_that_are() {
        let tasks: HashSet<String> = crate::rows::all().into_iter().map(|row| row.task).collect();
        for target in NAMED.iter().chain(threads::NAMED) {
            assert!(target.tasks.iter().all(|task| tasks.contains(*task)), "{:?}", target.tasks);
            assert!((0..contenders::COUNT).any(|peer| target.peers.has(peer)));
        }
        assert!(tasks.contains(&Operation::Pair.name()));
    }

    #[test]
    fn rows_are_compared_with_the_peers_of_their_targets() {
        let place = |name| contenders::ALL.iter().position(|c| c.name == name).unwrap();
        let times = [(OURS, 2.0), (place("mimalloc"), 1.9), (place("refpool"), 3.0)];
        let results = Results {
            machine: Machine::here(),
            rows: vec![row("pair", 32, &[&times]), row("pair", 8, &[&times])],
        };
        let findings = findings(&results);
        let rows: Vec<&str> = findings.iter().map(|finding| finding.row.as_str()).collect();
        assert_eq!(rows, ["pair/32B", "pair/32B"]);
        assert_eq!(findings[0].verdict(), Verdict::Missed);
        assert_eq!(findings[0].ratio.unwrap().peer, place("mimalloc"));
        assert_eq!(findings[1].verdict(), Verdict::Missed);
        assert_eq!(findings[1].ratio.unwrap().peer, place("refpool"));
    }

    #[test]
    fn what_was_not_measured_is_open() {
        let alone = row("larson", 64, &[&[(OURS, 2.0)]]);
        assert_eq!(finding(&alone, OURS, Peers::RaiiPools, OTHER_LIMIT).verdict(), Verdict::Open);
    }
}
