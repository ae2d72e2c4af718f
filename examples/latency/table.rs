//! The report as text, in at most 100 columns: bars of the times by powers of two, and quantiles.

use std::fmt::Write as _;

use crate::contest::{Contest, Measured};
use crate::record::Record;
use crate::timed::Pair;
use crate::times::{QUANTILES, Times};

/// The widest line.
const WIDTH: usize = 100;

/// The widest bar.
const BAR: usize = 24;

/// The width of a bucket's label with the gap behind it, and of a count with the gap before it.
const LABEL: usize = 11;
const COUNT: usize = 10;

/// The width of a contender's name before its quantiles.
const NAME: usize = 18;

/// One of the two operations: its name and where its times are.
pub(crate) type Operation = (&'static str, fn(&Pair) -> &Times);

pub(crate) const OPERATIONS: [Operation; 2] =
    [("allocate", |pair| &pair.allocate), ("free", |pair| &pair.free)];

/// What was run, on what.
#[derive(Debug)]
pub(crate) struct Run<'r> {
    pub(crate) source: &'r str,
    pub(crate) events: usize,
    pub(crate) rounds: usize,
    pub(crate) machine: &'r str,
}

/// The times that tell of a heap in use: those of the later rounds, or of the only one.
pub(crate) fn settled(result: &Measured, rounds: usize) -> &Pair {
    if rounds > 1 { &result.later } else { &result.first }
}

/// Writes the whole report.
pub(crate) fn report(run: &Run, contest: &Contest) -> String {
    let Run { source, events, rounds, machine } = run;
    let [least, middle, most] = contest.clock.cost;
    // Writing to a string does not fail, so the results below hold nothing.
    let mut text = format!("machine: {machine}\nsource: {source}\n");
    let _ = writeln!(text, "events: {events}\nrounds: {rounds}");
    let _ = writeln!(text, "value: an order of {} bytes", size_of::<Record>());
    let _ = writeln!(text, "peak_live: {}", contest.tally.peak_live);
    let _ = writeln!(text, "checksum: {:016x}", contest.checksum);
    let _ = writeln!(text, "clock: {}", contest.clock.description);
    let _ = writeln!(text, "clock_cost: {middle:.1} ns ({least:.1} to {most:.1}), subtracted");
    let _ = writeln!(text, "clock_step: {:.1} ns", contest.clock.step);
    let when = match rounds {
        1 => "the only round, on cold heaps".to_owned(),
        2 => "round 2".to_owned(),
        last => format!("rounds 2 to {last}"),
    };
    for (name, times) in OPERATIONS {
        let rows = rows(contest, |result| times(settled(result, *rounds)));
        let _ = writeln!(
            text,
            "\n{name}, {when}: how many took at least so long; bars are logarithmic"
        );
        bars(&mut text, &rows);
        text.push('\n');
        quantiles(&mut text, &rows);
    }
    if *rounds > 1 {
        for (name, times) in OPERATIONS {
            let _ = writeln!(text, "\n{name}, round 1, on cold heaps");
            quantiles(&mut text, &rows(contest, |result| times(&result.first)));
        }
    }
    text
}

/// A contender's name and its times.
type Row<'c> = (&'static str, &'c Times);

fn rows<'c>(contest: &'c Contest, times: impl Fn(&'c Measured) -> &'c Times) -> Vec<Row<'c>> {
    contest.results.iter().map(|result| (result.name, times(result))).collect()
}

/// A bar for every bucket of every contender, the contenders beside each other.
fn bars(text: &mut String, rows: &[Row<'_>]) {
    let column = (WIDTH - LABEL) / rows.len();
    let width = column.saturating_sub(COUNT + 2).clamp(1, BAR);
    let _ = write!(text, "{:LABEL$}", "");
    let heads = rows.iter().map(|(name, _)| format!("{name:<0$}", width + COUNT + 2));
    let _ = writeln!(text, "{}", heads.collect::<String>().trim_end());
    let all: Vec<Vec<u64>> = rows.iter().map(|(_, times)| times.buckets()).collect();
    let most = all.iter().flatten().copied().max().unwrap_or(0);
    let longest = all.iter().map(Vec::len).max().unwrap_or(0);
    let first = all.iter().filter_map(|buckets| buckets.iter().position(|&count| count > 0)).min();
    for bucket in first.unwrap_or(0)..longest {
        let from = if bucket == 0 { 0.0 } else { (1_u64 << (bucket - 1)) as f64 };
        let mut line = format!("{:>width$}  ", nanoseconds(from), width = LABEL - 2);
        for buckets in &all {
            let count = buckets.get(bucket).copied().unwrap_or(0);
            let bar = "#".repeat(bar(count, most, width));
            let count = if count == 0 { String::new() } else { count.to_string() };
            let _ = write!(line, "{bar:<width$}{count:>COUNT$}  ");
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
}

/// The length of a bar on a logarithmic scale, on which one operation can be seen.
fn bar(count: u64, most: u64, width: usize) -> usize {
    let share = ((1 + count) as f64).ln() / ((1 + most.max(1)) as f64).ln();
    (share * width as f64).ceil() as usize
}

/// The quantiles, a contender a line.
fn quantiles(text: &mut String, rows: &[Row<'_>]) {
    let _ = write!(text, "{:NAME$}", "");
    for (name, _) in QUANTILES {
        let _ = write!(text, "{name:>12}");
    }
    let _ = writeln!(text, "{:>14}", "operations");
    for (name, times) in rows {
        let _ = write!(text, "{name:<NAME$}");
        for (_, share) in QUANTILES {
            let time = times.quantile(share).map_or("-".to_owned(), nanoseconds);
            let _ = write!(text, "{time:>12}");
        }
        let _ = writeln!(text, "{:>14}", times.count());
    }
}

/// A time in the unit that suits it, to three digits or so.
pub(crate) fn nanoseconds(ns: f64) -> String {
    match ns {
        ns if ns < 99.95 => format!("{ns:.1} ns"),
        ns if ns < 999.5 => format!("{ns:.0} ns"),
        ns if ns < 99_950.0 => format!("{:.1} µs", ns / 1e3),
        ns if ns < 999_500.0 => format!("{:.0} µs", ns / 1e3),
        ns if ns < 99_950_000.0 => format!("{:.1} ms", ns / 1e6),
        ns => format!("{:.0} ms", ns / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::Tally;
    use crate::contest::ClockUsed;

    fn contest(names: &[&'static str]) -> Contest {
        let mut pair = Pair::new(1.0);
        for ns in [0, 9, 9, 40, 3_000, 7_000_000_000] {
            (0..100_000 / (ns + 1) + 1).for_each(|_| pair.allocate.add(ns, 0));
        }
        let result = |&name| Measured { name, first: pair.clone(), later: pair.clone() };
        Contest {
            results: names.iter().map(result).collect(),
            clock: ClockUsed { description: "a clock".into(), cost: [1.0; 3], step: 1.0 },
            tally: Tally::default(),
            checksum: 0,
        }
    }

    #[test]
    fn no_line_is_wider_than_100_columns() {
        let names = ["pool", "pool, prefaulted", "box", "mimalloc"];
        for count in 1..=names.len() {
            for rounds in 1..=3 {
                let run = Run { source: "a file", events: 1, rounds, machine: "a machine" };
                let text = report(&run, &contest(&names[..count]));
                for line in text.lines() {
                    assert!(line.chars().count() <= WIDTH, "{line}");
                }
                assert_eq!(
                    text.matches("round 1, on cold").count(),
                    if rounds > 1 { 2 } else { 0 }
                );
            }
        }
    }

    #[test]
    fn an_operation_that_never_happened_has_no_figures() {
        let run = Run { source: "a file", events: 1, rounds: 1, machine: "a machine" };
        let text = report(&run, &contest(&["pool"]));
        let free = text.split("\nfree").nth(1).unwrap();
        let figures: Vec<&str> = free.lines().last().unwrap().split_whitespace().collect();
        assert_eq!(figures, ["pool", "-", "-", "-", "-", "-", "0"]);
    }

    #[test]
    fn a_bar_grows_with_its_count_and_one_operation_shows() {
        let lengths = [0, 1, 10, 1_000, 1_000_000].map(|count| bar(count, 1_000_000, 20));
        assert_eq!(lengths[0], 0);
        assert!(lengths.is_sorted_by(|a, b| a < b), "{lengths:?}");
        assert_eq!(lengths[4], 20);
        assert_eq!(bar(0, 0, 20), 0);
    }

    #[test]
    fn times_have_the_unit_that_suits_them() {
        for (ns, text) in [
            (0.0, "0.0 ns"),
            (99.94, "99.9 ns"),
            (99.96, "100 ns"),
            (999.4, "999 ns"),
            (999.6, "1.0 µs"),
            (131_072.0, "131 µs"),
            (1_048_576.0, "1.0 ms"),
            (250e6, "250 ms"),
        ] {
            assert_eq!(nanoseconds(ns), text);
        }
    }
}
