//! What is live and what is reserved over a day, as a drawing.

use std::error::Error;

use plotters::prelude::{
    AreaSeries, ChartBuilder, Color, DrawingBackend, LineSeries, PathElement, Rectangle,
    ShapeStyle, Text,
};
use typed_pool::PoolStats;

use crate::day::Day;
use crate::drawing::{self, Area, COLOURS, INK, set_mesh, style, write_lines};
use crate::play::Course;
use crate::policy::Policy;

const SIZE: (u32, u32) = (1_000, 500);

/// The height of what stands above the chart.
const HEAD: u32 = 96;

/// Where the legend stands.
const LEGEND: i32 = 72;

/// How many labels an axis has, or somewhat less.
const LABELS: usize = 9;

const MIB: f64 = 1_048_576.0;

/// Draws a day as the text of an SVG file. There is a course.
pub(crate) fn draw(day: &Day, courses: &[Course]) -> Result<String, String> {
    drawing::svg(SIZE, |root| fill(root, day, courses))
}

fn fill<B>(root: &Area<B>, day: &Day, courses: &[Course]) -> Result<(), Box<dyn Error>>
where
    B: DrawingBackend,
    B::ErrorType: 'static,
{
    let (head, body) = root.split_vertically(HEAD);
    let Day { puts, hours, .. } = day;
    let lines = vec![
        "Memory of a pool over a day of churn, by what is done to give it back".to_owned(),
        format!("{hours} hours; {puts} values of 64 bytes are put in, the same for every line"),
    ];
    write_lines(&head, lines)?;
    write_legend(&head, courses)?;
    draw_courses(&body, f64::from(*hours), courses)
}

/// A policy's line. One that others cover in part is wider.
fn stroke(policy: Policy) -> ShapeStyle {
    match policy {
        Policy::None => COLOURS[1].stroke_width(5),
        Policy::Trim => COLOURS[3].stroke_width(2),
        Policy::Automatic => COLOURS[0].stroke_width(2),
        Policy::Compact => COLOURS[2].stroke_width(2),
    }
}

/// A policy's name in the legend, which says what is done.
fn label(policy: Policy) -> String {
    let minutes = Policy::MINUTES;
    match policy {
        Policy::None => "nothing given back".to_owned(),
        Policy::Trim => format!("trim every {minutes} min"),
        Policy::Automatic => "release_empty_chunks".to_owned(),
        Policy::Compact => format!("compact every {minutes} min"),
    }
}

fn write_legend<B>(head: &Area<B>, courses: &[Course]) -> Result<(), Box<dyn Error>>
where
    B: DrawingBackend,
    B::ErrorType: 'static,
{
    let mut x = 20;
    head.draw(&Rectangle::new([(x, LEGEND + 2), (x + 24, LEGEND + 12)], INK.mix(0.5).filled()))?;
    head.draw(&Text::new("live", (x + 32, LEGEND), style(14.0)))?;
    x += 90;
    head.draw(&Text::new("reserved:", (x, LEGEND), style(14.0)))?;
    x += 78;
    for course in courses {
        let stroke = stroke(course.policy);
        head.draw(&PathElement::new([(x, LEGEND + 7), (x + 24, LEGEND + 7)], stroke))?;
        head.draw(&Text::new(label(course.policy), (x + 32, LEGEND), style(14.0)))?;
        x += 200;
    }
    Ok(())
}

fn draw_courses<B>(body: &Area<B>, hours: f64, courses: &[Course]) -> Result<(), Box<dyn Error>>
where
    B: DrawingBackend,
    B::ErrorType: 'static,
{
    let most = courses.iter().map(|course| course.end().peak_bytes_reserved).max().unwrap_or(0);
    let mut chart = ChartBuilder::on(body)
        .margin_left(10)
        .margin_right(30)
        .margin_bottom(10)
        .x_label_area_size(40)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..hours, 0.0..most as f64 / MIB * 1.06)?;
    // What numbers are in is told to a hundredth: floats have more decimals than labels.
    let number = |label: &f64| format!("{}", (label * 100.0).round() / 100.0);
    let mut mesh = chart.configure_mesh();
    set_mesh(&mut mesh);
    mesh.x_desc("hours")
        .y_desc("MiB")
        .x_labels(LABELS)
        .y_labels(LABELS)
        .x_label_formatter(&number)
        .y_label_formatter(&number)
        .draw()?;
    if let Some(course) = courses.first() {
        let live = points(hours, &course.samples, |stats| stats.bytes_live);
        let area = AreaSeries::new(live, 0.0, INK.mix(0.4));
        chart.draw_series(area.border_style(INK.stroke_width(1)))?;
    }
    for course in courses {
        let reserved = points(hours, &course.samples, |stats| stats.bytes_reserved);
        chart.draw_series(LineSeries::new(reserved, stroke(course.policy)))?;
    }
    Ok(())
}

/// A line through the samples of a day: hours across, MiB up. What lies between equal ones is left
/// out.
fn points(hours: f64, samples: &[PoolStats], of: impl Fn(&PoolStats) -> usize) -> Vec<(f64, f64)> {
    let ups: Vec<usize> = samples.iter().map(of).collect();
    let width = hours / samples.len().max(1) as f64;
    let needed = |&(index, up): &(usize, &usize)| {
        let equal = |other: Option<&usize>| other == Some(up);
        !(equal(index.checked_sub(1).map(|last| &ups[last])) && equal(ups.get(index + 1)))
    };
    let inner = ups.iter().enumerate().filter(needed);
    let inner = inner.map(|(index, &up)| ((index + 1) as f64 * width, up as f64 / MIB));
    std::iter::once((0.0, 0.0)).chain(inner).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elements::elements;
    use crate::order::Order;
    use crate::play::Player;

    #[test]
    fn a_drawing_is_well_formed_and_has_a_line_for_every_policy() {
        let day = Day::draw(1, 1);
        let play = |&policy: &Policy| Player::new(&policy.pool(), day.places).play(&day, policy);
        let courses: Vec<Course> = Policy::ALL.iter().map(|policy| play(policy).unwrap()).collect();
        for range in [0..4, 1..2] {
            let policies = &Policy::ALL[range.clone()];
            let svg = draw(&day, &courses[range]).unwrap();
            assert!(elements(&svg) > 20);
            for text in ["live", "reserved", "hours", "MiB"] {
                assert!(svg.contains(text), "{text} in {svg}");
            }
            for &policy in Policy::ALL {
                let (red, green, blue) = stroke(policy).color.rgb();
                let drawn = policies.contains(&policy);
                // In the legend and in the chart.
                let stroke = format!("stroke=\"#{red:02X}{green:02X}{blue:02X}\" stroke-width=");
                assert_eq!(svg.matches(&stroke).count(), 2 * usize::from(drawn), "{stroke}");
                assert_eq!(svg.contains(&label(policy)), drawn);
            }
        }
    }

    #[test]
    fn what_lies_between_equal_points_is_left_out() {
        let pool = Policy::None.pool();
        let mut values = Vec::new();
        let samples = [1, 2, 3, 4].map(|number| {
            values.push(pool.alloc(Order::new(number)));
            pool.stats()
        });
        let all = points(4.0, &samples, |stats| stats.bytes_live);
        let steps = [0.0, 1.0, 2.0, 3.0, 4.0].map(|step| (step, 64.0 * step / MIB));
        assert_eq!(all, steps);
        let flat = points(4.0, &samples, |_| 1 << 20);
        assert_eq!(flat, [(0.0, 0.0), (1.0, 1.0), (4.0, 1.0)]);
    }
}
