//! Can the MQTT broker listen where it is told to, and is what it is told to wise?

use super::{Finding, Subject};
use crate::admin::place;
use aisle_broker::transport::{Listen, private_addresses, system_addresses};
use std::{
    io::ErrorKind,
    net::{SocketAddr, TcpListener},
};

const ID: &str = "mqtt-ports";

pub(super) fn check(subject: &Subject<'_>) -> Finding {
    let Ok(config) = subject.config else {
        return Finding::warn(
            ID,
            "not checked, as the configuration was refused",
            "correct the configuration first",
        );
    };
    let mqtt = &config.mqtt;
    let all = [
        ("mqtt.tls_listen", &mqtt.tls_listen, true),
        ("mqtt.tcp_listen", &mqtt.tcp_listen, false),
        ("mqtt.websocket_listen", &mqtt.websocket_listen, mqtt.websocket_tls),
    ];
    let runs = place::find(subject.data).is_ok();
    let (mut found, mut open) = (Vec::new(), Vec::new());
    for (key, text, encrypted) in all {
        let addresses = addresses(text);
        if !encrypted && addresses.iter().any(|address| !address.ip().is_loopback()) {
            open.push(key);
        }
        for address in addresses {
            match TcpListener::bind(address) {
                Ok(_) => found.push(format!("{address} is free")),
                Err(error) if error.kind() == ErrorKind::AddrInUse && runs => {
                    found.push(format!("{address} is taken, and a node runs here"));
                }
                Err(error) if error.kind() == ErrorKind::AddrInUse => {
                    let fix = format!("set `{key}` to another port, or stop the other program");
                    return Finding::warn(ID, format!("{address} is taken by another program"), fix);
                }
                Err(error) => {
                    let fix = format!("set `{key}` to an address of this machine");
                    return Finding::fail(ID, format!("{address} cannot be used: {error}"), fix);
                }
            }
        }
    }
    if !open.is_empty() {
        let keys = open.join(" and ");
        let found = format!("{keys} lets the network read passwords and messages as they are");
        return Finding::warn(ID, found, "use `mqtt.tls_listen`, or listen without TLS on 127.0.0.1 only");
    }
    if found.is_empty() {
        return Finding::ok(ID, "the broker listens nowhere; only bridges reach it");
    }
    Finding::ok(ID, found.join(", "))
}

fn addresses(text: &str) -> Vec<SocketAddr> {
    match Listen::parse(text) {
        None | Some(Listen::Off) => Vec::new(),
        Some(Listen::At(address)) => vec![address],
        Some(Listen::Store(port)) => private_addresses(&system_addresses().unwrap_or_default(), port),
    }
}
