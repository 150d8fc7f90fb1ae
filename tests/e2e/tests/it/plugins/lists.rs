//! Lists that plugins put in another order, and what stands in for what is out of stock.

use super::shop::{PluggedShop, component, manifest};
use crate::support::wait::eventually;
use serde_json::Value;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);
const HOME: &str = "/v1/recommendations/home?count=4";

fn skus(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().expect("a list");
    items.iter().filter_map(|item| item["product"]["sku"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn recommendations_pass_the_ranking_plugin() {
    let shop = PluggedShop::with(&[]);
    let api = shop.api();
    let listed = async || Some(skus(&api.get(HOME).await.json(200))).filter(|skus| skus.len() == 4);
    let before = eventually("four recommendations", SOON, listed).await;
    let ranking = manifest("stock-aware-ranking", "1.0.0", "ranking", "order = 20");
    shop.install("stock-aware-ranking", &ranking, &component("stock-aware-ranking")).await;
    let after = skus(&api.get(HOME).await.json(200));
    assert_eq!(after.len(), before.len(), "{after:?}");
    let plugin = shop.plugin("stock-aware-ranking").await;
    assert!(plugin["at_hooks"][0]["calls"]["ok"].as_u64().is_some_and(|calls| calls > 0), "{plugin}");
}

#[tokio::test]
async fn something_stands_in_for_a_product_where_a_plugin_knows_what_is_like_it() {
    let shop = PluggedShop::with(&[]);
    let api = shop.api();
    let path = "/v1/recommendations/substitute?sku=JAM-1&count=3";
    assert!(skus(&api.get(path).await.json(200)).is_empty(), "nothing without a plugin");
    let settings = "[settings]\nprice-percent = 50\nreason = \"Instead of it\"";
    let substitution = manifest("substitution", "1.0.0", "ranking", settings);
    shop.install("substitution", &substitution, &component("substitution")).await;
    let list = api.get(path).await.json(200);
    assert!(!skus(&list).contains(&"JAM-1".to_owned()), "{list}");
    let plugin = shop.plugin("substitution").await;
    assert!(plugin["at_hooks"][0]["calls"]["ok"].as_u64().is_some_and(|calls| calls > 0), "{plugin}");
}
