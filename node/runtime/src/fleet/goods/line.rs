//! What a file changes in a shop, line by line: the events of putting it in place, and of taking the last one away.
//!
//! Not here: how lines are written ([`super::file`]), who keeps what products were ([`super::originals`]).

use super::{
    file::{self, FileError, Listed, Priced},
    originals::{Originals, Was, is_ours},
};
use aisle_event::{
    Currency, Event, Sku, Timestamp, Unknown,
    stock::{PriceChanged, ProductDelisted, ProductListed},
};
use aisle_state::{Product, Shop};
use minicbor::{Decode, Encode};
use std::collections::BTreeMap;

/// What there is to go by when a file comes, or when the last one goes.
pub(super) struct Turn<'a, L> {
    pub(super) shop: &'a Shop,
    /// What goes with the file before, where that is known.
    pub(super) gone: Option<&'a BTreeMap<Sku, L>>,
    pub(super) kept: &'a Originals<L>,
    pub(super) at: Timestamp,
}

/// A line of one of the files.
pub(super) trait Line:
    Clone + PartialEq + std::fmt::Debug + Encode<()> + for<'b> Decode<'b, ()> + Sized
{
    /// Whether files of this kind bring products and end them, so that it stays known what those were that are gone.
    const STAYS: bool;

    fn read(bytes: &[u8], currency: Currency) -> Result<BTreeMap<Sku, Self>, FileError>;

    /// The line that says what a product is.
    fn of(product: &Product) -> Self;

    /// Whether another line says the same, in what this kind is to say.
    fn is_like(&self, other: &Self) -> bool;

    /// What a file changes in the shop.
    fn changed(turn: &Turn<'_, Self>, file: &BTreeMap<Sku, Self>) -> Vec<Event>;

    /// What changes in the shop when the last file goes.
    fn put_back(turn: &Turn<'_, Self>) -> Vec<Event>;
}

impl Line for Listed {
    const STAYS: bool = true;

    fn read(bytes: &[u8], currency: Currency) -> Result<BTreeMap<Sku, Self>, FileError> {
        file::catalogue(bytes, currency)
    }

    fn of(product: &Product) -> Self {
        Self {
            name: product.name.clone(),
            price: product.price,
            unit: product.unit,
            gtin: product.gtin,
            category: product.category.clone(),
        }
    }

    /// What a product costs that the shop has is said by prices.
    fn is_like(&self, other: &Self) -> bool {
        *self == Self { price: self.price, ..other.clone() }
    }

    fn changed(turn: &Turn<'_, Self>, file: &BTreeMap<Sku, Self>) -> Vec<Event> {
        let &Turn { shop, gone, kept, at } = turn;
        let come = file.iter().flat_map(|(sku, wanted)| listed(shop, sku, wanted, at));
        // Where it is not known what goes, all that files have named is taken for it.
        let unknown = kept.rows().map(|(sku, _)| sku).filter(|_| gone.is_none());
        let named = gone.into_iter().flat_map(BTreeMap::keys).chain(unknown);
        let ends = named.filter(|sku| !file.contains_key(*sku));
        let ends = ends.filter(|sku| shop.product(sku.as_str()).is_some());
        come.chain(ends.map(|sku| delisted(sku, at))).collect()
    }

    fn put_back(turn: &Turn<'_, Self>) -> Vec<Event> {
        let &Turn { shop, gone, kept, at } = turn;
        let events = kept.rows().flat_map(|(sku, was)| {
            let product = shop.product(sku.as_str());
            // What somebody else has made of it since stays, and so does what they took away.
            let is_ours = match product {
                Some(product) => is_ours(gone, sku, &Self::of(product)),
                None => gone.is_none_or(|gone| !gone.contains_key(sku)),
            };
            match (was, product) {
                (Was::Here(was), _) if is_ours => listed(shop, sku, was, at),
                (Was::Absent, Some(_)) if is_ours => vec![delisted(sku, at)],
                _ => Vec::new(),
            }
        });
        events.collect()
    }
}

/// A product is like this, where it is not.
fn listed(shop: &Shop, sku: &Sku, wanted: &Listed, at: Timestamp) -> Vec<Event> {
    let known = shop.product(sku.as_str());
    if known.is_some_and(|known| Listed::of(known).is_like(wanted)) {
        return Vec::new();
    }
    let Listed { name, price, unit, gtin, category } = wanted.clone();
    let price = known.map_or(price, |known| known.price);
    let listed = ProductListed {
        sku: sku.clone(),
        name,
        price,
        unit,
        gtin,
        category,
        at,
        unknown: Unknown::default(),
    };
    // Being listed again takes a price's end away.
    let ends = known.filter(|known| known.price_valid_until.is_some());
    let ends = ends.map(|known| repriced(sku, Priced::of(known), at));
    [Event::from(listed)].into_iter().chain(ends).collect()
}

fn delisted(sku: &Sku, at: Timestamp) -> Event {
    ProductDelisted { sku: sku.clone(), at, unknown: Unknown::default() }.into()
}

impl Line for Priced {
    const STAYS: bool = false;

    fn read(bytes: &[u8], currency: Currency) -> Result<BTreeMap<Sku, Self>, FileError> {
        file::prices(bytes, currency)
    }

    fn of(product: &Product) -> Self {
        Self { price: product.price, valid_until: product.price_valid_until }
    }

    fn is_like(&self, other: &Self) -> bool {
        self == other
    }

    fn changed(turn: &Turn<'_, Self>, file: &BTreeMap<Sku, Self>) -> Vec<Event> {
        let come = file.iter().filter_map(|(sku, wanted)| {
            let is = Self::of(turn.shop.product(sku.as_str())?);
            (is != *wanted).then(|| repriced(sku, *wanted, turn.at))
        });
        come.chain(as_they_were(turn, |sku| file.contains_key(sku))).collect()
    }

    fn put_back(turn: &Turn<'_, Self>) -> Vec<Event> {
        as_they_were(turn, |_| false).collect()
    }
}

/// The prices of before, but of those products that a file names, and of those whose price somebody else has set since.
fn as_they_were(turn: &Turn<'_, Priced>, is_named: impl Fn(&Sku) -> bool) -> impl Iterator<Item = Event> {
    let &Turn { shop, gone, kept, at } = turn;
    kept.rows().filter_map(move |(sku, was)| {
        let is = Priced::of(shop.product(sku.as_str())?);
        let Was::Here(was) = was else { return None };
        let goes = !is_named(sku) && is != *was && is_ours(gone, sku, &is);
        goes.then(|| repriced(sku, *was, at))
    })
}

fn repriced(sku: &Sku, wanted: Priced, at: Timestamp) -> Event {
    let Priced { price, valid_until } = wanted;
    PriceChanged { sku: sku.clone(), price, at, valid_until, unknown: Unknown::default() }.into()
}
