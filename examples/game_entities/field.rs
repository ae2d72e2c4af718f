//! The field of the shooter: a plane whose edges join, and a coarse grid to find what is near.

/// A place or a direction on the field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Vector {
    pub(crate) x: f32,
    pub(crate) y: f32,
}

pub(crate) const WIDTH: f32 = 320.0;
pub(crate) const HEIGHT: f32 = 240.0;

/// At least as wide as the farthest reach of a collision, so that neighbouring cells suffice.
const CELL: f32 = 20.0;
const COLUMNS: usize = 16;
const ROWS: usize = 12;

impl Vector {
    pub(crate) fn random(rng: &mut fastrand::Rng) -> Self {
        Self { x: rng.f32() * WIDTH, y: rng.f32() * HEIGHT }
    }

    /// A direction of the given length. Only a square root is taken, so that the game is the same
    /// on every machine.
    pub(crate) fn random_direction(rng: &mut fastrand::Rng, length: f32) -> Self {
        loop {
            let v = Self { x: rng.f32() * 2.0 - 1.0, y: rng.f32() * 2.0 - 1.0 };
            // A square's corners are left out, and so is what is too short to have a direction.
            if (0.01..1.0).contains(&v.length_squared()) {
                return v.with_length(length);
            }
        }
    }

    /// The place one step on, across the edges of the field.
    pub(crate) fn moved(self, step: Self) -> Self {
        Self { x: (self.x + step.x).rem_euclid(WIDTH), y: (self.y + step.y).rem_euclid(HEIGHT) }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self { x: self.x + other.x, y: self.y + other.y }
    }

    pub(crate) fn times(self, factor: f32) -> Self {
        Self { x: self.x * factor, y: self.y * factor }
    }

    /// The shortest way to another place, across the edges if need be.
    pub(crate) fn way_to(self, other: Self) -> Self {
        let shortest = |way: f32, size: f32| way - size * (way / size).round();
        Self { x: shortest(other.x - self.x, WIDTH), y: shortest(other.y - self.y, HEIGHT) }
    }

    pub(crate) fn length_squared(self) -> f32 {
        self.x * self.x + self.y * self.y
    }

    /// The same direction with another length; no direction stays none.
    pub(crate) fn with_length(self, length: f32) -> Self {
        let own = self.length_squared().sqrt();
        if own > 0.0 { self.times(length / own) } else { self }
    }
}

/// Lists, for each cell of the field, the indices of what is in it.
#[derive(Debug)]
pub(crate) struct Grid {
    cells: Vec<Vec<usize>>,
}

impl Grid {
    pub(crate) fn new() -> Self {
        Self { cells: vec![Vec::new(); COLUMNS * ROWS] }
    }

    /// Lists the places anew. The cells keep their memory from frame to frame.
    pub(crate) fn fill(&mut self, places: impl Iterator<Item = Vector>) {
        self.cells.iter_mut().for_each(Vec::clear);
        for (index, at) in places.enumerate() {
            let (column, row) = cell_of(at);
            self.cells[row * COLUMNS + column].push(index);
        }
    }

    /// The indices of all that is in the cell of a place or next to it.
    pub(crate) fn near(&self, at: Vector) -> impl Iterator<Item = usize> {
        let (column, row) = cell_of(at);
        let rows = [row + ROWS - 1, row, row + 1].map(|row| row % ROWS);
        let columns = [column + COLUMNS - 1, column, column + 1].map(|column| column % COLUMNS);
        rows.into_iter()
            .flat_map(move |row| columns.map(|column| row * COLUMNS + column))
            .flat_map(|cell| self.cells[cell].iter().copied())
    }
}

/// Rounding can put a place on the far edge itself, which belongs to the last cell.
fn cell_of(at: Vector) -> (usize, usize) {
    let column = (at.x / CELL) as usize;
    let row = (at.y / CELL) as usize;
    (column.min(COLUMNS - 1), row.min(ROWS - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cells_cover_the_field() {
        assert_eq!((CELL * COLUMNS as f32, CELL * ROWS as f32), (WIDTH, HEIGHT));
    }

    #[test]
    fn the_edges_join() {
        let corner = Vector { x: 1.0, y: 1.0 };
        let opposite = Vector { x: WIDTH - 1.0, y: HEIGHT - 1.0 };
        assert_eq!(corner.way_to(opposite), Vector { x: -2.0, y: -2.0 });
        assert_eq!(corner.moved(Vector { x: -2.0, y: -2.0 }), opposite);
    }

    #[test]
    fn the_grid_finds_all_that_is_near() {
        let mut rng = fastrand::Rng::with_seed(3);
        let places: Vec<_> = (0..200).map(|_| Vector::random(&mut rng)).collect();
        let mut grid = Grid::new();
        grid.fill(places.iter().copied());
        grid.fill(places.iter().copied());
        for _ in 0..50 {
            let here = Vector::random(&mut rng);
            let near: Vec<_> = grid.near(here).collect();
            for (index, place) in places.iter().enumerate() {
                let close = here.way_to(*place).length_squared() <= CELL * CELL;
                assert!(!close || near.contains(&index), "{here:?} {place:?}");
            }
        }
    }

    #[test]
    fn a_place_on_the_far_edge_has_a_cell() {
        assert_eq!(cell_of(Vector { x: WIDTH, y: HEIGHT }), (COLUMNS - 1, ROWS - 1));
    }
}
