//! What a scale says reaches the kiosks: a product with nothing behind it is neither offered nor recommended once its shelf is empty, and
//! is again when the goods are back.

use super::scale::SOON;
use crate::{
    admin::administrator::{Administered, OPEN},
    support::{api::Api, store::Store, wait::eventually},
};
use reqwest::Method;
use serde_json::json;
use std::time::Instant;

const SKU: &str = "TEA-1";
/// All lists that it stands in while there is some.
const LISTS: [&str; 2] =
    ["/v1/recommendations/home?count=10", "/v1/recommendations/product?sku=TEA-2&count=10"];

async fn is_recommended(api: &Api, list: &str) -> bool {
    let answer = api.get(list).await.json(200);
    let items = answer["items"].as_array().expect("items");
    items.iter().any(|item| item["product"]["sku"] == SKU)
}

/// Waits until a product that is looked at, and every list, say of it what they have to; prints how long that took.
async fn kiosks_say(api: &Api, state: &str, since: Instant) {
    let path = format!("/v1/products/{SKU}");
    eventually(&format!("`{SKU}` {state}"), SOON, async || {
        (api.get(&path).await.json(200)["stock"]["state"] == state).then_some(())
    })
    .await;
    eprintln!("`{SKU}` was {state} after {:.2} s", since.elapsed().as_secs_f64());
    for list in LISTS {
        eventually(&format!("`{list}` with `{SKU}` {state}"), SOON, async || {
            (is_recommended(api, list).await == (state == "in-stock")).then_some(())
        })
        .await;
    }
    eprintln!("every list knew it after {:.2} s", since.elapsed().as_secs_f64());
}

#[tokio::test]
async fn a_shelf_that_weighs_nothing_takes_its_product_off_the_kiosks_until_it_is_filled() {
    let store = Store::small();
    let node = store.start_with(OPEN);
    let admin = Administered { store, node };
    let api = admin.api();
    api.ready().await;
    for (place, quantity) in [("shelf", 3), ("backroom", 0)] {
        let count = json!({ "place": place, "quantity": quantity, "by": "Ada" });
        admin.send(Method::POST, &format!("/v1/admin/positions/{SKU}/counts"), &count).await.json(200);
    }
    let mut scale = admin.scale("scale-1").await;
    admin.device("scale-1").await;
    let placed =
        json!({ "stream": "weight", "place": "shelf", "sku": SKU, "unit_weight_g": 250, "tare_g": 0 });
    admin.approve("scale-1", &json!({ "by": "Ada", "placements": [placed] })).await;
    let full = Instant::now();
    // Twice, because a weight counts once the next one agrees.
    scale.measure("weight", "gram", 750.0).await;
    scale.measure("weight", "gram", 750.0).await;
    kiosks_say(&api, "in-stock", full).await;

    let (taker, late) = (api.session().await, api.session().await);
    api.set(&taker, SKU, 3).await.json(200);
    let empty = Instant::now();
    scale.measure("weight", "gram", 0.0).await;
    kiosks_say(&api, "out-of-stock", empty).await;
    let page = api.get(&format!("/product/{SKU}")).await;
    assert!(page.body.contains("Out of stock"), "{page:?}");
    // Who has the last of them in the basket may well pay for them; nobody else is promised any.
    api.set(&late, SKU, 1).await.problem(409);
    api.check_out(&taker, "the-last-three").await.json(201);
    kiosks_say(&api, "out-of-stock", Instant::now()).await;

    let received = json!({ "place": "shelf", "quantity": 3, "by": "Ada" });
    admin.send(Method::POST, &format!("/v1/admin/positions/{SKU}/counts"), &received).await.json(200);
    let filled = Instant::now();
    scale.measure("weight", "gram", 750.0).await;
    scale.measure("weight", "gram", 750.0).await;
    kiosks_say(&api, "in-stock", filled).await;
}
