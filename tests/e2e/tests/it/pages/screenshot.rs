//! The picture in README.md, made by hand: `cargo nextest run -p aisle-e2e --run-ignored only readme_screenshot`.

use crate::support::{
    api::Api,
    browser::{Browser, SCREEN, Setup},
    need,
    store::Store,
    wait::eventually,
};
use serde_json::Value;
use std::{fs, time::Duration};

/// A product that much goes well with, so that the picture shows why.
fn is_worth_a_picture(answer: &Value) -> bool {
    let items = answer["items"].as_array().expect("items");
    items.len() >= 8 && items.iter().filter(|item| item["rung"] == "item-to-item").count() >= 4
}

#[tokio::test]
#[ignore = "writes `node/kiosk/screenshot.png`; run it when the pages look different"]
async fn readme_screenshot() {
    let store = Store::generated(20);
    let node = store.start_with("[kiosk]\nstore_name = \"Corner Market\"\n");
    let api = Api::new(node.url());
    api.ready().await;
    let sku = eventually("a product with recommendations", Duration::from_secs(60), async || {
        let products = api.get("/v1/products?limit=100").await.json(200);
        for product in products["products"].as_array().expect("products") {
            let sku = product["sku"].as_str().expect("a number");
            let plenty = product["stock"]["on_hand"].as_f64().is_some_and(|on_hand| on_hand > 10.0);
            let path = format!("/v1/recommendations/product?sku={sku}&count=8");
            if plenty && product["unit"] == "each" && is_worth_a_picture(&api.get(&path).await.json(200)) {
                return Some(sku.to_owned());
            }
        }
        None
    })
    .await;
    let browser = Browser::open(Setup::default()).await;
    browser.resize(SCREEN).await;
    browser.goto(&format!("{}/product/{sku}", node.url())).await;
    fs::write(need::project().join("node/kiosk/screenshot.png"), browser.picture().await)
        .expect("it can be written");
}
