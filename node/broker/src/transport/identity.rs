//! Who a client certificate speaks of.
//!
//! Not here: whether it can be trusted; rustls has checked that before.

use rustls_pki_types::CertificateDer;
use x509_parser::{extensions::GeneralName, prelude::FromDer, prelude::X509Certificate};

/// What a client certificate says of its owner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CertificateIdentity {
    /// The common name of its subject.
    pub common_name: Option<String>,
    /// The URIs among its alternative names.
    pub uris: Vec<String>,
}

impl CertificateIdentity {
    /// Reads a certificate; `None` when that cannot be done.
    pub(crate) fn read(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
        let common_name = certificate
            .subject()
            .iter_common_name()
            .next()
            .and_then(|name| name.as_str().ok())
            .map(str::to_owned);
        let names = certificate.subject_alternative_name().ok()?;
        let uris = names
            .iter()
            .flat_map(|names| &names.value.general_names)
            .filter_map(|name| match name {
                GeneralName::URI(uri) => Some((*uri).to_owned()),
                _ => None,
            })
            .collect();
        Some(Self { common_name, uris })
    }

    /// The device: what comes last in `spiffe://…/device/ID`, or the common name when there is no SPIFFE id at all. A SPIFFE id
    /// of something else, such as a node, names no device.
    pub fn device(&self) -> Option<&str> {
        let Some(id) = self.uris.iter().find_map(|uri| uri.strip_prefix("spiffe://")) else {
            return self.common_name.as_deref();
        };
        let (parents, device) = id.rsplit_once('/')?;
        parents.ends_with("/device").then_some(device).filter(|device| !device.is_empty())
    }
}
