//! The bytes under the packets: TCP, or TLS over it.

use super::RawError;
use bytes::BytesMut;
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    },
};

const REACH_TIMEOUT: Duration = Duration::from_secs(60);

/// Whom to trust, and who one is.
#[derive(Clone)]
pub struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Tls {
    /// Trusts the certificates of a PEM text, for a broker with a name of theirs.
    ///
    /// # Errors
    /// When the text holds no certificate, or the name is none.
    pub fn trusting(ca_pem: &str, name: &str) -> Result<Self, RawError> {
        Self::new(ca_pem, name, None)
    }

    /// The same with a certificate of its own and the key to it, in PEM.
    ///
    /// # Errors
    /// When a text does not hold what it should, or the name is none.
    pub fn with_certificate(
        ca_pem: &str,
        name: &str,
        certificate_pem: &str,
        key_pem: &str,
    ) -> Result<Self, RawError> {
        Self::new(ca_pem, name, Some((certificate_pem, key_pem)))
    }

    fn new(ca_pem: &str, name: &str, own: Option<(&str, &str)>) -> Result<Self, RawError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(ca_pem)? {
            roots.add(certificate).map_err(untrusted)?;
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(untrusted)?
            .with_root_certificates(roots);
        let config = match own {
            None => config.with_no_client_auth(),
            Some((certificate_pem, key_pem)) => {
                let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).map_err(untrusted)?;
                config.with_client_auth_cert(certificates(certificate_pem)?, key).map_err(untrusted)?
            }
        };
        let name = ServerName::try_from(name.to_owned()).map_err(untrusted)?;
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name })
    }
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, RawError> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().map_err(untrusted)
}

fn untrusted(error: impl std::fmt::Display) -> RawError {
    RawError::Trust { reason: error.to_string() }
}

/// A connection.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Stream {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    pub(super) async fn open(address: SocketAddr, tls: Option<&Tls>) -> Result<Self, RawError> {
        let reach = async {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(match tls {
                None => Self::Tcp(stream),
                Some(tls) => {
                    let stream = tls.connector.connect(tls.name.clone(), stream).await?;
                    Self::Tls(Box::new(stream))
                }
            })
        };
        match timeout(REACH_TIMEOUT, reach).await {
            Ok(stream) => stream,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
        .map_err(|source| RawError::Reach { address, source })
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), RawError> {
        match self {
            Self::Tcp(stream) => stream.write_all(bytes).await?,
            Self::Tls(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await?;
            }
        }
        Ok(())
    }

    /// Reads some bytes; 0 at the end.
    pub(super) async fn read(&mut self, buffer: &mut BytesMut) -> Result<usize, RawError> {
        Ok(match self {
            Self::Tcp(stream) => stream.read_buf(buffer).await?,
            Self::Tls(stream) => stream.read_buf(buffer).await?,
        })
    }
}
