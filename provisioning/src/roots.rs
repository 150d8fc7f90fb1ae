//! The roots that are believed, and whether a chain comes from one of them at a given time.
//!
//! Not here: which time that is (`time`), what a connection asks besides (`verify`).
//! Guards invariant 7: a chain is judged at a time that is passed in.

use crate::{
    certificate::{self, CertificateError, Facts},
    fingerprint::Fingerprint,
    moment::to_unix,
};
use aisle_event::Timestamp;
use rustls::{
    RootCertStore,
    crypto::{CryptoProvider, ring},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};
use rustls_pki_types::CertificateDer;
use std::sync::Arc;

/// Who is believed: one root, or two while one takes the other's place.
#[derive(Debug, Clone)]
pub struct Roots {
    certificates: Vec<CertificateDer<'static>>,
    facts: Vec<Facts>,
    store: Arc<RootCertStore>,
    verifier: Arc<dyn ClientCertVerifier>,
}

/// Why roots cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// One cannot be read.
    #[error("a root cannot be read")]
    Certificate(#[from] CertificateError),
    /// One may not issue certificates.
    #[error("certificate {number} among the roots is none of an authority")]
    NoAuthority {
        /// Which, by its number.
        number: String,
    },
    /// The library refuses them.
    #[error("the roots cannot be used: {0}")]
    Unusable(String),
}

/// Why a chain is not believed.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// There is no certificate.
    #[error("there is no certificate")]
    Empty,
    /// The first cannot be read.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// It does not come from these roots, or did not hold then.
    #[error("the certificate is not believed")]
    Refused(#[source] Box<rustls::Error>),
}

/// The library that all TLS here is done with.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

impl Roots {
    /// From certificates.
    ///
    /// # Errors
    /// When there is none, or one is no authority.
    pub fn new(certificates: Vec<CertificateDer<'static>>) -> Result<Self, RootsError> {
        let unusable = |error: &dyn std::fmt::Display| RootsError::Unusable(error.to_string());
        let mut store = RootCertStore::empty();
        let mut facts = Vec::with_capacity(certificates.len());
        for root in &certificates {
            let said = Facts::read(root)?;
            if !said.is_authority {
                return Err(RootsError::NoAuthority { number: said.number.to_string() });
            }
            facts.push(said);
            store.add(root.clone()).map_err(|error| unusable(&error))?;
        }
        let store = Arc::new(store);
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::clone(&store), provider())
            .build()
            .map_err(|error| unusable(&error))?;
        Ok(Self { certificates, facts, store, verifier })
    }

    /// From PEM.
    ///
    /// # Errors
    /// When it is none, or one is no authority.
    pub fn from_pem(pem: &[u8]) -> Result<Self, RootsError> {
        Self::new(certificate::from_pem(pem)?)
    }

    /// As PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        certificate::to_pem(&self.certificates)
    }

    /// The certificates.
    #[must_use]
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.certificates
    }

    /// What the roots say of themselves, in the same order.
    #[must_use]
    pub fn facts(&self) -> &[Facts] {
        &self.facts
    }

    /// Whether a root with this key is among them.
    #[must_use]
    pub fn have(&self, key: &Fingerprint) -> bool {
        self.facts.iter().any(|root| root.key == *key)
    }

    /// For `rustls`.
    #[must_use]
    pub fn store(&self) -> Arc<RootCertStore> {
        Arc::clone(&self.store)
    }

    pub(crate) fn verifier(&self) -> Arc<dyn ClientCertVerifier> {
        Arc::clone(&self.verifier)
    }

    /// Whether a chain, the certificate itself first, came from these roots and held at that time; and what the first says.
    ///
    /// # Errors
    /// When not.
    pub fn verify(&self, chain: &[CertificateDer<'_>], at: Timestamp) -> Result<Facts, ChainError> {
        let (leaf, between) = chain.split_first().ok_or(ChainError::Empty)?;
        let facts = Facts::read(leaf)?;
        self.verifier
            .verify_client_cert(leaf, between, to_unix(at))
            .map_err(|error| ChainError::Refused(Box::new(error)))?;
        Ok(facts)
    }
}
