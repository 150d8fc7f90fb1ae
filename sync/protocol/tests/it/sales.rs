//! What a sale costs on the way: the whole frame counted.

use crate::shop::{Shop, sales};
use aisle_event::StoreId;
use aisle_protocol::{Batch, Epoch, Item, LogClass, LogId, Point, PolicyId, frame::frame};
use bytes::Bytes;

/// What a signed receipt takes: a signature of 64 bytes, a hash of 32, numbers, and bits for fields.
const RECEIPT_BYTES: usize = 144;

/// Bytes of frames for each event, batches of so many.
pub fn bytes_per_event(items: &[Item], batch: usize) -> f64 {
    let store = StoreId::new("berlin-12").unwrap();
    let log = LogId { store, class: LogClass::Sales, epoch: Epoch([7; 16]) };
    let mut at: Point = log.start();
    let mut bytes = 0;
    // A receipt does not compress: it is signatures and hashes.
    let receipt = crate::sim::Random(1).bytes::<RECEIPT_BYTES>();
    for items in items.chunks(batch) {
        let sealed =
            Batch::seal(&log, at, items, PolicyId::default(), |_| Bytes::copy_from_slice(&receipt)).unwrap();
        at = sealed.header().end();
        assert_eq!(sealed.items().unwrap(), items);
        bytes += frame(sealed.bytes()).len();
    }
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
