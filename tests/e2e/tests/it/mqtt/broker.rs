//! A node with a broker in it, and how a test reaches it.

use aisle_harness::node::{NodeOptions, NodeUnderTest};
use std::{
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

/// Plain TCP on a port that the system chooses.
pub(crate) const TCP: &str = "tcp_listen = \"127.0.0.1:0\"\ntls_listen = \"off\"\n";
/// TLS on a port that the system chooses.
pub(crate) const TLS: &str = "tls_listen = \"127.0.0.1:0\"\n";
/// Everybody may come in without credentials and do everything.
pub(crate) const OPEN: &str = "[mqtt.anonymous]\npublish = [\"#\"]\nsubscribe = [\"#\"]\n";

/// Below the ports that the system gives to whoever asks for any: nobody takes one while a node is down.
const PORTS: std::ops::Range<u32> = 20_000..32_000;

/// A node whose broker takes TCP without credentials.
pub(crate) fn open() -> NodeUnderTest {
    with(TCP, OPEN)
}

/// A node whose `[mqtt]` begins with these keys, with more configuration behind them.
pub(crate) fn with(listen: &str, more: &str) -> NodeUnderTest {
    let options = NodeOptions { config: config(listen, more), ..NodeOptions::default() };
    NodeUnderTest::start(options).expect("the node serves")
}

/// The text of such a node's configuration.
pub(crate) fn config(listen: &str, more: &str) -> String {
    format!("[mqtt]\n{listen}{more}")
}

/// Where it takes TCP.
pub(crate) fn tcp(node: &NodeUnderTest) -> SocketAddr {
    node.mqtt().unwrap_or_else(|| panic!("the node takes no MQTT over TCP: {:#?}", node.logs()))
}

/// Where it takes TLS.
pub(crate) fn tls(node: &NodeUnderTest) -> SocketAddr {
    node.mqtts().unwrap_or_else(|| panic!("the node takes no MQTT over TLS: {:#?}", node.logs()))
}

/// The certificate that it made for itself.
pub(crate) fn certificate(node: &NodeUnderTest) -> PathBuf {
    node.data().join("mqtt/certificate.pem")
}

/// A port that stays free while a node restarts, for clients that come back by themselves.
pub(crate) fn lasting_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    (0..1_000)
        .map(|_| process::id().wrapping_mul(7).wrapping_add(NEXT.fetch_add(1, Relaxed)))
        .map(|number| PORTS.start + number % (PORTS.end - PORTS.start))
        .map(|port| u16::try_from(port).expect("a port"))
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a free port")
}
