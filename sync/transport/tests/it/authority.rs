//! Certificates to meet each other with.

use aisle_transport::Credentials;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType, date_time_ymd,
    string::Ia5String,
};
use std::net::{IpAddr, Ipv4Addr};

/// A certificate authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// The chain of all stores in these tests.
pub const CHAIN: &str = "shops.example";

pub fn spiffe(store: &str, node: &str) -> String {
    format!("spiffe://{CHAIN}/store/{store}/node/{node}")
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    fn sign(&self, params: &CertificateParams, believes: &Self) -> Credentials {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        Credentials::from_pem(certificate.as_bytes(), key.serialize_pem().as_bytes(), believes.pem.as_bytes())
            .unwrap()
    }

    pub fn hub(&self) -> Credentials {
        self.hub_that_believes(self)
    }

    pub fn hub_that_believes(&self, other: &Self) -> Credentials {
        let mut params = CertificateParams::default();
        params.subject_alt_names.push(SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        self.sign(&params, other)
    }

    pub fn node(&self, store: &str, node: &str) -> Credentials {
        self.named(&[&spiffe(store, node)])
    }

    /// With these URIs among its names.
    pub fn named(&self, uris: &[&str]) -> Credentials {
        self.sign(&named(uris), self)
    }

    pub fn node_that_believes(&self, store: &str, node: &str, other: &Self) -> Credentials {
        self.sign(&named(&[&spiffe(store, node)]), other)
    }

    pub fn expired_node(&self, store: &str, node: &str) -> Credentials {
        let mut params = named(&[&spiffe(store, node)]);
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
        self.sign(&params, self)
    }
}

fn named(uris: &[&str]) -> CertificateParams {
    let mut params = CertificateParams::default();
    let names = uris.iter().map(|uri| SanType::URI(Ia5String::try_from(*uri).unwrap()));
    params.subject_alt_names.extend(names);
    params
}
