//! Signing in once, and going by the token that is kept.

use super::hub::{Answer, Hub, says, well};
use serde_json::json;
use std::{fs, os::unix::fs::PermissionsExt};

const PASSWORD: &str = "correct horse battery";

fn signing_in() -> Hub {
    let me = json!({ "person": "p1", "name": "ada", "way": "session", "csrf": "c5rf", "permissions": ["store.read", "rollout.start", "people.manage"] });
    let made = json!({ "secret": "aisle_t9_hush", "token": "t9", "ends_at_ms": 1_795_305_600_000_i64 });
    let cookie = ("set-cookie", "aisle-local=s3ss10n; Path=/; HttpOnly".to_owned());
    Hub::that([
        Answer::Says("200 OK", vec![cookie], me.to_string()),
        says("201 Created", made),
        says("204 No Content", ""),
        well(r#"{"items": []}"#),
    ])
}

#[test]
fn who_signs_in_once_has_a_token_that_only_they_can_read() {
    let hub = signing_in();
    let ran = hub
        .run(["login", "--name", "ada", "--password-stdin", "--show-request"], None, &format!("{PASSWORD}\n"))
        .well();
    let asked = hub.asked();
    let lines: Vec<_> = asked.iter().map(|asked| asked.line.as_str()).collect();
    assert_eq!(
        lines,
        ["POST /v1/session HTTP/1.1", "POST /v1/me/tokens HTTP/1.1", "DELETE /v1/session HTTP/1.1"]
    );
    assert_eq!(asked[0].headers["origin"], hub.url);
    assert!(asked[0].body.contains(PASSWORD));
    assert_eq!(asked[1].headers["cookie"], "aisle-local=s3ss10n");
    assert_eq!(asked[1].headers["x-csrf-token"], "c5rf");
    assert!(asked[1].body.contains(r#""permissions":["store.read","rollout.start"]"#), "{}", asked[1].body);
    for secret in [PASSWORD, "hush", "s3ss10n", "c5rf"] {
        assert!(!ran.out.contains(secret) && !ran.err.contains(secret), "{secret} is shown");
    }
    assert_eq!(fs::metadata(hub.profiles()).unwrap().permissions().mode() & 0o777, 0o600);

    hub.run(["stores"], None, "").well();
    assert_eq!(hub.asked()[3].headers["authorization"], "Bearer aisle_t9_hush");
    let listed = hub.run(["profiles"], None, "").well();
    assert!(listed.out.contains(&hub.url) && !listed.out.contains("hush"), "{}", listed.out);
}

#[test]
fn the_token_of_one_hub_is_not_sent_to_another() {
    let (hub, other) = (signing_in(), Hub::that([well("{}")]));
    hub.run(["login", "--name", "ada", "--password-stdin"], None, PASSWORD).well();
    hub.run(["me", "--hub", &other.url], None, "").ended(2).says("there is no token for");
    hub.run(["me", "--hub", &other.url, "--profile", "default"], None, "")
        .ended(2)
        .says("there is no token for");
    assert!(other.asked().is_empty());
}

#[test]
fn a_wrong_password_leaves_nothing_behind() {
    let hub = Hub::that([says(
        "401 Unauthorized",
        json!({ "title": "Name or password is wrong", "detail": "try again" }),
    )]);
    hub.run(["login", "--name", "ada", "--password-stdin"], None, PASSWORD)
        .ended(1)
        .says("Name or password is wrong");
    assert!(!hub.profiles().exists());
}

#[test]
fn a_hub_that_is_forgotten_is_gone_here_and_its_token_is_told_of() {
    let hub = signing_in();
    hub.run(["login", "--name", "ada", "--password-stdin"], None, PASSWORD).well();
    hub.run(["logout"], None, "").well().says("fleet token revoke t9");
    assert!(!fs::read_to_string(hub.profiles()).unwrap().contains("hush"));
    hub.run(["logout"], None, "").ended(2);
}

#[test]
fn profiles_that_others_can_read_are_refused() {
    let hub = signing_in();
    hub.run(["login", "--name", "ada", "--password-stdin"], None, PASSWORD).well();
    fs::set_permissions(hub.profiles(), fs::Permissions::from_mode(0o640)).unwrap();
    hub.run(["stores"], None, "").ended(2).says("chmod 600");
}
