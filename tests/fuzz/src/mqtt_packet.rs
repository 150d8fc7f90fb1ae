//! MQTT packets: any bytes are packets or refused, in pieces as at once, and a packet survives its own encoding.

use aisle_broker::packet::{Codec, Malformed, Packet, Version};
use bytes::BytesMut;

const PACKET_BYTES_MAX: u32 = 1 << 16;
/// Beside twice of what came.
const SPARE_BYTES_MAX: usize = 8192;

/// The first byte chooses who reads and how large the pieces are, the rest is what comes.
///
/// # Panics
/// When pieces and the whole differ, when more memory is held than was sent, or when a packet does not survive.
pub fn mqtt_packet(input: &[u8]) {
    let Some((choice, bytes)) = input.split_first() else { return };
    let piece = usize::from(choice >> 2) + 1;
    let codec = || match choice & 0b11 {
        0 => Codec::server(PACKET_BYTES_MAX),
        1 => Codec::client(Version::V31, PACKET_BYTES_MAX),
        2 => Codec::client(Version::V311, PACKET_BYTES_MAX),
        _ => Codec::client(Version::V5, PACKET_BYTES_MAX),
    };
    let whole = decode(&mut codec(), bytes, usize::MAX);
    assert_eq!(decode(&mut codec(), bytes, piece), whole);
    check_round_trip(choice & 0b11 == 0, &codec(), &whole.0);
}

/// All that comes out, and how it ended.
fn decode(codec: &mut Codec, bytes: &[u8], piece: usize) -> (Vec<Packet>, Option<Malformed>) {
    let (mut input, mut packets, mut came) = (BytesMut::new(), Vec::new(), 0);
    for piece in bytes.chunks(piece) {
        input.extend_from_slice(piece);
        came += piece.len();
        loop {
            match codec.decode(&mut input) {
                Ok(Some(packet)) => packets.push(packet),
                Ok(None) => break,
                Err(malformed) => return (packets, Some(malformed)),
            }
        }
        assert!(input.capacity() <= 2 * came + SPARE_BYTES_MAX, "{} bytes for {came}", input.capacity());
    }
    (packets, None)
}

/// The other end writes the packets again.
fn check_round_trip(is_from_client: bool, reader: &Codec, packets: &[Packet]) {
    let version = match packets.first() {
        Some(Packet::Connect(connect)) => connect.version,
        Some(_) => reader.version().expect("a client has a version"),
        None => return,
    };
    let (writer, mut reader) = if is_from_client {
        (Codec::client(version, 0), Codec::server(PACKET_BYTES_MAX))
    } else {
        (server(version), Codec::client(version, PACKET_BYTES_MAX))
    };
    for packet in packets {
        let mut bytes = BytesMut::new();
        if let Err(error) = writer.encode(packet, &mut bytes) {
            panic!("{packet:?} was decoded and cannot be encoded: {error}");
        }
        if let Packet::Publish(publish) = packet {
            assert_eq!(Codec::publish_bytes(version, publish), bytes.len());
        }
        assert_eq!(reader.decode(&mut bytes).as_ref(), Ok(&Some(packet.clone())));
        assert!(bytes.is_empty());
    }
}

/// A server's codec that had a CONNECT.
fn server(version: Version) -> Codec {
    let connect: &[u8] = match version {
        Version::V31 => b"\x10\x0F\0\x06MQIsdp\x03\x02\0\0\0\x01a",
        Version::V311 => b"\x10\x0D\0\x04MQTT\x04\x02\0\0\0\x01a",
        Version::V5 => b"\x10\x0E\0\x04MQTT\x05\x02\0\0\0\0\x01a",
    };
    let mut codec = Codec::server(PACKET_BYTES_MAX);
    assert!(matches!(codec.decode(&mut BytesMut::from(connect)), Ok(Some(_))));
    codec
}

/// The first byte and what follows after the length, which is less than 128.
type Frame = (u8, &'static [u8]);

/// A conversation of each version, both halves.
pub(crate) fn examples() -> Vec<Vec<u8>> {
    let conversations: [(u8, &[Frame]); 4] = [
        (
            7 << 2,
            &[
                (0x10, b"\0\x04MQTT\x04\xEE\0\x0A\0\x01a\0\x01w\0\x01g\0\x01u\0\x01p"),
                (0x82, b"\0\x01\0\x03a/+\x01\0\x01#\x02"),
                (0x3D, b"\0\x01a\0\x02abc"),
                (0x62, b"\0\x02"),
                (0x40, b"\0\x03"),
                (0xC0, b""),
                (0xA2, b"\0\x04\0\x01#"),
                (0xE0, b""),
            ],
        ),
        (
            2 << 2,
            &[
                (
                    0x10,
                    b"\0\x04MQTT\x05\x0E\0\x0A\x0F\x11\0\0\0\x0A\x21\0\x0A\x27\0\x01\0\0\x17\x01\0\x01a\
                      \x0D\x18\0\0\0\x01\x26\0\x01k\0\x02vv\0\x01w\0\x01g",
                ),
                (0x82, b"\0\x01\x02\x0B\x07\0\x01#\x2E"),
                (
                    0x32,
                    b"\0\x01a\0\x02\x19\x01\x01\x02\0\0\0\x09\x23\0\x01\x08\0\x01r\x09\0\x01c\
                      \x26\0\x01k\0\x01vabc",
                ),
                (0x40, b"\0\x03\x97\x06\x1F\0\x03why"),
                (0x50, b"\0\x04\x10"),
                (0xA2, b"\0\x05\0\0\x01#"),
                (0xF0, b"\x18\x04\x15\0\x01m"),
                (0xE0, b"\x04\x05\x11\0\0\0\x05"),
            ],
        ),
        (
            2,
            &[
                (0x20, b"\x01\0"),
                (0x90, b"\0\x01\x01\x80"),
                (0xB0, b"\0\x02"),
                (0x32, b"\0\x01a\0\x01b"),
                (0xD0, b""),
            ],
        ),
        (
            3,
            &[
                (0x20, b"\0\0\x08\x21\0\x0A\x12\0\x02id"),
                (0x90, b"\0\x01\0\x01\x87"),
                (0xB0, b"\0\x02\0\x11"),
                (0x30, b"\0\x01a\x04\x0B\x01\x0B\x02x"),
                (0xE0, b"\x8E"),
            ],
        ),
    ];
    let bytes = |packets: &[Frame]| -> Vec<u8> {
        packets.iter().flat_map(|(first, body)| [&[*first, body.len() as u8], *body].concat()).collect()
    };
    conversations.iter().map(|(choice, packets)| [&[*choice], &bytes(packets)[..]].concat()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_are_well_formed() {
        for example in examples() {
            let client = match example[0] & 0b11 {
                2 => Some(Version::V311),
                3 => Some(Version::V5),
                _ => None,
            };
            let mut codec =
                client.map_or(Codec::server(PACKET_BYTES_MAX), |v| Codec::client(v, PACKET_BYTES_MAX));
            let (packets, malformed) = decode(&mut codec, &example[1..], usize::MAX);
            assert_eq!(malformed, None, "{packets:?}");
            assert!(packets.len() >= 5, "{packets:?}");
        }
    }
}
