//! Payloads: at the gate of a relay, and with sealed fields in them.

use super::{eu, log, node_key, node_verifying, policy, the_gate};
use aisle_event::{EventType, Hlc};
use aisle_protocol::{Chain, Item};
use aisle_residency::{
    Entropy, Verifier,
    entropy::NoEntropy,
    receipt::{Cursor, Draft, Presented},
    seal::{self, KeyRing, PersonId},
    signing::SigningKey,
};
use bytes::Bytes;
use std::sync::OnceLock;

/// Two bytes for the type, then a payload that somebody claims to be one of it.
///
/// # Panics
/// When something leaves that a hub of the region, which looks at it with other code, does not take.
pub fn gate_relay(input: &[u8]) {
    static HUB: OnceLock<(Verifier, SigningKey)> = OnceLock::new();
    let (hub, key) = HUB.get_or_init(|| (Verifier::new(eu(), [policy().clone()]), node_key()));
    let Some((kind, payload)) = input.split_first_chunk::<2>() else { return };
    let kind = EventType(u16::from_le_bytes(*kind));
    let Some(egress) = the_gate().relay(Hlc::new(1_780_272_000_123, 7), kind, payload).egress() else {
        return;
    };
    let log = log(egress.class());
    let mut draft = Draft::first(log.clone(), eu(), policy().id());
    let (seq, hlc, kind, payload) = match draft.add(&egress) {
        Ok((seq, hlc, kind, payload)) => (seq, hlc.0, kind.0, Bytes::copy_from_slice(payload)),
        Err(error) => panic!("what leaves has no place in a batch: {error}"),
    };
    let mut chain = Chain::after(log.start());
    chain.push(hlc, kind, &payload);
    assert_eq!(chain.point().head, draft.extent().head_after);
    let extent = draft.extent();
    let Ok(receipt) = draft.issue(key) else { panic!("there is an item, and no receipt for it") };
    let items = [Item { seq, hlc, kind, payload }];
    let wire = receipt.to_wire();
    let batch = Presented { log: &log, policy: policy().id(), extent, items: &items, receipt: &wire };
    if let Err(refusal) = hub.verify(&node_verifying(), &batch, &Cursor::start(&log, &eu())) {
        panic!("what leaves is refused where it goes: {refusal}");
    }
}

/// The golden events.
pub(crate) fn relay_examples() -> Vec<Vec<u8>> {
    crate::event::examples()
}

/// Always the same bytes: the examples have to be.
struct Fixed(u8);

impl Entropy for Fixed {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        for byte in bytes {
            self.0 = self.0.wrapping_mul(181).wrapping_add(101);
            *byte = self.0;
        }
        Ok(())
    }
}

/// A ring with the key of one person, and another in which it was destroyed.
struct Rings {
    person: PersonId,
    keeps: KeyRing,
    destroyed: KeyRing,
}

fn rings() -> &'static Rings {
    static RINGS: OnceLock<Rings> = OnceLock::new();
    RINGS.get_or_init(|| {
        let ring = || {
            let mut ring = KeyRing::new(&[5; 32]);
            let person = ring.person("17850");
            ring.key_of(person, &mut Fixed(1)).expect("there is room");
            (ring, person)
        };
        let ((keeps, person), (mut destroyed, _)) = (ring(), ring());
        destroyed.erase(person);
        Rings { person, keeps, destroyed }
    })
}

/// Two bytes for the type, then a payload of it that may have sealed fields.
///
/// # Panics
/// When what was opened is not open, or a ring without the key opens more than one with it.
pub fn sealed_payload(input: &[u8]) {
    let Some((kind, payload)) = input.split_first_chunk::<2>() else { return };
    let kind = EventType(u16::from_le_bytes(*kind));
    let Rings { keeps, destroyed, .. } = rings();
    let opened = seal::open(kind, payload, keeps);
    if let Ok(opened) = &opened {
        assert!(opened.erased.is_empty(), "no key of this ring was destroyed");
        match seal::open(kind, &opened.payload, keeps) {
            Ok(again) => {
                assert_eq!(again.payload, opened.payload);
                assert!(again.lost.is_empty() && again.erased.is_empty());
            }
            Err(error) => panic!("what was opened does not read: {error}"),
        }
    }
    if let (Ok(with), Ok(without)) = (opened, seal::open(kind, payload, destroyed)) {
        assert_eq!(without.lost, with.lost, "of other keys neither ring knows anything");
    }
}

/// The golden events, as they are and sealed.
pub(crate) fn sealed_examples() -> Vec<Vec<u8>> {
    let Rings { person, keeps, .. } = rings();
    let mut examples = crate::event::examples();
    let sealed = |(event, seed): (&Vec<u8>, u8)| {
        let (kind, payload) = event.split_first_chunk::<2>()?;
        let sealed =
            seal::seal(EventType(u16::from_le_bytes(*kind)), payload, keeps, *person, &mut Fixed(seed));
        Some([&kind[..], &sealed.ok()?].concat())
    };
    let sealed: Vec<Vec<u8>> = examples.iter().zip((0..=255).cycle()).filter_map(sealed).collect();
    examples.extend(sealed);
    examples
}
