//! The broker's own certificate: read from files, or made when there are none.
//!
//! Guards that the key is never readable by others and that what clients have come to trust stays over restarts.

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    net::IpAddr,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// The certificate that is made when none is configured, below the node's data.
pub const CERTIFICATE_FILE: &str = "mqtt/certificate.pem";

/// Its key.
pub const PRIVATE_KEY_FILE: &str = "mqtt/private-key.pem";

/// Why there is no certificate to show or to check with.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("cannot read `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("`{path}` holds no {what} in PEM")]
    Pem {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        what: &'static str,
    },
    /// Certificate and key cannot be used, or not together.
    #[error("the certificate `{certificate}` cannot be used with the key `{private_key}`")]
    Pair {
        /// The certificate.
        certificate: PathBuf,
        /// The key.
        private_key: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// An authority cannot be used.
    #[error("`{path}` cannot be used to check client certificates: {reason}")]
    Authority {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// There is a certificate without its key.
    #[error(
        "`{certificate}` is there but not its key `{private_key}`\nhint: put the key there, or remove the certificate to have a new one made"
    )]
    KeyMissing {
        /// The certificate.
        certificate: PathBuf,
        /// The key.
        private_key: PathBuf,
    },
    /// A new certificate cannot be written.
    #[error("cannot write `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A new certificate cannot be made.
    #[error("cannot make a certificate")]
    Make(#[from] rcgen::Error),
}

/// Reads a chain of certificates.
pub(super) fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let pem = read(path)?;
    let certificates: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&pem).collect();
    certificates
        .ok()
        .filter(|certificates| !certificates.is_empty())
        .ok_or_else(|| CertificateError::Pem { path: path.to_owned(), what: "certificate" })
}

/// Reads a private key.
pub(super) fn read_private_key(path: &Path) -> Result<PrivateKeyDer<'static>, CertificateError> {
    PrivateKeyDer::from_pem_slice(&read(path)?)
        .map_err(|_error| CertificateError::Pem { path: path.to_owned(), what: "private key" })
}

fn read(path: &Path) -> Result<Vec<u8>, CertificateError> {
    fs::read(path).map_err(|source| CertificateError::Read { path: path.to_owned(), source })
}

/// Makes a self-signed certificate and its key, unless they are there. Gives whether they were made.
///
/// It never expires: a box without a clock must be able to start, and clients trust it by having a copy of it.
pub(super) fn make_if_missing(
    certificate: &Path,
    private_key: &Path,
    addresses: &[IpAddr],
) -> Result<bool, CertificateError> {
    match (certificate.exists(), private_key.exists()) {
        (true, true) => return Ok(false),
        (true, false) => {
            return Err(CertificateError::KeyMissing {
                certificate: certificate.to_owned(),
                private_key: private_key.to_owned(),
            });
        }
        // A key alone is left by a start that was cut short.
        (false, _) => {}
    }
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let names = ["localhost".to_owned(), host.clone(), format!("{host}.local")];
    let mut params = CertificateParams::default();
    params.subject_alt_names =
        names.into_iter().filter_map(|name| name.try_into().ok().map(SanType::DnsName)).collect();
    params.subject_alt_names.extend(addresses.iter().map(|address| SanType::IpAddress(*address)));
    params.distinguished_name.push(DnType::CommonName, format!("Aisle MQTT on {host}"));
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let made = params.self_signed(&key)?;
    write(private_key, &key.serialize_pem(), 0o600)?;
    write(certificate, &made.pem(), 0o644)?;
    Ok(true)
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), CertificateError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let new = path.with_extension("pem.new");
    let written = || {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        File::open(folder)?.sync_all()
    };
    written().map_err(|source| CertificateError::Write { path: path.to_owned(), source })
}
