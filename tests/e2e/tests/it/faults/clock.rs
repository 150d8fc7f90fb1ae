//! A clock that lies: a box without a battery boots in 1970, and the store goes on.

use crate::support::{
    api::Api,
    clock,
    command::{aisle, run},
    journal,
    store::Store,
};
use aisle_harness::node::{NodeOptions, NodeUnderTest};
use serde_json::Value;

const BOOT: &str = "1970-01-02 00:00:00";

fn time_of(record: &Value) -> i64 {
    record["fields"]["at"].as_i64().unwrap_or_else(|| panic!("no time: {record}"))
}

#[tokio::test]
async fn a_node_that_boots_in_1970_keeps_order_and_dates_nothing_before_its_journal() {
    let store = Store::small();
    let mut first = store.start();
    Api::new(first.url()).session().await;
    first.stop().expect("it stops");
    let before = journal::cat(&store.data());
    let newest =
        before.iter().filter(|record| record["event"] == "NodeStopped").map(time_of).max().expect("a stop");

    let options = NodeOptions { env: clock::set_to(BOOT), ..store.options() };
    let mut node = NodeUnderTest::start(options).expect("it starts in 1970");
    let api = Api::new(node.url());
    api.ready().await;
    let health = api.health().await;
    let behind = health["clock"]["behind_journal_ms"].as_u64().expect("a number");
    assert!(behind > 50 * 365 * 24 * 3_600_000, "{health}");
    assert_eq!(health["status"], "degraded", "{health}");

    let session = api.session().await;
    api.set(&session, "TEA-1", 1).await.json(200);
    let receipt = api.check_out(&session, "key-1").await.json(201);
    assert!(receipt["at"].as_str().is_some_and(|time| time.starts_with("20")), "{receipt}");
    node.stop().expect("it stops");

    let records = journal::cat(&store.data());
    let (old, new) = records.split_at(before.len());
    assert_eq!(old, before.as_slice(), "what was there is as it was");
    assert!(new.len() >= 4, "{new:?}");
    let sequence: Vec<u64> = records.iter().map(|record| record["seq"].as_u64().expect("a number")).collect();
    assert!(sequence.windows(2).all(|pair| pair[0] < pair[1]), "{sequence:?}");
    // What the broker keeps of sessions carries no time of its own.
    let dated: Vec<&Value> = new.iter().filter(|record| record["fields"]["at"].is_i64()).collect();
    for record in &dated {
        assert!(time_of(record) >= newest, "dated before the journal: {record}");
    }
    let times: Vec<i64> = dated.into_iter().map(time_of).collect();
    assert!(times.is_sorted(), "{times:?}");

    let mut node = store.start();
    let health = Api::new(node.url()).health().await;
    assert_eq!(health["clock"]["behind_journal_ms"], 0, "the right clock is right again: {health}");
    assert_eq!(health["status"], "ok", "{health}");
    node.stop().expect("it stops");
}

#[test]
fn the_doctor_fails_a_clock_that_shows_1970() {
    let store = Store::small();
    let mut doctor = aisle(&store.data(), ["doctor", "--json"]);
    doctor.envs(clock::set_to(BOOT)).env("AISLE_HTTP__LISTEN", "127.0.0.1:0");
    let findings = run(&mut doctor).exits(1).json();
    let clock = findings.as_array().unwrap().iter().find(|finding| finding["id"] == "clock").unwrap();
    assert_eq!(clock["outcome"], "fail");
    assert!(clock["found"].as_str().is_some_and(|text| text.contains("1970-01-02")), "{clock}");
    assert!(clock["fix"].as_str().is_some_and(|text| text.contains("clock")), "{clock}");
}
