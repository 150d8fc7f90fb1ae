//! Judging a hub's certificate on a box that does not know for sure which time it is.
//!
//! What such a box has is a floor: a time that has been. By it a certificate may have ended, and none has not yet begun: whoever issued it lived in a
//! time that has been too. So the chain is judged at the floor, or at its latest beginning, whichever is later.
//!
//! Not here: where the floor comes from (provisioning), what is checked besides (`rustls`). Guards invariant 7.

use crate::tls::ClockSource;
use rustls::{
    DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use std::{sync::Arc, time::Duration};
use x509_parser::prelude::{FromDer, X509Certificate};

/// A verifier that goes by a floor.
#[derive(Debug)]
pub(crate) struct ByFloor {
    verifier: Arc<dyn ServerCertVerifier>,
    clock: ClockSource,
    /// Milliseconds since 1970.
    floor_ms: u64,
}

impl ByFloor {
    pub(crate) fn new(verifier: Arc<dyn ServerCertVerifier>, clock: ClockSource, floor_ms: u64) -> Self {
        Self { verifier, clock, floor_ms }
    }
}

/// From when on a certificate holds; nothing for one that cannot be read, which nobody believes anyway.
fn begins(certificate: &CertificateDer<'_>) -> Option<Duration> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    u64::try_from(certificate.validity().not_before.timestamp()).ok().map(Duration::from_secs)
}

impl ServerCertVerifier for ByFloor {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let floor = self.clock.now().max(Duration::from_millis(self.floor_ms));
        let beginnings = std::iter::once(certificate).chain(between).filter_map(begins);
        let at = UnixTime::since_unix_epoch(beginnings.fold(floor, Duration::max));
        self.verifier.verify_server_cert(certificate, between, name, ocsp, at)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}
