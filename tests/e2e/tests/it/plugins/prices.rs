//! Prices that plugins set: for who comes and for who is there already, on receipts, until another price comes.

use super::shop::{EVERY_COUNT, PluggedShop, component, standing_orders};
use crate::support::{
    api::{Answer, Api},
    journal,
};
use reqwest::Method;
use serde_json::{Value, json};

fn at_price(version: &str, minor: u32) -> String {
    let order = format!(
        "when = \"stock-changed\"\nskus = [\"TEA-1\"]\ndo = \"price\"\nprice = {minor}\ntext = \"There is plenty\""
    );
    standing_orders(version, &[&order])
}

fn costs(minor: u32) -> impl Fn(&Value) -> bool {
    move |product| product["price"]["minor"] == minor
}

/// Pays for a basket that was shown at this total.
async fn pay(api: &Api, session: &str, shown: &Value) -> Answer {
    let path = format!("/v1/sessions/{session}/checkout");
    let key = format!("{session}-{}", shown["minor"]);
    let body = json!({ "expected_total": shown });
    Api::send(api.request(Method::POST, &path).header("Idempotency-Key", key).json(&body)).await
}

#[tokio::test]
async fn a_price_that_a_plugin_sets_is_the_shops_until_another_comes() {
    let mut shop = PluggedShop::configured(&[], EVERY_COUNT);
    let component = component("standing-orders");
    shop.install("standing-orders", &at_price("1.0.0", 199), &component).await;
    let api = shop.api();
    let session = api.session().await;
    let before = api.set(&session, "TEA-1", 2).await.json(200);
    assert_eq!(before["total"]["minor"], 500, "{before}");

    shop.count("TEA-1", 7).await;
    shop.product_that("another price", "TEA-1", costs(199)).await;
    let page = api.get("/product/TEA-1").await;
    assert!(page.body.contains("1.99"), "{page:?}");
    let basket = shop.basket(&session).await;
    assert_eq!(basket["total"]["minor"], 398, "who is there already: {basket}");
    assert!(basket["adjustments"].is_null(), "it is the price, not an offer: {basket}");
    let receipt = pay(&api, &session, &before["total"]).await.json(201);
    assert_eq!(receipt["total"]["minor"], 398, "{receipt}");
    assert_eq!(receipt["lines"][0]["unit_price"]["minor"], 199, "{receipt}");

    let later = api.session().await;
    let cheap = api.set(&later, "TEA-1", 2).await.json(200);
    shop.install("standing-orders", &at_price("1.1.0", 225), &component).await;
    shop.count("TEA-1", 40).await;
    shop.product_that("the next price", "TEA-1", costs(225)).await;
    let number = receipt["document"].as_str().expect("a number");
    assert_eq!(api.get(&format!("/v1/receipts/{number}")).await.json(200), receipt, "what was paid was paid");
    pay(&api, &later, &cheap["total"]).await.problem(409);
    let dearer = shop.basket(&later).await;
    let receipt = pay(&api, &later, &dearer["total"]).await.json(201);
    assert_eq!(receipt["total"]["minor"], 450, "who is shown what it costs now pays that: {receipt}");
    shop.count("TEA-1", 90).await;
    shop.answered("standing-orders", 3).await;

    // It is a price like any other: neither with its plugin nor with the node does it go.
    let removed = shop.ask(Method::DELETE, "/v1/admin/plugins/standing-orders", None).await;
    assert_eq!(removed.status, 204, "{removed:?}");
    shop.node.stop().expect("it stops");
    let acted = journal::cat_only(&shop.store.data(), "PluginActed");
    assert_eq!(acted.len(), 2, "what costs that already is not priced again: {acted:?}");
    shop.node.start_again().expect("it starts again");
    shop.api().ready().await;
    shop.product_that("the same price", "TEA-1", costs(225)).await;
}
