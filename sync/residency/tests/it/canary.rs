//! A customer who must not get out: planted in every private field, looked for in every byte and word that comes back.

use crate::support::{class_of, contains, gate, golden, keys, log, node, plant, policy, region, trusted};
use aisle_event::{Class, Event, Field, Hlc, LogClass};
use aisle_residency::{
    Aggregator, Gate, Passage, Policy, TrustedPolicy, dry_run, explain,
    receipt::{Draft, Receipt},
    seal::{self, KeyRing},
    vocabulary::Path,
};

const CANARY: &str = "CANARY-carla-1975-kanarienvogel";

fn private(field: &Field) -> bool {
    class_of(field) >= Class::Pseudonymous
}

/// Things of the shop go by name within a region, by both policies that come along.
fn private_and_no_thing(field: &Field) -> bool {
    private(field) && !field.holds.contains("DeviceId")
}

/// Every golden event with the canary in its private fields.
fn planted(is_planted: &dyn Fn(&Field) -> bool) -> Vec<(String, Event)> {
    let events: Vec<_> = golden()
        .into_iter()
        .map(|(name, kind, bytes)| {
            let bytes = plant(kind, &bytes, is_planted, CANARY);
            (name, Event::decode(kind, &bytes).unwrap())
        })
        .collect();
    let with_canary = events.iter().filter(|(_, event)| contains(&event.encode(), CANARY)).count();
    assert!(with_canary > 40, "the canary is in: {with_canary}");
    events
}

fn assert_clean(what: &str, bytes: &[u8]) {
    for part in [CANARY, "kanarienvogel", "carla-1975"] {
        assert!(!contains(bytes, part), "{what} holds `{part}`");
    }
    for encoded in [
        data_encoding::HEXLOWER.encode(CANARY.as_bytes()),
        data_encoding::BASE64URL_NOPAD.encode(CANARY.as_bytes()),
    ] {
        assert!(!contains(bytes, &encoded), "{what} holds the canary in other letters");
    }
}

/// Everything that a policy makes of the planted events.
fn assert_nothing_gets_out(trusted: &TrustedPolicy, to: &str, is_planted: &dyn Fn(&Field) -> bool) {
    let here = region(to);
    let gate = gate(trusted, to);
    let mut drafts = LogClass::ALL.map(|class| Draft::first(log(class), here.clone(), trusted.id()));
    let mut aggregator = Aggregator::new(trusted, &here, &[1; 32]);
    for (name, event) in planted(is_planted) {
        let passage = gate.pass(Hlc::new(1_322_746_200_000, 7), &event);
        assert_clean(
            &format!("the debug form of the passage of {name}"),
            format!("{passage:?} {:?}", passage.fates()).as_bytes(),
        );
        let draft = &mut drafts[usize::from(passage.class().unwrap().number())];
        if let Passage::Leaves(egress) = &passage {
            assert_clean(&name, egress.payload());
            draft.add(egress).unwrap();
        } else {
            draft.withhold(&passage).unwrap();
        }
        let explanation = explain(&event, trusted, &here);
        assert_clean(
            &format!("the explanation of {name}"),
            format!("{explanation} {explanation:?}").as_bytes(),
        );
        aggregator.add(&event);
        // A relay gets bytes that are no event: what it says of them has nothing of them in it.
        let mut broken = event.encode();
        broken.push(0xff);
        let passage = gate.relay(Hlc(1), event.kind(), &broken);
        assert_clean("a broken payload", format!("{passage:?}").as_bytes());
        assert!(passage.egress().is_none());
    }
    assert_clean("the aggregator", format!("{aggregator:?}").as_bytes());
    assert_clean("the aggregator's state", &aggregator.encode());
    let run = dry_run(planted(is_planted).iter().map(|(_, event)| event), trusted, &here);
    assert_clean("the dry run", format!("{run} {run:?}").as_bytes());
    for draft in drafts {
        if let Ok(receipt) = draft.issue(&node()) {
            assert_clean("a receipt", &receipt.encode());
            assert_clean("a receipt on the wire", &receipt.to_wire());
            assert_clean("a receipt's debug form", format!("{receipt:?}").as_bytes());
            assert_eq!(Receipt::decode(&receipt.encode()).unwrap(), receipt);
        }
    }
    assert_clean("the gate", format!("{gate:?} {:?}", keys()).as_bytes());
}

#[test]
fn a_canary_does_not_get_out_by_the_policies_that_come_along() {
    for (text, to) in [
        (include_str!("../../policies/eu.toml"), "eu"),
        (include_str!("../../policies/eu.toml"), "global"),
        (include_str!("../../policies/cn.toml"), "cn"),
        (include_str!("../../policies/cn.toml"), "global"),
    ] {
        assert_nothing_gets_out(&trusted(text), to, &private_and_no_thing);
    }
}

#[test]
fn a_canary_does_not_get_out_by_a_policy_of_tokens() {
    let (private, open): (Vec<Path>, Vec<Path>) =
        Path::all().partition(|path| path.class() >= Class::Pseudonymous);
    let quoted =
        |paths: Vec<Path>| paths.iter().map(|path| format!("\"{path}\"")).collect::<Vec<_>>().join(",");
    let text = policy(&format!(
        "[[rule]]\nto = [\"eu\"]\nfields = [{}]\naction = \"token\"\npurpose = \"test\"\n[[rule]]\nto = [\"eu\"]\nfields = [{}]\naction = \"pass\"\n",
        quoted(private),
        quoted(open)
    ));
    assert_nothing_gets_out(&trusted(&text), "eu", &self::private);
}

#[test]
fn errors_about_policies_and_gates_do_not_repeat_secrets() {
    let text = policy(
        "[[rule]]\nto = [\"eu\"]\nfields = [\"SaleRecorded.customer\"]\naction = \"token\"\npurpose = \"test\"\n",
    );
    let error = Gate::new(&trusted(&text), &region("eu"), aisle_residency::token::TokenKeys::new(&[43; 32]))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no token key for `eu` and the purpose `test`\nhint: a policy cannot come into force before its keys"
    );
    let shown = format!("{:?} {:?}", node(), keys());
    for secret in ["0909090909", "2a2a2a2a"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn what_is_sealed_says_nothing_and_errors_about_it_neither() {
    let mut ring = KeyRing::new(&[5; 32]);
    let person = ring.person(CANARY);
    let mut entropy = crate::support::Seeded::new(1);
    ring.key_of(person, &mut entropy).unwrap();
    for (name, event) in planted(&private) {
        let bytes =
            plant(event.kind(), &event.encode(), &|field| class_of(field) == Class::Pseudonymous, "x");
        let sealed = seal::seal(event.kind(), &bytes, &ring, person, &mut entropy).unwrap();
        assert_clean(&name, &sealed);
        let opened = seal::open(event.kind(), &sealed, &ring).unwrap();
        assert_clean(
            "what was opened, in its debug form",
            format!("{opened:?} {ring:?} {person:?}").as_bytes(),
        );
        assert_eq!(opened.payload, bytes, "{name}");
    }
    assert_clean("the key ring at rest", &ring.encode(&[6; 32], &mut entropy).unwrap());
}

#[test]
fn an_untrusted_draft_explains_and_has_no_gate() {
    // `Gate::new` takes a `TrustedPolicy` and there is no way from a draft to one but a signature: this compiles only so.
    let draft: Policy = Policy::draft(policy("").as_bytes()).unwrap();
    assert!(!explain(&planted(&private)[0].1, &draft, &region("eu")).leaves);
}
