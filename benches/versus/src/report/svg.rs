//! The key rows as a picture: a panel for each, with a bar for each contender.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::key::{self, KeyRow};
use crate::contenders::{self, COUNT, Kind, OURS_SHARED};
use crate::results::Results;

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// Panels side by side, and above each other.
const COLUMNS: usize = 2;
const ROWS: usize = 3;

/// Sizes in pixels. Contenders for one thread, which are shown, come first.
const WIDTH: u32 = 960;
const HEAD: u32 = 84;
const PANEL_HEAD: i32 = 30;
const LINE: i32 = 19;
const PANEL: u32 = PANEL_HEAD as u32 + LINE as u32 * OURS_SHARED as u32 + 14;
const NAMES: i32 = 150;
const FIGURES: i32 = 52;

/// The picture has a ground of its own, so that it can be read on pages light and dark.
const GROUND: RGBColor = RGBColor(0xfc, 0xfc, 0xfa);
const TEXT: RGBColor = RGBColor(0x22, 0x26, 0x2b);
const FAINT: RGBColor = RGBColor(0x77, 0x7d, 0x85);

/// Draws the key rows.
///
/// # Errors
///
/// A key row was not measured.
pub(crate) fn chart(results: &Results) -> Result<String, String> {
    let rows = key::rows(results)?;
    let mut text = String::new();
    draw(&mut text, &rows, &results.machine.describe()).map_err(|error| error.to_string())?;
    Ok(text + "\n")
}

/// What plotters calls its errors.
type Drawn = Result<(), Box<dyn std::error::Error>>;

fn draw(text: &mut String, rows: &[KeyRow<'_>], machine: &str) -> Drawn {
    let height = HEAD + PANEL * ROWS as u32;
    let area = SVGBackend::with_string(text, (WIDTH, height)).into_drawing_area();
    area.fill(&GROUND)?;
    let heading = format!(
        "Nanoseconds for one operation on values of {} bytes; shorter is better",
        key::BYTES
    );
    write(&area, &heading, (16, 26), HPos::Left, &bold(18.0))?;
    write(&area, machine, (16, 48), HPos::Left, &plain(13.0, FAINT))?;
    draw_legend(&area)?;
    let (_, panels) = area.split_vertically(HEAD);
    for (panel, row) in panels.split_evenly((ROWS, COLUMNS)).iter().zip(rows) {
        draw_panel(panel, row)?;
    }
    area.present()?;
    Ok(())
}

/// Says what the colours mean, in a line.
fn draw_legend(area: &Area<'_>) -> Drawn {
    let mut left = 16;
    for kind in Kind::ALL.into_iter().filter(|kind| !kind.is_shared()) {
        area.draw(&Rectangle::new([(left, 65), (left + 10, 75)], color(kind).filled()))?;
        let words = kind.describe();
        write(area, words, (left + 16, 70), HPos::Left, &plain(13.0, TEXT))?;
        // No font is measured: renderers have different ones. This is wide enough for most.
        left += 38 + 7 * words.len() as i32;
    }
    Ok(())
}

/// Draws a row: names, bars, figures.
fn draw_panel(area: &Area<'_>, key: &KeyRow<'_>) -> Drawn {
    write(area, key.title, (16, 18), HPos::Left, &bold(14.0))?;
    let shown = |&contender: &usize| {
        let options = contenders::ALL[contender].kind == Kind::OursWithOptions;
        key.shows(contender) && !(options && key.row.unable[contender].is_some())
    };
    let contenders = (0..COUNT).filter(shown);
    let longest = (0..COUNT).filter_map(|c| key.row.minimum(c)).fold(0.0, f64::max);
    let (width, _) = area.dim_in_pixel();
    let room = f64::from(width as i32 - NAMES - FIGURES - 16);
    for (line, contender) in contenders.enumerate() {
        let middle = PANEL_HEAD + LINE * line as i32 + LINE / 2;
        let contenders::Contender { title, kind, .. } = contenders::ALL[contender];
        let name = if kind == Kind::Ours { bold(13.0) } else { plain(13.0, TEXT) };
        write(area, title, (NAMES - 8, middle), HPos::Right, &name)?;
        let Some(time) = key.row.minimum(contender) else {
            let reason = key.row.unable[contender].as_deref().unwrap_or_default();
            write(area, reason, (NAMES, middle), HPos::Left, &plain(12.0, FAINT))?;
            continue;
        };
        let length = (time / longest * room).max(1.0) as i32;
        let bar = [(NAMES, middle - 6), (NAMES + length, middle + 6)];
        area.draw(&Rectangle::new(bar, color(kind).filled()))?;
        let figure = if time < 100.0 { format!("{time:.1}") } else { format!("{time:.0}") };
        write(area, &figure, (NAMES + length + 6, middle), HPos::Left, &name)?;
    }
    Ok(())
}

/// Writes at a place, which is in the middle of the text's height.
fn write(area: &Area<'_>, text: &str, at: (i32, i32), side: HPos, style: &TextStyle<'_>) -> Drawn {
    area.draw_text(text, &style.pos(Pos::new(side, VPos::Center)), at)?;
    Ok(())
}

fn plain(size: f64, color: RGBColor) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&color)
}

fn bold(size: f64) -> TextStyle<'static> {
    ("sans-serif", size, FontStyle::Bold).into_font().color(&TEXT)
}

/// The colour of a kind of contender. They differ in brightness too.
fn color(kind: Kind) -> RGBColor {
    match kind {
        Kind::Ours => RGBColor(0xc4, 0x3e, 0x1c),
        Kind::OursWithOptions => RGBColor(0xe0, 0x8a, 0x6c),
        Kind::OursShared | Kind::SharedPool => unreachable!("they are not shown"),
        Kind::RaiiPool => RGBColor(0xe8, 0xa0, 0x5c),
        Kind::ManualPool => RGBColor(0xf0, 0xc9, 0x9a),
        Kind::Allocator => RGBColor(0x4a, 0x76, 0xa8),
        Kind::Keyed => RGBColor(0x8f, 0xb3, 0xcf),
        Kind::Arena => RGBColor(0x9a, 0xa0, 0xa6),
    }
}
