//! The live and the reserved bytes of a pool over the events of a trace, as a drawing.

use std::error::Error;

use plotters::prelude::{
    AreaSeries, ChartBuilder, Color, DrawingBackend, LineSeries, PathElement, RGBColor, Rectangle,
    SeriesLabelPosition,
};

use crate::drawing::{self, Area, COLOURS, set_mesh, style, write_lines};
use crate::program::Program;
use crate::usage::{Part, Usage};

const SIZE: (u32, u32) = (1_000, 500);

/// The height of what stands above the chart.
const HEAD: u32 = 64;

/// How many parts a course may have, so that none is narrower than a pixel.
pub(crate) const PARTS: usize = 880;

/// How many labels an axis has, or somewhat less.
const LABELS: usize = 9;

const LIVE: RGBColor = COLOURS[0];
const RESERVED: RGBColor = COLOURS[1];

/// Draws a course as the text of an SVG file.
pub(crate) fn draw(name: &str, program: &Program, usage: &Usage) -> Result<String, String> {
    drawing::svg(SIZE, |root| fill(root, name, program, usage))
}

fn fill<B>(
    root: &Area<B>,
    name: &str,
    program: &Program,
    usage: &Usage,
) -> Result<(), Box<dyn Error>>
where
    B: DrawingBackend,
    B::ErrorType: 'static,
{
    let (head, body) = root.split_vertically(HEAD);
    let tally = program.tally();
    let unit = Unit::of(usage.peak_reserved);
    let (live, reserved) = (unit.text(tally.peak_live_bytes), unit.text(usage.peak_reserved));
    let (events, objects) = (program.traced(), tally.objects);
    let lines = vec![
        format!("Memory of a pool of size classes: {name}"),
        format!("{events} events on {objects} objects; peaks: {live} live, {reserved} reserved"),
    ];
    write_lines(&head, lines)?;
    draw_course(&body, events, unit, &usage.course)
}

/// What numbers on an axis are in.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Unit {
    name: &'static str,
    size: f64,
}

impl Unit {
    /// The largest unit of bytes that is no more than twice as large as `most`.
    fn of(most: usize) -> Self {
        let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
        let fits = |(_, shift): &(&str, u32)| most >> (shift - 1) > 0;
        let (name, shift) = units.into_iter().find(fits).unwrap_or(("bytes", 0));
        Self { name, size: (1_u64 << shift) as f64 }
    }

    fn text(self, bytes: usize) -> String {
        let Self { name, size } = self;
        let decimals = if size > 1.0 { 2 } else { 0 };
        format!("{:.decimals$} {name}", bytes as f64 / size)
    }
}

fn draw_course<B>(
    body: &Area<B>,
    events: usize,
    unit: Unit,
    course: &[Part],
) -> Result<(), Box<dyn Error>>
where
    B: DrawingBackend,
    B::ErrorType: 'static,
{
    let (thousands, across) =
        if events >= 10_000 { (1e3, "thousand events") } else { (1.0, "events") };
    let points = |of| points(events as f64 / thousands, unit.size, course, of);
    let (live, reserved) = (points(|part| part.live), points(|part| part.reserved));
    let highest = reserved.iter().map(|point| point.1).fold(0.0, f64::max);
    // A trace without events or bytes has axes too.
    let (right, top) = ((events as f64 / thousands).max(1e-3), highest.max(1e-3) * 1.12);
    let mut chart = ChartBuilder::on(body)
        .margin_left(10)
        .margin_right(30)
        .margin_bottom(10)
        .x_label_area_size(40)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..right, 0.0..top)?;
    let mut mesh = chart.configure_mesh();
    set_mesh(&mut mesh);
    mesh.x_desc(across)
        .y_desc(unit.name)
        .x_labels(LABELS)
        .y_labels(LABELS)
        .x_label_formatter(&|label| number(*label))
        .y_label_formatter(&|label| number(*label))
        .draw()?;
    let area = AreaSeries::new(live.iter().copied(), 0.0, LIVE.mix(0.25));
    chart
        .draw_series(area.border_style(LIVE.stroke_width(1)))?
        .label("live")
        .legend(|(x, y)| Rectangle::new([(x, y - 5), (x + 24, y + 5)], LIVE.mix(0.4).filled()));
    let line = LineSeries::new(reserved.iter().copied(), RESERVED.stroke_width(2));
    chart
        .draw_series(line)?
        .label("reserved")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 24, y)], RESERVED.stroke_width(3)));
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .margin(14)
        .legend_area_size(34)
        .label_font(style(14.0))
        .draw()?;
    Ok(())
}

/// A label, without decimals that say nothing.
fn number(label: f64) -> String {
    let text = format!("{label:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The edges of the parts, at which a line has its steps: events across up to `right`, and bytes
/// up, in units of `size`.
fn points(right: f64, size: f64, course: &[Part], of: fn(&Part) -> usize) -> Vec<(f64, f64)> {
    let width = right / course.len().max(1) as f64;
    let edges = |(index, part)| {
        let up = of(part) as f64 / size;
        [(index as f64 * width, up), ((index + 1) as f64 * width, up)]
    };
    course.iter().enumerate().flat_map(edges).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elements::elements;
    use crate::samples::{program, trace};
    use crate::usage::of_pool;

    #[test]
    fn a_drawing_is_well_formed_and_names_what_it_shows() {
        let program = trace();
        let usage = of_pool(&program, PARTS).unwrap();
        let svg = draw("a <&> b.mtr", &program, &usage).unwrap();
        assert!(elements(&svg) > 20);
        for text in ["a &lt;&amp;&gt; b.mtr", "live", "reserved", "events", "KiB"] {
            assert!(svg.contains(text), "{text} in {svg}");
        }
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
    }

    #[test]
    fn a_trace_without_events_has_a_drawing() {
        let program = program("# MTR1\n");
        elements(&draw("empty", &program, &of_pool(&program, PARTS).unwrap()).unwrap());
    }

    #[test]
    fn a_line_has_a_step_for_every_part() {
        let course = [Part { live: 10, reserved: 20 }, Part { live: 30, reserved: 40 }];
        let points = points(6.0, 10.0, &course, |part| part.live);
        assert_eq!(points, [(0.0, 1.0), (3.0, 1.0), (3.0, 3.0), (6.0, 3.0)]);
    }

    #[test]
    fn numbers_are_in_the_unit_that_suits_them() {
        let texts =
            [0, 511, 512, 3 << 10, 1 << 19, 5 << 20, 7 << 30].map(|most| Unit::of(most).text(most));
        assert_eq!(
            texts,
            ["0 bytes", "511 bytes", "0.50 KiB", "3.00 KiB", "0.50 MiB", "5.00 MiB", "7.00 GiB"]
        );
        assert_eq!([0.0, 2.5, 100.0, 0.125].map(number), ["0", "2.5", "100", "0.125"]);
    }
}
