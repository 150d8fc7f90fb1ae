//! The chain of fallbacks for one query: each rung fills what the better ones left open, then pins take their places.
//!
//! Guards: whatever the rung, an item is shown only if it is offered, not banned and not what the shopper has already.

use crate::{
    answer::{Item, Reason, Shelf},
    experiment::Policy,
    rules::Rules,
    scratch::{self, Candidate, Scratch},
    settings::Settings,
    snapshot::Snapshot,
};
use aisle_event::{
    Sku,
    shopper::{Rung, Slot},
};

/// The most products of the catalogue that the last rung looks at.
const CATALOGUE_SCAN_MAX: usize = 1_000;

/// One query, resolved.
pub(crate) struct Ladder<'a, S> {
    pub(crate) snapshot: Option<&'a Snapshot>,
    pub(crate) rules: &'a Rules,
    pub(crate) settings: &'a Settings,
    pub(crate) shelf: &'a S,
    pub(crate) slot: Slot,
    pub(crate) policy: Policy,
    /// What the shopper has in hand, oldest first.
    pub(crate) context: &'a [&'a Sku],
    /// What must not be shown.
    pub(crate) excluded: &'a [&'a Sku],
    pub(crate) count: usize,
    /// The local hour.
    pub(crate) hour: u8,
}

impl<S: Shelf> Ladder<'_, S> {
    /// The items to show.
    pub(crate) fn climb(&self) -> Vec<Item> {
        let mut items = Vec::with_capacity(2 * self.count);
        let rungs = match self.slot {
            Slot::Home | Slot::Product => [Rung::SessionNeighbours, Rung::ItemToItem],
            Slot::Basket => [Rung::ItemToItem, Rung::SessionNeighbours],
        };
        for rung in rungs.into_iter().chain([Rung::Popular, Rung::Rules, Rung::Catalogue]) {
            if items.len() >= self.count {
                break;
            }
            self.gather(rung, &mut items);
        }
        if self.policy.diversity && self.settings.category_run_max > 0 {
            items = self.diverse(items);
        }
        self.pin(&mut items);
        items.truncate(self.count);
        items
    }

    /// Adds what a rung gives: up to twice the count, so that diversity has something to choose from.
    fn gather(&self, rung: Rung, items: &mut Vec<Item>) {
        match rung {
            Rung::SessionNeighbours | Rung::ItemToItem | Rung::Popular => {
                let Some(snapshot) = self.snapshot else { return };
                scratch::with(|scratch| {
                    self.propose(rung, snapshot, scratch);
                    self.admit(
                        items,
                        scratch.candidates.iter().filter_map(|candidate| {
                            let reason = || self.reason(rung, snapshot, candidate);
                            Some((snapshot.sku(candidate.item)?, candidate.score, reason))
                        }),
                        rung,
                    );
                });
            }
            Rung::Rules => {
                self.admit(
                    items,
                    self.rules.list().iter().map(|sku| (sku, 0.0, || Some(Reason::Chosen))),
                    rung,
                );
            }
            Rung::Catalogue => {
                let newest = self.shelf.newest().take(CATALOGUE_SCAN_MAX);
                self.admit(items, newest.map(|sku| (sku, 0.0, || Some(Reason::New))), rung);
            }
        }
    }

    /// Leaves in the scratch the candidates of a rung, best first.
    fn propose(&self, rung: Rung, snapshot: &Snapshot, scratch: &mut Scratch) {
        scratch.candidates.clear();
        let ids = || self.context.iter().map(|sku| snapshot.id(sku)).collect::<Vec<_>>();
        match rung {
            Rung::SessionNeighbours if self.policy.session_neighbours => {
                snapshot.sessions().score(&ids(), &self.settings.sessions, scratch);
            }
            Rung::ItemToItem if self.policy.item_to_item => {
                snapshot.model.related.score(&ids(), snapshot.items(), &mut scratch.tally);
            }
            Rung::Popular => {
                snapshot.score_popular(self.hour, &mut scratch.tally);
            }
            _ => return,
        }
        if self.rules.has_boosts() {
            scratch.rank(|item| snapshot.sku(item).map_or(1.0, |sku| self.rules.factor(sku)));
        } else {
            scratch.rank(|_| 1.0);
        }
    }

    fn admit<'s, R>(
        &self,
        items: &mut Vec<Item>,
        proposed: impl Iterator<Item = (&'s Sku, f64, R)>,
        rung: Rung,
    ) where
        R: Fn() -> Option<Reason>,
    {
        for (sku, score, reason) in proposed {
            if items.len() >= 2 * self.count {
                break;
            }
            if items.iter().any(|item| item.sku == *sku) || !self.admissible(sku) {
                continue;
            }
            if let Some(reason) = reason() {
                items.push(Item { sku: sku.clone(), rung, reason, score });
            }
        }
    }

    fn admissible(&self, sku: &Sku) -> bool {
        !self.excluded.contains(&sku) && !self.rules.bans(self.slot, sku) && self.shelf.offered(sku)
    }

    fn reason(&self, rung: Rung, snapshot: &Snapshot, candidate: &Candidate) -> Option<Reason> {
        let because = || snapshot.sku(candidate.because).cloned();
        Some(match rung {
            Rung::SessionNeighbours => Reason::ViewedNext { after: because()?, sessions: candidate.voices },
            Rung::ItemToItem => Reason::GoesWith { with: because()? },
            Rung::Popular => Reason::PopularNow { hour: self.hour },
            Rung::Rules => Reason::Chosen,
            Rung::Catalogue => Reason::New,
        })
    }

    /// Puts off an item that would make a run of one category too long until another category has come between.
    fn diverse(&self, items: Vec<Item>) -> Vec<Item> {
        let run_max = self.settings.category_run_max;
        let mut waiting: Vec<(Item, Option<&str>)> = items
            .into_iter()
            .map(|item| {
                let category = self.shelf.category(&item.sku);
                (item, category)
            })
            .collect();
        let mut chosen = Vec::with_capacity(waiting.len());
        let (mut last, mut run) = (None, 0);
        while !waiting.is_empty() && chosen.len() < self.count {
            let fits = |(_, category): &(Item, Option<&str>)| {
                category.is_none() || *category != last || run < run_max
            };
            let (item, category) = waiting.remove(waiting.iter().position(fits).unwrap_or(0));
            run = if category.is_some() && category == last { run + 1 } else { 1 };
            last = category;
            chosen.push(item);
        }
        chosen
    }

    fn pin(&self, items: &mut Vec<Item>) {
        let fits = |pin: &&(usize, Sku)| pin.0 < self.count && self.admissible(&pin.1);
        let pins: Vec<_> = self.rules.pins(self.slot).iter().filter(fits).collect();
        items.retain(|item| pins.iter().all(|(_, sku)| item.sku != *sku));
        for (position, sku) in pins {
            let place = (*position).min(items.len());
            items.insert(
                place,
                Item { sku: sku.clone(), rung: Rung::Rules, reason: Reason::Pinned, score: 0.0 },
            );
        }
    }
}
