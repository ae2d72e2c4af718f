//! What the program prints.

use std::fmt::Write as _;

use crate::contest::{Contender, Times, ratios};
use crate::program::Program;
use crate::rounds::Sorted;
use crate::usage::Usage;

/// Everything that was found out about a trace.
#[derive(Debug)]
pub(crate) struct Findings<'f> {
    pub(crate) machine: &'f str,
    /// The name of the file.
    pub(crate) name: &'f str,
    pub(crate) program: &'f Program,
    pub(crate) times: &'f Times,
    pub(crate) usage: Option<&'f Usage>,
    /// The most bytes that mimalloc had committed.
    pub(crate) committed: Option<usize>,
}

/// Everything as `key: value` lines.
pub(crate) fn report(findings: &Findings<'_>) -> String {
    let &Findings { machine, name, program, times, usage, committed } = findings;
    let tally = program.tally();
    let live = tally.peak_live_bytes;
    // Writing to a string does not fail, so the results below hold nothing.
    let mut text = format!("machine: {machine}\nfile: {name}\n");
    let _ = writeln!(text, "events: {}", tally.events);
    let _ = writeln!(text, "objects: {}", tally.objects);
    let _ = writeln!(text, "threads: {}", tally.threads);
    let _ = writeln!(text, "peak_live_objects: {}", tally.peak_live_objects);
    let _ = writeln!(text, "peak_live_bytes: {live}");
    let _ = writeln!(text, "live_at_end: {}", tally.live_at_end);
    let _ = writeln!(text, "steps: {}", program.steps().len());
    let _ = writeln!(text, "rounds: {}", times.floor.len());
    write_times(&mut text, times);
    if let Some(usage) = usage {
        let Usage { end, upstream, .. } = usage;
        write_memory(&mut text, "pool", "reserved", usage.peak_reserved, live);
        let _ = writeln!(text, "upstream_reservations: {}", end.upstream_allocations);
        let _ = writeln!(text, "upstream_direct: {}", end.direct_allocations);
        let _ = writeln!(text, "upstream_requests: {}", upstream.requests);
        let _ = writeln!(text, "upstream_releases: {}", upstream.releases);
        let _ = writeln!(text, "upstream_calls: {}", upstream.requests + upstream.releases);
        let _ = writeln!(text, "upstream_peak_bytes: {}", upstream.peak_bytes);
    }
    if let Some(committed) = committed {
        write_memory(&mut text, "mimalloc", "committed", committed, live);
    }
    text
}

fn write_times(text: &mut String, times: &Times) {
    let contenders = times.contenders.iter().map(|(of, times)| (of.name(), times));
    for (name, times) in [("floor", &times.floor)].into_iter().chain(contenders) {
        let times = Sorted::new(times.iter().copied());
        let _ = writeln!(text, "{name}_ns_per_event_min: {:.2}", times.least());
        let _ = writeln!(text, "{name}_ns_per_event_median: {:.2}", times.median());
    }
    let Some(pool) = times.of(Contender::Pool) else { return };
    for other in [Contender::Mimalloc, Contender::System] {
        let Some(of_other) = times.of(other) else { continue };
        let (median, least) = ratios(pool, of_other);
        let _ = writeln!(text, "pool_over_{}_median: {median:.3}", other.name());
        let _ = writeln!(text, "pool_over_{}_min: {least:.3}", other.name());
    }
}

/// The most bytes that an allocator had, beside the most that were live.
fn write_memory(text: &mut String, name: &str, had: &str, peak: usize, live: usize) {
    let over = (peak as f64 - live as f64) / live as f64;
    let _ = writeln!(text, "{name}_peak_{had}_bytes: {peak}");
    // A trace without a byte has no such figure.
    if live > 0 {
        let _ = writeln!(text, "{name}_realised_fragmentation: {over:.3}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{program, trace};
    use crate::usage::of_pool;

    fn keys(program: &Program, contenders: Vec<(Contender, Vec<f64>)>) -> Vec<String> {
        let usage = of_pool(program, 1).unwrap();
        let times = Times { floor: vec![1.0], contenders };
        let text = report(&Findings {
            machine: "a machine",
            name: "a.mtr",
            program,
            times: &times,
            usage: Some(&usage),
            committed: Some(7),
        });
        let keys = text.lines().map(|line| line.split_once(": ").unwrap().0.to_owned());
        keys.collect()
    }

    #[test]
    fn every_figure_has_a_key_of_its_own() {
        let all = Contender::ALL.iter().map(|&contender| (contender, vec![2.0])).collect();
        let keys = keys(&trace(), all);
        assert_eq!(keys.iter().filter(|key| key.contains("ns_per_event")).count(), 8);
        assert_eq!(keys.iter().filter(|key| key.contains("_over_")).count(), 4);
        assert_eq!(keys.iter().filter(|key| key.contains("fragmentation")).count(), 2);
        let mut distinct = keys.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), keys.len());
    }

    #[test]
    fn who_plays_alone_is_compared_with_nothing() {
        let keys = keys(&program(""), vec![(Contender::Pool, vec![2.0])]);
        assert!(!keys.iter().any(|key| key.contains("_over_") || key.contains("fragmentation")));
    }
}
