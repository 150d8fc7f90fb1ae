//! Erasures: the records of one, and proofs of it.

use super::{node_key, node_verifying};
use aisle_event::Timestamp;
use aisle_residency::{
    erasure::{ASKS_MAX, Ask, Entry, NAME_BYTES_MAX, Proof, ProofError, Request, Step},
    seal::{KeyId, KeyRing, PersonId},
    signing::SigningKey,
};
use std::sync::OnceLock;

/// What stands before a proof when it is signed.
const CONTEXT: &[u8] = b"aisle erasure 1\0";

fn key() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(node_key)
}

fn person() -> PersonId {
    KeyRing::new(&[5; 32]).person("17850")
}

/// The input may be a record of an erasure.
///
/// # Panics
/// When a record that was read is beyond its bounds, or does not decode to itself again.
pub fn erasure_entry(input: &[u8]) {
    let Ok(entry) = Entry::decode(input) else { return };
    assert!((1..=NAME_BYTES_MAX).contains(&entry.erasure().len()), "{entry:?}");
    if let Entry::Requested(Request { asks, .. }) = &entry {
        assert!(asks.len() <= ASKS_MAX && asks.iter().all(|ask| ask.tokens.len() <= ASKS_MAX));
    }
    let encoded = entry.encode();
    match Entry::decode(&encoded) {
        Ok(again) => assert_eq!(again, entry),
        Err(error) => panic!("{entry:?} was encoded to what does not decode: {error}"),
    }
}

/// The input may be a proof: 64 bytes of signature, then what was signed. It is opened as it is, and once more with a good signature.
///
/// # Panics
/// When a proof without a good signature is opened, or one that was opened and signed again is another.
pub fn erasure_proof(input: &[u8]) {
    let Some((_, body)) = input.split_first_chunk::<64>() else {
        return assert!(Proof::open(input, &node_verifying()).is_err());
    };
    let signature = key().sign(&[CONTEXT, body].concat()).0;
    let signed = [&signature[..], body].concat();
    if input != signed.as_slice() {
        assert_eq!(Proof::open(input, &node_verifying()), Err(ProofError::Signature));
    }
    match Proof::open(&signed, &node_verifying()) {
        Ok(proof) => assert_eq!(Proof::open(&proof.sign(key()), &node_verifying()), Ok(proof)),
        Err(error) => assert!(matches!(error, ProofError::Malformed(_)), "{error}"),
    }
}

/// A record of each kind.
pub(crate) fn entry_examples() -> Vec<Vec<u8>> {
    let request = Request {
        erasure: "erasure-1".into(),
        person: person(),
        asks: vec![Ask { region: "eu".into(), tokens: vec!["t1.c29tZWJvZHk".into(), "t2.b25jZQ".into()] }],
        retain_until: Some(Timestamp(1_796_000_000_000)),
        retention_basis: Some("AO § 147".into()),
        at: Timestamp(1_780_272_000_000),
    };
    let steps = [
        Step::KeyDestroyed { keys: vec![KeyId([3; 8]), KeyId([4; 8])], clear_through: 4_700 },
        Step::DerivedRewritten { through: 4_711 },
        Step::RetentionEnded { through: 4_700 },
        Step::HubAsked { region: "eu".into() },
        Step::HubErased { region: "eu".into(), proof: b"proof".to_vec() },
        Step::Completed { proof: b"proof".to_vec() },
    ];
    let advanced = |step| {
        let (erasure, at) = (request.erasure.clone(), Timestamp(1_780_272_001_000));
        Entry::Advanced { erasure, step, at }
    };
    let mut entries: Vec<Entry> = steps.into_iter().map(advanced).collect();
    entries.push(Entry::Requested(request));
    entries.iter().map(Entry::encode).collect()
}

/// A store's proof and a hub's.
pub(crate) fn proof_examples() -> Vec<Vec<u8>> {
    let store = Proof {
        erasure: "erasure-1".into(),
        by: "berlin-12".into(),
        person: person(),
        keys: vec![KeyId([3; 8])],
        through: 4_711,
        rows: 0,
        requested_at: Timestamp(1_780_272_000_000),
        completed_at: Timestamp(1_780_272_009_000),
        hubs: vec![("eu".into(), [6; 32])],
    };
    let hub = Proof { by: "eu".into(), keys: Vec::new(), rows: 17, hubs: Vec::new(), ..store.clone() };
    [store, hub].iter().map(|proof| proof.sign(key())).collect()
}
