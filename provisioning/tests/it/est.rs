//! What goes over the wire of EST, with `openssl` at the other end.

use crate::{
    openssl::OpenSsl,
    world::{NOW, Seeded, World},
};
use aisle_provisioning::{
    Code, PrivateKey, certificate,
    claim::ClaimCode,
    est::{self, Answer, EstError, Heard, RETRY_AFTER_S_MAX},
    request::{KeyRules, Request},
};
use data_encoding::BASE64;

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.iter().find(|(found, _)| *found == name).map(|(_, value)| value.as_str())
}

#[test]
fn openssl_reads_the_certificates_that_are_answered() {
    let mut world = World::new(1);
    let openssl = OpenSsl::new();
    let node = world.node(NOW);
    let answer = Answer::issued(&node.issued.chain);
    assert_eq!((answer.status, answer.content_type), (200, "application/pkcs7-mime; smime-type=certs-only"));
    assert_eq!(header(&answer, "content-transfer-encoding"), Some("base64"));
    openssl.file("answer.b64", &answer.body);
    openssl.must("base64 -d -in answer.b64 -out answer.p7");
    let printed = openssl.must("pkcs7 -inform DER -in answer.p7 -print_certs");
    let read = certificate::from_pem(printed.as_bytes()).unwrap();
    assert_eq!(read, node.issued.chain);
}

#[test]
fn certificates_that_openssl_wraps_are_read_here() {
    let mut world = World::new(2);
    let openssl = OpenSsl::new();
    let node = world.node(NOW);
    openssl.file("chain.pem", certificate::to_pem(&node.issued.chain));
    openssl.must("crl2pkcs7 -nocrl -certfile chain.pem -outform DER -out theirs.p7");
    let body = BASE64.encode(&openssl.read("theirs.p7"));
    let mut read = est::read_certificates(body.as_bytes()).unwrap();
    read.sort_by_key(|certificate| certificate.to_vec());
    let mut expected = node.issued.chain.clone();
    expected.sort_by_key(|certificate| certificate.to_vec());
    assert_eq!(read, expected);
    let heard = Heard::read(200, None, body.as_bytes(), &node.key.fingerprint()).unwrap();
    assert_eq!(heard, Heard::Issued(node.issued.chain), "in the order in which they are shown");
}

#[test]
fn a_request_of_openssl_goes_all_the_way() {
    let openssl = OpenSsl::new();
    openssl.must("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem");
    openssl.must("req -new -key key.pem -subj /CN=4711 -outform DER -out request.der");
    openssl.must("base64 -in request.der -out request.b64");
    let der = est::read_request(Some("application/pkcs10"), &openssl.read("request.b64")).unwrap();
    let request = Request::read(&der, KeyRules::OWN).unwrap();
    assert_eq!(request.serial().unwrap().as_str(), "4711");
    let pem = String::from_utf8(openssl.read("key.pem")).unwrap();
    assert_eq!(PrivateKey::from_pem(&pem, None).unwrap().fingerprint(), request.fingerprint());
}

#[test]
fn the_attributes_that_a_request_should_have_are_read_by_openssl() {
    let openssl = OpenSsl::new();
    let answer = Answer::attributes();
    assert_eq!(answer.content_type, "application/csrattrs");
    openssl.file("attributes.b64", &answer.body);
    openssl.must("base64 -d -in attributes.b64 -out attributes.der");
    let parsed = openssl.must("asn1parse -inform DER -in attributes.der");
    for expected in ["id-ecPublicKey", "prime256v1", "ecdsa-with-SHA256"] {
        assert!(parsed.contains(expected), "{parsed}");
    }
}

#[test]
fn what_is_no_request_is_refused_before_it_is_looked_at() {
    let body = b"AAAA";
    assert!(est::read_request(None, body).is_ok());
    assert!(est::read_request(Some("APPLICATION/PKCS10; charset=x"), body).is_ok());
    let refusal = est::read_request(Some("text/html\n"), body).unwrap_err();
    assert!(matches!(&refusal, EstError::Type { .. }) && !refusal.to_string().contains('\n'), "{refusal}");
    let refusal = est::read_request(None, &vec![b'A'; est::REQUEST_BODY_BYTES_MAX + 1]).unwrap_err();
    assert_eq!(refusal.code(), Code::RequestTooLarge);
    assert!(matches!(est::read_request(None, b"-----BEGIN"), Err(EstError::Base64)));
}

#[test]
fn a_box_that_has_to_wait_is_told_how_long_and_why() {
    let key = PrivateKey::generate().unwrap().fingerprint();
    let answer = Answer::wait(Code::WaitsForApproval, 30);
    assert_eq!((answer.status, header(&answer, "retry-after")), (202, Some("30")));
    let heard = |answer: &Answer| {
        Heard::read(answer.status, header(answer, "retry-after"), &answer.body, &key).unwrap()
    };
    assert_eq!(heard(&answer), Heard::Wait { code: Some(Code::WaitsForApproval), retry_after_s: 30 });
    let long = Heard::read(202, Some("99999999"), b"", &key).unwrap();
    assert_eq!(long, Heard::Wait { code: None, retry_after_s: RETRY_AFTER_S_MAX });
    let busy = Heard::read(503, None, b"<html>bad gateway", &key).unwrap();
    assert!(matches!(busy, Heard::Wait { code: None, .. }));
    let suspended = heard(&Answer::refused(Code::Suspended, Some("till the audit is over")));
    assert!(matches!(suspended, Heard::Wait { code: Some(Code::Suspended), .. }), "it goes away by itself");
}

#[test]
fn a_refusal_carries_its_code_and_the_reason() {
    let key = PrivateKey::generate().unwrap().fingerprint();
    let answer = Answer::refused(Code::Banned, Some("stolen on Tuesday"));
    assert_eq!(answer.status, 403);
    let Heard::Refused { code, text } = Heard::read(answer.status, None, &answer.body, &key).unwrap() else {
        panic!("it is refused");
    };
    assert_eq!(code, Some(Code::Banned));
    assert!(text.starts_with("E-504") && text.ends_with("Reason: stolen on Tuesday"), "{text}");
    let challenge = Answer::refused(Code::ClaimNeeded, None);
    assert!(header(&challenge, "www-authenticate").is_some() && challenge.status == 401);
    let odd = Heard::read(404, None, &[b'\x07'; 100_000], &key).unwrap();
    assert!(
        matches!(odd, Heard::Refused { code: None, text } if text.len() < 5_000 && !text.contains('\x07'))
    );
}

#[test]
fn a_certificate_of_another_key_is_not_taken() {
    let mut world = World::new(4);
    let (mine, other) = (world.node(NOW), world.node(NOW));
    let read = |chain: &[_]| Heard::read(200, None, &Answer::issued(chain).body, &mine.key.fingerprint());
    assert!(matches!(read(&other.issued.chain), Err(EstError::NotMine)));
    let both = [mine.issued.chain.clone(), other.issued.chain].concat();
    assert!(matches!(read(&both), Err(EstError::NotMine)));
    assert!(matches!(read(&[]), Err(EstError::Pkcs7)));
    assert!(matches!(read(&mine.issued.chain), Ok(Heard::Issued(_))));
}

#[test]
fn a_claim_is_shown_as_a_password_and_read_at_the_hub() {
    let code = ClaimCode::draw(&mut Seeded(5)).unwrap();
    let value = est::basic(&code);
    assert_eq!(est::read_basic(&value), Some(Ok(code.clone())));
    let typed =
        format!("basic {}", BASE64.encode(format!("x:{}", code.to_groups().to_lowercase()).as_bytes()));
    assert_eq!(est::read_basic(&typed), Some(Ok(code)));
    assert_eq!(est::read_basic("Bearer abc"), None);
    assert_eq!(est::read_basic("Basic !"), None);
    assert!(matches!(est::read_basic(&format!("Basic {}", BASE64.encode(b"x:y"))), Some(Err(_))));
    assert_eq!(est::read_basic(&format!("Basic {}", "A".repeat(10_000))), None);
}

#[test]
fn only_what_issued_itself_is_a_root() {
    let mut world = World::new(6);
    let node = world.node(NOW);
    let all = [world.issuing.certificate().clone(), world.root.certificate().clone()];
    let roots = est::read_roots(&Answer::authorities(&all).body).unwrap();
    assert_eq!(roots.certificates(), [world.root.certificate().clone()]);
    assert!(est::read_roots(&Answer::issued(&node.issued.chain).body).is_err());
}
