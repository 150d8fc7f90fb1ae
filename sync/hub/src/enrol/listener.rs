//! The port where boxes enrol: TLS 1.3, HTTP/1.1, a bound on everything that a stranger can make it do.
//!
//! A certificate is asked for and may be left out; one that has run out is let through to be judged by what it is used for. Not here: the routes ([`super::est`]).
//! Guards: a caller has so long for its handshake, for its headers and in all; there are so many, and so many from one address.

use super::{
    est,
    office::{Caller, Office},
    own::Own,
};
use crate::network::network;
use aisle_provisioning::{authority::Unlocked, device::RevocationList, identity::Kind, verify::PeerVerifier};
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use rustls::{PeerIncompatible, ServerConfig, crypto::ring, server::NoServerSessionStorage, version::TLS13};
use rustls_pki_types::CertificateDer;
use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

/// Callers at once; further ones are not taken until some have gone.
const CALLERS_MAX: usize = 512;
/// Callers from one address at once; further ones are hung up on.
const CALLERS_OF_ADDRESS_MAX: usize = 128;
/// What is kept of a request's head, in bytes, and how many headers it may have.
const HEAD_BYTES_MAX: usize = 16 << 10;
const HEADERS_MAX: usize = 64;
/// After an error of accepting (no file handles, say) it is tried again this much later.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a caller may take for things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Its handshake.
    pub handshake: Duration,
    /// The head of a request.
    pub head: Duration,
    /// The body of a request.
    pub body: Duration,
    /// All together: then it is hung up on, whatever it does.
    pub call: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let a_while = Duration::from_secs(10);
        Self { handshake: a_while, head: a_while, body: a_while, call: Duration::from_secs(60) }
    }
}

/// Why the port is not open.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address is taken.
    #[error("cannot listen for boxes on {address} (`enrolment.listen`)")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// TLS cannot be set up.
    #[error("what this hub shows to boxes cannot be used")]
    Tls(#[from] rustls::Error),
}

/// The port, open.
#[derive(Debug)]
pub struct Door {
    listener: TcpListener,
    address: SocketAddr,
    office: Office,
    patience: Patience,
    tls: Arc<Mutex<Arc<ServerConfig>>>,
}

/// What is shown, and who may come.
fn settings(office: &Office, own: &Own, unlocked: &Unlocked) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut chain = own.chain.clone();
    // The root too: a box that comes with its fingerprint has to find it.
    chain.extend(unlocked.roots.certificates().iter().cloned());
    let chain_of = office.config().chain.clone();
    // Who was banned is told so in words, and not by an alert.
    let nobody = Arc::new(RevocationList::default());
    let verifier = PeerVerifier::new(&unlocked.roots, chain_of, vec![Kind::Node], nobody);
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(Arc::new(verifier.recovering().optional()))
        .with_single_cert(chain, own.key.to_der())?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // A resumed session would not be looked at again.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

impl Door {
    /// Listens; nobody is let in before [`Door::run`].
    ///
    /// # Errors
    /// When the address is taken.
    pub async fn open(office: Office, patience: Patience) -> Result<Self, ListenError> {
        let address = office.config().listen;
        let failed = |source| ListenError::Bind { address, source };
        let tls = settings(&office, &office.own(), &office.unlocked())?;
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, office, patience, tls: Arc::new(Mutex::new(tls)) })
    }

    /// Where it is.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets boxes in until the hub goes down.
    pub async fn run(self, mut down: watch::Receiver<bool>) {
        let Self { listener, office, patience, tls, .. } = self;
        let places = Arc::new(Semaphore::new(CALLERS_MAX));
        let addresses = Addresses::default();
        let router = est::router(office.clone(), patience.body);
        let mut shown = office.follow();
        let mut callers = JoinSet::new();
        loop {
            let place = places.clone().acquire_owned();
            let accepted = tokio::select! {
                _ = down.wait_for(|is_down| *is_down) => break,
                changed = shown.changed() => {
                    if changed.is_ok() {
                        renew(&office, &tls);
                    }
                    continue;
                }
                Some(_) = callers.join_next(), if !callers.is_empty() => continue,
                accepted = async {
                    let place = place.await;
                    (place, listener.accept().await)
                } => accepted,
            };
            match accepted {
                (Ok(place), Ok((socket, from))) => {
                    let Some(seat) = addresses.take(from.ip()) else {
                        // Written by itself: the listener waits for no database.
                        let office = office.clone();
                        callers.spawn(async move {
                            office.turned_away(from, "address", "too many callers from one address").await;
                        });
                        continue;
                    };
                    let acceptor =
                        TlsAcceptor::from(tls.lock().unwrap_or_else(PoisonError::into_inner).clone());
                    let (router, office) = (router.clone(), office.clone());
                    let call =
                        Call { socket, from, acceptor, router, office, patience, _place: place, _seat: seat };
                    callers.spawn(async move {
                        // Whoever is cut here had a minute.
                        let _ = timeout(patience.call, call.serve()).await;
                    });
                }
                (_, Err(error)) => {
                    tracing::warn!("cannot accept a box's connection: {error}");
                    sleep(ACCEPT_PAUSE).await;
                }
                // The semaphore is never closed.
                (Err(_), _) => break,
            }
        }
        callers.shutdown().await;
    }
}

fn renew(office: &Office, tls: &Mutex<Arc<ServerConfig>>) {
    match settings(office, &office.own(), &office.unlocked()) {
        Ok(settings) => *tls.lock().unwrap_or_else(PoisonError::into_inner) = settings,
        Err(error) => tracing::error!(%error, "boxes are shown the old certificate still"),
    }
}

/// How many callers each address has. As many entries as callers, so it has their bound.
#[derive(Debug, Clone, Default)]
pub(crate) struct Addresses(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// A caller's place among those of its address, until it is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    addresses: Addresses,
    address: IpAddr,
}

impl Addresses {
    pub(crate) fn take(&self, address: IpAddr) -> Option<Seat> {
        let address = network(address);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_default();
        if *count >= CALLERS_OF_ADDRESS_MAX {
            return None;
        }
        *count += 1;
        Some(Seat { addresses: self.clone(), address })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut counts = self.addresses.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

struct Call {
    socket: TcpStream,
    from: SocketAddr,
    acceptor: TlsAcceptor,
    router: Router,
    office: Office,
    patience: Patience,
    _place: OwnedSemaphorePermit,
    _seat: Seat,
}

/// Whoever offers an older TLS only may be pushed to it by somebody in between: that is told apart.
fn reason(error: &io::Error) -> &'static str {
    let error = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
    match error {
        Some(rustls::Error::PeerIncompatible(
            PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled
            | PeerIncompatible::SupportedVersionsExtensionRequired,
        )) => "old_tls",
        Some(rustls::Error::InvalidCertificate(_)) => "certificate",
        _ => "handshake",
    }
}

impl Call {
    async fn serve(self) {
        let Self { socket, from, acceptor, router, office, patience, _place, _seat } = self;
        // Answers are small and wait for nothing.
        let _ = socket.set_nodelay(true);
        let stream = match timeout(patience.handshake, acceptor.accept(socket)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                tracing::debug!(%from, %error, "a box's handshake failed");
                return office.turned_away(from, reason(&error), &error.to_string()).await;
            }
            Err(_) => {
                return office.turned_away(from, "handshake_slow", "the handshake took too long").await;
            }
        };
        let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let chain: Arc<[CertificateDer<'static>]> =
            chain.iter().map(|certificate| certificate.clone().into_owned()).collect();
        let service = router.layer(Extension(Caller { address: from, chain }));
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(patience.head)
            .max_buf_size(HEAD_BYTES_MAX)
            .max_headers(HEADERS_MAX)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        if let Err(error) = pin!(served).await {
            tracing::debug!(%from, %error, "a box's connection ended");
        }
    }
}
