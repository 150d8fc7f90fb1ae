//! The shop as plugins see it: products, positions, and what time it is in the store's zone.
//!
//! Not here: what plugins are called for. What a call sees is one snapshot of the shop, whatever happens meanwhile.

use aisle_event::{Currency, Day, Sku, Timestamp, Unit};
use aisle_plugin_host::types;
use aisle_state::{Product, Sensed, Shop, Stock};
use jiff::tz::TimeZone;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Products by group, of one version of the catalogue.
type Groups = HashMap<Arc<str>, Vec<Sku>>;

/// What a snapshot is made with: which store this is, and what was looked up before.
#[derive(Debug)]
pub(super) struct Window {
    store: String,
    currency: Currency,
    zone: TimeZone,
    groups: Mutex<Option<(u64, Arc<Groups>)>>,
}

/// The shop at one moment.
#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    shop: Arc<Shop>,
    window: Arc<Window>,
    currency: Currency,
    today: Day,
}

impl Window {
    pub(super) fn new(store: &str, currency: Currency, zone: TimeZone) -> Self {
        Self { store: store.into(), currency, zone, groups: Mutex::default() }
    }

    /// The currency of the store.
    pub(super) const fn currency(&self) -> Currency {
        self.currency
    }

    /// The day in the store's zone.
    pub(super) fn day(&self, now: Timestamp) -> Day {
        Day(self.context(now, self.currency).day)
    }

    /// What a call is told of place and time. The settings are the plugin's and come later.
    pub(super) fn context(&self, now: Timestamp, currency: Currency) -> types::Context {
        let instant = jiff::Timestamp::from_millisecond(now.0).unwrap_or_default();
        let local = instant.to_zoned(self.zone.clone());
        let since = jiff::civil::date(1970, 1, 1);
        let day = local.date().since((jiff::Unit::Day, since)).map_or(0, |span| span.get_days());
        types::Context {
            store: self.store.clone(),
            currency: currency.to_string(),
            now: now.0,
            minute_of_day: u16::from(local.hour().unsigned_abs()) * 60
                + u16::from(local.minute().unsigned_abs()),
            weekday: local.weekday().to_monday_one_offset().unsigned_abs(),
            day,
            settings: Vec::new(),
        }
    }

    /// The shop as plugins ask for it.
    pub(super) fn snapshot(
        self: &Arc<Self>,
        shop: &Arc<Shop>,
        now: Timestamp,
        currency: Currency,
    ) -> Snapshot {
        Snapshot { shop: shop.clone(), window: self.clone(), currency, today: self.day(now) }
    }

    /// Made when somebody asks for a group, and again for each version of the catalogue.
    fn groups(&self, shop: &Shop) -> Arc<Groups> {
        let mut known = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((version, groups)) = &*known
            && *version == shop.catalogue_version
        {
            return groups.clone();
        }
        let mut groups = Groups::new();
        for product in shop.products.values() {
            if let Some(category) = &product.category {
                match groups.get_mut(category.as_str()) {
                    Some(skus) => skus.push(product.sku.clone()),
                    None => drop(groups.insert(category.as_str().into(), vec![product.sku.clone()])),
                }
            }
        }
        let groups = Arc::new(groups);
        *known = Some((shop.catalogue_version, groups.clone()));
        groups
    }
}

impl Snapshot {
    /// A product as plugins see it.
    pub(super) fn of(&self, product: &Product) -> types::Product {
        types::Product {
            sku: product.sku.to_string(),
            name: product.name.to_string(),
            category: product.category.as_ref().map(ToString::to_string),
            unit: unit(product.unit),
            price: product.price.minor,
            expires_in_days: product.expires.map(|day| day.0.saturating_sub(self.today.0)),
            in_stock: product.in_stock(),
        }
    }

    fn find(&self, sku: &str) -> Option<&Arc<Product>> {
        // An amount in another currency would be taken for one in this.
        self.shop.product(sku).filter(|product| product.price.currency == self.currency)
    }
}

impl aisle_plugin_host::Shop for Snapshot {
    fn product(&self, sku: &str) -> Option<types::Product> {
        self.find(sku).map(|product| self.of(product))
    }

    fn of_category(&self, category: &str, limit: u32) -> Vec<types::Product> {
        let groups = self.window.groups(&self.shop);
        let skus = groups.get(category).map(Vec::as_slice).unwrap_or_default();
        let found = skus.iter().filter_map(|sku| self.find(sku.as_str()));
        found.take(limit as usize).map(|product| self.of(product)).collect()
    }

    fn stock(&self, sku: &str) -> Option<types::Position> {
        self.find(sku).and_then(|product| position(product))
    }
}

/// How much there is of a product, by the best knowledge.
pub(super) fn position(product: &Product) -> Option<types::Position> {
    match (product.sensed, product.stock) {
        (Some(Sensed { on_hand, none_permille, as_of, .. }), _) => {
            Some(types::Position { on_hand: on_hand.thousandths, none_permille, as_of: as_of.0 })
        }
        (None, Stock::Known { on_hand, as_of }) => {
            let none_permille = if on_hand.thousandths > 0 { 0 } else { 1000 };
            Some(types::Position { on_hand: on_hand.thousandths, none_permille, as_of: as_of.0 })
        }
        (None, Stock::Unknown) => None,
    }
}

const fn unit(unit: Unit) -> types::Unit {
    match unit {
        Unit::Each => types::Unit::Each,
        Unit::Kilogram => types::Unit::Kilogram,
        Unit::Litre => types::Unit::Litre,
        Unit::Metre => types::Unit::Metre,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_is_that_of_the_stores_own_zone() {
        let zone = TimeZone::get("Asia/Tokyo").unwrap();
        let window = Window::new("store-1", Currency::GBP, zone);
        // Sunday evening in UTC is Monday morning in Tokyo.
        let now = Timestamp(
            jiff::civil::date(2026, 11, 22)
                .at(22, 30, 0, 0)
                .to_zoned(TimeZone::UTC)
                .unwrap()
                .timestamp()
                .as_millisecond(),
        );
        let context = window.context(now, Currency::GBP);
        assert_eq!((context.minute_of_day, context.weekday), (7 * 60 + 30, 1));
        assert_eq!(context.day, now.day().0 + 1);
        assert_eq!(window.day(now), Day(context.day));
    }
}
