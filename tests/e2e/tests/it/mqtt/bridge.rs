//! A mosquitto that bridges to the node: both ways, without a loop, over restarts of either side.

use super::{
    broker,
    clients::{Subscriber, client, publish},
};
use crate::support::{command, wait::until};
use aisle_harness::{
    mqtt::Mosquitto,
    node::{NodeOptions, NodeUnderTest},
};
use std::{net::SocketAddr, time::Duration};

/// mosquitto looks for its other side once a second.
const PATIENCE: Duration = Duration::from_secs(15);

/// A node and a mosquitto that is connected to it.
struct Bridged {
    node: NodeUnderTest,
    mosquitto: Mosquitto,
}

impl Bridged {
    fn start(protocol: &str) -> Self {
        let port = broker::lasting_port();
        let listen = format!("tcp_listen = \"127.0.0.1:{port}\"\ntls_listen = \"off\"\n");
        let config = broker::config(&listen, broker::OPEN);
        let node = NodeUnderTest::start(NodeOptions { config, ..NodeOptions::default() });
        let bridged = Self {
            node: node.expect("the node serves"),
            mosquitto: Mosquitto::start(&format!(
                "allow_anonymous true
                persistence true
                autosave_on_changes true
                autosave_interval 1
                connection factory
                address 127.0.0.1:{port}
                bridge_protocol_version {protocol}
                try_private true
                cleansession false
                notifications false
                restart_timeout 1
                topic both/# both 1
                topic up/# out 2
                topic down/# in 2"
            ))
            .expect("mosquitto runs"),
        };
        // What was retained before comes across as soon as the bridge stands.
        publish(bridged.here(), &["-q", "1", "-r", "-t", "down/ready", "-m", "ready"]).exits(0);
        bridged.until_there_is("down/ready", "ready");
        bridged
    }

    /// The node.
    fn here(&self) -> SocketAddr {
        broker::tcp(&self.node)
    }

    /// mosquitto.
    fn there(&self) -> SocketAddr {
        self.mosquitto.address()
    }

    /// Waits until mosquitto keeps a message.
    fn until_there_is(&self, topic: &str, payload: &str) {
        until(&format!("`{topic}` at mosquitto"), PATIENCE, || {
            let arguments = ["-q", "1", "-t", topic, "-C", "1", "-W", "1", "-F", "%p"];
            let came = command::run(&mut client("mosquitto_sub", self.there(), &arguments));
            (came.stdout.trim_end() == payload).then_some(())
        });
    }
}

fn messages_cross_once_in_each_direction(protocol: &str) {
    let bridged = Bridged::start(protocol);
    let here = Subscriber::start(bridged.here(), &["-q", "2", "-t", "both/#", "-t", "up/#"]);
    let there = Subscriber::start(bridged.there(), &["-q", "2", "-t", "both/#", "-t", "down/+/now"]);
    for (from, message) in [(bridged.here(), "from here"), (bridged.there(), "from there")] {
        publish(from, &["-q", "1", "-t", "both/a", "-m", message]).exits(0);
        let message = format!("both/a|1|0|{message}");
        assert_eq!(here.hears(), message);
        assert_eq!(there.hears(), message);
    }
    here.hears_nothing();
    there.hears_nothing();
    publish(bridged.there(), &["-q", "2", "-t", "up/b", "-m", "rises"]).exits(0);
    here.hears_only("up/b|2|0|rises");
    publish(bridged.here(), &["-q", "2", "-t", "down/c/now", "-m", "falls"]).exits(0);
    there.hears_only("down/c/now|2|0|falls");
}

fn messages_cross_after_a_restart_of_either_side(protocol: &str) {
    let mut bridged = Bridged::start(protocol);
    let session = ["-V", "mqttv311", "-c", "-i", "screen", "-q", "2", "-t", "up/#"];
    command::run(&mut client("mosquitto_sub", bridged.here(), &[&session[..], &["-E"]].concat())).exits(0);
    bridged.node.kill().expect("it runs");
    publish(bridged.there(), &["-q", "1", "-t", "up/meanwhile", "-m", "node down"]).exits(0);
    bridged.node.start_again().expect("it starts again");
    let waited = [&session[..], &["-C", "1", "-W", "15", "-F", "%t %p"]].concat();
    let came = command::run(&mut client("mosquitto_sub", bridged.here(), &waited)).exits(0);
    assert_eq!(came.stdout, "up/meanwhile node down\n");

    bridged.mosquitto.kill().expect("it runs");
    // A bridge hears that a message is to be kept, and keeps it.
    publish(bridged.here(), &["-q", "1", "-r", "-t", "down/meanwhile", "-m", "mosquitto down"]).exits(0);
    bridged.mosquitto.start_again().expect("it starts again");
    bridged.until_there_is("down/meanwhile", "mosquitto down");
}

#[test]
fn messages_cross_a_3_1_1_bridge_once_in_each_direction() {
    messages_cross_once_in_each_direction("mqttv311");
}

#[test]
fn messages_cross_a_5_bridge_once_in_each_direction() {
    messages_cross_once_in_each_direction("mqttv50");
}

#[test]
fn messages_cross_a_3_1_1_bridge_after_a_restart_of_either_side() {
    messages_cross_after_a_restart_of_either_side("mqttv311");
}

#[test]
fn messages_cross_a_5_bridge_after_a_restart_of_either_side() {
    messages_cross_after_a_restart_of_either_side("mqttv50");
}
