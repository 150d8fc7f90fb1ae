//! Settings that headquarters orders of a node: the next start goes by them, the store's own count before them, and what the node does not come up with gives way.

use super::{
    hq::{Headquarters, order_of},
    orders::{config, courier, give},
};
use crate::{
    support::{
        api::Api,
        command::{aisle, run},
        store::Store,
        wait::eventually,
    },
    sync::{STORE, region},
};
use aisle_fleet::setting::{SettingValue, Settings};
use serde_json::Value;
use std::{fs, net::TcpListener, time::Duration};

const PATIENCE: Duration = Duration::from_secs(60);

async fn settings_that(store: &Store, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    eventually(what, PATIENCE, async || {
        let status = run(&mut aisle(&store.data(), ["fleet", "status", "--json"])).json();
        Some(status["report"]["settings"].clone()).filter(|settings| is(settings))
    })
    .await
}

fn settings(of: &[(&str, SettingValue)]) -> Settings {
    of.iter().map(|(key, value)| (key.parse().unwrap(), value.clone())).collect()
}

fn code(settings: &Value) -> &str {
    settings["reasons"][0]["code"].as_str().unwrap_or("none")
}

#[tokio::test]
async fn what_headquarters_sets_is_in_force_after_a_restart_and_gone_after_the_one_that_takes_it_back() {
    let (mut hub, member) = region();
    hub.stop().expect("it stops");
    let store = Store::small();
    let mut node = store.start_with(&config(&member));
    Api::new(node.url()).ready().await;
    let hq = Headquarters::new();
    courier(&store, &["trust", &give(&store, "1.root.json", hq.root())]).exits(0);
    let apply = |generation: u64, settings: Settings| {
        let stick = hq.stick_of(&order_of(STORE, generation, None, settings), None);
        courier(&store, &["apply", &give(&store, &format!("{generation}.aisle"), stick)]).exits(0);
    };
    let number = SettingValue::Number;
    apply(1, settings(&[("kiosk.thanks_s", number(33)), ("sync.hub", number(0))]));
    let refused = settings_that(&store, "a refusal", |settings| code(settings) == "failing").await;
    assert!(refused["reasons"][0]["fault"]["text"].as_str().unwrap().contains("`sync.hub`"), "{refused}");

    let level = SettingValue::Text("debug".into());
    apply(2, settings(&[("kiosk.thanks_s", number(33)), ("log.level", level)]));
    let waits = settings_that(&store, "it waits", |settings| code(settings) == "next-start").await;
    assert_eq!(
        waits["reasons"][0]["keys"],
        serde_json::json!(["kiosk.thanks_s"]),
        "the level counts at once"
    );
    node.stop().expect("it stops");
    node.start_again().expect("it starts");
    let is_applied =
        |settings: &Value| settings["applied"].is_string() && settings["applied"] == settings["wanted"];
    settings_that(&store, "applied", is_applied).await;
    let shown = |args: &[&str]| run(&mut aisle(&store.data(), args)).exits(0);
    assert_eq!(shown(&["config", "show", "--json"]).json()["kiosk"]["thanks_s"], 33);
    let said = shown(&["config", "show", "--origins"]).stdout;
    assert!(said.contains("kiosk.thanks_s = 33  # headquarters"), "{said}");

    apply(3, Settings::new());
    settings_that(&store, "it waits", |settings| code(settings) == "next-start").await;
    node.stop().expect("it stops");
    node.start_again().expect("it starts");
    settings_that(&store, "gone", is_applied).await;
    assert_eq!(shown(&["config", "show", "--json"]).json()["kiosk"]["thanks_s"], 20);
}

#[tokio::test]
async fn settings_that_the_node_does_not_come_up_with_give_way_at_the_fourth_start() {
    let store = Store::small();
    let put = |text: &str| {
        fs::create_dir_all(store.data().join("fleet")).unwrap();
        fs::write(store.data().join("fleet/settings.toml"), text).unwrap();
    };
    let thanks =
        || run(&mut aisle(&store.data(), ["config", "show", "--json"])).json()["kiosk"]["thanks_s"].clone();
    // What the configuration refuses does not even get a try.
    put("[kiosk]\nthanks_s = \"soon\"\n");
    let mut node = store.start();
    Api::new(node.url()).ready().await;
    node.stop().expect("it stops");
    assert!(!store.data().join("fleet/settings.toml").exists());

    // Another process that has the port is not their doing, however often.
    put("[kiosk]\nthanks_s = 33\n");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    for _ in 0..4 {
        run(&mut aisle(&store.data(), ["run", "--listen", &address])).exits(1);
        assert_eq!(thanks(), 33);
    }

    // What it dies with before it serves gets three tries. Here it cannot make its token.
    let (token, in_its_place) = (store.data().join("admin.token"), store.data().join("admin.token.new"));
    fs::remove_file(&token).expect("there is one");
    fs::create_dir(&in_its_place).expect("a folder");
    for _ in 0..3 {
        assert_eq!(thanks(), 33);
        let mut start = aisle(&store.data(), ["run", "--listen", "127.0.0.1:0"]);
        run(start.env("AISLE_MQTT__TLS_LISTEN", "off")).exits(1).complains_about(&["admin.token"]);
    }
    fs::remove_dir(&in_its_place).expect("it is empty");
    node.start_again().expect("it comes up without them");
    Api::new(node.url()).ready().await;
    assert_eq!(thanks(), 20);
    let kept = fs::read_to_string(store.data().join("fleet/settings.given-up.toml")).expect("it is told");
    assert!(kept.contains("did not come up") && kept.contains("thanks_s = 33"), "{kept}");
    node.stop().expect("it stops");

    // What it came up with stays, over a kill as well.
    put("[kiosk]\nthanks_s = 44\n");
    node.start_again().expect("it comes up");
    Api::new(node.url()).ready().await;
    node.kill().expect("it runs");
    node.start_again().expect("it comes up again");
    Api::new(node.url()).ready().await;
    assert_eq!(thanks(), 44);
}
