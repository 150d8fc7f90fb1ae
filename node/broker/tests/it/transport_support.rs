//! Listeners under test, and certificates to meet them with.

use aisle_broker::transport::{Accepted, Listeners, Transport, TransportConfig};
use prometheus_client::{encoding::text::encode, registry::Registry};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType, string::Ia5String};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tempfile::TempDir;
use tokio::{net::TcpStream, sync::mpsc, task::JoinHandle, time::timeout};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// Nothing listens unless a test says so.
pub fn config() -> TransportConfig {
    TransportConfig { tls_listen: "off".into(), ..TransportConfig::default() }
}

/// A node's data directory.
pub struct Data(TempDir);

impl Data {
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

/// Listeners that run until this is dropped.
pub struct Reached {
    addresses: Vec<(Transport, SocketAddr)>,
    accepted: mpsc::UnboundedReceiver<Accepted>,
    registry: Registry,
    running: JoinHandle<()>,
}

pub fn listening(config: &TransportConfig, data: &Data) -> Reached {
    let mut registry = Registry::default();
    let listeners = Listeners::bind(config, data.path(), &mut registry).unwrap();
    let addresses = listeners.addresses();
    let (sender, accepted) = mpsc::unbounded_channel();
    let door = move |client: Accepted| drop(sender.send(client));
    Reached { addresses, accepted, registry, running: tokio::spawn(listeners.run(Arc::new(door))) }
}

impl Reached {
    pub fn address(&self, transport: Transport) -> SocketAddr {
        self.addresses.iter().find(|(each, _)| *each == transport).unwrap().1
    }

    pub async fn next(&mut self) -> Accepted {
        timeout(Duration::from_secs(10), self.accepted.recv()).await.unwrap().unwrap()
    }

    /// Waits until a counter or gauge has this value.
    pub async fn metric_becomes(&self, name: &str, expected: &str) {
        let mut text = String::new();
        for _ in 0..100 {
            text.clear();
            encode(&mut text, &self.registry).unwrap();
            if text.lines().any(|line| line.starts_with(name) && line.ends_with(&format!(" {expected}"))) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{name} did not become {expected}:\n{text}");
    }
}

impl Drop for Reached {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// A certificate authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub pem: String,
}

/// A certificate and its key in PEM.
pub struct Pair {
    pub certificate: String,
    pub key: String,
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

    pub fn server(&self) -> Pair {
        self.sign(&CertificateParams::new(vec!["localhost".into()]).unwrap())
    }

    /// For a device, by its common name and perhaps a URI.
    pub fn client(&self, name: &str, uri: Option<&str>) -> Pair {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.subject_alt_names.extend(uri.map(|uri| SanType::URI(Ia5String::try_from(uri).unwrap())));
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Pair {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Pair { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

/// How a TLS client connects that trusts one authority and perhaps shows a certificate.
pub fn client(
    trusted: &str,
    shown: Option<&Pair>,
    versions: &[&'static SupportedProtocolVersion],
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusted.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots);
    Arc::new(match shown {
        None => builder.with_no_client_auth(),
        Some(pair) => builder
            .with_client_auth_cert(
                vec![CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap()],
                PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap(),
            )
            .unwrap(),
    })
}

/// A TLS client that is configured.
pub async fn connect_as(address: SocketAddr, config: &Arc<ClientConfig>) -> io::Result<TlsStream<TcpStream>> {
    let socket = TcpStream::connect(address).await?;
    TlsConnector::from(config.clone()).connect(ServerName::try_from("localhost").unwrap(), socket).await
}

/// A TLS client that trusts one authority and perhaps shows a certificate.
pub async fn connect(
    address: SocketAddr,
    trusted: &str,
    shown: Option<&Pair>,
) -> io::Result<TlsStream<TcpStream>> {
    connect_as(address, &client(trusted, shown, rustls::ALL_VERSIONS)).await
}
