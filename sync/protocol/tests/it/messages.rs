//! Control messages and frames: additive for ever, bounded, and never a reason to fall over.

use crate::golden::messages;
use aisle_protocol::{
    LogClass, Message, Stream, Version,
    control::MessageError,
    frame::{FrameError, Frames, frame},
    limits::{MESSAGE_BYTES_MAX, POINTS_MAX},
};
use bytes::BytesMut;
use minicbor::Encoder;
use proptest::prelude::*;

#[test]
fn a_message_of_another_time_is_passed_over() {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes);
    encoder.array(2).unwrap().u32(4711).unwrap().map(1).unwrap().u8(1).unwrap().str("news").unwrap();
    assert_eq!(Message::decode(&bytes), Ok(Message::Unknown(4711)));
}

#[test]
fn a_field_of_another_time_is_passed_over() {
    for (name, message) in messages() {
        let bytes = message.encode();
        let mut decoder = minicbor::Decoder::new(&bytes);
        decoder.array().unwrap();
        let number = decoder.u32().unwrap();
        let fields = decoder.map().unwrap().unwrap();
        let rest = &bytes[decoder.position()..];
        let mut more = Vec::new();
        let mut encoder = Encoder::new(&mut more);
        encoder.array(2).unwrap().u32(number).unwrap().map(fields + 1).unwrap();
        more.extend_from_slice(rest);
        let mut encoder = Encoder::new(&mut more);
        encoder.u8(99).unwrap().array(2).unwrap().str("later").unwrap().u8(1).unwrap();
        assert_eq!(Message::decode(&more), Ok(message), "{name}");
    }
}

#[test]
fn lists_and_texts_beyond_their_bounds_are_refused() {
    for (name, message) in messages() {
        match message {
            Message::Locate(mut locate) => {
                locate.points = vec![locate.points[0]; POINTS_MAX + 1];
                let refused = Message::decode(&Message::from(locate).encode());
                assert_eq!(refused, Err(MessageError::Bound { number: 12, field: "points" }), "{name}");
            }
            Message::Hello(mut hello) => {
                hello.node = "x".repeat(600);
                let refused = Message::decode(&Message::from(hello).encode());
                assert_eq!(refused, Err(MessageError::Bound { number: 1, field: "node" }), "{name}");
            }
            _ => {}
        }
    }
}

#[test]
fn a_list_that_only_claims_to_be_long_costs_nothing() {
    // LOCATE with 2^60 points.
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes);
    encoder.array(2).unwrap().u32(12).unwrap().map(1).unwrap().u8(3).unwrap().array(1 << 60).unwrap();
    assert!(Message::decode(&bytes).is_err());
}

#[test]
fn versions_meet_at_the_best_that_both_speak() {
    let [new, now, old, other] =
        [(1, 2), (1, 1), (1, 0), (2, 0)].map(|(major, minor)| Version::new(major, minor));
    assert_eq!(Version::negotiate(&[now, old], &[new, now]), Some(now));
    assert_eq!(Version::negotiate(&[now, old], &[old]), Some(old), "with the minor before");
    assert_eq!(Version::negotiate(&[now, old], &[other, new]), None);
    assert_eq!(Version::spoken()[0], Version::CURRENT);
}

#[test]
fn frames_come_out_whole_however_their_bytes_come_in() {
    let long = vec![7; 70_000];
    let contents: [&[u8]; 4] = [b"a", b"bc", &long, &[0; 200]];
    let bytes: Vec<u8> = contents.iter().flat_map(|content| frame(content)).collect();
    for step in [1, 2, 3, 1000, bytes.len()] {
        let mut frames = Frames::of(Stream::Down);
        let mut whole = Vec::new();
        for piece in bytes.chunks(step) {
            frames.push(piece);
            while let Some(content) = frames.next_frame().unwrap() {
                whole.push(content);
            }
        }
        assert_eq!(whole, contents, "{step}");
        assert!(!frames.is_partial());
    }
}

#[test]
fn a_frame_beyond_the_bound_of_its_stream_is_refused_by_its_length_alone() {
    let mut frames = Frames::of(Stream::Control);
    frames.push(&frame(&vec![0; MESSAGE_BYTES_MAX + 1])[..3]);
    assert_eq!(frames.next_frame(), Err(FrameError::TooLong { bytes_max: MESSAGE_BYTES_MAX }));
    let mut frames = Frames::of(Stream::Up(LogClass::Sales));
    frames.push(&[0xff, 0xff, 0xff, 0xff]);
    assert!(matches!(frames.next_frame(), Err(FrameError::TooLong { .. })));
    let mut frames = Frames::of(Stream::Control);
    frames.push(&[0]);
    assert_eq!(frames.next_frame(), Err(FrameError::Empty));
}

#[test]
fn a_stream_opens_with_what_it_is_for() {
    let hash = aisle_protocol::Hash([5; 32]);
    for stream in [Stream::Control, Stream::Up(LogClass::Bulk), Stream::Down, Stream::Chunk(hash)] {
        let opening = stream.opening();
        let mut buffer = BytesMut::new();
        for byte in &opening {
            assert_eq!(Stream::read_opening(&mut buffer), Ok(None));
            buffer.extend_from_slice(&[*byte]);
        }
        buffer.extend_from_slice(b"rest");
        assert_eq!(Stream::read_opening(&mut buffer), Ok(Some(stream)));
        assert_eq!(&buffer[..], b"rest");
    }
    assert!(Stream::read_opening(&mut BytesMut::from(&[9_u8][..])).is_err());
    assert!(Stream::read_opening(&mut BytesMut::from(&[1_u8, 9][..])).is_err());
}

proptest! {
    #[test]
    fn made_up_messages_are_refused_or_read_and_never_hurt(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(Message::decode(&bytes));
    }

    #[test]
    fn changed_messages_never_hurt(
        which in any::<prop::sample::Index>(), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5)
    ) {
        let messages = messages();
        let mut bytes = messages[which.index(messages.len())].1.encode();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(message) = Message::decode(&bytes) {
            prop_assert_eq!(Message::decode(&message.encode()), Ok(message));
        }
    }
}
