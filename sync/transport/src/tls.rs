//! Certificates: what an end shows, whom it believes, and how a refusal is called.
//!
//! TLS 1.3 only, both ends show a certificate, sessions are not resumed (a resumed session would not look at the certificate again).
//! The protocol's major version is negotiated with ALPN, so that another one is refused before a byte of it is read.
//!
//! Not here: making certificates (provisioning), what is done with an identity ([`crate::desk`]).
//! Guards invariant 7: the clock of a box that boots without one does not refuse a good hub, because a time that has been is a floor.

use crate::{
    identity::{Identity, InvalidIdentity, Named, Relay},
    judge::ByFloor,
};
use aisle_protocol::Hash;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, PeerIncompatible, RootCertStore, ServerConfig,
    client::{Resumption, WebPkiServerVerifier},
    crypto::{CryptoProvider, ring},
    server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier},
    time_provider::TimeProvider,
    version::TLS13,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime, pem::PemObject};
use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use x509_parser::{
    extensions::GeneralName,
    prelude::{FromDer, X509Certificate},
};

/// What both ends call the protocol in ALPN: its name and its major version.
pub const ALPN: &[u8] = b"aisle/1";

/// What an end shows and whom it believes.
#[derive(Debug)]
pub struct Credentials {
    /// Its certificate, those between it and the root behind it.
    pub chain: Vec<CertificateDer<'static>>,
    /// The certificate's key.
    pub key: PrivateKeyDer<'static>,
    /// The roots that the other end's certificate must come from.
    pub roots: Vec<CertificateDer<'static>>,
}

impl Clone for Credentials {
    fn clone(&self) -> Self {
        Self { chain: self.chain.clone(), key: self.key.clone_key(), roots: self.roots.clone() }
    }
}

/// What a node's certificate says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// Who it is.
    pub identity: Identity,
    /// From when on it holds, in seconds since 1970.
    pub not_before_s: i64,
    /// Until when.
    pub not_after_s: i64,
}

/// Why certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// A text is no PEM.
    #[error("cannot read the {what}: {source}\nhint: it is PEM, as files with `-----BEGIN …-----` are")]
    Pem {
        /// Which.
        what: &'static str,
        /// Why.
        source: rustls_pki_types::pem::Error,
    },
    /// There is nothing in it.
    #[error("there is no certificate among the {what}")]
    Empty {
        /// Which.
        what: &'static str,
    },
    /// The certificate and the key do not fit, or one of them cannot be used.
    #[error("cannot use the certificate: {0}")]
    Unusable(#[from] rustls::Error),
    /// The roots cannot be used.
    #[error("cannot use the roots: {0}")]
    Roots(#[from] VerifierBuilderError),
    /// The algorithms that QUIC needs are missing.
    #[error("the TLS library lacks what QUIC needs")]
    NoQuic,
}

impl Credentials {
    /// From PEM texts.
    ///
    /// # Errors
    /// When one is no PEM or holds no certificate.
    pub fn from_pem(chain: &[u8], key: &[u8], roots: &[u8]) -> Result<Self, CredentialsError> {
        Ok(Self {
            chain: certificates(chain, "certificate")?,
            key: PrivateKeyDer::from_pem_slice(key)
                .map_err(|source| CredentialsError::Pem { what: "key", source })?,
            roots: certificates(roots, "roots")?,
        })
    }

    /// What a node's own certificate says.
    ///
    /// # Errors
    /// When it cannot be read, or names no node.
    pub fn own(&self) -> Result<Own, NameError> {
        let identity = identity(&self.chain)?;
        let leaf = self.chain.first().ok_or(NameError::Missing)?;
        let (_, certificate) = X509Certificate::from_der(leaf).map_err(|_| NameError::Unreadable)?;
        let validity = certificate.validity();
        let (not_before_s, not_after_s) = (validity.not_before.timestamp(), validity.not_after.timestamp());
        Ok(Own { identity, not_before_s, not_after_s })
    }

    /// The relay that its own certificate names.
    ///
    /// # Errors
    /// When it cannot be read, or names no relay.
    pub fn relay(&self) -> Result<Relay, NameError> {
        match named(&self.chain)?.0 {
            Named::Relay(relay) => Ok(relay),
            Named::Node(identity) => Err(NameError::Other(identity.to_string(), "a node and no relay")),
        }
    }

    fn store(&self) -> Result<RootCertStore, CredentialsError> {
        let mut store = RootCertStore::empty();
        for root in &self.roots {
            store.add(root.clone())?;
        }
        if store.is_empty() {
            return Err(CredentialsError::Empty { what: "roots" });
        }
        Ok(store)
    }

    /// For the end that calls.
    pub(crate) fn client(
        &self,
        clock: &ClockSource,
        floor_ms: u64,
    ) -> Result<ClientConfig, CredentialsError> {
        let builder = ClientConfig::builder_with_details(provider(), Arc::new(Floor { ms: floor_ms }))
            .with_protocol_versions(&[&TLS13])?;
        let roots = self.store()?;
        let builder = match clock {
            ClockSource::System => builder.with_root_certificates(roots),
            ClockSource::AtLeast(_) => {
                let verifier =
                    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build()?;
                let judge = ByFloor::new(verifier, clock.clone(), floor_ms);
                builder.dangerous().with_custom_certificate_verifier(Arc::new(judge))
            }
        };
        let mut config = builder.with_client_auth_cert(self.chain.clone(), self.key.clone_key())?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.resumption = Resumption::disabled();
        Ok(config)
    }

    /// For the end that is called.
    pub(crate) fn server(&self) -> Result<ServerConfig, CredentialsError> {
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(self.store()?), provider()).build()?;
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])?
            .with_client_cert_verifier(verifier)
            .with_single_cert(self.chain.clone(), self.key.clone_key())?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(config)
    }
}

fn certificates(pem: &[u8], what: &'static str) -> Result<Vec<CertificateDer<'static>>, CredentialsError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let read = read.map_err(|source| CredentialsError::Pem { what, source })?;
    if read.is_empty() { Err(CredentialsError::Empty { what }) } else { Ok(read) }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// How the time is known that a hub's certificate is judged at.
#[derive(Clone, Default)]
pub enum ClockSource {
    /// By the system's clock.
    #[default]
    System,
    /// It is not before this, in milliseconds since 1970, and may be any time after: what a hub has signed, carried on by a clock that does not leap.
    AtLeast(Arc<dyn Fn() -> u64 + Send + Sync>),
}

impl ClockSource {
    pub(crate) fn now(&self) -> Duration {
        match self {
            Self::System => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
            Self::AtLeast(at_least_ms) => Duration::from_millis(at_least_ms()),
        }
    }
}

impl fmt::Debug for ClockSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "ClockSource::System",
            Self::AtLeast(_) => "ClockSource::AtLeast(…)",
        })
    }
}

/// The system's clock, but never before a time that is known to have been.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Floor {
    /// Milliseconds since 1970.
    pub(crate) ms: u64,
}

impl TimeProvider for Floor {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(ClockSource::System.now().max(Duration::from_millis(self.ms))))
    }
}

/// Why a certificate that holds names no node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// There is none.
    #[error("no certificate was shown")]
    Missing,
    /// It cannot be read.
    #[error("the certificate cannot be read")]
    Unreadable,
    /// It does not have exactly one URI.
    #[error("the certificate has {count} URIs among its names where one belongs")]
    Count {
        /// How many.
        count: usize,
    },
    /// The URI names nobody.
    #[error(transparent)]
    Identity(#[from] InvalidIdentity),
    /// It is the certificate of the other kind.
    #[error("the certificate names `{0}`, which is {1}")]
    Other(String, &'static str),
}

/// The node that a certificate names.
fn identity(chain: &[CertificateDer<'_>]) -> Result<Identity, NameError> {
    match named(chain)?.0 {
        Named::Node(identity) => Ok(identity),
        Named::Relay(relay) => Err(NameError::Other(relay.to_string(), "a relay and no node")),
    }
}

/// Whom a certificate names, and the certificate's hash.
pub(crate) fn named(chain: &[CertificateDer<'_>]) -> Result<(Named, Hash), NameError> {
    let leaf = chain.first().ok_or(NameError::Missing)?;
    let (_, certificate) = X509Certificate::from_der(leaf).map_err(|_| NameError::Unreadable)?;
    let names = certificate.subject_alternative_name().map_err(|_| NameError::Unreadable)?;
    let uris: Vec<&str> = names
        .iter()
        .flat_map(|names| &names.value.general_names)
        .filter_map(|name| if let GeneralName::URI(uri) = name { Some(*uri) } else { None })
        .collect();
    let [uri] = uris.as_slice() else { return Err(NameError::Count { count: uris.len() }) };
    Ok((uri.parse()?, Hash(*blake3::hash(leaf).as_bytes())))
}

/// How a refusal is called in metrics, by the TLS alert that told it (RFC 8446, section 6).
pub(crate) const fn alert_name(alert: u8) -> &'static str {
    match alert {
        42 => "certificate_bad",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        48 => "issuer_unknown",
        70 => "old_tls",
        112 => "name_unknown",
        116 => "certificate_missing",
        120 => "protocol_unknown",
        _ => "handshake",
    }
}

/// The same for people, with what to do.
pub(crate) const fn alert_text(alert: u8) -> &'static str {
    match alert {
        42 => "the certificate is not good for this",
        44 => "the certificate was revoked",
        45 => "the certificate is not valid now\nhint: look at its dates and at the clocks of both ends",
        48 => {
            "the certificate comes from an issuer that is not believed\nhint: look at the roots of the end that refused"
        }
        70 => {
            "only TLS before 1.3 is offered\nhint: an old client, or somebody in between who takes the newer one away"
        }
        116 => "no certificate was shown",
        120 => "the other end speaks no version of this protocol",
        _ => "TLS could not agree",
    }
}

/// The alert that a TLS error stands for, and whether the other end sent it.
pub(crate) fn alert_of(error: &rustls::Error) -> Option<u8> {
    Some(match error {
        rustls::Error::AlertReceived(alert) => u8::from(*alert),
        rustls::Error::InvalidCertificate(error) => match error {
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => 45,
            CertificateError::UnknownIssuer => 48,
            CertificateError::Revoked => 44,
            _ => 42,
        },
        rustls::Error::NoCertificatesPresented => 116,
        rustls::Error::PeerIncompatible(
            PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled
            | PeerIncompatible::SupportedVersionsExtensionRequired
            | PeerIncompatible::Tls13RequiredForQuic,
        ) => u8::from(AlertDescription::ProtocolVersion),
        rustls::Error::NoApplicationProtocol => u8::from(AlertDescription::NoApplicationProtocol),
        _ => return None,
    })
}

/// The TLS error within an IO error.
pub(crate) fn tls_error(error: &std::io::Error) -> Option<&rustls::Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_boots_in_1970_does_not_go_behind_a_time_that_has_been() {
        let far = Floor { ms: 32_503_680_000_000 };
        assert_eq!(far.current_time(), Some(UnixTime::since_unix_epoch(Duration::from_millis(far.ms))));
        let near = Floor { ms: 0 }.current_time().unwrap();
        assert!(near.as_secs() > 0);
    }
}
