//! The quantiles as a drawing: a panel for each operation, a line for each contender.
//!
//! The further right, the rarer: each step is one more nine of the quantile, so the tail has as
//! much room as the middle.

use std::error::Error;

use plotters::prelude::{
    ChartBuilder, Color, DrawingBackend, IntoLogRange, LineSeries, PathElement, Text,
};

use crate::contest::Contest;
use crate::drawing::{self, Area, COLOURS, set_mesh, style, write_lines};
use crate::table::{OPERATIONS, Run, nanoseconds, settled};
use crate::times::Times;

const SIZE: (u32, u32) = (1_000, 500);

/// The height of what stands above the panels.
const HEAD: u32 = 100;

/// The width of a contender's name with the stroke before it.
const NAME: i32 = 140;

/// The points of a line for each nine.
const POINTS: usize = 200;

/// A time in nanoseconds below which the drawing shows no differences.
const FLOOR: f64 = 1.0;

/// A contender's name and its times.
type Line<'c> = (&'static str, &'c Times);

/// Draws a contest as the text of an SVG file.
pub(crate) fn draw(run: &Run, contest: &Contest) -> Result<String, String> {
    drawing::svg(SIZE, |root| fill(root, run, contest))
}

fn fill<B>(root: &Area<B>, run: &Run, contest: &Contest) -> Result<(), Box<dyn Error>>
where
    B: DrawingBackend,
    B::ErrorType: 'static,
{
    let (head, body) = root.split_vertically(HEAD);
    let names: Vec<&str> = contest.results.iter().map(|result| result.name).collect();
    write_head(&head, run, contest, &names)?;
    let lines = OPERATIONS.map(|(name, times)| {
        let lines = contest.results.iter().map(|result| {
            let line: Line<'_> = (result.name, times(settled(result, run.rounds)));
            line
        });
        (name, lines.collect::<Vec<_>>())
    });
    // One scale for both panels, so that they can be compared.
    let all = || lines.iter().flat_map(|(_, lines)| lines).map(|(_, times)| *times);
    let longest = all().filter_map(|times| times.quantile(1.0)).fold(FLOOR, f64::max);
    let rarest = all().map(nines).fold(1.0, f64::max);
    for (panel, (name, lines)) in body.split_evenly((1, lines.len())).iter().zip(&lines) {
        draw_panel(panel, name, lines, rarest, longest)?;
    }
    Ok(())
}

/// The title, what was measured where, and the names of the lines.
fn write_head<B>(
    head: &Area<B>,
    run: &Run,
    contest: &Contest,
    names: &[&str],
) -> Result<(), Box<dyn Error>>
where
    B: DrawingBackend,
    B::ErrorType: 'static,
{
    let Run { source, events, rounds, machine } = run;
    let (cost, step) = (nanoseconds(contest.clock.cost[1]), nanoseconds(contest.clock.step));
    let clock = &contest.clock.description;
    let when = if *rounds > 1 { "round 1 left out" } else { "on cold heaps" };
    let lines = [
        "Latency of single operations on the orders of a book".to_owned(),
        machine.to_string(),
        format!("{source}; {events} events, rounds: {rounds}, {when}"),
        format!("{clock}, in steps of {step}; its own cost, {cost}, is subtracted"),
    ];
    write_lines(head, lines.into())?;
    let mut x = SIZE.0 as i32 - 20 - NAME * names.len() as i32;
    for (name, colour) in names.iter().zip(COLOURS.iter().cycle()) {
        head.draw(&PathElement::new([(x, 21), (x + 24, 21)], colour.stroke_width(3)))?;
        head.draw(&Text::new((*name).to_owned(), (x + 32, 14), style(14.0)))?;
        x += NAME;
    }
    Ok(())
}

fn draw_panel<B>(
    panel: &Area<B>,
    name: &str,
    lines: &[Line<'_>],
    rarest: f64,
    longest: f64,
) -> Result<(), Box<dyn Error>>
where
    B: DrawingBackend,
    B::ErrorType: 'static,
{
    let across = 0.0..rarest;
    let up = (FLOOR..longest * 2.0).log_scale();
    let mut chart = ChartBuilder::on(panel)
        .margin_left(10)
        .margin_right(26)
        .margin_bottom(10)
        .caption(name, style(16.0))
        .x_label_area_size(36)
        .y_label_area_size(64)
        .build_cartesian_2d(across, up)?;
    let mut mesh = chart.configure_mesh();
    set_mesh(&mut mesh);
    mesh.x_desc("share of operations that took no longer")
        .x_labels(rarest as usize + 1)
        .x_label_formatter(&|&nines| share(nines))
        .y_label_formatter(&|&ns| nanoseconds(ns).replace(".0", ""))
        .draw()?;
    for ((_, times), colour) in lines.iter().zip(COLOURS.iter().cycle()) {
        chart.draw_series(LineSeries::new(points(times), colour.stroke_width(2)))?;
    }
    Ok(())
}

/// How many nines the rarest time of all has: one for every ten operations, two for a hundred.
fn nines(times: &Times) -> f64 {
    (times.count().max(1) as f64).log10()
}

/// The line of one contender: nines of the quantile across, nanoseconds up.
fn points(times: &Times) -> Vec<(f64, f64)> {
    let last = nines(times);
    let steps = (last * POINTS as f64) as usize;
    let inner = (0..steps).map(|step| step as f64 / POINTS as f64);
    let point = |nines: f64| {
        let share = 1.0 - 10_f64.powf(-nines);
        times.quantile(share).map(|ns| (nines, ns.max(FLOOR)))
    };
    let end = times.quantile(1.0).map(|ns| (last, ns.max(FLOOR)));
    inner.filter_map(point).chain(end).collect()
}

/// The quantile with so many nines in percent.
fn share(nines: f64) -> String {
    match nines.round() as usize {
        0 => "0 %".to_owned(),
        1 => "90 %".to_owned(),
        2 => "99 %".to_owned(),
        nines => format!("99.{} %", "9".repeat(nines - 2)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::Tally;
    use crate::contest::{self, ClockUsed};
    use crate::timed::Pair;

    #[test]
    fn each_step_is_a_nine_more() {
        let steps = [0.0, 1.0, 2.0, 3.0, 5.0].map(share);
        assert_eq!(steps, ["0 %", "90 %", "99 %", "99.9 %", "99.999 %"]);
    }

    #[test]
    fn a_line_rises_to_the_longest_time() {
        let mut times = Times::new(1.0);
        (0..10_000).for_each(|ns| times.add(ns, 0));
        let points = points(&times);
        assert!(points.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1));
        let (nines, ns) = points[points.len() - 1];
        assert!((nines - 4.0).abs() < 1e-9 && ns >= 9_999.0, "{nines} {ns}");
        let (_, median) = points.iter().copied().find(|(nines, _)| *nines > 0.3).unwrap();
        assert!((4_900.0..5_100.0).contains(&median), "{median}");
    }

    #[test]
    fn a_drawing_names_the_machine_and_has_a_line_for_every_contender() {
        let mut pair = Pair::new(1.0);
        (0..1_000).for_each(|ns| pair.allocate.add(ns, 0));
        let names = ["pool", "pool, prefaulted", "box", "mimalloc"];
        let result = |name| contest::Measured { name, first: pair.clone(), later: Pair::new(1.0) };
        let contest = Contest {
            results: names.map(result).into(),
            clock: ClockUsed { description: "a <clock>".into(), cost: [1.0; 3], step: 1.0 },
            tally: Tally::default(),
            checksum: 0,
        };
        for rounds in [1, 2] {
            let run = Run { source: "a & b", events: 1, rounds, machine: "a machine" };
            let svg = draw(&run, &contest).unwrap();
            for text in names.iter().chain(&["a machine", "a &amp; b", "a &lt;clock&gt;", "free"]) {
                assert!(svg.contains(text), "{text} in {svg}");
            }
            assert!(svg.trim_end().ends_with("</svg>"));
        }
    }
}
