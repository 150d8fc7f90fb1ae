//! Putting recommendations in the order of plugins: candidates out, an order back, pinned products where they were.
//!
//! An answer that names what was not asked, or anything twice, is not used. Guards invariant 4: without a usable answer in time the
//! recommender's own order is shown.

use crate::{
    app::App,
    catalogue::Index,
    engine::{Ask, Engine, Pick, Picks, Why, basket},
    plugins::{Candidate, List, Place, Plugins, Ranked},
    pricing::within,
};
use aisle_event::shopper::Rung;
use aisle_recommend::{COUNT_MAX, Reason};
use aisle_state::{Product, Shop};
use std::{collections::BTreeSet, sync::Arc};

/// How many lists are ranked at once.
pub(super) const RANKING_MAX: usize = 64;
/// How long a list waits to be ranked, in milliseconds.
const RANK_WITHIN_MS: u64 = 250;
/// The longest reason, in characters.
const REASON_CHARS_MAX: usize = 120;

impl Engine {
    /// The recommender's answer as plugins have it.
    pub(super) async fn ranked<'a>(
        &self,
        app: &App,
        plugins: &Arc<dyn Plugins>,
        shop: &'a Arc<Shop>,
        index: &Index,
        ask: &Ask<'_>,
        mut picks: Picks<'a>,
    ) -> Picks<'a> {
        let substitute = ask.place == Place::Substitute;
        let mut items = std::mem::take(&mut picks.items);
        if substitute {
            items = beside(shop, index, ask, items);
        }
        // What is pinned beyond the last place would not be shown.
        let items = items.into_iter().enumerate().filter(|(at, pick)| *at < ask.count || !pick.is_pinned());
        let items: Vec<Pick<'a>> = items.map(|(_, pick)| pick).collect();
        if items.is_empty() {
            return picks;
        }
        let list = List {
            place: ask.place,
            shop: shop.clone(),
            now: ask.now,
            subject: ask.sku.and_then(|sku| shop.product(sku.as_str())).cloned(),
            basket: basket(ask.session),
            candidates: candidates(shop, &items),
            count: ask.count,
        };
        let asked = plugins.clone();
        let answer = within(RANK_WITHIN_MS, &self.ranking, move || asked.rank(&list)).await;
        let usable = answer
            .and_then(|answer| answer.map(|order| check(&order, items.len()).map(|()| order)).transpose());
        let order = usable.unwrap_or_else(|fault| {
            app.telemetry.ranking_lost(&fault);
            None
        });
        let shown = match order {
            Some(order) => placed(&items, &order, ask.count),
            // Nobody knows what may stand in the place of another product.
            None if substitute => Vec::new(),
            None => items.into_iter().take(ask.count).collect(),
        };
        picks.with(shown)
    }
}

impl Pick<'_> {
    fn is_pinned(&self) -> bool {
        matches!(self.why, Why::Reason(Reason::Pinned))
    }
}

/// What may stand in the place of a product: others of its category, the nearest in price first, and what the recommender chose.
fn beside<'a>(shop: &'a Shop, index: &Index, ask: &Ask<'_>, chosen: Vec<Pick<'a>>) -> Vec<Pick<'a>> {
    let Some(subject) = ask.sku.and_then(|sku| shop.product(sku.as_str())) else { return chosen };
    let others = subject.category.as_ref().and_then(|category| index.category(category.as_str()));
    let mut others: Vec<&Arc<Product>> = others
        .unwrap_or_default()
        .iter()
        .filter_map(|sku| shop.product(sku.as_str()))
        .filter(|product| product.in_stock() && product.sku != subject.sku && product.unit == subject.unit)
        .collect();
    others.sort_by_key(|product| product.price.minor.abs_diff(subject.price.minor));
    let alike = others.into_iter().map(|product| Pick {
        product,
        rung: Rung::Catalogue,
        why: Why::InsteadOf(subject.sku.clone()),
        score: 0.0,
    });
    let mut seen = BTreeSet::from([&subject.sku]);
    alike.chain(chosen).filter(|pick| seen.insert(&pick.product.sku)).take(COUNT_MAX).collect()
}

fn candidates(shop: &Shop, items: &[Pick<'_>]) -> Vec<Candidate> {
    let best = items.first().map_or(0.0, |pick| pick.score);
    let mut before = 1000;
    let candidate = |pick: &Pick<'_>| {
        // Scores of different rungs do not compare; a candidate without one is a little less sure than the one before it.
        let share = if best > 0.0 && pick.score > 0.0 {
            pick.score / best * 1000.0
        } else {
            f64::from(before) * 0.95
        };
        before = before.min(share as u16);
        let product = shop.product(pick.product.sku.as_str())?.clone();
        Some(Candidate { product, score_permille: before, pinned: pick.is_pinned() })
    };
    items.iter().filter_map(candidate).collect()
}

/// Says what is wrong with an order of so many candidates.
fn check(order: &[Ranked], candidates: usize) -> Result<(), String> {
    let mut seen = vec![false; candidates];
    for ranked in order {
        match seen.get_mut(ranked.candidate) {
            None => return Err(format!("candidate {} of {candidates} is ranked", ranked.candidate)),
            Some(true) => return Err(format!("candidate {} is ranked twice", ranked.candidate)),
            Some(seen) => *seen = true,
        }
        let chars = ranked.reason.as_ref().map_or(1, |reason| reason.trim().chars().count());
        if !(1..=REASON_CHARS_MAX).contains(&chars) {
            return Err(format!("candidate {} has a reason of {chars} characters", ranked.candidate));
        }
    }
    Ok(())
}

/// The candidates in their new order, with the pinned ones in their places.
fn placed<'a>(items: &[Pick<'a>], order: &[Ranked], count: usize) -> Vec<Pick<'a>> {
    let mut others = order.iter().filter_map(|ranked| {
        let pick = items.get(ranked.candidate).filter(|pick| !pick.is_pinned())?;
        let why = ranked.reason.clone().map_or_else(|| pick.why.clone(), Why::Words);
        Some(Pick { why, ..pick.clone() })
    });
    let pinned = |place: usize| items.get(place).filter(|pick| pick.is_pinned()).cloned();
    (0..count).filter_map(|place| pinned(place).or_else(|| others.next())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked(candidate: usize) -> Ranked {
        Ranked { candidate, reason: None }
    }

    #[test]
    fn an_order_names_each_candidate_at_most_once() {
        assert_eq!(check(&[ranked(2), ranked(0)], 3), Ok(()));
        assert_eq!(check(&[], 3), Ok(()));
        assert!(check(&[ranked(3)], 3).unwrap_err().contains("candidate 3 of 3"));
        assert!(check(&[ranked(1), ranked(1)], 3).unwrap_err().contains("twice"));
    }
}
