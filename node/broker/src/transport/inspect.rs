//! Looking at the certificate without listening with it, for those who check a machine before it runs.

use super::{
    CERTIFICATE_FILE, CertificateError, PRIVATE_KEY_FILE, TransportConfig, certificate::read_certificates,
    tls::TlsFiles,
};
use std::path::{Path, PathBuf};
use x509_parser::prelude::{FromDer, X509Certificate};

/// What the broker would show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateReport {
    /// The file.
    pub path: PathBuf,
    /// From when on clients accept it, in seconds since 1970.
    pub not_before_s: i64,
    /// Until when, in seconds since 1970.
    pub not_after_s: i64,
}

/// Reads certificate, key and authorities as the broker would; `None` when it is yet to make its own.
///
/// # Errors
/// When the broker could not use them.
pub fn inspect_certificate(
    config: &TransportConfig,
    data: &Path,
) -> Result<Option<CertificateReport>, CertificateError> {
    let made = data.join(CERTIFICATE_FILE);
    let certificate = config.certificate_file.clone().unwrap_or(made);
    if config.certificate_file.is_none() && !certificate.exists() {
        return Ok(None);
    }
    let private_key = config.private_key_file.clone().unwrap_or_else(|| data.join(PRIVATE_KEY_FILE));
    let client_ca = config.client_ca_file.clone();
    TlsFiles { certificate: certificate.clone(), private_key, client_ca, trust: config.trust.clone() }
        .load()?;
    let unreadable = || CertificateError::Pem { path: certificate.clone(), what: "certificate" };
    let chain = read_certificates(&certificate)?;
    let (_, own) =
        chain.first().and_then(|own| X509Certificate::from_der(own).ok()).ok_or_else(unreadable)?;
    let (not_before_s, not_after_s) =
        (own.validity().not_before.timestamp(), own.validity().not_after.timestamp());
    Ok(Some(CertificateReport { path: certificate, not_before_s, not_after_s }))
}
