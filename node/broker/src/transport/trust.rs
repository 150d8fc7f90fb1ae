//! What the rest of the node knows better than a socket does of client certificates: which time it is, whose devices are of this store, and
//! which were taken back.
//!
//! Not here: where that comes from (the node's enrolment). Guards invariant 7: a box that boots in 1970 lets its devices in, none of
//! another store, and none that was banned.

use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    server::danger::{ClientCertVerified, ClientCertVerifier},
};
use rustls_pki_types::{CertificateDer, UnixTime};
use std::{fmt, sync::Arc, time::Duration};
use x509_parser::prelude::{FromDer, X509Certificate};

/// Whether something is so of a certificate, in DER.
pub type Judges = Arc<dyn Fn(&[u8]) -> bool + Send + Sync>;

/// What is known of client certificates. By default the system's clock counts, all are of this store, and none was taken back.
#[derive(Clone, Default)]
pub struct Trust {
    /// It is not before this, in milliseconds since 1970, and may be any time after. A certificate may have ended by it, and none has not yet begun.
    pub at_least_ms: Option<Arc<dyn Fn() -> u64 + Send + Sync>>,
    /// Whether this certificate, in DER, is of anybody but a device of this store: the same roots vouch for every store of a chain.
    pub is_foreign: Option<Judges>,
    /// Whether this certificate, in DER, was taken back.
    pub is_banned: Option<Judges>,
}

/// A certificate that a client has shown, to be asked about again: between its handshake and its session a ban may come.
pub struct Shown {
    der: CertificateDer<'static>,
    is_banned: Judges,
}

impl Shown {
    /// Whether it was taken back by now.
    pub(crate) fn is_banned(&self) -> bool {
        (self.is_banned)(&self.der)
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shown").finish_non_exhaustive()
    }
}

impl Trust {
    /// Whether this certificate is of anybody but a device of this store.
    pub(super) fn is_foreign(&self, certificate: &CertificateDer<'_>) -> bool {
        self.is_foreign.as_ref().is_some_and(|is_foreign| is_foreign(certificate))
    }

    /// The certificate, to be asked about again; nothing where none is ever taken back.
    pub(super) fn shown(&self, certificate: &CertificateDer<'_>) -> Option<Shown> {
        let is_banned = self.is_banned.clone()?;
        Some(Shown { der: certificate.clone().into_owned(), is_banned })
    }

    /// Whether this certificate was taken back.
    pub(super) fn bans(&self, certificate: &CertificateDer<'_>) -> bool {
        self.is_banned.as_ref().is_some_and(|is_banned| is_banned(certificate))
    }

    /// The verifier, at the time that is known here, and in TLS 1.3 alone.
    pub(super) fn judge(&self, verifier: Arc<dyn ClientCertVerifier>) -> Arc<dyn ClientCertVerifier> {
        Arc::new(Judge { verifier, at_least_ms: self.at_least_ms.clone() })
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at_least_ms, is_foreign, is_banned } = self;
        f.debug_struct("Trust")
            .field("at_least_ms", &at_least_ms.is_some())
            .field("is_foreign", &is_foreign.is_some())
            .field("is_banned", &is_banned.is_some())
            .finish()
    }
}

/// A verifier that goes by a floor, where there is one: it judges at the floor, or at the chain's latest beginning, whichever is later. In TLS 1.2, where a certificate
/// is sent in the clear, it takes none.
struct Judge {
    verifier: Arc<dyn ClientCertVerifier>,
    at_least_ms: Option<Arc<dyn Fn() -> u64 + Send + Sync>>,
}

/// From when on a certificate holds; nothing for one that cannot be read, which nobody believes anyway.
fn begins(certificate: &CertificateDer<'_>) -> Option<Duration> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    u64::try_from(certificate.validity().not_before.timestamp()).ok().map(Duration::from_secs)
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Judge").field(&self.verifier).finish()
    }
}

impl ClientCertVerifier for Judge {
    fn offer_client_auth(&self) -> bool {
        self.verifier.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.verifier.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.verifier.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let Some(at_least_ms) = &self.at_least_ms else {
            return self.verifier.verify_client_cert(certificate, between, now);
        };
        let floor = Duration::from_millis(at_least_ms());
        let beginnings = std::iter::once(certificate).chain(between).filter_map(begins);
        let at = UnixTime::since_unix_epoch(beginnings.fold(floor, Duration::max));
        self.verifier.verify_client_cert(certificate, between, at)
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("a client certificate is taken in TLS 1.3 alone".into()))
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
