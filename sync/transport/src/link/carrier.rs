//! What carries the streams: a QUIC connection, or yamux (the multiplexer of HashiCorp) over a TLS connection.
//!
//! Not here: names and order of streams ([`super::Link`]).

use super::{STREAMS_MAX, pipe::Io};
use crate::{path::Path, tls};
use aisle_protocol::ErrorCode;
use futures_util::future::{BoxFuture, FutureExt};
use quinn::{ConnectionError, VarInt};
use rustls_pki_types::CertificateDer;
use std::{
    fmt,
    future::poll_fn,
    net::SocketAddr,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::net::TcpStream;
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct End {
    /// A short name for metrics.
    pub(crate) reason: &'static str,
    /// The same for people.
    pub(crate) text: String,
}

impl End {
    pub(crate) fn new(reason: &'static str, text: impl fmt::Display) -> Self {
        Self { reason, text: text.to_string() }
    }

    /// TLS refused it: this end when `is_ours`, else the other one.
    fn tls(alert: u8, is_ours: bool) -> Self {
        let who = if is_ours { "refused here" } else { "refused by the other end" };
        Self { reason: tls::alert_name(alert), text: format!("{who}: {}", tls::alert_text(alert)) }
    }

    /// From an error of TCP or of TLS over it.
    pub(crate) fn of_io(error: &std::io::Error) -> Self {
        if let Some(tls) = tls::tls_error(error) {
            return tls::alert_of(tls).map_or_else(
                || Self::new("tls", tls),
                |alert| Self::tls(alert, !matches!(tls, rustls::Error::AlertReceived(_))),
            );
        }
        let reason = match error.kind() {
            std::io::ErrorKind::ConnectionRefused => "refused",
            std::io::ErrorKind::TimedOut => "timeout",
            std::io::ErrorKind::HostUnreachable | std::io::ErrorKind::NetworkUnreachable => "unreachable",
            _ => "lost",
        };
        Self::new(reason, error)
    }
}

/// The TLS alert in a QUIC error code (RFC 9001, section 4.8).
fn quic_alert(code: quinn::TransportErrorCode) -> Option<u8> {
    let code = u64::from(code);
    (0x100..0x200).contains(&code).then_some((code & 0xff) as u8)
}

impl From<&ConnectionError> for End {
    fn from(error: &ConnectionError) -> Self {
        match error {
            ConnectionError::TransportError(inner) => quic_alert(inner.code)
                .map_or_else(|| Self::new("quic", inner), |alert| Self::tls(alert, true)),
            ConnectionError::ConnectionClosed(close) => quic_alert(close.error_code)
                .map_or_else(|| Self::new("refused", close), |alert| Self::tls(alert, false)),
            ConnectionError::ApplicationClosed(close) => Self::new("closed", close),
            ConnectionError::TimedOut => Self::new("timeout", "nothing was heard for too long"),
            ConnectionError::Reset => Self::new("reset", "the other end does not know the connection"),
            other => Self::new("lost", other),
        }
    }
}

type Opened = Result<(quinn::SendStream, Option<quinn::RecvStream>), ConnectionError>;

/// A stream that is being opened: QUIC may have to wait until the other end allows one more.
#[derive(Default)]
pub(crate) struct Opening(Option<BoxFuture<'static, Opened>>);

type Accepted = Result<Io, ConnectionError>;

/// A QUIC connection.
pub(crate) struct Quic {
    connection: quinn::Connection,
    both: BoxFuture<'static, Accepted>,
    one: BoxFuture<'static, Accepted>,
}

fn accept_both(connection: quinn::Connection) -> BoxFuture<'static, Accepted> {
    async move { connection.accept_bi().await.map(|(send, receive)| Io::Quic(Some(send), Some(receive))) }
        .boxed()
}

fn accept_one(connection: quinn::Connection) -> BoxFuture<'static, Accepted> {
    async move { connection.accept_uni().await.map(|receive| Io::Quic(None, Some(receive))) }.boxed()
}

/// A TLS connection of either end.
pub(crate) type Socket = tokio_rustls::TlsStream<TcpStream>;

/// Streams over TLS.
pub(crate) struct Tls {
    connection: yamux::Connection<Compat<Socket>>,
    address: SocketAddr,
}

/// What carries the streams.
pub(crate) enum Carrier {
    Quic(Box<Quic>),
    Tls(Box<Tls>),
}

impl fmt::Debug for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path().as_str())
    }
}

impl Carrier {
    pub(crate) fn quic(connection: quinn::Connection) -> Self {
        let (both, one) = (accept_both(connection.clone()), accept_one(connection.clone()));
        Self::Quic(Box::new(Quic { connection, both, one }))
    }

    pub(crate) fn tls(socket: Socket, address: SocketAddr, mode: yamux::Mode) -> Self {
        let mut config = yamux::Config::default();
        config.set_max_num_streams(STREAMS_MAX);
        // Ten of these wait for the socket within each stream, and cannot be overtaken.
        config.set_split_send_size(8 << 10);
        // Each stream has a quarter of a mebibyte to begin with; those that are read fast get more out of another four.
        config.set_max_connection_receive_window(Some(STREAMS_MAX * (256 << 10) + (4 << 20)));
        Self::Tls(Box::new(Tls {
            connection: yamux::Connection::new(socket.compat(), config, mode),
            address,
        }))
    }

    pub(crate) const fn path(&self) -> Path {
        match self {
            Self::Quic(_) => Path::Quic,
            Self::Tls(_) => Path::Tls,
        }
    }

    /// Where the other end is now.
    pub(crate) fn address(&self) -> SocketAddr {
        match self {
            Self::Quic(quic) => quic.connection.remote_address(),
            Self::Tls(tls) => tls.address,
        }
    }

    /// How long a packet and its answer take, as measured; not known on TLS.
    pub(crate) fn rtt(&self) -> Option<Duration> {
        match self {
            Self::Quic(quic) => Some(quic.connection.rtt()),
            Self::Tls(_) => None,
        }
    }

    /// Bytes of UDP payload that went and came; not known on TLS.
    pub(crate) fn udp_bytes(&self) -> Option<(u64, u64)> {
        match self {
            Self::Quic(quic) => {
                let stats = quic.connection.stats();
                Some((stats.udp_tx.bytes, stats.udp_rx.bytes))
            }
            Self::Tls(_) => None,
        }
    }

    /// True where what is written to one stream waits behind what was written to others.
    pub(super) const fn is_one_pipe(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    pub(super) fn poll_incoming(&mut self, cx: &mut Context<'_>) -> Poll<Result<Io, End>> {
        match self {
            Self::Quic(quic) => {
                if let Poll::Ready(accepted) = quic.both.poll_unpin(cx) {
                    quic.both = accept_both(quic.connection.clone());
                    return Poll::Ready(accepted.map_err(|error| End::from(&error)));
                }
                let accepted = ready!(quic.one.poll_unpin(cx));
                quic.one = accept_one(quic.connection.clone());
                Poll::Ready(accepted.map_err(|error| End::from(&error)))
            }
            Self::Tls(tls) => Poll::Ready(match ready!(tls.connection.poll_next_inbound(cx)) {
                Some(Ok(stream)) => Ok(Io::Tls(stream)),
                Some(Err(
                    yamux::ConnectionError::Io(error)
                    | yamux::ConnectionError::Decode(yamux::FrameDecodeError::Io(error)),
                )) => Err(End::of_io(&error)),
                Some(Err(error)) => Err(End::new("lost", error)),
                None => Err(End::new("closed", "the other end hung up")),
            }),
        }
    }

    pub(super) fn poll_open(
        &mut self,
        cx: &mut Context<'_>,
        opening: &mut Opening,
        is_both_ways: bool,
    ) -> Poll<Result<Io, End>> {
        match self {
            Self::Quic(quic) => {
                let open = opening.0.get_or_insert_with(|| {
                    let connection = quic.connection.clone();
                    if is_both_ways {
                        async move { connection.open_bi().await.map(|(send, receive)| (send, Some(receive))) }
                            .boxed()
                    } else {
                        async move { connection.open_uni().await.map(|send| (send, None)) }.boxed()
                    }
                });
                let opened = ready!(open.poll_unpin(cx));
                Poll::Ready(match opened {
                    Ok((send, receive)) => Ok(Io::Quic(Some(send), receive)),
                    Err(error) => Err(End::from(&error)),
                })
            }
            Self::Tls(tls) => {
                let opened = ready!(tls.connection.poll_new_outbound(cx));
                Poll::Ready(opened.map(Io::Tls).map_err(|error| End::new("lost", error)))
            }
        }
    }

    /// Hangs up.
    pub(super) async fn close(self, code: ErrorCode, text: &str, patience: Duration) {
        match self {
            Self::Quic(quic) => quic.connection.close(VarInt::from_u32(code.0.into()), text.as_bytes()),
            Self::Tls(mut tls) => {
                let closed = poll_fn(|cx| tls.connection.poll_close(cx));
                let _ = tokio::time::timeout(patience, closed).await;
            }
        }
    }
}

/// The certificates that the other end of a QUIC connection has shown.
pub(crate) fn quic_chain(connection: &quinn::Connection) -> Vec<CertificateDer<'static>> {
    connection
        .peer_identity()
        .and_then(|identity| identity.downcast::<Vec<CertificateDer<'static>>>().ok())
        .map(|chain| *chain)
        .unwrap_or_default()
}
