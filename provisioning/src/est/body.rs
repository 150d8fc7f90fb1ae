//! Bodies: requests in, certificates out, each in base64.

use super::{PKCS10, pkcs7};
use crate::{
    certificate::{CERTIFICATE_BYTES_MAX, CERTIFICATES_MAX, CertificateError, Facts},
    code::Code,
    request::REQUEST_BYTES_MAX,
    roots::{Roots, RootsError},
};
use data_encoding::BASE64;
use rustls_pki_types::CertificateDer;

/// The largest body of a request, in bytes: base64 with a line's end every 64 characters, and some room.
pub const REQUEST_BODY_BYTES_MAX: usize = REQUEST_BYTES_MAX * 3 / 2;
/// The largest body of an answer, in bytes.
pub const BODY_BYTES_MAX: usize = CERTIFICATES_MAX * CERTIFICATE_BYTES_MAX * 3 / 2;

/// Why a body cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum EstError {
    /// It is too large.
    #[error("the body has {bytes} bytes; at most {bytes_max} are read")]
    TooLarge {
        /// How many.
        bytes: usize,
        /// How many may be.
        bytes_max: usize,
    },
    /// It says that it is something else.
    #[error("the body's type is `{found}`, expected `{expected}`")]
    Type {
        /// What it says.
        found: String,
        /// What it should.
        expected: &'static str,
    },
    /// It is no base64.
    #[error("the body is no base64\nhint: RFC 7030 sends DER in base64, without the lines `-----BEGIN …`")]
    Base64,
    /// It has no certificates.
    #[error("the body has no certificates in PKCS#7")]
    Pkcs7,
    /// A certificate cannot be read.
    #[error("a certificate in the body cannot be read")]
    Certificate(#[from] CertificateError),
    /// There is no root among them.
    #[error("there is no root among the certificates that can be used")]
    Roots(#[from] RootsError),
    /// The certificate for a key is not among them.
    #[error("there is no certificate for the key that was asked for")]
    NotMine,
}

impl EstError {
    /// What an installer is shown.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::TooLarge { .. } => Code::RequestTooLarge,
            Self::Type { .. } | Self::Base64 => Code::RequestMalformed,
            Self::Pkcs7 | Self::Certificate(_) | Self::Roots(_) | Self::NotMine => Code::AnswerUnusable,
        }
    }
}

/// Base64 as it is sent: in lines.
pub(super) fn encode(der: &[u8]) -> Vec<u8> {
    let base64 = BASE64.encode(der);
    let mut body = Vec::with_capacity(base64.len() + base64.len() / 64 + 1);
    for line in base64.as_bytes().chunks(64) {
        body.extend_from_slice(line);
        body.push(b'\n');
    }
    body
}

fn decode(body: &[u8], bytes_max: usize) -> Result<Vec<u8>, EstError> {
    if body.len() > bytes_max {
        return Err(EstError::TooLarge { bytes: body.len(), bytes_max });
    }
    let packed: Vec<u8> = body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    BASE64.decode(&packed).map_err(|_| EstError::Base64)
}

/// The DER of a request, at the hub. A body without a type is taken for what it should be.
///
/// # Errors
/// When it is too large, of another type, or no base64.
pub fn read_request(content_type: Option<&str>, body: &[u8]) -> Result<Vec<u8>, EstError> {
    if let Some(found) = content_type {
        let kind = found.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case(PKCS10) {
            return Err(EstError::Type { found: crate::identity::shown(found), expected: PKCS10 });
        }
    }
    decode(body, REQUEST_BODY_BYTES_MAX)
}

/// The certificates of an answer, in the order in which they came, at the box.
///
/// # Errors
/// When it is too large, no base64, or no PKCS#7 of certificates.
pub fn read_certificates(body: &[u8]) -> Result<Vec<CertificateDer<'static>>, EstError> {
    let der = decode(body, BODY_BYTES_MAX)?;
    pkcs7::read(&der).filter(|certificates| !certificates.is_empty()).ok_or(EstError::Pkcs7)
}

/// The certificate for a key and what lies behind it, whatever order they came in: PKCS#7 is a set.
///
/// # Errors
/// When it is not among them, or one cannot be read.
pub(super) fn chain_for(
    key: &crate::fingerprint::Fingerprint,
    certificates: Vec<CertificateDer<'static>>,
) -> Result<Vec<CertificateDer<'static>>, EstError> {
    let mut chain = Vec::with_capacity(certificates.len());
    let mut behind = Vec::with_capacity(certificates.len());
    for certificate in certificates {
        let facts = Facts::read(&certificate)?;
        match (facts.key == *key, facts.is_authority) {
            (true, false) if chain.is_empty() => chain.push(certificate),
            (false, true) => behind.push(certificate),
            _ => return Err(EstError::NotMine),
        }
    }
    if chain.is_empty() {
        return Err(EstError::NotMine);
    }
    chain.append(&mut behind);
    Ok(chain)
}

/// The roots among the certificates of `cacerts`: those that issued themselves.
///
/// # Errors
/// When there is none.
pub fn read_roots(body: &[u8]) -> Result<Roots, EstError> {
    let mut roots = Vec::new();
    for certificate in read_certificates(body)? {
        if Facts::read(&certificate)?.is_authority && is_self_issued(&certificate) {
            roots.push(certificate);
        }
    }
    Ok(Roots::new(roots)?)
}

fn is_self_issued(certificate: &[u8]) -> bool {
    use x509_parser::prelude::{FromDer as _, X509Certificate};
    X509Certificate::from_der(certificate)
        .is_ok_and(|(_, certificate)| certificate.subject().as_raw() == certificate.issuer().as_raw())
}
