//! Private keys at rest: PKCS#8 (RFC 5958) in PEM, sealed by PBES2 (RFC 8018) with scrypt (RFC 7914) and AES-256-CBC, which is also what OpenSSL reads
//! and writes.
//!
//! Guards: a sealed key that somebody made cannot take more memory or time than [`WORK_MAX`] says; private bytes are overwritten when they go.

use super::SigningKey;
use pkcs8::{
    AlgorithmIdentifierRef, EncryptedPrivateKeyInfoRef, LineEnding, ObjectIdentifier, PrivateKeyInfoRef,
    SecretDocument,
    der::{Decode as _, Encode as _, asn1::OctetStringRef},
    pkcs5::{
        EncryptionScheme,
        pbes2::{Kdf, Parameters},
        scrypt,
    },
};
use zeroize::Zeroizing;

/// id-Ed25519 of RFC 8410.
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// scrypt: 2^14 blocks of 1 KiB, five times: as much work as 2^17 blocks once (OWASP), in the 16 MiB that OpenSSL, which stops at 32, opens without being told to.
const LOG_N: u8 = 14;
/// The size of a block of scrypt, in units of 128 bytes.
const R: u32 = 8;
/// How many times scrypt does it.
const P: u32 = 5;
/// The most work that a sealed key may ask of us: the bytes that scrypt fills, or the rounds of PBKDF2 times 64.
pub const WORK_MAX: u64 = 256 << 20;
/// The fewest characters of a passphrase.
pub const PASSPHRASE_CHARS_MIN: usize = 12;
/// The label of a sealed key.
const SEALED: &str = "ENCRYPTED PRIVATE KEY";
/// The label of one that is not.
const PLAIN: &str = "PRIVATE KEY";

/// 32 random bytes, used for one sealing only.
#[derive(Debug, Clone)]
pub struct SealNonce(pub [u8; 32]);

/// Why a key is not sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Too short to keep anybody out.
    #[error(
        "the passphrase has {chars} characters\nhint: at least {PASSPHRASE_CHARS_MIN}; five words by dice are good"
    )]
    Passphrase {
        /// How many it has.
        chars: usize,
    },
    /// The library does not take how keys are sealed here, which a test would have noticed.
    #[error("the library refuses the parameters of the seal")]
    Parameters,
    /// The library refused.
    #[error("the key cannot be written as PKCS#8")]
    Pkcs8(#[from] pkcs8::Error),
}

/// Why a sealed key does not open.
#[derive(Debug, thiserror::Error)]
pub enum UnsealError {
    /// It is no PEM.
    #[error("this is no key in PEM")]
    Pem(#[source] pkcs8::der::Error),
    /// It is something else.
    #[error("this is `{found}`, expected `{expected}`")]
    Label {
        /// What it is.
        found: String,
        /// What was asked for.
        expected: &'static str,
    },
    /// Sealed in a way that takes too much, or that is not read here.
    #[error(
        "the key is sealed in a way that is not read here\nhint: PBES2 with scrypt or PBKDF2, within {WORK_MAX} bytes of work"
    )]
    Scheme,
    /// A wrong passphrase, or a damaged file.
    #[error("the passphrase does not open the key")]
    Passphrase,
    /// Another key than one of Ed25519.
    #[error("the key is none of Ed25519")]
    NotEd25519,
}

impl SigningKey {
    /// Seals the key for its owner alone.
    ///
    /// # Errors
    /// When the passphrase is too short, or the library refuses.
    pub fn seal(&self, passphrase: &str, nonce: &SealNonce) -> Result<String, SealError> {
        let chars = passphrase.chars().count();
        if chars < PASSPHRASE_CHARS_MIN {
            return Err(SealError::Passphrase { chars });
        }
        let (salt, iv) = nonce.0.split_at(16);
        let iv: [u8; 16] = iv.try_into().map_err(|_| SealError::Parameters)?;
        let params = scrypt::Params::new(LOG_N, R, P).map_err(|_| SealError::Parameters)?;
        let parameters =
            Parameters::generate_scrypt_aes256cbc(params, salt, iv).map_err(pkcs8::Error::from)?;
        let document = self.with_info(|info| info.encrypt_with_params(parameters, passphrase))?;
        Ok(document.to_pem(SEALED, LineEnding::LF).map_err(pkcs8::Error::from)?.to_string())
    }

    /// Opens a sealed key.
    ///
    /// # Errors
    /// When it is none, or the passphrase is another one.
    pub fn unseal(pem: &str, passphrase: &str) -> Result<Self, UnsealError> {
        let document = labelled(pem, SEALED)?;
        let sealed =
            EncryptedPrivateKeyInfoRef::from_der(document.as_bytes()).map_err(|_| UnsealError::Scheme)?;
        if work(&sealed.encryption_algorithm).is_none_or(|work| work > WORK_MAX) {
            return Err(UnsealError::Scheme);
        }
        let opened = sealed.decrypt(passphrase).map_err(|_| UnsealError::Passphrase)?;
        Self::of_info(opened.as_bytes())
    }

    /// The key as it is, in PEM. Whoever reads it can sign.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, SealError> {
        let document = self.with_info(|info| {
            SecretDocument::try_from(info.to_der().map_err(pkcs8::Error::from)?).map_err(Into::into)
        })?;
        Ok(document.to_pem(PLAIN, LineEnding::LF).map_err(pkcs8::Error::from)?)
    }

    /// Reads a key that is not sealed.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_pem(pem: &str) -> Result<Self, UnsealError> {
        Self::of_info(labelled(pem, PLAIN)?.as_bytes())
    }

    fn with_info(
        &self,
        write: impl FnOnce(&PrivateKeyInfoRef<'_>) -> Result<SecretDocument, pkcs8::Error>,
    ) -> Result<SecretDocument, pkcs8::Error> {
        // RFC 8410: the private key is an OCTET STRING within the OCTET STRING.
        let inner = Zeroizing::new(OctetStringRef::new(self.seed.as_slice())?.to_der()?);
        let algorithm = AlgorithmIdentifierRef { oid: ED25519, parameters: None };
        write(&PrivateKeyInfoRef::new(algorithm, OctetStringRef::new(&inner)?))
    }

    fn of_info(der: &[u8]) -> Result<Self, UnsealError> {
        let not_ed25519 = || UnsealError::NotEd25519;
        let info = PrivateKeyInfoRef::from_der(der).map_err(|_| not_ed25519())?;
        if info.algorithm.oid != ED25519 {
            return Err(not_ed25519());
        }
        let seed = <&OctetStringRef>::from_der(info.private_key.as_bytes()).map_err(|_| not_ed25519())?;
        let seed = Zeroizing::new(<[u8; 32]>::try_from(seed.as_bytes()).map_err(|_| not_ed25519())?);
        Self::from_seed(&seed).map_err(|_| not_ed25519())
    }
}

fn labelled(pem: &str, expected: &'static str) -> Result<SecretDocument, UnsealError> {
    let (found, document) = SecretDocument::from_pem(pem).map_err(UnsealError::Pem)?;
    if found == expected {
        Ok(document)
    } else {
        Err(UnsealError::Label { found: crate::id::shown(found), expected })
    }
}

/// What opening takes; nothing where it is sealed otherwise.
fn work(scheme: &EncryptionScheme) -> Option<u64> {
    match &scheme.pbes2()?.kdf {
        Kdf::Scrypt(params) => {
            let block = u64::from(params.block_size).checked_mul(128)?;
            params.cost_parameter.checked_mul(block)?.checked_mul(u64::from(params.parallelization))
        }
        Kdf::Pbkdf2(params) => u64::from(params.iteration_count).checked_mul(64),
        _ => None,
    }
}
