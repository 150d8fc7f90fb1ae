//! What the console shows beside the fleet: the grid's filter, the search, contents, policies, proof; and lists that go on.

use super::hub::{Answer, Hub, says, text, well};
use serde_json::{Value, json};

fn line(hub: &Hub) -> String {
    hub.asked_once().line
}

#[test]
fn the_grids_filter_goes_to_the_hub_as_it_is_and_its_answers_into_columns() {
    let row = json!({ "store": "ulm", "region": "eu", "nodes": 2, "connected": 1, "backlog": 1200, "waiting": 1, "refused": 0, "policy_version": 3,
        "software": ["aisle/0.1.0"], "labels": { "country": "de" }, "last_seen_ms": 0 });
    let hub = Hub::that([well(json!({ "items": [row] }))]);
    let ran = hub.fleet(["stores", "--filter", "-is:away label:country=de @small"]).well();
    assert_eq!(
        line(&hub),
        "GET /v1/stores?q=-is%3Aaway%20label%3Acountry%3Dde%20%40small&limit=100 HTTP/1.1"
    );
    for part in ["backlog", "1 200", "aisle/0.1.0", "country=de"] {
        assert!(ran.out.contains(part), "no `{part}` in\n{}", ran.out);
    }
}

#[test]
fn who_is_bounded_to_some_stores_is_told_of_those() {
    let counts = json!({ "stores": 4, "is": { "connected": 2, "never": 1 } });
    let all =
        json!({ "stores": 3, "nodes": 4, "connected": 2, "logs": 9, "quarantined": 0, "events": 1_200_000 });
    let refused = says("403 Forbidden", json!({ "title": "no" }));
    let hub = Hub::that([well(&counts), well(all), well(&counts), refused, well(&counts)]);
    hub.fleet(["totals"]).well().says("events").says("1 200 000").says("never came");
    let ran = hub.fleet(["totals"]).well();
    assert!(ran.out.contains("stores") && !ran.out.contains("events"), "{}", ran.out);
}

#[test]
fn tokens_of_everybody_are_listed_to_the_last_page() {
    let page = |names: &[&str], next: Option<&str>| {
        let items: Vec<Value> = names.iter().map(|name| json!({ "token": name })).collect();
        well(json!({ "items": items, "next": next }))
    };
    let hub = Hub::that([page(&["t3", "t2"], Some("5.t2")), page(&["t1"], None), page(&["t1"], None)]);
    let all = hub.fleet(["token", "list", "--everybody", "--all", "--json"]).well().json();
    assert_eq!((all["items"].as_array().unwrap().len(), &all["next"]), (3, &Value::Null));
    hub.fleet(["token", "list", "--everybody", "--after", "5.t2", "--limit", "7"]).well();
    let lines: Vec<_> = hub.asked().into_iter().map(|asked| asked.line).collect();
    assert_eq!(
        lines,
        [
            "GET /v1/tokens?limit=1000 HTTP/1.1",
            "GET /v1/tokens?after=5.t2&limit=1000 HTTP/1.1",
            "GET /v1/tokens?after=5.t2&limit=7 HTTP/1.1"
        ]
    );
}

#[test]
fn a_policy_is_shown_with_its_document_and_no_sign_of_it_steers_the_terminal() {
    let policy = json!({ "name": "eu", "version": 3, "hash": "ab".repeat(32), "is_wanted": true, "followers": { "stores": 7, "nodes": 9, "connected": 8 },
        "document": "aisle_policy = 1\nname = \"\u{1b}[2J\"\n" });
    let hub = Hub::that([well(policy)]);
    let ran = hub.fleet(["policy", "show", "abcd"]).well();
    assert!(
        ran.out.contains("  aisle_policy = 1") && ran.out.contains("stores") && !ran.out.contains('\u{1b}'),
        "{}",
        ran.out
    );
    assert_eq!(line(&hub), "GET /v1/policies/abcd HTTP/1.1");
}

#[test]
fn a_policy_is_published_by_two_people() {
    let approval = json!({ "approval": "a7", "kind": "policy.publish", "summary": "policy `eu`, version 3", "hash": "abcd", "state": "waits" });
    let published = json!({ "name": "eu", "version": 3, "hash": "ef".repeat(32), "is_news": true });
    let hub = Hub::that([says("202 Accepted", approval), says("201 Created", published)]);
    let file = text(&hub.file("policy.toml", "aisle_policy = 1\n"));
    hub.fleet(["policy", "publish", &file]).ended(2).says("policy.toml.sig");
    hub.file("policy.toml.sig", &format!("{}\n", "0f".repeat(64)));
    hub.fleet(["policy", "publish", &file])
        .ended(4)
        .says("aisle fleet approvals show a7")
        .says("--approval a7");
    hub.fleet(["policy", "publish", &file, "--approval", "a7"]).well().says("eu");
    let asked = hub.asked();
    let body: Value = serde_json::from_str(&asked[0].body).unwrap();
    assert_eq!(asked[0].line, "POST /v1/policies HTTP/1.1");
    assert_eq!(body, json!({ "document": "aisle_policy = 1\n", "signature": "0f".repeat(64) }));
    let body: Value = serde_json::from_str(&asked[1].body).unwrap();
    assert_eq!(body["approval"], "a7");
}

#[test]
fn what_proves_a_store_is_asked_for_by_its_name() {
    let gate = json!({ "receipts": 2, "withheld": 3, "unread": 0, "policies": [3],
        "fields": [{ "field": "SaleRecorded.customer", "passed": 0, "tokened": 1500, "coarsened": 0, "aggregated": 0, "dropped": 2 }] });
    let desired = json!({ "generation": 4, "items": [{ "name": "plugin/a", "version": "1.4.0", "hash": "ab".repeat(32) }] });
    let report = json!({ "items": [{ "node": "A1", "name": "plugin/a", "version": "1.4.0", "ok": false, "reason": "no room", "generation": 4 }] });
    let nothing = || well(json!({ "items": [] }));
    let hub = Hub::that([
        nothing(),
        well(gate),
        nothing(),
        well(desired),
        well(report),
        Answer::Says(
            "200 OK",
            vec![],
            json!({ "hash": "ab", "runs": 3, "deltas": [{ "from": "cd".repeat(32), "bytes": 900 }] })
                .to_string(),
        ),
    ]);
    hub.fleet(["receipts", "ulm", "--class", "stock"]).well().says("no batch has come of it");
    hub.fleet(["fields", "ulm"]).well().says("SaleRecorded.customer").says("1 500");
    hub.fleet(["erasures", "ulm"]).well().says("nobody was to be forgotten");
    hub.fleet(["manifest", "ulm"]).well().says("1.4.0").says("no room");
    hub.fleet(["content", &"ab".repeat(32)]).well().says("900 B");
    let lines: Vec<_> = hub.asked().into_iter().map(|asked| asked.line).collect();
    assert_eq!(lines[0], "GET /v1/stores/ulm/receipts?class=stock&limit=100 HTTP/1.1");
    assert_eq!(lines[3], "GET /v1/stores/ulm/desired HTTP/1.1");
    assert_eq!(lines[4], "GET /v1/stores/ulm/reports?limit=1000 HTTP/1.1");
}
