//! The two authorities of a chain: a root that lies in a safe, and the one at the hub that issues certificates.
//!
//! ```text
//! root (20 years, path length 1)      needed only to make or renew the next
//!  └ issuing (5 years, path length 0) at the hub; several live at once while one takes the other's place
//!     └ nodes, devices, hubs, relays
//! ```
//!
//! Everybody believes the root and shows what lies between it and themselves, so certificates of an issuing authority that was replaced
//! go on holding until they end. Not here: what a certificate of somebody looks like (`issue`).
//! Guards: a root's key is never beside the issuing one, and neither is ever on the disk in the clear.

mod folder;
mod limits;

pub use folder::{AuthorityFolder, Ceremony, FolderError, ISSUING_MAX, Initialised, Secrets, Unlocked};
pub use limits::{InvalidLimits, LIMITS_MAX, NameLimits, NetworkLimit};

use crate::{
    certificate::{CertificateError, Facts},
    entropy::{self, Entropy, NoEntropy},
    fingerprint::Fingerprint,
    identity::{Chain, PART_BYTES_MAX},
    key::{KeyError, PrivateKey},
    moment::{Lifetimes, Validity, to_rcgen},
};
use aisle_event::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    NameConstraints, SerialNumber,
};
use rustls_pki_types::CertificateDer;

/// Why an authority cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// Its key.
    #[error("the authority's key cannot be used")]
    Key(#[from] KeyError),
    /// Its certificate.
    #[error("the authority's certificate cannot be read")]
    Certificate(#[from] CertificateError),
    /// They do not belong together.
    #[error("the key {} is not the certificate's, which is {}\nhint: two files of different authorities lie side by side", .key.short(), .certificate.short())]
    Apart {
        /// The key that is there.
        key: Fingerprint,
        /// The key that the certificate is of.
        certificate: Fingerprint,
    },
    /// The certificate is not one of an authority.
    #[error("the certificate is of nobody who may issue others")]
    NoAuthority,
    /// A certificate could not be made.
    #[error("the authority's certificate could not be made")]
    Library(#[source] rcgen::Error),
    /// There is no randomness.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
}

/// What an authority is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charter {
    /// Whose stores these are.
    pub chain: Chain,
    /// Which names certificates may have besides identities.
    pub limits: NameLimits,
    /// For how long things hold.
    pub lifetimes: Lifetimes,
}

/// The root: everybody believes it.
#[derive(Debug)]
pub struct Root {
    certificate: CertificateDer<'static>,
    facts: Facts,
    key: PrivateKey,
}

/// The authority at the hub that issues certificates.
#[derive(Debug)]
pub struct Issuing {
    certificate: CertificateDer<'static>,
    facts: Facts,
    key: PrivateKey,
    limits: NameLimits,
}

impl Root {
    /// A new root with a new key.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn create(
        charter: &Charter,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, AuthorityError> {
        let key = PrivateKey::generate()?;
        let lifetimes = &charter.lifetimes;
        let validity = Validity::from(now, lifetimes.root_days, lifetimes.back_hours);
        let params = params(&charter.chain, "Aisle root", 1, &key, validity, entropy)?;
        let certificate = params.self_signed(key.pair()).map_err(AuthorityError::Library)?;
        Self::open(certificate.der().clone(), key)
    }

    /// From its certificate and its key.
    ///
    /// # Errors
    /// When they do not belong together.
    pub fn open(certificate: CertificateDer<'static>, key: PrivateKey) -> Result<Self, AuthorityError> {
        let facts = belongs(&certificate, &key)?;
        Ok(Self { certificate, facts, key })
    }

    /// Makes an issuing authority with a new key. Names that its certificates may have besides identities are limited by
    /// the charter; every client in the world checks that.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn certify(
        &self,
        charter: &Charter,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) -> Result<Issuing, AuthorityError> {
        let key = PrivateKey::generate()?;
        let lifetimes = &charter.lifetimes;
        let validity =
            Validity::from(now, lifetimes.issuing_days, lifetimes.back_hours).within(self.facts.validity);
        let mut params = params(&charter.chain, "Aisle issuing", 0, &key, validity, entropy)?;
        params.use_authority_key_identifier_extension = true;
        let permitted_subtrees = charter.limits.to_subtrees();
        params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
        let issuer = issuer(&self.certificate, &self.key).map_err(AuthorityError::Library)?;
        let certificate = params.signed_by(key.pair(), &issuer).map_err(AuthorityError::Library)?;
        Issuing::open(certificate.der().clone(), key)
    }

    /// Its certificate.
    #[must_use]
    pub const fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// What it says.
    #[must_use]
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    pub(crate) const fn key(&self) -> &PrivateKey {
        &self.key
    }
}

impl Issuing {
    /// From its certificate and its key.
    ///
    /// # Errors
    /// When they do not belong together.
    pub fn open(certificate: CertificateDer<'static>, key: PrivateKey) -> Result<Self, AuthorityError> {
        let facts = belongs(&certificate, &key)?;
        let limits = NameLimits::of(&certificate)?;
        Ok(Self { certificate, facts, key, limits })
    }

    /// Its certificate.
    #[must_use]
    pub const fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// What it says.
    #[must_use]
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Which names its certificates may have besides identities.
    #[must_use]
    pub const fn limits(&self) -> &NameLimits {
        &self.limits
    }

    pub(crate) const fn key(&self) -> &PrivateKey {
        &self.key
    }

    pub(crate) fn issuer(&self) -> Result<Issuer<'static, &KeyPair>, rcgen::Error> {
        issuer(&self.certificate, &self.key)
    }
}

/// Its own certificate is read each time: its name and its key's id go into what it issues exactly as they are in it.
fn issuer<'a>(
    certificate: &CertificateDer<'_>,
    key: &'a PrivateKey,
) -> Result<Issuer<'static, &'a KeyPair>, rcgen::Error> {
    Issuer::from_ca_cert_der(certificate, key.pair())
}

fn belongs(certificate: &CertificateDer<'_>, key: &PrivateKey) -> Result<Facts, AuthorityError> {
    let facts = Facts::read(certificate)?;
    if !facts.is_authority {
        return Err(AuthorityError::NoAuthority);
    }
    if facts.key != key.fingerprint() {
        return Err(AuthorityError::Apart { key: key.fingerprint(), certificate: facts.key });
    }
    Ok(facts)
}

/// A number for a certificate: 127 random bits, and never zero.
pub(crate) fn number(entropy: &mut dyn Entropy) -> Result<SerialNumber, NoEntropy> {
    let mut bytes: [u8; 16] = entropy::array(entropy)?;
    if let Some(first) = bytes.first_mut() {
        *first = (*first & 0x7f) | 0x40;
    }
    Ok(SerialNumber::from_slice(&bytes))
}

/// An organisation's name has at most 64 characters (RFC 5280, appendix A.1); whose it is, identities say in full.
pub(crate) fn organisation(chain: &Chain) -> &str {
    chain.as_str().get(..PART_BYTES_MAX).unwrap_or(chain.as_str())
}

fn params(
    chain: &Chain,
    role: &str,
    path_length: u8,
    key: &PrivateKey,
    validity: Validity,
    entropy: &mut dyn Entropy,
) -> Result<CertificateParams, AuthorityError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, organisation(chain));
    // Two authorities with one name and two keys would send path builders the wrong way.
    let words = format!("{role} {}", key.fingerprint().short().replace(' ', ""));
    params.distinguished_name.push(DnType::CommonName, words);
    params.serial_number = Some(number(entropy)?);
    params.not_before = to_rcgen!(validity.not_before);
    params.not_after = to_rcgen!(validity.not_after);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(path_length));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}
