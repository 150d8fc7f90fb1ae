//! What a certificate says: whom it names, from when until when, its number, its key.
//!
//! Not here: whether it can be believed (`verify`, `roots`). What is read here may be anybody's bytes.
//! Guards: a certificate with two names, or one that cannot be read, names nobody.

use crate::{
    fingerprint::Fingerprint,
    identity::{Identity, InvalidIdentity},
    moment::{SECOND_MS, Validity},
};
use aisle_event::Timestamp;
use data_encoding::{BASE64, HEXLOWER};
use minicbor::{Decode, Decoder, Encode, Encoder};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use std::fmt;
use x509_parser::{
    extensions::GeneralName,
    prelude::{FromDer as _, X509Certificate},
};

/// The largest certificate that is read, in bytes.
pub const CERTIFICATE_BYTES_MAX: usize = 8 * 1_024;
/// The most certificates in one file or answer.
pub const CERTIFICATES_MAX: usize = 16;
/// The most bytes of a certificate's number (RFC 5280, section 4.1.2.2).
pub const NUMBER_BYTES_MAX: usize = 20;

/// The number of a certificate, which its issuer gives once. (RFC 5280 calls it serial number; here a serial is a box's.)
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CertificateNumber(Vec<u8>);

impl CertificateNumber {
    /// From its bytes, the most significant first. Leading zeros do not count.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let significant: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
        (!significant.is_empty() && significant.len() <= NUMBER_BYTES_MAX).then_some(Self(significant))
    }

    /// Its bytes, the most significant first.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for CertificateNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for CertificateNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificateNumber({self})")
    }
}

impl<C> Encode<C> for CertificateNumber {
    fn encode<W: minicbor::encode::Write>(
        &self,
        encoder: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        encoder.bytes(&self.0).map(drop)
    }
}

impl<'b, C> Decode<'b, C> for CertificateNumber {
    fn decode(decoder: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        Self::new(decoder.bytes()?)
            .ok_or_else(|| minicbor::decode::Error::message("no number of a certificate"))
    }
}

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Whom it names. Authorities name nobody.
    pub identity: Option<Identity>,
    /// Its number.
    pub number: CertificateNumber,
    /// From when on, until when.
    pub validity: Validity,
    /// Its key.
    pub key: Fingerprint,
    /// Whether it may issue others.
    pub is_authority: bool,
    /// The public key's bits, for a signature of its owner.
    pub(crate) key_bytes: Vec<u8>,
}

/// Why a certificate cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// It is too large.
    #[error("a certificate has at most {CERTIFICATE_BYTES_MAX} bytes; this has {bytes}")]
    TooLarge {
        /// How many.
        bytes: usize,
    },
    /// It is none.
    #[error("this is no certificate: {what} cannot be read")]
    Malformed {
        /// What of it.
        what: &'static str,
    },
    /// It has more than one URI.
    #[error("the certificate has {count} URIs among its names where at most one belongs")]
    Uris {
        /// How many.
        count: usize,
    },
    /// Its URI names nobody.
    #[error("the certificate names nobody of Aisle")]
    Identity(#[source] Box<InvalidIdentity>),
    /// It names nobody.
    #[error("the certificate has no identity\nhint: it is an authority's, or of another system")]
    Nobody,
    /// A text is no PEM.
    #[error(
        "there is no certificate in this text\nhint: it is PEM, as files with `-----BEGIN CERTIFICATE-----` are"
    )]
    Pem,
    /// There are too many.
    #[error("there are more than {CERTIFICATES_MAX} certificates")]
    TooMany,
}

impl Facts {
    /// Reads a certificate.
    ///
    /// # Errors
    /// When it cannot be read, or has names that nobody has.
    pub fn read(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > CERTIFICATE_BYTES_MAX {
            return Err(CertificateError::TooLarge { bytes: der.len() });
        }
        let malformed = |what| move || CertificateError::Malformed { what };
        let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| malformed("it")())?;
        if !rest.is_empty() {
            return Err(malformed("what follows it")());
        }
        let names = certificate.subject_alternative_name().map_err(|_| malformed("a name")())?;
        let uris: Vec<&str> = names
            .iter()
            .flat_map(|names| &names.value.general_names)
            .filter_map(|name| if let GeneralName::URI(uri) = name { Some(*uri) } else { None })
            .collect();
        let identity = match uris.as_slice() {
            [] => None,
            [uri] => Some(uri.parse().map_err(|error| CertificateError::Identity(Box::new(error)))?),
            more => return Err(CertificateError::Uris { count: more.len() }),
        };
        let constraints = certificate.basic_constraints().map_err(|_| malformed("a constraint")())?;
        let validity = certificate.validity();
        let time = |seconds: i64| Timestamp(seconds.saturating_mul(SECOND_MS));
        Ok(Self {
            identity,
            number: CertificateNumber::new(certificate.raw_serial()).ok_or_else(malformed("its number"))?,
            validity: Validity {
                not_before: time(validity.not_before.timestamp()),
                not_after: time(validity.not_after.timestamp()),
            },
            key: Fingerprint::of_spki(certificate.public_key().raw),
            is_authority: constraints.is_some_and(|constraints| constraints.value.ca),
            key_bytes: certificate.public_key().subject_public_key.data.to_vec(),
        })
    }

    /// Whom it names.
    ///
    /// # Errors
    /// When it names nobody.
    pub fn named(&self) -> Result<&Identity, CertificateError> {
        self.identity.as_ref().ok_or(CertificateError::Nobody)
    }
}

/// The certificates in a PEM text, of which there is at least one.
///
/// # Errors
/// When there is none, or there are more than [`CERTIFICATES_MAX`].
pub fn from_pem(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).take(CERTIFICATES_MAX + 1).collect();
    match read {
        Ok(certificates) if certificates.len() > CERTIFICATES_MAX => Err(CertificateError::TooMany),
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(CertificateError::Pem),
    }
}

/// Certificates as PEM, one behind the other.
#[must_use]
pub fn to_pem(certificates: &[CertificateDer<'_>]) -> String {
    let mut pem = String::new();
    for certificate in certificates {
        pem.push_str("-----BEGIN CERTIFICATE-----\n");
        let base64 = BASE64.encode(certificate);
        let mut rest = base64.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at_checked(64).unwrap_or((rest, ""));
            pem.push_str(line);
            pem.push('\n');
            rest = after;
        }
        pem.push_str("-----END CERTIFICATE-----\n");
    }
    pem
}
