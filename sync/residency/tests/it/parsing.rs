//! No bytes from outside do more than to be refused.

use crate::support::{eu, gate, golden, items, keys, log, node, policy, region, trusted};
use aisle_event::{EventType, Hlc, LogClass};
use aisle_protocol::Chain;
use aisle_residency::{
    Aggregator, Gate, Passage, Policy, Receipt, Verifier,
    aggregate::{self, Budget},
    erasure::{Entry, Proof},
    receipt::{Cursor, Extent, Presented},
    seal::{KeyRing, Sealed, open},
};
use proptest::prelude::*;
use std::sync::LazyLock;

const EU: &str = include_str!("../../policies/eu.toml");

fn check(payload: &[u8], kind: EventType, class: LogClass, receipt: &[u8]) {
    let policy = eu();
    let log = log(class);
    let items = items([(Hlc(1), kind, payload)]);
    let (start, mut chain) = (log.start(), Chain::after(log.start()));
    let (head_before, head_after) = (start.head, chain.push(1, kind.0, payload).head);
    let extent = Extent { first_seq: 1, count: 1, head_before, head_after };
    let presented = Presented { log: &log, policy: policy.id(), extent, items: &items, receipt };
    static HUB: LazyLock<Verifier> = LazyLock::new(|| Verifier::new(region("eu"), [eu()]));
    let refusal =
        HUB.verify(&node().verifying_key(), &presented, &Cursor::start(&log, &region("eu"))).unwrap_err();
    assert!(refusal.to_string().len() < 500);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn any_bytes_are_refused_or_read_and_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), kind in any::<u16>()) {
        let kind = EventType(kind);
        let _ = Policy::draft(&bytes);
        let _ = Receipt::decode(&bytes);
        let _ = Budget::decode(&bytes);
        let _ = Entry::decode(&bytes);
        let _ = Sealed::decode(&bytes);
        let _ = KeyRing::decode(&[0; 32], &bytes);
        let _ = Proof::open(&bytes, &node().verifying_key());
        let _ = Aggregator::resume(&eu(), &region("global"), &[0; 32], &bytes);
        let _ = open(kind, &bytes, &KeyRing::new(&[0; 32]));
        check(&bytes, kind, LogClass::Stock, &bytes);
        check(&bytes, aggregate::KIND, LogClass::Stock, &bytes);
    }

    #[test]
    fn a_damaged_event_at_a_relay_stays_or_leaves_by_the_rules(
        index in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), flip in 1_u8..,
    ) {
        let all = golden();
        let (_, kind, mut bytes) = all[index.index(all.len())].clone();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        static GATE: LazyLock<Gate> = LazyLock::new(|| Gate::new(&eu(), &region("eu"), keys()).unwrap());
        if let Passage::Leaves(egress) = GATE.relay(Hlc(1), kind, &bytes) {
            // What leaves is what a second gate of the same rules for passing fields would let through too.
            prop_assert!(!egress.payload().is_empty());
        }
        let _ = open(kind, &bytes, &KeyRing::new(&[0; 32]));
    }

    #[test]
    fn a_damaged_policy_is_refused_or_is_another_policy(at in any::<prop::sample::Index>(), with in any::<u8>()) {
        let mut bytes = EU.as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = with;
        if let Err(error) = Policy::draft(&bytes) {
            prop_assert!(error.line >= 1 && error.line <= 1 + EU.lines().count());
            prop_assert!(error.to_string().len() < 2000);
        }
    }
}

#[test]
fn deep_and_huge_claims_cost_nothing() {
    let deep: Vec<u8> = std::iter::repeat_n(0x81, 100_000).collect();
    let wide = [0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    let endless = [0xbf, 0x01, 0x02];
    let gate = gate(&trusted(&policy("")), "eu");
    for (_, kind, _) in golden() {
        for bytes in
            [deep.as_slice(), &wide, &endless, &[0xa1, 0x01, 0x9f], &[0xbb, 0xff, 0, 0, 0, 0, 0, 0, 0]]
        {
            assert!(gate.relay(Hlc(1), kind, bytes).egress().is_none());
            assert!(open(kind, bytes, &KeyRing::new(&[0; 32])).is_err());
            let mut in_field = vec![0xa1, 0x01];
            in_field.extend_from_slice(bytes);
            assert!(gate.relay(Hlc(1), kind, &in_field).egress().is_none());
        }
    }
    let deep_toml = format!("a = {}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(Policy::draft(deep_toml.as_bytes()).is_err());
}
