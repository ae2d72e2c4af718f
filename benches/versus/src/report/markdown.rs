//! The key rows as a table for a README.

use crate::contenders::{self, COUNT, Kind};
use crate::results::Results;

use super::key;

/// Minima of the key rows, in nanoseconds for one operation, and the machine.
///
/// # Errors
///
/// A key row was not measured.
pub(crate) fn table(results: &Results) -> Result<String, String> {
    let rows = key::rows(results)?;
    let mut text = format!(
        "Nanoseconds for one operation on values of {} bytes, the shortest of many interleaved \
         blocks:\n\n|",
        key::BYTES
    );
    for row in &rows {
        text += &format!(" | {}", row.title);
    }
    text += &format!(" |\n|---|{}\n", "--:|".repeat(rows.len()));
    let shown = |contender: &usize| rows.iter().any(|row| row.shows(*contender));
    for contender in (0..COUNT).filter(shown) {
        text += &format!("| {}", contenders::ALL[contender].title);
        for row in &rows {
            let time = row.row.minimum(contender);
            text += &time.map_or_else(|| " | –".to_owned(), |time| format!(" | {time:.1}"));
        }
        text += " |\n";
    }
    let raii = contenders::ALL.iter().filter(|contender| contender.kind == Kind::RaiiPool);
    let raii: Vec<&str> = raii.map(|contender| contender.title).collect();
    text += &format!(
        "\nOf the pools, {} have handles that free; nexus-slab is freed by hand. Measured on {}.\n",
        raii.join(", "),
        results.machine.describe()
    );
    Ok(text)
}
