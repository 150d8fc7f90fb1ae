//! Lists: tables, JSON, pages.

use super::hub::{Hub, well};
use serde_json::{Value, json};

fn page(names: &[&str], next: Option<&str>) -> Value {
    let items: Vec<Value> =
        names.iter().map(|name| json!({ "store": name, "region": "eu", "nodes": 1 })).collect();
    json!({ "items": items, "next": next })
}

#[test]
fn a_page_says_where_it_goes_on_beside_the_table() {
    let hub = Hub::that([well(page(&["aalen", "ulm"], Some("ulm")))]);
    let ran = hub.fleet(["stores", "--limit", "2"]).well();
    assert!(ran.out.starts_with("  store  region"), "{}", ran.out);
    assert!(ran.err.contains("`--after ulm`"), "{}", ran.err);
}

#[test]
fn all_pages_become_one_list() {
    let hub = Hub::that([well(page(&["aalen"], Some("aalen"))), well(page(&["ulm"], None))]);
    let all = hub.fleet(["stores", "--all", "--json"]).well().json();
    assert_eq!(all["items"].as_array().unwrap().len(), 2);
    assert_eq!(all["next"], Value::Null);
    let lines: Vec<_> = hub.asked().into_iter().map(|asked| asked.line).collect();
    assert_eq!(
        lines,
        ["GET /v1/stores?limit=1000 HTTP/1.1", "GET /v1/stores?after=aalen&limit=1000 HTTP/1.1"]
    );
}

#[test]
fn a_hub_that_leads_in_a_circle_is_not_followed() {
    let hub = Hub::that([
        well(page(&["a"], Some("a"))),
        well(page(&["a"], Some("a"))),
        well(page(&["a"], Some("a"))),
    ]);
    hub.fleet(["stores", "--all"]).well();
    assert_eq!(hub.asked().len(), 2);
}

#[test]
fn what_a_store_calls_itself_does_not_steer_the_terminal() {
    let hub = Hub::that([well(page(&["ulm\u{1b}[2J"], None))]);
    let ran = hub.fleet(["stores"]).well();
    assert!(!ran.out.contains('\u{1b}') && ran.out.contains("\\u{1b}[2J"), "{}", ran.out);
}

#[test]
fn rows_of_the_audit_log_are_asked_for_by_time_and_outcome() {
    let row = json!({ "seq": 7, "at_ms": 1_795_305_600_000_i64, "actor_name": "ada", "action": "rollout.start", "object": "r", "outcome": "refused", "reason": "no" });
    let hub = Hub::that([well(json!({ "items": [row] }))]);
    let ran = hub.fleet(["audit", "--since", "2026-11-22", "--outcome", "refused"]).well();
    assert_eq!(
        hub.asked_once().line,
        "GET /v1/audit?outcome=refused&from_ms=1795305600000&limit=100 HTTP/1.1"
    );
    assert!(ran.out.contains("2026-11-22 00:00:00Z") && ran.out.contains("rollout.start"), "{}", ran.out);
}
