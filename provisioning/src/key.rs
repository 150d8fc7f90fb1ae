//! Private keys: ECDSA on P-256, made by `ring`, kept as PKCS#8 in PEM, in the clear or under a passphrase.
//!
//! Under a passphrase it is a standard `EncryptedPrivateKeyInfo` (RFC 5958, RFC 8018): scrypt and AES-256-CBC, so `openssl pkey` reads it. scrypt's memory stays below the
//! 32 MiB that OpenSSL allows without being asked.
//!
//! Not here: where files lie (`authority`, `keyring`). Guards: a key is shown to nobody: neither `Debug` nor an error has anything of one.

use crate::{
    entropy::{self, Entropy, NoEntropy},
    fingerprint::Fingerprint,
};
use pkcs8::{
    EncryptedPrivateKeyInfoRef, LineEnding, SecretDocument,
    pkcs5::{
        EncryptionScheme,
        pbes2::{self, Kdf},
    },
};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData as _, SigningKey as _};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::fmt;
use zeroize::Zeroizing;

/// The fewest bytes of a passphrase.
pub const PASSPHRASE_BYTES_MIN: usize = 10;
/// The most bytes of a passphrase.
pub const PASSPHRASE_BYTES_MAX: usize = 1024;

const ENCRYPTED: &str = "ENCRYPTED PRIVATE KEY";
const CLEAR: &str = "PRIVATE KEY";
/// What a file may ask for: 128 MiB and sixteen turns of it; a million rounds of PBKDF2.
const MEMORY_BYTES_MAX: u64 = 128 << 20;
const LANES_MAX: u16 = 16;
const ROUNDS_MAX: u32 = 10_000_000;

/// What encrypted keys open with.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<String>);

/// A text is no passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a passphrase has {PASSPHRASE_BYTES_MIN} to {PASSPHRASE_BYTES_MAX} bytes; this has {bytes}\nhint: four or five words that have nothing to do with each other"
)]
pub struct InvalidPassphrase {
    /// How many it has.
    pub bytes: usize,
}

impl Passphrase {
    /// A passphrase, without the line's end that a file or a pipe may have put behind it.
    ///
    /// # Errors
    /// When it is too short or too long.
    pub fn new(text: &str) -> Result<Self, InvalidPassphrase> {
        let text = text.trim_end_matches(['\r', '\n']);
        if (PASSPHRASE_BYTES_MIN..=PASSPHRASE_BYTES_MAX).contains(&text.len()) {
            Ok(Self(Zeroizing::new(text.to_owned())))
        } else {
            Err(InvalidPassphrase { bytes: text.len() })
        }
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

/// How much work a guess at a passphrase is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyCost {
    /// scrypt's N as a power of two: 2^N KiB of memory.
    pub log_n: u8,
    /// How often that memory is gone through.
    pub p: u32,
}

impl Default for KeyCost {
    /// 16 MiB, five times: one of the settings that OWASP's cheat sheet on storing passwords counts as equal to 128 MiB once.
    fn default() -> Self {
        Self { log_n: 14, p: 5 }
    }
}

/// Why a key cannot be made, read or used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The text is no PEM of a private key.
    #[error(
        "this is no private key in PEM\nhint: it begins with `-----BEGIN PRIVATE KEY-----` or `-----BEGIN ENCRYPTED PRIVATE KEY-----`"
    )]
    Pem,
    /// It is encrypted, and there is no passphrase.
    #[error("the key is encrypted\nhint: give its passphrase")]
    Encrypted,
    /// It does not open.
    #[error("the key does not open\nhint: the passphrase is another, or the file is damaged")]
    Passphrase,
    /// It asks for more work than is done.
    #[error(
        "the key is encrypted at a cost that is not paid here: at most 128 MiB for scrypt, or ten million rounds of PBKDF2"
    )]
    Cost,
    /// It is of another kind.
    #[error(
        "the key is none of ECDSA on P-256\nhint: keys of this chain are made by `aisle-hub` and `aisle-node` themselves"
    )]
    Kind,
    /// The library could not do it.
    #[error("the key could not be made or used")]
    Library(#[source] rcgen::Error),
    /// There is no randomness.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
}

/// A private key.
pub struct PrivateKey {
    pair: KeyPair,
    fingerprint: Fingerprint,
}

impl PrivateKey {
    /// A new one. It comes from the operating system's randomness: `ring` takes no other.
    ///
    /// # Errors
    /// When there is none.
    pub fn generate() -> Result<Self, KeyError> {
        KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map(Self::of).map_err(KeyError::Library)
    }

    fn of(pair: KeyPair) -> Self {
        let fingerprint = Fingerprint::of_spki(&pair.subject_public_key_info());
        Self { pair, fingerprint }
    }

    /// From PKCS#8 in DER.
    ///
    /// # Errors
    /// When it is none, or of another kind.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let der = PrivatePkcs8KeyDer::from(der);
        KeyPair::from_pkcs8_der_and_sign_algo(&der, &PKCS_ECDSA_P256_SHA256)
            .map(Self::of)
            .map_err(|_| KeyError::Kind)
    }

    /// From PEM, encrypted or not.
    ///
    /// # Errors
    /// When it is no key of the right kind, or does not open.
    pub fn from_pem(pem: &str, passphrase: Option<&Passphrase>) -> Result<Self, KeyError> {
        let (label, document) = SecretDocument::from_pem(pem).map_err(|_| KeyError::Pem)?;
        match (label, passphrase) {
            (CLEAR, _) => Self::from_pkcs8(document.as_bytes()),
            (ENCRYPTED, Some(passphrase)) => {
                let sealed =
                    EncryptedPrivateKeyInfoRef::try_from(document.as_bytes()).map_err(|_| KeyError::Pem)?;
                is_affordable(&sealed.encryption_algorithm)?;
                let opened = sealed.decrypt(passphrase.0.as_bytes()).map_err(|_| KeyError::Passphrase)?;
                Self::from_pkcs8(opened.as_bytes())
            }
            (ENCRYPTED, None) => Err(KeyError::Encrypted),
            _ => Err(KeyError::Pem),
        }
    }

    /// As PEM in the clear, for a file that only its owner reads.
    #[must_use]
    pub fn to_pem(&self) -> Zeroizing<String> {
        Zeroizing::new(self.pair.serialize_pem())
    }

    /// As PEM under a passphrase.
    ///
    /// # Errors
    /// When there is no randomness, or the cost is none that scrypt takes.
    pub fn to_encrypted_pem(
        &self,
        passphrase: &Passphrase,
        cost: KeyCost,
        entropy: &mut dyn Entropy,
    ) -> Result<String, KeyError> {
        let salt: [u8; 16] = entropy::array(entropy)?;
        let iv: [u8; 16] = entropy::array(entropy)?;
        let params = pkcs8::pkcs5::scrypt::Params::new(cost.log_n, 8, cost.p).map_err(|_| KeyError::Cost)?;
        let scheme =
            pbes2::Parameters::generate_scrypt_aes256cbc(params, &salt, iv).map_err(|_| KeyError::Cost)?;
        let clear = Zeroizing::new(self.pair.serialize_der());
        let sealed = scheme.encrypt(passphrase.0.as_bytes(), &clear).map_err(|_| KeyError::Cost)?;
        let info = pkcs8::EncryptedPrivateKeyInfoOwned {
            encryption_algorithm: EncryptionScheme::from(scheme),
            encrypted_data: pkcs8::der::asn1::OctetString::new(sealed).map_err(|_| KeyError::Pem)?,
        };
        let document = SecretDocument::encode_msg(&info).map_err(|_| KeyError::Pem)?;
        let pem = document.to_pem(ENCRYPTED, LineEnding::LF).map_err(|_| KeyError::Pem)?;
        Ok(pem.as_str().to_owned())
    }

    /// Signs with ECDSA and SHA-256, in ASN.1 form.
    ///
    /// # Errors
    /// When there is no randomness for it.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.pair.sign(message).map_err(KeyError::Library)
    }

    /// What it is known by.
    #[must_use]
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The public half, as a certificate has it.
    #[must_use]
    pub fn spki(&self) -> Vec<u8> {
        self.pair.subject_public_key_info()
    }

    /// For `rustls`.
    #[must_use]
    pub fn to_der(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.pair.serialize_der()))
    }

    pub(crate) const fn pair(&self) -> &KeyPair {
        &self.pair
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey(of {:?})", self.fingerprint)
    }
}

/// Whether a file's scheme may be worked through: its numbers come from the file.
fn is_affordable(scheme: &EncryptionScheme) -> Result<(), KeyError> {
    let EncryptionScheme::Pbes2(parameters) = scheme else { return Err(KeyError::Cost) };
    let affordable = match &parameters.kdf {
        Kdf::Pbkdf2(pbkdf2) => pbkdf2.iteration_count <= ROUNDS_MAX,
        Kdf::Scrypt(scrypt) => {
            let memory =
                128_u64.saturating_mul(scrypt.cost_parameter).saturating_mul(u64::from(scrypt.block_size));
            memory <= MEMORY_BYTES_MAX && scrypt.parallelization <= LANES_MAX
        }
        _ => false,
    };
    affordable.then_some(()).ok_or(KeyError::Cost)
}
