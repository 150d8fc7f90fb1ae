//! What the attackers have in common: coming in, bytes that nobody should send, and looking at how it ended.

use aisle_harness::mqtt::raw::{Connect, Packet, Properties, Publish, RawClient, RawError, Version, write};
use std::{net::SocketAddr, time::Duration};

/// How long the broker may take for anything it is expected to do.
pub(super) const SOON: Duration = Duration::from_secs(15);
/// Long enough to see that nothing happens.
pub(super) const QUIET: Duration = Duration::from_millis(300);

/// Comes in with a clean session of MQTT 5.
pub(super) async fn enter(address: SocketAddr, client: &str) -> RawClient {
    enter_as(address, &Connect::clean(Version::V5, client)).await
}

/// Comes in.
pub(super) async fn enter_as(address: SocketAddr, connect: &Connect) -> RawClient {
    RawClient::connect(address, connect).await.unwrap_or_else(|error| panic!("{error}: {connect:?}")).0
}

/// The reason with which a CONNECT is refused.
pub(super) async fn refused(address: SocketAddr, connect: &Connect) -> u8 {
    match RawClient::connect(address, connect).await {
        Err(RawError::Refused { reason, .. }) => reason,
        other => panic!("it should have been refused: {other:?}"),
    }
}

/// The reason of the DISCONNECT with which the broker ends a conversation; what comes before it is let go.
pub(super) async fn ended(client: &mut RawClient) -> u8 {
    loop {
        match client.recv_packet(SOON).await {
            Ok(Packet::Disconnect { reason, .. }) => return reason,
            Ok(_) => {}
            Err(error) => panic!("it went without a reason: {error}"),
        }
    }
}

/// Says these bytes in a conversation of MQTT 5, and gives the reason with which it is ended.
pub(super) async fn ended_by(address: SocketAddr, bytes: &[u8]) -> u8 {
    let mut client = enter(address, "").await;
    client.send_bytes(bytes).await.expect("it is connected");
    ended(&mut client).await
}

/// The next packet.
pub(super) async fn next(client: &mut RawClient) -> Packet {
    client.recv_packet(SOON).await.unwrap_or_else(|error| panic!("a packet was expected: {error}"))
}

/// Publishes with QoS 1 and gives the reason of the answer.
pub(super) async fn say(client: &mut RawClient, publish: Publish) -> u8 {
    let publish = Publish { qos: 1, packet_id: 7, ..publish };
    client.publish(&publish).await.expect("it is connected");
    loop {
        if let Packet::Puback { packet_id: 7, reason } = next(client).await {
            return reason;
        }
    }
}

/// Subscribes to many filters with one packet, and gives the reasons of the answer.
pub(super) async fn subscribe(client: &mut RawClient, filters: &[&str], options: u8) -> Vec<u8> {
    let filters: Vec<(&str, u8)> = filters.iter().map(|filter| (*filter, options)).collect();
    let mut bytes = Vec::new();
    write::subscribe(&mut bytes, Version::V5, 9, &filters);
    client.send_bytes(&bytes).await.expect("it is connected");
    loop {
        if let Packet::Suback { packet_id: 9, reasons, .. } = next(client).await {
            return reasons;
        }
    }
}

/// A message.
pub(super) fn message(topic: impl Into<String>, payload: &'static [u8]) -> Publish {
    Publish { topic: topic.into(), payload: payload.into(), ..Publish::default() }
}

/// The same, to be retained.
pub(super) fn retained(topic: impl Into<String>, payload: &'static [u8]) -> Publish {
    Publish { retain: true, ..message(topic, payload) }
}

/// A message with properties.
pub(super) fn with_properties(publish: Publish, properties: &[u8]) -> Publish {
    Publish { properties: Properties::new(properties.to_vec()), ..publish }
}

/// A message as bytes of MQTT 5.
pub(super) fn bytes_of(publish: &Publish) -> Vec<u8> {
    let mut bytes = Vec::new();
    write::publish(&mut bytes, Version::V5, publish);
    bytes
}

/// A CONNECT as bytes.
pub(super) fn connect_bytes(connect: &Connect) -> Vec<u8> {
    let mut bytes = Vec::new();
    write::connect(&mut bytes, connect);
    bytes
}

/// Numbers that look random and are the same each time.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}
