//! Prices that are ordered, and taken back.

use super::{
    hq::{Headquarters, Prices, order_of_prices},
    orders::{config, courier, give},
};
use crate::{
    support::{api::Api, store::Store, wait::eventually},
    sync::{STORE, region},
};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until the two products cost that, in pence.
async fn cost(api: &Api, tea: i64, jam: i64) {
    eventually("these prices", PATIENCE, async || {
        let mut are = Vec::new();
        for sku in ["TEA-1", "JAM-1"] {
            let product = api.get(&format!("/v1/products/{sku}")).await.json(200);
            are.push(product["price"]["minor"].as_i64());
        }
        (are == [Some(tea), Some(jam)]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn prices_that_are_taken_back_leave_none_of_theirs_in_force() {
    let (mut hub, member) = region();
    hub.stop().expect("it stops");
    let store = Store::small();
    let node = store.start_with(&config(&member));
    let (api, mut hq) = (Api::new(node.url()), Headquarters::new());
    cost(&api, 250, 425).await;
    let good = Prices::new("1.0.0", "TEA-1,2.00,GBP,\n");
    // Somebody has lost a digit or two.
    let bad = Prices::new("2.0.0", "TEA-1,2.00,GBP,\nJAM-1,0.01,GBP,\n");
    hq.sign_prices(&good);
    hq.sign_prices(&bad);
    courier(&store, &["trust", &give(&store, "1.root.json", hq.root())]).exits(0);
    let apply = |generation: u64, prices: Option<&Prices>| {
        let stick = hq.stick_of_prices(&order_of_prices(STORE, generation, prices), prices);
        courier(&store, &["apply", &give(&store, &format!("{generation}.aisle"), stick)]).exits(0);
    };
    apply(1, Some(&good));
    cost(&api, 200, 425).await;
    apply(2, Some(&bad));
    cost(&api, 200, 1).await;
    apply(3, Some(&good));
    cost(&api, 200, 425).await;
    apply(4, None);
    cost(&api, 250, 425).await;
}
