//! `aisle-node mqtt clients|kick|retained|watch`: for people and for scripts, and in words when no node runs.

use super::administrator::Administered;
use crate::support::{
    command::{aisle, run, start},
    store::Store,
    wait::eventually,
};
use bytes::Bytes;
use rustix::process::Signal;
use std::{fs, time::Duration};

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn clients_are_shown_as_a_table_and_as_json_lines() {
    let admin = Administered::start();
    let nobody = run(&mut admin.mqtt(["clients"])).exits(0);
    assert!(nobody.stdout.contains("no client"), "{nobody:?}");
    assert!(run(&mut admin.mqtt(["clients", "--json"])).exits(0).json_lines().is_empty());
    let _keeper = admin.keeper("keeper", "warm/#").await;
    let table = run(&mut admin.mqtt(["clients"])).exits(0).stdout;
    assert!(table.starts_with("CLIENT") && table.lines().any(|line| line.starts_with("keeper")), "{table}");
    let lines = run(&mut admin.mqtt(["clients", "--json"])).exits(0).json_lines();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["client"], "keeper");
}

#[tokio::test]
async fn a_client_is_kicked_with_its_session() {
    let admin = Administered::start();
    let mut keeper = admin.keeper("keeper", "warm/#").await;
    let kicked = run(&mut admin.mqtt(["kick", "keeper", "--session"])).exits(0);
    assert!(kicked.stdout.contains("`keeper`"), "{kicked:?}");
    keeper.closed(SOON).await.expect("the end");
    assert_eq!(admin.get("/v1/admin/mqtt").await["sessions"], 0);
    run(&mut admin.mqtt(["kick", "keeper"])).exits(1).complains_about(&["`keeper`", "No such client"]);
}

#[tokio::test]
async fn retained_messages_are_shown_and_cleared() {
    let admin = Administered::start();
    admin.retain("cold/1", "3.9").await;
    let table = run(&mut admin.mqtt(["retained"])).exits(0).stdout;
    assert!(table.lines().any(|line| line.starts_with("cold/1") && line.ends_with("3.9")), "{table}");
    let other = run(&mut admin.mqtt(["retained", "warm/#"])).exits(0).stdout;
    assert!(other.contains("no message is retained"), "{other}");
    let cleared = run(&mut admin.mqtt(["retained", "--clear", "cold/1", "--json"])).exits(0).json();
    assert_eq!(cleared["cleared"], true);
    assert!(run(&mut admin.mqtt(["retained", "--json"])).exits(0).json_lines().is_empty());
    run(&mut admin.mqtt(["retained", "--clear", "cold/1"])).exits(1).complains_about(&["`cold/1`"]);
    run(&mut admin.mqtt(["retained", "a#"])).exits(1).complains_about(&["`filter`"]);
}

#[tokio::test]
async fn a_watch_prints_a_line_a_message_until_it_is_interrupted() {
    let admin = Administered::start();
    let watching = start(&mut admin.mqtt(["watch", "cold/#"]));
    let in_json = start(&mut admin.mqtt(["watch", "cold/#", "--json"]));
    let both = async || (admin.get("/v1/admin/mqtt").await["subscriptions"] == 2).then_some(());
    eventually("both watches", SOON, both).await;
    let mut sensor = admin.sensor("sensor").await;
    // What could steer a terminal is shown escaped.
    sensor.publish_all("cold/1", 1, [Bytes::from_static(b"a\x1b[2Jb")], 1).await.expect("published");
    sensor.publish_all("cold/1", 1, [Bytes::from_static(b"\xff")], 1).await.expect("published");
    let delivered = async || (admin.get("/v1/admin/mqtt").await["delivered"] == 4).then_some(());
    eventually("the deliveries", SOON, delivered).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    watching.signal(Signal::INT);
    in_json.signal(Signal::INT);
    let lines = watching.finish().exits(0).stdout;
    assert!(lines.contains("  cold/1  qos 1  a\\u{1b}[2Jb\n"), "{lines}");
    assert!(lines.ends_with("  cold/1  qos 1  0xff\n"), "{lines}");
    let lines = in_json.finish().exits(0).json_lines();
    assert_eq!(lines[1]["hex"], "ff", "{lines:?}");
}

#[tokio::test]
async fn a_watch_says_when_the_node_goes() {
    let mut admin = Administered::start();
    let watching = start(&mut admin.mqtt(["watch", "#"]));
    let there = async || (admin.get("/v1/admin/mqtt").await["subscriptions"] == 1).then_some(());
    eventually("the watch", SOON, there).await;
    admin.node.stop().expect("it stops");
    watching.finish().exits(1).complains_about(&["node"]);
}

#[test]
fn without_a_node_the_commands_say_how_to_start_one() {
    let store = Store::empty();
    run(&mut aisle(&store.data(), ["mqtt", "clients"])).exits(1).complains_about(&[
        "no node runs",
        "hint:",
        "run",
    ]);
    // A node that was killed has left its address behind, which may be somebody else's by now.
    let mut admin = Administered::start();
    admin.node.kill().expect("it ran");
    assert!(admin.node.data().join("admin.url").exists());
    run(&mut admin.mqtt(["clients"])).exits(1).complains_about(&["no node runs", "hint:"]);
    run(&mut admin.mqtt(["clients", "--url", "http://127.0.0.1:1"]))
        .exits(1)
        .complains_about(&["no node answers at `http://127.0.0.1:1`", "hint:"]);
}

#[test]
fn another_nodes_token_is_refused_with_a_hint() {
    let (admin, other) = (Administered::start(), Administered::start());
    run(&mut admin.mqtt(["clients", "--url", other.node.url()]))
        .exits(1)
        .complains_about(&["token", "hint:", "`--data`"]);
    fs::remove_file(admin.node.data().join("admin.token")).expect("it was there");
    run(&mut admin.mqtt(["clients"])).exits(1).complains_about(&["admin.token", "hint:"]);
    assert!(admin.store.data().exists());
}
