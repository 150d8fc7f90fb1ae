//! Somebody with the token of a node, and the clients that they look at.

use crate::support::{
    api::{Answer, Api},
    command::aisle,
    store::Store,
};
use aisle_harness::{
    mqtt::raw::{Connect, RawClient, Version},
    node::NodeUnderTest,
};
use reqwest::Method;
use serde_json::Value;
use std::{fs, process::Command};

/// A broker on a port of the system's choice, open to everybody.
pub(crate) const OPEN: &str = "[mqtt]\ntls_listen = \"off\"\ntcp_listen = \"127.0.0.1:0\"\n\
                               [mqtt.anonymous]\npublish = [\"#\"]\nsubscribe = [\"#\"]\n";

/// A node, its store, and an administrator.
pub(crate) struct Administered {
    pub(crate) store: Store,
    pub(crate) node: NodeUnderTest,
}

impl Administered {
    pub(crate) fn start() -> Self {
        Self::with("")
    }

    /// With this configuration behind that of an open broker.
    pub(crate) fn with(more: &str) -> Self {
        let store = Store::empty();
        let node = store.start_with(&format!("{OPEN}{more}"));
        Self { store, node }
    }

    pub(crate) fn api(&self) -> Api {
        Api::new(self.node.url())
    }

    pub(crate) fn token(&self) -> String {
        fs::read_to_string(self.node.data().join("admin.token")).expect("a token").trim().to_owned()
    }

    pub(crate) async fn ask(&self, method: Method, path: &str) -> Answer {
        let request = self.api().request(method, path).bearer_auth(self.token());
        Api::try_send(request).await.expect("an answer")
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.ask(Method::GET, path).await.json(200)
    }

    /// `aisle-node mqtt …` on the node's data.
    pub(crate) fn mqtt<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        aisle(self.node.data(), ["mqtt"].into_iter().chain(arguments))
    }

    pub(crate) async fn client(&self, connect: &Connect) -> RawClient {
        let broker = self.node.mqtt().expect("the broker takes TCP");
        RawClient::connect(broker, connect).await.expect("the client is let in").0
    }

    /// A client without a session to keep.
    pub(crate) async fn sensor(&self, id: &str) -> RawClient {
        self.client(&Connect::clean(Version::V5, id)).await
    }

    /// A client with a session that is kept, subscribed to this.
    pub(crate) async fn keeper(&self, id: &str, filter: &str) -> RawClient {
        let mut keeper = self.client(&Connect::kept(Version::V5, id)).await;
        keeper.subscribe(filter, 1).await.expect("subscribed");
        keeper
    }

    /// Publishes a retained message and waits until it is durable.
    pub(crate) async fn retain(&self, topic: &str, payload: &'static str) {
        let mut sensor = self.sensor("retainer").await;
        let publish = aisle_harness::mqtt::raw::Publish {
            topic: topic.into(),
            payload: payload.into(),
            qos: 1,
            retain: true,
            packet_id: 1,
            ..Default::default()
        };
        sensor.publish(&publish).await.expect("sent");
        sensor.recv_packet(std::time::Duration::from_secs(10)).await.expect("acknowledged");
    }
}
