//! A shelf scale of the contract, played by hand, and whoever administers the node that it speaks to.

use crate::{
    admin::administrator::Administered,
    support::{
        api::{Answer, Api},
        command::aisle,
        wait::eventually,
    },
};
use aisle_harness::mqtt::raw::{Publish, RawClient};
use bytes::Bytes;
use reqwest::Method;
use serde_json::{Value, json};
use std::{process::Command, time::Duration};

/// What comes about by itself does so within this.
pub(super) const SOON: Duration = Duration::from_secs(20);

impl Administered {
    /// Sends JSON.
    pub(super) async fn send(&self, method: Method, path: &str, body: &Value) -> Answer {
        Api::send(self.api().request(method, path).bearer_auth(self.token()).json(body)).await
    }

    /// Lets a device take part.
    pub(super) async fn approve(&self, id: &str, body: &Value) -> Value {
        let path = format!("/v1/admin/devices/{id}/approval");
        self.send(Method::POST, &path, body).await.json(200)
    }

    /// `aisle-node …` on the node's data.
    pub(super) fn aisle<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        aisle(self.node.data(), arguments)
    }

    /// Waits until a device is known, and shows it.
    pub(super) async fn device(&self, id: &str) -> Value {
        self.device_that("a device that was heard", id, |_| true).await
    }

    /// Waits until a device is as it is to be, and shows it.
    pub(super) async fn device_that(&self, what: &str, id: &str, is: impl Fn(&Value) -> bool) -> Value {
        eventually(what, SOON, async || {
            let answer = self.ask(Method::GET, &format!("/v1/admin/devices/{id}")).await;
            (answer.status == 200).then(|| answer.json(200)).filter(|device| is(device))
        })
        .await
    }

    /// A scale that has announced itself.
    pub(super) async fn scale(&self, id: &str) -> Scale {
        let mut scale = Scale::by(self, id, id).await;
        scale.announce().await;
        scale
    }

    /// A scale that takes part.
    pub(super) async fn approved_scale(&self, id: &str) -> Scale {
        let scale = self.scale(id).await;
        self.device(id).await;
        self.approve(id, &json!({ "by": "Ada" })).await;
        scale
    }
}

/// A device of the contract with a stream of weights, one of temperatures, and settings.
pub(super) struct Scale {
    id: String,
    pub(super) client: RawClient,
    number: u32,
}

impl Scale {
    /// A scale that has not said anything yet, by an MQTT client of this id.
    pub(super) async fn by(admin: &Administered, id: &str, client: &str) -> Self {
        Self { id: id.into(), client: admin.sensor(client).await, number: 0 }
    }

    pub(super) fn topic(&self, channel: &str) -> String {
        format!("aisle/v1/store-1/{}/{channel}", self.id)
    }

    /// Publishes, and waits until that is durable.
    pub(super) async fn say(&mut self, channel: &str, retain: bool, body: &Value) {
        self.say_bytes(channel, retain, Bytes::from(body.to_string())).await;
    }

    /// The same of any payload.
    pub(super) async fn say_bytes(&mut self, channel: &str, retain: bool, payload: Bytes) {
        let publish = Publish {
            topic: self.topic(channel),
            payload,
            qos: 1,
            retain,
            packet_id: 60_000,
            ..Publish::default()
        };
        self.client.publish(&publish).await.expect("sent");
        self.client.ping().await.expect("an answer");
    }

    pub(super) async fn announce(&mut self) {
        self.announce_as("shelf-scale-2").await;
    }

    /// As a device of another model that has the same streams and settings.
    pub(super) async fn announce_as(&mut self, model: &str) {
        let announce = json!({
            "contract": 1,
            "model": model,
            "serial": "SS2-00071",
            "firmware": "1.4.0",
            "boots": 12,
            "streams": [
                { "name": "weight", "kind": "number", "unit": "gram", "interval_s": 10 },
                { "name": "temperature", "kind": "number", "unit": "celsius", "interval_s": 10 },
            ],
            "settings": [
                { "name": "enabled", "kind": "bool", "default": true },
                { "name": "interval_s", "kind": { "integer": { "min": 1, "max": 3600 } }, "unit": "second", "default": 10 },
            ],
        });
        self.say("announce", true, &announce).await;
        self.say("status", true, &json!({ "online": true, "boots": 12 })).await;
    }

    /// Measures something now.
    pub(super) async fn measure(&mut self, stream: &str, unit: &str, value: f64) {
        self.number += 1;
        let reading = json!({ "boot": 12, "unit": unit, "samples": [{ "n": self.number, "v": value }] });
        self.say(&format!("telemetry/{stream}"), false, &reading).await;
    }

    /// The next message to it on a channel.
    pub(super) async fn told(&mut self, channel: &str) -> Value {
        let topic = self.topic(channel);
        loop {
            let publish = self.client.recv_packet(SOON).await.expect("a message");
            if let aisle_harness::mqtt::raw::Packet::Publish(publish) = publish
                && publish.topic == topic
            {
                return serde_json::from_slice(&publish.payload).expect("JSON");
            }
        }
    }
}
