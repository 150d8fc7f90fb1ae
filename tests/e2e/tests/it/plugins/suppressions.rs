//! Products that plugins keep from being sold for a while.

use super::shop::{PluggedShop, component, standing_orders};
use crate::support::journal;
use serde_json::json;

#[tokio::test]
async fn what_is_kept_from_being_sold_for_a_while_is_sold_again_by_itself() {
    let mut shop = PluggedShop::with(&[]);
    let order = "when = \"stock-changed\"\nskus = [\"TEA-1\"]\ndo = \"suppress\"\nseconds = 15\ntext = \"To be looked at\"";
    shop.install("standing-orders", &standing_orders("1.0.0", &[order]), &component("standing-orders")).await;
    let api = shop.api();
    let session = api.session().await;
    api.set(&session, "TEA-1", 1).await.json(200);

    shop.count("TEA-1", 7).await;
    let product = shop
        .product_that("a suppression", "TEA-1", |product| product["stock"]["suppressed"] == "To be looked at")
        .await;
    assert_eq!(product["stock"]["state"], "out-of-stock", "{product}");
    api.set(&api.session().await, "TEA-1", 1).await.problem(409);
    let refused = api.check_out(&session, "key-1").await.problem_with(409, "lines[0]");
    assert!(refused["detail"].as_str().is_some_and(|why| why.contains("kept from being sold")), "{refused}");
    let page = api.get("/product/TEA-1").await;
    assert!(page.body.contains("Not for sale at the moment"), "{page:?}");
    let held = shop.plugins().await["suppressed"].clone();
    assert_eq!((&held[0]["sku"], &held[0]["plugin"]), (&json!("TEA-1"), &json!("standing-orders")), "{held}");

    let sold = |product: &serde_json::Value| product["stock"]["suppressed"].is_null();
    let product = shop.product_that("its end", "TEA-1", sold).await;
    assert_eq!(product["stock"]["state"], "in-stock", "{product}");
    api.check_out(&session, "key-2").await.json(201);
    assert_eq!(shop.plugins().await["suppressed"], json!([]));
    shop.node.stop().expect("it stops");
    let said = journal::cat_only(&shop.store.data(), "ProductSuppressed");
    assert_eq!(said.len(), 2, "its begin and its end: {said:?}");
}
