//! Which slots of a pool are occupied, before and after it is compacted, as a drawing: a row for
//! each chunk, a cell for each group of its slots.

use std::error::Error;

use plotters::prelude::{Color, DrawingBackend, Polygon, RGBColor, Rectangle, Text};
use typed_pool::ChunkSummary;

use crate::drawing::{self, Area, INK, style, write_lines};

/// The slots of a cell.
const GROUP: usize = 128;

/// The width of a cell and of the drawing.
const CELL: i32 = 14;
const WIDTH: u32 = 1_000;

/// What stands above and below the rows.
const HEAD: i32 = 104;
const FOOT: i32 = 44;

/// How high the rows are together, where that leaves them neither thin nor thick.
const BODY: i32 = 520;

/// The left edges of the two maps.
const LEFTS: [i32; 2] = [52, 532];

/// The colours of shares that are occupied, by fifths; vacant is [`vacant`].
const SHARES: [(RGBColor, &str); 5] = [
    (RGBColor(240, 165, 40), "to 20 %"),
    (RGBColor(225, 115, 60), "to 40 %"),
    (RGBColor(190, 85, 140), "to 60 %"),
    (RGBColor(120, 95, 215), "to 80 %"),
    (RGBColor(47, 129, 247), "to 100 %"),
];

/// The chunks of a pool before and after it was compacted.
#[derive(Debug)]
pub(crate) struct Maps {
    pub(crate) before: Vec<ChunkSummary>,
    pub(crate) after: Vec<ChunkSummary>,
    /// How many values were moved in between.
    pub(crate) moved: usize,
}

/// Draws maps as the text of an SVG file.
pub(crate) fn draw(maps: &Maps) -> Result<String, String> {
    let rows = maps.before.len().max(1) as i32;
    let row = (BODY / rows).clamp(2, 12);
    let size = (WIDTH, (HEAD + rows * row + FOOT) as u32);
    drawing::svg(size, |root| fill(root, maps, row))
}

fn fill<B>(root: &Area<B>, maps: &Maps, row: i32) -> Result<(), Box<dyn Error>>
where
    B: DrawingBackend,
    B::ErrorType: 'static,
{
    let Maps { before, after, moved } = maps;
    let occupied: usize = before.iter().map(ChunkSummary::occupied).sum();
    let empty = before.iter().filter(|chunk| chunk.occupied() == 0).count();
    let lines = vec![
        "Where the values lie at the end of the day, and after compact".to_owned(),
        format!("{occupied} values of 64 bytes; a row is a chunk, a cell {GROUP} of its slots"),
    ];
    write_lines(root, lines)?;
    let titles = [
        format!("before: {} chunks, of which trim would give back {empty}", before.len()),
        format!("after: {} chunks, {moved} values moved; blank rows are given back", after.len()),
    ];
    for (title, left) in titles.into_iter().zip(LEFTS) {
        root.draw(&Text::new(title, (left, HEAD - 26), style(14.0)))?;
    }
    for (index, chunk) in before.iter().enumerate() {
        let y = HEAD + index as i32 * row;
        if index == 0 || (index + 1) % 20 == 0 {
            let number = (index + 1).to_string();
            let x = LEFTS[0] - 8 - 7 * number.len() as i32;
            root.draw(&Text::new(number, (x, y + row / 2 - 6), style(12.0)))?;
        }
        draw_row(root, chunk, (LEFTS[0], y), row)?;
        // Chunks stay where they are, or go.
        if let Some(chunk) = after.iter().find(|after| after.address() == chunk.address()) {
            draw_row(root, chunk, (LEFTS[1], y), row)?;
        }
    }
    write_key(root, HEAD + before.len() as i32 * row + 16)
}

fn vacant() -> impl Color {
    INK.mix(0.22)
}

/// The colour key, below the maps.
fn write_key<B>(root: &Area<B>, y: i32) -> Result<(), Box<dyn Error>>
where
    B: DrawingBackend,
    B::ErrorType: 'static,
{
    let mut x = LEFTS[0];
    root.draw(&Text::new("occupied slots of a cell:", (x, y), style(13.0)))?;
    x += 170;
    root.draw(&Rectangle::new([(x, y), (x + 24, y + 12)], vacant().filled()))?;
    root.draw(&Text::new("none", (x + 32, y), style(13.0)))?;
    for (colour, name) in SHARES {
        x += 110;
        root.draw(&Rectangle::new([(x, y), (x + 24, y + 12)], colour.filled()))?;
        root.draw(&Text::new(name, (x + 32, y), style(13.0)))?;
    }
    Ok(())
}

fn draw_row<B>(
    root: &Area<B>,
    chunk: &ChunkSummary,
    (left, y): (i32, i32),
    row: i32,
) -> Result<(), Box<dyn Error>>
where
    B: DrawingBackend,
    B::ErrorType: 'static,
{
    // Rows that are not thin have a gap between them.
    let below = y + row - i32::from(row > 2);
    let cells = cells(chunk);
    let across = |cell: usize| left + cell as i32 * CELL;
    let place = [(left, y), (across(cells.len()), below)];
    root.draw(&Rectangle::new(place, vacant().filled()))?;
    for (index, (colour, _)) in SHARES.iter().enumerate() {
        let outline = outline(&cells, index + 1, across, [y, below]);
        if !outline.is_empty() {
            root.draw(&Polygon::new(outline, colour.filled()))?;
        }
    }
    Ok(())
}

/// The outline of all cells of a fifth. They hang together along the bottom, where it has no area:
/// one for each would be three times as much text.
fn outline(
    cells: &[usize],
    fifth: usize,
    across: impl Fn(usize) -> i32,
    [top, bottom]: [i32; 2],
) -> Vec<(i32, i32)> {
    let mut points = Vec::new();
    let mut start = 0;
    for run in cells.chunk_by(PartialEq::eq) {
        let end = start + run.len();
        if run[0] == fifth {
            let (left, right) = (across(start), across(end));
            points.extend([(left, bottom), (left, top), (right, top), (right, bottom)]);
        }
        start = end;
    }
    points
}

/// For each group of slots 0 where all are vacant, otherwise in which fifth the occupied share is.
fn cells(chunk: &ChunkSummary) -> Vec<usize> {
    let cell = |first: usize| {
        let slots = first..(first + GROUP).min(chunk.slots());
        let count = slots.len();
        let occupied = slots.filter(|&slot| chunk.is_occupied(slot)).count();
        (occupied * SHARES.len()).div_ceil(count)
    };
    (0..chunk.slots()).step_by(GROUP).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use typed_pool::{Pool, PoolBox};

    use super::*;
    use crate::elements::elements;

    #[test]
    fn a_cell_says_how_many_of_its_slots_are_occupied() {
        let pool = Pool::<[u64; 8]>::bounded(4 * GROUP + 10);
        let mut values: Vec<_> = (0..4 * GROUP + 10).map(|_| Some(pool.alloc([7; 8]))).collect();
        let cells = || cells(&pool.chunks().next().unwrap());
        assert_eq!(cells(), [5; 5]);
        values[..GROUP].fill_with(|| None);
        values[GROUP + 1..2 * GROUP].fill_with(|| None);
        values[2 * GROUP + GROUP / 2..3 * GROUP].fill_with(|| None);
        assert_eq!(cells(), [0, 1, 3, 5, 5]);
    }

    #[test]
    fn cells_of_a_fifth_have_one_outline() {
        let outline = |fifth| outline(&[1, 1, 0, 5, 1], fifth, |cell| 10 * cell as i32, [3, 6]);
        assert_eq!(outline(5), [(30, 6), (30, 3), (40, 3), (40, 6)]);
        assert_eq!(outline(1)[..4], [(0, 6), (0, 3), (20, 3), (20, 6)]);
        assert_eq!((outline(1).len(), outline(2).len()), (8, 0));
    }

    #[test]
    fn a_drawing_is_well_formed_and_has_both_maps_and_a_key() {
        let pool = Pool::new();
        let mut values: Vec<PoolBox<'_, [u64; 8]>> =
            (0..100_000).map(|number| pool.alloc([number; 8])).collect();
        values.retain(|value| value[0] % 50 == 0);
        let before: Vec<_> = pool.chunks().collect();
        let moved = pool.compact(&mut values).moved;
        let maps = Maps { before, after: pool.chunks().collect(), moved };
        let svg = draw(&maps).unwrap();
        assert!(elements(&svg) > 50);
        let (before, after) = (maps.before.len(), maps.after.len());
        for text in [format!("before: {before} chunks"), format!("after: {after} chunks")] {
            assert!(svg.contains(&text), "{text} in {svg}");
        }
        for (_, name) in SHARES {
            assert!(svg.contains(name), "{name} in {svg}");
        }
        let rows = svg.matches(&format!("<rect x=\"{}\" ", LEFTS[1])).count();
        assert_eq!(rows, after);
    }

    #[test]
    fn a_pool_without_chunks_has_a_drawing() {
        elements(&draw(&Maps { before: Vec::new(), after: Vec::new(), moved: 0 }).unwrap());
    }
}
