//! A node with a broker in it, and how a test reaches it.

use aisle_harness::node::{NodeOptions, NodeUnderTest};
use std::net::SocketAddr;

/// Everybody may come in by TCP and do everything.
pub(crate) const OPEN: &str = "[mqtt.anonymous]\npublish = [\"#\"]\nsubscribe = [\"#\"]\n";

/// A node whose broker takes TCP without credentials.
pub(crate) fn open() -> NodeUnderTest {
    with(OPEN)
}

/// A node whose broker takes TCP, with more configuration. The text may begin with keys of `[mqtt]`.
pub(crate) fn with(config: &str) -> NodeUnderTest {
    NodeUnderTest::start(options(config)).expect("the node serves")
}

/// How such a node is started.
pub(crate) fn options(config: &str) -> NodeOptions {
    let config = format!("[mqtt]\ntcp_listen = \"127.0.0.1:0\"\ntls_listen = \"off\"\n{config}");
    NodeOptions { config, ..NodeOptions::default() }
}

/// Where it takes TCP.
pub(crate) fn tcp(node: &NodeUnderTest) -> SocketAddr {
    node.mqtt().unwrap_or_else(|| panic!("the node takes no MQTT: {:#?}", node.logs()))
}
