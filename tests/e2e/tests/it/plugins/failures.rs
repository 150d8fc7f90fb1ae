//! A plugin that fails again and again, files that are damaged, and what is no plugin at all.

use super::shop::{PluggedShop, component, manifest, three_for_two};
use crate::support::wait::eventually;
use reqwest::Method;
use serde_json::json;
use std::{fs, time::Duration};

const SOON: Duration = Duration::from_secs(20);
const GRANTS: &str = "grants = [\"log\", \"clock\", \"random\", \"catalog\", \"stock\", \"kv\"]";

#[tokio::test]
async fn a_version_that_traps_five_times_gives_way_to_the_one_before_and_the_shop_goes_on_selling() {
    let shop = PluggedShop::with(&["TRAP"]);
    let api = shop.api();
    shop.install("multi-buy", &three_for_two("1.0.0", "TRAP"), &component("multi-buy")).await;
    let broken = manifest("multi-buy", "2.0.0", "promotion", GRANTS);
    shop.install("multi-buy", &broken, &component("misbehaving")).await;
    let session = api.session().await;
    let basket = api.set(&session, "TRAP", 3).await.json(200);
    assert_eq!(basket["total"]["minor"], 300, "a failing plugin is passed over: {basket}");
    for _ in 0..4 {
        shop.basket(&session).await;
    }
    let basket = shop.basket(&session).await;
    assert_eq!(basket["total"]["minor"], 200, "the version before gives its offer: {basket}");
    assert_eq!(basket["adjustments"][0]["version"], "1.0.0", "{basket}");
    api.check_out(&session, "key-1").await.json(201);

    let said = async || {
        let plugin = shop.plugin("multi-buy").await;
        plugin["history"].as_array().is_some_and(|history| !history.is_empty()).then_some(plugin)
    };
    let plugin = eventually("the event", SOON, said).await;
    assert_eq!(plugin["state"], "failing", "{plugin}");
    assert_eq!(plugin["version"], "2.0.0", "{plugin}");
    let hook = &plugin["at_hooks"][0];
    assert_eq!((&hook["open"], &hook["asked"]), (&true.into(), &"1.0.0".into()), "{plugin}");
    assert_eq!(plugin["failures"][0]["kind"], "trap", "{plugin}");
    assert_eq!(
        api.metric("aisle_plugin_breaker_open{plugin=\"multi-buy\",hook=\"promotion\"}").await,
        Some(1.0)
    );
    let health = api.health().await;
    assert_eq!(health["status"], "degraded", "{health}");
    let why = health["plugins"]["failing"][0].as_str().expect("a reason");
    assert!(why.starts_with("`multi-buy` 2.0.0 at `promotion`: "), "{why}");

    let calls = shop.ask(Method::GET, "/v1/admin/plugins/multi-buy/recordings", None).await;
    assert_eq!(calls.header("content-type"), "application/x-ndjson");
    assert!(calls.body.lines().count() >= 6, "{}", calls.body);
    for line in calls.body.lines() {
        let call: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(call["hook"], "promotion");
    }

    let back = shop.ask(Method::POST, "/v1/admin/plugins/multi-buy/rollback", None).await.json(200);
    assert_eq!((&back["version"], &back["state"]), (&"1.0.0".into(), &"runs".into()), "{back}");
    let health = api.health().await;
    assert_eq!((&health["status"], &health["plugins"]["failing"]), (&json!("ok"), &json!([])), "{health}");
}

#[tokio::test]
async fn a_plugin_that_loops_or_eats_memory_stops_nobody() {
    let shop = PluggedShop::with(&["LOOP", "ALLOCATE", "RECURSE"]);
    let api = shop.api();
    let broken = manifest("broken", "1.0.0", "promotion", GRANTS);
    shop.install("broken", &broken, &component("misbehaving")).await;
    for sku in ["LOOP", "ALLOCATE", "RECURSE"] {
        let session = api.session().await;
        let basket = api.set(&session, sku, 1).await.json(200);
        assert_eq!(basket["total"]["minor"], 100, "{basket}");
        api.check_out(&session, sku).await.json(201);
    }
    let plugin = shop.plugin("broken").await;
    assert!(plugin["failed"].as_u64().is_some_and(|failed| failed >= 5), "{plugin}");
}

#[tokio::test]
async fn damaged_files_leave_a_plugin_out_and_are_said_until_it_is_installed_again() {
    let mut shop = PluggedShop::with(&[]);
    shop.install("multi-buy", &three_for_two("1.0.0", "TEA-1"), &component("multi-buy")).await;
    shop.node.stop().expect("it stops");
    let dir = shop.store.data().join("plugins/multi-buy");
    let version = fs::read_dir(&dir).expect("a folder").next().expect("a version").expect("an entry").path();
    fs::write(version.join("plugin.wasm"), b"something else").expect("written");
    shop.node.start_again().expect("a damaged plugin stops no shop");
    let api = shop.api();
    api.ready().await;
    let health = api.health().await;
    assert_eq!(health["status"], "degraded", "{health}");
    let why = health["plugins"]["left_out"][0].as_str().expect("a reason");
    assert!(why.contains("multi-buy") && why.contains("not what was installed"), "{why}");
    let session = api.session().await;
    assert_eq!(api.set(&session, "TEA-1", 3).await.json(200)["total"]["minor"], 750);

    shop.install("multi-buy", &three_for_two("1.0.0", "TEA-1"), &component("multi-buy")).await;
    assert_eq!(shop.basket(&session).await["total"]["minor"], 500);
    assert_eq!(api.health().await["status"], "ok");
}

#[tokio::test]
async fn a_plugin_that_denies_does_so_even_when_nothing_of_it_can_be_read() {
    let mut shop = PluggedShop::with(&[]);
    let floor =
        "on_failure = \"deny\"\n[[settings.floors]]\nsku = \"TEA-1\"\nunit-price = 200\nreason = \"By law\"";
    let floor = manifest("price-floor", "1.0.0", "promotion", floor);
    shop.install("price-floor", &floor, &component("price-floor")).await;
    shop.node.stop().expect("it stops");
    fs::remove_dir_all(shop.store.data().join("plugins/price-floor")).expect("removed");
    shop.node.start_again().expect("a plugin that is gone stops no node");
    let api = shop.api();
    api.ready().await;
    let session = api.session().await;
    let basket = api.set(&session, "TEA-1", 1).await.json(200);
    assert_eq!(basket["denied"]["plugin"], "price-floor", "{basket}");
    api.check_out(&session, "key-1").await.problem(409);

    shop.install("price-floor", &floor, &component("price-floor")).await;
    api.check_out(&session, "key-2").await.json(201);
}

#[tokio::test]
async fn what_could_not_run_is_refused_with_its_reason_and_changes_nothing() {
    let shop = PluggedShop::with(&[]);
    let good = component("multi-buy");
    let manifest_of = three_for_two("1.0.0", "TEA-1");
    shop.try_install("multi-buy", &manifest_of, b"no component").await.problem_with(400, "component");
    shop.try_install("multi-buy", "id = 7", &good).await.problem_with(400, "manifest");
    shop.try_install("other", &manifest_of, &good).await.problem_with(400, "manifest");
    let ungranted = manifest("broken", "1.0.0", "promotion", "");
    let refused = shop.try_install("broken", &ungranted, &component("misbehaving")).await;
    let detail = refused.problem_with(400, "component")["detail"].to_string();
    assert!(detail.contains("not granted"), "{detail}");
    let wrong_hook = manifest("multi-buy", "1.0.0", "ranking", "");
    shop.try_install("multi-buy", &wrong_hook, &good).await.problem_with(400, "component");
    let all = shop.ask(Method::GET, "/v1/admin/plugins", None).await.json(200);
    assert_eq!(all["plugins"].as_array().map(Vec::len), Some(0), "{all}");
    shop.ask(Method::GET, "/v1/admin/plugins/multi-buy", None).await.problem(404);
    shop.ask(Method::POST, "/v1/admin/plugins/multi-buy/rollback", None).await.problem(404);
}
