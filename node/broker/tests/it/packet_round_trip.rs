//! Every packet survives its own bytes, in pieces of any size; and no bytes do harm.

use crate::{
    packet::server,
    packet_any::{connect, from_client, from_server, version},
};
use aisle_broker::packet::{Codec, Malformed, Packet, Version};
use bytes::BytesMut;
use proptest::{
    collection::vec,
    prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest},
    prop_oneof,
    sample::Index,
};

const BYTES_MAX: u32 = 1 << 20;

fn encode(codec: &Codec, packets: &[Packet]) -> BytesMut {
    let mut out = BytesMut::new();
    packets.iter().for_each(|packet| codec.encode(packet, &mut out).unwrap());
    out
}

/// All that comes out, and how it ended.
fn decode(codec: &mut Codec, input: &mut BytesMut) -> (Vec<Packet>, Option<Malformed>) {
    let mut packets = Vec::new();
    loop {
        match codec.decode(input) {
            Ok(Some(packet)) => packets.push(packet),
            Ok(None) => return (packets, None),
            Err(malformed) => return (packets, Some(malformed)),
        }
    }
}

/// The same, fed in pieces. No more memory is held than a few times what came.
fn decode_pieces(codec: &mut Codec, bytes: &[u8], cuts: &[Index]) -> (Vec<Packet>, Option<Malformed>) {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    cuts.push(bytes.len());
    cuts.sort_unstable();
    let (mut input, mut packets, mut from) = (BytesMut::new(), Vec::new(), 0);
    for until in cuts {
        input.extend_from_slice(&bytes[from..until]);
        from = until;
        let (more, malformed) = decode(codec, &mut input);
        packets.extend(more);
        if malformed.is_some() {
            return (packets, malformed);
        }
        assert!(input.capacity() <= 2 * until + 8192, "{} bytes for {until}", input.capacity());
    }
    (packets, None)
}

fn conversation() -> impl Strategy<Value = (Version, Vec<Packet>)> {
    version().prop_flat_map(|version| {
        let packets = vec(from_client(version), 0..6);
        (connect(version), packets).prop_map(move |(mut connect, mut packets)| {
            // Else its answers would have to be short.
            connect.packet_bytes_max = None;
            packets.insert(0, Packet::Connect(Box::new(connect)));
            (version, packets)
        })
    })
}

/// Bytes of a conversation, some of them changed.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let sound =
        conversation().prop_map(|(version, packets)| encode(&Codec::client(version, 0), &packets).to_vec());
    (sound, vec((any::<Index>(), any::<u8>()), 0..4)).prop_map(|(mut bytes, changes)| {
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}

proptest! {
    #[test]
    fn what_a_client_says_is_what_the_server_reads((version, packets) in conversation()) {
        let mut bytes = encode(&Codec::client(version, BYTES_MAX), &packets);
        prop_assert_eq!(decode(&mut Codec::server(BYTES_MAX), &mut bytes), (packets, None));
        prop_assert!(bytes.is_empty());
    }

    #[test]
    fn what_a_server_says_is_what_the_client_reads(
        (version, packets) in version().prop_flat_map(|v| (proptest::prelude::Just(v), vec(from_server(v), 0..6)))
    ) {
        let mut bytes = encode(&server(version), &packets);
        prop_assert_eq!(decode(&mut Codec::client(version, BYTES_MAX), &mut bytes), (packets, None));
        prop_assert!(bytes.is_empty());
    }

    #[test]
    fn the_length_of_a_publish_is_known_before_it_is_written(
        (version, packet) in version().prop_flat_map(|v| (proptest::prelude::Just(v), from_server(v)))
    ) {
        if let Packet::Publish(publish) = &packet {
            let bytes = Codec::publish_bytes(version, publish);
            prop_assert_eq!(bytes, encode(&server(version), &[packet]).len());
        }
    }

    #[test]
    fn pieces_of_any_size_make_the_same_packets(
        (version, packets) in conversation(),
        cuts in vec(any::<Index>(), 0..30),
    ) {
        let bytes = encode(&Codec::client(version, BYTES_MAX), &packets);
        let pieces = decode_pieces(&mut Codec::server(BYTES_MAX), &bytes, &cuts);
        prop_assert_eq!(pieces, (packets, None));
    }

    #[test]
    fn no_bytes_do_harm_and_pieces_of_them_are_refused_alike(
        bytes in prop_oneof![damaged(), vec(any::<u8>(), 0..200)],
        cuts in vec(any::<Index>(), 0..30),
        client in version(),
    ) {
        let at_once = decode(&mut Codec::server(BYTES_MAX), &mut BytesMut::from(&bytes[..]));
        prop_assert_eq!(decode_pieces(&mut Codec::server(BYTES_MAX), &bytes, &cuts), at_once);
        let at_once = decode(&mut Codec::client(client, BYTES_MAX), &mut BytesMut::from(&bytes[..]));
        prop_assert_eq!(decode_pieces(&mut Codec::client(client, BYTES_MAX), &bytes, &cuts), at_once);
    }
}

#[test]
fn a_length_that_is_announced_costs_nothing_until_the_bytes_come() {
    let mut codec = Codec::server(u32::MAX);
    let mut input = BytesMut::from(&b"\x10\xFF\xFF\xFF\x7F"[..]);
    assert_eq!(codec.decode(&mut input), Ok(None));
    assert!(input.capacity() <= 8192, "{}", input.capacity());
    while input.len() < 200_000 {
        input.extend_from_slice(&[0; 1000]);
        assert_eq!(codec.decode(&mut input), Ok(None));
        assert!(input.capacity() <= 2 * input.len() + 8192, "{} for {}", input.capacity(), input.len());
    }
}

#[test]
fn a_packet_of_many_small_parts_is_refused_before_they_cost_memory() {
    let mut body = b"\0\x01".to_vec();
    body.extend(b"\0\x01a\0".repeat(5000));
    let mut input = BytesMut::from(&crate::packet::frame(0x82, &body)[..]);
    let malformed = server(Version::V311).decode(&mut input).unwrap_err();
    assert_eq!(malformed.to_string(), "SUBSCRIBE: it names more filters than are taken (reason code 0x97)");

    let mut body = b"\0\x01a\xA8\xC3\x01".to_vec();
    body.extend(b"\x26\0\0\0\0".repeat(5000));
    let mut input = BytesMut::from(&crate::packet::frame(0x30, &body)[..]);
    let malformed = server(Version::V5).decode(&mut input).unwrap_err();
    assert_eq!(
        malformed.to_string(),
        "PUBLISH: it has more user properties than are taken (reason code 0x97)"
    );
}
