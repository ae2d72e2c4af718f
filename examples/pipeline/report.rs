//! What the program prints.

use std::fmt::Write as _;

use crate::threads::{Summary, Waits};
use crate::timing::Timing;

/// Everything as `key: value` lines. A run that was cut short has no times.
pub(crate) fn report(summary: &Summary, waits: Waits, timing: Option<&Timing>) -> String {
    let Summary { matched, sums } = summary;
    let tally = &matched.tally;
    // Writing to a string does not fail, so the results below hold nothing.
    let mut text = String::new();
    let _ = writeln!(text, "messages: {}", matched.messages);
    let _ = writeln!(text, "adds: {}", tally.adds);
    let _ = writeln!(text, "modified: {}", tally.modified);
    let _ = writeln!(text, "cancelled: {}", tally.cancelled);
    let _ = writeln!(text, "filled: {}", tally.filled);
    let _ = writeln!(text, "unknown_events: {}", tally.unknown);
    let _ = writeln!(text, "live: {}", matched.live);
    let _ = writeln!(text, "peak_live: {}", tally.peak_live);
    let _ = writeln!(text, "fills: {}", sums.fills);
    let _ = writeln!(text, "volume: {}", sums.volume);
    let _ = writeln!(text, "checksum: {:016x}", sums.checksum);
    let _ = writeln!(text, "feed_waits: {}", waits.feed);
    let _ = writeln!(text, "matcher_waits: {}", waits.matcher);
    if let Some(timing) = timing {
        write_rates(&mut text, matched.messages, timing);
        timing.write("message", &mut text);
    }
    text
}

fn write_rates(text: &mut String, messages: usize, timing: &Timing) {
    let least = |times: &[f64]| times.iter().copied().fold(f64::INFINITY, f64::min);
    let runs = match timing {
        Timing::Alone(ns) => vec![("", *ns)],
        Timing::Both { pool, heap } => vec![("pool_", least(pool)), ("box_", least(heap))],
    };
    for (name, ns) in runs {
        let _ = writeln!(text, "{name}ms: {:.2}", ns * messages as f64 / 1e6);
        let _ = writeln!(text, "{name}messages_per_second: {:.0}", 1e9 / ns);
    }
}
