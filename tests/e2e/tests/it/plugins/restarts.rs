//! What plugins have done and kept, after a restart that finds nothing but the journal.

use super::shop::{EVERY_COUNT, PluggedShop, component, standing_orders};
use serde_json::Value;
use std::{fs, thread, time::Duration};

const ORDERS: [&str; 4] = [
    "when = \"stock-changed\"\nskus = [\"TEA-1\"]\ndo = \"price\"\nprice = 199\ntext = \"There is plenty\"",
    "when = \"stock-changed\"\nskus = [\"TEA-2\"]\ndo = \"suppress\"\nseconds = 86400\ntext = \"Called back\"",
    "when = \"stock-changed\"\nskus = [\"JAM-1\"]\ndo = \"suppress\"\nseconds = 5\ntext = \"For a moment\"",
    "when = \"stock-changed\"\nskus = [\"CUP-1\"]\ndo = \"alert\"\ntext = \"The cups were counted\"\ndaily = true",
];
/// Longer than the suppression that ends meanwhile.
const DOWN: Duration = Duration::from_secs(6);

fn is_suppressed(product: &Value) -> bool {
    product["stock"]["suppressed"].is_string()
}

fn alerts(plugins: &Value) -> usize {
    plugins["alerts"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn prices_suppressions_and_what_was_kept_are_there_again_and_what_ended_meanwhile_is_over() {
    let mut shop = PluggedShop::configured(&[], EVERY_COUNT);
    let orders = standing_orders("1.0.0", &ORDERS);
    shop.install("standing-orders", &orders, &component("standing-orders")).await;
    for sku in ["TEA-1", "TEA-2", "CUP-1"] {
        shop.count(sku, 7).await;
    }
    shop.answered("standing-orders", 3).await;
    shop.product_that("another price", "TEA-1", |tea| tea["price"]["minor"] == 199).await;
    shop.product_that("a suppression", "TEA-2", is_suppressed).await;
    shop.count("JAM-1", 7).await;
    shop.product_that("a short suppression", "JAM-1", is_suppressed).await;
    shop.node.kill().expect("it runs");
    fs::remove_dir_all(shop.store.data().join("plugins/.state")).ok();
    thread::sleep(DOWN);
    shop.node.start_again().expect("it starts again");
    shop.api().ready().await;

    shop.product_that("the same price", "TEA-1", |tea| tea["price"]["minor"] == 199).await;
    shop.product_that("the same suppression", "TEA-2", is_suppressed).await;
    shop.product_that("the end of another", "JAM-1", |jam| !is_suppressed(jam)).await;
    let before = alerts(&shop.plugins().await);
    assert_eq!((before, &shop.plugin("standing-orders").await["kept_keys"]), (1, &1.into()));
    shop.count("CUP-1", 40).await;
    shop.answered("standing-orders", 1).await;
    assert_eq!(alerts(&shop.plugins().await), before, "once a day, whatever became of the node meanwhile");
}
