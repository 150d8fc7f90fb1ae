//! Identity tokens: a signature by one of the provider's keys, and claims that are meant for us, now.
//!
//! Over `ring`, which the hub has anyway: no private key is ever used here, and the algorithm is chosen by the *key*, so a token cannot choose a weaker
//! one (`none`, or a secret made of a public key). Bytes from outside: whatever they are, the answer is a refusal and never a panic. Not here: how tokens and
//! keys are fetched ([`super::wire`]).

use data_encoding::BASE64URL_NOPAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The longest token, in bytes.
pub const TOKEN_BYTES_MAX: usize = 64 << 10;
/// The most keys of a provider that are looked at.
const KEYS_MAX: usize = 64;
/// The clocks of the provider and of this hub may differ by so much, in milliseconds.
const SKEW_MS: i64 = 120_000;

/// Why a token is not believed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum JwtError {
    /// It is none.
    #[error("it is no token")]
    Malformed,
    /// An algorithm that is not taken.
    #[error("it is signed by `{0}`, which is not taken")]
    Algorithm(String),
    /// No key of the provider has made the signature.
    #[error("no key of the provider has signed it")]
    Signature,
    /// It comes from somebody else.
    #[error("another provider has made it")]
    Issuer,
    /// It is meant for somebody else.
    #[error("it is meant for another client")]
    Audience,
    /// It is over, or not yet good.
    #[error("it is over, or not good yet\nhint: does this machine have the right time?")]
    Time,
    /// It answers another question.
    #[error("it answers another sign-in")]
    Nonce,
}

/// The public keys of a provider.
#[derive(Debug, Clone, Default)]
pub struct Keys(Vec<Key>);

#[derive(Debug, Clone)]
struct Key {
    id: Option<String>,
    algorithm: Option<String>,
    public: Public,
}

#[derive(Debug, Clone)]
enum Public {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

#[derive(Deserialize)]
struct RawKeys {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct RawKey {
    kty: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default, rename = "use")]
    purpose: Option<String>,
    #[serde(default)]
    crv: String,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
    #[serde(default)]
    x: String,
    #[serde(default)]
    y: String,
}

impl Keys {
    /// Reads a set of keys (RFC 7517). Keys of other kinds are left out.
    ///
    /// # Errors
    /// When it is no set of keys.
    pub fn read(json: &[u8]) -> Result<Self, JwtError> {
        let raw: RawKeys = serde_json::from_slice(json).map_err(|_| JwtError::Malformed)?;
        Ok(Self(raw.keys.into_iter().take(KEYS_MAX).filter_map(key).collect()))
    }

    /// True when a key has this id.
    #[must_use]
    pub fn has(&self, id: Option<&str>) -> bool {
        self.0.iter().any(|key| id.is_none() || key.id.as_deref() == id)
    }
}

fn key(raw: Value) -> Option<Key> {
    let raw: RawKey = serde_json::from_value(raw).ok()?;
    if raw.purpose.as_deref().is_some_and(|purpose| purpose != "sig") {
        return None;
    }
    let bytes = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).ok();
    let number = |text: &str| {
        let bytes = bytes(text)?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        bytes.get(zeros..).filter(|bytes| !bytes.is_empty()).map(<[u8]>::to_vec)
    };
    let point = |length: usize| {
        let (x, y) = (bytes(&raw.x)?, bytes(&raw.y)?);
        (x.len() == length && y.len() == length).then(|| [&[4], x.as_slice(), y.as_slice()].concat())
    };
    let public = match (raw.kty.as_str(), raw.crv.as_str()) {
        ("RSA", _) => Public::Rsa { n: number(&raw.n)?, e: number(&raw.e)? },
        ("EC", "P-256") => Public::P256(point(32)?),
        ("EC", "P-384") => Public::P384(point(48)?),
        ("OKP", "Ed25519") => Public::Ed25519(bytes(&raw.x)?),
        _ => return None,
    };
    Some(Key { id: raw.kid, algorithm: raw.alg, public })
}

impl Key {
    fn verifies(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        if self.algorithm.as_deref().is_some_and(|only| only != algorithm) {
            return false;
        }
        let by = |scheme: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(scheme, key).verify(message, signature).is_ok()
        };
        match (&self.public, algorithm) {
            (Public::Rsa { n, e }, algorithm) => {
                let Some(scheme) = rsa(algorithm) else { return false };
                RsaPublicKeyComponents { n, e }.verify(scheme, message, signature).is_ok()
            }
            (Public::P256(key), "ES256") => by(&ECDSA_P256_SHA256_FIXED, key),
            (Public::P384(key), "ES384") => by(&ECDSA_P384_SHA384_FIXED, key),
            (Public::Ed25519(key), "EdDSA" | "Ed25519") => by(&ED25519, key),
            _ => false,
        }
    }
}

fn rsa(algorithm: &str) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        "RS256" => &RSA_PKCS1_2048_8192_SHA256,
        "RS384" => &RSA_PKCS1_2048_8192_SHA384,
        "RS512" => &RSA_PKCS1_2048_8192_SHA512,
        "PS256" => &RSA_PSS_2048_8192_SHA256,
        "PS384" => &RSA_PSS_2048_8192_SHA384,
        "PS512" => &RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

const ALGORITHMS: [&str; 10] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "Ed25519"];

/// What a token has to say to be believed.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Who made it.
    pub issuer: &'a str,
    /// For whom.
    pub client: &'a str,
    /// In answer to what.
    pub nonce: &'a str,
    /// The time, in milliseconds since 1970.
    pub now_ms: i64,
}

/// What a token that is believed says.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Claims {
    iss: String,
    /// Who it is, for ever, at this provider.
    pub sub: String,
    aud: Audience,
    exp: f64,
    #[serde(default)]
    nbf: Option<f64>,
    #[serde(default)]
    nonce: Option<String>,
    #[serde(default)]
    azp: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    crit: Option<Value>,
}

/// A token's parts: what it says of itself, what is signed, the claims, the signature.
type Parts<'t> = (Header, &'t str, Vec<u8>, Vec<u8>);

/// The id of the key that a token names.
///
/// # Errors
/// When it is no token, or signed by what is not taken.
pub fn key_id(token: &str) -> Result<Option<String>, JwtError> {
    Ok(parts(token)?.0.kid)
}

fn parts(token: &str) -> Result<Parts<'_>, JwtError> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(JwtError::Malformed);
    }
    let (message, signature) = token.rsplit_once('.').ok_or(JwtError::Malformed)?;
    let (header, claims) = message.split_once('.').ok_or(JwtError::Malformed)?;
    let decode = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| JwtError::Malformed);
    let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| JwtError::Malformed)?;
    if !ALGORITHMS.contains(&header.alg.as_str()) {
        return Err(JwtError::Algorithm(header.alg.chars().take(16).collect()));
    }
    // What has to be understood is not.
    if header.crit.is_some() {
        return Err(JwtError::Malformed);
    }
    Ok((header, message, decode(claims)?, decode(signature)?))
}

/// Checks a token and reads it.
///
/// # Errors
/// When it is not signed by a key of the provider, or not meant for us, now, in answer to what was asked.
pub fn verify(token: &str, keys: &Keys, expected: &Expected<'_>) -> Result<Claims, JwtError> {
    let (header, message, claims, signature) = parts(token)?;
    let fits = |key: &&Key| header.kid.is_none() || key.id.is_none() || key.id == header.kid;
    let is_signed =
        keys.0.iter().filter(fits).any(|key| key.verifies(&header.alg, message.as_bytes(), &signature));
    if !is_signed {
        return Err(JwtError::Signature);
    }
    let claims: Claims = serde_json::from_slice(&claims).map_err(|_| JwtError::Malformed)?;
    if claims.iss != expected.issuer {
        return Err(JwtError::Issuer);
    }
    let is_for_us = match &claims.aud {
        Audience::One(one) => one == expected.client,
        // Whoever else it is for could show it to us: then it has to say that it was made for us.
        Audience::Many(many) => {
            let is_named = many.iter().any(|one| one == expected.client);
            is_named && (many.len() == 1 || claims.azp.as_deref() == Some(expected.client))
        }
    };
    if !is_for_us || claims.azp.as_ref().is_some_and(|azp| azp != expected.client) {
        return Err(JwtError::Audience);
    }
    let now = expected.now_ms as f64;
    let (skew, ms) = (SKEW_MS as f64, |seconds: f64| seconds * 1_000.0);
    // A number that is none is in no order with any other.
    let is_now = now < ms(claims.exp) + skew && claims.nbf.is_none_or(|nbf| now >= ms(nbf) - skew);
    if !is_now {
        return Err(JwtError::Time);
    }
    if claims.nonce.as_deref() != Some(expected.nonce) {
        return Err(JwtError::Nonce);
    }
    if claims.sub.is_empty() || claims.sub.len() > 255 {
        return Err(JwtError::Malformed);
    }
    Ok(claims)
}
