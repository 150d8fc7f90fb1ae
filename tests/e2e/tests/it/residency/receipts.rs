//! Receipts: of a store that has sealed nothing, and of one that sends to a hub.

use super::{CUSTOMER, field, residency, sold, to};
use crate::support::{api::Api, journal, store::Store, wait::eventually};
use aisle_harness::hub::{Call, HubOptions, HubUnderTest, Member};
use serde_json::Value;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(60);

#[test]
fn a_store_that_seals_nothing_says_so() {
    let store = sold();
    for arguments in [&["receipts"][..], &["receipts", "--class", "sales", "--from", "7", "--verify"]] {
        residency(&store, arguments).exits(1).complains_about(&["there is no outbox", "hint:"]);
    }
}

#[test]
fn what_is_no_class_and_no_key_is_refused() {
    let store = sold();
    residency(&store, &["receipts", "--class", "sale"]).exits(2).complains_about(&["sales", "telemetry"]);
    residency(&store, &["receipts", "--verify", "--key", "0a"])
        .exits(2)
        .complains_about(&["64 hexadecimal digits"]);
    residency(&store, &["receipts", "--key", &"0a".repeat(32)]).exits(2).complains_about(&["--verify"]);
}

/// The receipts of sales, once there are any.
async fn sealed(store: &Store) -> Vec<Value> {
    eventually("a receipt of sales", SOON, async || {
        let said = residency(store, &["receipts", "--class", "sales", "--json"]);
        let lines = (said.code() == 0).then(|| said.json_lines())?;
        (!lines.is_empty()).then_some(lines)
    })
    .await
}

#[tokio::test]
async fn what_a_node_seals_is_shown_with_receipts_that_hold_while_it_runs_and_afterwards() {
    let hub = HubUnderTest::start(HubOptions::default()).expect("a hub");
    let call = Call { quic_port: hub.quic().port(), tls_port: hub.tls().port() };
    let member = Member::join(&hub, "store-1", call).expect("a member");
    let store = sold();
    let mut node = store.start_with(&member.config);
    let receipts = sealed(&store).await;
    let first = &receipts[0];
    assert_eq!((first["number"].as_u64(), first["first_seq"].as_u64()), (Some(1), Some(1)));
    assert_eq!(first["region"], "eu");
    for (name, outcome, count) in [
        ("SaleRecorded.lines.sku", "passed", 2),
        ("SaleRecorded.customer", "tokened", 1),
        ("SaleRecorded.country", "dropped", 1),
    ] {
        let counted = field(first, name);
        assert_eq!(counted["outcome"], outcome, "{name}");
        assert_eq!(counted["count"], count, "{name}");
    }
    let api = Api::new(node.url());
    let key = eventually("the key that receipts are signed with", SOON, async || {
        let health = api.get("/healthz").await.json(200);
        health["sync"]["receipt_key"].as_str().map(str::to_owned)
    })
    .await;
    let verify = ["receipts", "--verify", "--key", &key, "--json"];
    let check = |what: &str| {
        let lines = residency(&store, &verify).exits(0).json_lines();
        let verdict = lines.last().expect("a verdict");
        assert!(verdict["verified"] == true && verdict["signatures_checked"] == true, "{what}: {verdict}");
    };
    check("while it runs");
    node.stop().expect("it stops");
    check("afterwards");
    let said = residency(&store, &["receipts", "--verify", "--key", &key]).exits(0).stdout;
    assert!(said.starts_with("CLASS  EPOCH") && said.contains("\nverified: "), "{said}");
    assert!(!said.contains(CUSTOMER), "{said}");
    let other = residency(&store, &["receipts", "--verify", "--key", &"0a".repeat(32)]).exits(1).stdout;
    assert!(
        other.contains("its signature is not the node's") && other.contains("\nnot verified: "),
        "{other}"
    );

    // The policy in force needs not be named.
    let sale = journal::cat_only(&store.data(), "SaleRecorded")[0]["seq"].to_string();
    let explained = residency(&store, &["explain", &sale, "--json"]).exits(0).json();
    assert_eq!(explained["policy"]["name"], "stores-eu");
    assert_eq!(explained["policy"]["hash"], first["policy_hash"]);
    assert_eq!(field(to(&explained, "eu"), "SaleRecorded.customer")["outcome"], "tokened");
}
