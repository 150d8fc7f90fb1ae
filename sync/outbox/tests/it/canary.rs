//! A customer who must not get out, planted in every private field of every event type, looked for in every byte of every file of an outbox.

use crate::{
    gate::{class_of, golden, plant, trusted},
    support::{dir, setup, small, try_open},
};
use aisle_event::{Class, Field, LogClass};
use aisle_journal::{Entry, fault::FaultIo};
use aisle_outbox::Setup;
use aisle_protocol::node::Outbox as _;

const CANARY: &str = "CANARY-carla-1975-kanarienvogel";

fn private_and_no_thing(field: &Field) -> bool {
    class_of(field) >= Class::Pseudonymous && !field.holds.contains("DeviceId")
}

/// As a search, and quick enough for whole files.
fn contains(haystack: &[u8], needle: &str) -> bool {
    let (needle, end) =
        (needle.as_bytes(), haystack.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1));
    let mut rest = &haystack[..end];
    while let Some(at) = rest.iter().position(|byte| *byte == needle[0]) {
        if rest[at..].starts_with(needle) {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}

fn assert_clean(what: &str, bytes: &[u8]) {
    for part in [CANARY, "kanarienvogel", "carla-1975"] {
        assert!(!contains(bytes, part), "{what} holds `{part}`");
    }
    let hex = data_encoding::HEXLOWER.encode(CANARY.as_bytes());
    let base64 = data_encoding::BASE64URL_NOPAD.encode(CANARY.as_bytes());
    assert!(!contains(bytes, &hex) && !contains(bytes, &base64), "{what} holds the canary in other letters");
}

#[test]
fn a_canary_is_in_no_byte_of_any_file_by_the_policies_that_come_along() {
    for (text, to) in [
        (include_str!("../../../residency/policies/eu.toml"), "eu"),
        (include_str!("../../../residency/policies/eu.toml"), "global"),
        (include_str!("../../../residency/policies/cn.toml"), "cn"),
        (include_str!("../../../residency/policies/cn.toml"), "global"),
    ] {
        let disk = FaultIo::new(1);
        let setup = || Setup { region: to.parse().unwrap(), ..setup(trusted(text), small()) };
        let mut store = try_open(&disk, setup()).unwrap();
        let mut planted = 0;
        for (_, kind, bytes) in golden() {
            let payload = plant(kind, &bytes, &private_and_no_thing, CANARY);
            planted += usize::from(contains(&payload, CANARY));
            store.happen(vec![Entry { kind: kind.0, payload }]).unwrap();
        }
        assert!(planted > 40, "the canary is in: {planted}");
        store.seal_all();
        // A new epoch, a restart and a state with everything.
        let epoch = store.epoch(LogClass::Stock);
        store.outbox.renew(LogClass::Stock, epoch, 1);
        store.seal_all();
        drop(store);
        let mut store = try_open(&disk, setup()).unwrap();
        store.seal_all();
        assert_clean("the notices", format!("{:?}", store.notices).as_bytes());
        let mut files = 0;
        for class in LogClass::ALL {
            let dir = dir().join(format!("p{}", class.number()));
            for name in disk.io().list(&dir).unwrap() {
                files += 1;
                assert_clean(&name, &disk.contents(&dir.join(&name)).unwrap());
            }
            // Packing does not hide it.
            let mut at = 0;
            while let Some(batch) = store.outbox.batch_after(class, at).unwrap() {
                at = batch.header().end().seq;
                batch.items().unwrap().iter().for_each(|item| assert_clean("an item", &item.payload));
            }
        }
        assert!(files >= 4);
        assert_clean("the projector", format!("{:?} {:?}", store.projector, store.outbox).as_bytes());
    }
}
