//! Sealed at rest, and gone for good when the key is.

use crate::support::{Seeded, contains, event, golden, values};
use aisle_event::{Class, Event};
use aisle_residency::{
    Entropy,
    entropy::NoEntropy,
    seal::{ERASED, KeyId, KeyRing, RingError, SealError, Sealed, keys_in, open, seal},
    vocabulary::Path,
};

const NODE_KEY: [u8; 32] = [6; 32];

fn ring() -> KeyRing {
    KeyRing::new(&[5; 32])
}

#[test]
fn every_event_opens_as_it_was_sealed_and_shows_nothing_while_it_is() {
    let (mut ring, mut entropy) = (ring(), Seeded::new(1));
    let person = ring.person("17850");
    ring.key_of(person, &mut entropy).unwrap();
    for (name, kind, bytes) in golden() {
        let sealed = seal(kind, &bytes, &ring, person, &mut entropy).unwrap();
        let private = values(kind, &bytes).iter().filter(|value| value.class >= Class::Personal).count();
        assert_eq!(sealed == bytes, private == 0, "{name}");
        // Who has no keys reads the rest of it.
        let shut = Event::decode(kind, &sealed).unwrap_or_else(|error| panic!("{name}: {error}")).encode();
        assert!(!values(kind, &shut).iter().any(|value| {
            let plain =
                values(kind, &bytes).into_iter().find(|of| of.path == value.path && of.bytes == value.bytes);
            value.class >= Class::Personal && plain.is_some_and(|of| of.bytes.len() > 1)
        }));
        let key = ring.current_key(person).unwrap();
        assert_eq!(keys_in(kind, &sealed).unwrap(), (vec![key; private], 0), "{name}");
        assert_eq!(keys_in(kind, &bytes).unwrap(), (vec![], private), "{name}");
        let opened = open(kind, &sealed, &ring).unwrap();
        assert_eq!((opened.payload, opened.erased.len(), opened.lost.len()), (bytes, 0, 0), "{name}");
    }
}

#[test]
fn when_the_key_is_destroyed_the_fields_are_gone_and_the_rest_reads() {
    let (mut ring, mut entropy) = (ring(), Seeded::new(2));
    let person = ring.person("17850");
    let key = ring.key_of(person, &mut entropy).unwrap();
    let sealed: Vec<_> = golden()
        .into_iter()
        .map(|(name, kind, bytes)| {
            (name, kind, seal(kind, &bytes, &ring, person, &mut entropy).unwrap(), bytes)
        })
        .collect();
    assert_eq!(ring.erase(person), [key]);
    assert!(ring.is_destroyed(key) && ring.is_empty());
    for (name, kind, sealed, bytes) in sealed {
        let opened = open(kind, &sealed, &ring).unwrap();
        let private = values(kind, &bytes).iter().filter(|value| value.class >= Class::Personal).count();
        assert_eq!(opened.erased.len(), private, "{name}");
        Event::decode(kind, &opened.payload).unwrap_or_else(|error| panic!("{name}: {error}"));
        let left = values(kind, &opened.payload).into_iter().filter(|value| value.class >= Class::Personal);
        for value in left {
            let empty = value.bytes == minicbor::to_vec(ERASED).unwrap() || value.bytes == [0x40];
            assert!(empty, "{name}: {} is still there", value.path);
        }
    }
    assert_eq!(ring.erase(person), [], "a second time there is nothing left to destroy");
}

#[test]
fn who_comes_back_after_an_erasure_gets_another_key() {
    let (mut ring, mut entropy) = (ring(), Seeded::new(3));
    let person = ring.person("17850");
    let first = ring.key_of(person, &mut entropy).unwrap();
    assert_eq!(ring.key_of(person, &mut entropy).unwrap(), first);
    ring.erase(person);
    assert_ne!(ring.key_of(person, &mut entropy).unwrap(), first);
}

#[test]
fn a_value_cannot_be_moved_changed_or_opened_with_another_key() {
    let (mut ring, mut entropy) = (ring(), Seeded::new(4));
    let person = ring.person("17850");
    ring.key_of(person, &mut entropy).unwrap();
    let sale = event("sale_recorded");
    let back = event("return_recorded");
    let sealed = seal(sale.kind(), &sale.encode(), &ring, person, &mut entropy).unwrap();
    // The customer of the sale, as the customer of a return.
    let of_sale =
        values(sale.kind(), &sealed).into_iter().find(|value| value.path == "SaleRecorded.customer").unwrap();
    let mut moved = back.encode();
    let plain = values(back.kind(), &moved)
        .into_iter()
        .find(|value| value.path == "ReturnRecorded.customer")
        .unwrap();
    let at = moved.windows(plain.bytes.len()).position(|window| window == plain.bytes).unwrap();
    moved.splice(at..at + plain.bytes.len(), of_sale.bytes.clone());
    assert_eq!(open(back.kind(), &moved, &ring), Err(SealError::Forged));
    for at in 0..of_sale.bytes.len() {
        let start = sealed.windows(of_sale.bytes.len()).position(|window| window == of_sale.bytes).unwrap();
        let mut changed = sealed.clone();
        changed[start + at] ^= 1;
        let opened = open(sale.kind(), &changed, &ring);
        // A changed key id is a key that never was: that is told apart from one that was destroyed.
        let shut = opened.is_err() || !opened.unwrap().lost.is_empty();
        assert!(shut, "byte {at}");
    }
}

#[test]
fn the_ring_opens_with_the_nodes_key_only_and_shows_nothing() {
    let (mut ring, mut entropy) = (ring(), Seeded::new(5));
    let persons: Vec<_> = (0..50).map(|number| ring.person(&format!("customer-{number}"))).collect();
    let keys: Vec<KeyId> = persons.iter().map(|person| ring.key_of(*person, &mut entropy).unwrap()).collect();
    ring.erase(persons[7]);
    let bytes = ring.encode(&NODE_KEY, &mut entropy).unwrap();
    assert!(!contains(&bytes, "customer"));
    let opened = KeyRing::decode(&NODE_KEY, &bytes).unwrap();
    assert_eq!((opened.len(), opened.is_destroyed(keys[7])), (49, true));
    assert_eq!(opened.person("customer-3"), persons[3]);
    assert_eq!(KeyRing::decode(&[0; 32], &bytes).unwrap_err(), RingError::Locked);
    let mut changed = bytes.clone();
    *changed.last_mut().unwrap() ^= 1;
    assert_eq!(KeyRing::decode(&NODE_KEY, &changed).unwrap_err(), RingError::Locked);
    assert_eq!(format!("{opened:?}"), "KeyRing(49 keys, 1 destroyed)");
}

#[test]
fn a_ring_from_a_backup_forgets_again_what_the_journal_says_was_destroyed() {
    let (mut ring, mut entropy) = (ring(), Seeded::new(6));
    let person = ring.person("17850");
    let key = ring.key_of(person, &mut entropy).unwrap();
    let backup = ring.encode(&NODE_KEY, &mut entropy).unwrap();
    let sale = event("sale_recorded");
    let sealed = seal(sale.kind(), &sale.encode(), &ring, person, &mut entropy).unwrap();
    ring.erase(person);
    let mut restored = KeyRing::decode(&NODE_KEY, &backup).unwrap();
    assert!(open(sale.kind(), &sealed, &restored).unwrap().erased.is_empty(), "the backup still knows it");
    restored.bury([key]);
    let customer = Path::named("SaleRecorded.customer").unwrap();
    assert_eq!(open(sale.kind(), &sealed, &restored).unwrap().erased, [customer]);
    assert_ne!(restored.key_of(person, &mut entropy).unwrap(), key);
}

#[test]
fn without_randomness_or_a_key_nothing_is_sealed() {
    struct Broken;
    impl Entropy for Broken {
        fn fill(&mut self, _: &mut [u8]) -> Result<(), NoEntropy> {
            Err(NoEntropy)
        }
    }
    let mut ring = ring();
    let person = ring.person("17850");
    let sale = event("sale_recorded");
    assert_eq!(seal(sale.kind(), &sale.encode(), &ring, person, &mut Seeded::new(7)), Err(SealError::NoKey));
    assert_eq!(ring.key_of(person, &mut Broken), Err(RingError::Entropy(NoEntropy)));
    ring.key_of(person, &mut Seeded::new(7)).unwrap();
    assert_eq!(
        seal(sale.kind(), &sale.encode(), &ring, person, &mut Broken),
        Err(SealError::Entropy(NoEntropy))
    );
}

#[test]
fn a_key_that_was_kept_opens_again_and_one_without_a_person_seals_nothing() {
    let mut entropy = Seeded::new(9);
    let (mut first, mut second) = (ring(), ring());
    let person = first.person("17850");
    first.insert(KeyId([1; 8]), Some(person), &[7; 32]);
    let sale = event("sale_recorded");
    let sealed = seal(sale.kind(), &sale.encode(), &first, person, &mut entropy).unwrap();
    second.insert(KeyId([1; 8]), None, &[7; 32]);
    assert_eq!(open(sale.kind(), &sealed, &second).unwrap().payload, sale.encode());
    assert_eq!(seal(sale.kind(), &sale.encode(), &second, person, &mut entropy), Err(SealError::NoKey));
    second.bury([KeyId([1; 8])]);
    second.insert(KeyId([1; 8]), Some(person), &[7; 32]);
    assert!(second.is_empty(), "what was destroyed does not come back");
}

#[test]
fn a_sealed_value_reads_back() {
    assert_eq!(Sealed::decode(&[]), Err(SealError::Malformed));
    assert_eq!(Sealed::decode(&[1; 20]), Err(SealError::Malformed));
    let bytes = [1; 60];
    assert_eq!(Sealed::decode(&bytes).unwrap().encode(), bytes);
}

#[test]
fn keys_whose_records_are_trimmed_leave_nothing_behind() {
    let (mut ring, mut entropy) = (ring(), Seeded::new(8));
    let persons: Vec<_> = (0..3).map(|number| ring.person(&format!("customer-{number}"))).collect();
    let keys: Vec<KeyId> = persons.iter().map(|person| ring.key_of(*person, &mut entropy).unwrap()).collect();
    ring.erase(persons[0]);
    let sale = event("sale_recorded");
    let sealed = seal(sale.kind(), &sale.encode(), &ring, persons[1], &mut entropy).unwrap();
    ring.retire([keys[0], keys[1]]);
    assert_eq!(format!("{ring:?}"), "KeyRing(1 keys, 0 destroyed)");
    assert_eq!(ring.key_of(persons[2], &mut entropy).unwrap(), keys[2], "the others stay");
    let opened = open(sale.kind(), &sealed, &ring).unwrap();
    assert!(!opened.lost.is_empty() && opened.erased.is_empty(), "it is not said to be erased");
    assert_ne!(ring.key_of(persons[1], &mut entropy).unwrap(), keys[1]);
}
