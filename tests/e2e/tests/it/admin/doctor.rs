//! `doctor` and `config check` look at MQTT before anybody runs it.

use super::administrator::{Administered, OPEN};
use crate::support::{
    command::{Outcome, aisle, run},
    store::Store,
};
use serde_json::Value;
use std::fs;

fn finding(store: &Store, mqtt: &str, id: &str) -> Value {
    let config = store.file("aisle.toml", format!("[http]\nlisten = \"127.0.0.1:0\"\n[mqtt]\n{mqtt}"));
    let config = config.display().to_string();
    let outcome = run(&mut aisle(&store.data(), ["doctor", "--json", "--config", &config]));
    let findings = outcome.json();
    let all = findings.as_array().expect("a list");
    all.iter()
        .find(|finding| finding["id"] == id)
        .cloned()
        .unwrap_or_else(|| panic!("no `{id}` in {findings}"))
}

fn check(store: &Store, text: &str) -> Outcome {
    let config = store.file("aisle.toml", text).display().to_string();
    run(&mut aisle(&store.data(), ["config", "check", "--config", &config]))
}

#[test]
fn plain_tcp_for_the_network_is_warned_of_and_on_loopback_is_not() {
    let store = Store::empty();
    let open = finding(&store, "tls_listen = \"off\"\ntcp_listen = \"0.0.0.0:0\"\n", "mqtt-ports");
    assert_eq!(open["outcome"], "warn", "{open}");
    assert!(open["found"].as_str().is_some_and(|found| found.contains("mqtt.tcp_listen")), "{open}");
    let local = finding(&store, "tls_listen = \"off\"\ntcp_listen = \"127.0.0.1:0\"\n", "mqtt-ports");
    assert_eq!(local["outcome"], "ok", "{local}");
}

#[test]
fn the_port_of_another_program_is_told_from_that_of_the_node() {
    let admin = Administered::start();
    let keys = format!("tls_listen = \"off\"\ntcp_listen = \"{}\"\n", admin.node.mqtt().expect("an address"));
    assert_eq!(finding(&admin.store, &keys, "mqtt-ports")["outcome"], "ok");
    assert_eq!(finding(&Store::empty(), &keys, "mqtt-ports")["outcome"], "warn");
}

#[test]
fn a_broken_certificate_and_a_broken_file_of_devices_fail() {
    let store = Store::empty();
    let listen = "tls_listen = \"127.0.0.1:0\"\n";
    assert_eq!(finding(&store, listen, "mqtt-tls")["outcome"], "ok");
    let (certificate, key) = (store.file("c.pem", "no certificate"), store.file("k.pem", "no key"));
    let files = format!(
        "{listen}certificate_file = \"{}\"\nprivate_key_file = \"{}\"\n",
        certificate.display(),
        key.display()
    );
    let broken = finding(&store, &files, "mqtt-tls");
    assert_eq!(broken["outcome"], "fail", "{broken}");
    assert!(broken["found"].as_str().is_some_and(|found| found.contains("c.pem")), "{broken}");
    assert_eq!(finding(&store, listen, "mqtt-devices")["outcome"], "ok");
    fs::create_dir_all(store.data().join("mqtt")).expect("made");
    fs::write(store.data().join("mqtt/devices.toml"), "[[device]]\nid = 7\n").expect("written");
    assert_eq!(finding(&store, listen, "mqtt-devices")["outcome"], "fail");
}

#[test]
fn the_certificate_that_a_node_made_is_in_order() {
    let store = Store::empty();
    drop(store.start_with("[mqtt]\ntls_listen = \"127.0.0.1:0\"\n"));
    let found = finding(&store, "tls_listen = \"127.0.0.1:0\"\n", "mqtt-tls");
    assert_eq!(found["outcome"], "ok", "{found}");
    assert!(found["found"].as_str().is_some_and(|found| found.contains("in order")), "{found}");
}

#[test]
fn a_setting_that_the_broker_would_refuse_is_refused_by_its_path() {
    let store = Store::empty();
    check(&store, OPEN).exits(0);
    let bridge = |keys: &str| format!("[[bridge]]\nname = \"hq\"\nurl = \"mqtt://127.0.0.1\"\n{keys}");
    let refused = [
        ("[mqtt]\ntcp_listen = \"everywhere\"\n".to_owned(), "`mqtt.tcp_listen`"),
        ("[mqtt]\ntls_listen = \"store\"\n".to_owned(), "`mqtt.tls_listen`"),
        ("[mqtt]\ncertificate_file = \"c.pem\"\n".to_owned(), "`mqtt.private_key_file`"),
        ("[mqtt]\nclient_ca_file = \"/nowhere/ca.pem\"\n".to_owned(), "`mqtt.client_ca_file`"),
        ("[mqtt.anonymous]\npublish = [\"a\", \"#/b\"]\n".to_owned(), "`mqtt.anonymous.publish[1]`"),
        ("[mqtt.limits]\nreceive_max = 0\n".to_owned(), "`mqtt.limits.receive_max`"),
        ("[mqtt.limits]\nrecieve_max = 1\n".to_owned(), "`receive_max`"),
        ("[store]\nid = \"a/b\"\n".to_owned(), "`store.id`"),
        (bridge("[[bridge.in]]\nfilter = \"#/a\"\n"), "bridge[0].in[0].filter"),
        (bridge("keep_alive_s = 1\n[[bridge.in]]\nfilter = \"#\"\n"), "bridge[0].keep_alive_s"),
    ];
    for (text, path) in refused {
        check(&store, &text).exits(78).complains_about(&[path]);
    }
}
