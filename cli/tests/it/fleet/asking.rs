//! A request and its way: token, key, tries, refusals, exit codes.

use super::hub::{Answer, Hub, TOKEN, says, text, well};
use serde_json::json;
use std::net::TcpListener;

const PAGE: &str = r#"{"items": []}"#;

#[test]
fn a_token_goes_along_and_stands_in_nothing_that_is_shown() {
    let hub = Hub::that([well(PAGE)]);
    let ran = hub.fleet(["stores", "--region", "eu", "--show-request"]).well();
    let asked = hub.asked_once();
    assert_eq!(asked.line, "GET /v1/stores?region=eu&limit=100 HTTP/1.1");
    assert_eq!(asked.headers["authorization"], format!("Bearer {TOKEN}"));
    assert!(!asked.headers.contains_key("idempotency-key"), "nothing is changed");
    let url = &hub.url;
    assert_eq!(
        ran.err.trim(),
        format!(r#"curl '{url}/v1/stores?region=eu&limit=100' -H "Authorization: Bearer $AISLE_TOKEN""#)
    );
    assert_eq!(ran.out.trim(), "no stores");
}

#[test]
fn a_change_that_is_sent_again_keeps_its_key() {
    let busy = || Answer::Says("503 Service Unavailable", vec![("retry-after", "0".into())], String::new());
    let hub =
        Hub::that([Answer::HangsUp, busy(), well(json!({ "store": "ulm", "labels": { "pilot": "" } }))]);
    hub.fleet(["label", "ulm", "pilot=", "size-"]).well().says("pilot");
    let asked = hub.asked();
    assert_eq!(asked.len(), 3);
    let keys: Vec<_> = asked.iter().map(|asked| asked.headers["idempotency-key"].clone()).collect();
    assert!(keys[0].len() >= 16 && keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    assert_eq!(asked[0].line, "PATCH /v1/stores/ulm/labels HTTP/1.1");
    assert_eq!(asked[0].body, r#"{"remove":["size"],"set":{"pilot":""}}"#);
}

#[test]
fn two_changes_have_two_keys() {
    let hub = Hub::that([well("{}"), well("{}")]);
    hub.fleet(["label", "ulm", "pilot="]).well();
    hub.fleet(["label", "ulm", "pilot="]).well();
    let asked = hub.asked();
    assert_ne!(asked[0].headers["idempotency-key"], asked[1].headers["idempotency-key"]);
}

#[test]
fn a_refusal_says_which_field_why_and_what_next_and_is_not_sent_again() {
    let problem = json!({ "type": "urn:aisle:problem:malformed", "title": "The request is malformed", "status": 400,
        "detail": "`filter` has an open bracket\nhint: close it", "errors": [{ "field": "filter", "reason": "has an open bracket" }] });
    let hub = Hub::that([says("400 Bad Request", problem)]);
    let ran = hub.fleet(["nodes", "--filter", "region in (eu"]).ended(1);
    assert_eq!(ran.err, "error: The request is malformed: `filter` has an open bracket\nhint: close it\n");
    assert_eq!(ran.out, "");
    hub.asked_once();
}

#[test]
fn a_token_that_is_good_no_more_leads_to_a_new_one() {
    let hub =
        Hub::that([says("401 Unauthorized", json!({ "title": "Sign in, or send a token", "detail": "" }))]);
    hub.fleet(["me"]).ended(1).says("hint: the token is not good here, or no more: `aisle fleet login`");
}

#[test]
fn what_waits_for_another_person_is_no_success_and_no_failure() {
    let approval = json!({ "approval": "a1", "kind": "enrolment.policy", "summary": "x", "hash": "abcd", "state": "waits" });
    let at = |phase: &str| well(json!({ "rollout": { "rollout": "r", "phase": { "phase": phase } } }));
    let hub = Hub::that([at("awaiting-approval"), at("ready"), says("202 Accepted", approval)]);
    hub.fleet(["rollout", "preflight", "r"]).ended(4).says("r is awaiting-approval");
    hub.fleet(["rollout", "approve", "r"]).well().says("r is ready");
    hub.fleet(["label", "ulm", "pilot="])
        .ended(4)
        .says("another person has to agree")
        .says("approvals show a1");
}

#[test]
fn where_no_hub_answers_the_end_is_another_one() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let hub = Hub::that([]);
    let nobody = format!("http://127.0.0.1:{port}");
    hub.fleet(["stores", "--hub", &nobody]).ended(3).says("no answer from").says("asked 4 times");
}

#[test]
fn what_answers_and_is_no_hub_is_told_apart() {
    let hub = Hub::that([
        well("<html>"),
        Answer::Says("302 Found", vec![("location", "https://elsewhere.example/".into())], String::new()),
    ]);
    hub.fleet(["me"]).ended(3).says("is no JSON");
    hub.fleet(["me"]).ended(3).says("leads on to `https://elsewhere.example/`");
    assert_eq!(hub.asked().len(), 2, "a token is sent to nobody else");
}

#[test]
fn wrong_use_is_said_before_anybody_is_asked() {
    let hub = Hub::that([]);
    hub.fleet(["label", "ulm", "pilot"]).ended(2).says("`pilot=VALUE`");
    hub.fleet(["stores", "--hub", "http://hub.example"]).ended(2).says("a token would be read by others");
    hub.fleet(["stores", "--hub", "hub.example"]).ended(2).says("https://");
    hub.run(["stores"], None, "").ended(2).says("there is no token");
    hub.fleet(["stores", "--profile", "nobody"]).ended(2).says("there is no profile `nobody`");
    hub.fleet(["rollout", "pause", "r"]).ended(2).says("--why");
    hub.fleet(["show", ".."]).ended(2).says("is no name");
    assert!(hub.asked().is_empty());
}

#[test]
fn a_token_file_counts_more_than_the_environment() {
    let hub = Hub::that([well("{}")]);
    let file = hub.file("hub.token", "the-machines-token\n");
    hub.fleet(["me", "--token-file", &text(&file)]).well();
    assert_eq!(hub.asked_once().headers["authorization"], "Bearer the-machines-token");
}
