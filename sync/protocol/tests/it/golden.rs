//! Bytes that were once on somebody's disk or line. New ones may come; one that changes means that two versions do not
//! understand each other, and the change is wrong.
//!
//! `AISLE_GOLDEN=write` writes those that are missing.

use crate::shop::{Shop, sales};
use aisle_event::StoreId;
use aisle_protocol::{
    Batch, Epoch, Hash, Head, Item, LogClass, LogId, Message, Point, PolicyId, Stream, Version,
    control::{
        Ack, Applied, ChunkPart, ChunkWanted, Credit, Cursor, Desired, Erase, Erased, ErrorCode, Hello,
        LinkKind, Locate, Located, LogState, Octets, Policy, Report, RetryAfter, Welcome,
    },
    frame::frame,
};
use bytes::Bytes;
use std::{fmt::Write, path::PathBuf};

fn hash(byte: u8) -> Hash {
    Hash([byte; 32])
}

fn point(seq: u64) -> Point {
    Point { seq, head: Head([seq as u8; 32]) }
}

/// One of each message, every field set; and some with as little as there may be.
pub fn messages() -> Vec<(&'static str, Message)> {
    let (class, epoch) = (LogClass::Stock, Epoch([9; 16]));
    let policy = PolicyId { version: 3, hash: hash(3) };
    let log = LogState { class, epoch, acked: point(40), last: point(52) };
    let hello = Hello {
        versions: vec![Version::new(1, 1), Version::new(1, 0)],
        store: StoreId::new("berlin-12").unwrap(),
        node: "node-7".into(),
        region: "eu".into(),
        link: LinkKind::Lte,
        logs: vec![log],
        policy,
        software: "aisle 0.1.0".into(),
        past: vec![LogState { epoch: Epoch([8; 16]), ..log }],
    };
    let least = Hello { logs: Vec::new(), past: Vec::new(), region: String::new(), ..hello.clone() };
    let cursor = Cursor { class, epoch, through: point(40), quarantined: false };
    let welcome = Welcome {
        version: Version::new(1, 0),
        region: "eu".into(),
        hub: "hub-1".into(),
        policy_wanted: Some(policy),
        cursors: vec![cursor],
    };
    let applied = Applied {
        name: "plugin/multi-buy".into(),
        version: "1.2.0".into(),
        hash: hash(4),
        ok: false,
        reason: Some("its smoke test failed".into()),
    };
    let octets = |bytes: &'static [u8]| Octets(Bytes::from_static(bytes));
    vec![
        ("hello", hello.into()),
        ("hello.minimal", least.into()),
        ("welcome.minimal", Welcome { policy_wanted: None, cursors: Vec::new(), ..welcome.clone() }.into()),
        ("welcome", welcome.into()),
        ("cursor", Cursor { quarantined: true, ..cursor }.into()),
        ("credit", Credit { class, bytes: 5 << 20, batches: 300 }.into()),
        ("ack", Ack { class, epoch, through: point(52) }.into()),
        ("retry_after", RetryAfter { ms: 1500, class: Some(class) }.into()),
        ("retry_after.minimal", RetryAfter { ms: 1500, class: None }.into()),
        ("policy", Policy { id: policy, document: octets(b"signed") }.into()),
        ("erase", Erase { id: hash(5), subject: octets(b"token") }.into()),
        ("erased", Erased { id: hash(5), receipt: octets(b"receipt") }.into()),
        ("report", Report { generation: 12, applied: vec![applied], node: None }.into()),
        ("error", Message::error(ErrorCode::FORK, "another event has this number", Some((class, epoch)))),
        ("error.minimal", Message::error(ErrorCode(4711), "of another time", None)),
        ("locate", Locate { class, epoch, points: vec![point(1), point(40)] }.into()),
        ("located", Located { class, epoch, seq: Some(40) }.into()),
        ("located.minimal", Located { class, epoch, seq: None }.into()),
        ("desired", Desired { generation: 12, manifest: octets(b"manifest") }.into()),
        ("chunk_wanted", ChunkWanted { hash: hash(6), offset: 1 << 20, bytes_max: 65_536 }.into()),
        (
            "chunk_part",
            ChunkPart { hash: hash(6), offset: 1 << 20, bytes_total: 3 << 20, bytes: octets(b"piece") }
                .into(),
        ),
    ]
}

/// Batches of every way to write a body.
pub fn batches() -> Vec<(&'static str, Batch)> {
    let log =
        LogId { store: StoreId::new("berlin-12").unwrap(), class: LogClass::Sales, epoch: Epoch([7; 16]) };
    let policy = PolicyId { version: 3, hash: hash(3) };
    let seal = |items: &[Item]| {
        let receipt = |_: &_| Bytes::from_static(b"receipt");
        Batch::seal(&log, log.start(), items, policy, receipt).unwrap()
    };
    let shop = Shop { with_token: true, ..Shop::BUSY };
    let foreign =
        Item { seq: 1, hlc: 1 << 40, kind: 0xffff, payload: Bytes::from_static(b"\xc1no CBOR of ours") };
    let odd = [0xa2, 0x01, 0x9f, 0x01, 0xff, 0x02, 0xf9, 0x3c, 0x00];
    let mixed = Item { seq: 2, hlc: (1 << 40) + 5, kind: 0x0201, payload: Bytes::copy_from_slice(&odd) };
    vec![
        ("batch.one_sale", seal(&sales(shop, 1, 1))),
        ("batch.sales", seal(&sales(shop, 1, 100))),
        ("batch.foreign", seal(&[foreign, mixed])),
    ]
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden")).join(format!("{name}.hex"))
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for line in bytes.chunks(48) {
        line.iter().for_each(|byte| write!(text, "{byte:02x}").unwrap());
        text.push('\n');
    }
    text
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn golden(name: &str, frame: &[u8]) -> Vec<u8> {
    let path = path(name);
    if !path.exists() && std::env::var_os("AISLE_GOLDEN").is_some_and(|value| value == "write") {
        std::fs::write(&path, hex(frame)).unwrap();
    }
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("`{}`: {error}; AISLE_GOLDEN=write writes it", path.display()));
    unhex(&text)
}

fn content(stream: Stream, frame: &[u8]) -> Bytes {
    let mut frames = aisle_protocol::frame::Frames::of(stream);
    frames.push(frame);
    let content = frames.next_frame().unwrap().unwrap();
    assert!(!frames.is_partial());
    content
}

#[test]
fn every_message_is_written_and_read_as_ever() {
    for (name, message) in messages() {
        let written = frame(&message.encode());
        let golden = golden(name, &written);
        assert_eq!(hex(&written), hex(&golden), "{name}");
        assert_eq!(Message::decode(&content(Stream::Down, &golden)), Ok(message), "{name}");
    }
}

#[test]
fn every_batch_is_read_as_ever() {
    for (name, batch) in batches() {
        let golden = golden(name, &frame(batch.bytes()));
        let read = Batch::parse(content(Stream::Up(LogClass::Sales), &golden)).unwrap();
        // How small a body is written may become better; what it says may not change.
        assert_eq!(read.header(), batch.header(), "{name}");
        assert_eq!(read.receipt(), batch.receipt(), "{name}");
        assert_eq!(read.check().unwrap().items(), batch.check().unwrap().items(), "{name}");
    }
}

#[test]
fn no_golden_file_is_left_that_nothing_reads() {
    let mut known: Vec<String> = messages().iter().map(|(name, _)| format!("{name}.hex")).collect();
    known.extend(batches().iter().map(|(name, _)| format!("{name}.hex")));
    for entry in std::fs::read_dir(path("x").parent().unwrap()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(known.contains(&name), "{name}");
    }
}
