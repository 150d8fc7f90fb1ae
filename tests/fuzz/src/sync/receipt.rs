//! Receipts: by themselves, and at the hub with the payload of a batch.

use super::{eu, log, node_key, node_verifying, policy, the_gate};
use aisle_event::{EventType, Hlc, LogClass};
use aisle_protocol::{Chain, Item};
use aisle_residency::{
    Receipt, Verifier,
    receipt::{Cursor, Draft, Extent, Presented},
    signing::SigningKey,
};
use bytes::Bytes;
use std::sync::OnceLock;

const SIGNATURE_BYTES: usize = 64;
/// When all of it happens.
const HLC: u64 = 0;

fn verifier() -> &'static Verifier {
    static VERIFIER: OnceLock<Verifier> = OnceLock::new();
    VERIFIER.get_or_init(|| Verifier::new(eu(), [policy().clone()]))
}

fn key() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(node_key)
}

/// The input may be a receipt by itself.
///
/// # Panics
/// When a receipt that was read is written otherwise: it has one encoding.
pub fn receipt(input: &[u8]) {
    match Receipt::decode(input) {
        Ok(receipt) => {
            assert_eq!(receipt.encode(), input);
            assert_eq!(receipt.is_signed_by(&node_verifying()), is_signed(&receipt));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// The signature looked at by hand.
fn is_signed(receipt: &Receipt) -> bool {
    let encoded = receipt.encode();
    let body = encoded.len().checked_sub(SIGNATURE_BYTES).map(|at| &encoded[..at]);
    body.is_some_and(|body| node_verifying().verifies(body, &receipt.signature))
}

/// Two bytes for the type, two for the length of a receipt by itself, the receipt, and the payload of a batch's only event. The receipt comes
/// to the hub as it is, and once more after the node has signed it.
///
/// # Panics
/// When the hub takes a receipt that is not about the batch, or says why not at great length.
pub fn receipt_verified(input: &[u8]) {
    let Some((kind, rest)) = input.split_first_chunk::<2>() else { return };
    let Some((length, rest)) = rest.split_first_chunk::<2>() else { return };
    let Some((alone, payload)) = rest.split_at_checked(u16::from_le_bytes(*length).into()) else { return };
    let kind = EventType(u16::from_le_bytes(*kind));
    let class = LogClass::of_kind(kind).unwrap_or(LogClass::Stock);
    let (log, payload) = (log(class), Bytes::copy_from_slice(payload));
    let mut chain = Chain::after(log.start());
    let after = chain.push(HLC, kind.0, &payload);
    let extent = Extent { first_seq: 1, count: 1, head_before: log.start().head, head_after: after.head };
    let items = [Item { seq: 1, hlc: HLC, kind: kind.0, payload }];
    let start = Cursor::start(&log, &eu());
    let verify = |wire: &[u8]| {
        let batch = Presented { log: &log, policy: policy().id(), extent, items: &items, receipt: wire };
        match verifier().verify(&node_verifying(), &batch, &start) {
            Ok((receipt, cursor)) => {
                assert_eq!((receipt.number, receipt.extent, &receipt.region), (1, extent, &eu()));
                assert_eq!((cursor.number, cursor.hash), (1, receipt.hash()));
                assert!(is_signed(&receipt));
            }
            Err(refusal) => assert!(refusal.to_string().len() < 1_000, "{refusal}"),
        }
    };
    verify(alone);
    if let Ok(mut receipt) = Receipt::decode(alone) {
        verify(&receipt.to_wire());
        (receipt.log, receipt.extent, receipt.policy) = (log.clone(), extent, policy().id());
        receipt.previous = start.hash;
        let encoded = receipt.encode();
        let body = encoded.len() - SIGNATURE_BYTES;
        receipt.signature = key().sign(&encoded[..body]);
        verify(&receipt.to_wire());
    }
}

/// What the gate lets out of the golden events, each with its receipt.
fn issued() -> Vec<(EventType, Receipt, Vec<u8>)> {
    let issue = |event: Vec<u8>| {
        let (kind, payload) = event.split_first_chunk::<2>()?;
        let kind = EventType(u16::from_le_bytes(*kind));
        let egress = the_gate().relay(Hlc(HLC), kind, payload).egress()?;
        let mut draft = Draft::first(log(egress.class()), eu(), policy().id());
        draft.add(&egress).ok()?;
        Some((kind, draft.issue(key()).ok()?, egress.payload().to_vec()))
    };
    let issued: Vec<_> = crate::event::examples().into_iter().filter_map(issue).collect();
    assert!(!issued.is_empty(), "something leaves by the policy that comes along");
    issued
}

/// Every receipt by itself.
pub(crate) fn alone_examples() -> Vec<Vec<u8>> {
    issued().iter().map(|(_, receipt, _)| receipt.encode()).collect()
}

/// Every receipt with its payload.
pub(crate) fn verified_examples() -> Vec<Vec<u8>> {
    let one = |(kind, receipt, payload): &(EventType, Receipt, Vec<u8>)| {
        let alone = receipt.encode();
        let length = u16::try_from(alone.len()).expect("a receipt is short");
        [&kind.0.to_le_bytes()[..], &length.to_le_bytes(), &alone, payload].concat()
    };
    issued().iter().map(one).collect()
}
