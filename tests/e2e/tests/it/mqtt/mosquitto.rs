//! mosquitto's clients: every version and QoS, TLS, credentials, refusals, wills.

use super::{
    broker,
    clients::{Subscriber, client, publish},
};
use crate::support::command::{self, aisle};
use aisle_harness::node::{NodeOptions, NodeUnderTest};
use serde_json::Value;
use std::process::Command;

#[test]
fn every_version_and_qos_comes_through() {
    let node = broker::open();
    let address = broker::tcp(&node);
    for version in ["mqttv31", "mqttv311", "mqttv5"] {
        let heard = Subscriber::start(address, &["-V", version, "-q", "2", "-t", "tea/+"]);
        for qos in ["0", "1", "2"] {
            let payload = format!("{version} {qos}");
            publish(address, &["-V", version, "-q", qos, "-t", "tea/pot", "-m", &payload]).exits(0);
            heard.hears_only(&format!("tea/pot|{qos}|0|{payload}"));
        }
    }
}

#[test]
fn retained_messages_are_kept_and_cleared() {
    let node = broker::open();
    let address = broker::tcp(&node);
    publish(address, &["-q", "1", "-r", "-t", "door", "-m", "open"]).exits(0);
    Subscriber::start(address, &["-q", "1", "-t", "door"]).hears_only("door|1|1|open");
    publish(address, &["-q", "1", "-r", "-n", "-t", "door"]).exits(0);
    Subscriber::start(address, &["-q", "1", "-t", "door"]).hears_nothing();
}

#[test]
fn a_session_hears_what_came_while_its_client_was_away() {
    let node = broker::open();
    let address = broker::tcp(&node);
    for session in [&["-V", "mqttv311"][..], &["-V", "mqttv5", "-x", "600"]] {
        let session = [session, &["-c", "-i", session[1], "-q", "2", "-t", "away/#"]].concat();
        command::run(&mut client("mosquitto_sub", address, &[&session[..], &["-E"]].concat())).exits(0);
        for qos in ["1", "2"] {
            publish(address, &["-q", qos, "-t", "away/a", "-m", qos]).exits(0);
        }
        let waited = [&session[..], &["-C", "2", "-W", "8", "-F", "%q %p"]].concat();
        let came = command::run(&mut client("mosquitto_sub", address, &waited)).exits(0);
        assert_eq!(came.stdout, "1 1\n2 2\n");
    }
}

#[test]
fn a_killed_client_leaves_its_will() {
    let node = broker::open();
    let address = broker::tcp(&node);
    for version in ["mqttv311", "mqttv5"] {
        let heir = Subscriber::start(address, &["-V", version, "-q", "2", "-t", "wills"]);
        let will = ["--will-topic", "wills", "--will-payload", version, "--will-qos", "1"];
        let client = Subscriber::start(address, &[&["-V", version, "-t", "other"][..], &will].concat());
        heir.hears_nothing();
        client.kill();
        heir.hears_only(&format!("wills|1|0|{version}"));
    }
}

#[test]
fn a_request_gets_its_answer() {
    let node = broker::open();
    let address = broker::tcp(&node);
    let heard = Subscriber::start(address, &["-V", "mqttv5", "-q", "1", "-t", "ask"]);
    let arguments = ["-V", "mqttv5", "-q", "1", "-t", "ask", "-e", "answer", "-m", "how warm?", "-W", "8"];
    let asked = command::start(&mut client("mosquitto_rr", address, &arguments));
    assert_eq!(heard.hears(), "ask|1|0|how warm?");
    publish(address, &["-V", "mqttv5", "-q", "1", "-t", "answer", "-m", "4 degrees"]).exits(0);
    assert_eq!(asked.finish().exits(0).stdout.trim_end(), "4 degrees");
}

const TEA_ONLY: &str = "[mqtt.anonymous]\npublish = [\"tea/#\"]\nsubscribe = [\"tea/#\", \"coffee/#\"]\n";

#[test]
fn a_refused_message_is_said_to_be_refused_and_comes_nowhere() {
    let node = broker::with(broker::TCP, TEA_ONLY);
    let address = broker::tcp(&node);
    let heard = Subscriber::start(address, &["-V", "mqttv5", "-q", "2", "-t", "tea/#", "-t", "coffee/#"]);
    for qos in ["1", "2"] {
        let refused = publish(address, &["-V", "mqttv5", "-q", qos, "-t", "coffee/a", "-m", "no"]);
        assert!(refused.stderr.contains("Not authorized"), "{refused:#?}");
        // 3.1.1 has no word for it: the connection ends without an acknowledgement.
        let cut_off = publish(address, &["-V", "mqttv311", "-q", qos, "-t", "coffee/a", "-m", "no"]);
        assert_ne!(cut_off.code(), 0, "{cut_off:#?}");
    }
    publish(address, &["-q", "1", "-t", "tea/a", "-m", "yes"]).exits(0);
    heard.hears_only("tea/a|1|0|yes");
}

#[test]
fn a_refused_subscription_is_said_to_be_refused() {
    let node = broker::with(broker::TCP, TEA_ONLY);
    for version in ["mqttv311", "mqttv5"] {
        let arguments = ["-V", version, "-q", "1", "-t", "#", "-W", "8"];
        let refused = command::run(&mut client("mosquitto_sub", broker::tcp(&node), &arguments));
        assert!(refused.stderr.contains("subscription requests were denied"), "{refused:#?}");
    }
}

/// A node that takes TLS and knows no device yet, and how it is told of one.
struct Guarded {
    node: NodeUnderTest,
    config: tempfile::NamedTempFile,
}

impl Guarded {
    fn start() -> Self {
        let listen = format!("tls_listen = \"127.0.0.1:{}\"\n", broker::lasting_port());
        let text = broker::config(&listen, "");
        let config = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(config.path(), &text).expect("it can be written");
        let options = NodeOptions { config: text, ..NodeOptions::default() };
        Self { node: NodeUnderTest::start(options).expect("the node serves"), config }
    }

    /// `aisle-node mqtt device add`; its password and the command that it says to try.
    fn add(&self, device: &str, more: &[&str]) -> (String, String) {
        let mut command = aisle(self.node.data(), ["--json", "--config"]);
        command.arg(self.config.path()).args(["mqtt", "device", "add", device]).args(more);
        let told: Value = command::run(&mut command).exits(0).json();
        let text =
            |field: &str| told[field].as_str().unwrap_or_else(|| panic!("no `{field}`: {told}")).into();
        (text("password"), text("try"))
    }

    /// The arguments of a client that trusts the node's certificate and names itself.
    fn arguments<'a>(ca: &'a str, device: &'a str, password: &'a str) -> [&'a str; 8] {
        ["--cafile", ca, "-u", device, "-P", password, "-i", device]
    }
}

#[test]
fn the_command_that_a_new_device_is_shown_works_as_it_stands() {
    let guarded = Guarded::start();
    let address = broker::tls(&guarded.node);
    let (password, _) = guarded.add("screen", &["--subscribe", "#"]);
    let (_, shown) = guarded.add("fridge-7", &[]);
    let certificate = broker::certificate(&guarded.node).display().to_string();
    let screen = Guarded::arguments(&certificate, "screen", &password);
    let heard = Subscriber::start(address, &[&screen[..], &["-q", "1", "-t", "#"]].concat());
    command::run(Command::new("sh").args(["-c", &shown])).exits(0);
    let message = heard.hears();
    assert!(message.contains("/fridge-7/") && message.ends_with("|1|0|{\"celsius\":3.9}"), "{message}");
}

#[test]
fn who_cannot_show_who_they_are_stay_out() {
    let guarded = Guarded::start();
    let address = broker::tls(&guarded.node);
    let (password, _) = guarded.add("till", &["--publish", "tills/%device%/#"]);
    let certificate = broker::certificate(&guarded.node).display().to_string();
    let message = ["-q", "1", "-t", "tills/till/a", "-m", "hello"];
    for version in ["mqttv311", "mqttv5"] {
        let by = |device: &str, password: &str, more: &[&str]| {
            let who = Guarded::arguments(&certificate, device, password);
            publish(address, &[&who[..], &["-V", version], more].concat())
        };
        by("till", &password, &message).exits(0);
        for (device, password) in [("till", "guessed"), ("nobody", &*password)] {
            let refused = by(device, password, &message);
            assert_ne!(refused.code(), 0, "{device} came in: {refused:#?}");
        }
        let nameless = publish(address, &[&["--cafile", &certificate, "-V", version][..], &message].concat());
        assert_ne!(nameless.code(), 0, "somebody without a name came in: {nameless:#?}");
    }
    // Whom a client does not trust gets no password from it.
    let other = Guarded::start();
    let elsewhere = broker::certificate(&other.node).display().to_string();
    let who = Guarded::arguments(&elsewhere, "till", &password);
    let refused = publish(address, &[&who[..], &message].concat());
    assert_ne!(refused.code(), 0, "{refused:#?}");
    assert!(refused.stderr.contains("certificate") || refused.stderr.contains("TLS"), "{refused:#?}");
}
