//! Catalogues and prices that are ordered: files that become events of the journal, only where something differs.
//!
//! A catalogue lists what is new or described otherwise, and ends the listing of what the catalogue before had and this one has not; what came by other ways stays. Its
//! prices are those of new products. Prices are those of products that the shop has; lines of others are passed over. The way back is the file before; before the first
//! one, the shop as it was, kept in the same form.
//!
//! Not here: the form ([`mod@file`]), the shop (`aisle-state`). Guards invariant 1: what was put in place is in the journal when this answers.

mod file;

use super::before::Before;
use crate::{import::submit::Submitter, store::Store};
use aisle_artefact::Kind as Listing;
use aisle_converge::{
    Applier, Piece,
    applier::{Outcome, never, not_now},
};
use aisle_event::{
    Currency, Event, Sku, Timestamp, Unknown,
    stock::{PriceChanged, ProductDelisted, ProductListed},
};
use aisle_fleet::{Kind, Slot, converge::Trouble};
use aisle_state::{Product, Shop};
use file::{Listed, Priced};
use std::{collections::BTreeMap, sync::Arc};

pub(super) struct Goods {
    kind: Kind,
    store: Arc<Store>,
    currency: Currency,
    before: Before,
}

impl Goods {
    pub(super) const fn new(kind: Kind, store: Arc<Store>, currency: Currency, before: Before) -> Self {
        Self { kind, store, currency, before }
    }

    /// What a file changes in the shop, `gone` being what went with the file before.
    fn events(&self, shop: &Shop, bytes: &[u8], gone: Option<&[u8]>) -> Result<Vec<Event>, Trouble> {
        let (now, refused) = (self.store.now(), |error: file::FileError| never(error.to_string()));
        if self.kind == Kind::Prices {
            return Ok(repriced(shop, &file::prices(bytes, self.currency).map_err(refused)?, now));
        }
        let listed = file::catalogue(bytes, self.currency).map_err(refused)?;
        // A file that was good once and is not any more ends nothing.
        let gone = gone.and_then(|gone| file::catalogue(gone, self.currency).ok()).unwrap_or_default();
        Ok(relisted(shop, &listed, &gone, now))
    }

    fn put(&self, bytes: &[u8], gone: Option<&[u8]>) -> Outcome {
        let stopped = |error: &dyn std::fmt::Display| not_now(format!("the journal: {error}"));
        self.store.state.catch_up().map_err(|error| stopped(&error))?;
        let events = self.events(&self.store.state.shop(), bytes, gone)?;
        let mut submit = Submitter::new(&self.store.journal);
        for event in &events {
            submit.push(event).map_err(|error| stopped(&format!("{error:#}")))?;
        }
        submit.settle().map_err(|error| stopped(&format!("{error:#}")))?;
        self.store.state.catch_up().map_err(|error| stopped(&error))
    }

    /// The shop as a file of this kind.
    fn as_it_is(&self) -> Result<Vec<u8>, csv::Error> {
        let shop = self.store.state.shop();
        let products = shop.products.values();
        if self.kind == Kind::Prices {
            let priced = products.map(|product| (&product.sku, priced_of(product)));
            return file::write_prices(priced);
        }
        file::write_catalogue(products.map(|product| (&product.sku, listed_of(product))))
    }

    fn put_back(&self, slot: &Slot, from: Option<&Piece>) -> Outcome {
        let (place, disk) = (slot.to_string(), |error: std::io::Error| not_now(error.to_string()));
        let Some(bytes) = self.before.read(&place).map_err(disk)? else { return Ok(()) };
        // A shop that had nothing is a file without lines, which is none.
        let is_empty = bytes.iter().filter(|byte| **byte == b'\n').count() <= 1;
        let gone = from.map(|from| from.bytes.as_slice());
        match (is_empty, gone) {
            (false, gone) => self.put(&bytes, gone)?,
            (true, Some(gone)) if self.kind == Kind::Catalogue => self.delist(gone)?,
            (true, _) => {}
        }
        self.before.forget(&place).map_err(disk)
    }

    fn delist(&self, gone: &[u8]) -> Outcome {
        let gone = file::catalogue(gone, self.currency).unwrap_or_default();
        let events = relisted(&self.store.state.shop(), &BTreeMap::new(), &gone, self.store.now());
        let mut submit = Submitter::new(&self.store.journal);
        let told = |error: anyhow::Error| not_now(format!("the journal: {error:#}"));
        events.iter().try_for_each(|event| submit.push(event)).map_err(told)?;
        submit.settle().map_err(told)
    }
}

fn listed_of(product: &Product) -> Listed {
    Listed {
        name: product.name.clone(),
        price: product.price,
        unit: product.unit,
        gtin: product.gtin,
        category: product.category.clone(),
    }
}

fn priced_of(product: &Product) -> Priced {
    Priced { price: product.price, valid_until: product.price_valid_until }
}

fn relisted(
    shop: &Shop,
    listed: &BTreeMap<Sku, Listed>,
    gone: &BTreeMap<Sku, Listed>,
    at: Timestamp,
) -> Vec<Event> {
    let come = listed.iter().flat_map(|(sku, listed)| {
        let known = shop.product(sku.as_str());
        let mut events: Vec<Event> = Vec::new();
        // What a product costs that the shop has is said by prices.
        let price = known.map_or(listed.price, |known| known.price);
        let wanted = Listed { price, ..listed.clone() };
        if known.is_none_or(|known| listed_of(known) != wanted) {
            let Listed { name, price, unit, gtin, category } = wanted;
            let (sku, unknown) = (sku.clone(), Unknown::default());
            events.push(ProductListed { sku, name, price, unit, gtin, category, at, unknown }.into());
            // Being listed again takes a price's end away.
            if let Some(known) = known.filter(|known| known.price_valid_until.is_some()) {
                let Priced { price, valid_until } = priced_of(known);
                let (sku, unknown) = (known.sku.clone(), Unknown::default());
                events.push(PriceChanged { sku, price, at, valid_until, unknown }.into());
            }
        }
        events
    });
    let ends = gone.keys().filter(|sku| !listed.contains_key(*sku));
    let ends = ends.filter(|sku| shop.product(sku.as_str()).is_some());
    let ends = ends.map(|sku| ProductDelisted { sku: sku.clone(), at, unknown: Unknown::default() }.into());
    come.chain(ends).collect()
}

fn repriced(shop: &Shop, prices: &BTreeMap<Sku, Priced>, at: Timestamp) -> Vec<Event> {
    let changed = prices.iter().filter_map(|(sku, wanted)| {
        let known = shop.product(sku.as_str())?;
        let Priced { price, valid_until } = *wanted;
        let differs = priced_of(known) != *wanted;
        let (sku, unknown) = (sku.clone(), Unknown::default());
        differs.then(|| PriceChanged { sku, price, at, valid_until, unknown }.into())
    });
    changed.collect()
}

impl Applier for Goods {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn bytes_max(&self) -> u64 {
        if self.kind == Kind::Prices { Listing::Prices.bytes_max() } else { Listing::Catalogue.bytes_max() }
    }

    fn smoke_test(&self, piece: &Piece) -> Outcome {
        let shop = self.store.state.shop();
        self.events(&shop, &piece.bytes, None)?;
        if self.kind == Kind::Prices && !shop.products.is_empty() {
            let prices =
                file::prices(&piece.bytes, self.currency).map_err(|error| never(error.to_string()))?;
            if !prices.keys().any(|sku| shop.product(sku.as_str()).is_some()) {
                return Err(not_now("it prices nothing that this shop sells"));
            }
        }
        Ok(())
    }

    fn activate(&self, piece: &Piece, before: Option<&Piece>) -> Outcome {
        let as_it_is = || self.as_it_is().map_err(std::io::Error::other);
        let kept = self.before.keep(&piece.slot.to_string(), as_it_is);
        kept.map_err(|error| not_now(format!("the shop as it was: {error}")))?;
        self.put(&piece.bytes, before.map(|before| before.bytes.as_slice()))
    }

    fn revert(&self, slot: &Slot, from: Option<&Piece>, to: Option<&Piece>) -> Outcome {
        match to {
            Some(to) => self.put(&to.bytes, from.map(|from| from.bytes.as_slice())),
            None => self.put_back(slot, from),
        }
    }

    fn remove(&self, slot: &Slot, from: Option<&Piece>) -> Outcome {
        self.put_back(slot, from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aisle_event::{Money, Name, Unit};
    use aisle_state::Stock;

    const AT: Timestamp = Timestamp(1_000);

    fn shop(rows: &[(&str, &str, i64)]) -> Shop {
        let mut shop = Shop::default();
        for (sku, name, minor) in rows {
            let product = Product {
                sku: Sku::new(sku).unwrap(),
                name: Name::new(name).unwrap(),
                price: Money::new(*minor, Currency::GBP),
                unit: Unit::Each,
                gtin: None,
                category: None,
                listed_at: AT,
                priced_at: AT,
                price_valid_until: None,
                stock: Stock::Unknown,
                sensed: None,
                expires: None,
                suppressed: None,
            };
            shop.products.insert(product.sku.clone(), Arc::new(product));
        }
        shop
    }

    fn catalogue(rows: &str) -> BTreeMap<Sku, Listed> {
        let text = format!("sku,name,price,currency,unit,gtin,category\n{rows}");
        file::catalogue(text.as_bytes(), Currency::GBP).unwrap()
    }

    #[test]
    fn a_catalogue_says_only_what_differs_and_ends_only_what_the_one_before_had() {
        let shop = shop(&[("JAM-1", "Plum jam", 425), ("TEA-1", "Tea", 300), ("OWN-1", "Own", 100)]);
        let gone = catalogue("JAM-1,Plum jam,4.25,GBP,each,,\nTEA-1,Tea,3,GBP,each,,\n");
        let next = catalogue("JAM-1,Plum jam,9.99,GBP,each,,\nOAT-1,Oats,1.50,GBP,each,,\n");
        let names = |events: Vec<Event>| {
            events
                .iter()
                .map(|event| match event {
                    Event::ProductListed(it) => format!("+{} {}", it.sku, it.price.minor),
                    Event::ProductDelisted(it) => format!("-{}", it.sku),
                    other => other.name().to_owned(),
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(names(relisted(&shop, &next, &gone, AT)), ["+OAT-1 150", "-TEA-1"]);
        assert_eq!(names(relisted(&shop, &gone, &gone, AT)), Vec::<String>::new());
    }

    #[test]
    fn prices_change_what_the_shop_has_and_nothing_else() {
        let shop = shop(&[("JAM-1", "Plum jam", 425), ("TEA-1", "Tea", 300)]);
        let text = "sku,price,currency,valid_until\nJAM-1,4.25,GBP,\nTEA-1,2.50,GBP,\nOAT-1,1,GBP,\n";
        let prices = file::prices(text.as_bytes(), Currency::GBP).unwrap();
        let events = repriced(&shop, &prices, AT);
        assert!(matches!(events.as_slice(), [Event::PriceChanged(it)] if it.price.minor == 250));
    }
}
