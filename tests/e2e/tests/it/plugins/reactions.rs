//! What plugins have done when something happens: staff are told and asked, goods are not sold.

use super::shop::{EVERY_COUNT, PluggedShop, base64, component, manifest, standing_orders};
use crate::{
    admin::administrator::Administered,
    support::{
        api::{Answer, Api},
        invoices, journal,
        wait::eventually,
    },
};
use aisle_harness::mqtt::raw::{Publish, RawClient};
use bytes::Bytes;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);
/// An excursion takes whole minutes that are over, on a machine that may be busy.
const MINUTES: Duration = Duration::from_secs(240);

/// A node with the small shop's goods and an open broker.
fn shop() -> Administered {
    let store = crate::support::store::Store::empty();
    let file = store.file("small-shop.csv", invoices::small_shop());
    store.import(&file, &[]).exits(0);
    let node = store.start_with(crate::admin::administrator::OPEN);
    Administered { store, node }
}

async fn send(admin: &Administered, method: Method, path: &str, body: &Value) -> Answer {
    Api::send(admin.api().request(method, path).bearer_auth(admin.token()).json(body)).await
}

async fn install(admin: &Administered, id: &str, manifest: &str, name: &str) {
    let body = json!({ "manifest": manifest, "component": base64(&component(name)) });
    send(admin, Method::PUT, &format!("/v1/admin/plugins/{id}"), &body).await.json(200);
}

/// Alerts of plugins, as the staff board has them.
async fn alerts(admin: &Administered) -> Vec<Value> {
    let all = admin.get("/v1/admin/plugins").await;
    all["alerts"].as_array().cloned().unwrap_or_default()
}

struct Probe(RawClient);

impl Probe {
    /// A thermometer that has announced itself.
    async fn plug_in(admin: &Administered) -> Self {
        let mut probe = Self(admin.sensor("probe-1").await);
        let announce = json!({
            "contract": 1, "model": "fridge-temperature", "serial": "P-1", "firmware": "1.0.0", "boots": 1,
            "streams": [{ "name": "temperature", "kind": "number", "unit": "celsius", "interval_s": 10 }],
            "settings": [],
        });
        probe.say("announce", true, &announce).await;
        probe.say("status", true, &json!({ "online": true, "boots": 1 })).await;
        probe
    }

    async fn say(&mut self, channel: &str, retain: bool, body: &Value) {
        let publish = Publish {
            topic: format!("aisle/v1/store-1/probe-1/{channel}"),
            payload: Bytes::from(body.to_string()),
            qos: 1,
            retain,
            packet_id: 60_000,
            ..Publish::default()
        };
        self.0.publish(&publish).await.expect("sent");
        self.0.ping().await.expect("an answer");
    }
}

#[tokio::test]
async fn an_excursion_tells_staff_asks_for_a_look_and_keeps_the_goods_from_being_sold() {
    let admin = shop();
    let reaction =
        manifest("cold-chain", "1.0.0", "reaction", "grants = [\"kv\"]\non_failure = \"last-good\"");
    install(&admin, "cold-chain", &reaction, "cold-chain-reaction").await;
    let unit = json!({ "group": "chilled", "grace_s": 1, "skus": ["JAM-1"] });
    send(&admin, Method::PUT, "/v1/admin/units/dairy-1", &unit).await.json(200);
    let mut probe = Probe::plug_in(&admin).await;
    let heard = async || {
        let answer = admin.ask(Method::GET, "/v1/admin/devices/probe-1").await;
        (answer.status == 200).then_some(())
    };
    eventually("the probe", SOON, heard).await;
    let watch = json!({ "placements": [{ "stream": "temperature", "unit": "dairy-1" }] });
    send(&admin, Method::POST, "/v1/admin/devices/probe-1/approval", &watch).await.json(200);

    let mut number = 0;
    let suppressed = async || {
        number += 1;
        let warm = json!({ "boot": 1, "unit": "celsius", "samples": [{ "n": number, "v": 12.0 }] });
        probe.say("telemetry/temperature", false, &warm).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let all = admin.get("/v1/admin/plugins").await;
        (all["suppressed"][0]["sku"] == "JAM-1").then_some(())
    };
    eventually("a suppression", MINUTES, suppressed).await;
    let tasks = admin.get("/v1/admin/tasks").await;
    let asked = tasks["open"]
        .as_array()
        .expect("tasks")
        .iter()
        .any(|task| task["kind"] == "plugin" && task["unit"] == "dairy-1");
    assert!(asked, "{tasks}");
    let api = admin.api();
    let session = api.session().await;
    api.set(&session, "JAM-1", 1).await.problem(409);
    api.set(&session, "JAM-2", 1).await.json(200);
    let told = alerts(&admin).await;
    assert!(told.iter().any(|alert| alert["unit"] == "dairy-1" && alert["urgent"] == true), "{told:?}");
}

#[tokio::test]
async fn what_happens_at_the_same_time_opens_a_task_once() {
    let mut shop = PluggedShop::configured(&[], EVERY_COUNT);
    let order = "when = \"stock-changed\"\ndo = \"task\"\nsku = \"CUP-1\"\ntext = \"Look at the cups\"";
    shop.install("standing-orders", &standing_orders("1.0.0", &[order]), &component("standing-orders")).await;
    tokio::join!(shop.count("TEA-1", 7), shop.count("TEA-2", 7), shop.count("JAM-1", 7));
    shop.answered("standing-orders", 3).await;
    shop.node.stop().expect("it stops");
    let opened = journal::cat_only(&shop.store.data(), "TaskOpened");
    let asked = opened.iter().filter(|task| task["fields"]["kind"] == "plugin").count();
    assert_eq!(asked, 1, "{opened:?}");
}

#[tokio::test]
async fn a_happening_is_reacted_to_once_also_across_a_kill() {
    let mut admin = shop();
    let grants = "grants = [\"log\", \"clock\", \"random\", \"catalog\", \"stock\", \"kv\"]";
    install(&admin, "watcher", &manifest("watcher", "1.0.0", "reaction", grants), "misbehaving").await;
    let count = json!({ "place": "shelf", "quantity": 7.0, "by": "Ana" });
    send(&admin, Method::POST, "/v1/admin/positions/TEA-1/counts", &count).await.json(200);
    let told = async || {
        let alerts = alerts(&admin).await;
        (!alerts.is_empty()).then_some(alerts.len())
    };
    let before = eventually("an alert", SOON, told).await;
    admin.node.kill().expect("it runs");
    admin.node.start_again().expect("it starts again");
    admin.api().ready().await;
    admin.api().settled().await;
    assert_eq!(alerts(&admin).await.len(), before, "what was reacted to is not reacted to again");
}
