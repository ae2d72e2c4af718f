//! Drawings in SVG files: what those of the larger examples have in common.
//!
//! A drawing has no background, and its colours are of middling brightness, so that it can be read
//! on white as well as on black.

use std::error::Error;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use plotters::chart::MeshStyle;
use plotters::coord::Shift;
use plotters::coord::ranged1d::Ranged;
use plotters::prelude::{
    Color, DrawingArea, DrawingBackend, FontTransform, IntoDrawingArea, IntoFont, RGBColor,
    SVGBackend, TRANSPARENT, Text, TextStyle,
};

const FONT: &str = "sans-serif";
pub(crate) const INK: RGBColor = RGBColor(125, 130, 138);
/// A line more than these shares the first one's colour.
pub(crate) const COLOURS: [RGBColor; 5] = [
    RGBColor(47, 129, 247),
    RGBColor(222, 108, 12),
    RGBColor(26, 158, 100),
    RGBColor(190, 85, 205),
    RGBColor(170, 140, 20),
];

/// A drawing that a backend makes, whatever it is.
pub(crate) type Area<B> = DrawingArea<B, Shift>;

/// A file for a drawing. It is there before anything is measured: minutes would be lost if it
/// could not be written.
#[derive(Debug)]
pub(crate) struct Sheet {
    path: PathBuf,
    file: File,
}

impl Sheet {
    pub(crate) fn create(path: &Path) -> Result<Self, String> {
        match File::create(path) {
            Ok(file) => Ok(Self { path: path.to_owned(), file }),
            Err(error) => Err(unwritable(path, &error)),
        }
    }

    /// Writes a drawing into the file.
    pub(crate) fn fill(mut self, drawing: &str) -> Result<(), String> {
        let written = self.file.write_all(drawing.as_bytes());
        written.map_err(|error| unwritable(&self.path, &error))
    }
}

fn unwritable(path: &Path, error: &io::Error) -> String {
    format!("cannot write {}: {error}", path.display())
}

/// The text of an SVG file that `fill` draws.
pub(crate) fn svg(
    size: (u32, u32),
    fill: impl FnOnce(&Area<SVGBackend<'_>>) -> Result<(), Box<dyn Error>>,
) -> Result<String, String> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let drawn = fill(&root).and_then(|()| Ok(root.present()?));
        drawn.map_err(|error| format!("cannot draw: {error}"))?;
    }
    Ok(svg)
}

pub(crate) fn style(size: f64) -> TextStyle<'static> {
    (FONT, size).into_font().transform(FontTransform::None).color(&INK)
}

/// Sets how the lines and labels of a chart's axes look.
pub(crate) fn set_mesh<X: Ranged, Y: Ranged, B: DrawingBackend>(
    mesh: &mut MeshStyle<'_, '_, X, Y, B>,
) {
    mesh.axis_style(INK)
        .bold_line_style(INK.mix(0.35))
        .light_line_style(TRANSPARENT)
        .label_style(style(12.0));
}

/// Writes lines below each other, the first as a title.
pub(crate) fn write_lines<B>(area: &Area<B>, lines: Vec<String>) -> Result<(), Box<dyn Error>>
where
    B: DrawingBackend,
    B::ErrorType: 'static,
{
    let mut y = 12;
    for (index, text) in lines.into_iter().enumerate() {
        let size = if index == 0 { 18.0 } else { 13.0 };
        area.draw(&Text::new(text, (20, y), style(size)))?;
        y += size as i32 + 8;
    }
    Ok(())
}
