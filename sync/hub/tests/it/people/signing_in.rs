//! Passwords, codes and sessions, as somebody at a browser meets them.

use super::hall::{Caller, Hall, PASSWORD};
use aisle_hub::people::who::Who;
use reqwest::StatusCode;
use serde_json::json;

pub async fn who_tries_passwords_waits_longer_and_longer(hall: &Hall) {
    hall.one.person("Alice", &["viewer"]).await;
    let thief = hall.one.caller().from("198.51.100.7");
    for attempt in 1..=5 {
        // In turn at both hubs: they count together.
        let house = if attempt % 2 == 0 { &hall.two } else { &hall.one };
        let reply = thief.at(house).sign_in("alice", "a wrong password").await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{attempt}");
    }
    let mut waits = Vec::new();
    for _ in 0..14 {
        // Right or wrong, it is not even looked at, from wherever it comes.
        let reply = hall.two.caller().from("203.0.113.5").sign_in("ALICE", PASSWORD).await;
        assert_eq!(reply.status, StatusCode::TOO_MANY_REQUESTS);
        let seconds: i64 = reply.headers["retry-after"].to_str().unwrap().parse().unwrap();
        waits.push(seconds);
        hall.pass(seconds * 1_000);
        assert_eq!(thief.sign_in("alice", "another wrong one").await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]);
    // Nobody is locked out for good, and who was right begins anew.
    hall.pass(900_000);
    let alice = hall.one.caller();
    alice.signed_in(&alice.sign_in("alice", PASSWORD).await);
    assert_eq!(alice.sign_in("alice", "a slip of a finger").await.status, StatusCode::UNAUTHORIZED);
    alice.signed_in(&alice.sign_in("alice", PASSWORD).await);
    let failures: Vec<_> =
        hall.audit("session.begin").await.into_iter().filter(|row| row["outcome"] == "refused").collect();
    assert_eq!(failures.len(), 20, "each wrong one stands in the log, and no blocked one");
    assert_eq!(failures[1]["address"], "198.51.100.7");
    assert!(failures[1]["reason"].as_str().unwrap().contains("900 s"), "{}", failures[1]);
    let metrics = hall
        .two
        .machine()
        .request(reqwest::Method::GET, "/metrics")
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(metrics.contains("aisle_hub_sign_ins_total{outcome=\"blocked\"} 14"), "{metrics}");
}

pub async fn many_names_from_one_address_wait_too(hall: &Hall) {
    hall.one.person("Alice", &["viewer"]).await;
    let thief = hall.one.caller().from("2001:db8::1");
    for number in 0..20 {
        let reply = thief.sign_in(&format!("name-{number}"), PASSWORD).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{number}");
    }
    // Another address of the same network is the same.
    let neighbour = hall.two.caller().from("2001:db8::2");
    assert_eq!(neighbour.sign_in("alice", PASSWORD).await.status, StatusCode::TOO_MANY_REQUESTS);
    let elsewhere = hall.two.caller().from("2001:db8:0:1::1");
    assert_eq!(elsewhere.sign_in("alice", PASSWORD).await.status, StatusCode::OK);
    // Codes are tried from an address as well.
    let reply = neighbour.post("/v1/setup", &json!({ "code": "x", "password": PASSWORD })).await;
    assert_eq!(reply.status, StatusCode::TOO_MANY_REQUESTS);
}

pub async fn many_tries_at_once_learn_no_more_than_one_after_the_other(hall: &Hall) {
    hall.one.person("Alice", &["viewer"]).await;
    let tries = (0..60).map(|number| {
        let house = if number % 2 == 0 { &hall.one } else { &hall.two };
        let thief = house.caller().from("198.51.100.7");
        tokio::spawn(async move { thief.sign_in("alice", &format!("wrong password {number}")).await.status })
    });
    let mut learned = 0;
    for status in tries.collect::<Vec<_>>() {
        match status.await.unwrap() {
            StatusCode::UNAUTHORIZED => learned += 1,
            StatusCode::TOO_MANY_REQUESTS => {}
            other => panic!("{other}"),
        }
    }
    // Five for nothing, and those that were under way when the fifth was counted: four at each hub at most.
    assert!((5..=13).contains(&learned), "{learned} of 60 were told that they are wrong");
}

pub async fn an_unknown_name_is_told_and_costs_the_same(hall: &Hall) {
    let alice = hall.one.person("Alice", &["viewer"]).await;
    hall.one.person("Dora", &["viewer"]).await;
    let dora = hall.one.api.database.person_named("dora").await.unwrap().unwrap();
    let change = aisle_hub::people::person::Change { is_disabled: Some(true), ..Default::default() };
    let owner = Who::machine("test", "local");
    hall.one.api.people.change(&owner, &dora.id, None, &change, hall.now()).await.unwrap();
    hall.one.api.people.add(&owner, "No Password", vec![], hall.now()).await.unwrap();
    let checked = || hall.one.api.people.passwords().checked();
    let mut answers = Vec::new();
    let long = "x".repeat(2_000);
    for (name, password) in [
        ("Alice", "a wrong password"),
        ("Nobody", "a wrong password"),
        ("Dora", PASSWORD),
        ("No Password", ""),
        ("Alice", long.as_str()),
    ] {
        let before = checked();
        let reply = hall.one.caller().sign_in(name, password).await;
        assert_eq!((reply.status, checked() - before), (StatusCode::UNAUTHORIZED, 1), "{name}");
        assert!(reply.headers.get("set-cookie").is_none());
        answers.push(reply.json);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    // What somebody typed for a name may be their password.
    hall.one.caller().sign_in("hunter2hunter2", "x").await;
    let rows = hall.audit("session.begin").await;
    assert!(rows.iter().all(|row| !row.to_string().contains("hunter2")), "{rows:?}");
    let id = alice.id().await;
    assert!(rows.iter().any(|row| row["actor"] == id.as_str() && row["outcome"] == "refused"), "{rows:?}");
}

pub async fn a_secret_that_was_put_into_a_browser_is_worth_nothing(hall: &Hall) {
    hall.one.person("Alice", &["viewer"]).await;
    let planted = "aisle-local=abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrst";
    let victim = Caller { cookie: Some(planted.into()), ..hall.one.caller() };
    let first = victim.signed_in(&victim.sign_in("alice", PASSWORD).await);
    assert_ne!(first.cookie.as_deref(), Some(planted));
    let thief = Caller { cookie: Some(planted.into()), ..hall.two.caller() };
    assert_eq!(thief.get("/v1/me").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(first.at(&hall.two).get("/v1/me").await.status, StatusCode::OK);
    // Who signs in with a session gets another one, and the first is over.
    let second = first.signed_in(&first.sign_in("alice", PASSWORD).await);
    assert_ne!((&first.cookie, &first.csrf), (&second.cookie, &second.csrf));
    assert_eq!(first.get("/v1/me").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(second.get("/v1/me").await.status, StatusCode::OK);
    // Of two cookies of one name neither counts.
    let both =
        Caller { cookie: Some(format!("{}; {planted}", second.cookie.clone().unwrap())), ..second.clone() };
    assert_eq!(both.get("/v1/me").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(second.delete("/v1/session").await.status, StatusCode::NO_CONTENT);
    assert_eq!(second.get("/v1/me").await.status, StatusCode::UNAUTHORIZED);
}

pub async fn a_session_ends_unused_and_at_the_latest(hall: &Hall) {
    hall.one.person("Alice", &["viewer"]).await;
    let sign_in = async || {
        let browser = hall.one.caller();
        browser.signed_in(&browser.sign_in("alice", PASSWORD).await)
    };
    let unused = sign_in().await;
    hall.pass(59 * 60_000);
    assert_eq!(unused.at(&hall.two).get("/v1/me").await.status, StatusCode::OK);
    hall.pass(59 * 60_000);
    assert_eq!(unused.get("/v1/me").await.status, StatusCode::OK, "it was used in between");
    hall.pass(60 * 60_000);
    assert_eq!(unused.get("/v1/me").await.status, StatusCode::UNAUTHORIZED);
    let used = sign_in().await;
    for _ in 0..23 {
        hall.pass(30 * 60_000);
        assert_eq!(used.get("/v1/me").await.status, StatusCode::OK);
    }
    hall.pass(30 * 60_000);
    assert_eq!(used.get("/v1/me").await.status, StatusCode::UNAUTHORIZED, "twelve hours are over");
}

pub async fn a_code_is_good_once_and_for_its_time(hall: &Hall) {
    let admin = hall.one.person("Ada", &["admin"]).await;
    let added = admin.post("/v1/people", &json!({ "name": "Bob", "roles": ["viewer"] })).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.json);
    let code = added.json["code"].as_str().unwrap().to_owned();
    let bob = hall.two.caller();
    let set_up = async |code: &str, password: &str| {
        bob.post("/v1/setup", &json!({ "code": code, "password": password })).await
    };
    for (password, words) in
        [("short", "has 5 characters"), ("BOB", "has 3"), ("xxxxxxxxxxxxxxxx", "one character again")]
    {
        let reply = set_up(&code, password).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
        assert!(reply.json["detail"].as_str().unwrap().contains(words), "{}", reply.json);
    }
    let browser = bob.signed_in(&set_up(&code, "bob's own password").await);
    assert_eq!(browser.get("/v1/me").await.json["name"], "Bob");
    assert_eq!(set_up(&code, "another password").await.status, StatusCode::UNAUTHORIZED, "it is used up");
    bob.signed_in(&bob.sign_in("bob", "bob's own password").await);
    // A reset takes everything away and gives another code, for three days.
    let id = browser.id().await;
    let reset = admin.post(&format!("/v1/people/{id}/reset"), &json!({})).await;
    assert_eq!(reset.status, StatusCode::OK, "{}", reset.json);
    assert_eq!(browser.get("/v1/me").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(bob.sign_in("bob", "bob's own password").await.status, StatusCode::UNAUTHORIZED);
    let code = reset.json["code"].as_str().unwrap();
    hall.pass(72 * 3_600_000);
    assert_eq!(set_up(code, "another password").await.status, StatusCode::UNAUTHORIZED, "it is too old");
}

pub async fn a_changed_password_ends_every_session(hall: &Hall) {
    let here = hall.one.person("Alice", &["viewer"]).await;
    let elsewhere = hall.two.caller();
    let elsewhere = elsewhere.signed_in(&elsewhere.sign_in("alice", PASSWORD).await);
    let change = async |old: &str, new: &str| {
        let body = json!({ "old": old, "new": new });
        super::hall::sent(here.request(reqwest::Method::PUT, "/v1/me/password").json(&body)).await
    };
    assert_eq!(change("a wrong password", "another password").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(change(PASSWORD, "alice").await.status, StatusCode::BAD_REQUEST);
    let now = here.signed_in(&change(PASSWORD, "another password").await);
    for former in [&here, &elsewhere] {
        assert_eq!(former.get("/v1/me").await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(now.get("/v1/me").await.status, StatusCode::OK);
    assert_eq!(hall.one.caller().sign_in("alice", PASSWORD).await.status, StatusCode::UNAUTHORIZED);
    let rows = hall.audit("person.password").await;
    assert_eq!((&rows[0]["outcome"], &rows[1]["outcome"]), (&json!("done"), &json!("refused")));
}

pub async fn who_is_disabled_is_out_at_once(hall: &Hall) {
    let admin = hall.one.person("Ada", &["admin"]).await;
    let alice = hall.two.person("Alice", &["viewer"]).await;
    let id = alice.id().await;
    let person = admin.get(&format!("/v1/people/{id}")).await;
    let request = admin.request(reqwest::Method::PATCH, &format!("/v1/people/{id}"));
    let tag = person.headers["etag"].clone();
    let patched =
        super::hall::sent(request.header("if-match", tag).json(&json!({ "is_disabled": true }))).await;
    assert_eq!(patched.json["is_disabled"], true, "{}", patched.json);
    assert_eq!(alice.get("/v1/me").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(hall.one.caller().sign_in("alice", PASSWORD).await.status, StatusCode::UNAUTHORIZED);
    let row = &hall.audit("person.change").await[0];
    assert!(row["was"].as_str().unwrap().contains("\"disabled\":false"), "{row}");
    assert!(row["became"].as_str().unwrap().contains("\"disabled\":true"), "{row}");
    assert_eq!(
        (&row["actor_name"], &row["way"], &row["address"]),
        (&json!("Ada"), &json!("session"), &json!("192.0.2.1"))
    );
}

pub async fn sessions_are_listed_and_ended(hall: &Hall) {
    let admin = hall.one.person("Ada", &["admin"]).await;
    let alice = hall.one.person("Alice", &["viewer"]).await;
    for _ in 0..20 {
        hall.pass(1);
        let browser = hall.two.caller();
        browser.signed_in(&browser.sign_in("alice", PASSWORD).await);
    }
    let browser = hall.two.caller();
    let last = browser.signed_in(&browser.sign_in("alice", PASSWORD).await);
    assert_eq!(alice.get("/v1/me").await.status, StatusCode::UNAUTHORIZED, "the oldest made room");
    let page = last.get("/v1/me/sessions").await.json;
    let items = page["items"].as_array().unwrap();
    assert_eq!(items.len(), 16);
    let mine = last.get("/v1/me").await.json["session"].clone();
    let other =
        items.iter().find(|row| row["session"] != mine).unwrap()["session"].as_str().unwrap().to_owned();
    assert_eq!(last.delete(&format!("/v1/me/sessions/{other}")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(last.delete(&format!("/v1/me/sessions/{other}")).await.status, StatusCode::NOT_FOUND);
    // Nobody ends a session of somebody else as their own; who manages people does.
    let mine = mine.as_str().unwrap();
    assert_eq!(admin.delete(&format!("/v1/me/sessions/{mine}")).await.status, StatusCode::NOT_FOUND);
    let id = last.id().await;
    assert_eq!(
        admin.delete(&format!("/v1/people/{id}/sessions/{mine}")).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(last.get("/v1/me").await.status, StatusCode::UNAUTHORIZED);
}
