//! Catalogue and search.

use crate::shop_under_test::ShopUnderTest;
use aisle_event::{Event, Gtin, Unit};
use serde_json::json;

#[tokio::test]
async fn products_come_in_pages_in_order_of_their_numbers() {
    let shop = ShopUnderTest::start().await;
    let first = shop.get("/v1/products?limit=3").await.json();
    let skus: Vec<_> =
        first["products"].as_array().unwrap().iter().map(|product| product["sku"].clone()).collect();
    assert_eq!(skus, ["CUP", "NUT", "TEA-1"]);
    assert_eq!(first["next"], "TEA-1");
    let second = shop.get("/v1/products?limit=3&after=TEA-1").await.json();
    assert_eq!(second["products"][0]["sku"], "TEA-2");
    assert!(second["next"].is_null());
    let tea = shop.get("/v1/products?category=Tea").await.json();
    assert_eq!(tea["products"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_product_says_what_it_costs_since_when_and_whether_it_is_there() {
    let shop = ShopUnderTest::start().await;
    shop.count("TEA-1", 12).await;
    assert_eq!(
        shop.get("/v1/products/TEA-1").await.json(),
        json!({
            "sku": "TEA-1", "name": "Green tea 绿茶", "unit": "each", "category": "Tea",
            "price": { "minor": 250, "currency": "GBP", "text": "£2.50" },
            "stock": { "state": "in-stock", "on_hand": 12 },
            "price_as_of": "2025-11-20T12:00:00Z",
        })
    );
    shop.count("TEA-1", 0).await;
    assert_eq!(shop.get("/v1/products/TEA-1").await.json()["stock"]["state"], "out-of-stock");
    assert_eq!(shop.get("/v1/products/NUT").await.json()["stock"], json!({ "state": "unknown" }));
}

#[tokio::test]
async fn an_unknown_product_is_a_problem_that_names_the_field() {
    let shop = ShopUnderTest::start().await;
    assert_eq!(shop.get("/v1/products/NOPE").await.problem(404, "unknown-product"), "sku");
    assert_eq!(shop.get("/v1/products/%FF").await.problem(400, "malformed"), "path");
}

#[tokio::test]
async fn parameters_out_of_bounds_are_named() {
    let shop = ShopUnderTest::start().await;
    for (query, field) in [
        ("/v1/products?limit=0", "limit"),
        ("/v1/products?limit=ten", "limit"),
        ("/v1/products?after=", "after"),
        ("/v1/products?limit=1&limit=2", "query"),
        ("/v1/search", "q"),
        ("/v1/search?q=", "q"),
        ("/v1/search?q=tea&limit=101", "limit"),
        ("/v1/recommendations/ceiling", "slot"),
        ("/v1/recommendations/home?count=51", "count"),
        ("/v1/recommendations/home?lang=tlh", "lang"),
    ] {
        assert_eq!(shop.get(query).await.problem(400, "malformed"), field, "{query}");
    }
}

async fn found(shop: &ShopUnderTest, query: &str) -> Vec<String> {
    let answer = shop.get(&format!("/v1/search?q={query}")).await.json();
    answer["products"]
        .as_array()
        .unwrap()
        .iter()
        .map(|product| product["sku"].as_str().unwrap().into())
        .collect()
}

#[tokio::test]
async fn search_folds_accents_finds_beginnings_and_reads_chinese() {
    let shop = ShopUnderTest::start().await;
    assert_eq!(found(&shop, "CREME%20BRU").await, ["TEA-2"]);
    assert_eq!(found(&shop, "%E7%BB%BF").await, ["TEA-1"]);
    assert_eq!(found(&shop, "tea").await, ["TEA-2", "TEA-1"], "by name when nothing was sold");
    assert_eq!(found(&shop, "green%20tea").await, ["TEA-1", "TEA-2"], "what matches both words comes first");
    assert_eq!(found(&shop, "cup").await, ["CUP"]);
    assert!(found(&shop, "%20%20").await.is_empty());
    assert!(found(&shop, "zebra").await.is_empty());
}

#[tokio::test]
async fn a_number_finds_its_product() {
    let shop = ShopUnderTest::start().await;
    let mut event = shop
        .events()
        .into_iter()
        .find_map(|event| match event {
            Event::ProductListed(listed) if listed.sku.as_str() == "CUP" => Some(listed),
            _ => None,
        })
        .unwrap();
    event.gtin = Some("4006381333931".parse::<Gtin>().unwrap());
    shop.record(event).await;
    assert_eq!(found(&shop, "tea-2").await[0], "TEA-2");
    assert_eq!(found(&shop, "4006381333931").await, ["CUP"]);
    assert_eq!(found(&shop, "04006381333931").await, ["CUP"]);
}

#[tokio::test]
async fn search_sees_what_was_just_listed_and_not_what_was_delisted() {
    let shop = ShopUnderTest::start().await;
    assert!(found(&shop, "lantern").await.is_empty());
    shop.list("LAN", "Paper lantern", 500, Unit::Each, None).await;
    assert_eq!(found(&shop, "lantern").await, ["LAN"]);
    shop.delist("LAN").await;
    assert!(found(&shop, "lantern").await.is_empty());
}
