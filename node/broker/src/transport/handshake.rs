//! From a socket to a stream of MQTT bytes.

use super::{
    Accepted, Stream, Transport, identity::CertificateIdentity, telemetry::Failure, tls::Tls,
    websocket::WebSocketBytes,
};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::server::TlsStream;

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
        let (stream, certificate) = match self.transport {
            Transport::Tcp => (Stream::Tcp(socket), None),
            Transport::Tls => {
                let (stream, certificate) = self.encrypt(socket).await?;
                (Stream::Tls(Box::new(stream)), certificate)
            }
            Transport::WebSocket => (Stream::WebSocket(Box::new(self.upgrade(socket).await?)), None),
            Transport::WebSocketTls => {
                let (stream, certificate) = self.encrypt(socket).await?;
                (Stream::WebSocketTls(Box::new(self.upgrade(stream).await?)), certificate)
            }
        };
        Ok(Accepted { stream, peer, transport: self.transport, certificate })
    }

    async fn encrypt(
        &self,
        socket: TcpStream,
    ) -> Result<(TlsStream<TcpStream>, Option<CertificateIdentity>), Failure> {
        let tls = self.tls.as_ref().ok_or(Failure::Tls(None))?;
        let stream = tls.acceptor().accept(socket).await.map_err(|error| Failure::Tls(Some(error)))?;
        let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        // Asked after each handshake: a session that is resumed has not shown its certificate to a verifier.
        if shown.is_some_and(|shown| tls.bans(shown)) {
            return Err(Failure::Banned);
        }
        let certificate = shown.and_then(CertificateIdentity::read);
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
