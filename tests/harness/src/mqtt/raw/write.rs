//! Packets as bytes, appended to a buffer. Nothing is checked: wrong packets can be written too.

use super::{Ack, Connect, Publish, Version};

/// PINGREQ
pub const PINGREQ: [u8; 2] = [0xc0, 0];
/// DISCONNECT, in order.
pub const DISCONNECT: [u8; 2] = [0xe0, 0];

/// CONNECT
pub fn connect(out: &mut Vec<u8>, connect: &Connect) {
    let v5 = connect.version == Version::V5;
    let mut body = Vec::with_capacity(64);
    text(&mut body, b"MQTT");
    body.push(if v5 { 5 } else { 4 });
    let will = connect.will.as_ref();
    let flags = [
        (connect.clean_start, 0x02),
        (will.is_some(), 0x04),
        (will.is_some_and(|will| will.retain), 0x20),
        (connect.password.is_some(), 0x40),
        (connect.username.is_some(), 0x80),
    ];
    let flags = flags.into_iter().filter(|(set, _)| *set).fold(0, |flags, (_, flag)| flags | flag);
    body.push(flags | will.map_or(0, |will| will.qos << 3));
    body.extend_from_slice(&connect.keep_alive_s.to_be_bytes());
    if v5 {
        let mut properties = Vec::new();
        let mut property = |id: u8, value: Option<Vec<u8>>| {
            if let Some(value) = value {
                properties.push(id);
                properties.extend_from_slice(&value);
            }
        };
        property(0x11, connect.session_expiry_s.map(|seconds| seconds.to_be_bytes().into()));
        property(0x21, connect.receive_max.map(|messages| messages.to_be_bytes().into()));
        property(0x27, connect.packet_bytes_max.map(|bytes| bytes.to_be_bytes().into()));
        property(0x22, connect.topic_alias_max.map(|aliases| aliases.to_be_bytes().into()));
        properties.extend_from_slice(&connect.properties);
        counted(&mut body, &properties);
    }
    text(&mut body, connect.client_id.as_bytes());
    if let Some(will) = will {
        if v5 {
            counted(&mut body, &will.properties);
        }
        text(&mut body, will.topic.as_bytes());
        text(&mut body, &will.payload);
    }
    if let Some(username) = &connect.username {
        text(&mut body, username.as_bytes());
    }
    if let Some(password) = &connect.password {
        text(&mut body, password);
    }
    out.push(0x10);
    counted(out, &body);
}

/// PUBLISH
pub fn publish(out: &mut Vec<u8>, version: Version, publish: &Publish) {
    let properties = publish.properties.bytes();
    let properties_bytes = match version {
        Version::V311 => 0,
        Version::V5 => length_bytes(properties.len()) + properties.len(),
    };
    let id_bytes = if publish.qos > 0 { 2 } else { 0 };
    out.push(0x30 | u8::from(publish.dup) << 3 | publish.qos << 1 | u8::from(publish.retain));
    length(out, 2 + publish.topic.len() + id_bytes + properties_bytes + publish.payload.len());
    text(out, publish.topic.as_bytes());
    if publish.qos > 0 {
        out.extend_from_slice(&publish.packet_id.to_be_bytes());
    }
    if version == Version::V5 {
        counted(out, properties);
    }
    out.extend_from_slice(&publish.payload);
}

/// PUBACK, PUBREC, PUBREL, PUBCOMP; all went well. The same bytes in both versions.
pub fn ack(out: &mut Vec<u8>, ack: Ack, packet_id: u16) {
    let [high, low] = packet_id.to_be_bytes();
    out.extend_from_slice(&[ack as u8, 2, high, low]);
}

/// SUBSCRIBE: filters with their options (3.8.3.1), of which 3.1.1 knows only the QoS in the two lowest bits.
pub fn subscribe(out: &mut Vec<u8>, version: Version, packet_id: u16, filters: &[(&str, u8)]) {
    let mut body = request(version, packet_id);
    for (filter, options) in filters {
        text(&mut body, filter.as_bytes());
        body.push(*options);
    }
    out.push(0x82);
    counted(out, &body);
}

/// UNSUBSCRIBE
pub fn unsubscribe(out: &mut Vec<u8>, version: Version, packet_id: u16, filters: &[&str]) {
    let mut body = request(version, packet_id);
    for filter in filters {
        text(&mut body, filter.as_bytes());
    }
    out.push(0xa2);
    counted(out, &body);
}

fn request(version: Version, packet_id: u16) -> Vec<u8> {
    let mut body = packet_id.to_be_bytes().to_vec();
    if version == Version::V5 {
        body.push(0);
    }
    body
}

/// A text or binary data: two bytes of length, and as many bytes of it as that can say.
pub fn text(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend(bytes.iter().take(length.into()));
}

/// A length as a variable byte integer (1.5.5), and what is so long.
pub fn counted(out: &mut Vec<u8>, bytes: &[u8]) {
    length(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// A variable byte integer (1.5.5); one that is too large becomes more than four bytes.
pub fn length(out: &mut Vec<u8>, mut length: usize) {
    loop {
        let low = (length % 128) as u8;
        length /= 128;
        if length == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

fn length_bytes(length: usize) -> usize {
    match length {
        0..128 => 1,
        128..16_384 => 2,
        16_384..2_097_152 => 3,
        _ => 4,
    }
}
