//! A joint belief about two whole numbers, pieces on the shelf and pieces in the backroom, as a window of cells.
//!
//! Cells are 32-bit so that a snapshot holds exactly what memory holds. Guards: cells are finite, not negative and sum to one;
//! the window has at most [`ROWS_MAX`] × [`COLUMNS_MAX`] cells, and what falls outside it is put into its nearest cell.

use minicbor::{Decode, Encode};

/// Rows of the window at most.
pub(super) const ROWS_MAX: usize = 64;
/// Columns of the window at most: a delivery that may or may not have come takes room.
pub(super) const COLUMNS_MAX: usize = 128;
/// The most pieces that a place is believed to hold.
pub(super) const PIECES_MAX: u32 = 1_000_000;
/// A number that may be smaller by more pieces than this stays as it is.
const LESS_MAX: usize = 1000;
/// A row or column at the edge of the window that holds less than this is cut off.
const EDGE: f64 = 1e-6;

/// How far shelf and backroom can go down and up: ((down, up), (down, up)).
type Reach = ((u32, u32), (u32, u32));

/// The belief.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(array)]
pub(super) struct Grid {
    /// Pieces on the shelf in the first row.
    #[n(0)]
    shelf: u32,
    /// Pieces in the backroom in the first column.
    #[n(1)]
    back: u32,
    #[n(2)]
    rows: u8,
    #[n(3)]
    columns: u8,
    #[n(4)]
    cells: Vec<f32>,
}

/// The belief about one whole number.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Marginal {
    pub(super) first: i64,
    pub(super) chances: Vec<f64>,
}

impl Grid {
    /// All belief in one cell.
    pub(super) fn point(shelf: u32, back: u32) -> Self {
        Self {
            shelf: shelf.min(PIECES_MAX),
            back: back.min(PIECES_MAX),
            rows: 1,
            columns: 1,
            cells: vec![1.0],
        }
    }

    /// True when it is what this module makes.
    pub(super) fn is_sound(&self) -> bool {
        let sum: f64 = self.cells.iter().copied().map(f64::from).sum();
        (1..=ROWS_MAX).contains(&self.rows.into())
            && (1..=COLUMNS_MAX).contains(&self.columns.into())
            && self.cells.len() == usize::from(self.rows) * usize::from(self.columns)
            && self.shelf <= 2 * PIECES_MAX
            && self.back <= 2 * PIECES_MAX
            && self.cells.iter().all(|cell| (0.0..=1.01).contains(cell))
            && (sum - 1.0).abs() < 0.01
    }

    /// All cells that hold anything: pieces on the shelf, in the backroom, and the chance.
    pub(super) fn cells(&self) -> impl Iterator<Item = (u32, u32, f64)> + '_ {
        let columns = usize::from(self.columns);
        self.cells.chunks_exact(columns.max(1)).zip(self.shelf..).flat_map(move |(row, shelf)| {
            row.iter().zip(self.back..).map(move |(cell, back)| (shelf, back, f64::from(*cell)))
        })
    }

    /// Weighs every cell by a likelihood. False, and nothing is changed, when no cell would be left with a chance.
    pub(super) fn weigh(&mut self, mut likelihood: impl FnMut(u32, u32) -> f64) -> bool {
        let weighed: Vec<f64> =
            self.cells().map(|(shelf, back, chance)| chance * likelihood(shelf, back)).collect();
        self.take(&weighed)
    }

    /// As [`Grid::weigh`], for a likelihood of the shelf alone, which is then computed once a row.
    pub(super) fn weigh_shelf(&mut self, mut likelihood: impl FnMut(u32) -> f64) -> bool {
        let rows: Vec<f64> = (self.shelf..).take(self.rows.into()).map(&mut likelihood).collect();
        let first = self.shelf;
        self.weigh(|shelf, _| rows.get((shelf - first) as usize).copied().unwrap_or(0.0))
    }

    /// As [`Grid::weigh`], for a likelihood of the backroom alone.
    pub(super) fn weigh_back(&mut self, mut likelihood: impl FnMut(u32) -> f64) -> bool {
        let columns: Vec<f64> = (self.back..).take(self.columns.into()).map(&mut likelihood).collect();
        let first = self.back;
        self.weigh(|_, back| columns.get((back - first) as usize).copied().unwrap_or(0.0))
    }

    /// The chance of what a condition holds for.
    pub(super) fn chance(&self, holds: impl Fn(u32, u32) -> bool) -> f64 {
        self.cells()
            .filter(|(shelf, back, _)| holds(*shelf, *back))
            .map(|(.., chance)| chance)
            .sum::<f64>()
            .clamp(0.0, 1.0)
    }

    /// Moves belief between cells. `step` tells for each cell where its belief goes: it calls its last argument with pieces
    /// on the shelf, pieces in the backroom (below zero is taken as zero), and a share of the belief.
    ///
    pub(super) fn step(
        &mut self,
        reach: Reach,
        step: impl Fn(u32, u32, f64, &mut dyn FnMut(i64, i64, f64)),
    ) -> bool {
        let (shelf, back, rows, columns) = self.room(reach);
        let mut to = vec![0.0_f64; rows * columns];
        for (from_shelf, from_back, chance) in self.cells() {
            if chance > 0.0 {
                step(from_shelf, from_back, chance, &mut |to_shelf, to_back, chance| {
                    let row = (to_shelf - i64::from(shelf)).clamp(0, rows as i64 - 1) as usize;
                    let column = (to_back - i64::from(back)).clamp(0, columns as i64 - 1) as usize;
                    if let Some(cell) = to.get_mut(row * columns + column) {
                        *cell += chance;
                    }
                });
            }
        }
        self.settle(shelf, back, columns, &to)
    }

    /// Moves all belief alike: mixes shifts `(shelf, backroom, share)`.
    pub(super) fn shift(&mut self, shifts: &[(i64, i64, f64)]) -> bool {
        if let [(shelf, back, _)] = shifts
            && let (Some(to_shelf), Some(to_back)) = (moved(self.shelf, *shelf), moved(self.back, *back))
            && to_shelf <= PIECES_MAX
            && to_back <= PIECES_MAX
        {
            (self.shelf, self.back) = (to_shelf, to_back);
            return true;
        }
        // The likeliest way is gone at once, so that only the spread about it needs room in the window.
        let way = shifts.iter().copied().max_by(|a, b| a.2.total_cmp(&b.2)).unwrap_or_default();
        let gone = |from: u32, by: i64| (i64::from(from) + by.max(0)).clamp(0, PIECES_MAX.into()) as u32;
        (self.shelf, self.back) = (gone(self.shelf, way.0), gone(self.back, way.1));
        let near = COLUMNS_MAX as i64;
        let rest = |by: i64, gone: i64| (by - gone.max(0)).clamp(-near, near);
        let rest: Vec<_> = shifts.iter().map(|to| (rest(to.0, way.0), rest(to.1, way.1), to.2)).collect();
        let down = |pieces: Option<i64>| pieces.unwrap_or(0).min(0).unsigned_abs() as u32;
        let up = |pieces: Option<i64>| pieces.unwrap_or(0).max(0) as u32;
        let (shelf, back) = (|| rest.iter().map(|to| to.0), || rest.iter().map(|to| to.1));
        let reach = ((down(shelf().min()), up(shelf().max())), (down(back().min()), up(back().max())));
        self.mix(reach, rest)
    }

    /// The mixture of shifts, row by row: a delivery that may be off by any of eighty amounts is eighty runs over memory, not eighty
    /// calls for each cell.
    fn mix(&mut self, reach: Reach, mut shifts: Vec<(i64, i64, f64)>) -> bool {
        let (shelf, back, rows, columns) = self.room(reach);
        let mut to = vec![0.0_f64; rows * columns];
        // From the far end, so that each cell sums up its parts in the order of where they come from, as `step` does.
        shifts.sort_by_key(|to| std::cmp::Reverse((to.0, to.1)));
        let (lower, before) = (i64::from(self.shelf - shelf), i64::from(self.back - back));
        for (by_shelf, by_back, share) in shifts {
            let start = before + by_back;
            // What would be below nothing is nothing, and goes into the first column.
            let below = usize::try_from(-start).unwrap_or(0);
            let start = usize::try_from(start).unwrap_or(0);
            for (from, row) in self.cells.chunks_exact(usize::from(self.columns).max(1)).zip(lower..) {
                let row = (row + by_shelf).clamp(0, rows as i64 - 1) as usize;
                let Some(to) = to.get_mut(row * columns..(row + 1) * columns) else { continue };
                let below = below.min(from.len());
                let (gathered, from) = from.split_at(below);
                if let Some(first) = to.first_mut() {
                    gathered.iter().for_each(|cell| *first += f64::from(*cell) * share);
                }
                for (to, cell) in to.iter_mut().skip(start).zip(from) {
                    *to += f64::from(*cell) * share;
                }
            }
        }
        self.settle(shelf, back, columns, &to)
    }

    /// The window that holds what such a reach may lead to: its first row and column, how many rows, how many columns.
    fn room(&self, reach: Reach) -> (u32, u32, usize, usize) {
        let ((shelf_down, shelf_up), (back_down, back_up)) = reach;
        let shelf = self.shelf.saturating_sub(shelf_down);
        let back = self.back.saturating_sub(back_down);
        let rows = ((self.shelf - shelf) + u32::from(self.rows) + shelf_up).min(4 * ROWS_MAX as u32) as usize;
        let columns =
            ((self.back - back) + u32::from(self.columns) + back_up).min(3 * COLUMNS_MAX as u32) as usize;
        (shelf, back, rows, columns)
    }

    /// Belief about the shelf.
    pub(super) fn shelf(&self) -> Marginal {
        let chances = self.cells.chunks_exact(self.columns.max(1).into());
        Marginal {
            first: self.shelf.into(),
            chances: chances.map(|row| row.iter().copied().map(f64::from).sum()).collect(),
        }
    }

    /// Belief about the backroom.
    pub(super) fn back(&self) -> Marginal {
        let mut chances = vec![0.0; self.columns.into()];
        for row in self.cells.chunks_exact(self.columns.max(1).into()) {
            chances.iter_mut().zip(row).for_each(|(sum, cell)| *sum += f64::from(*cell));
        }
        Marginal { first: self.back.into(), chances }
    }

    /// Belief about both together.
    pub(super) fn total(&self) -> Marginal {
        let mut chances = vec![0.0; usize::from(self.rows) + usize::from(self.columns) - 1];
        for (row, cells) in self.cells.chunks_exact(self.columns.max(1).into()).enumerate() {
            chances.iter_mut().skip(row).zip(cells).for_each(|(sum, cell)| *sum += f64::from(*cell));
        }
        Marginal { first: i64::from(self.shelf) + i64::from(self.back), chances }
    }

    /// Takes over weighed cells of the same window.
    fn take(&mut self, cells: &[f64]) -> bool {
        self.settle(self.shelf, self.back, self.columns.into(), cells)
    }

    /// Takes over cells: cuts edges that hold nothing, keeps within the bound, and makes the sum one.
    fn settle(&mut self, shelf: u32, back: u32, columns: usize, cells: &[f64]) -> bool {
        let sum: f64 = cells.iter().sum();
        if !sum.is_finite() || sum <= 1e-280 {
            return false;
        }
        let rows: Vec<f64> = cells.chunks_exact(columns.max(1)).map(|row| row.iter().sum()).collect();
        let mut across = vec![0.0; columns];
        for row in cells.chunks_exact(columns.max(1)) {
            across.iter_mut().zip(row).for_each(|(sum, cell)| *sum += cell);
        }
        let (first_row, row_count) = held(&rows, sum, ROWS_MAX);
        let (first_column, column_count) = held(&across, sum, COLUMNS_MAX);
        let kept = || {
            cells
                .chunks_exact(columns.max(1))
                .skip(first_row)
                .take(row_count)
                .flat_map(|row| row.iter().skip(first_column).take(column_count))
        };
        let sum: f64 = kept().sum();
        if sum <= 1e-280 {
            return false;
        }
        self.cells = kept().map(|cell| (cell / sum) as f32).collect();
        self.shelf = shelf + first_row as u32;
        self.back = back + first_column as u32;
        (self.rows, self.columns) = (row_count as u8, column_count as u8);
        true
    }
}

/// So many pieces more or fewer; nothing when that is less than none.
fn moved(from: u32, by: i64) -> Option<u32> {
    i64::from(from).checked_add(by).and_then(|to| u32::try_from(to).ok())
}

/// From where on how many entries hold nearly everything, or most within the bound.
fn held(sums: &[f64], all: f64, most: usize) -> (usize, usize) {
    let (mut first, mut end) = (0, sums.len());
    let at = |index: usize| sums.get(index).copied().unwrap_or(0.0);
    while end - first > 1 {
        let (low, high) = (at(first), at(end - 1));
        let wide = end - first > most;
        if low <= high && (wide || low < EDGE * all) {
            first += 1;
        } else if wide || high < EDGE * all {
            end -= 1;
        } else {
            break;
        }
    }
    (first, end - first)
}

impl Marginal {
    /// The same belief about a number that is larger by so many.
    pub(super) fn plus(self, pieces: i64) -> Self {
        // What would be below nothing is nothing.
        let first = self.first + pieces;
        let below = usize::try_from(-first.min(0)).unwrap_or(0).min(self.chances.len().saturating_sub(1));
        let gathered: f64 = self.chances.iter().take(below).sum();
        let mut chances: Vec<f64> = self.chances.into_iter().skip(below).collect();
        if let Some(none) = chances.first_mut() {
            *none += gathered;
        }
        Self { first: first.max(0), chances }
    }

    /// The same belief about a number to which some few are added: Poisson, of this mean.
    pub(super) fn and_some(self, mean: f64) -> Self {
        if mean < 1e-3 {
            return self;
        }
        let none = (-mean).exp();
        let shares = [none, none * mean, none * mean * mean / 2.0];
        let shares = [shares[0], shares[1], shares[2], (1.0 - shares.iter().sum::<f64>()).max(0.0)];
        let mut chances = vec![0.0; self.chances.len() + shares.len() - 1];
        for (more, share) in shares.iter().enumerate() {
            chances.iter_mut().skip(more).zip(&self.chances).for_each(|(sum, chance)| *sum += share * chance);
        }
        Self { first: self.first, chances }
    }

    /// The same belief about a number that with this chance is smaller by so many.
    pub(super) fn or_less(self, pieces: i64, chance: f64) -> Self {
        let by = usize::try_from(pieces).unwrap_or(0);
        if by == 0 || by > LESS_MAX || chance < 1e-4 {
            return self;
        }
        let mut chances = vec![0.0; self.chances.len() + by];
        chances.iter_mut().zip(&self.chances).for_each(|(sum, entry)| *sum += chance * entry);
        chances
            .iter_mut()
            .skip(by)
            .zip(&self.chances)
            .for_each(|(sum, entry)| *sum += (1.0 - chance) * entry);
        Self { first: self.first - pieces, chances }.plus(0)
    }

    pub(super) fn mean(&self) -> f64 {
        self.first as f64
            + self.chances.iter().enumerate().map(|(index, chance)| index as f64 * chance).sum::<f64>()
    }

    pub(super) fn variance(&self) -> f64 {
        let mean = self.mean() - self.first as f64;
        self.chances.iter().enumerate().map(|(index, chance)| (index as f64 - mean).powi(2) * chance).sum()
    }

    /// The chance of less than or exactly this.
    pub(super) fn up_to(&self, pieces: i64) -> f64 {
        let entries = usize::try_from(pieces - self.first + 1).unwrap_or(0);
        self.chances.iter().take(entries).sum::<f64>().clamp(0.0, 1.0)
    }

    /// The smallest number that with this chance is not exceeded.
    pub(super) fn quantile(&self, chance: f64) -> i64 {
        let mut sum = 0.0;
        for (pieces, entry) in (self.first..).zip(&self.chances) {
            sum += entry;
            if sum >= chance {
                return pieces;
            }
        }
        self.first + self.chances.len() as i64 - 1
    }

    /// The interval with at most a twentieth on either side.
    pub(super) fn interval(&self) -> (i64, i64) {
        (self.quantile(0.05 + 1e-9), self.quantile(0.95))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A belief that is spread over some rows and columns, from a few numbers.
    fn spread(shelf: u32, back: u32, rows: u8, columns: u8) -> Grid {
        let cells = (0..u32::from(rows) * u32::from(columns)).map(|n| ((n * 7919) % 101 + 1) as f32);
        let cells: Vec<f32> = cells.collect();
        let sum: f32 = cells.iter().sum();
        Grid { shelf, back, rows, columns, cells: cells.into_iter().map(|cell| cell / sum).collect() }
    }

    /// The same by `step`, cell by cell.
    fn stepped(mut grid: Grid, shifts: &[(i64, i64, f64)]) -> Grid {
        let far = 100;
        assert!(grid.step(((far, far), (far, far)), |shelf, back, chance, to| {
            for (by_shelf, by_back, share) in shifts {
                to(i64::from(shelf) + by_shelf, i64::from(back) + by_back, chance * share);
            }
        }));
        grid
    }

    fn in_cells(grid: &Grid) -> Vec<(u32, u32, f64)> {
        grid.cells().filter(|(.., chance)| *chance > 0.0).collect()
    }

    #[test]
    fn shifts_that_are_mixed_row_by_row_give_what_each_cell_moved_by_itself_gives() {
        let delivery: Vec<_> = (1..=40)
            .flat_map(|by| [(0, 48 - by, 0.001), (0, 48 + by, 0.000_5)])
            .chain([(0, 48, 0.94)])
            .collect();
        let (fall, around) =
            ([(-4, 0, 0.1), (-3, 0, 0.5), (-2, 0, 0.1), (0, 0, 0.3)], [(0, -6, 0.85), (0, 0, 0.15)]);
        let refused = [(2, -2, 0.9), (0, 2, 0.1)];
        for shifts in [&delivery[..], &fall[..], &around[..], &refused[..]] {
            for grid in [spread(9, 30, 5, 20), spread(0, 0, 3, 9), spread(2, 3, 1, 12), Grid::point(6, 1)] {
                let mut mixed = grid.clone();
                assert!(mixed.shift(shifts));
                let (mixed, stepped) = (in_cells(&mixed), in_cells(&stepped(grid, shifts)));
                assert_eq!(mixed.len(), stepped.len());
                for (mixed, stepped) in mixed.iter().zip(&stepped) {
                    assert_eq!((mixed.0, mixed.1), (stepped.0, stepped.1));
                    assert!((mixed.2 - stepped.2).abs() <= 1e-7 * stepped.2, "{mixed:?}, {stepped:?}");
                }
            }
        }
    }
}
