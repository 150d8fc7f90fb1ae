//! MQTT.js: TCP, TLS and WebSocket, both versions, aliases by itself, and going on after a restart.

use super::broker;
use crate::support::{command, need};
use aisle_harness::node::{NodeOptions, NodeUnderTest};
use std::{
    env,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

/// Where MQTT.js lies: `AISLE_MQTTJS`, or where `cargo xtask test` puts it.
fn mqtt_js() -> PathBuf {
    let folder = env::var_os("AISLE_MQTTJS")
        .map_or_else(|| need::project().join("target/tools/npm/node_modules/mqtt"), PathBuf::from);
    assert!(
        folder.is_dir(),
        "no MQTT.js: `{}` is missing; hint: `cargo xtask test` installs it",
        folder.display()
    );
    folder
}

/// A script with the URL of a broker.
fn script(name: &str, scheme: &str, address: SocketAddr) -> Command {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/mqtt/mqttjs");
    let mut command = Command::new(need::program("node", "nodejs"));
    command.arg(scripts.join(name)).arg(format!("{scheme}://{address}")).env("AISLE_MQTTJS", mqtt_js());
    command
}

#[track_caller]
fn passes(node: &NodeUnderTest, script: &mut Command) {
    let outcome = command::run(script);
    assert_eq!(outcome.code(), 0, "{}\nthe node:\n{}", outcome.stderr, node.logs().join("\n"));
}

#[test]
fn messages_come_back_over_tcp() {
    let node = broker::open();
    passes(&node, &mut script("transport.mjs", "mqtt", broker::tcp(&node)));
}

#[test]
fn messages_come_back_over_tls() {
    let node = broker::with(broker::TLS, broker::OPEN);
    let mut script = script("transport.mjs", "mqtts", broker::tls(&node));
    passes(&node, script.env("AISLE_CA", broker::certificate(&node)));
}

#[test]
fn messages_come_back_over_websockets() {
    let listen = "tls_listen = \"off\"\nwebsocket_listen = \"127.0.0.1:0\"\nwebsocket_tls = false\n";
    let node = broker::with(listen, broker::OPEN);
    passes(&node, &mut script("transport.mjs", "ws", node.mqtt_ws().expect("it takes WebSockets")));
}

#[test]
fn messages_come_back_over_encrypted_websockets() {
    let listen = "tls_listen = \"off\"\nwebsocket_listen = \"127.0.0.1:0\"\n";
    let node = broker::with(listen, broker::OPEN);
    let mut script = script("transport.mjs", "wss", node.mqtt_wss().expect("it takes encrypted WebSockets"));
    passes(&node, script.env("AISLE_CA", broker::certificate(&node)));
}

#[test]
fn what_mqtt_5_adds_works_as_it_uses_it() {
    let node = broker::open();
    passes(&node, &mut script("properties.mjs", "mqtt", broker::tcp(&node)));
}

#[test]
fn it_goes_on_by_itself_after_a_kill_and_loses_nothing() {
    let port = broker::lasting_port();
    let listen = format!("tcp_listen = \"127.0.0.1:{port}\"\ntls_listen = \"off\"\n");
    let config = broker::config(&listen, broker::OPEN);
    let mut node = NodeUnderTest::start(NodeOptions { config, ..NodeOptions::default() }).expect("it serves");
    let mut script = script("reconnect.mjs", "mqtt", broker::tcp(&node));
    let mut child = script.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("node starts");
    let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
    let under_way = stdout.lines().map_while(Result::ok).any(|line| line == "under way");
    if under_way {
        node.kill().expect("it runs");
        thread::sleep(Duration::from_millis(200));
        node.start_again().expect("it starts again");
    }
    // It has an end of its own: each of its waits has one.
    let outcome = child.wait_with_output().expect("it ends");
    let complaint = String::from_utf8_lossy(&outcome.stderr).into_owned();
    assert!(under_way && outcome.status.success(), "{complaint}\nthe node:\n{}", node.logs().join("\n"));
}
