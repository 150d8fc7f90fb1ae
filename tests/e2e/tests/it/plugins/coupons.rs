//! A coupon that is good once for each customer: also at two kiosks at once, after a kill, and in a journal that is read again.

use super::shop::{PluggedShop, component, manifest};
use crate::support::{api::Api, journal, wait::eventually};
use reqwest::Method;
use serde_json::{Value, json};
use std::{fs, time::Duration};

const SOON: Duration = Duration::from_secs(20);

fn welcome() -> String {
    let coupon = "grants = [\"kv\"]\n[[settings.coupons]]\ncode = \"WELCOME\"\namount = 100\nonce = true\nreason = \"Welcome\"";
    manifest("basket-coupon", "1.0.0", "promotion", coupon)
}

/// A basket of a customer with the coupon.
async fn basket(api: &Api, customer: &str) -> String {
    let session = api.session().await;
    let path = format!("/v1/sessions/{session}");
    api.put(&format!("{path}/customer"), &json!({ "token": customer })).await.json(200);
    api.set(&session, "TOY-1", 1).await.json(200);
    api.put(&format!("{path}/coupons/WELCOME"), &json!({})).await.json(200);
    session
}

async fn total(api: &Api, session: &str) -> Value {
    api.get(&format!("/v1/sessions/{session}/basket")).await.json(200)["total"]["minor"].clone()
}

#[tokio::test]
async fn of_two_checkouts_at_once_one_gets_the_coupon() {
    let shop = PluggedShop::with(&[]);
    shop.install("basket-coupon", &welcome(), &component("basket-coupon")).await;
    let api = shop.api();
    for round in 0..5 {
        let customer = format!("c-{round}");
        let (one, other) = (basket(&api, &customer).await, basket(&api, &customer).await);
        assert_eq!((total(&api, &one).await, total(&api, &other).await), (1100.into(), 1100.into()));
        let (key, other_key) = (format!("one-{round}"), format!("other-{round}"));
        let answers = tokio::join!(api.check_out(&one, &key), api.check_out(&other, &other_key));
        // A price that changed meanwhile may be refused first, to be confirmed; asked again it is paid as it is.
        let mut paid = Vec::new();
        for (answer, session, key) in [(answers.0, &one, &key), (answers.1, &other, &other_key)] {
            let answer = if answer.status == 201 {
                answer
            } else {
                api.check_out(session, &format!("{key}-again")).await
            };
            paid.push(answer.json(201)["total"]["minor"].as_i64().expect("an amount"));
        }
        paid.sort_unstable();
        assert_eq!(paid, [1100, 1200], "round {round}");
    }
    assert_eq!(shop.plugin("basket-coupon").await["kept_keys"], 5);
}

#[tokio::test]
async fn what_a_plugin_keeps_and_which_runs_survive_a_kill_and_come_from_the_journal_alone() {
    let mut shop = PluggedShop::with(&[]);
    shop.install("basket-coupon", &welcome(), &component("basket-coupon")).await;
    let api = shop.api();
    let session = basket(&api, "c-1").await;
    api.check_out(&session, "key-1").await.json(201);

    shop.node.kill().expect("it runs");
    shop.node.start_again().expect("it starts again");
    let api = shop.api();
    api.ready().await;
    let again = basket(&api, "c-1").await;
    assert_eq!(total(&api, &again).await, 1200, "used before the kill");
    let fresh = basket(&api, "c-2").await;
    assert_eq!(total(&api, &fresh).await, 1100, "still good for others");

    shop.node.stop().expect("it stops");
    // What a snapshot saved is made again.
    fs::remove_dir_all(shop.store.data().join("plugins/.state")).expect("there were snapshots");
    fs::remove_dir_all(shop.store.data().join("plugins/.native")).expect("there was native code");
    shop.node.start_again().expect("it starts again");
    let api = shop.api();
    api.ready().await;
    assert_eq!(total(&api, &again).await, 1200);
    let plugin = shop.plugin("basket-coupon").await;
    assert_eq!((&plugin["kept_keys"], &plugin["state"]), (&1.into(), &"runs".into()), "{plugin}");

    let removed = shop.ask(Method::DELETE, "/v1/admin/plugins/basket-coupon", None).await;
    assert_eq!(removed.status, 204, "{removed:?}");
    assert_eq!(total(&api, &fresh).await, 1200, "no offers without the plugin");
    let gone = async || (!shop.store.data().join("plugins/basket-coupon").exists()).then_some(());
    eventually("the files", SOON, gone).await;
    shop.node.stop().expect("it stops");
    let kept = journal::cat_only(&shop.store.data(), "PluginKept");
    assert_eq!(kept.len(), 1, "showing a basket keeps nothing: {kept:?}");
}
