//! What the rows say about products: their name, and their first and latest price.
//!
//! A product's name is the description that stands on most of its lines (the first in the alphabet where two stand
//! equally often); its price is that of its latest line. A product without any description is sold but not listed.

use crate::import::online_retail::Row;
use aisle_event::{
    Event, Money, Name, Sku, Timestamp, Unit, Unknown,
    stock::{PriceChanged, ProductListed},
};
use aisle_state::Shop;
use std::collections::{BTreeMap, HashMap};

/// The most descriptions that are counted for one product; further ones do not count.
const NAMES_MAX: usize = 64;

#[derive(Debug)]
struct Tally {
    names: HashMap<Name, u32>,
    first: (Timestamp, Money),
    latest: (Timestamp, Money),
}

/// Counts over the rows of one file.
#[derive(Debug, Default)]
pub(crate) struct Products(BTreeMap<Sku, Tally>);

impl Products {
    pub(crate) fn see(&mut self, row: &Row) {
        let offer = (row.heading.at, row.line.unit_price);
        let tally = self.0.entry(row.line.sku.clone()).or_insert_with(|| Tally {
            names: HashMap::new(),
            first: offer,
            latest: offer,
        });
        if let Some(name) = &row.name {
            if let Some(count) = tally.names.get_mut(name) {
                *count += 1;
            } else if tally.names.len() < NAMES_MAX {
                tally.names.insert(name.clone(), 1);
            }
        }
        if offer.0 < tally.first.0 {
            tally.first = offer;
        }
        if offer.0 >= tally.latest.0 {
            tally.latest = offer;
        }
    }

    /// The events that bring the catalogue to what the rows say, none where it says so already.
    pub(crate) fn events<'a>(&'a self, shop: &'a Shop) -> impl Iterator<Item = Event> + 'a {
        self.0.iter().flat_map(|(sku, tally)| {
            let name = tally
                .names
                .iter()
                .max_by(|(a, m), (b, n)| m.cmp(n).then_with(|| b.cmp(a)))
                .map(|(name, _)| name.clone());
            let known = shop.product(sku.as_str());
            let listed = name.filter(|name| known.is_none_or(|product| product.name != *name)).map(|name| {
                let (at, price) = if known.is_some() { tally.latest } else { tally.first };
                let (unit, unknown) = (Unit::Each, Unknown::default());
                ProductListed { sku: sku.clone(), name, price, unit, gtin: None, category: None, at, unknown }
            });
            let (at, price) = tally.latest;
            let is_listed = known.is_some() || listed.is_some();
            let shown = listed.as_ref().map(|event| event.at).or(known.map(|product| product.priced_at));
            let repriced = (is_listed && shown.is_some_and(|shown| shown < at)).then(|| PriceChanged {
                sku: sku.clone(),
                price,
                at,
                valid_until: None,
                unknown: Unknown::default(),
            });
            [listed.map(Event::from), repriced.map(Event::from)].into_iter().flatten()
        })
    }
}
