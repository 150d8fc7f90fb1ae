//! What readers of tags do to a belief.

use super::{Item, count::replaced};
use crate::position::{clock::Clock, grid::Grid, store::Store, tags::Seen};
use aisle_event::device::Place;

impl Item {
    /// A reader looked for the product in a place.
    pub(in crate::position) fn scan(
        &mut self,
        store: &mut Store,
        clock: &Clock,
        seen: &Seen<'_>,
        tags_max: usize,
    ) {
        self.advance(store, clock, false);
        let place = seen.place;
        let scanned = self.tags.scan(seen, clock.passed_ms(), tags_max);
        store.detection.learn(f64::from(scanned.seen), f64::from(scanned.missed));
        // Seen in one of several scans: the chance to miss it twice, because misses go together.
        let miss = (1.0 - store.detection.mean()).clamp(0.005, 0.6);
        let detection = 1.0 - miss * miss.max(0.15);
        let pieces = scanned.pieces;
        let first = self.grid.is_none();
        let grid = self.grid.get_or_insert_with(|| match place {
            Place::Shelf => Grid::point(pieces, 0),
            Place::Backroom => Grid::point(0, pieces),
        });
        // Pieces come and go in ways that nobody tells: what is believed impossible must stay possible for the reader to find.
        let hours = (scanned.since_ms as f64 / 3_600_000.0).min(1.0);
        let unsure = if first { 0.2 } else { 0.01 * hours };
        let around = |by: i64| if place == Place::Shelf { (by, 0, unsure) } else { (0, by, unsure) };
        grid.shift(&[around(-1), (0, 0, 1.0 - 2.0 * unsure), around(1)]);
        // Scans of some hours miss the same tags and see the same strays, so all of them together count once.
        const OWN_MS: f64 = 3_600_000.0;
        let news = (scanned.since_ms as f64 / OWN_MS).clamp(if scanned.changed { 0.4 } else { 0.0 }, 1.0);
        let near = |held: u32| held.abs_diff(pieces) <= 2;
        let expected = grid.chance(|shelf, back| near(if place == Place::Shelf { shelf } else { back }));
        if expected < 1e-4 {
            *grid = replaced(grid, Some(place), pieces);
            return;
        }
        let likelihood = |held: u32| seeing(pieces, held, detection).powf(news);
        match place {
            Place::Shelf => grid.weigh_shelf(likelihood),
            Place::Backroom => grid.weigh_back(likelihood),
        };
    }
}

/// The chance to see so many tags (of the last few scans) when so many pieces are there: binomial, with some strays, some that
/// just left and some on the shelf of something else, and a remainder for what nobody thought of.
fn seeing(seen: u32, there: u32, detection: f64) -> f64 {
    const OTHER: f64 = 1e-4;
    const EXTRA: [f64; 4] = [0.76, 0.18, 0.045, 0.015];
    let miss = 1.0 - detection;
    let chance = |seen: u32| -> f64 {
        if seen > there {
            return 0.0;
        }
        let missed = there - seen;
        if missed > 60 {
            return 0.0;
        }
        // Choose the missed ones: a product of few factors.
        let ways: f64 = (0..missed).map(|k| f64::from(there - k) / f64::from(k + 1)).product();
        ways * miss.powi(missed as i32) * detection.powi(seen.min(1_000_000) as i32)
    };
    let seen_own = EXTRA.iter().zip(0_u32..).filter(|(_, extra)| *extra <= seen);
    OTHER + seen_own.map(|(share, extra)| share * chance(seen - extra)).sum::<f64>()
}
