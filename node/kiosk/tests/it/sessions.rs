//! Sessions and feedback: nothing is answered before it is durable.

use crate::shop_under_test::ShopUnderTest;
use aisle_event::{Event, shopper::EndReason};
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_answered_only_after_its_commit() {
    let shop = ShopUnderTest::start().await;
    shop.disk.hold_syncs();
    let router = shop.router.clone();
    let request = axum::http::Request::post("/v1/sessions").body(axum::body::Body::empty()).unwrap();
    let mut pending = tokio::spawn(tower::ServiceExt::oneshot(router, request));
    let early = tokio::time::timeout(Duration::from_millis(200), &mut pending).await;
    assert!(early.is_err(), "no answer while the disk has not synced");
    assert!(shop.state.shop().sessions.is_empty());
    shop.disk.release_syncs();
    let answer = pending.await.unwrap().unwrap();
    assert_eq!(answer.status(), 201);
    assert_eq!(shop.state.shop().sessions.len(), 1, "the answer comes when the snapshot shows it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_failed_is_a_503_and_says_when_to_come_back() {
    let shop = ShopUnderTest::start().await;
    shop.disk.fail_sync();
    let answer = shop.post("/v1/sessions", json!({})).await;
    answer.problem(503, "stopped");
    assert_eq!(answer.header("retry-after"), "10");
    assert!(!answer.body.contains("fdatasync") && !answer.body.contains("/journal"), "{}", answer.body);
}

#[tokio::test]
async fn a_session_shows_what_was_viewed_and_chosen() {
    let shop = ShopUnderTest::start().await;
    let started = shop.post("/v1/sessions", json!({ "kiosk": "kiosk-1", "language": "zh" })).await.json();
    assert_eq!(started["started_at"], "2025-11-20T12:00:00Z");
    let session = started["session"].as_str().unwrap();
    let seq =
        shop.post(&format!("/v1/sessions/{session}/events"), json!({ "kind": "view", "sku": "CUP" })).await;
    assert_eq!(seq.status, 201);
    assert_eq!(seq.json()["seq"], shop.journal.durable());
    shop.put_in_basket(session, "TEA-1", 2).await;
    let seen = shop.get(&format!("/v1/sessions/{session}")).await.json();
    assert_eq!(seen["viewed"], json!(["CUP"]));
    assert_eq!(seen["language"], "zh");
    assert_eq!(seen["basket"]["lines"][0]["product"]["sku"], "TEA-1");
}

#[tokio::test]
async fn each_kind_of_feedback_becomes_its_event() {
    let shop = ShopUnderTest::start().await;
    let path = format!("/v1/sessions/{}/events", shop.session().await);
    for body in [
        json!({ "kind": "impression", "skus": ["TEA-1", "CUP"], "slot": "home", "rung": "popular" }),
        json!({ "kind": "click", "sku": "TEA-1", "slot": "home", "position": 0 }),
        json!({ "kind": "add", "sku": "TEA-1" }),
        json!({ "kind": "add", "sku": "TEA-1", "quantity": 2 }),
        json!({ "kind": "purchase", "skus": ["CUP"] }),
    ] {
        let answer = shop.post(&path, body).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
    }
    let events = shop.events();
    let [
        ..,
        Event::ItemsShown(shown),
        Event::ItemClicked(clicked),
        _,
        Event::BasketChanged(changed),
        Event::SaleRecorded(sale),
    ] = events.as_slice()
    else {
        panic!("{events:?}");
    };
    assert_eq!(shown.skus.len(), 2);
    assert_eq!(clicked.position, 0);
    assert_eq!(changed.quantity.thousandths, 3000, "adding adds to what is there");
    assert_eq!(sale.source.as_str(), "kiosk-feedback");
}

#[tokio::test]
async fn malformed_feedback_is_refused_with_the_path_of_the_field() {
    let shop = ShopUnderTest::start().await;
    let path = format!("/v1/sessions/{}/events", shop.session().await);
    let before = shop.journal.durable();
    for (body, field) in [
        ("{", "body"),
        ("[]", "body"),
        ("{}", "body"),
        (r#"{"kind":"sneeze"}"#, "kind"),
        (r#"{"kind":"view"}"#, "body"),
        (r#"{"kind":"view","sku":7}"#, "sku"),
        (r#"{"kind":"view","sku":"CUP","colour":1}"#, "colour"),
        (r#"{"kind":"view","sku":"CUP"} {}"#, "body"),
        (r#"{"kind":"click","sku":"CUP","slot":"home","position":-1}"#, "position"),
        (r#"{"kind":"click","sku":"CUP","slot":"roof","position":1}"#, "slot"),
        (r#"{"kind":"impression","skus":[],"slot":"home","rung":"popular"}"#, "skus"),
        (r#"{"kind":"impression","skus":["CUP",9],"slot":"home","rung":"popular"}"#, "skus[1]"),
        (r#"{"kind":"add","sku":"CUP","quantity":"2"}"#, "quantity"),
        (r#"{"kind":"add","sku":"CUP","quantity":10000}"#, "quantity"),
    ] {
        let answer = shop.send_json("POST", &path, &[], body.into()).await;
        assert_eq!(answer.problem(400, "malformed"), field, "{body}: {}", answer.body);
    }
    let unknown = shop.post(&path, json!({ "kind": "purchase", "skus": ["CUP", "NOPE"] })).await;
    assert_eq!(unknown.problem(404, "unknown-product"), "skus[1]");
    assert_eq!(shop.journal.durable(), before, "what is refused changes nothing");
}

#[tokio::test]
async fn a_session_that_ended_is_gone_with_its_basket() {
    let shop = ShopUnderTest::start().await;
    let session = shop.session().await;
    shop.put_in_basket(&session, "CUP", 1).await;
    assert_eq!(shop.delete(&format!("/v1/sessions/{session}?reason=idle")).await.status, 204);
    for path in [format!("/v1/sessions/{session}"), format!("/v1/sessions/{session}/basket")] {
        assert_eq!(shop.get(&path).await.problem(404, "unknown-session"), "session");
    }
    assert_eq!(
        shop.delete(&format!("/v1/sessions/{session}")).await.problem(404, "unknown-session"),
        "session"
    );
    let Some(Event::SessionEnded(ended)) = shop.events().pop() else { panic!("it ended") };
    assert_eq!(ended.reason, EndReason::Idle);
}

#[tokio::test]
async fn a_session_that_ends_during_a_change_does_not_come_back() {
    let shop = ShopUnderTest::start().await;
    let session = shop.session().await;
    let basket = format!("/v1/sessions/{session}/basket/CUP");
    let path = format!("/v1/sessions/{session}");
    let _ = tokio::join!(
        shop.put(&basket, json!({ "quantity": 1 })),
        shop.delete(&path),
        shop.put(&basket, json!({ "quantity": 2 })),
    );
    assert_eq!(shop.get(&path).await.status, 404);
    assert!(shop.state.shop().sessions.is_empty());
}

#[tokio::test]
async fn the_start_of_a_session_is_checked() {
    let shop = ShopUnderTest::start().await;
    for nothing in ["", " ", "null", "{}", r#"{"kiosk":null}"#] {
        let answer = shop.send_json("POST", "/v1/sessions", &[], nothing.into()).await;
        assert_eq!(answer.status, 201, "{nothing:?}: {}", answer.body);
    }
    for (body, field) in [
        (json!({ "kiosk": "" }), "kiosk"),
        (json!({ "kiosk": "a b" }), "kiosk"),
        (json!({ "kiosk": "-a" }), "kiosk"),
        (json!({ "language": "tlh" }), "language"),
        (json!({ "name": "x" }), "name"),
        (json!([null, null]), "body"),
        (json!("en"), "body"),
    ] {
        assert_eq!(shop.post("/v1/sessions", body.clone()).await.problem(400, "malformed"), field, "{body}");
    }
}
