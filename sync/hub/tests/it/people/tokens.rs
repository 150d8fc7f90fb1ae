//! Tokens for programs.

use super::hall::{Caller, Hall, MACHINE, sent};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const DAY_MS: i64 = 24 * 3_600_000;

async fn make(person: &Caller, permissions: &[&str], days: u32) -> Value {
    let body = json!({ "name": "a program", "permissions": permissions, "days": days });
    let made = person.post("/v1/me/tokens", &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.json);
    assert_eq!(made.headers["cache-control"], "no-store");
    made.json
}

pub async fn a_token_may_what_it_is_for_while_its_person_may(hall: &Hall) {
    let ada = hall.one.person("Ada", &["admin"]).await;
    let olga = hall.one.person("Olga", &["operator"]).await;
    let made = make(&olga, &["store.read", "hub.read"], 30).await;
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("aisle_t-"), "programs that look for secrets find it");
    let program = hall.two.with_token(secret);
    assert_eq!(program.get("/v1/stores").await.status, StatusCode::OK);
    assert_eq!(program.get("/v1/relay").await.status, StatusCode::OK);
    let me = program.get("/v1/me").await.json;
    assert_eq!(
        (&me["name"], &me["way"], &me["permissions"]),
        (&json!("Olga"), &json!("token"), &json!(["store.read", "hub.read"]))
    );
    // Not what Olga may and it is not for, not what Olga may not, and not what wants a person.
    for (method, path) in [
        (Method::GET, "/v1/approvals"),
        (Method::GET, "/v1/people"),
        (Method::POST, "/v1/me/tokens"),
        (Method::PUT, "/v1/me/password"),
    ] {
        assert_eq!(
            sent(program.request(method.clone(), path)).await.status,
            StatusCode::FORBIDDEN,
            "{method} {path}"
        );
    }
    let beyond = olga
        .post("/v1/me/tokens", &json!({ "name": "x", "permissions": ["people.manage"], "days": 1 }))
        .await;
    assert!(
        beyond.json["detail"].as_str().unwrap().contains("`people.manage`, which you may not"),
        "{}",
        beyond.json
    );
    for (body, field) in [
        (json!({ "name": "", "permissions": ["store.read"], "days": 1 }), "name"),
        (json!({ "name": "x", "permissions": [], "days": 1 }), "permissions"),
        (json!({ "name": "x", "permissions": ["all"], "days": 1 }), "permissions"),
        (json!({ "name": "x", "permissions": ["store.read"], "days": 0 }), "days"),
        (json!({ "name": "x", "permissions": ["store.read"], "days": 367 }), "days"),
    ] {
        let reply = olga.post("/v1/me/tokens", &body).await;
        assert_eq!(
            (reply.status, &reply.json["errors"][0]["field"]),
            (StatusCode::BAD_REQUEST, &json!(field)),
            "{}",
            reply.json
        );
    }
    // What Olga loses the token loses with her.
    let id = olga.id().await;
    let tag = ada.get(&format!("/v1/people/{id}")).await.headers["etag"].clone();
    let change = ada.request(Method::PATCH, &format!("/v1/people/{id}")).header("if-match", tag);
    assert_eq!(sent(change.json(&json!({ "roles": ["plugin-author"] }))).await.status, StatusCode::OK);
    assert_eq!(program.get("/v1/stores").await.status, StatusCode::OK);
    assert_eq!(program.get("/v1/relay").await.status, StatusCode::FORBIDDEN);
}

pub async fn what_is_over_revoked_or_another_is_refused(hall: &Hall) {
    let olga = hall.one.person("Olga", &["operator"]).await;
    let (short, long) = (make(&olga, &["store.read"], 1).await, make(&olga, &["store.read"], 2).await);
    let of = |made: &Value| hall.two.with_token(made["secret"].as_str().unwrap());
    let (name, secret) = (long["token"].as_str().unwrap().to_owned(), long["secret"].as_str().unwrap());
    for wrong in [
        &secret[..secret.len() - 1],
        &secret.replace(&name, short["token"].as_str().unwrap()),
        &secret.to_uppercase(),
        "aisle_",
        "aisle_t-none_x",
        "",
    ] {
        assert_eq!(
            hall.one.with_token(wrong).get("/v1/stores").await.status,
            StatusCode::UNAUTHORIZED,
            "{wrong}"
        );
    }
    assert_eq!(of(&short).get("/v1/stores").await.status, StatusCode::OK);
    hall.pass(DAY_MS);
    assert_eq!(of(&short).get("/v1/stores").await.status, StatusCode::UNAUTHORIZED, "it is over");
    assert_eq!(of(&long).get("/v1/stores").await.status, StatusCode::OK);
    let olga = olga.signed_in(&olga.sign_in("olga", super::hall::PASSWORD).await);
    let used = olga.get("/v1/me/tokens").await.json["items"][0]["used_at_ms"].clone();
    assert!(used.as_i64().unwrap() > 0);
    assert_eq!(olga.delete(&format!("/v1/me/tokens/{name}")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(olga.delete(&format!("/v1/me/tokens/{name}")).await.status, StatusCode::NOT_FOUND);
    hall.pass(60_000);
    for _ in 0..3 {
        assert_eq!(of(&long).get("/v1/stores").await.status, StatusCode::UNAUTHORIZED, "it is revoked");
    }
    let rows = hall.audit("token.use").await;
    let reasons: Vec<_> = rows.iter().map(|row| row["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["the token is revoked", "the token is over"], "once a minute");
    // Nobody revokes another's as their own; who manages people does.
    let other = hall.one.person("Other", &["viewer"]).await;
    let third = make(&olga, &["store.read"], 1).await;
    let path = |made: &Value| made["token"].as_str().unwrap().to_owned();
    assert_eq!(other.delete(&format!("/v1/me/tokens/{}", path(&third))).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        hall.one.machine().delete(&format!("/v1/tokens/{}", path(&third))).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(of(&third).get("/v1/stores").await.status, StatusCode::UNAUTHORIZED);
    let mut last = StatusCode::CREATED;
    for _ in 0..33 {
        let body = json!({ "name": "one of many", "permissions": ["store.read"], "days": 1 });
        last = olga.post("/v1/me/tokens", &body).await.status;
    }
    assert_eq!(last, StatusCode::CONFLICT, "there is an end");
}

pub async fn who_guesses_at_tokens_waits_and_keeps_nobody_out_who_has_one(hall: &Hall) {
    let thief = |token: &str| hall.one.with_token(token).from("198.51.100.7");
    for number in 0..20 {
        let guess = if number % 2 == 0 { format!("guess-{number}") } else { format!("aisle_t-{number}_x") };
        assert_eq!(thief(&guess).get("/v1/stores").await.status, StatusCode::UNAUTHORIZED, "{number}");
    }
    // At both hubs, and for what nobody has alone: others who sit behind the same address go on.
    let olga = hall.one.person("Olga", &["viewer"]).await;
    let right = make(&olga, &["store.read"], 1).await;
    for house in [&hall.one, &hall.two] {
        for guess in ["guess-again", "aisle_t-99_x"] {
            let waits = thief(guess).at(house).get("/v1/stores").await;
            assert_eq!(waits.status, StatusCode::TOO_MANY_REQUESTS);
            assert_eq!(waits.headers["retry-after"], "1");
        }
        for token in [MACHINE, right["secret"].as_str().unwrap()] {
            assert_eq!(thief(token).at(house).get("/v1/stores").await.status, StatusCode::OK);
        }
    }
    hall.pass(1_000);
    assert_eq!(thief("guess-later").get("/v1/stores").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(hall.one.refusals("token.guess").await, 21);
    let rows = hall.audit("token.guess").await;
    assert!((1..=21).contains(&rows.len()), "{rows:?}");
    assert_eq!((&rows[0]["address"], &rows[0]["outcome"]), (&json!("198.51.100.7"), &json!("refused")));
    assert!(!rows.iter().any(|row| row.to_string().contains("guess-")), "what was shown is in no log");
    // A cookie that somebody has put there is counted and written down as well, and nobody waits for it.
    let cookie = Some("aisle-local=made-up".to_owned());
    let planted = Caller { cookie, ..hall.one.caller().from("198.51.100.8") };
    for _ in 0..30 {
        assert_eq!(planted.get("/v1/me").await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(hall.one.refusals("session.use").await, 30);
    let rows = hall.audit("session.use").await;
    assert!((1..=40).contains(&rows.len()) && rows[0]["address"] == "198.51.100.8", "{rows:?}");
}

pub async fn a_token_revokes_itself_and_what_else_its_person_has(hall: &Hall) {
    let olga = hall.one.person("Olga", &["viewer"]).await;
    let other = hall.one.person("Other", &["viewer"]).await;
    let (one, two) = (make(&olga, &["store.read"], 1).await, make(&olga, &["store.read"], 1).await);
    let foreign = make(&other, &["store.read"], 1).await;
    let path = |made: &Value| format!("/v1/me/tokens/{}", made["token"].as_str().unwrap());
    let program = hall.two.with_token(one["secret"].as_str().unwrap());
    assert_eq!(program.get("/v1/me/tokens").await.json["items"].as_array().unwrap().len(), 2);
    assert_eq!(program.delete(&path(&foreign)).await.status, StatusCode::NOT_FOUND);
    assert_eq!(program.delete(&path(&two)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(program.delete(&path(&one)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(program.get("/v1/me/tokens").await.status, StatusCode::UNAUTHORIZED);
    let rows = hall.audit("token.revoke").await;
    assert_eq!((rows.len(), &rows[0]["way"]), (2, &json!("token")));
}
