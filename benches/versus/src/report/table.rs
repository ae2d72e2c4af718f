//! Figures as text.

use std::fmt::Write as _;

use crate::contenders::{self, COUNT};
use crate::results::RowResult;
use crate::targets::{Finding, Verdict};

/// A row: a line for each contender that was asked for, with its time by that of the fastest but
/// the pool of this crate.
pub(crate) fn section(row: &RowResult) -> String {
    let mut text =
        format!("{:20}{:>10}{:>10}{:>14}\n", row.name(), "minimum", "median", "to best peer");
    for contender in (0..COUNT).filter(|&contender| row.has(contender)) {
        let name = contenders::ALL[contender].name;
        if let Some(reason) = &row.unable[contender] {
            text += &format!("  {name:18}{:>10}   {reason}\n", "-");
            continue;
        }
        let [minimum, median] =
            [row.minimum(contender), row.median(contender)].map(|time| cell(time, 2));
        let ratio = cell(
            row.ratio(contender, |peer| contenders::ALL[peer].kind.is_peer())
                .map(|ratio| ratio.value),
            3,
        );
        text += &format!("  {name:18}{minimum:>10}{median:>10}{ratio:>14}\n");
    }
    text.push('\n');
    text
}

/// Targets: a line for each row that one is about.
pub(crate) fn findings(title: &str, findings: &[Finding]) -> String {
    let mut text =
        format!("{title:28}{:16}{:>8}{:>8}  {:8}{}\n", "against", "at most", "is", "", "best peer");
    for finding in findings {
        let verdict = match finding.verdict() {
            Verdict::Held => "held",
            Verdict::Missed => "MISSED",
            Verdict::Open => "open",
        };
        let ratio = cell(finding.ratio.map(|ratio| ratio.value), 3);
        let peer = finding.ratio.map_or("", |ratio| contenders::ALL[ratio.peer].name);
        let Finding { row, against, limit, .. } = finding;
        text += &format!("{row:28}{against:16}{limit:8.2}{ratio:>8}  {verdict:8}{peer}\n");
    }
    let missed = findings.iter().filter(|finding| finding.verdict() == Verdict::Missed).count();
    writeln!(text, "{missed} of {} missed", findings.len()).expect("text takes anything");
    text
}

/// A figure for print.
fn cell(figure: Option<f64>, digits: usize) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.digits$}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::row;

    #[test]
    fn contenders_without_a_figure_say_why() {
        let mut measured = row("pair", 8, &[&[(0, 1.5), (1, 3.0)]]);
        measured.unable[5] = Some("never frees".to_owned());
        let text = section(&measured);
        let lines: Vec<&str> = text.trim_end().lines().collect();
        assert_eq!(lines[1], "  typed_pool              1.50      3.00         0.500");
        assert_eq!(lines[2], "  box                     3.00      6.00         1.000");
        assert_eq!(lines[3], "  typed_arena                -   never frees");
        assert_eq!(lines.len(), 4);
    }
}
