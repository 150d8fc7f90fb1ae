//! One event, field by field.

use super::{COUNTRY, CUSTOMER, example, field, residency, sold, to};
use crate::support::{journal, store::Store};

/// The number of the only sale's record.
fn sale(store: &Store) -> String {
    journal::cat_only(&store.data(), "SaleRecorded")[0]["seq"].to_string()
}

#[test]
fn a_sale_in_europe_leaves_with_a_token_for_its_customer_and_beyond_it_counts_only() {
    let store = sold();
    let answer = residency(&store, &["explain", &sale(&store), "--policy", &example("eu.toml"), "--json"]);
    let answer = answer.exits(0).json();
    assert_eq!(answer["event"], "SaleRecorded");
    assert_eq!(answer["policy"]["name"], "stores-eu");
    let (eu, global) = (to(&answer, "eu"), to(&answer, "global"));
    assert_eq!(eu["leaves"], true);
    assert_eq!(eu["class"], "sales");
    assert_eq!(eu["clock"], "second");
    for (name, outcome) in [
        ("SaleRecorded.document", "passed"),
        ("SaleRecorded.at", "passed"),
        ("SaleRecorded.lines.sku", "passed"),
        ("SaleRecorded.lines.quantity", "passed"),
        ("SaleRecorded.customer", "tokened"),
        ("SaleRecorded.country", "dropped"),
    ] {
        assert_eq!(field(eu, name)["outcome"], outcome, "{name}");
    }
    assert_eq!(field(eu, "SaleRecorded.lines.sku")["count"], 2);
    assert_eq!(field(eu, "SaleRecorded.lines.sku")["sends"], "\"TEA-1\"");
    assert_eq!(field(eu, "SaleRecorded.customer")["sends"], "\"token\"");
    assert!(field(eu, "SaleRecorded.country")["sends"].is_null());
    assert_eq!(global["leaves"], false);
    for (name, outcome) in [
        ("SaleRecorded.document", "aggregated"),
        ("SaleRecorded.lines.sku", "aggregated"),
        ("SaleRecorded.lines.unit_price", "dropped"),
        ("SaleRecorded.customer", "dropped"),
    ] {
        assert_eq!(field(global, name)["outcome"], outcome, "{name}");
    }
}

#[test]
fn the_same_sale_in_china_has_another_token_and_people_read_why() {
    let store = sold();
    let said =
        residency(&store, &["explain", &sale(&store), "--policy", &example("cn.toml")]).exits(0).stdout;
    assert!(
        said.contains("`SaleRecorded` of ") && said.contains("by policy `stores-cn`, version 1 ("),
        "{said}"
    );
    assert!(
        said.contains("\nto `cn`: leaves in the log of sales, the record's time to the second\n"),
        "{said}"
    );
    assert!(said.contains("\nto `global`: nothing leaves\n"), "{said}");
    let customer = said.lines().find(|line| line.starts_with("SaleRecorded.customer")).expect("a line");
    assert!(
        customer.contains("a token of 96 bits for `membership` leaves in its place, line "),
        "{customer}"
    );
    assert!(said.contains("stays, and counts in an aggregate, line "), "{said}");
    assert!(!said.contains(CUSTOMER) && !said.contains(COUNTRY), "{said}");
    let only =
        residency(&store, &["explain", &sale(&store), "--policy", &example("cn.toml"), "--region", "global"]);
    assert!(!only.exits(0).stdout.contains("to `cn`"));
}

#[test]
fn a_running_node_does_not_stand_in_the_way() {
    let store = sold();
    let arguments =
        ["explain".to_owned(), sale(&store), "--policy".to_owned(), example("eu.toml"), "--json".to_owned()];
    let arguments = arguments.each_ref().map(String::as_str);
    let before = residency(&store, &arguments).exits(0).stdout;
    let node = store.start();
    assert_eq!(residency(&store, &arguments).exits(0).stdout, before);
    drop(node);
    assert_eq!(residency(&store, &arguments).exits(0).stdout, before);
}

#[test]
fn what_cannot_be_explained_is_refused_with_the_next_step() {
    let store = sold();
    let (sale, eu) = (sale(&store), example("eu.toml"));
    let by = |event: &str, more: &[&str]| residency(&store, &[&["explain", event][..], more].concat());
    by(&sale, &[]).exits(1).complains_about(&["no policy is in force", "hint:", "--policy"]);
    by("999999", &["--policy", &eu])
        .exits(1)
        .complains_about(&["no record 999999", "hint: it has records 1 to"]);
    by("0", &["--policy", &eu]).exits(1).complains_about(&["no record 0"]);
    by(&sale, &["--policy", &eu, "--region", "mars"]).exits(1).complains_about(&[
        "`stores-eu`",
        "`mars`",
        "hint: its regions: eu, global",
    ]);
    by(&sale, &["--policy", &eu, "--region", "EU"]).exits(2).complains_about(&["lower-case letters"]);
    by("the-last", &["--policy", &eu]).exits(2);
    residency(&Store::empty(), &["explain", "1", "--policy", &eu]).exits(1).complains_about(&[
        "no journal",
        "hint:",
        "--data",
    ]);
}
