//! Erasures go their way in one order, whatever is repeated, lost or out of turn.

use crate::support::{event, node, region};
use aisle_event::{Event, Timestamp};
use aisle_residency::{
    erasure::{Ask, Duty, Entry, Erasures, Proof, ProofError, Request, Step},
    seal::{KeyId, PersonId},
    signing::SigningKey,
};
use proptest::prelude::*;

const KEY: KeyId = KeyId([8; 8]);
const PERSON: PersonId = PersonId([4; 16]);

fn request() -> Request {
    Request {
        erasure: "e-1".into(),
        person: PERSON,
        asks: vec![Ask { region: "eu".into(), tokens: vec!["t1.AAAAAAAAAAA".into()] }],
        retain_until: Some(Timestamp(1000)),
        retention_basis: Some("HGB § 257".into()),
        at: Timestamp(10),
    }
}

fn advanced(step: Step, at: i64) -> Entry {
    Entry::Advanced { erasure: "e-1".into(), step, at: Timestamp(at) }
}

fn hub() -> SigningKey {
    SigningKey::from_seed(&[11; 32]).unwrap()
}

fn hub_proof() -> Vec<u8> {
    Proof {
        erasure: "e-1".into(),
        by: region("eu").to_string(),
        person: PERSON,
        keys: Vec::new(),
        through: 77,
        rows: 12,
        requested_at: Timestamp(30),
        completed_at: Timestamp(40),
        hubs: Vec::new(),
    }
    .sign(&hub())
}

/// Does what is due and writes the entry that says so.
fn answer(duty: &Duty, seq: u64, now: i64, erasures: &Erasures) -> Entry {
    let step = match duty {
        Duty::DestroyKeys { .. } => Step::KeyDestroyed { keys: vec![KEY], clear_through: 5 },
        Duty::RewriteDerived { .. } => Step::DerivedRewritten { through: seq - 1 },
        Duty::AwaitTrim { through, .. } => Step::RetentionEnded { through: *through },
        Duty::AskHub { ask, .. } => Step::HubErased { region: ask.region.clone(), proof: hub_proof() },
        Duty::Complete { .. } => {
            let proof = Proof::of(erasures.progress("e-1").unwrap(), "store-1", Timestamp(now)).unwrap();
            Step::Completed { proof: proof.sign(&node()) }
        }
    };
    advanced(step, now)
}

#[test]
fn an_erasure_goes_from_the_request_to_the_proof() {
    let mut erasures = Erasures::new();
    erasures.apply(5, &Entry::Requested(request()));
    assert_eq!(erasures.due(Timestamp(20)), [Duty::DestroyKeys { erasure: "e-1".into(), person: PERSON }]);
    erasures.apply(6, &advanced(Step::KeyDestroyed { keys: vec![KEY], clear_through: 5 }, 20));
    assert_eq!(erasures.destroyed_keys().collect::<Vec<_>>(), [KEY]);
    let ask = Duty::AskHub { erasure: "e-1".into(), ask: request().asks.remove(0) };
    let rewrite = Duty::RewriteDerived { erasure: "e-1".into(), at_least_through: 6 };
    assert_eq!(erasures.due(Timestamp(30)), [ask.clone(), rewrite.clone()]);
    erasures.apply(7, &advanced(Step::DerivedRewritten { through: 5 }, 30));
    assert_eq!(
        erasures.due(Timestamp(30)),
        [ask.clone(), rewrite],
        "what was made before the key went does not count"
    );
    erasures.apply(8, &advanced(Step::DerivedRewritten { through: 7 }, 31));
    assert_eq!(erasures.due(Timestamp(999)), std::slice::from_ref(&ask), "the law wants the records kept");
    erasures.apply(9, &advanced(Step::RetentionEnded { through: 9 }, 999));
    assert_eq!(erasures.due(Timestamp(1000)), [ask, Duty::AwaitTrim { erasure: "e-1".into(), through: 5 }]);
    erasures.apply(10, &advanced(Step::RetentionEnded { through: 5 }, 1000));
    assert_eq!(
        Proof::of(erasures.progress("e-1").unwrap(), "store-1", Timestamp(1001)),
        Err(ProofError::NotDone),
        "the hub has not answered"
    );
    erasures.apply(11, &advanced(Step::HubErased { region: "eu".into(), proof: hub_proof() }, 1001));
    assert_eq!(erasures.due(Timestamp(1001)), [Duty::Complete { erasure: "e-1".into() }]);
    erasures.apply(12, &answer(&Duty::Complete { erasure: "e-1".into() }, 12, 1002, &erasures.clone()));
    assert!(erasures.due(Timestamp(2000)).is_empty());
    let progress = erasures.progress("e-1").unwrap();
    let proof = Proof::open(progress.proof.as_ref().unwrap(), &node().verifying_key()).unwrap();
    assert_eq!((proof.keys.as_slice(), proof.through, proof.by.as_str()), ([KEY].as_slice(), 5, "store-1"));
    assert_eq!(proof.hubs, [("eu".to_owned(), *blake3::hash(&hub_proof()).as_bytes())]);
    assert_eq!(progress.hubs["eu"], hub_proof(), "the hub's proof is kept");
    assert_eq!(erasures.ignored(), 2);
}

#[test]
fn when_nothing_lies_in_the_clear_no_record_has_to_go() {
    let mut erasures = Erasures::new();
    erasures.apply(5, &Entry::Requested(Request { asks: Vec::new(), retain_until: None, ..request() }));
    erasures.apply(6, &advanced(Step::KeyDestroyed { keys: vec![KEY], clear_through: 0 }, 20));
    erasures.apply(7, &advanced(Step::DerivedRewritten { through: 6 }, 21));
    assert_eq!(erasures.due(Timestamp(22)), [Duty::AwaitTrim { erasure: "e-1".into(), through: 0 }]);
    erasures.apply(8, &advanced(Step::RetentionEnded { through: 0 }, 22));
    assert_eq!(erasures.due(Timestamp(23)), [Duty::Complete { erasure: "e-1".into() }]);
}

#[test]
fn an_entry_reads_back_from_the_event_that_says_it() {
    let steps = [
        Step::KeyDestroyed { keys: vec![KEY], clear_through: 3 },
        Step::DerivedRewritten { through: 7 },
        Step::RetentionEnded { through: 3 },
        Step::HubAsked { region: "eu".into() },
        Step::HubErased { region: "eu".into(), proof: hub_proof() },
        Step::Completed { proof: vec![1] },
    ];
    let entries = steps.into_iter().map(|step| advanced(step, 9)).chain([Entry::Requested(request())]);
    for entry in entries {
        let event = entry.event(None);
        let read = Event::decode(event.kind(), &event.encode()).unwrap();
        assert_eq!(Entry::of(&read).unwrap(), Some(entry));
    }
    assert_eq!(Entry::of(&event("sale_recorded")).unwrap(), None);
}

#[test]
fn a_proof_holds_only_with_the_key_that_signed_it() {
    let bytes = hub_proof();
    assert_eq!(Proof::open(&bytes, &hub().verifying_key()).unwrap().rows, 12);
    assert_eq!(Proof::open(&bytes, &node().verifying_key()), Err(ProofError::Signature));
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(Proof::open(&changed, &hub().verifying_key()).is_err(), "byte {at}");
    }
}

#[test]
fn a_hub_that_was_not_asked_proves_nothing() {
    let mut erasures = Erasures::new();
    erasures.apply(5, &Entry::Requested(request()));
    erasures.apply(6, &advanced(Step::KeyDestroyed { keys: vec![KEY], clear_through: 5 }, 20));
    erasures.apply(7, &advanced(Step::HubErased { region: "cn".into(), proof: hub_proof() }, 21));
    assert!(erasures.progress("e-1").unwrap().hubs.is_empty());
    assert_eq!(erasures.ignored(), 1);
}

fn entry() -> impl Strategy<Value = Entry> {
    let step = prop_oneof![
        Just(Step::KeyDestroyed { keys: vec![KEY], clear_through: 5 }),
        (0_u64..40).prop_map(|through| Step::DerivedRewritten { through }),
        (0_u64..40).prop_map(|through| Step::RetentionEnded { through }),
        Just(Step::HubAsked { region: "eu".into() }),
        Just(Step::HubErased { region: "eu".into(), proof: hub_proof() }),
        Just(Step::Completed { proof: vec![1] }),
    ];
    prop_oneof![
        1 => Just(Entry::Requested(request())),
        6 => (step, 0_i64..2000).prop_map(|(step, at)| advanced(step, at)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn in_any_order_of_entries_nothing_is_complete_before_everything_is_done(
        entries in prop::collection::vec(entry(), 0..40),
    ) {
        let mut erasures = Erasures::new();
        for (entry, seq) in entries.iter().zip(1..) {
            let again = Entry::decode(&entry.encode()).unwrap();
            prop_assert_eq!(&again, entry);
            erasures.apply(seq, &again);
            if let Some(progress) = erasures.progress("e-1").filter(|progress| progress.proof.is_some()) {
                prop_assert!(progress.destroyed.is_some() && progress.rewritten_through.is_some());
                prop_assert!(progress.trimmed_through.is_some() && progress.hubs.contains_key("eu"));
            }
        }
        // Whatever was, doing what is due leads to the end.
        let mut seq = 100;
        erasures.apply(seq, &Entry::Requested(request()));
        for _ in 0..10 {
            for duty in erasures.due(Timestamp(5000)) {
                seq += 1;
                let entry = answer(&duty, seq, 5000, &erasures);
                erasures.apply(seq, &entry);
            }
        }
        prop_assert!(erasures.progress("e-1").unwrap().proof.is_some());
    }
}
