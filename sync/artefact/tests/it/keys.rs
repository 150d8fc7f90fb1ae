//! Keys at rest: sealed for their owner, in a form that others read and write.

use crate::world::key;
use aisle_artefact::{
    SigningKey,
    key::{SealError, SealNonce, UnsealError},
};

const PASSPHRASE: &str = "five words by dice are good";

/// `openssl genpkey -algorithm ed25519 | openssl pkcs8 -topk8 -v2 aes-256-cbc -scrypt`, with the passphrase above.
const BY_OPENSSL: &str = include_str!("samples/openssl-scrypt.pem");
/// The same key, sealed with `-v2prf hmacWithSHA256 -iter 100000`.
const BY_OPENSSL_PBKDF2: &str = include_str!("samples/openssl-pbkdf2.pem");
/// Its public half, by `openssl pkey -pubout -outform der | tail -c 32 | xxd -p`.
const PUBLIC: &str = include_str!("samples/openssl-public.hex");

#[test]
fn a_sealed_key_opens_with_its_passphrase_and_no_other() {
    let key = key(1);
    let nonce = SealNonce(std::array::from_fn(|n| n as u8));
    let sealed = key.seal(PASSPHRASE, &nonce).unwrap();
    assert!(sealed.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"), "{sealed}");
    let opened = SigningKey::unseal(&sealed, PASSPHRASE).unwrap();
    assert_eq!(opened.id(), key.id());
    let other = SigningKey::unseal(&sealed, "another five words by dice");
    assert!(matches!(other, Err(UnsealError::Passphrase)), "{other:?}");
    assert!(!format!("{key:?}").contains("0101"), "a key shows its name alone: {key:?}");
    let again = key.seal(PASSPHRASE, &SealNonce([9; 32])).unwrap();
    assert_ne!(sealed, again, "another nonce, another seal");
}

#[test]
fn a_short_passphrase_seals_nothing() {
    let error = key(1).seal("short", &SealNonce([0; 32])).unwrap_err();
    assert!(matches!(error, SealError::Passphrase { chars: 5 }), "{error}");
}

#[test]
fn what_openssl_sealed_opens_here() {
    let opened = SigningKey::unseal(BY_OPENSSL, PASSPHRASE).unwrap();
    let public = data_encoding::HEXLOWER.decode(PUBLIC.trim().as_bytes()).unwrap();
    let public = aisle_artefact::PublicKey::ed25519(&public.try_into().unwrap()).unwrap();
    assert_eq!(opened.public(), &public);
    assert_eq!(SigningKey::unseal(BY_OPENSSL_PBKDF2, PASSPHRASE).unwrap().id(), public.id());
}

#[test]
fn an_online_key_is_read_as_it_was_written() {
    let pem = key(1).to_pem().unwrap();
    assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
    assert_eq!(SigningKey::from_pem(&pem).unwrap().id(), key(1).id());
    assert!(matches!(SigningKey::unseal(&pem, PASSPHRASE), Err(UnsealError::Label { .. })));
    let sealed = key(1).seal(PASSPHRASE, &SealNonce([0; 32])).unwrap();
    assert!(matches!(SigningKey::from_pem(&sealed), Err(UnsealError::Label { .. })));
}

#[test]
fn what_is_no_key_or_wants_too_much_work_is_refused() {
    assert!(matches!(SigningKey::unseal("", PASSPHRASE), Err(UnsealError::Pem(_))));
    let sealed = key(1).seal(PASSPHRASE, &SealNonce([0; 32])).unwrap();
    let lines: Vec<&str> = sealed.lines().collect();
    let base64 = lines[1..lines.len() - 1].concat();
    let der = data_encoding::BASE64.decode(base64.as_bytes()).unwrap();
    let pem = |der: &[u8]| {
        let base64 = data_encoding::BASE64.encode(der);
        let wrapped: Vec<&str> =
            base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("{}\n{}\n{}\n", lines[0], wrapped.join("\n"), lines[lines.len() - 1])
    };
    assert!(SigningKey::unseal(&pem(&der), PASSPHRASE).is_ok());
    // N = 2^14, r = 8, p = 5: more memory than this OpenSSL does not open unless it is told to.
    let parameters = [2, 2, 0x40, 0, 2, 1, 8, 2, 1, 5];
    let at = der.windows(parameters.len()).position(|bytes| bytes == parameters).unwrap();
    let mut heavy = der.clone();
    heavy[at + 6] = 127;
    assert!(matches!(SigningKey::unseal(&pem(&heavy), PASSPHRASE), Err(UnsealError::Scheme)));
    for cut in [1, der.len() / 2, der.len() - 1] {
        assert!(SigningKey::unseal(&pem(&der[..cut]), PASSPHRASE).is_err());
    }
}
