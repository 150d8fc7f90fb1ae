//! Texts that plugins want on shelf labels: on those that are there, on those that are away, and where there is none.

use super::shop::{EVERY_COUNT, PluggedShop, component, standing_orders};
use crate::{admin::administrator::OPEN, support::wait::eventually};
use aisle_harness::mqtt::raw::{Connect, Packet, Publish, RawClient, Version};
use bytes::Bytes;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(60);
const LABEL: &str = "label-1";
const MISSING: &str = "aisle_plugin_labels_missing_total";

fn showing(version: &str, text: &str) -> String {
    let order =
        format!("when = \"stock-changed\"\nskus = [\"TEA-1\", \"CUP-1\"]\ndo = \"label\"\ntext = \"{text}\"");
    standing_orders(version, &[&order])
}

/// A shelf label, played by hand.
struct Label(RawClient);

impl Label {
    async fn connect(shop: &PluggedShop) -> Self {
        let broker = shop.node.mqtt().expect("the broker takes TCP");
        let connect = Connect::clean(Version::V5, LABEL);
        let (mut client, _) = RawClient::connect(broker, &connect).await.expect("it is let in");
        client.subscribe(&topic("config/desired"), 1).await.expect("subscribed");
        Self(client)
    }

    async fn say(&mut self, channel: &str, body: &Value) {
        let publish = Publish {
            topic: topic(channel),
            payload: Bytes::from(body.to_string()),
            qos: 1,
            retain: true,
            packet_id: 60_000,
            ..Publish::default()
        };
        self.0.publish(&publish).await.expect("sent");
        self.0.ping().await.expect("an answer");
    }

    async fn announce(&mut self) {
        let announce = json!({
            "contract": 1, "model": "shelf-label", "serial": "L-1", "firmware": "1.0.0", "boots": 1,
            "streams": [{ "name": "battery", "kind": "number", "unit": "volt", "interval_s": 3600 }],
            "settings": [{ "name": "text", "kind": { "text": { "len_max": 32 } }, "default": "" }],
        });
        self.say("announce", &announce).await;
        self.say("status", &json!({ "online": true, "boots": 1 })).await;
    }

    /// What it is to show next.
    async fn told(&mut self) -> Value {
        loop {
            let packet = self.0.recv_packet(SOON).await.expect("a message");
            if let Packet::Publish(publish) = packet
                && publish.topic == topic("config/desired")
            {
                return serde_json::from_slice(&publish.payload).expect("JSON");
            }
        }
    }
}

fn topic(channel: &str) -> String {
    format!("aisle/v1/store-1/{LABEL}/{channel}")
}

#[tokio::test]
async fn a_text_reaches_the_labels_of_a_product_and_where_there_is_none_that_is_counted() {
    let shop = PluggedShop::configured(&[], &format!("{OPEN}{EVERY_COUNT}"));
    let mut label = Label::connect(&shop).await;
    label.announce().await;
    let device = format!("/v1/admin/devices/{LABEL}");
    let heard = async || (shop.ask(Method::GET, &device, None).await.status == 200).then_some(());
    eventually("the label", SOON, heard).await;
    let placed = json!({ "placements": [{ "stream": "battery", "place": "shelf", "sku": "TEA-1" }] });
    shop.ask(Method::POST, &format!("{device}/approval"), Some(&placed)).await.json(200);
    let component = component("standing-orders");
    shop.install("standing-orders", &showing("1.0.0", "Last ones"), &component).await;

    shop.count("TEA-1", 2).await;
    let told = label.told().await;
    assert_eq!(told["settings"]["text"], "Last ones", "{told}");
    let reported = json!({
        "version": told["version"], "settings": told["settings"], "refused": null, "last_known_good": false
    });
    label.say("config/reported", &reported).await;
    let shows = async || {
        let device = shop.ask(Method::GET, &device, None).await.json(200);
        (device["twin"]["in_sync"] == true).then_some(device)
    };
    let known = eventually("a label that shows it", SOON, shows).await;
    assert_eq!(known["twin"]["desired"]["by"], "plugin", "{known}");

    let api = shop.api();
    assert_eq!(api.metric(MISSING).await, Some(0.0));
    shop.count("CUP-1", 2).await;
    let counted = async || api.metric(MISSING).await.filter(|missing| *missing >= 1.0);
    assert_eq!(eventually("a label that is missing", SOON, counted).await, 1.0);

    // One that is away is told when it comes back.
    drop(label);
    shop.install("standing-orders", &showing("1.1.0", "Plenty again"), &component).await;
    shop.count("TEA-1", 40).await;
    shop.answered("standing-orders", 3).await;
    let mut label = Label::connect(&shop).await;
    // What it had already is retained for it until that is replaced.
    while label.told().await["settings"]["text"] != "Plenty again" {}
}
