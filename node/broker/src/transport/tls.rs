//! TLS as the broker speaks it: rustls with ring, TLS 1.2 and 1.3, certificates that are read again when they change.
//!
//! Where clients are asked for certificates, one is taken in TLS 1.3 alone, and no session is resumed. Others may speak TLS 1.2 there too.
//!
//! Guards that a broken or half-written certificate changes nothing, and that whoever comes in by a certificate has shown it in this very
//! handshake: a session that is resumed would be let in though its certificate has run out, and in TLS 1.2 everybody reads who comes.

use super::{
    Stamp, Trust,
    certificate::{CertificateError, read_certificates, read_private_key},
    telemetry::Metrics,
};
use arc_swap::ArcSwap;
use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    server::{NoServerSessionStorage, WebPkiClientVerifier},
};
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};
use tokio_rustls::TlsAcceptor;

/// The files that TLS needs.
#[derive(Debug, Clone)]
pub(super) struct TlsFiles {
    pub(super) certificate: PathBuf,
    pub(super) private_key: PathBuf,
    pub(super) client_ca: Option<PathBuf>,
    pub(super) trust: Trust,
}

#[derive(Debug)]
pub(super) struct Tls {
    files: TlsFiles,
    config: ArcSwap<ServerConfig>,
    seen: Mutex<[Option<Stamp>; 3]>,
}

impl Tls {
    pub(super) fn open(files: TlsFiles) -> Result<Self, CertificateError> {
        let seen = files.stamps();
        let config = files.load()?;
        Ok(Self { files, config: ArcSwap::new(config), seen: Mutex::new(seen) })
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.load_full())
    }

    /// What is known of certificates that have passed.
    pub(super) const fn trust(&self) -> &Trust {
        &self.files.trust
    }

    /// Reads the files again when one has changed.
    pub(super) fn follow(&self, metrics: &Metrics) {
        let now = self.files.stamps();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == now {
            return;
        }
        *seen = now;
        match self.files.load() {
            Ok(config) => {
                self.config.store(config);
                metrics.certificate_renewed(&self.files.certificate);
            }
            Err(error) => metrics.certificate_broken(&self.files.certificate, &error),
        }
    }
}

impl TlsFiles {
    fn stamps(&self) -> [Option<Stamp>; 3] {
        [Some(&self.certificate), Some(&self.private_key), self.client_ca.as_ref()]
            .map(|path| path.and_then(|path| Stamp::of(path)))
    }

    pub(super) fn load(&self) -> Result<Arc<ServerConfig>, CertificateError> {
        let provider = Arc::new(ring::default_provider());
        let unusable = |source| CertificateError::Pair {
            certificate: self.certificate.clone(),
            private_key: self.private_key.clone(),
            source,
        };
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(unusable)?;
        let builder = match &self.client_ca {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let unusable = |reason: String| CertificateError::Authority { path: path.clone(), reason };
                let mut roots = RootCertStore::empty();
                for authority in read_certificates(path)? {
                    roots.add(authority).map_err(|error| unusable(error.to_string()))?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider)
                    .allow_unauthenticated()
                    .build()
                    .map_err(|error| unusable(error.to_string()))?;
                builder.with_client_cert_verifier(self.trust.judge(verifier))
            }
        };
        let mut config = builder
            .with_single_cert(read_certificates(&self.certificate)?, read_private_key(&self.private_key)?)
            .map_err(unusable)?;
        // Sessions are resumed from what the client keeps, so thousands of them cost no memory here.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        let resumes = self.client_ca.is_none();
        if resumes {
            config.ticketer = ring::Ticketer::new().map_err(unusable)?;
        }
        config.send_tls13_tickets = usize::from(resumes);
        Ok(Arc::new(config))
    }
}
