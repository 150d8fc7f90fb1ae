//! From a socket to a stream of MQTT bytes.

use super::{
    Accepted, Shown, Stream, Transport, identity::CertificateIdentity, telemetry::Failure, tls::Tls,
    websocket::WebSocketBytes,
};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::server::TlsStream;

/// What a client has shown, read and as it came.
type Certificate = (Option<CertificateIdentity>, Option<Shown>);

/// How handshakes are done.
#[derive(Debug, Clone)]
pub(super) struct Handshake {
    pub(super) transport: Transport,
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) timeout: Duration,
    pub(super) message_bytes_max: usize,
}

impl Handshake {
    /// All that the transport asks for, in its time.
    pub(super) async fn run(&self, socket: TcpStream, peer: SocketAddr) -> Result<Accepted, Failure> {
        timeout(self.timeout, self.complete(socket, peer)).await.unwrap_or(Err(Failure::Timeout))
    }

    async fn complete(&self, socket: TcpStream, peer: SocketAddr) -> Result<Accepted, Failure> {
        let (stream, (certificate, shown)) = match self.transport {
            Transport::Tcp => (Stream::Tcp(socket), (None, None)),
            Transport::Tls => {
                let (stream, certificate) = self.encrypt(socket).await?;
                (Stream::Tls(Box::new(stream)), certificate)
            }
            Transport::WebSocket => (Stream::WebSocket(Box::new(self.upgrade(socket).await?)), (None, None)),
            Transport::WebSocketTls => {
                let (stream, certificate) = self.encrypt(socket).await?;
                (Stream::WebSocketTls(Box::new(self.upgrade(stream).await?)), certificate)
            }
        };
        Ok(Accepted { stream, peer, transport: self.transport, certificate, shown })
    }

    async fn encrypt(&self, socket: TcpStream) -> Result<(TlsStream<TcpStream>, Certificate), Failure> {
        let tls = self.tls.as_ref().ok_or(Failure::Tls(None))?;
        let stream = tls.acceptor().accept(socket).await.map_err(|error| Failure::Tls(Some(error)))?;
        let Some(shown) = stream.get_ref().1.peer_certificates().and_then(<[_]>::first) else {
            return Ok((stream, (None, None)));
        };
        if tls.trust().is_foreign(shown) {
            return Err(Failure::Foreign);
        }
        if tls.trust().bans(shown) {
            return Err(Failure::Banned);
        }
        let certificate = (CertificateIdentity::read(shown), tls.trust().shown(shown));
        Ok((stream, certificate))
    }

    async fn upgrade<S>(&self, stream: S) -> Result<WebSocketBytes<S>, Failure>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    {
        WebSocketBytes::accept(stream, self.message_bytes_max)
            .await
            .map_err(|error| Failure::WebSocket(Box::new(error)))
    }
}
