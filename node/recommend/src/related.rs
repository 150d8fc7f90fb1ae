//! Item-to-item: for every item, those that are bought with it, most similar first.
//!
//! Weighted cosine over baskets (Linden, Smith, York, "Amazon.com Recommendations: Item-to-Item Collaborative
//! Filtering", IEEE Internet Computing 2003, with the weights below), raised to `sharpness`:
//!
//! `similarity(a, b) = sum over baskets w * near(a, b) / sqrt(sum over baskets of a w * sum over baskets of b w)`
//!
//! `w = kind * 2 ^ -(age / half-life) * (items - 1) ^ -basket_size_power` keeps bulk orders from tying everything to everything;
//! `near = (1 + distance in the basket) ^ -distance_power` uses that people pick related things one after another.
//! The exponents and the half-life were chosen on the month before the test period of the evaluation.

use crate::{
    scratch::Tally,
    settings::RelatedSettings,
    trainer::{Kind, Observed},
};
use aisle_event::Timestamp;

/// The neighbours of every item.
#[derive(Debug, Default)]
pub(crate) struct Related {
    starts: Vec<u32>,
    neighbours: Vec<(u32, f32)>,
}

impl Related {
    /// From baskets and sessions with distinct items below `items`.
    pub(crate) fn build(visits: &[Observed], items: usize, settings: &RelatedSettings) -> Self {
        let newest = visits.iter().map(|visit| visit.at).max().unwrap_or_default();
        let visits: Vec<(&[u32], f64)> =
            visits.iter().filter_map(|visit| weighed(visit, newest, settings)).collect();
        let longest = visits.iter().map(|(items, _)| items.len()).max().unwrap_or(0);
        let near: Vec<f64> =
            (0..longest).map(|distance| (1.0 + distance as f64).powf(-settings.distance_power)).collect();

        let mut norms = vec![0.0; items];
        let mut holders: Vec<Vec<(u32, u32)>> = vec![Vec::new(); items];
        for (visit, (items, weight)) in visits.iter().enumerate() {
            for (at, &item) in items.iter().enumerate() {
                let item = item as usize;
                if let (Some(norm), Some(holders)) = (norms.get_mut(item), holders.get_mut(item)) {
                    *norm += weight;
                    holders.push((visit as u32, at as u32));
                }
            }
        }

        let mut together = vec![0.0; items];
        let mut touched = Vec::new();
        let mut row: Vec<(u32, f32)> = Vec::new();
        let mut built = Self { starts: vec![0], neighbours: Vec::new() };
        for (item, holders) in holders.iter().enumerate() {
            for &(visit, at) in holders {
                let Some((items, weight)) = visits.get(visit as usize) else { continue };
                for (other_at, &other) in items.iter().enumerate() {
                    let distance = other_at.abs_diff(at as usize);
                    let (Some(sum), Some(near)) = (together.get_mut(other as usize), near.get(distance))
                    else {
                        continue;
                    };
                    if distance > 0 {
                        if *sum == 0.0 {
                            touched.push(other);
                        }
                        *sum += weight * near;
                    }
                }
            }
            let norm = norms.get(item).copied().unwrap_or(0.0);
            row.clear();
            for other in touched.drain(..) {
                let Some(sum) = together.get_mut(other as usize).map(std::mem::take) else { continue };
                let other_norm = norms.get(other as usize).copied().unwrap_or(0.0);
                let cosine: f64 = sum / (norm * other_norm).sqrt();
                row.push((other, cosine.powf(settings.sharpness) as f32));
            }
            let order = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
            if row.len() > settings.neighbours_max {
                row.select_nth_unstable_by(settings.neighbours_max, order);
                row.truncate(settings.neighbours_max);
            }
            row.sort_unstable_by(order);
            built.neighbours.extend_from_slice(&row);
            built.starts.push(built.neighbours.len() as u32);
        }
        built.neighbours.shrink_to_fit();
        built
    }

    fn of(&self, item: u32) -> &[(u32, f32)] {
        let item = item as usize;
        match (self.starts.get(item), self.starts.get(item + 1)) {
            (Some(&start), Some(&end)) => {
                self.neighbours.get(start as usize..end as usize).unwrap_or_default()
            }
            _ => &[],
        }
    }

    /// Adds to the tally the similarities of every item to those in the context.
    pub(crate) fn score(&self, context: &[Option<u32>], items: usize, tally: &mut Tally) {
        tally.reserve(items);
        for &item in context.iter().flatten() {
            for &(other, similarity) in self.of(item) {
                tally.add(other, f64::from(similarity), item);
            }
        }
    }

    /// How many pairs are kept.
    pub(crate) fn len(&self) -> usize {
        self.neighbours.len()
    }
}

fn weighed<'a>(
    visit: &'a Observed,
    newest: Timestamp,
    settings: &RelatedSettings,
) -> Option<(&'a [u32], f64)> {
    let kind = match visit.kind {
        Kind::Browse => settings.browse_weight,
        Kind::Sale => 1.0,
    };
    let others = visit.items.len().checked_sub(1).filter(|&others| others > 0)?;
    let age = newest.ms_since(visit.at) as f64 / settings.half_life_ms.max(1) as f64;
    let weight = kind * (-age).exp2() * (others as f64).powf(-settings.basket_size_power);
    (weight > 0.0).then_some((&*visit.items, weight))
}
