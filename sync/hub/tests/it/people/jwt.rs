//! Identity tokens that are forged, meant for others, too old, damaged.

use crate::shop::officer;
use aisle_hub::people::oidc::jwt::{Expected, JwtError, Keys, TOKEN_BYTES_MAX, key_id, verify};
use data_encoding::BASE64URL_NOPAD;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::{Value, json};

const NOW_MS: i64 = 1_780_272_000_000;
const EXPECTED: Expected<'_> =
    Expected { issuer: "https://id.example", client: "aisle", nonce: "n-1", now_ms: NOW_MS };

fn encoded(value: &Value) -> String {
    BASE64URL_NOPAD.encode(value.to_string().as_bytes())
}

fn jwk() -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "kid": "k-1", "x": BASE64URL_NOPAD.encode(&officer().verifying_key().0) })
}

fn keys(all: &[Value]) -> Keys {
    Keys::read(json!({ "keys": all }).to_string().as_bytes()).unwrap()
}

fn claims() -> Value {
    let now = NOW_MS / 1_000;
    json!({ "iss": "https://id.example", "sub": "u-1", "aud": "aisle", "exp": now + 300, "iat": now, "nonce": "n-1", "groups": ["staff"] })
}

fn signed(header: &Value, claims: &Value) -> String {
    let message = format!("{}.{}", encoded(header), encoded(claims));
    let signature = officer().sign(message.as_bytes()).0;
    format!("{message}.{}", BASE64URL_NOPAD.encode(&signature))
}

fn header() -> Value {
    json!({ "alg": "EdDSA", "kid": "k-1", "typ": "JWT" })
}

fn with(mut value: Value, key: &str, to: Value) -> Value {
    if to.is_null() {
        value.as_object_mut().unwrap().remove(key);
    } else {
        value[key] = to;
    }
    value
}

#[test]
fn a_token_is_believed_when_it_is_for_us_now_and_by_a_key_of_the_provider() {
    let keys = keys(&[json!({ "kty": "oct", "k": "AAAA" }), json!("nonsense"), jwk()]);
    let believed = verify(&signed(&header(), &claims()), &keys, &EXPECTED).unwrap();
    assert_eq!((believed.sub.as_str(), &believed.more["groups"]), ("u-1", &json!(["staff"])));
    let now = NOW_MS / 1_000;
    for (key, value, wrong) in [
        ("iss", json!("https://id.example/"), JwtError::Issuer),
        ("iss", json!("https://evil.example"), JwtError::Issuer),
        ("iss", Value::Null, JwtError::Malformed),
        ("aud", json!("another"), JwtError::Audience),
        ("aud", json!([]), JwtError::Audience),
        ("aud", json!(["aisle", "another"]), JwtError::Audience),
        ("azp", json!("another"), JwtError::Audience),
        ("nonce", json!("n-2"), JwtError::Nonce),
        ("nonce", Value::Null, JwtError::Nonce),
        ("exp", json!(now - 121), JwtError::Time),
        ("exp", json!("soon"), JwtError::Malformed),
        ("exp", Value::Null, JwtError::Malformed),
        ("nbf", json!(now + 121), JwtError::Time),
        ("sub", json!(""), JwtError::Malformed),
        ("sub", Value::Null, JwtError::Malformed),
    ] {
        let token = signed(&header(), &with(claims(), key, value.clone()));
        assert_eq!(verify(&token, &keys, &EXPECTED), Err(wrong), "{key} {value}");
    }
    let many = with(with(claims(), "aud", json!(["aisle", "another"])), "azp", json!("aisle"));
    assert!(verify(&signed(&header(), &many), &keys, &EXPECTED).is_ok());
    let skewed = with(claims(), "exp", json!(now - 60));
    assert!(verify(&signed(&header(), &skewed), &keys, &EXPECTED).is_ok(), "clocks differ a little");
}

#[test]
fn a_token_does_not_choose_how_it_is_checked() {
    let keys = keys(&[jwk()]);
    let named = |algorithm: &str| with(header(), "alg", json!(algorithm));
    for algorithm in ["none", "None", "HS256", "RS1", ""] {
        let token = signed(&named(algorithm), &claims());
        assert_eq!(verify(&token, &keys, &EXPECTED), Err(JwtError::Algorithm(algorithm.into())));
    }
    // Signed with what everybody knows: the public key as a secret.
    let unsigned = format!("{}.{}.", encoded(&named("none")), encoded(&claims()));
    assert_eq!(verify(&unsigned, &keys, &EXPECTED), Err(JwtError::Algorithm("none".into())));
    // An algorithm that is taken, and is not that of the key.
    for algorithm in ["RS256", "PS256", "ES256", "ES384"] {
        assert_eq!(verify(&signed(&named(algorithm), &claims()), &keys, &EXPECTED), Err(JwtError::Signature));
    }
    // A key that is for something else, or for another algorithm only.
    for (key, value) in [("use", "enc"), ("alg", "ES256"), ("kid", "k-2")] {
        let other = self::keys(&[with(jwk(), key, json!(value))]);
        assert_eq!(
            verify(&signed(&header(), &claims()), &other, &EXPECTED),
            Err(JwtError::Signature),
            "{key}"
        );
    }
    // What has to be understood and is not.
    let critical = with(header(), "crit", json!(["b64"]));
    assert_eq!(verify(&signed(&critical, &claims()), &keys, &EXPECTED), Err(JwtError::Malformed));
    // A key that comes along counts for nothing.
    let stranger = aisle_residency::signing::SigningKey::from_seed(&[8; 32]).unwrap();
    let own =
        json!({ "kty": "OKP", "crv": "Ed25519", "x": BASE64URL_NOPAD.encode(&stranger.verifying_key().0) });
    let message = format!("{}.{}", encoded(&with(header(), "jwk", own)), encoded(&claims()));
    let token = format!("{message}.{}", BASE64URL_NOPAD.encode(&stranger.sign(message.as_bytes()).0));
    assert_eq!(verify(&token, &keys, &EXPECTED), Err(JwtError::Signature));
}

#[test]
fn keys_of_elliptic_curves_are_taken() {
    let random = SystemRandom::new();
    let scheme = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(scheme, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(scheme, pkcs8.as_ref(), &random).unwrap();
    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
    let jwk = json!({ "kty": "EC", "crv": "P-256", "x": BASE64URL_NOPAD.encode(x), "y": BASE64URL_NOPAD.encode(y) });
    let message = format!("{}.{}", encoded(&json!({ "alg": "ES256" })), encoded(&claims()));
    let signature = pair.sign(&random, message.as_bytes()).unwrap();
    let token = format!("{message}.{}", BASE64URL_NOPAD.encode(signature.as_ref()));
    assert!(verify(&token, &keys(std::slice::from_ref(&jwk)), &EXPECTED).is_ok());
    let short = with(jwk, "x", json!(BASE64URL_NOPAD.encode(&x[1..])));
    assert_eq!(verify(&token, &keys(&[short]), &EXPECTED), Err(JwtError::Signature));
}

#[test]
fn damaged_bytes_are_refused_and_nothing_else_happens() {
    let keys = keys(&[jwk()]);
    let token = signed(&header(), &claims());
    // A generator of its own, from a seed that is printed.
    let mut state: u64 = 0x5eed_0007;
    println!("seed {state:#x}");
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    for _ in 0..20_000 {
        let mut bytes = token.clone().into_bytes();
        for _ in 0..=next() % 3 {
            let at = next() % bytes.len();
            match next() % 4 {
                0 => bytes[at] = (next() % 128) as u8,
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, b"._-=A{\"0"[next() % 8]),
                _ => bytes.truncate(at.max(1)),
            }
            if bytes.is_empty() {
                bytes.push(b'.');
            }
        }
        let damaged = String::from_utf8_lossy(&bytes).into_owned();
        if damaged != token {
            verify(&damaged, &keys, &EXPECTED).unwrap_err();
        }
        let _ = key_id(&damaged);
    }
    for text in
        ["", ".", "..", "...", "a.b.c", "e30.e30.e30", &"x".repeat(TOKEN_BYTES_MAX + 1), &".".repeat(1_000)]
    {
        verify(text, &keys, &EXPECTED).unwrap_err();
    }
    for text in [&b""[..], b"{}", b"[]", b"{\"keys\":7}", b"\xff"] {
        assert!(Keys::read(text).is_err());
    }
    let deep = "[".repeat(100_000);
    assert!(Keys::read(deep.as_bytes()).is_err(), "and no stack is used up");
}
