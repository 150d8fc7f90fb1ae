//! Buffers that a thread uses again for every query: scores by item, and the candidates made from them.
//!
//! Guards: between queries every cell is zero, so a query pays for the items it touches and not for the catalogue.

use crate::vmis::Neighbour;
use std::{cell::RefCell, cmp::Ordering};

/// The most candidates of one rung that are ranked; the rest cannot be shown.
pub(crate) const CANDIDATES_MAX: usize = 512;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Runs with this thread's buffers, or with fresh ones if they are in use further up the stack.
pub(crate) fn with<T>(run: impl FnOnce(&mut Scratch) -> T) -> T {
    SCRATCH.with(|scratch| match scratch.try_borrow_mut() {
        Ok(mut scratch) => run(&mut scratch),
        Err(_) => run(&mut Scratch::default()),
    })
}

/// An item that a rung proposes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) item: u32,
    pub(crate) score: f64,
    /// The item of the context that spoke loudest for it.
    pub(crate) because: u32,
    /// How many sessions or items spoke for it.
    pub(crate) voices: u32,
}

impl Candidate {
    /// Best first; among equals the item that was seen first, so that the order is the same everywhere.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        other.score.total_cmp(&self.score).then(self.item.cmp(&other.item))
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    score: f64,
    loudest: f64,
    because: u32,
    voices: u32,
}

/// Everything a query needs beside the snapshot.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) tally: Tally,
    pub(crate) neighbours: Vec<Neighbour>,
    pub(crate) candidates: Vec<Candidate>,
}

impl Scratch {
    /// Turns the tally into ranked candidates, at most [`CANDIDATES_MAX`], and clears it.
    pub(crate) fn rank(&mut self, factor: impl Fn(u32) -> f64) {
        self.candidates.clear();
        self.tally.drain_into(&mut self.candidates);
        for candidate in &mut self.candidates {
            candidate.score *= factor(candidate.item);
        }
        if self.candidates.len() > CANDIDATES_MAX {
            self.candidates.select_nth_unstable_by(CANDIDATES_MAX - 1, Candidate::order);
            self.candidates.truncate(CANDIDATES_MAX);
        }
        self.candidates.sort_unstable_by(Candidate::order);
    }
}

/// Scores by item.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    cells: Vec<Cell>,
    touched: Vec<u32>,
}

impl Tally {
    /// Makes room for items below `items`.
    pub(crate) fn reserve(&mut self, items: usize) {
        if self.cells.len() < items {
            self.cells.resize(items, Cell::default());
        }
    }

    /// Adds to an item's score what one voice says.
    pub(crate) fn add(&mut self, item: u32, score: f64, because: u32) {
        let Some(cell) = self.cells.get_mut(item as usize) else { return };
        if cell.voices == 0 {
            self.touched.push(item);
        }
        cell.score += score;
        cell.voices += 1;
        if score > cell.loudest {
            (cell.loudest, cell.because) = (score, because);
        }
    }

    fn drain_into(&mut self, candidates: &mut Vec<Candidate>) {
        for item in self.touched.drain(..) {
            if let Some(cell) = self.cells.get_mut(item as usize) {
                let Cell { score, because, voices, .. } = std::mem::take(cell);
                candidates.push(Candidate { item, score, because, voices });
            }
        }
    }
}
