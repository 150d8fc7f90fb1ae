//! What is one's own: sessions, password, tokens; by a token where that is enough, else by the password and a session that ends again.

use super::hub::{Answer, Hub, says, well};
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery";

fn ada() -> Value {
    json!({ "person": "p1", "name": "ada", "way": "session", "csrf": "c5rf", "permissions": ["store.read"] })
}

fn session(secret: &str, csrf: &str) -> Answer {
    let cookie = ("set-cookie", format!("aisle-local={secret}; Path=/; HttpOnly"));
    let mut me = ada();
    me["csrf"] = csrf.into();
    Answer::Says("200 OK", vec![cookie], me.to_string())
}

fn lines(hub: &Hub) -> Vec<String> {
    hub.asked().into_iter().map(|asked| asked.line.trim_end_matches(" HTTP/1.1").to_owned()).collect()
}

#[test]
fn a_token_for_a_program_is_made_by_a_session_that_ends() {
    let made =
        json!({ "token": "t7", "secret": "aisle_t7_hush", "name": "nightly", "permissions": ["store.read"] });
    let hub = Hub::that([
        well(ada()),
        session("s1", "csrf-one"),
        says("201 Created", made),
        says("204 No Content", ""),
    ]);
    let ran = hub
        .run(
            [
                "me",
                "token",
                "make",
                "nightly",
                "--may",
                "store.read",
                "--days",
                "7",
                "--password-stdin",
                "--show-request",
            ],
            Some(super::hub::TOKEN),
            PASSWORD,
        )
        .well();
    assert!(ran.out.contains("token: aisle_t7_hush"), "{}", ran.out);
    assert_eq!(lines(&hub), ["GET /v1/me", "POST /v1/session", "POST /v1/me/tokens", "DELETE /v1/session"]);
    let asked = hub.asked();
    assert!(asked[1].body.contains(r#""name":"ada""#) && !asked[1].headers.contains_key("authorization"));
    assert_eq!(asked[2].headers["cookie"], "aisle-local=s1");
    assert!(!asked[2].headers.contains_key("authorization"));
    for secret in [PASSWORD, "aisle-local=s1", "csrf-one"] {
        assert!(!ran.err.contains(secret), "{secret} is shown:\n{}", ran.err);
    }
}

#[test]
fn another_password_ends_the_session_that_begins_with_it() {
    let hub = Hub::that([
        well(ada()),
        session("s1", "csrf-one"),
        session("s2", "csrf-two"),
        says("204 No Content", ""),
    ]);
    let both = format!("{PASSWORD}\nanother correct horse\n");
    let ran = hub.run(["me", "password", "--password-stdin"], Some(super::hub::TOKEN), &both).well();
    assert!(ran.out.contains("ada has another password") && !ran.out.contains("csrf-two"), "{}", ran.out);
    let asked = hub.asked();
    assert_eq!(asked[2].line, "PUT /v1/me/password HTTP/1.1");
    let body: Value = serde_json::from_str(&asked[2].body).unwrap();
    assert_eq!(body, json!({ "old": PASSWORD, "new": "another correct horse" }));
    assert_eq!(asked[3].headers["cookie"], "aisle-local=s2", "the first one is over already");
    let hub = Hub::that([well(ada())]);
    hub.run(["me", "password", "--password-stdin"], Some(super::hub::TOKEN), PASSWORD)
        .ended(2)
        .says("a line each");
}

#[test]
fn sessions_are_listed_and_ended_and_own_tokens_revoked() {
    let listed = json!({ "items": [{ "session": "s9", "way": "password", "agent": "Firefox" }] });
    let gone = || says("204 No Content", "");
    let hub =
        Hub::that([well(listed), well(ada()), session("s1", "csrf-one"), gone(), gone(), gone(), gone()]);
    hub.fleet(["me", "sessions"]).well().says("Firefox");
    hub.run(["me", "end", "s9", "--password-stdin"], Some(super::hub::TOKEN), PASSWORD)
        .well()
        .says("has ended");
    hub.fleet(["me", "token", "revoke", "t7"]).well().says("good for nothing");
    assert_eq!(
        lines(&hub),
        [
            "GET /v1/me/sessions",
            "GET /v1/me",
            "POST /v1/session",
            "DELETE /v1/me/sessions/s9",
            "DELETE /v1/session",
            "DELETE /v1/me/tokens/t7"
        ]
    );
}
