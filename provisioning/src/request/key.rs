//! Which public keys get certificates.

use super::RequestError;
use crate::fingerprint::Fingerprint;
use rcgen::{PublicKeyData, SignatureAlgorithm};
use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use x509_parser::{
    public_key,
    x509::{AlgorithmIdentifier, SubjectPublicKeyInfo},
};

/// The fewest bits of an RSA key.
pub const RSA_BITS_MIN: usize = 2_048;
/// The most bits of an RSA key: checking a signature of more is work that others pay for.
pub const RSA_BITS_MAX: usize = 4_096;

/// Which kinds of keys are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyRules {
    /// ECDSA on P-384 and Ed25519, beside P-256.
    pub other_curves: bool,
    /// RSA of 2,048 to 4,096 bits.
    pub rsa: bool,
}

impl KeyRules {
    /// What nodes, hubs and relays have: their keys are made by this crate.
    pub const OWN: Self = Self { other_curves: false, rsa: false };
    /// What devices have, which are made by others.
    pub const DEVICE: Self = Self { other_curves: true, rsa: true };
}

/// A public key that may get a certificate.
#[derive(Debug, Clone)]
pub struct PublicKey {
    algorithm: &'static SignatureAlgorithm,
    bytes: Vec<u8>,
    fingerprint: Fingerprint,
}

const P256: &str = "1.2.840.10045.3.1.7";
const P384: &str = "1.3.132.0.34";

impl PublicKey {
    /// Reads a key, when the rules take it.
    pub(super) fn read(spki: &SubjectPublicKeyInfo<'_>, rules: KeyRules) -> Result<Self, RequestError> {
        let refused = |found: String| RequestError::Key { found, allowed: rules.words() };
        let kind = spki.algorithm.algorithm.to_id_string();
        let algorithm = match kind.as_str() {
            "1.2.840.10045.2.1" => {
                let curve = spki.algorithm.parameters.as_ref().and_then(|curve| curve.as_oid().ok());
                match curve.map(|curve| curve.to_id_string()).as_deref() {
                    Some(P256) => &rcgen::PKCS_ECDSA_P256_SHA256,
                    Some(P384) if rules.other_curves => &rcgen::PKCS_ECDSA_P384_SHA384,
                    other => return Err(refused(format!("ECDSA on curve {}", other.unwrap_or("none")))),
                }
            }
            "1.3.101.112" if rules.other_curves => &rcgen::PKCS_ED25519,
            "1.2.840.113549.1.1.1" => match spki.parsed() {
                Ok(public_key::PublicKey::RSA(key))
                    if rules.rsa && (RSA_BITS_MIN..=RSA_BITS_MAX).contains(&key.key_size()) =>
                {
                    &rcgen::PKCS_RSA_SHA256
                }
                Ok(public_key::PublicKey::RSA(key)) => {
                    return Err(refused(format!("RSA of {} bits", key.key_size())));
                }
                _ => return Err(RequestError::Malformed { what: "the key" }),
            },
            other => return Err(refused(format!("a key of kind {other}"))),
        };
        let bytes = spki.subject_public_key.data.to_vec();
        Ok(Self { algorithm, bytes, fingerprint: Fingerprint::of_spki(spki.raw) })
    }

    /// What it is known by.
    #[must_use]
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Whether this key made the signature, by an algorithm that fits it.
    pub(super) fn verifies(&self, by: &AlgorithmIdentifier<'_>, message: &[u8], signature: &[u8]) -> bool {
        let p256 = self.algorithm == &rcgen::PKCS_ECDSA_P256_SHA256;
        let p384 = self.algorithm == &rcgen::PKCS_ECDSA_P384_SHA384;
        let rsa = self.algorithm == &rcgen::PKCS_RSA_SHA256;
        let algorithm: &dyn VerificationAlgorithm = match by.algorithm.to_id_string().as_str() {
            "1.2.840.10045.4.3.2" if p256 => &signature::ECDSA_P256_SHA256_ASN1,
            "1.2.840.10045.4.3.3" if p256 => &signature::ECDSA_P256_SHA384_ASN1,
            "1.2.840.10045.4.3.2" if p384 => &signature::ECDSA_P384_SHA256_ASN1,
            "1.2.840.10045.4.3.3" if p384 => &signature::ECDSA_P384_SHA384_ASN1,
            "1.3.101.112" if self.algorithm == &rcgen::PKCS_ED25519 => &signature::ED25519,
            "1.2.840.113549.1.1.11" if rsa => &signature::RSA_PKCS1_2048_8192_SHA256,
            "1.2.840.113549.1.1.12" if rsa => &signature::RSA_PKCS1_2048_8192_SHA384,
            "1.2.840.113549.1.1.13" if rsa => &signature::RSA_PKCS1_2048_8192_SHA512,
            _ => return false,
        };
        UnparsedPublicKey::new(algorithm, &self.bytes).verify(message, signature).is_ok()
    }
}

impl KeyRules {
    const fn words(self) -> &'static str {
        match (self.other_curves, self.rsa) {
            (false, false) => "ECDSA on P-256",
            (true, false) => "ECDSA on P-256 or P-384, and Ed25519",
            (false, true) => "ECDSA on P-256, and RSA of 2048 to 4096 bits",
            (true, true) => "ECDSA on P-256 or P-384, Ed25519, and RSA of 2048 to 4096 bits",
        }
    }
}

impl PublicKeyData for PublicKey {
    fn der_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}
