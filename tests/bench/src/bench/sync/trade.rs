//! Sales to send: of a made-up supermarket's small shop, and of somebody's invoices.

use crate::screen;
use aisle_event::{
    Currency, Event, EventType, Money, Quantity, Timestamp, Unknown,
    id::{CustomerRef, DocumentId, Sku, SourceName},
    sale::{SaleLine, SaleRecorded},
};
use aisle_harness::node;
use aisle_journal::{RealIo, read_only};
use anyhow::{Context, Result, ensure};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::{path::Path, process::Command, sync::Arc};

/// Products of the made-up shop.
const ARTICLES: u64 = 4_000;
/// The chance of another line, in hundredths: three lines in the mean.
const MORE_LINES: u64 = 67;
const LINES_MAX: usize = 40;
/// The mean time between two sales of all tills: 200,000 a day, 1.4 million in a week.
const GAP_MS: f64 = 432.0;
const TILLS: usize = 6;
/// 1 June 2026.
const OPENED_MS: u64 = 1_780_272_000_000;

/// A sale, and when the store's computer heard of it, in milliseconds since 1970.
#[derive(Debug, Clone)]
pub(super) struct Sale {
    pub(super) noted_ms: u64,
    pub(super) event: SaleRecorded,
}

/// A shop that sells for ever: a range with a few articles that sell much, prices that go with the article, tills that number their
/// receipts.
#[derive(Debug)]
pub(super) struct Shop {
    random: ChaCha8Rng,
    prices: Vec<i64>,
    receipts: [u32; TILLS],
    at_ms: u64,
    /// Whether every third shopper shows a card.
    with_customers: bool,
}

impl Shop {
    pub(super) fn new(seed: u64, with_customers: bool) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let price = |random: &mut ChaCha8Rng| {
            let euros = [0, 0, 1, 1, 1, 2, 2, 3, 4, 5, 7, 9, 12, 19];
            let cents = [19, 29, 49, 59, 79, 89, 99, 95];
            100 * pick(random, &euros) + pick(random, &cents)
        };
        let prices = (0..ARTICLES).map(|_| price(&mut random)).collect();
        Self { random, prices, receipts: [0; TILLS], at_ms: OPENED_MS, with_customers }
    }

    fn sale(&mut self) -> Result<Sale> {
        // Exponential gaps.
        let part: f64 = self.random.random_range(f64::MIN_POSITIVE..1.0);
        self.at_ms += (-part.ln() * GAP_MS) as u64;
        let till = self.random.random_range(0..TILLS);
        let receipt = self.receipts.get_mut(till).context("a till that there is")?;
        *receipt += 1;
        let document = format!("T{till}-{receipt:07}");
        let mut lines = Vec::new();
        loop {
            // Zipf-like: the rank is the range to a random power. Ranks are spread over the numbers of the range.
            let part: f64 = self.random.random_range(0.0..1.0);
            let rank = (ARTICLES as f64).powf(part) as u64 - 1;
            let article = rank * 2_654_435_761 % ARTICLES;
            let price = self.prices.get(article as usize).copied().unwrap_or(99);
            let pieces = pick(&mut self.random, &[1, 1, 1, 1, 1, 1, 2, 2, 3, 6]);
            lines.push(SaleLine {
                line: lines.len() as u32 + 1,
                sku: Sku::new(format!("{}", 100_000 + article))?,
                quantity: Quantity::each(pieces),
                unit_price: Money::new(price, Currency::EUR),
                repriced: None,
                unknown: Unknown::default(),
            });
            if self.random.random_range(0..100) >= MORE_LINES || lines.len() == LINES_MAX {
                break;
            }
        }
        let shows_a_card = self.with_customers && self.random.random_range(0..3) == 0;
        let customer = shows_a_card.then(|| format!("C{:06}", self.random.random_range(0..30_000)));
        let event = SaleRecorded {
            source: SourceName::new("till")?,
            document: DocumentId::new(document)?,
            lines,
            at: Timestamp(self.at_ms as i64),
            session: None,
            customer: customer.map(CustomerRef::new).transpose()?,
            country: None,
            idempotency_key: None,
            arm: None,
            adjustments: Vec::new(),
            points: Vec::new(),
            unknown: Unknown::default(),
        };
        Ok(Sale { noted_ms: self.at_ms + self.random.random_range(1..9), event })
    }
}

impl Iterator for Shop {
    type Item = Result<Sale>;

    fn next(&mut self) -> Option<Result<Sale>> {
        Some(self.sale())
    }
}

fn pick(random: &mut ChaCha8Rng, from: &[i64]) -> i64 {
    let at = random.random_range(0..from.len());
    from.get(at).copied().unwrap_or_default()
}

/// The sales of a file of invoices as the node's own importer makes them, each heard of when it was made; at most so many.
pub(super) fn imported(file: &Path, below: &Path, count: usize) -> Result<Vec<Sale>> {
    screen::progress(&format_args!("importing `{}`", file.display()));
    let data = below.join("imported");
    let output = Command::new(node::binary()?)
        .arg("--data")
        .arg(&data)
        .args(["import", "--format", "online-retail", "--currency", "GBP"])
        .arg(file)
        .output()
        .context("cannot run the importer")?;
    ensure!(output.status.success(), "the importer failed: {}", String::from_utf8_lossy(&output.stderr));
    let mut sales = Vec::new();
    for record in read_only(&data.join("journal"), Arc::new(RealIo), 1)? {
        let record = record?;
        if let Event::SaleRecorded(event) = Event::decode(EventType(record.kind), &record.payload)? {
            sales.push(Sale { noted_ms: event.at.0.max(0).unsigned_abs(), event });
        }
        if sales.len() == count {
            break;
        }
    }
    Ok(sales)
}
