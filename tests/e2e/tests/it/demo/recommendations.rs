//! Recommendations of a shop that has traded: something everywhere, each with its rung and its reason, all in stock.

use crate::support::{api::Api, store::Store, wait::eventually};
use serde_json::Value;
use std::time::Duration;

const RUNGS: [&str; 5] = ["session-neighbours", "item-to-item", "popular", "rules", "catalogue"];
const TRAINING_TIMEOUT: Duration = Duration::from_secs(60);

/// Waits until the node knows its journal and the first model is in use.
pub(super) async fn trained(api: &Api) {
    api.ready().await;
    eventually("the first model", TRAINING_TIMEOUT, async || {
        api.health().await["recommend"]["model"].is_object().then_some(())
    })
    .await;
}

fn items(answer: &Value) -> &Vec<Value> {
    answer["items"].as_array().expect("items")
}

/// Checks everything that every answer promises.
#[track_caller]
fn is_labelled(answer: &Value) {
    assert!(!items(answer).is_empty(), "{answer}");
    assert!(RUNGS.iter().any(|rung| answer["rung"] == *rung), "{answer}");
    assert!(answer["degraded"].is_boolean() && answer["model"].as_u64() > Some(0), "{answer}");
    assert!(answer["as_of"].as_str().is_some_and(|time| time.starts_with("20")), "{answer}");
    let mut numbers = Vec::new();
    for item in items(answer) {
        assert!(RUNGS.iter().any(|rung| item["rung"] == *rung), "{item}");
        assert!(item["reason"].as_str().is_some_and(|reason| reason.len() > 5), "{item}");
        assert_ne!(item["product"]["stock"]["state"], "out-of-stock", "{item}");
        numbers.push(item["product"]["sku"].as_str().expect("a number"));
    }
    numbers.sort_unstable();
    assert!(numbers.windows(2).all(|pair| pair[0] != pair[1]), "nothing is recommended twice: {numbers:?}");
}

/// Products of the shop, in order of their numbers.
async fn products(api: &Api) -> Vec<Value> {
    let mut all = Vec::new();
    let mut after = String::new();
    loop {
        let page = api.get(&format!("/v1/products?limit=100{after}")).await.json(200);
        all.extend(page["products"].as_array().expect("products").iter().cloned());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return all,
        }
    }
}

#[tokio::test]
async fn every_place_has_recommendations_with_rung_and_reason_and_in_stock() {
    let store = Store::generated(3);
    let node = store.start();
    let api = Api::new(node.url());
    trained(&api).await;
    let products = products(&api).await;
    assert!(products.len() >= 190, "a few may have gone off the list: {}", products.len());

    is_labelled(&api.get("/v1/recommendations/home").await.json(200));
    let mut together = 0;
    for product in products.iter().step_by(10) {
        let sku = product["sku"].as_str().expect("a number");
        let answer = api.get(&format!("/v1/recommendations/product?sku={sku}")).await.json(200);
        is_labelled(&answer);
        assert!(
            items(&answer).iter().all(|item| item["product"]["sku"] != sku),
            "not the product itself: {answer}"
        );
        together += usize::from(answer["rung"] == "item-to-item" || answer["rung"] == "session-neighbours");
    }
    assert!(together >= 15, "of 20 products {together} have something that was learnt");

    let session = api.session().await;
    for product in products.iter().filter(|product| product["stock"]["state"] == "in-stock").take(2) {
        api.set(&session, product["sku"].as_str().expect("a number"), 1).await.json(200);
    }
    for slot in ["home", "basket"] {
        is_labelled(&api.get(&format!("/v1/recommendations/{slot}?session={session}")).await.json(200));
    }
    let chinese = api.get("/v1/recommendations/home?lang=zh").await.json(200);
    is_labelled(&chinese);
    let reason = items(&chinese)[0]["reason"].as_str().expect("a reason");
    assert!(reason.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{reason}");
}

/// Buys all that is said to be there, until nothing is. What is concluded to be there may be less than the book has; that comes to light when it is sold.
async fn sell_out(api: &Api, sku: &str) {
    const ROUNDS_MAX: usize = 5;
    let mut product = api.get(&format!("/v1/products/{sku}")).await.json(200);
    for round in 0..ROUNDS_MAX {
        if product["stock"]["state"] == "out-of-stock" {
            return;
        }
        let on_hand = product["stock"]["on_hand"].as_f64().expect("a number") as u64;
        let session = api.session().await;
        api.set(&session, sku, on_hand.max(1)).await.json(200);
        api.check_out(&session, &format!("the-last-ones-{round}")).await.json(201);
        product = api.get(&format!("/v1/products/{sku}")).await.json(200);
    }
    assert_eq!(product["stock"]["state"], "out-of-stock", "{product}");
}

#[tokio::test]
async fn what_is_sold_out_disappears_from_recommendations() {
    let store = Store::generated(4);
    let node = store.start();
    let api = Api::new(node.url());
    trained(&api).await;
    let path = "/v1/recommendations/home?count=20";
    let before = api.get(path).await.json(200);
    let item = items(&before)
        .iter()
        .find(|item| {
            item["product"]["unit"] == "each" && item["product"]["stock"]["on_hand"].as_f64() <= Some(5_000.0)
        })
        .unwrap_or_else(|| panic!("nothing that is counted in pieces: {before}"));
    let sku = item["product"]["sku"].as_str().expect("a number");
    sell_out(&api, sku).await;
    let after = api.get(path).await.json(200);
    is_labelled(&after);
    assert!(items(&after).iter().all(|item| item["product"]["sku"] != sku), "`{sku}` is still recommended");
    let next = api.session().await;
    api.set(&next, sku, 1).await.problem_with(409, "sku");
}
