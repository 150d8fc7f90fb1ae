//! A shop that sells, for sizes: a range with a few that sell much, prices that go with the article, baskets of a supermarket's small
//! shop, a till that numbers its receipts.

use crate::random::Random;
use aisle_event::{
    Currency, DocumentId, Event, Money, Quantity, SessionId, Sku, SourceName, Timestamp, Unknown,
    sale::{SaleLine, SaleRecorded},
};
use aisle_protocol::Item;

/// How a shop's sales look.
#[derive(Debug, Clone, Copy)]
pub struct Shop {
    pub articles: u64,
    /// The chance of another line, in hundredths: 67 gives three lines in the mean.
    pub more_lines: u64,
    /// The mean time between two sales of all tills.
    pub gap_ms: u64,
    pub tills: u64,
    /// What the gate made of a session that paid.
    pub with_token: bool,
}

impl Shop {
    /// 200,000 events a day: 1.4 million in a week.
    pub const BUSY: Self = Self { articles: 4_000, more_lines: 67, gap_ms: 432, tills: 6, with_token: false };
}

pub fn sales(shop: Shop, seed: u64, count: usize) -> Vec<Item> {
    let mut random = Random(seed);
    let prices: Vec<i64> = (0..shop.articles)
        .map(|_| {
            let euros = [0, 0, 1, 1, 1, 2, 2, 3, 4, 5, 7, 9, 12, 19][random.within(0, 14) as usize];
            euros * 100 + [19, 29, 49, 59, 79, 89, 99, 95][random.within(0, 8) as usize]
        })
        .collect();
    let mut receipts = vec![0; shop.tills as usize];
    let mut at_ms = 1_763_000_000_000_u64;
    (1..=count as u64)
        .map(|seq| {
            // Exponential gaps.
            let part = (random.within(1, 1 << 32) as f64) / (1_u64 << 32) as f64;
            at_ms += (-part.ln() * shop.gap_ms as f64) as u64;
            let till = random.within(0, shop.tills) as usize;
            receipts[till] += 1;
            let mut lines = Vec::new();
            loop {
                // Zipf-like: the rank is the range to a random power.
                let part = random.within(0, 1 << 32) as f64 / (1_u64 << 32) as f64;
                let rank = (shop.articles as f64).powf(part) as u64 - 1;
                // Ranks are spread over the numbers of the range.
                let article = rank * 2_654_435_761 % shop.articles;
                let pieces = [1, 1, 1, 1, 1, 1, 2, 2, 3, 6][random.within(0, 10) as usize];
                lines.push((format!("{}", 100_000 + article), pieces, prices[article as usize]));
                if random.within(0, 100) >= shop.more_lines || lines.len() == 40 {
                    break;
                }
            }
            let session = shop.with_token.then(|| {
                let token: [u8; 8] = random.bytes();
                token.iter().map(|byte| format!("{byte:02x}")).collect()
            });
            let document = format!("T{till}-{:07}", receipts[till]);
            sale(seq, at_ms, at_ms + random.within(1, 9), &document, session, lines)
        })
        .collect()
}

/// A sale: lines are article, pieces and price.
pub fn sale(
    seq: u64,
    at_ms: u64,
    noted_ms: u64,
    document: &str,
    session: Option<String>,
    lines: impl IntoIterator<Item = (String, i64, i64)>,
) -> Item {
    let lines = lines.into_iter().zip(1..).map(|((sku, pieces, price), line)| SaleLine {
        line,
        sku: Sku::new(sku).unwrap(),
        quantity: Quantity::each(pieces),
        unit_price: Money::new(price, Currency::EUR),
        repriced: None,
        unknown: Unknown::default(),
    });
    let event = Event::from(SaleRecorded {
        source: SourceName::new("till").unwrap(),
        document: DocumentId::new(document).unwrap(),
        lines: lines.collect(),
        at: Timestamp(at_ms as i64),
        session: session.map(|session| SessionId::new(session).unwrap()),
        customer: None,
        country: None,
        idempotency_key: None,
        arm: None,
        adjustments: Vec::new(),
        points: Vec::new(),
        unknown: Unknown::default(),
    });
    Item { seq, hlc: noted_ms << 16, kind: event.kind().0, payload: event.encode().into() }
}
