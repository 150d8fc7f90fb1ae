//! Orders: who is believed, what comes, what goes back.

use super::hq::{HUB, Headquarters, Plugin, order};
use crate::{
    plugins::shop::{component, manifest, three_for_two},
    support::{
        api::Api,
        command::{Outcome, aisle, run},
        invoices::{DAY, HEADER},
        store::Store,
        wait::eventually,
    },
    sync::{STORE, region},
};
use aisle_harness::hub::Member;
use reqwest::Method;
use serde_json::Value;
use std::{path::Path, time::Duration};

const PATIENCE: Duration = Duration::from_secs(60);
const GRANTS: &str = "grants = [\"log\", \"clock\", \"random\", \"catalog\", \"stock\", \"kv\"]";
/// A version counts as good after a moment and a few calls: nobody here has a quarter of an hour.
const SOON_GOOD: &str = "[artefacts]\nwatch_s = 1\ncalls_min = 4\n";

/// The configuration of a member that knows its hub's key.
pub(super) fn config(member: &Member) -> String {
    let key = Headquarters::keys();
    let keys = format!("[sync]\nhub_receipt_keys = [\"{key}\"]\n");
    assert!(member.config.contains("[sync]\n"), "{}", member.config);
    member.config.replacen("[sync]\n", &keys, 1) + SOON_GOOD
}

pub(super) fn courier(store: &Store, arguments: &[&str]) -> Outcome {
    run(&mut aisle(&store.data(), ["courier"].iter().chain(arguments)))
}

pub(super) fn give(store: &Store, name: &str, bytes: Vec<u8>) -> String {
    store.file(name, bytes).display().to_string()
}

/// How the plugin's place stands, by the node's own command.
fn slot(store: &Store) -> Value {
    let status = run(&mut aisle(&store.data(), ["fleet", "status", "--json"])).json();
    status["report"]["slots"]["plugin/multi-buy"].clone()
}

async fn slot_that(store: &Store, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    eventually(what, PATIENCE, async || Some(slot(store)).filter(|slot| is(slot))).await
}

/// Shows the basket so often: each time the plugin is asked.
async fn ask(api: &Api, session: &str, times: usize) -> Value {
    let mut basket = Value::Null;
    for _ in 0..times {
        basket = api.get(&format!("/v1/sessions/{session}/basket")).await.json(200);
    }
    basket
}

#[tokio::test]
async fn a_signed_plugin_comes_by_stick_and_a_bad_one_goes_back_by_itself_over_a_kill() {
    // There is a hub's key to believe, and no hub to call.
    let (mut hub, member) = region();
    hub.stop().expect("it stops");
    let store = Store::small();
    let more = format!("{HEADER}\n800000,TRAP,TRAP THING,1,{DAY} 12:00:00,1.00,,United Kingdom\n");
    store.import(&store.file("more.csv", more), &[]).exits(0);
    let mut node = store.start_with(&config(&member));
    let api = Api::new(node.url());
    let mut hq = Headquarters::new();

    let good = Plugin::new(&three_for_two("1.0.0", "TEA-1"), component("multi-buy"), "1.0.0");
    hq.sign(&good);
    let stick = give(&store, "one.aisle", hq.stick(&order(HUB, STORE, 1, &good), &good));
    courier(&store, &["apply", &stick]).exits(1).complains_about(&["no root", "hint: "]);
    assert_eq!(api.metric("aisle_fleet_bundles_refused_total{reason=\"root\"}").await, Some(1.0));
    courier(&store, &["trust", &give(&store, "1.root.json", hq.root())]).exits(0);
    let applied = courier(&store, &["apply", &stick, "--json"]).exits(0).json();
    assert_eq!(
        (&applied["generation"], &applied["taken"][0]),
        (&1.into(), &"plugins/multi-buy/1.0.0.plugin".into())
    );
    slot_that(&store, "1.0.0 in its place", |slot| slot["running"]["version"] == "1.0.0").await;
    let session = api.session().await;
    api.set(&session, "TEA-1", 3).await.json(200);
    let basket = ask(&api, &session, 4).await;
    assert_eq!(basket["total"]["minor"], 500, "the offer counts: {basket}");
    slot_that(&store, "1.0.0 proved", |slot| slot["good"]["version"] == "1.0.0").await;

    // The next one is signed and ordered, and traps as soon as a shopper has the wrong thing in the basket. The node is killed with it in its hands.
    let bad = manifest("multi-buy", "2.0.0", "promotion", GRANTS);
    let bad = Plugin::new(&bad, component("misbehaving"), "2.0.0");
    hq.sign(&bad);
    let stick = give(&store, "two.aisle", hq.stick(&order(HUB, STORE, 2, &bad), &bad));
    courier(&store, &["apply", &stick]).exits(0);
    node.kill().expect("it runs");
    node.start_again().expect("it starts with what it had");
    let api = Api::new(node.url());
    api.ready().await;
    slot_that(&store, "2.0.0 in its place", |slot| slot["running"]["version"] == "2.0.0").await;
    let session = api.session().await;
    let basket = api.set(&session, "TRAP", 1).await.json(200);
    assert_eq!(basket["total"]["minor"], 100, "the shop goes on: {basket}");
    ask(&api, &session, 4).await;
    let slot = slot_that(&store, "1.0.0 again", |slot| slot["running"]["version"] == "1.0.0").await;
    let reason = &slot["reasons"][0];
    assert_eq!((&slot["phase"], &reason["code"]), (&"refused".into(), &"known-bad".into()), "{slot}");
    assert_eq!(reason["fault"]["code"], "trapped", "{slot}");
    let session = api.session().await;
    assert_eq!(api.set(&session, "TEA-1", 3).await.json(200)["total"]["minor"], 500, "the offer is back");

    // It stays so over another start, and people are told.
    node.stop().expect("it stops");
    node.start_again().expect("it starts");
    let status = run(&mut aisle(&store.data(), ["fleet", "status"])).exits(1);
    assert!(status.stdout.contains("known-bad") && status.stdout.contains("trapped"), "{}", status.stdout);
    let api = Api::new(node.url());
    assert_eq!(api.metric("aisle_fleet_slots{phase=\"refused\"}").await, Some(1.0));
    assert_eq!(api.metric("aisle_artefacts_trusted").await, Some(1.0));
}

#[tokio::test]
async fn nobody_orders_who_is_not_believed_and_nothing_comes_that_was_not_signed() {
    let (_hub, member) = region();
    let store = Store::small();
    let node = store.start_with(&config(&member));
    let mut hq = Headquarters::new();
    courier(&store, &["trust", &give(&store, "1.root.json", hq.root())]).exits(0);
    let good = Plugin::new(&three_for_two("1.0.0", "TEA-1"), component("multi-buy"), "1.0.0");
    let never = Plugin::new(&three_for_two("9.0.0", "TEA-1"), component("multi-buy"), "9.0.0");
    let strange = give(&store, "strange.aisle", hq.stick(&order(HUB, STORE, 1, &never), &never));
    courier(&store, &["apply", &strange])
        .exits(1)
        .complains_about(&["not among the artefacts that were signed"]);
    hq.sign(&good);
    for (number, order) in [(1, order(HUB + 1, STORE, 5, &good)), (2, order(HUB, "store-2", 5, &good))] {
        let stick = give(&store, &format!("{number}.aisle"), hq.stick(&order, &good));
        let applied = courier(&store, &["apply", &stick, "--json"]).exits(1).json();
        assert!(applied["order_refused"].is_string(), "{applied}");
        assert_eq!(applied["generation"], Value::Null, "{applied}");
    }
    // What stands in front of the cut is read: a good order there would count.
    let mut cut = hq.stick(&order(HUB + 1, STORE, 6, &good), &good);
    cut.truncate(cut.len() - 100);
    courier(&store, &["apply", &give(&store, "cut.aisle", cut)]).exits(1);
    let mut other = Headquarters::new();
    other.sign(&good);
    let mut root = other.root();
    root.push(b'\n');
    courier(&store, &["trust", &give(&store, "2.root.json", root)]).exits(1);
    let plugins = run(&mut aisle(&store.data(), ["plugin", "list", "--json"])).exits(0).stdout;
    assert!(!plugins.contains("multi-buy"), "{plugins}");

    // A stick that is cut off is said to be, and what is good of it may come; the whole one goes on from there.
    let whole = hq.stick(&order(HUB, STORE, 6, &good), &good);
    let cut = whole[..whole.len() - 100].to_vec();
    courier(&store, &["apply", &give(&store, "cut.aisle", cut)]).exits(1);
    courier(&store, &["apply", &give(&store, "whole.aisle", whole)]).exits(0);
    slot_that(&store, "1.0.0 in its place", |slot| slot["running"]["version"] == "1.0.0").await;
    drop(node);
}

#[tokio::test]
async fn a_node_that_goes_by_signatures_tells_its_hub_that_it_takes_nothing_without() {
    let (hub, member) = region();
    let store = Store::small();
    let node = store.start_with(&config(&member));
    courier(&store, &["trust", &give(&store, "1.root.json", Headquarters::new().root())]).exits(0);
    let folder = store.file("v1/plugin.toml", three_for_two("1.0.0", "TEA-1"));
    store.file("v1/plugin.wasm", component("multi-buy"));
    let folder = folder.parent().map(Path::display).expect("a folder").to_string();
    let hash = hub.ask(&["content", "add", &folder]).expect("it is kept");
    let list = format!("[[item]]\nname = \"plugin/multi-buy\"\nversion = \"1.0.0\"\ncontent = \"{hash}\"\n");
    let list = give(&store, "list.toml", list.into_bytes());
    hub.ask(&["desired", "set", "--store", STORE, &list]).expect("the hub takes it");
    let at_hub = Api::new(&hub.url());
    let row = eventually("a refusal at the hub", PATIENCE, async || {
        let request = at_hub.request(Method::GET, &format!("/v1/stores/{STORE}/reports"));
        let answer = Api::try_send(request.bearer_auth(hub.token().ok()?)).await.ok()?;
        // The hub does not know the store before it came.
        let page = if answer.status == 200 { answer.json(200) } else { return None };
        page["items"].as_array()?.iter().find(|row| row["ok"] == false).cloned()
    })
    .await;
    assert!(row["reason"].as_str().is_some_and(|reason| reason.contains("goes by signatures")), "{row}");
    let status = run(&mut aisle(&store.data(), ["fleet", "status"])).exits(1);
    assert!(status.stdout.contains("goes by signatures"), "{}", status.stdout);
    let plugins = run(&mut aisle(&store.data(), ["plugin", "list", "--json"])).exits(0).stdout;
    assert!(!plugins.contains("multi-buy"), "{plugins}");
    drop(node);
}
