//! Certificates for a hub and its stores, as provisioning would hand them out: one root, and one certificate for each.

use super::HubError;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType, string::Ia5String};
use std::net::Ipv4Addr;

/// The trust domain of the stores' names.
pub const CHAIN: &str = "shops.example";

/// Who vouches for all of them.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    roots: String,
}

/// What an end shows and whom it believes, as PEM.
pub struct Papers {
    /// Its certificate.
    pub certificate: String,
    /// The certificate's key.
    pub key: String,
    /// The root that the other end's certificate must come from.
    pub roots: String,
}

impl Authority {
    /// A new root.
    ///
    /// # Errors
    /// When the system gives no key.
    pub fn new() -> Result<Self, HubError> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Aisle harness root");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().map_err(refused("a root"))?;
        let roots = params.self_signed(&key).map_err(refused("a root"))?.pem();
        Ok(Self { issuer: Issuer::new(params, key), roots })
    }

    /// For a hub on this machine.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn hub(&self) -> Result<Papers, HubError> {
        self.sign("the hub", SanType::IpAddress(Ipv4Addr::LOCALHOST.into()))
    }

    /// For a node of a store, by its SPIFFE name.
    ///
    /// # Errors
    /// When the names do not fit into one, or it cannot be made.
    pub fn node(&self, store: &str, node: &str) -> Result<Papers, HubError> {
        let name = format!("spiffe://{CHAIN}/store/{store}/node/{node}");
        let name = Ia5String::try_from(name).map_err(refused("a node"))?;
        self.sign("a node", SanType::URI(name))
    }

    fn sign(&self, whose: &'static str, name: SanType) -> Result<Papers, HubError> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, whose);
        params.subject_alt_names.push(name);
        let key = KeyPair::generate().map_err(refused(whose))?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(refused(whose))?.pem();
        Ok(Papers { certificate, key: key.serialize_pem(), roots: self.roots.clone() })
    }
}

fn refused(whose: &'static str) -> impl Fn(rcgen::Error) -> HubError {
    move |source| HubError::Certificate { whose, source }
}
