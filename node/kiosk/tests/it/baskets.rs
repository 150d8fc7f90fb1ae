//! Baskets: quantities, bounds, prices.

use crate::shop_under_test::{Answer, ShopUnderTest};
use aisle_event::Unit;
use serde_json::{Value, json};

async fn set(shop: &ShopUnderTest, session: &str, sku: &str, quantity: Value) -> Answer {
    shop.put(&format!("/v1/sessions/{session}/basket/{sku}"), json!({ "quantity": quantity })).await
}

#[tokio::test]
async fn a_basket_adds_up_at_the_prices_of_the_moment() {
    let shop = ShopUnderTest::start().await;
    let session = shop.session().await;
    set(&shop, &session, "TEA-1", json!(2)).await;
    let basket = set(&shop, &session, "NUT", json!(0.25)).await.json();
    assert_eq!(basket["lines"][0]["total"]["text"], "£5.00");
    assert_eq!(basket["lines"][1]["quantity"], json!(0.25));
    assert_eq!(basket["lines"][1]["total"]["minor"], 323, "rounded half away from zero");
    assert_eq!(basket["total"]["minor"], 823);
    shop.price("TEA-1", 300, None).await;
    let basket = shop.get(&format!("/v1/sessions/{session}/basket")).await.json();
    assert_eq!(basket["total"]["minor"], 923);
}

#[tokio::test]
async fn zero_and_delete_take_a_line_out() {
    let shop = ShopUnderTest::start().await;
    let session = shop.session().await;
    set(&shop, &session, "TEA-1", json!(2)).await;
    set(&shop, &session, "CUP", json!(1)).await;
    let basket = set(&shop, &session, "TEA-1", json!(0)).await.json();
    assert_eq!(basket["lines"].as_array().unwrap().len(), 1);
    let basket = shop.delete(&format!("/v1/sessions/{session}/basket/CUP")).await;
    assert_eq!(basket.status, 200);
    assert_eq!(basket.json(), json!({ "lines": [], "unavailable": [], "total": null }));
    let before = shop.journal.durable();
    assert_eq!(shop.delete(&format!("/v1/sessions/{session}/basket/CUP")).await.status, 200);
    assert_eq!(shop.journal.durable(), before, "taking out what is not there records nothing");
}

#[tokio::test]
async fn quantities_fit_the_product() {
    let shop = ShopUnderTest::start().await;
    let session = shop.session().await;
    for (sku, quantity, status, kind) in [
        ("TEA-1", json!(1.5), 409, "quantity"),
        ("NUT", json!(0.0005), 409, "quantity"),
        ("TEA-1", json!(-1), 400, "malformed"),
        ("TEA-1", json!(9999.5), 400, "malformed"),
        ("TEA-1", json!("2"), 400, "malformed"),
        ("TEA-1", json!(null), 400, "malformed"),
    ] {
        let answer = set(&shop, &session, sku, quantity.clone()).await;
        assert_eq!(answer.problem(status, kind), "quantity", "{sku} {quantity}");
    }
    assert_eq!(set(&shop, &session, "TEA-1", json!(2.0)).await.status, 200);
    assert_eq!(set(&shop, &session, "NUT", json!(9999)).await.status, 200);
}

#[tokio::test]
async fn what_is_out_of_stock_cannot_be_put_in_but_taken_out() {
    let shop = ShopUnderTest::start().await;
    let session = shop.session().await;
    set(&shop, &session, "TEA-1", json!(2)).await;
    shop.count("TEA-1", 0).await;
    assert_eq!(set(&shop, &session, "TEA-1", json!(1)).await.problem(409, "not-sellable"), "sku");
    shop.delist("TEA-1").await;
    let basket = shop.get(&format!("/v1/sessions/{session}/basket")).await.json();
    assert_eq!(basket["unavailable"], json!(["TEA-1"]));
    assert_eq!(set(&shop, &session, "TEA-1", json!(1)).await.problem(404, "unknown-product"), "sku");
    assert_eq!(set(&shop, &session, "TEA-1", json!(0)).await.json()["unavailable"], json!([]));
}

#[tokio::test]
async fn a_full_basket_says_so() {
    let shop = ShopUnderTest::empty().await;
    for number in 0..101 {
        shop.list(&format!("P{number}"), &format!("Product {number}"), 100, Unit::Each, None).await;
    }
    let session = shop.session().await;
    for number in 0..100 {
        shop.put_in_basket(&session, &format!("P{number}"), 1).await;
    }
    assert_eq!(set(&shop, &session, "P100", json!(1)).await.problem(409, "basket-full"), "sku");
    assert_eq!(set(&shop, &session, "P7", json!(5)).await.status, 200);
}

#[tokio::test]
async fn a_sum_that_does_not_fit_is_refused_before_it_is_in_the_basket() {
    let shop = ShopUnderTest::empty().await;
    shop.list("YACHT", "Yacht", i64::MAX / 2, Unit::Each, None).await;
    let session = shop.session().await;
    assert_eq!(set(&shop, &session, "YACHT", json!(9)).await.problem(409, "quantity"), "quantity");
}
