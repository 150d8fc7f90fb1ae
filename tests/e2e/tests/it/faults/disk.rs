//! Disks that take nothing: read-only, or full.

use crate::support::{
    api::Api,
    command::{aisle, run},
    disk::Disk,
    invoices, journal,
    store::Store,
    wait::eventually,
};
use aisle_harness::node::{NodeOptions, NodeUnderTest};
use std::time::Duration;

const MIB: u64 = 1 << 20;
/// Small enough that a few segments fill a small disk.
const CONFIG: &str = "[journal]\nsegment_bytes = 65536\n[state]\nindex_cache_bytes = 1048576\n";

/// Fills the disk's store with the small shop.
fn stock(store: &Store, disk: &Disk) {
    let file = store.file("small-shop.csv", invoices::small_shop());
    let config = store.file("aisle.toml", CONFIG).display().to_string();
    let mut import =
        aisle(&disk.data(), ["import", "--format", "online-retail", "--json", "--config", &config]);
    run(import.arg(file)).exits(0);
}

#[test]
fn a_disk_that_is_read_only_is_named() {
    let Some(disk) = Disk::new(64 * MIB) else { return };
    let store = Store::empty();
    stock(&store, &disk);
    disk.make_read_only();
    let config = store.path("aisle.toml").display().to_string();
    let outcome =
        run(&mut aisle(&disk.data(), ["run", "--listen", "127.0.0.1:0", "--config", &config])).exits(1);
    outcome.complains_about(&["error: ", &disk.data().display().to_string(), "Read-only file system"]);
    run(&mut aisle(&disk.data(), ["journal", "verify"])).exits(0);
    let doctor = run(aisle(&disk.data(), ["doctor", "--json"]).env("AISLE_HTTP__LISTEN", "127.0.0.1:0"))
        .exits(1)
        .json();
    let finding = doctor.as_array().unwrap().iter().find(|finding| finding["id"] == "disk-sync").unwrap();
    assert_eq!(finding["outcome"], "fail", "{finding}");
}

#[test]
fn a_disk_that_is_full_at_the_start_is_named() {
    let Some(disk) = Disk::new(8 * MIB) else { return };
    let store = Store::empty();
    disk.fill();
    let config = store.file("aisle.toml", CONFIG).display().to_string();
    let outcome =
        run(&mut aisle(&disk.data(), ["run", "--listen", "127.0.0.1:0", "--config", &config])).exits(1);
    outcome.complains_about(&["error: ", "No space left on device"]);
}

#[tokio::test]
async fn a_full_disk_refuses_writes_serves_reads_and_loses_nothing() {
    let Some(disk) = Disk::new(8 * MIB) else { return };
    let store = Store::empty();
    stock(&store, &disk);
    let options = NodeOptions { data: Some(disk.data()), config: CONFIG.into(), ..NodeOptions::default() };
    let mut node = NodeUnderTest::start(options).expect("the node serves");
    let api = Api::new(node.url());
    let session = api.session().await;
    api.set(&session, "TEA-1", 1).await.json(200);

    disk.fill();
    let mut acknowledged = 1;
    let refusal = loop {
        assert!(acknowledged < 5_000, "the disk is full and writes go on for ever");
        let answer = api.set(&session, "TEA-1", acknowledged + 1).await;
        match answer.status {
            200 => acknowledged += 1,
            _ => break answer,
        }
    };
    let problem = refusal.problem(503);
    assert!(!refusal.header("retry-after").is_empty(), "{problem}");
    node.check().expect("a full disk does not end the node");
    for _ in 0..20 {
        api.set(&session, "TEA-1", 9_000).await.problem(503);
    }

    assert_eq!(api.held(&session, "TEA-1").await, acknowledged as f64, "a refused write changes nothing");
    assert_eq!(api.get("/v1/products/TEA-1").await.json(200)["sku"], "TEA-1");
    assert!(!api.get("/v1/recommendations/home").await.json(200)["items"].as_array().unwrap().is_empty());
    assert_eq!(api.get("/").await.status, 200, "the pages are there too");
    let health = api.get("/healthz").await;
    assert!(health.body.contains("journal"), "{health:?}");
    // Longer than the index keeps its pages to itself: they must not be what ends the node.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    node.check().expect("a full disk does not end the node");

    disk.make_room();
    acknowledged = eventually("room to write", Duration::from_secs(20), async || {
        (api.set(&session, "TEA-1", acknowledged + 1).await.status == 200).then_some(acknowledged + 1)
    })
    .await;
    node.kill().expect("it runs");
    node.start_again().expect("it starts again");
    let api = Api::new(node.url());
    api.ready().await;
    assert_eq!(api.held(&session, "TEA-1").await, acknowledged as f64, "nothing that was answered is lost");
    node.stop().expect("it stops");
    run(&mut aisle(&disk.data(), ["journal", "verify"])).exits(0);
    let changes = journal::cat_only(&disk.data(), "BasketChanged");
    assert_eq!(changes.len() as u64, acknowledged, "what was refused is not in the journal");
}
