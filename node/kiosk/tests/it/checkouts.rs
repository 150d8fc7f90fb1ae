//! Checkout: once or not at all.

use crate::shop_under_test::{HOUR_MS, ShopUnderTest};
use aisle_event::{Event, shopper::EndReason};
use axum::{body::Body, http::Request};
use tower::ServiceExt;

fn sales(shop: &ShopUnderTest) -> usize {
    shop.events().iter().filter(|event| matches!(event, Event::SaleRecorded(_))).count()
}

#[tokio::test]
async fn a_checkout_sells_at_the_catalogues_price_and_ends_the_session_in_one_batch() {
    let shop = ShopUnderTest::start().await;
    shop.count("TEA-1", 10).await;
    let session = shop.session().await;
    shop.put_in_basket(&session, "TEA-1", 2).await;
    shop.price("TEA-1", 275, None).await;
    let answer = shop.checkout(&session, "key-1").await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let receipt = answer.json();
    assert_eq!(receipt["total"]["text"], "£5.50");
    assert_eq!(receipt["lines"][0]["name"], "Green tea 绿茶");
    let events = shop.events();
    let [.., Event::SaleRecorded(sale), Event::SessionEnded(ended)] = events.as_slice() else {
        panic!("{events:?}");
    };
    assert_eq!(ended.reason, EndReason::CheckedOut);
    assert_eq!(sale.document.as_str(), receipt["document"]);
    assert_eq!(shop.get("/v1/products/TEA-1").await.json()["stock"]["on_hand"], 8);
    assert_eq!(shop.get(&format!("/v1/sessions/{session}")).await.status, 404);
    let again = shop.get(&format!("/v1/receipts/{}", receipt["document"].as_str().unwrap())).await;
    assert_eq!(again.json(), receipt);
    assert_eq!(shop.get("/v1/receipts/NOPE").await.problem(404, "unknown-receipt"), "document");
}

#[tokio::test]
async fn the_same_key_again_gives_the_same_receipt() {
    let shop = ShopUnderTest::start().await;
    let session = shop.session().await;
    shop.put_in_basket(&session, "CUP", 3).await;
    let first = shop.checkout(&session, "key-1").await;
    shop.advance_ms(HOUR_MS);
    let second = shop.checkout(&session, "key-1").await;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 200));
    assert_eq!(first.json(), second.json());
    assert_eq!(sales(&shop), 1);
    assert_eq!(shop.checkout(&session, "key-2").await.problem(404, "unknown-session"), "session");
    let other = shop.session().await;
    shop.put_in_basket(&other, "CUP", 1).await;
    assert_eq!(shop.checkout(&other, "key-1").await.problem(422, "key-reused"), "Idempotency-Key");
    assert_eq!(sales(&shop), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn duplicates_at_the_same_time_sell_once() {
    let shop = ShopUnderTest::start().await;
    let session = shop.session().await;
    shop.put_in_basket(&session, "CUP", 1).await;
    let tries: Vec<_> = (0..16)
        .map(|number| {
            // Half of them repeat one key, half try a key of their own.
            let key = if number % 2 == 0 { "same".to_owned() } else { format!("own-{number}") };
            let request = Request::post(format!("/v1/sessions/{session}/checkout"))
                .header("idempotency-key", key)
                .body(Body::empty())
                .unwrap();
            tokio::spawn(shop.router.clone().oneshot(request))
        })
        .collect();
    let mut statuses = Vec::new();
    for attempt in tries {
        statuses.push(attempt.await.unwrap().unwrap().status().as_u16());
    }
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 201, 404].contains(status)), "{statuses:?}");
    assert_eq!(sales(&shop), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_cannot_make_its_basket_sell_twice() {
    let shop = ShopUnderTest::start().await;
    let session = shop.session().await;
    shop.put_in_basket(&session, "CUP", 1).await;
    shop.disk.hold_syncs();
    let request = || {
        let path = format!("/v1/sessions/{session}/checkout");
        Request::post(path).header("idempotency-key", "key-1").body(Body::empty()).unwrap()
    };
    let first = tokio::spawn(shop.router.clone().oneshot(request()));
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    first.abort();
    let _ = first.await;
    let second = tokio::spawn(shop.router.clone().oneshot(request()));
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    shop.disk.release_syncs();
    assert_eq!(second.await.unwrap().unwrap().status(), 200, "the first try was recorded");
    assert_eq!(sales(&shop), 1);
}

#[tokio::test]
async fn what_cannot_be_sold_is_named_and_nothing_is_sold() {
    let shop = ShopUnderTest::start().await;
    let session = shop.session().await;
    assert_eq!(shop.checkout(&session, "key-1").await.problem(409, "basket-empty"), "");
    for sku in ["CUP", "TEA-1", "TEA-2"] {
        shop.put_in_basket(&session, sku, 1).await;
    }
    shop.count("TEA-1", 0).await;
    shop.delist("TEA-2").await;
    let before = shop.journal.durable();
    let answer = shop.checkout(&session, "key-1").await;
    assert_eq!(answer.problem(409, "not-sellable"), "lines[1]");
    let errors = answer.json()["errors"].clone();
    assert_eq!(errors[0]["reason"], "`TEA-1` is out of stock");
    assert_eq!(errors[1]["field"], "lines[2]");
    assert_eq!(errors[1]["reason"], "`TEA-2` is no longer on offer");
    assert_eq!(shop.journal.durable(), before);
    shop.count("TEA-1", 5).await;
    assert_eq!(shop.delete(&format!("/v1/sessions/{session}/basket/TEA-2")).await.status, 200);
    assert_eq!(shop.checkout(&session, "key-1").await.status, 201, "a refused key can be used again");
}

#[tokio::test]
async fn a_checkout_needs_one_key_of_visible_characters() {
    let shop = ShopUnderTest::start().await;
    let session = shop.session().await;
    let without = shop
        .send(Request::post(format!("/v1/sessions/{session}/checkout")).body(Body::empty()).unwrap())
        .await;
    assert_eq!(without.problem(400, "malformed"), "Idempotency-Key");
    for key in ["", "a b", &"k".repeat(65)] {
        assert_eq!(
            shop.checkout(&session, key).await.problem(400, "malformed"),
            "Idempotency-Key",
            "{key:?}"
        );
    }
}
