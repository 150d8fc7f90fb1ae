//! The recommender's peer: session neighbours with plain hash maps, by the same definition (see `aisle_recommend`).
//!
//! Every item leads to all sessions that hold it; the most recent are found by sorting what an item leads to. So the
//! work grows with the history, where the index of VMIS-kNN stops after `recent_max` sessions.

use aisle_event::Sku;
use aisle_recommend::{SessionSettings, Visit};
use rustc_hash::{FxHashMap, FxHashSet};

/// Past sessions and the sessions that hold each item, by number; a larger number is more recent.
#[derive(Debug)]
pub(crate) struct Neighbours {
    sessions: Vec<Vec<Sku>>,
    holders: FxHashMap<Sku, Vec<usize>>,
    occurrences: usize,
    settings: SessionSettings,
}

impl Neighbours {
    /// Takes in sessions, oldest first.
    pub(crate) fn of(visits: &[Visit<Vec<Sku>>], settings: SessionSettings) -> Self {
        let mut neighbours =
            Self { sessions: Vec::new(), holders: FxHashMap::default(), occurrences: 0, settings };
        for visit in visits {
            let latest = visit.items.len().saturating_sub(neighbours.settings.session_items_max);
            let mut seen = FxHashSet::default();
            let items: Vec<Sku> =
                visit.items.iter().skip(latest).filter(|sku| seen.insert(*sku)).cloned().collect();
            if items.len() < 2 {
                continue;
            }
            for sku in &items {
                neighbours.holders.entry(sku.clone()).or_default().push(neighbours.sessions.len());
            }
            neighbours.occurrences += items.len();
            neighbours.sessions.push(items);
        }
        neighbours
    }

    /// The best items after what was viewed (oldest first), without what was viewed last, each with its score.
    pub(crate) fn answer(&self, viewed: &[Sku], count: usize) -> Vec<(&Sku, f64)> {
        let window = viewed.get(viewed.len().saturating_sub(self.settings.items_last)..).unwrap_or_default();
        let mut known: Vec<(usize, &[usize])> = Vec::new();
        let mut seen = FxHashSet::default();
        for (position, sku) in window.iter().rev().enumerate() {
            if let Some(holders) = self.holders.get(sku).filter(|_| seen.insert(sku)) {
                known.push((position, holders));
            }
        }

        let mut candidates: FxHashMap<usize, (f64, usize)> = FxHashMap::default();
        for (position, holders) in &known {
            let weight = (window.len() - position) as f64 / window.len() as f64;
            for &session in *holders {
                // Positions rise, so the first one is that of the newest shared item.
                candidates.entry(session).or_insert((0.0, *position)).0 += weight;
            }
        }
        let mut neighbours: Vec<(usize, f64, usize)> = candidates
            .into_iter()
            .map(|(session, (similarity, newest))| (session, similarity, newest))
            .collect();
        neighbours.sort_by_key(|&(session, _, _)| std::cmp::Reverse(session));
        neighbours.truncate(self.settings.recent_max);
        neighbours.sort_by(|a, b| b.1.total_cmp(&a.1).then(b.0.cmp(&a.0)));
        neighbours.truncate(self.settings.neighbours_max);

        let mut scores: FxHashMap<&Sku, f64> = FxHashMap::default();
        for (session, similarity, newest) in neighbours {
            let weight = similarity * (1.0 - 0.1 * (newest + 1) as f64);
            for sku in self.sessions.get(session).into_iter().flatten() {
                let frequency = self.holders.get(sku).map_or(1, Vec::len) as f64;
                let idf = ((self.occurrences as f64).ln() - frequency.ln()) * self.settings.idf_weight;
                *scores.entry(sku).or_default() += if idf > 0.0 { weight * idf } else { weight };
            }
        }
        let mut best: Vec<(&Sku, f64)> =
            scores.into_iter().filter(|(sku, _)| viewed.last() != Some(sku)).collect();
        best.sort_by(|a, b| b.1.total_cmp(&a.1));
        best.truncate(count);
        best
    }
}
