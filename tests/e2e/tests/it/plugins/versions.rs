//! Installing and swapping while shoppers come and go.

use super::shop::{PluggedShop, component, manifest, three_for_two};
use crate::support::command::{aisle, run};
use reqwest::Method;
use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn swapping_under_load_fails_no_request_and_mixes_no_versions() {
    let shop = PluggedShop::with(&[]);
    let component = component("multi-buy");
    shop.install("multi-buy", &three_for_two("1.0.0", "TEA-1"), &component).await;
    let api = shop.api();
    let stop = Arc::new(AtomicBool::new(false));
    let mut shoppers = JoinSet::new();
    for _ in 0..4 {
        let (api, stop) = (api.clone(), stop.clone());
        shoppers.spawn(async move {
            let session = api.session().await;
            let mut baskets = 0_u32;
            while !stop.load(Ordering::Relaxed) {
                let basket = api.set(&session, "TEA-1", 3).await.json(200);
                // Every version gives the same, whichever it is.
                assert_eq!(basket["total"]["minor"], 500, "{basket}");
                assert_eq!(basket["adjustments"].as_array().map(Vec::len), Some(1), "{basket}");
                baskets += 1;
            }
            baskets
        });
    }
    for minor in 1..=20 {
        let installed =
            shop.install("multi-buy", &three_for_two(&format!("1.{minor}.0"), "TEA-1"), &component).await;
        assert_eq!(installed["version"], format!("1.{minor}.0"));
    }
    stop.store(true, Ordering::Relaxed);
    let baskets: u32 = shoppers.join_all().await.into_iter().sum();
    assert!(baskets > 0);
    let folder = shop.store.data().join("plugins/multi-buy");
    assert_eq!(fs::read_dir(folder).expect("a folder").count(), 2, "this version and the one before");
}

#[tokio::test]
async fn the_commands_list_show_install_roll_back_record_and_remove() {
    let shop = PluggedShop::with(&[]);
    let component = component("multi-buy");
    let data = shop.node.data();
    let plugin = |arguments: &[&str]| {
        let all = ["plugin"].into_iter().chain(arguments.iter().copied());
        run(&mut aisle(data, all.collect::<Vec<_>>()))
    };
    assert!(plugin(&["list"]).exits(0).stdout.contains("no plugin is installed"));
    for version in ["1.0.0", "1.1.0"] {
        let wasm = shop.store.file("p/plugin.wasm", &component);
        shop.store.file("p/plugin.toml", three_for_two(version, "TEA-1"));
        let installed = plugin(&["install", wasm.to_str().expect("a path")]).exits(0);
        assert!(installed.stdout.contains(version), "{installed:?}");
    }
    let list = plugin(&["list"]).exits(0).stdout;
    assert!(list.lines().any(|line| line.starts_with("multi-buy") && line.contains("1.1.0")), "{list}");
    let session = shop.api().session().await;
    shop.api().set(&session, "TEA-1", 3).await.json(200);
    let show = plugin(&["show", "multi-buy"]).exits(0).stdout;
    assert!(show.contains("before it: 1.0.0") && show.contains("promotion"), "{show}");
    assert_eq!(
        plugin(&["recordings", "multi-buy", "--hook", "promotion"]).exits(0).stdout.lines().count(),
        1
    );
    let back = plugin(&["rollback", "multi-buy", "--json"]).exits(0).json();
    assert_eq!(back["version"], "1.0.0", "{back}");
    plugin(&["remove", "multi-buy"]).exits(0);
    plugin(&["show", "multi-buy"]).exits(1).complains_about(&["`multi-buy`"]);
    plugin(&["install", "nowhere.wasm"]).exits(1).complains_about(&["nowhere.wasm"]);
}

/// One of each so many is free.
fn free(version: &str, buy: u32) -> String {
    let settings = format!("[[settings.offers]]\nsku = \"TEA-1\"\nbuy = {buy}\nreason = \"One is free\"");
    manifest("multi-buy", version, "promotion", &settings)
}

#[tokio::test]
async fn a_rollback_brings_back_the_offers_of_the_version_before_and_another_one_those_after_it() {
    let mut shop = PluggedShop::with(&[]);
    let component = component("multi-buy");
    let path = "/v1/admin/plugins/multi-buy/rollback";
    shop.install("multi-buy", &free("1.0.0", 3), &component).await;
    shop.ask(Method::POST, path, None).await.problem(409);
    shop.install("multi-buy", &free("2.0.0", 2), &component).await;
    let session = shop.api().session().await;
    let basket = shop.api().set(&session, "TEA-1", 4).await.json(200);
    assert_eq!(basket["total"]["minor"], 500, "{basket}");

    let back = shop.ask(Method::POST, path, None).await.json(200);
    assert_eq!(
        (&back["version"], &back["previous"]["version"]),
        (&"1.0.0".into(), &"2.0.0".into()),
        "{back}"
    );
    assert_eq!(shop.basket(&session).await["total"]["minor"], 750);
    shop.node.kill().expect("it runs");
    shop.node.start_again().expect("it starts again");
    shop.api().ready().await;
    let basket = shop.basket(&session).await;
    assert_eq!(
        (&basket["total"]["minor"], &basket["adjustments"][0]["version"]),
        (&750.into(), &"1.0.0".into())
    );

    let forward = shop.ask(Method::POST, path, None).await.json(200);
    assert_eq!(forward["version"], "2.0.0", "{forward}");
    let receipt = shop.api().check_out(&session, "key-1").await.json(201);
    assert_eq!(receipt["total"]["minor"], 500, "{receipt}");
    assert_eq!(receipt["adjustments"][0]["version"], "2.0.0", "{receipt}");
}
