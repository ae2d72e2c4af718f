//! What the figures of the pool that threads share are to be.

use super::{Finding, Peers, Target, finding, of_named, rows};
use crate::contenders::{ALL, COUNT, OURS_SHARED};
use crate::results::{Ratio, Results, RowResult};

/// The rows in which each thread replaces its own values, by one thread and by two.
const REPLACE: [[&str; 2]; 2] =
    [["mt_replace_1k_1t", "mt_replace_1k_2t"], ["mt_replace_100k_1t", "mt_replace_100k_2t"]];

/// The rows of two threads with values of their own.
const TWO_REPLACE: &[&str] = &[REPLACE[0][1], REPLACE[1][1]];

/// The targets that name their rows.
pub(super) const NAMED: &[Target] = &[
    Target { tasks: &["pair"], peers: Peers::One("typed_pool"), limit: 1.6 },
    Target { tasks: &["pair"], peers: Peers::One("mimalloc"), limit: 0.8 },
    Target { tasks: &["pair"], peers: Peers::One("jemalloc"), limit: 0.8 },
    Target { tasks: &["pair"], peers: Peers::One("snmalloc"), limit: 0.8 },
    Target { tasks: TWO_REPLACE, peers: Peers::One("mimalloc"), limit: 0.75 },
    Target { tasks: TWO_REPLACE, peers: Peers::Allocators, limit: 0.95 },
    Target { tasks: &["mt_pass_1000_2t"], peers: Peers::One("snmalloc"), limit: 0.75 },
    Target { tasks: &["mt_pass_1000_2t"], peers: Peers::One("mimalloc"), limit: 0.4 },
    Target { tasks: &["mt_pass_1000_2t"], peers: Peers::One("box"), limit: 0.2 },
    Target { tasks: &["mt_larson_2t", "mt_mstress_2t"], peers: Peers::Allocators, limit: 0.9 },
];

/// What every row of threads is to be, by the best pool that threads share.
const POOLS_LIMIT: f64 = 0.5;

/// What the time of two threads by that of one is to be, by that of the contender of whom it is
/// the least: no worse, but for noise.
const SCALING_LIMIT: f64 = 1.03;

/// Whether a row is one of threads.
pub(super) fn concern(task: &str) -> bool {
    task.starts_with("mt_")
}

/// What was found of every target in the rows that were measured.
pub(crate) fn findings(results: &Results) -> Vec<Finding> {
    let mut findings = of_named(results, OURS_SHARED, NAMED);
    for row in rows(results).filter(|row| concern(&row.task)) {
        findings.push(finding(row, OURS_SHARED, Peers::SharedPools, POOLS_LIMIT));
    }
    for [one, two] in REPLACE {
        for two in rows(results).filter(|row| row.task == two) {
            let one = rows(results).find(|row| row.task == one && row.bytes == two.bytes);
            findings.extend(one.map(|one| scaling(one, two)));
        }
    }
    findings
}

/// How the time of two threads by that of one compares with that of the best contender.
fn scaling(one: &RowResult, two: &RowResult) -> Finding {
    let of = |contender| Some(two.minimum(contender)? / one.minimum(contender)?);
    let peers = (0..COUNT).filter(|&peer| ALL[peer].kind.is_peer());
    let of_peers = peers.filter_map(|peer| Some((peer, of(peer)?)));
    let best = of_peers.min_by(|(_, a), (_, b)| a.total_cmp(b));
    let ratio = |(peer, best)| Some(Ratio { value: of(OURS_SHARED)? / best, peer });
    Finding {
        row: two.name(),
        against: "1t, as others",
        limit: SCALING_LIMIT,
        ratio: best.and_then(ratio),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contenders::BASELINE;
    use crate::machine::Machine;
    use crate::results::tests::row;
    use crate::targets::Verdict;

    #[test]
    fn scaling_is_compared_with_that_of_the_best() {
        let [one, two] = REPLACE[0];
        let times = |ours, theirs| [(OURS_SHARED, ours), (BASELINE, theirs), (BASELINE + 1, 9.0)];
        let rows = vec![row(one, 32, &[&times(2.0, 10.0)]), row(two, 32, &[&times(3.0, 8.0)])];
        let findings = findings(&Results { machine: Machine::here(), rows });
        let found = findings.last().unwrap();
        let ratio = found.ratio.unwrap();
        assert_eq!((found.verdict(), ratio.peer), (Verdict::Missed, BASELINE));
        assert!((ratio.value - 1.5 / 0.8).abs() < 1e-9);
        assert_eq!(findings.iter().filter(|all| all.against == "1t, as others").count(), 1);
    }
}
