//! Which of several plugins on one hook is asked first, and what that means.

use super::shop::{PluggedShop, component, manifest, three_for_two};
use serde_json::{Value, json};

/// A coupon on baskets that cost at least 6.00, asked at this place.
fn coupon(version: &str, order: i32) -> String {
    let coupon = format!(
        "grants = [\"kv\"]\norder = {order}\n[[settings.coupons]]\ncode = \"SIX\"\namount = 100\nminimum = 600\nreason = \"From 6.00\""
    );
    manifest("basket-coupon", version, "promotion", &coupon)
}

fn givers(basket: &Value) -> Vec<&str> {
    let adjustments = basket["adjustments"].as_array().expect("adjustments");
    adjustments.iter().filter_map(|adjustment| adjustment["plugin"].as_str()).collect()
}

#[tokio::test]
async fn offers_are_asked_in_the_order_of_the_manifests_and_then_of_the_names() {
    let shop = PluggedShop::with(&[]);
    shop.install("multi-buy", &three_for_two("1.0.0", "TEA-1"), &component("multi-buy")).await;
    let coupons = component("basket-coupon");
    shop.install("basket-coupon", &coupon("1.0.0", 10), &coupons).await;
    let api = shop.api();
    let session = api.session().await;
    api.set(&session, "TEA-1", 3).await.json(200);
    api.put(&format!("/v1/sessions/{session}/coupons/SIX"), &json!({})).await.json(200);

    let basket = shop.basket(&session).await;
    assert_eq!(givers(&basket), ["multi-buy"], "the offer leaves less than the coupon asks for: {basket}");
    assert_eq!(basket["total"]["minor"], 500, "{basket}");
    for (version, order) in [("1.1.0", -10), ("1.2.0", 0)] {
        shop.install("basket-coupon", &coupon(version, order), &coupons).await;
        let basket = shop.basket(&session).await;
        assert_eq!(givers(&basket), ["basket-coupon", "multi-buy"], "{basket}");
        assert_eq!(basket["total"]["minor"], 400, "{basket}");
    }
    let receipt = api.check_out(&session, "key-1").await.json(201);
    assert_eq!(givers(&receipt), ["basket-coupon", "multi-buy"], "{receipt}");
}

#[tokio::test]
async fn the_plugin_that_reacts_last_has_the_last_word_on_a_price() {
    let shop = PluggedShop::with(&[]);
    let component = component("standing-orders");
    // The second one wants the price that it was; by then it is that of the first.
    for (id, order, price) in [("a-cheap-one", 20, 250), ("the-first", 10, 199)] {
        let orders = format!(
            "grants = [\"kv\"]\norder = {order}\n[[settings.orders]]\nwhen = \"stock-changed\"\nskus = [\"TEA-1\"]\ndo = \"price\"\nprice = {price}\ntext = \"So it is\""
        );
        shop.install(id, &manifest(id, "1.0.0", "reaction", &orders), &component).await;
    }
    let before = shop.product_that("a price", "TEA-1", |tea| tea["price"]["minor"] == 250).await;
    shop.count("TEA-1", 7).await;
    let is_new = |tea: &Value| tea["price_as_of"] != before["price_as_of"] && tea["price"]["minor"] == 250;
    shop.product_that("the price of the one that comes last", "TEA-1", is_new).await;
}
