//! A day that begins, as plugins hear of it: once, whether the node runs at midnight or not, and whatever its clock does.

use super::shop::{PluggedShop, component, standing_orders};
use crate::support::{clock::Adjustable, store::Store, wait::eventually};
use aisle_harness::node::{NodeOptions, NodeUnderTest};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(60);
/// Alerts of many days ago are to be seen, too.
const CONFIG: &str = "[plugins]\nalert_s = 4000000\n";

impl PluggedShop {
    async fn days_begun(&self) -> usize {
        let alerts = self.plugins().await["alerts"].as_array().cloned().unwrap_or_default();
        alerts.iter().filter(|alert| alert["text"].to_string().contains("Check the dates")).count()
    }

    async fn has_begun(&self, days: usize) {
        let begun = async || (self.days_begun().await >= days).then_some(());
        eventually(&format!("day {days}"), SOON, begun).await;
        assert_eq!(self.days_begun().await, days);
    }
}

#[tokio::test]
async fn each_day_begins_once() {
    let store = Store::small();
    let clock = Adjustable::new(store.path("clock"));
    let options = NodeOptions { env: clock.variables(), config: CONFIG.into(), ..store.options() };
    let node = NodeUnderTest::start(options).expect("it starts");
    let mut shop = PluggedShop { store, node };
    let orders = [
        "when = \"day-began\"\ndo = \"alert\"\ntext = \"Check the dates\"",
        "when = \"stock-changed\"\nskus = [\"TEA-1\"]\ndo = \"alert\"\ntext = \"There is tea\"",
    ];
    shop.install("standing-orders", &standing_orders("1.0.0", &orders), &component("standing-orders")).await;
    // Who reacts to what happens knows which day it is.
    shop.count("TEA-1", 7).await;
    shop.answered("standing-orders", 1).await;
    shop.api().settled().await;
    assert_eq!(shop.days_begun().await, 0, "the day of its coming had begun before");

    for day in [1, 2] {
        clock.ahead_days(day);
        shop.has_begun(day as usize).await;
    }
    shop.node.kill().expect("it runs");
    shop.node.start_again().expect("it starts again");
    shop.api().ready().await;
    shop.api().settled().await;
    assert_eq!(shop.days_begun().await, 2, "it is the same day still");

    shop.node.stop().expect("it stops");
    clock.ahead_days(4);
    shop.node.start_again().expect("it starts again");
    shop.api().ready().await;
    shop.has_begun(3).await;

    clock.ahead_days(3);
    tokio::time::sleep(Duration::from_secs(2)).await;
    shop.api().settled().await;
    assert_eq!(shop.days_begun().await, 3, "a clock that was put back begins no day again");
}
