//! Figures as text.

use std::fmt::Write as _;

use crate::contenders::{self, Kind};
use crate::run::Measured;

/// A row: a line for each contender.
pub(crate) fn section(measured: &Measured) -> String {
    let best = measured
        .timed()
        .filter(|(contender, _)| contender.kind != Kind::Ours)
        .map(|(_, figure)| figure.minimum)
        .fold(f64::INFINITY, f64::min);
    let mut text = format!(
        "{}\n{:20}{:>10}{:>10}{:>14}\n",
        measured.name, "  ns/op", "minimum", "median", "to best peer"
    );
    for (index, figure) in &measured.figures {
        let name = contenders::ALL[*index].name;
        let written = match figure {
            Ok(figure) => writeln!(
                text,
                "  {name:18}{:10.2}{:10.2}{:14.3}",
                figure.minimum,
                figure.median,
                figure.minimum / best
            ),
            Err(unable) => writeln!(text, "  {name:18}{:>10}   {unable}", "-"),
        };
        written.expect("text takes anything");
    }
    text.push('\n');
    text
}
