//! Basket completion: one item of each later basket is hidden; is it among the first 20 proposed for the rest?
//!
//! Which item is hidden: that at `splitmix64(place of the basket among the tested, from 0) mod items`, its items in
//! the order in which they first occur. A fixed pseudo-random choice: the first or the last item of an invoice is easier
//! or harder than most, since related things stand next to each other.

use super::{
    Clock,
    row::{Row, Score},
};
use crate::{
    model::Model,
    popular::hour_of,
    scratch::{self, Scratch},
    settings::{RelatedSettings, Settings},
    snapshot::Snapshot,
    trainer::Visit,
};
use aisle_event::{Sku, Timestamp, shopper::Rung};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

/// What one document sold: distinct items in the order of its lines.
pub type Basket = Visit<Vec<Sku>>;

/// Lines of a retailer's invoices on their way into baskets.
///
/// An invoice is a basket when its number does not start with `C` (a return) and at least two distinct products with
/// positive quantities remain. Codes for postage, fees, samples, corrections and gift vouchers are not products.
#[derive(Debug, Default)]
pub struct Invoices {
    by_number: FxHashMap<String, usize>,
    baskets: Vec<(Basket, FxHashSet<Sku>)>,
}

/// Codes of the UCI Online Retail data that are not products; those starting with `gift_` are vouchers.
const NOT_PRODUCTS: [&str; 11] =
    ["POST", "D", "M", "m", "C2", "DOT", "S", "B", "BANK CHARGES", "AMAZONFEE", "CRUK"];

impl Invoices {
    /// Takes in one line. The basket's time is that of its first line. Returns whether the line counts.
    pub fn line(&mut self, invoice: &str, code: &Sku, quantity: f64, at: Timestamp) -> bool {
        let product = !NOT_PRODUCTS.contains(&code.as_str()) && !code.as_str().starts_with("gift_");
        if invoice.starts_with('C') || !product || quantity <= 0.0 {
            return false;
        }
        let index = *self.by_number.entry(invoice.to_owned()).or_insert(self.baskets.len());
        if index == self.baskets.len() {
            self.baskets.push((Visit { at, items: Vec::new() }, FxHashSet::default()));
        }
        if let Some((basket, seen)) = self.baskets.get_mut(index)
            && seen.insert(code.clone())
        {
            basket.items.push(code.clone());
        }
        true
    }

    /// The baskets, in the order of their first lines.
    #[must_use]
    pub fn into_baskets(self) -> Vec<Basket> {
        self.baskets.into_iter().map(|(basket, _)| basket).filter(|basket| basket.items.len() > 1).collect()
    }
}

/// Learns from the baskets before `from` and completes those that are not, with each rung that speaks of baskets.
#[must_use]
pub fn baskets(baskets: &[Basket], from: Timestamp, settings: &Settings, clock: Clock<'_>) -> Vec<Row> {
    let snapshot = train(baskets, from, settings);
    let tests = later(baskets, from);
    vec![
        item_to_item(Rung::ItemToItem.as_str(), &snapshot, &tests, clock),
        complete(Rung::Popular.as_str(), &snapshot, &tests, clock, |_, at, scratch| {
            snapshot.score_popular(hour_of(at, &settings.popular), &mut scratch.tally);
        }),
    ]
}

/// The peer to compare item-to-item with: the plain cosine of the literature, every pair kept. The row `cosine`.
#[must_use]
pub fn cosine(baskets: &[Basket], from: Timestamp, settings: &Settings, clock: Clock<'_>) -> Row {
    let plain = Settings {
        related: RelatedSettings {
            neighbours_max: usize::MAX,
            basket_size_power: 0.0,
            distance_power: 0.0,
            sharpness: 1.0,
            half_life_ms: u64::MAX,
            ..settings.related.clone()
        },
        ..settings.clone()
    };
    item_to_item("cosine", &train(baskets, from, &plain), &later(baskets, from), clock)
}

fn later(baskets: &[Basket], from: Timestamp) -> Vec<&Basket> {
    baskets.iter().filter(|basket| basket.at >= from).collect()
}

fn item_to_item(name: &'static str, snapshot: &Snapshot, tests: &[&Basket], clock: Clock<'_>) -> Row {
    complete(name, snapshot, tests, clock, |context, _, scratch| {
        snapshot.model.related.score(context, snapshot.items(), &mut scratch.tally);
    })
}

fn train(baskets: &[Basket], from: Timestamp, settings: &Settings) -> Snapshot {
    let before = baskets.iter().filter(|basket| basket.at < from);
    let before = before.map(|basket| Visit { at: basket.at, items: &basket.items });
    let model = Model::train(std::iter::empty::<Visit<Vec<Sku>>>(), before, from, settings);
    Snapshot { number: 1, model: Arc::new(model), delta: None }
}

fn complete(
    name: &'static str,
    snapshot: &Snapshot,
    tests: &[&Basket],
    clock: Clock<'_>,
    propose: impl Fn(&[Option<u32>], Timestamp, &mut Scratch),
) -> Row {
    let mut score = Score::new(name, snapshot.items());
    for (place, basket) in tests.iter().enumerate() {
        let mut rest: Vec<Option<u32>> = basket.items.iter().map(|sku| snapshot.id(sku)).collect();
        let hidden = splitmix64(place as u64).checked_rem(rest.len() as u64).unwrap_or(0) as usize;
        if hidden >= rest.len() {
            continue;
        }
        let came = rest.remove(hidden);
        scratch::with(|scratch| {
            score.take(
                came,
                |item| rest.contains(&Some(item)),
                clock,
                || {
                    propose(&rest, basket.at, scratch);
                    scratch.rank(|_| 1.0);
                    &scratch.candidates
                },
            );
        });
    }
    score.row()
}

/// The output function of Steele, Lea and Flood's SplitMix64 (OOPSLA 2014) for the state `(place + 1) * gamma`.
fn splitmix64(place: u64) -> u64 {
    let mut z = place.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
