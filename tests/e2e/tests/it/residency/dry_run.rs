//! A policy, tried out on what a store has done.

use super::{CUSTOMER, example, field, residency, sold, to};
use crate::support::{journal, store::Store};

#[test]
fn weeks_of_trade_are_counted_field_by_field_and_nothing_personal_leaves_as_it_is() {
    let store = Store::generated(71);
    let sales = journal::count(&journal::stats(&store.data()), "SaleRecorded");
    for (policy, home) in [("eu.toml", "eu"), ("cn.toml", "cn")] {
        let tried = residency(&store, &["dry-run", &example(policy), "--days", "36500", "--json"]);
        let tried = tried.exits(0).json();
        let (home, global) = (to(&tried, home), to(&tried, "global"));
        assert!(home["leave"].as_u64() > Some(sales) && home["leave"].as_u64() <= home["events"].as_u64());
        assert!(home["bytes_after"].as_u64() < home["bytes_before"].as_u64());
        assert_eq!(home["undecodable"], 0);
        assert_eq!(home["missing"], 0);
        assert_eq!(field(home, "SaleRecorded.document")["passed"], sales, "{policy}");
        assert_eq!(field(global, "SaleRecorded.document")["aggregated"], sales, "{policy}");
        let customer = field(home, "SaleRecorded.customer");
        assert!(customer["tokened"].as_u64() > Some(0) && customer["passed"] == 0, "{customer}");
        for way in [home, global] {
            let fields = way["fields"].as_array().expect("fields");
            let private = |class: &str| class == "personal" || class == "sensitive";
            for field in fields.iter().filter(|field| field["class"].as_str().is_some_and(private)) {
                assert!(field["passed"] == 0 && field["coarsened"] == 0, "{field}");
            }
        }
    }
}

#[test]
fn a_table_is_for_people_and_shows_one_region_where_one_is_asked_for() {
    let store = sold();
    let said = residency(&store, &["dry-run", &example("eu.toml")]).exits(0);
    assert!(said.stdout.starts_with("policy `stores-eu`, version 1 ("), "{said:?}");
    assert!(said.stdout.contains("\nto `eu`: something of ") && said.stdout.contains("\nto `global`: "));
    assert!(said.stdout.contains("\nFIELD ") && said.stdout.contains("AGGREGATED  DROPPED\n"), "{said:?}");
    assert!(!said.stdout.contains(CUSTOMER) && said.stderr.is_empty(), "{said:?}");
    let one = residency(&store, &["dry-run", &example("eu.toml"), "--region", "global", "--days", "1"]);
    let one = one.exits(0).stdout;
    assert!(one.contains("\nto `global`: ") && !one.contains("to `eu`"), "{one}");
}

#[test]
fn it_reads_beside_a_running_node() {
    let store = sold();
    let node = store.start();
    let tried = residency(&store, &["dry-run", &example("eu.toml"), "--json"]).exits(0).json();
    assert_eq!(field(to(&tried, "eu"), "SaleRecorded.document")["passed"], 1);
    drop(node);
}

#[test]
fn days_are_at_least_one_and_a_wrong_policy_is_refused() {
    let store = sold();
    residency(&store, &["dry-run", &example("eu.toml"), "--days", "0"]).exits(2).complains_about(&["--days"]);
    residency(&store, &["dry-run"]).exits(2).complains_about(&["POLICY"]);
    let missing = store.path("missing.toml").display().to_string();
    residency(&store, &["dry-run", &missing]).exits(1).complains_about(&["cannot read the policy", &missing]);
    residency(&Store::empty(), &["dry-run", &example("eu.toml")])
        .exits(1)
        .complains_about(&["no journal", "hint:"]);
}
