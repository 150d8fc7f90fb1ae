//! Baskets of a store's journal: what was sold, at the prices of the catalogue, as the shop would have shown it then.
//!
//! The journal is read beside a node that runs, and not changed. What it does not tell stays unknown to the plugin: stock, dates of
//! lots, coupons. A customer's number becomes a token that says nothing about them. Guards invariant 6: the catalogue that is kept
//! along the way has at most [`PRODUCTS_MAX`] entries.

use aisle_event::{Event, EventType, Money, sale::SaleRecorded, stock::ProductListed};
use aisle_journal::{ReadError, Reader, RealIo, Veil, read_only_with, stats};
use aisle_plugin_host::{
    Hook, Shop,
    types::{Context, Customer, Input, Line, Position, PricingInput, Product, PromotionInput, Unit},
};
use aisle_vault::Vault;
use anyhow::{Context as _, Result, bail};
use imbl::OrdMap;
use jiff::{Timestamp, tz::TimeZone};
use std::{path::Path, sync::Arc};

/// Products that are remembered; of further ones only what a sale says is known.
const PRODUCTS_MAX: usize = 500_000;
/// What sets tokens apart from every other use of a customer's number.
const TOKEN_CONTEXT: &str = "aisle plugin replay 2026-11-21 token of a customer";
/// The name of the store in what is made here: a journal does not say whose it is.
const STORE: &str = "journal";

/// What was sold at once.
#[derive(Debug)]
pub(crate) struct Basket {
    /// Source and number of the document.
    pub(crate) document: String,
    /// The record's number, which the call's seed is.
    pub(crate) seq: u64,
    /// What the plugin is asked.
    pub(crate) input: Input,
    /// What the shop offered then.
    pub(crate) shop: Arc<Catalogue>,
}

/// What the shop offers, as far as it was read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Catalogue(OrdMap<String, Product>);

/// Reads baskets in the order of the journal.
#[derive(Debug)]
pub(crate) struct Baskets {
    reader: Reader,
    hook: Hook,
    zone: TimeZone,
    catalogue: Catalogue,
    /// The last record that there was at the begin.
    last: u64,
    /// Records that were taken out as damaged, and events that do not decode.
    unread: u64,
}

impl Baskets {
    /// Opens the journal of a store: the directory of its data, or `journal` in it.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub(crate) fn open(directory: &Path, hook: Hook, zone: TimeZone) -> Result<Self> {
        if !matches!(hook, Hook::Pricing | Hook::Promotion) {
            bail!(
                "a journal has baskets, and `{hook}` is not asked about them\nhint: replay recordings of a node, with `--node` or `--recordings`"
            );
        }
        let below = directory.join("journal");
        let directory = if below.is_dir() { &below } else { directory };
        let unreadable = || format!("`--journal`: cannot read `{}`", directory.display());
        let found = stats(directory, &RealIo).with_context(unreadable)?;
        if found.segments == 0 {
            bail!(
                "`--journal`: there is no journal in `{}`\nhint: it lies in the data directory of a store that has run",
                directory.display()
            );
        }
        // Customers lie sealed; where the keys are not beside the journal, a sale is of nobody.
        let vault = Vault::at(&directory.with_file_name("keys"), Arc::new(RealIo));
        vault.open_read_only().with_context(unreadable)?;
        let veil: Arc<dyn Veil> = Arc::new(vault);
        let reader =
            read_only_with(directory, Arc::new(RealIo), Some(veil), found.first).with_context(unreadable)?;
        Ok(Self { reader, hook, zone, catalogue: Catalogue::default(), last: found.last, unread: 0 })
    }

    /// How far it is, and how far it goes, in records.
    pub(crate) fn place(&self) -> (u64, u64) {
        (self.reader.next_seq(), self.last)
    }

    /// Records that nobody can read any more.
    pub(crate) const fn unread(&self) -> u64 {
        self.unread
    }

    /// The next basket.
    ///
    /// # Errors
    /// When the journal is damaged from here on.
    pub(crate) fn next(&mut self) -> Result<Option<Basket>> {
        loop {
            let record = match self.reader.next() {
                None => return Ok(None),
                Some(Ok(record)) => record,
                Some(Err(ReadError::Gap { first, last, .. })) => {
                    self.unread += last.saturating_sub(first) + 1;
                    self.reader.continue_after_gap();
                    continue;
                }
                Some(Err(error)) => return Err(error).context("the journal cannot be read further"),
            };
            let Ok(event) = Event::decode(EventType(record.kind), &record.payload) else {
                self.unread += 1;
                continue;
            };
            if let Event::SaleRecorded(sale) = &event {
                if let Some(input) = self.input(sale) {
                    let document = format!("{}/{}", sale.source, sale.document);
                    let shop = Arc::new(self.catalogue.clone());
                    return Ok(Some(Basket { document, seq: record.seq, input, shop }));
                }
            } else {
                self.catalogue.apply(&event);
            }
        }
    }

    /// What would have been asked of a plugin; nothing of a sale without lines.
    fn input(&self, sale: &SaleRecorded) -> Option<Input> {
        let list = |line: &aisle_event::sale::SaleLine| -> Money {
            line.repriced.as_ref().map_or(line.unit_price, |repriced| repriced.list_price)
        };
        let currency = sale.lines.first().map(|line| list(line).currency)?;
        let lines: Vec<Line> = sale
            .lines
            .iter()
            .zip(1..)
            .filter(|(line, _)| line.quantity.thousandths > 0 && list(line).currency == currency)
            .map(|(line, number)| {
                let price = list(line).minor;
                let known = self.catalogue.0.get(line.sku.as_str()).cloned();
                let product = known.unwrap_or_else(|| Product {
                    sku: line.sku.as_str().into(),
                    name: line.sku.as_str().into(),
                    category: None,
                    unit: unit(line.quantity.unit),
                    price,
                    expires_in_days: None,
                    in_stock: true,
                });
                // What the receipt says is what the catalogue said at that moment.
                let product = Product { price, ..product };
                Line { number, product, quantity: line.quantity.thousandths, unit_price: price }
            })
            .collect();
        if lines.is_empty() {
            return None;
        }
        let context = self.context(sale.at.0, currency.as_str());
        let customer =
            sale.customer.as_ref().map(|customer| Customer { token: token(customer.as_str()), tier: None });
        Some(match self.hook {
            Hook::Pricing => Input::Pricing(PricingInput { context, customer, lines }),
            _ => Input::Promotion(PromotionInput {
                context,
                customer,
                coupons: Vec::new(),
                lines,
                so_far: Vec::new(),
            }),
        })
    }

    fn context(&self, at: i64, currency: &str) -> Context {
        let local = Timestamp::from_millisecond(at).unwrap_or_default().to_zoned(self.zone.clone());
        let minute = i32::from(local.hour()) * 60 + i32::from(local.minute());
        let days = local.date().duration_since(jiff::civil::Date::constant(1970, 1, 1)).as_hours() / 24;
        Context {
            store: STORE.into(),
            currency: currency.into(),
            now: at,
            minute_of_day: u16::try_from(minute).unwrap_or(0),
            weekday: u8::try_from(local.weekday().to_monday_one_offset()).unwrap_or(1),
            day: i32::try_from(days).unwrap_or(0),
            settings: Vec::new(),
        }
    }
}

impl Catalogue {
    fn apply(&mut self, event: &Event) {
        match event {
            Event::ProductListed(ProductListed { sku, name, price, unit: measure, category, .. })
                if self.0.len() < PRODUCTS_MAX || self.0.contains_key(sku.as_str()) =>
            {
                let product = Product {
                    sku: sku.as_str().into(),
                    name: name.as_str().into(),
                    category: category.as_ref().map(|category| category.as_str().into()),
                    unit: unit(*measure),
                    price: price.minor,
                    expires_in_days: None,
                    in_stock: true,
                };
                self.0.insert(product.sku.clone(), product);
            }
            Event::PriceChanged(changed) => {
                if let Some(product) = self.0.get_mut(changed.sku.as_str()) {
                    product.price = changed.price.minor;
                }
            }
            Event::ProductDelisted(delisted) => {
                self.0.remove(delisted.sku.as_str());
            }
            _ => {}
        }
    }
}

impl Shop for Catalogue {
    fn product(&self, sku: &str) -> Option<Product> {
        self.0.get(sku).cloned()
    }

    fn of_category(&self, category: &str, limit: u32) -> Vec<Product> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let of_it = self.0.values().filter(|product| product.category.as_deref() == Some(category));
        of_it.take(limit).cloned().collect()
    }

    fn stock(&self, _: &str) -> Option<Position> {
        None
    }
}

const fn unit(measure: aisle_event::Unit) -> Unit {
    match measure {
        aisle_event::Unit::Each => Unit::Each,
        aisle_event::Unit::Kilogram => Unit::Kilogram,
        aisle_event::Unit::Litre => Unit::Litre,
        aisle_event::Unit::Metre => Unit::Metre,
    }
}

fn token(customer: &str) -> String {
    let derived = blake3::derive_key(TOKEN_CONTEXT, customer.as_bytes());
    blake3::Hash::from(derived).to_hex().chars().take(16).collect()
}
