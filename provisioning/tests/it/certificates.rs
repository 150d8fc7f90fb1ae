//! What certificates are made of.

use crate::{
    openssl::OpenSsl,
    world::{NOW, World, days, device, hub, hub_names, node, relay},
};
use aisle_event::Timestamp;
use aisle_provisioning::{
    Facts, Kind, Lifetimes, certificate, device::Bundle, identity::Identity, moment::DAY_MS, renewal,
};
use std::collections::BTreeSet;

#[test]
fn a_certificate_says_who_for_how_long_and_what_for() {
    let mut world = World::new(1);
    let openssl = OpenSsl::new();
    for (identity, names, uses) in [
        (node(), vec![], "TLS Web Client Authentication, TLS Web Server Authentication"),
        (device(), vec![], "TLS Web Client Authentication"),
        (hub(), hub_names(), "TLS Web Client Authentication, TLS Web Server Authentication"),
        (relay(), vec![], "TLS Web Client Authentication"),
    ] {
        let member = world.member(&identity, &names, NOW);
        let facts = &member.issued.facts;
        assert_eq!(facts.identity, Some(identity.clone()));
        assert_eq!(facts.key, member.key.fingerprint());
        assert!(!facts.is_authority);
        openssl.file("it.pem", certificate::to_pem(&member.issued.chain[..1]));
        let text = openssl.must("x509 -in it.pem -noout -text");
        for expected in [
            &format!("URI:{identity}"),
            "O = shops.example",
            "CA:FALSE",
            "Digital Signature\n",
            "Subject Key Identifier",
            "Authority Key Identifier",
            &format!("{uses}\n"),
        ] {
            assert!(text.contains(expected), "{expected} in {text}");
        }
        // A common name with a dot would be taken for a DNS name.
        let is_named = text.contains(&format!("CN = {}", identity.last()));
        assert_eq!(is_named, !identity.last().contains('.'), "{text}");
        assert_eq!(text.contains("DNS:hub.shops.example"), identity.kind() == Kind::Hub);
    }
}

#[test]
fn a_certificate_begins_before_now_and_never_ends_after_its_issuer() {
    let mut world = World::new(2);
    let facts = world.node(NOW).issued.facts;
    assert_eq!(facts.validity.not_before, days(-2));
    assert_eq!(facts.validity.not_after, days(90));
    let end = world.issuing.facts().validity.not_after;
    let late = Timestamp(end.0 - DAY_MS);
    assert_eq!(world.node(late).issued.facts.validity.not_after, end);
    let root_end = world.root.facts().validity.not_after;
    let charter = crate::world::charter();
    let last = world.root.certify(&charter, Timestamp(root_end.0 - DAY_MS), &mut world.entropy).unwrap();
    assert_eq!(last.facts().validity.not_after, root_end);
}

#[test]
fn an_hour_before_1970_and_the_last_year_are_dates_too() {
    let mut world = World::new(3);
    let charter = crate::world::charter();
    for now in [Timestamp(-3_600_000), Timestamp(0), Timestamp(i64::MAX), Timestamp(253_402_300_799_000)] {
        let root = aisle_provisioning::authority::Root::create(&charter, now, &mut world.entropy).unwrap();
        assert!(root.facts().validity.not_before <= root.facts().validity.not_after);
    }
}

#[test]
fn numbers_of_certificates_are_random_and_no_two_are_one() {
    let mut world = World::new(4);
    let mut numbers = BTreeSet::new();
    for _ in 0..50 {
        let number = world.node(NOW).issued.facts.number;
        assert_eq!(number.as_bytes().len(), 16);
        assert!(numbers.insert(number));
    }
}

#[test]
fn a_device_without_a_key_of_its_own_is_handed_both() {
    let mut world = World::new(5);
    let bundle = |identity: &Identity, world: &mut World| {
        Bundle::make(&world.issuing, identity, &Lifetimes::default(), NOW, &mut world.entropy)
    };
    let made = bundle(&device(), &mut world).unwrap();
    assert_eq!(made.issued.facts.identity, Some(device()));
    assert_eq!(made.issued.facts.validity.not_after, days(730));
    let openssl = OpenSsl::new();
    openssl.file("key.pem", made.key_pem.as_bytes()).file("chain.pem", &made.chain_pem);
    let of_key = openssl.must("pkey -in key.pem -pubout");
    assert_eq!(openssl.must("x509 -in chain.pem -noout -pubkey"), of_key);
    assert!(bundle(&node(), &mut world).is_err(), "a node's key never leaves it");
}

#[test]
fn renewal_is_due_at_half_life_and_not_for_all_at_one_hour() {
    let mut world = World::new(6);
    let dues: BTreeSet<i64> = (0..40)
        .map(|_| {
            let facts = world.node(NOW).issued.facts;
            let due = renewal::due_at(&facts);
            assert_eq!(due, renewal::due_at(&facts), "a restart changes nothing");
            let life = facts.validity.ms() as i64;
            let after = due.0 - facts.validity.not_before.0;
            assert!((life / 2..=life * 6 / 10).contains(&after), "{after} of {life}");
            due.0 / 3_600_000
        })
        .collect();
    assert!(dues.len() > 20, "{} different hours of 40", dues.len());
}

#[test]
fn failed_tries_wait_longer_up_to_a_bound_and_at_least_as_asked() {
    for (failed, bound) in [
        (0, 60_000),
        (1, 120_000),
        (5, 1_920_000),
        (9, renewal::RETRY_MS_MAX),
        (u32::MAX, renewal::RETRY_MS_MAX),
    ] {
        for draw in [0, 1, u64::MAX / 3, u64::MAX] {
            let wait = renewal::retry_after_ms(failed, draw, 0);
            assert!((bound / 10..=bound).contains(&wait), "{wait}");
        }
    }
    assert_eq!(renewal::retry_after_ms(0, 0, 90_000), 90_000);
    assert_eq!(renewal::retry_after_ms(0, 0, u64::MAX), renewal::RETRY_MS_MAX);
}

#[test]
fn what_is_no_certificate_of_aisle_names_nobody() {
    let params = |uris: &[&str]| {
        let mut params = rcgen::CertificateParams::default();
        let uris = uris.iter().map(|uri| rcgen::SanType::URI((*uri).try_into().unwrap()));
        params.subject_alt_names.extend(uris);
        params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().der().to_vec()
    };
    let one = node().to_string();
    assert!(Facts::read(&params(&[])).unwrap().named().is_err());
    assert!(Facts::read(&params(&[&one, &one])).unwrap_err().to_string().contains("2 URIs"));
    assert!(Facts::read(&params(&["https://shops.example"])).is_err());
    assert!(Facts::read(&vec![0x30; 100_000]).unwrap_err().to_string().contains("at most"));
    let mut longer = params(&[&one]);
    longer.push(0);
    assert!(Facts::read(&longer).is_err());
}
