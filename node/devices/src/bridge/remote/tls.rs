//! TLS towards the other broker, with ring, from files that are read at each connection.

use super::super::config::Config;
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use std::{path::Path, sync::Arc};

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub(in crate::bridge) enum TlsError {
    #[error("`{key}`: cannot read `{path}`: {reason}")]
    File { key: &'static str, path: String, reason: String },
    #[error("`ca_file`: `{0}` holds no certificate")]
    Empty(String),
    #[error(
        "this computer knows no certificate authorities\nhint: install ca-certificates, or set `ca_file`"
    )]
    NoAuthorities,
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
}

pub(super) fn client(config: &Config) -> Result<Arc<ClientConfig>, TlsError> {
    let roots = match &config.ca_file {
        Some(path) => from_file(path)?,
        None => of_this_computer()?,
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let client = match (&config.certificate_file, &config.private_key_file) {
        (Some(certificate), Some(key)) => {
            let chain = certificates("certificate_file", certificate)?;
            let key = PrivateKeyDer::from_pem_file(key)
                .map_err(|error| unreadable("private_key_file", key, &error))?;
            builder.with_client_auth_cert(chain, key)?
        }
        _ => builder.with_no_client_auth(),
    };
    Ok(Arc::new(client))
}

fn from_file(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("ca_file", path)? {
        roots.add(certificate).map_err(|error| unreadable("ca_file", path, &error))?;
    }
    if roots.is_empty() { Err(TlsError::Empty(path.display().to_string())) } else { Ok(roots) }
}

fn of_this_computer() -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() { Err(TlsError::NoAuthorities) } else { Ok(roots) }
}

fn certificates(key: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| unreadable(key, path, &error))
}

fn unreadable(key: &'static str, path: &Path, error: &dyn std::fmt::Display) -> TlsError {
    TlsError::File { key, path: path.display().to_string(), reason: error.to_string() }
}
