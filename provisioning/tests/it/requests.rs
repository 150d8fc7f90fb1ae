//! Requests for certificates: each thing that one may not ask for, refused by its own name.

use crate::{
    openssl::OpenSsl,
    world::{chain, node, serial},
};
use aisle_provisioning::{
    Code, Identity, PrivateKey, Serial, Store,
    request::{self, KeyRules, REQUEST_BYTES_MAX, Request, RequestError},
};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType,
};

/// A request with things in it that ours never have.
fn with(change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, serial().as_str());
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    params.serialize_request(&key).unwrap().der().to_vec()
}

fn refused(der: &[u8]) -> RequestError {
    Request::read(der, KeyRules::OWN).unwrap_err()
}

#[test]
fn a_request_is_made_where_the_key_is_and_says_who_it_is_for() {
    let key = PrivateKey::generate().unwrap();
    let first = request::make(&key, serial().as_str(), None).unwrap();
    let first = Request::read(&first, KeyRules::OWN).unwrap();
    assert_eq!(first.fingerprint(), key.fingerprint());
    assert_eq!(first.serial().unwrap(), serial());
    first.is_for(&node()).unwrap();
    let next = request::make(&key, serial().as_str(), Some(&node())).unwrap();
    let next = Request::read(&next, KeyRules::OWN).unwrap();
    assert_eq!(next.identity, Some(node()));
    next.is_for(&node()).unwrap();
}

#[test]
fn a_request_for_somebody_else_is_refused() {
    let key = PrivateKey::generate().unwrap();
    let other_store = Identity::node(chain(), Store::new("paris-1").unwrap(), serial());
    let other_box = Identity::node(chain(), Store::new("berlin-12").unwrap(), Serial::new("2").unwrap());
    for (name, asked) in [
        (serial().as_str(), Some(&other_store)),
        (serial().as_str(), Some(&other_box)),
        ("2", None),
        ("2", Some(&node())),
    ] {
        let request = Request::read(&request::make(&key, name, asked).unwrap(), KeyRules::OWN).unwrap();
        let refusal = request.is_for(&node()).unwrap_err();
        assert!(matches!(refusal, RequestError::Foreign { .. }), "{refusal}");
        assert_eq!(refusal.code(), Code::NameForeign);
    }
    let nobody = with(|params| {
        params.subject_alt_names.push(SanType::URI("spiffe://shops.example/king/of/all".try_into().unwrap()));
    });
    assert!(matches!(refused(&nobody), RequestError::Identity(_)));
}

#[test]
fn a_request_asks_for_no_other_names() {
    let uri = |text: &str| SanType::URI(text.try_into().unwrap());
    for names in [
        vec![SanType::DnsName("hub.shops.example".try_into().unwrap())],
        vec![SanType::IpAddress([10, 0, 0, 1].into())],
        vec![SanType::Rfc822Name("root@shops.example".try_into().unwrap())],
        vec![uri(&node().to_string()), uri(&node().to_string())],
        vec![uri(&node().to_string()), SanType::DnsName("a".try_into().unwrap())],
    ] {
        let refusal = refused(&with(|params| params.subject_alt_names = names));
        assert!(matches!(refusal, RequestError::Name { .. }), "{refusal}");
        assert_eq!(refusal.code(), Code::RequestExcessive);
    }
}

#[test]
fn a_request_asks_for_no_rights() {
    for der in [
        with(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)),
        with(|params| params.key_usages = vec![KeyUsagePurpose::KeyCertSign]),
        with(|params| params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::CrlSign]),
    ] {
        assert_eq!(refused(&der), RequestError::Authority);
    }
    for der in [
        with(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning]),
        with(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any]),
        with(|params| {
            params.custom_extensions = vec![CustomExtension::from_oid_content(&[1, 2, 3], vec![5, 0])];
        }),
    ] {
        assert!(matches!(refused(&der), RequestError::Extension { .. }), "{}", refused(&der));
    }
    // What everybody gets may be asked for.
    let harmless = with(|params| {
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    Request::read(&harmless, KeyRules::OWN).unwrap();
}

#[test]
fn a_request_without_the_key_is_refused() {
    let mut der = request::make(&PrivateKey::generate().unwrap(), "x", None).unwrap();
    let other = request::make(&PrivateKey::generate().unwrap(), "x", None).unwrap();
    // A signature of another key over another request.
    let end = der.len();
    der[end - 8] ^= 1;
    assert!(matches!(refused(&der), RequestError::Unproved | RequestError::Malformed { .. }));
    // Another name under the same signature.
    let mut renamed = other;
    let place = renamed.windows(3).position(|bytes| bytes == [0x0c, 1, b'x']).unwrap();
    renamed[place + 2] = b'y';
    assert_eq!(refused(&renamed), RequestError::Unproved);
}

#[test]
fn keys_that_are_not_allowed_are_named() {
    let openssl = OpenSsl::new();
    let make = |algorithm: &str| {
        openssl.must(&format!("genpkey {algorithm} -out key.pem"));
        openssl.must("req -new -key key.pem -subj /CN=fridge-7 -outform DER -out request.der");
        openssl.read("request.der")
    };
    let p256 = make("-algorithm EC -pkeyopt ec_paramgen_curve:P-256");
    let p384 = make("-algorithm EC -pkeyopt ec_paramgen_curve:P-384");
    let ed25519 = make("-algorithm ED25519");
    let rsa = make("-algorithm RSA -pkeyopt rsa_keygen_bits:2048");
    let small = make("-algorithm RSA -pkeyopt rsa_keygen_bits:1024");
    let odd = make("-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1");
    assert_eq!(Request::read(&p256, KeyRules::OWN).unwrap().serial().unwrap().as_str(), "fridge-7");
    for good in [&p256, &p384, &ed25519, &rsa] {
        Request::read(good, KeyRules::DEVICE).unwrap();
    }
    for (bad, named) in
        [(&p384, "1.3.132.0.34"), (&ed25519, "1.3.101.112"), (&rsa, "RSA of 2048"), (&odd, "1.3.132.0.10")]
    {
        let refusal = refused(bad);
        assert!(matches!(refusal, RequestError::Key { .. }), "{refusal}");
        assert!(refusal.to_string().contains(named), "{refusal}");
        assert_eq!(refusal.code(), Code::KeyRefused);
    }
    for bad in [&small, &odd] {
        assert!(matches!(Request::read(bad, KeyRules::DEVICE), Err(RequestError::Key { .. })));
    }
}

#[test]
fn a_request_with_an_attribute_that_nobody_knows_is_refused() {
    let openssl = OpenSsl::new();
    let config =
        "[req]\ndistinguished_name=dn\nattributes=a\nprompt=no\n[dn]\nCN=x\n[a]\nchallengePassword=secret\n";
    openssl.file("req.cnf", config);
    openssl.must("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem");
    openssl.must("req -new -key key.pem -config req.cnf -outform DER -out request.der");
    assert!(matches!(refused(&openssl.read("request.der")), RequestError::Attribute { .. }));
}

#[test]
fn what_is_no_request_or_too_large_is_refused_unread() {
    assert!(matches!(refused(b""), RequestError::Malformed { .. }));
    assert!(matches!(refused(&vec![0x30; REQUEST_BYTES_MAX + 1]), RequestError::TooLarge { .. }));
    let mut longer = request::make(&PrivateKey::generate().unwrap(), "x", None).unwrap();
    longer.push(0);
    assert_eq!(refused(&longer), RequestError::Malformed { what: "what follows it" });
    let nameless = with(|params| params.distinguished_name = rcgen::DistinguishedName::new());
    let nameless = Request::read(&nameless, KeyRules::OWN).unwrap();
    assert_eq!(nameless.serial(), Err(RequestError::Nameless));
    let odd = with(|params| {
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "no serial\n");
    });
    assert!(matches!(Request::read(&odd, KeyRules::OWN).unwrap().serial(), Err(RequestError::Serial(_))));
}
