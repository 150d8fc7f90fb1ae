//! Gathers past visits, bounded, and makes a [`Model`] of them.
//!
//! Takes visits one at a time so that a history longer than memory can be streamed through; the oldest are let go
//! when a bound is reached. Runs on a background thread of the caller; nothing here is shared until it is done.

use crate::{intern::Interner, model::Model, settings::Settings};
use aisle_event::{Sku, Timestamp};
use rustc_hash::FxHashSet;
use std::collections::VecDeque;

/// One visit to learn from: its items, oldest first, and when it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visit<S> {
    /// When it ended.
    pub at: Timestamp,
    /// What was viewed or bought, oldest first; repetitions are ignored.
    pub items: S,
}

/// What a visit shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Products that were viewed.
    Browse,
    /// Products that were bought.
    Sale,
}

/// A visit with its distinct items as numbers, oldest first.
#[derive(Debug, Clone)]
pub(crate) struct Observed {
    pub(crate) kind: Kind,
    pub(crate) at: Timestamp,
    pub(crate) items: Box<[u32]>,
}

/// Visits on their way into a model.
#[derive(Debug)]
pub struct Trainer {
    settings: Settings,
    pub(crate) interner: Interner,
    browses: VecDeque<Observed>,
    sales: VecDeque<Observed>,
    seen: FxHashSet<u32>,
}

impl Trainer {
    /// A trainer that has seen nothing.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self {
            settings: settings.clone(),
            interner: Interner::default(),
            browses: VecDeque::new(),
            sales: VecDeque::new(),
            seen: FxHashSet::default(),
        }
    }

    /// Takes in what a session viewed, oldest first.
    pub fn browse(&mut self, at: Timestamp, items: &[Sku]) {
        let observed =
            self.observe(Kind::Browse, at, items, self.settings.sessions.session_items_max, |_| None);
        keep(&mut self.browses, observed, self.settings.sessions.sessions_max);
    }

    /// Takes in what one document sold, in the order of its lines.
    pub fn sale(&mut self, at: Timestamp, items: &[Sku]) {
        let observed = self.observe(Kind::Sale, at, items, self.settings.related.basket_items_max, |_| None);
        keep(&mut self.sales, observed, self.settings.related.baskets_max);
    }

    /// Makes the model. `as_of` is the time up to which the visits are complete.
    #[must_use]
    pub fn finish(self, as_of: Timestamp) -> Model {
        let mut visits: Vec<Observed> = self.browses.into_iter().chain(self.sales).collect();
        // Stable: visits of the same time stay in the order in which they came.
        visits.sort_by_key(|visit| visit.at);
        Model::build(self.interner, &visits, as_of, &self.settings)
    }

    /// Turns items into distinct numbers, the latest `items_max` of them. `known` may know a number already.
    pub(crate) fn observe(
        &mut self,
        kind: Kind,
        at: Timestamp,
        items: &[Sku],
        items_max: usize,
        known: impl Fn(&Sku) -> Option<u32>,
    ) -> Observed {
        self.seen.clear();
        let latest = items.get(items.len().saturating_sub(items_max)..).unwrap_or_default();
        let ids = latest.iter().map(|sku| known(sku).unwrap_or_else(|| self.interner.intern(sku)));
        let items = ids.filter(|&id| self.seen.insert(id)).collect();
        Observed { kind, at, items }
    }
}

fn keep(visits: &mut VecDeque<Observed>, visit: Observed, visits_max: usize) {
    if visit.items.is_empty() {
        return;
    }
    if visits.len() >= visits_max {
        visits.pop_front();
    }
    visits.push_back(visit);
}
