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
    /// of something else, such as a node, names no device; nor do two of them.
    pub fn device(&self) -> Option<&str> {
        match self.spiffe() {
            Some(id) => split(id).map(|(_, device)| device),
            None => self.common_name.as_deref(),
        }
    }

    /// The store that the device belongs to, as its SPIFFE id says in `…/store/STORE/device/ID`.
    pub fn store(&self) -> Option<&str> {
        split(self.spiffe()?).and_then(|(store, _)| store)
    }

    /// Its SPIFFE id; an empty one, which names nobody, where there are several.
    fn spiffe(&self) -> Option<&str> {
        let mut ids = self.uris.iter().filter_map(|uri| uri.strip_prefix("spiffe://"));
        let id = ids.next()?;
        Some(if ids.next().is_some() { "" } else { id })
    }
}

/// Store and device of a SPIFFE id. What stands between `/store/` and the device is the store, whatever it is: it has to be this one.
fn split(id: &str) -> Option<(Option<&str>, &str)> {
    let (parents, device) = id.rsplit_once('/')?;
    let above = parents.strip_suffix("/device")?;
    let store = above.split_once("/store/").map(|(_, store)| store);
    Some((store, device)).filter(|_| !device.is_empty())
}
