//! Parquet files, read by the library's reader and by names.

use crate::shop::{AT_MS, Outbox, sale, sqlite};
use aisle_hub::export::{Wanted, export};
use object_store::local::LocalFileSystem;
use parquet::{
    file::reader::{FileReader as _, SerializedFileReader},
    record::RowAccessor as _,
};
use std::fs::File;

#[tokio::test]
async fn events_are_exported_by_store_and_day_and_read_back() {
    let (folder, database) = sqlite().await;
    let mut shop = Outbox::new("store-1", 1);
    let mut other = Outbox::new("store-2", 1);
    let day_ms = 86_400_000;
    let events = (0..60).map(|number| {
        let at = AT_MS + number * (day_ms / 24);
        (at, sale(number, at))
    });
    let batch = shop.seal(events.collect::<Vec<_>>());
    shop.admit(&database, &[&batch]).await.unwrap();
    let batch = other.sales(0, 10);
    other.admit(&database, &[&batch]).await.unwrap();
    // Stores are listed once they have called.
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let to = LocalFileSystem::new_with_prefix(&out).unwrap();
    let wanted =
        Wanted { stores: vec![shop.log.store.clone(), other.log.store.clone()], ..Wanted::default() };
    let mut files = Vec::new();
    let exported = export(&database, &to, &wanted, |file, _| files.push(file.to_owned())).await.unwrap();
    assert_eq!((exported.stores, exported.events, exported.files), (2, 70, 4));
    assert_eq!(
        files,
        [
            "store=store-1/date=2026-06-01/events-0.parquet",
            "store=store-1/date=2026-06-02/events-0.parquet",
            "store=store-1/date=2026-06-03/events-0.parquet",
            "store=store-2/date=2026-06-01/events-0.parquet",
        ]
    );
    let reader = SerializedFileReader::new(File::open(out.join(&files[0])).unwrap()).unwrap();
    let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 24);
    let row = &rows[1];
    assert_eq!(
        (row.get_string(0).unwrap().as_str(), row.get_string(1).unwrap().as_str()),
        ("store-1", "sales")
    );
    assert_eq!(
        (row.get_long(3).unwrap(), row.get_timestamp_millis(4).unwrap()),
        (2, (AT_MS + day_ms / 24) as i64)
    );
    assert_eq!(row.get_string(7).unwrap(), "SaleRecorded");
    let payload: serde_json::Value = serde_json::from_str(row.get_string(8).unwrap()).unwrap();
    assert_eq!(payload["document"], "T-0000001");
    assert_eq!(payload["lines"][0]["sku"], "SKU-1");
    assert!(payload["customer"].as_str().unwrap().starts_with('t'), "{payload}");

    let part = Wanted { from_ms: AT_MS + day_ms, before_ms: Some(AT_MS + 2 * day_ms), ..wanted };
    let exported = export(&database, &to, &part, |_, _| {}).await.unwrap();
    assert_eq!((exported.stores, exported.events, exported.files), (1, 24, 1));
}
