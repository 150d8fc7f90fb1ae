//! The two brokers that devices connect to: of a node with a store that was prepared, and mosquitto.

use crate::bench::side::{MOSQUITTO, Side};
use aisle_harness::{
    mqtt::Mosquitto,
    node::{NodeOptions, NodeUnderTest},
};
use anyhow::{Context, Result};
use std::{net::SocketAddr, path::Path};

/// The store's id, the second level of all topics.
pub(super) const STORE: &str = "bench";

/// Anybody may do anything, on plain TCP.
const NODE: &str = "[log]
level = \"warn\"
[store]
id = \"bench\"
[mqtt]
tcp_listen = \"127.0.0.1:0\"
tls_listen = \"off\"
[mqtt.anonymous]
publish = [\"#\"]
subscribe = [\"#\"]
";

/// A broker that runs.
#[derive(Debug)]
pub(super) struct Broker {
    pub(super) address: SocketAddr,
    pub(super) pid: u32,
    process: Process,
}

#[derive(Debug)]
enum Process {
    Node(Box<NodeUnderTest>),
    Mosquitto(#[expect(dead_code, reason = "it runs for as long as it is held")] Mosquitto),
}

impl Broker {
    /// Starts one; a node runs on the store below `data`.
    pub(super) fn start(side: Side, data: &Path) -> Result<Self> {
        match side {
            Side::Ours => {
                let options =
                    NodeOptions { data: Some(data.into()), config: NODE.into(), ..NodeOptions::default() };
                let node = NodeUnderTest::start(options)?;
                Ok(Self {
                    address: node.mqtt().context("the node does not speak MQTT")?,
                    pid: node.pid().context("the node does not run")?,
                    process: Process::Node(Box::new(node)),
                })
            }
            Side::Theirs => {
                let mosquitto = Mosquitto::start(MOSQUITTO)?;
                Ok(Self {
                    address: mosquitto.address(),
                    pid: mosquitto.pid().context("mosquitto does not run")?,
                    process: Process::Mosquitto(mosquitto),
                })
            }
        }
    }

    /// The node, if it is one.
    pub(super) fn node(&self) -> Option<&NodeUnderTest> {
        match &self.process {
            Process::Node(node) => Some(node),
            Process::Mosquitto(_) => None,
        }
    }
}
