//! Bundles that somebody made by hand: names that lead elsewhere, links, bombs, cuts. Each is refused by its name, and nothing is written.

use crate::{bundles::apply, world::*};
use aisle_artefact::{
    Kind,
    bundle::{BundleError, Direction, Limits, down::ApplyError, inspect, up},
};
use std::io::{self, Read, Write};
use tar::{Builder, EntryType, Header};

/// A bundle that is written without any care.
pub struct Stick {
    tar: Builder<Vec<u8>>,
    entries: u64,
}

impl Stick {
    pub fn new(head: &str) -> Self {
        let mut stick = Self { tar: Builder::new(Vec::new()), entries: 0 };
        stick.file("bundle.json", head.as_bytes());
        stick.entries = 0;
        stick
    }

    /// With the hub's metadata.
    pub fn down(hub: &Hub) -> Self {
        let mut stick = Self::new("{\"form\":1,\"direction\":\"down\",\"from\":\"me\"}");
        hub.files().iter().for_each(|(name, bytes)| stick.file(&format!("metadata/{name}"), bytes));
        stick
    }

    pub fn file(&mut self, name: &str, bytes: &[u8]) {
        self.raw(name.as_bytes(), EntryType::Regular, bytes.len() as u64, bytes);
    }

    /// An entry with a header of whatever kind, that says whatever length.
    pub fn raw(&mut self, name: &[u8], kind: EntryType, says: u64, bytes: &[u8]) {
        self.entries += 1;
        let mut header = Header::new_ustar();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name);
        header.set_entry_type(kind);
        if kind == EntryType::Symlink || kind == EntryType::Link {
            header.set_link_name("/etc/passwd").unwrap();
        }
        header.set_size(says);
        header.set_mode(0o644);
        header.set_cksum();
        self.tar.append(&header, bytes).unwrap();
    }

    pub fn tar(mut self) -> Vec<u8> {
        let end = format!("{{\"entries\":{}}}", self.entries);
        self.file("end.json", end.as_bytes());
        self.tar.into_inner().unwrap()
    }

    pub fn finish(self) -> Vec<u8> {
        packed(&self.tar())
    }
}

pub fn packed(tar: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(tar, 1).unwrap()
}

/// What a store says of it, after it was seen that it did nothing.
fn refused(stick: impl AsRef<[u8]>) -> BundleError {
    let stick = stick.as_ref();
    let hub = Hub::new();
    let mut store = Store::new(&hub);
    let error = apply(&mut store, stick).unwrap_err();
    let contents = store.dir.path().join("contents");
    assert_eq!(std::fs::read_dir(contents).unwrap().count(), 0, "nothing was written");
    assert!(store.names().is_empty(), "nothing is believed");
    let ApplyError::Bundle(error) = error else { panic!("{error:?}") };
    assert!(inspect(stick, &Limits::default()).is_err(), "who only looks is told too");
    error
}

fn down() -> Stick {
    Stick::new("{\"form\":1,\"direction\":\"down\"}")
}

#[test]
fn a_name_that_leads_elsewhere_is_refused() {
    for name in ["../evil", "metadata/../../evil", "content/..", "./metadata/a.json", "metadata\\..\\evil"] {
        let mut stick = down();
        stick.file(name, b"x");
        let error = refused(stick.finish());
        assert!(matches!(&error, BundleError::Traversal { name: found } if found == name), "{name}: {error}");
    }
}

#[test]
fn an_absolute_name_is_refused() {
    for name in ["/etc/passwd", "//metadata/a.json", "\\evil", "C:\\evil", "c:/evil"] {
        let mut stick = down();
        stick.file(name, b"x");
        let error = refused(stick.finish());
        assert!(matches!(&error, BundleError::Absolute { name: found } if found == name), "{name}: {error}");
    }
}

#[test]
fn a_name_that_nothing_in_a_bundle_has_is_refused() {
    let hash = "ab".repeat(32);
    for name in [
        "",
        "evil",
        "metadata/a",
        "metadata/a b.json",
        "metadata/a/b.json",
        "metadata/.json",
        "content/",
        "content/00",
        &format!("content/{}", hash.to_uppercase()),
        &format!("content/{hash}x"),
        "up/00000001",
        "up/1",
        "bundle.json/x",
        "metadata/\u{e4}.json",
    ] {
        let mut stick = down();
        stick.file(name, b"{}");
        let error = refused(stick.finish());
        assert!(matches!(error, BundleError::Name { .. }), "{name}: {error}");
    }
    let mut stick = down();
    stick.raw(b"metadata/\xff\xfe.json", EntryType::Regular, 0, b"");
    assert!(matches!(refused(stick.finish()), BundleError::Name { .. }));
    // A prefix makes another name of it.
    let mut stick = down();
    let mut header = Header::new_ustar();
    header.as_mut_bytes()[..15].copy_from_slice(b"metadata/a.json");
    header.as_mut_bytes()[345..350].copy_from_slice(b"/evil");
    header.set_entry_type(EntryType::Regular);
    header.set_size(0);
    header.set_cksum();
    stick.tar.append(&header, io::empty()).unwrap();
    assert!(matches!(refused(stick.finish()), BundleError::Absolute { .. }));
}

#[test]
fn links_are_refused() {
    for kind in [EntryType::Symlink, EntryType::Link] {
        let mut stick = down();
        stick.raw(b"metadata/1.root.json", kind, 0, b"");
        let error = refused(stick.finish());
        assert!(matches!(&error, BundleError::Link { name } if name == "metadata/1.root.json"), "{error}");
    }
}

#[test]
fn whatever_is_no_plain_file_is_refused() {
    for kind in [
        EntryType::Directory,
        EntryType::Char,
        EntryType::Block,
        EntryType::Fifo,
        EntryType::Continuous,
        EntryType::GNULongName,
        EntryType::GNULongLink,
        EntryType::GNUSparse,
        EntryType::XHeader,
        EntryType::XGlobalHeader,
        EntryType::new(b'Z'),
    ] {
        let mut stick = down();
        stick.raw(b"metadata/1.root.json", kind, 0, b"");
        let error = refused(stick.finish());
        assert!(matches!(error, BundleError::Type { .. }), "{kind:?}: {error}");
    }
    let mut stick = down();
    let mut header = Header::new_gnu();
    header.set_path("metadata/1.root.json").unwrap();
    header.set_size(0);
    header.set_cksum();
    stick.tar.append(&header, io::empty()).unwrap();
    assert!(matches!(refused(stick.finish()), BundleError::Dialect { .. }), "one dialect of tar is enough");
}

#[test]
fn a_name_twice_is_refused() {
    let mut stick = down();
    stick.file("metadata/1.root.json", b"{}");
    stick.file("metadata/1.root.json", b"{}");
    let error = refused(stick.finish());
    assert!(matches!(&error, BundleError::Duplicate { name } if name == "metadata/1.root.json"), "{error}");
}

#[test]
fn an_entry_longer_than_may_be_is_refused_by_its_header() {
    for (name, max) in [
        ("metadata/1.root.json".to_owned(), Limits::default().metadata_bytes_max),
        (format!("content/{}", "ab".repeat(32)), Limits::default().content_bytes_max),
        ("end.json".to_owned(), 4096),
    ] {
        let mut stick = down();
        // What follows is not read any more.
        stick.raw(name.as_bytes(), EntryType::Regular, max + 1, b"short");
        let error = refused(stick.finish());
        assert!(
            matches!(&error, BundleError::TooLong { name: found, bytes_max, .. }
            if *found == name && *bytes_max == max),
            "{error}"
        );
    }
    let mut stick = down();
    let half = vec![b' '; (Limits::default().metadata_bytes_max / 2) as usize + 1];
    stick.file("metadata/1.root.json", &half);
    stick.file("metadata/2.root.json", &half);
    assert!(
        matches!(refused(stick.finish()), BundleError::TooLong { .. }),
        "all of them together are bounded too"
    );
}

/// Zeros, as many as one likes; nobody holds them.
fn zeros(gib: u64) -> impl Read {
    io::repeat(0).take(gib << 30)
}

#[test]
fn a_frame_that_unpacks_to_far_more_than_it_is_is_refused_early() {
    // A tar that never ends its padding, of 4 GiB of zeros in some hundred kilobytes.
    let mut tar = down().tar();
    tar.truncate(tar.len() - 1024);
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.write_all(&tar).unwrap();
    io::copy(&mut zeros(1), &mut encoder).unwrap();
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 1 << 20, "{} bytes", bomb.len());
    assert!(matches!(refused(bomb), BundleError::Trailing));

    // A content that somebody signed, so that its length is not what gives it away.
    let limits = Limits { unpacked_bytes_max: 8 << 20, ..Limits::default() };
    let mut tar = Builder::new(Vec::new());
    for number in 0..10 {
        let mut header = Header::new_ustar();
        header.set_path(format!("content/{number:064}")).unwrap();
        header.set_entry_type(EntryType::Regular);
        header.set_size(1 << 20);
        header.set_cksum();
        if number == 0 {
            let mut head = header.clone();
            head.set_path("bundle.json").unwrap();
            head.set_size(29);
            head.set_cksum();
            tar.append(&head, &b"{\"form\":1,\"direction\":\"down\"}"[..]).unwrap();
        }
        tar.append(&header, io::repeat(0).take(1 << 20)).unwrap();
    }
    let bomb = packed(&tar.into_inner().unwrap());
    let error = inspect(bomb.as_slice(), &limits).unwrap_err();
    assert!(matches!(error, BundleError::TooMuch { what: "the unpacked bytes", .. }), "{error}");
}

#[test]
fn more_entries_than_may_be_are_refused() {
    let limits = Limits { entries_max: 10, ..Limits::default() };
    let mut stick = down();
    for number in 1..=20 {
        stick.file(&format!("metadata/{number}.root.json"), b"");
    }
    let error = inspect(stick.finish().as_slice(), &limits).unwrap_err();
    assert!(matches!(error, BundleError::TooMuch { what: "the entries", max: 10 }), "{error}");
}

#[test]
fn a_frame_that_wants_more_memory_than_there_is_for_it_is_refused() {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    // With its length said the window is no larger than that.
    encoder.write_all(&down().tar()).unwrap();
    io::copy(&mut io::repeat(1).take(1 << 20), &mut encoder).unwrap();
    let error = refused(encoder.finish().unwrap());
    assert!(matches!(error, BundleError::Malformed(_)), "{error:?}");
}

#[test]
fn what_is_no_bundle_or_ends_too_early_is_told_apart() {
    assert!(matches!(refused(b"hello, this is a text file"), BundleError::Malformed(_)));
    assert!(matches!(refused(Vec::new()), BundleError::Truncated));
    assert!(matches!(refused(packed(b"")), BundleError::Truncated));
    assert!(matches!(refused(packed(&[7; 512])), BundleError::Malformed(_)), "no header has that sum");
    let mut stick = down();
    stick.file("metadata/1.root.json", b"{}");
    // The tar ends properly, and the frame does; only the end is not there.
    let without_end = packed(&stick.tar.into_inner().unwrap());
    assert!(matches!(refused(without_end), BundleError::Truncated));
    let whole = down().finish();
    let cut = refused(&whole[..whole.len() - 3]);
    assert!(matches!(cut, BundleError::Truncated), "{cut:?}");
}

#[test]
fn what_follows_the_end_or_comes_before_the_beginning_is_refused() {
    let mut whole = down().finish();
    whole.extend(b"more");
    assert!(matches!(refused(whole), BundleError::Malformed(_) | BundleError::Truncated));
    let mut whole = down().finish();
    whole.extend(packed(b"another frame"));
    assert!(matches!(refused(whole), BundleError::Trailing));
    let mut stick = down();
    stick.file("end.json", b"{\"entries\":0}");
    stick.file("metadata/1.root.json", b"{}");
    assert!(matches!(refused(stick.finish()), BundleError::Name { name } if name == "metadata/1.root.json"));
    let mut headless = Stick { tar: Builder::new(Vec::new()), entries: 0 };
    headless.file("metadata/1.root.json", b"{}");
    assert!(matches!(refused(headless.finish()), BundleError::Name { .. }));
    let mut stick = down();
    stick.file("bundle.json", b"{}");
    assert!(matches!(refused(stick.finish()), BundleError::Name { .. }));
    let mut stick = down();
    stick.file("metadata/1.root.json", b"{}");
    stick.entries = 7;
    assert!(matches!(refused(stick.finish()), BundleError::Count { found: 1, said: 7 }));
}

#[test]
fn a_bundle_of_another_form_or_the_other_way_is_refused() {
    assert!(matches!(
        refused(Stick::new("{\"form\":2,\"direction\":\"down\"}").finish()),
        BundleError::Form { found: 2 }
    ));
    assert!(matches!(refused(Stick::new("nothing").finish()), BundleError::Json { .. }));
    let (up, _) =
        up::export(Vec::new(), "store", up::START, Vec::<(&str, &[u8])>::new(), &Limits::default()).unwrap();
    let hub = Hub::new();
    let mut store = Store::new(&hub);
    let error = apply(&mut store, &up).unwrap_err();
    let is_up = matches!(
        error,
        ApplyError::Bundle(BundleError::Direction { found: Direction::Up, expected: Direction::Down })
    );
    assert!(is_up, "{error:?}");
}

#[test]
fn metadata_behind_a_content_is_refused() {
    let mut hub = Hub::new();
    let one = plugin("scan-and-go", "2.0.0");
    hub.add(Kind::Plugin, &add(&[&one]));
    let mut store = Store::new(&hub);
    let mut stick = Stick::down(&hub);
    stick.file(&format!("content/{}", one.blake3), &content(&one.id, 3000));
    stick.file("metadata/9.root.json", b"{}");
    let error = apply(&mut store, &stick.finish()).unwrap_err();
    assert!(matches!(error, ApplyError::Bundle(BundleError::Name { .. })), "{error:?}");
}
