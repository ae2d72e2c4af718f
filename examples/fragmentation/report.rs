//! What a run has to say, as text.

use std::fmt::Write as _;

use typed_pool::PoolStats;

use crate::day::Day;
use crate::play::Course;

/// The width of a row's name, and of a column.
const NAME: usize = 26;
const COLUMN: usize = 12;

/// The lines of the day, a column for each policy, and the last figures of the first one's pool.
pub(crate) fn report(day: &Day, seed: u64, courses: &[Course]) -> String {
    let mut text = String::new();
    for (key, value) in [
        ("hours", u64::from(day.hours)),
        ("seed", seed),
        ("spikes", day.spikes as u64),
        ("values_put_in", day.puts as u64),
        ("operations", day.len() as u64),
        ("peak_live", day.peak as u64),
        ("live_at_the_end", day.left as u64),
    ] {
        let _ = writeln!(text, "{key}: {value}");
    }
    text.push('\n');
    let names: Vec<String> = courses.iter().map(|course| course.policy.name().into()).collect();
    write_row(&mut text, "policy", &names);
    for (name, cell) in ROWS {
        let cells: Vec<String> = courses.iter().map(|course| cell(course, day)).collect();
        write_row(&mut text, name, &cells);
    }
    if let Some(course) = courses.first() {
        let _ =
            writeln!(text, "\nat the end, with policy {}:\n{}", course.policy.name(), course.end());
    }
    text
}

type Row = (&'static str, fn(&Course, &Day) -> String);

const ROWS: &[Row] = &[
    ("peak live, MiB", |course, _| mib(course.end().peak_bytes_live as f64)),
    ("peak reserved, MiB", |course, _| mib(course.end().peak_bytes_reserved as f64)),
    ("mean reserved, MiB", |course, _| mib(course.mean(|stats| stats.bytes_reserved as f64))),
    ("final reserved, MiB", |course, _| mib(course.end().bytes_reserved as f64)),
    ("mean fragmentation", |course, _| format!("{:.3}", course.mean(PoolStats::fragmentation))),
    ("final fragmentation", |course, _| format!("{:.3}", course.end().fragmentation())),
    ("upstream allocations", |course, _| course.end().upstream_allocations.to_string()),
    ("upstream releases", |course, _| course.end().upstream_releases.to_string()),
    ("values moved", |course, _| course.moved.to_string()),
    ("ns per operation", |course, day| {
        let took = course.stepping + course.acting;
        format!("{:.1}", took.as_nanos() as f64 / day.len() as f64)
    }),
    ("of which the policy's", |course, day| {
        format!("{:.1}", course.acting.as_nanos() as f64 / day.len() as f64)
    }),
    ("its longest call, ms", |course, _| format!("{:.2}", course.longest.as_secs_f64() * 1e3)),
];

/// Bytes in MiB.
pub(crate) fn mib(bytes: f64) -> String {
    format!("{:.2}", bytes / f64::from(1 << 20))
}

fn write_row(text: &mut String, name: &str, cells: &[String]) {
    let _ = write!(text, "{name:<NAME$}");
    for cell in cells {
        let _ = write!(text, "{cell:>COLUMN$}");
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::play::Player;
    use crate::policy::Policy;

    #[test]
    fn a_report_has_a_column_for_each_policy() {
        let day = Day::draw(1, 1);
        let courses = [Policy::None, Policy::Trim]
            .map(|policy| Player::new(&policy.pool(), day.places).play(&day, policy).unwrap());
        let text = report(&day, 1, &courses);
        let row = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap();
            line[NAME..].split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(row("policy"), ["none", "trim"]);
        assert!(ROWS.iter().all(|(name, _)| name.len() < NAME && row(name).len() == 2), "{text}");
        assert_eq!(
            (row("values moved"), &row("upstream releases")[0][..]),
            (vec!["0".to_owned(); 2], "0")
        );
        assert!(text.contains(&format!("\noperations: {}\n", day.len())));
        assert!(text.contains("with policy none:") && text.contains("chunks: "));
    }
}
