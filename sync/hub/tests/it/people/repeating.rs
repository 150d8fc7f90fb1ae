//! `Idempotency-Key`: sent again, done once.

use super::hall::{Caller, Hall, Reply, sent};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const KEY: &str = "0b9f7a52-8d3e-4a43-9f6e-2f6a1d8f6c11";

async fn add(caller: &Caller, key: &str, body: &Value) -> Reply {
    sent(caller.request(Method::POST, "/v1/people").header("idempotency-key", key).json(body)).await
}

pub async fn a_request_that_is_sent_again_is_done_once(hall: &Hall) {
    let ada = hall.one.person("Ada", &["admin"]).await;
    let body = json!({ "name": "Bob", "roles": ["viewer"] });
    let first = add(&ada, KEY, &body).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.json);
    // At the other hub too, with the code and the headers of the first answer.
    for house in [&hall.one, &hall.two] {
        let again = add(&ada.at(house), KEY, &body).await;
        assert_eq!((again.status, &again.json), (first.status, &first.json));
        assert_eq!(again.headers["idempotency-replayed"], "true");
        assert_eq!(
            (&again.headers["etag"], &again.headers["location"]),
            (&first.headers["etag"], &first.headers["location"])
        );
        assert_eq!(again.headers["content-type"], "application/json");
    }
    assert_eq!(hall.audit("person.add").await.len(), 2, "Ada and Bob");
    // What was refused for good is refused again by the same words.
    let taken = add(&ada, "another-key-for-the-name", &json!({ "name": "BOB", "roles": [] })).await;
    assert_eq!(taken.status, StatusCode::CONFLICT);
    let again = add(&ada, "another-key-for-the-name", &json!({ "name": "BOB", "roles": [] })).await;
    assert_eq!(
        (again.status, &again.headers["idempotency-replayed"]),
        (StatusCode::CONFLICT, &taken_header())
    );
    // Many at once are one.
    let many = (0..12).map(|number| {
        let caller = ada.at(if number % 2 == 0 { &hall.one } else { &hall.two });
        tokio::spawn(async move {
            add(&caller, "a-key-that-comes-at-once", &json!({ "name": "Carol", "roles": [] })).await.status
        })
    });
    for status in many.collect::<Vec<_>>() {
        let status = status.await.unwrap();
        assert!(matches!(status, StatusCode::CREATED | StatusCode::CONFLICT), "{status}");
    }
    let last = add(&ada, "a-key-that-comes-at-once", &json!({ "name": "Carol", "roles": [] })).await;
    assert_eq!(last.status, StatusCode::CREATED, "{}", last.json);
    assert_eq!(hall.audit("person.add").await.len(), 3);
    // A day later it is forgotten.
    hall.pass(24 * 3_600_000 + 1);
    let ada = ada.signed_in(&ada.sign_in("ada", super::hall::PASSWORD).await);
    assert_eq!(add(&ada, KEY, &body).await.status, StatusCode::CONFLICT, "done anew, and Bob is there");
}

fn taken_header() -> reqwest::header::HeaderValue {
    reqwest::header::HeaderValue::from_static("true")
}

pub async fn a_key_belongs_to_one_request_of_one_caller(hall: &Hall) {
    let (ada, eve) = (hall.one.person("Ada", &["admin"]).await, hall.one.person("Eve", &["admin"]).await);
    let body = json!({ "name": "Bob", "roles": ["viewer"] });
    assert_eq!(add(&ada, KEY, &body).await.status, StatusCode::CREATED);
    let other = add(&ada, KEY, &json!({ "name": "Carol", "roles": ["viewer"] })).await;
    assert_eq!(
        (other.status, &other.json["type"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("urn:aisle:problem:key-reused"))
    );
    let id = hall.one.api.database.person_named("bob").await.unwrap().unwrap().id;
    let reset = ada.request(Method::POST, &format!("/v1/people/{id}/reset")).header("idempotency-key", KEY);
    assert_eq!(sent(reset.json(&body)).await.status, StatusCode::UNPROCESSABLE_ENTITY, "another path");
    // Another person's key is another key, though it reads the same: nobody gets another's answer.
    let eves = add(&eve, KEY, &body).await;
    assert_eq!(eves.status, StatusCode::CONFLICT, "{}", eves.json);
    assert!(eves.json.get("code").is_none());
    for key in ["short", &"x".repeat(129), "sixteen characters but é"] {
        let request = ada.request(Method::POST, "/v1/people").header("idempotency-key", key.as_bytes());
        assert_eq!(sent(request.json(&body)).await.status, StatusCode::BAD_REQUEST, "{key}");
    }
    // What was refused for now leaves the key free.
    let viewer = hall.one.person("Vera", &["viewer"]).await;
    let key = "a-key-that-was-too-early";
    assert_eq!(add(&viewer, key, &json!({ "name": "Dan", "roles": [] })).await.status, StatusCode::FORBIDDEN);
    let vera = viewer.id().await;
    let owner = aisle_hub::people::who::Who::machine("test", "local");
    let change = aisle_hub::people::person::Change {
        grants: Some(vec!["admin".parse().unwrap()]),
        ..Default::default()
    };
    hall.two.api.people.change(&owner, &vera, None, &change, hall.now()).await.unwrap();
    assert_eq!(add(&viewer, key, &json!({ "name": "Dan", "roles": [] })).await.status, StatusCode::CREATED);
    // Reading needs no key, and one does no harm.
    let read = ada.request(Method::GET, "/v1/people").header("idempotency-key", KEY);
    assert_eq!(sent(read).await.status, StatusCode::OK);
}
