//! What a sale costs on the way: the whole frame counted.

use crate::shop::{Shop, sales};
use aisle_event::StoreId;
use aisle_protocol::{Batch, Epoch, Item, LogClass, LogId, Point, PolicyId, frame::frame};
use bytes::Bytes;
use std::time::{Duration, Instant};

/// What a signed receipt takes: a signature of 64 bytes, a hash of 32, numbers, and bits for fields.
const RECEIPT_BYTES: usize = 144;

/// Bytes of frames for each event, batches of so many.
pub fn bytes_per_event(items: &[Item], batch: usize) -> f64 {
    let store = StoreId::new("berlin-12").unwrap();
    let log = LogId { store, class: LogClass::Sales, epoch: Epoch([7; 16]) };
    let mut at: Point = log.start();
    let mut bytes = 0;
    let (mut sealing, mut checking) = (Duration::ZERO, Duration::ZERO);
    // A receipt does not compress: it is signatures and hashes.
    let receipt = crate::random::Random(1).bytes::<RECEIPT_BYTES>();
    for items in items.chunks(batch) {
        let started = Instant::now();
        let sealed =
            Batch::seal(&log, at, items, PolicyId::default(), |_| Bytes::copy_from_slice(&receipt)).unwrap();
        sealing += started.elapsed();
        at = sealed.header().end();
        bytes += frame(sealed.bytes()).len();
        let started = Instant::now();
        let checked = sealed.check().unwrap();
        checking += started.elapsed();
        assert_eq!(checked.items(), items);
    }
    let each = |time: Duration| time.as_secs_f64() * 1e6 / items.len() as f64;
    println!(
        "batches of {batch}: sealing {:.1} µs, checking {:.1} µs an event",
        each(sealing),
        each(checking)
    );
    bytes as f64 / items.len() as f64
}

#[test]
fn a_sale_costs_less_than_twenty_bytes_in_batches_of_a_hundred() {
    let items = sales(Shop::BUSY, 1, 5_000);
    let raw: usize = items.iter().map(|item| item.payload.len()).sum();
    let cost = bytes_per_event(&items, 100);
    println!(
        "CBOR {:.1} bytes an event; in batches of 10: {:.2}, 100: {cost:.2}, 1000: {:.2}",
        raw as f64 / items.len() as f64,
        bytes_per_event(&items, 10),
        bytes_per_event(&items, 1000)
    );
    let quiet = Shop { gap_ms: 30_000, tills: 1, ..Shop::BUSY };
    println!("one till, a sale every 30 s: {:.2}", bytes_per_event(&sales(quiet, 2, 1_000), 100));
    let token = Shop { with_token: true, ..Shop::BUSY };
    println!("with a token of 16 hex digits: {:.2}", bytes_per_event(&sales(token, 3, 1_000), 100));
    let large = Shop { more_lines: 86, ..Shop::BUSY };
    println!("with seven lines in the mean: {:.2}", bytes_per_event(&sales(large, 4, 1_000), 100));
    assert!(cost <= 20.0, "{cost}");
}

/// `AISLE_INVOICES` names a file with lines `document,ms,sku,pieces,minor units`, one for each line of an invoice.
#[test]
#[ignore = "needs a file of invoices"]
fn what_invoices_of_ones_own_cost() {
    let path = std::env::var_os("AISLE_INVOICES").expect("AISLE_INVOICES names a file");
    let text = std::fs::read_to_string(path).unwrap();
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    let mut lines = 0;
    let items: Vec<Item> = rows
        .chunk_by(|a, b| a[..2] == b[..2])
        .zip(1..)
        .map(|(rows, seq)| {
            lines += rows.len();
            let at_ms: u64 = rows[0][1].parse().unwrap();
            crate::shop::sale(
                seq,
                at_ms,
                at_ms,
                rows[0][0],
                None,
                rows.iter().map(|row| (row[2].to_owned(), row[3].parse().unwrap(), row[4].parse().unwrap())),
            )
        })
        .collect();
    for batch in [100, 1000] {
        let bytes = bytes_per_event(&items, batch) * items.len() as f64;
        println!(
            "{} invoices, {lines} lines, batches of {batch}: {:.1} bytes an invoice, {:.2} a line",
            items.len(),
            bytes / items.len() as f64,
            bytes / lines as f64
        );
    }
}
