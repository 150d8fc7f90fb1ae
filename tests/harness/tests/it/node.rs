//! The node under test, with a shell script that stands in for the node.

use aisle_harness::node::{NodeError, NodeOptions, NodeUnderTest};
use std::{fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};
use tempfile::TempDir;

const SERVES: &str = r#"
    trap 'echo "going down" >&2; exit 0' TERM
    echo "started with $*" >&2
    echo "listening on http://127.0.0.1:4242"
    while :; do sleep 0.02; done
"#;

fn stand_in(folder: &TempDir, body: &str) -> NodeOptions {
    let script = folder.path().join("node");
    fs::write(&script, format!("#!/bin/sh\n{body}\n")).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    NodeOptions { binary: Some(script), start_timeout: Duration::from_secs(10), ..NodeOptions::default() }
}

fn runs(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

#[test]
fn a_node_serves_stops_in_order_and_starts_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut node = NodeUnderTest::start(stand_in(&folder, SERVES)).unwrap();
    assert_eq!(node.url(), "http://127.0.0.1:4242");
    assert!(node.stop().unwrap().success());
    assert_eq!(node.pid(), None);
    node.start_again().unwrap();
    assert!(!node.kill().unwrap().success());
    node.start_again().unwrap();
    node.check().unwrap();
    assert!(matches!(node.start_again(), Err(NodeError::AlreadyRunning)));
}

#[test]
fn a_node_gets_its_data_directory_configuration_and_address() {
    let folder = tempfile::tempdir().unwrap();
    let options =
        NodeOptions { config: "[log]\n".into(), args: vec!["--more".into()], ..stand_in(&folder, SERVES) };
    let mut node = NodeUnderTest::start(options).unwrap();
    node.stop().unwrap();
    let started = node.logs().into_iter().find(|line| line.starts_with("started with run --data ")).unwrap();
    assert!(started.contains(&node.data().display().to_string()), "{started}");
    assert!(started.ends_with("--listen 127.0.0.1:0 --more"), "{started}");
}

#[test]
fn a_node_says_where_its_broker_is() {
    let folder = tempfile::tempdir().unwrap();
    let says = r#"
        echo "mqtt on tcp://127.0.0.1:1883"
        echo "mqtt on mqtts://[::1]:8883"
        echo "mqtt on mqtts://127.0.0.1:8884"
        echo "mqtt on ws://127.0.0.1:9001"
    "#;
    let node = NodeUnderTest::start(stand_in(&folder, &format!("{says}{SERVES}"))).unwrap();
    assert_eq!(node.mqtt(), Some("127.0.0.1:1883".parse().unwrap()));
    assert_eq!(node.mqtts(), Some("[::1]:8883".parse().unwrap()), "the first of two");
    assert_eq!(node.mqtt_ws(), Some("127.0.0.1:9001".parse().unwrap()));
    assert_eq!(node.mqtt_wss(), None);
}

#[test]
fn a_dropped_node_leaves_no_process_and_no_directory() {
    let folder = tempfile::tempdir().unwrap();
    let node = NodeUnderTest::start(stand_in(&folder, SERVES)).unwrap();
    let (pid, data) = (node.pid().unwrap(), node.data().to_owned());
    assert!(runs(pid));
    drop(node);
    assert!(!runs(pid));
    assert!(!data.parent().unwrap().exists());
}

#[test]
fn a_node_that_exits_is_reported_with_its_last_lines() {
    let folder = tempfile::tempdir().unwrap();
    let error = NodeUnderTest::start(stand_in(&folder, "echo 'the port is taken' >&2; exit 3")).unwrap_err();
    assert!(matches!(error, NodeError::Exited { .. }), "{error}");
    assert!(error.to_string().contains("the port is taken"), "{error}");
}

#[test]
fn a_node_that_never_serves_is_killed_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let options = NodeOptions {
        start_timeout: Duration::from_millis(200),
        ..stand_in(&folder, "while :; do sleep 0.02; done")
    };
    let error = NodeUnderTest::start(options).unwrap_err();
    assert!(matches!(error, NodeError::NotServing { .. }), "{error}");
}

#[test]
fn a_node_that_does_not_stop_is_killed_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let deaf = SERVES.replace("trap 'echo \"going down\" >&2; exit 0' TERM", "trap '' TERM");
    let options = NodeOptions { stop_timeout: Duration::from_millis(200), ..stand_in(&folder, &deaf) };
    let mut node = NodeUnderTest::start(options).unwrap();
    let pid = node.pid().unwrap();
    assert!(matches!(node.stop(), Err(NodeError::StillRunning { .. })));
    assert!(!runs(pid));
}

#[test]
fn a_binary_that_is_not_there_is_named() {
    let options = NodeOptions { binary: Some("/nowhere/aisle-node".into()), ..NodeOptions::default() };
    let error = NodeUnderTest::start(options).unwrap_err();
    assert!(error.to_string().contains("/nowhere/aisle-node"), "{error}");
}
