//! Callers until they are known: sockets, handshakes, certificates.
//!
//! Guards: each step has a bound in number and in time, and what is refused is counted under a name.

use super::{
    BindError, Config, Shared,
    relay::introduced,
    session::{serve, turn_away},
};
use crate::{
    Credentials, Desk, Identity, Path,
    desk::{Peer, Relayed},
    identity::Named,
    link::{CHUNK_STREAMS_MAX, Carrier, End, Link, Side, quic_chain},
    quic::{self, Pulse, Room},
    tls::{self, CredentialsError},
};
use quinn::{Endpoint, Incoming, TransportConfig, VarInt, crypto::rustls::QuicServerConfig};
use rustls_pki_types::CertificateDer;
use std::{
    future::pending,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, watch},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

/// After an error of accepting (no file handles, say) it is tried again this much later.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long a caller that was refused gets to read why.
const LINGER: Duration = Duration::from_millis(500);
/// Packets of callers that are kept while the handshake has not begun, in bytes for each and for all.
const INCOMING_BYTES_MAX: (u64, u64) = (64 << 10, 16 << 20);
/// Chunk streams that a node may have open, and control.
const BOTH_WAYS_MAX: u32 = CHUNK_STREAMS_MAX as u32 + 1;
/// One stream up for each class.
const ONE_WAY_MAX: u32 = 4;

/// What is listened on.
pub(super) struct Doors {
    quic: Option<Endpoint>,
    tls: Option<TcpListener>,
    keys: Keys,
}

/// What the hub shows and whom it believes; another certificate takes its place while the hub runs. Cheap to clone.
#[derive(Clone)]
pub struct Keys {
    endpoint: Option<Endpoint>,
    acceptor: Arc<Mutex<TlsAcceptor>>,
    transport: Arc<TransportConfig>,
    handshakes_max: usize,
}

impl Keys {
    /// Shows another certificate and believes other roots from now on. Connections that are open stay.
    ///
    /// # Errors
    /// When they cannot be used; then nothing changes.
    pub fn renew(&self, credentials: &Credentials) -> Result<(), CredentialsError> {
        let tls = Arc::new(credentials.server()?);
        if let Some(endpoint) = &self.endpoint {
            endpoint.set_server_config(Some(settings(tls.clone(), &self.transport, self.handshakes_max)?));
        }
        *self.acceptor.lock().unwrap_or_else(PoisonError::into_inner) = TlsAcceptor::from(tls);
        Ok(())
    }
}

fn settings(
    tls: Arc<rustls::ServerConfig>,
    transport: &Arc<TransportConfig>,
    handshakes_max: usize,
) -> Result<quinn::ServerConfig, CredentialsError> {
    let crypto = QuicServerConfig::try_from(tls).map_err(|_| CredentialsError::NoQuic)?;
    let mut settings = quinn::ServerConfig::with_crypto(Arc::new(crypto));
    settings
        .transport_config(transport.clone())
        .migration(true)
        .max_incoming(handshakes_max)
        .incoming_buffer_size(INCOMING_BYTES_MAX.0)
        .incoming_buffer_size_total(INCOMING_BYTES_MAX.1);
    Ok(settings)
}

impl Doors {
    pub(super) fn open(config: &Config) -> Result<Self, BindError> {
        if config.quic.is_none() && config.tls.is_none() {
            return Err(BindError::Nowhere);
        }
        let tls = Arc::new(config.credentials.server()?);
        let room = Room {
            receive_bytes_max: config.receive_bytes_max,
            send_bytes_max: config.send_bytes_max,
            streams_max: (BOTH_WAYS_MAX, ONE_WAY_MAX),
        };
        let transport = Arc::new(quic::tuning(Pulse::of_hub(), room));
        let quic = match config.quic {
            None => None,
            Some(address) => {
                let failed = |source| BindError::Listen { path: Path::Quic, address, source };
                let settings = settings(tls.clone(), &transport, config.handshakes_max)?;
                // The certificate's key is a secret that is there again after a restart.
                let secret = config.credentials.key.secret_der();
                Some(quic::called(settings, address, secret).map_err(failed)?)
            }
        };
        let listener = match config.tls {
            None => None,
            Some(address) => {
                let failed = |source| BindError::Listen { path: Path::Tls, address, source };
                let listener = std::net::TcpListener::bind(address).map_err(failed)?;
                listener.set_nonblocking(true).map_err(failed)?;
                Some(TcpListener::from_std(listener).map_err(failed)?)
            }
        };
        let keys = Keys {
            endpoint: quic.clone(),
            acceptor: Arc::new(Mutex::new(TlsAcceptor::from(tls))),
            transport,
            handshakes_max: config.handshakes_max,
        };
        Ok(Self { quic, tls: listener, keys })
    }

    pub(super) fn keys(&self) -> Keys {
        self.keys.clone()
    }

    pub(super) fn quic_address(&self) -> Option<SocketAddr> {
        self.quic.as_ref().and_then(|endpoint| endpoint.local_addr().ok())
    }

    pub(super) fn tls_address(&self) -> Option<SocketAddr> {
        self.tls.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Lets callers in, for ever.
    pub(super) async fn accept<D: Desk>(&self, shared: &Arc<Shared<D>>, down: &watch::Receiver<bool>) {
        let quic = async {
            match &self.quic {
                Some(endpoint) => {
                    while let Some(incoming) = endpoint.accept().await {
                        quic_caller(shared, down, incoming);
                    }
                }
                None => pending().await,
            }
        };
        let tls = async {
            match &self.tls {
                Some(listener) => loop {
                    match listener.accept().await {
                        Ok((socket, from)) => {
                            let acceptor =
                                self.keys.acceptor.lock().unwrap_or_else(PoisonError::into_inner).clone();
                            tls_caller(shared, down, acceptor, socket, from);
                        }
                        Err(error) => {
                            tracing::warn!("cannot accept a TCP connection: {error}");
                            sleep(ACCEPT_PAUSE).await;
                        }
                    }
                },
                None => pending().await,
            }
        };
        tokio::join!(quic, tls);
    }

    pub(super) async fn close(self) {
        if let Some(endpoint) = self.quic {
            endpoint.close(
                VarInt::from_u32(aisle_protocol::ErrorCode::UNAVAILABLE.0.into()),
                b"the hub goes down",
            );
            // So that the last packets go out.
            let _ = timeout(Duration::from_secs(1), endpoint.wait_idle()).await;
        }
    }
}

/// A place among the connections and one among the handshakes.
struct Places {
    connection: OwnedSemaphorePermit,
    handshake: OwnedSemaphorePermit,
}

fn places<D: Desk>(shared: &Shared<D>, path: Path, from: SocketAddr) -> Option<Places> {
    let Ok(connection) = shared.places.clone().try_acquire_owned() else {
        shared.metrics.refused(path, "full", from, "there are as many connections as there may be");
        return None;
    };
    let Ok(handshake) = shared.handshakes.clone().try_acquire_owned() else {
        shared.metrics.refused(path, "handshakes", from, "there are as many handshakes as there may be");
        return None;
    };
    Some(Places { connection, handshake })
}

fn quic_caller<D: Desk>(shared: &Arc<Shared<D>>, down: &watch::Receiver<bool>, incoming: Incoming) {
    let from = incoming.remote_address();
    let is_crowded = shared.handshakes.available_permits() < shared.config.handshakes_max / 2;
    if is_crowded && incoming.may_retry() && !incoming.remote_address_validated() {
        // One more round trip, and whoever forged an address is gone.
        let _ = incoming.retry();
        return;
    }
    let Some(places) = places(shared, Path::Quic, from) else { return incoming.refuse() };
    let (shared, down) = (shared.clone(), down.clone());
    tokio::spawn(async move {
        let open = async {
            let connection = incoming.accept().map_err(|error| End::from(&error))?;
            connection.await.map_err(|error| End::from(&error))
        };
        let Some(connection) = shaken(&shared, Path::Quic, from, open).await else { return };
        let chain = quic_chain(&connection);
        welcome(shared, Carrier::quic(connection), &chain, places, down).await;
    });
}

fn tls_caller<D: Desk>(
    shared: &Arc<Shared<D>>,
    down: &watch::Receiver<bool>,
    acceptor: TlsAcceptor,
    socket: TcpStream,
    from: SocketAddr,
) {
    let Some(places) = places(shared, Path::Tls, from) else { return };
    let (shared, down) = (shared.clone(), down.clone());
    tokio::spawn(async move {
        let open = async {
            Pulse::of_hub().apply(&socket).map_err(|error| End::of_io(&error))?;
            match acceptor.accept(socket).into_fallible().await {
                Ok(stream) => Ok(stream),
                Err((error, socket)) => {
                    linger(socket).await;
                    Err(End::of_io(&error))
                }
            }
        };
        let Some(stream) = shaken(&shared, Path::Tls, from, open).await else { return };
        let chain: Vec<CertificateDer<'static>> = stream
            .get_ref()
            .1
            .peer_certificates()
            .unwrap_or_default()
            .iter()
            .map(|der| der.clone().into_owned())
            .collect();
        welcome(shared, Carrier::tls(stream.into(), from, yamux::Mode::Server), &chain, places, down).await;
    });
}

/// Lets the other end read why before the connection is gone: a socket that is closed with unread bytes in it resets the connection, and the
/// alert that is under way with it.
async fn linger(mut socket: TcpStream) {
    let read = async {
        socket.shutdown().await?;
        let mut rest = [0_u8; 1_024];
        while socket.read(&mut rest).await? > 0 {}
        Ok::<(), std::io::Error>(())
    };
    // Whether it was read is the other end's to care about.
    let _ = timeout(LINGER, read).await;
}

/// Counts a caller that is not let in, and lets the desk know.
async fn turned_away<D: Desk>(
    shared: &Shared<D>,
    path: Path,
    reason: &'static str,
    from: SocketAddr,
    text: &str,
) {
    shared.metrics.refused(path, reason, from, text);
    let told = shared.desk.turned_away(from, path, reason, text);
    let _ = timeout(Duration::from_millis(shared.config.finish_ms), told).await;
}

/// Waits for a handshake, but not for ever.
async fn shaken<D: Desk, T>(
    shared: &Shared<D>,
    path: Path,
    from: SocketAddr,
    open: impl Future<Output = Result<T, End>>,
) -> Option<T> {
    shared.metrics.handshake(1);
    let opened = timeout(Duration::from_millis(shared.config.handshake_timeout_ms), open).await;
    shared.metrics.handshake(-1);
    match opened {
        Ok(Ok(opened)) => Some(opened),
        Ok(Err(end)) => {
            turned_away(shared, path, end.reason, from, &end.text).await;
            None
        }
        Err(_) => {
            turned_away(shared, path, "slow", from, "the handshake took too long").await;
            None
        }
    }
}

/// The certificate holds. Whose is it?
async fn welcome<D: Desk>(
    shared: Arc<Shared<D>>,
    carrier: Carrier,
    chain: &[CertificateDer<'static>],
    places: Places,
    down: watch::Receiver<bool>,
) {
    let Places { connection: _connected, handshake } = places;
    let (path, address) = (carrier.path(), carrier.address());
    let mut link = Link::new(carrier, Side::Hub);
    let named = tls::named(chain).map_err(|error| error.to_string()).and_then(|(named, hash)| {
        let (of, text) = match &named {
            Named::Node(identity) => (&identity.chain, identity.to_string()),
            Named::Relay(relay) => (&relay.chain, relay.to_string()),
        };
        let is_ours = shared.config.chain.as_ref().is_none_or(|chain| chain == of);
        if is_ours { Ok((named, hash)) } else { Err(format!("`{text}` is of another chain")) }
    });
    drop(handshake);
    let patience = Duration::from_millis(shared.config.finish_ms);
    let (named, certificate) = match named {
        Ok(named) => named,
        Err(text) => {
            turned_away(&shared, path, "certificate_names_nobody", address, &text).await;
            return turn_away(link, &text, patience).await;
        }
    };
    let (identity, relayed, early) = match named {
        Named::Node(identity) => (identity, None, Vec::new()),
        Named::Relay(relay) => {
            let said = introduced(&mut link);
            let said = timeout(Duration::from_millis(shared.config.handshake_timeout_ms), said).await;
            match said.unwrap_or_else(|_| Err("a relay did not say for which store it speaks".into())) {
                Ok((hello, early)) => {
                    let (node, chain) = (relay.node(), relay.chain);
                    let relayed = Relayed { relay: relay.name, region: hello.region };
                    (Identity { chain, store: hello.store, node }, Some(Arc::new(relayed)), early)
                }
                Err(text) => {
                    shared.metrics.refused(path, "relay_says_nothing", address, &text);
                    return turn_away(link, &text, patience).await;
                }
            }
        }
    };
    let connection = shared.numbers.fetch_add(1, Ordering::Relaxed);
    let leaf = chain.first().map(AsRef::as_ref).unwrap_or_default().into();
    let peer = Peer { connection, identity: Arc::new(identity), certificate, leaf, address, path, relayed };
    serve(shared, link, peer, early, down).await;
}
