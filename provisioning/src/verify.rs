//! Whom a TLS connection believes, for `rustls`: who calls a hub or a node, and the hub that a node calls.
//!
//! Both ask more than a chain to the root: one identity of the right chain and kind, and nobody who is on the revocation list. Sessions must not be resumed and TLS is 1.3 only, as in
//! `aisle-transport`: a resumed session would not be looked at again.
//!
//! [`PeerVerifier::recovering`] is for the port where certificates are renewed: a certificate that has run out is judged at its own end, so that its owner can get a new
//! one. What may be done there with an expired one is `enrolment`'s to say.
//!
//! [`FirstContact`] believes anybody. It is for one fetch, of the roots, which are then believed for another reason (`claim::introduction`).
//!
//! Guards: a node's certificate cannot stand for a hub, nor a device's for a node. Invariant 7: a node judges by the [`Floor`], never by its clock.

use crate::{
    certificate::Facts,
    device::revocation::Revocations,
    fingerprint::Fingerprint,
    identity::{Chain, Kind},
    moment::to_unix,
    roots::{Roots, RootsError, provider},
    time::Floor,
};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{verify_tls12_signature, verify_tls13_signature},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use std::sync::Arc;

/// Why a certificate that holds is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// It cannot be read, or names nobody.
    #[error("the certificate names nobody of Aisle")]
    Nobody,
    /// It is of another chain.
    #[error("the certificate is of another chain, `{found}`")]
    Chain {
        /// Which.
        found: Chain,
    },
    /// It is of a kind that does not belong here.
    #[error("the certificate is of a {kind}, which does not belong here")]
    Kind {
        /// Which.
        kind: Kind,
    },
}

fn not_taken(why: NotTaken) -> Error {
    Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(why))))
}

#[derive(Debug)]
struct Rules {
    chain: Chain,
    kinds: Vec<Kind>,
    revocations: Arc<dyn Revocations>,
}

impl Rules {
    /// Reads a certificate, and whether it may be taken as far as its names and the list go.
    fn read(
        &self,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
    ) -> Result<(Facts, Vec<Facts>), Error> {
        let nobody = |_| not_taken(NotTaken::Nobody);
        let facts = Facts::read(leaf).map_err(nobody)?;
        let issuers: Result<Vec<Facts>, _> = between.iter().map(|issuer| Facts::read(issuer)).collect();
        let issuers = issuers.map_err(nobody)?;
        Ok((facts, issuers))
    }

    /// Asked after the chain has been verified, so that a stranger learns nothing.
    fn take(&self, facts: &Facts, issuers: &[Facts]) -> Result<(), Error> {
        let identity = facts.named().map_err(|_| not_taken(NotTaken::Nobody))?;
        if *identity.chain() != self.chain {
            return Err(not_taken(NotTaken::Chain { found: identity.chain().clone() }));
        }
        if !self.kinds.contains(&identity.kind()) {
            return Err(not_taken(NotTaken::Kind { kind: identity.kind() }));
        }
        let issuers: Vec<Fingerprint> = issuers.iter().map(|issuer| issuer.key).collect();
        if self.revocations.refuses(facts, &issuers) {
            return Err(Error::InvalidCertificate(CertificateError::Revoked));
        }
        Ok(())
    }
}

/// The time that a node judges a certificate by, with those between it and the root.
fn by_floor(floor: &Floor, facts: &Facts, issuers: &[Facts]) -> UnixTime {
    floor.to_judge([facts].into_iter().chain(issuers).map(|facts| facts.validity.not_before))
}

/// Which time a peer is judged by.
#[derive(Debug, Clone)]
enum Basis {
    /// What `rustls` passes in: the clock of a hub.
    Clock,
    /// The clock, and for a certificate that has run out its own end.
    ClockOrEnd,
    /// The floor of a node.
    Floor(Floor),
}

/// Who calls: nodes and relays at a hub, devices at a node.
#[derive(Debug)]
pub struct PeerVerifier {
    inner: Arc<dyn ClientCertVerifier>,
    rules: Rules,
    basis: Basis,
    optional: bool,
}

impl PeerVerifier {
    /// For an end whose clock is right: a hub.
    #[must_use]
    pub fn new(roots: &Roots, chain: Chain, kinds: Vec<Kind>, revocations: Arc<dyn Revocations>) -> Self {
        let rules = Rules { chain, kinds, revocations };
        Self { inner: roots.verifier(), rules, basis: Basis::Clock, optional: false }
    }

    /// Takes certificates that have run out as well: for the port where they are renewed, and for nothing else.
    #[must_use]
    pub fn recovering(self) -> Self {
        Self { basis: Basis::ClockOrEnd, ..self }
    }

    /// Judges by a floor: for a node, at which devices call.
    #[must_use]
    pub fn by_floor(self, floor: Floor) -> Self {
        Self { basis: Basis::Floor(floor), ..self }
    }

    /// Takes callers without a certificate too: boxes that come with a claim, devices that come with a password.
    #[must_use]
    pub fn optional(self) -> Self {
        Self { optional: true, ..self }
    }
}

impl ClientCertVerifier for PeerVerifier {
    fn client_auth_mandatory(&self) -> bool {
        !self.optional
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let (facts, issuers) = self.rules.read(end_entity, intermediates)?;
        let end = to_unix(facts.validity.not_after);
        let at = match &self.basis {
            Basis::Clock => now,
            Basis::ClockOrEnd if end.as_secs() < now.as_secs() => end,
            Basis::ClockOrEnd => now,
            Basis::Floor(floor) => by_floor(floor, &facts, &issuers),
        };
        let verified = self.inner.verify_client_cert(end_entity, intermediates, at)?;
        self.rules.take(&facts, &issuers)?;
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// The hub that a node calls, judged by the node's floor. A hub that is verified raises the floor to where its certificate begins.
#[derive(Debug)]
pub struct HubVerifier {
    inner: Arc<WebPkiServerVerifier>,
    rules: Rules,
    floor: Floor,
}

impl HubVerifier {
    /// Believes hubs of this chain.
    ///
    /// # Errors
    /// When the roots cannot be used.
    pub fn new(
        roots: &Roots,
        chain: Chain,
        floor: Floor,
        revocations: Arc<dyn Revocations>,
    ) -> Result<Self, RootsError> {
        let inner = WebPkiServerVerifier::builder_with_provider(roots.store(), provider())
            .build()
            .map_err(|error| RootsError::Unusable(error.to_string()))?;
        Ok(Self { inner, rules: Rules { chain, kinds: vec![Kind::Hub], revocations }, floor })
    }
}

impl ServerCertVerifier for HubVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let (facts, issuers) = self.rules.read(end_entity, intermediates)?;
        let at = by_floor(&self.floor, &facts, &issuers);
        let verified =
            self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, at)?;
        self.rules.take(&facts, &issuers)?;
        self.floor.raise(facts.validity.not_before);
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// Believes anybody. Nothing that is fetched with it may be believed for that, and nothing secret may be sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct FirstContact;

impl ServerCertVerifier for FirstContact {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &provider().signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &provider().signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}
