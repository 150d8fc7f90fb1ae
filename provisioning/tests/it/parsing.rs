//! No bytes from outside do more than to be refused.

use crate::world::{NOW, World, chain, node, serial};
use aisle_provisioning::{
    Code, Facts, Fingerprint, Identity, PrivateKey, Roots,
    claim::{ClaimCode, ClaimInput, introduction},
    device::RevocationList,
    est::{self, Answer, Heard},
    request::{self, KeyRules, Request},
    time::{TimeStatement, TrustedTime},
};
use proptest::prelude::*;
use std::sync::LazyLock;

static WORLD: LazyLock<Roots> = LazyLock::new(|| World::new(1).roots());

fn feed(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(identity) = text.parse::<Identity>() {
        assert_eq!(identity.to_string(), text);
    }
    if let Ok(code) = text.parse::<ClaimCode>() {
        assert_eq!(code.to_groups().parse::<ClaimCode>().unwrap(), code);
    }
    if let Ok(input) = text.parse::<ClaimInput>() {
        assert_eq!(input.to_text().parse::<ClaimInput>().unwrap(), input);
    }
    if let Ok(list) = RevocationList::decode(bytes) {
        assert_eq!(RevocationList::decode(&list.encode()).unwrap(), list);
    }
    let _ = text.parse::<Code>();
    let _ = text.parse::<Fingerprint>();
    let _ = introduction::read_ask(&text);
    let _ = est::read_basic(&text);
    let _ = TrustedTime::from_text(&text);
    let _ = Facts::read(bytes);
    let _ = PrivateKey::from_pem(&text, None);
    let _ = Request::read(bytes, KeyRules::DEVICE);
    let _ = est::read_request(Some(&text), bytes);
    let _ = est::read_certificates(bytes);
    let _ = est::read_roots(bytes);
    let _ = Heard::read(200, Some(&text), bytes, &Fingerprint([0; 32]));
    let _ = Heard::read(403, Some(&text), bytes, &Fingerprint([0; 32]));
    let refusal = TimeStatement::open(bytes, &WORLD, &chain(), None).unwrap_err();
    assert!(refusal.to_string().len() < 500);
    RevocationList::open(bytes, &WORLD, &chain(), &RevocationList::default()).unwrap_err();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_are_refused_or_read_and_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        feed(&bytes);
    }

    #[test]
    fn any_text_is_refused_or_read_and_never_panics(text in "\\PC{0,200}") {
        feed(text.as_bytes());
        feed(format!("spiffe://{text}").as_bytes());
        feed(format!("aisle-claim:{text}").as_bytes());
    }

    #[test]
    fn damaged_requests_and_answers_are_refused_or_read(kind in 0_usize..4, at in any::<prop::sample::Index>(), flip in 1_u8..) {
        static GOOD: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
            let mut world = World::new(2);
            let (node_member, hub) = (world.node(NOW), world.hub(NOW));
            vec![
                request::make(&PrivateKey::generate().unwrap(), serial().as_str(), Some(&node())).unwrap(),
                Answer::issued(&node_member.issued.chain).body,
                node_member.issued.chain[0].to_vec(),
                TimeStatement { at: NOW, nonce: None }.sign(hub.signer()).unwrap(),
            ]
        });
        let mut bytes = GOOD[kind].clone();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        feed(&bytes);
    }
}
