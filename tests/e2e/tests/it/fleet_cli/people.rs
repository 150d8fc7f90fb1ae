//! People sign in, and may what their roles may; what they do stands in the log.

use super::{Manager, says};
use crate::support::api::Api;
use aisle_harness::hub::HubOptions;
use reqwest::Method;
use serde_json::json;
use std::{fs, os::unix::fs::PermissionsExt};

const PASSWORD: &str = "correct horse battery staple";

/// Sets somebody up with the code that they were given.
async fn set_up(manager: &Manager, code: &str) {
    let api = Api::new(&manager.hub.url());
    let request = api.request(Method::POST, "/v1/setup").header("origin", manager.hub.url());
    let body = json!({ "code": code, "password": PASSWORD });
    let answer = Api::try_send(request.json(&body)).await.expect("an answer");
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn who_signs_in_may_what_their_role_may_and_all_of_it_stands_in_the_log() {
    let manager = Manager::of(HubOptions::default());
    let added = manager.json(["people", "add", "ada", "--role", "operator"]);
    set_up(&manager, added["code"].as_str().expect("a code")).await;

    let wrong = manager.signs_in("ada", "not it, not it");
    assert_eq!(wrong.status.code(), Some(1), "{wrong:?}");
    let signed_in = manager.signs_in("ada", PASSWORD);
    assert_eq!(signed_in.status.code(), Some(0), "{signed_in:?}");
    let kept = manager.home.path().join(".config/aisle/fleet.toml");
    assert_eq!(fs::metadata(&kept).expect("it is there").permissions().mode() & 0o777, 0o600);

    says(&manager.as_person(["me"]).exits(0), &["ada", "operator", "token"]);
    manager.as_person(["stores"]).exits(0);
    manager.as_person(["people", "list"]).exits(1).complains_about(&["people.read"]);
    manager.as_person(["audit"]).exits(1).complains_about(&["audit.read"]);

    let log = manager.json(["audit", "--since", "1h", "--all"]);
    let rows = log["items"].as_array().expect("rows");
    let has = |action: &str, outcome: &str| {
        rows.iter().any(|row| row["action"] == action && row["outcome"] == outcome)
    };
    assert!(has("audit.read", "refused"), "{rows:#?}");
    assert!(!serde_json::to_string(rows).expect("text").contains(PASSWORD));

    manager.fleet(["people", "disable", "ada"]).exits(0);
    manager.as_person(["stores"]).exits(1).complains_about(&["aisle fleet login"]);
}

#[test]
fn a_person_is_shown_changed_and_reset_by_name() {
    let manager = Manager::of(HubOptions::default());
    manager.json(["people", "add", "Grace", "--role", "viewer"]);
    let changed =
        manager.json(["people", "change", "grace", "--role", "operator@region:eu", "--role", "viewer"]);
    assert_eq!(changed["roles"], json!(["operator@region:eu", "viewer"]));
    says(&manager.fleet(["people", "show", "Grace"]).exits(0), &["Grace", "operator@region:eu, viewer"]);
    says(&manager.fleet(["people", "reset", "Grace"]).exits(0), &["It is shown this once"]);
    says(&manager.fleet(["people", "roles"]).exits(0), &["rollout.start", "plugin-author"]);
    manager
        .fleet(["people", "add", "Eve", "--role", "emperor"])
        .exits(1)
        .complains_about(&["`emperor` is no role"]);
    manager
        .fleet(["people", "show", "Nobody"])
        .exits(1)
        .complains_about(&["there is nobody called `Nobody`"]);
}
