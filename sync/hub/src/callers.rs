//! Callers at a port that speaks TLS: let in, bounded, served HTTP/1.1, and let go when the hub goes down.
//!
//! ```text
//! Port ─ a place of all, a seat of its address ─> handshake ─> Host::caller ─> requests that know the caller ─> router
//!          └── none, too slow, no TLS in common: counted (Refusals), written down (Host::turned_away)
//! ```
//!
//! Not here: who comes to which port, and what for ([`crate::secure`], [`crate::enrol`]); how much one may ask. Guards: callers are bounded in number, of one address too, and so are
//! the tasks that refuse some of them; a handshake is bounded in time, a call where its port says so, and how long a caller may take nothing of its answer.

use crate::network::network;
use axum::Router;
use hyper::{
    Request,
    body::Incoming,
    server::conn::http1,
    service::{Service as _, service_fn},
};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};
use rustls::{PeerIncompatible, ServerConfig, ServerConnection};
#[cfg(target_os = "linux")]
use socket2::SockRef;
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
    sync::{Semaphore, watch},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

/// Callers from one address at once; further ones are hung up on.
const CALLERS_OF_ADDRESS_MAX: usize = 128;
/// Whoever takes nothing of what it was sent for so long is gone, or holds a place for nothing.
#[cfg(target_os = "linux")]
const TAKES_NOTHING: Duration = Duration::from_secs(30);
/// After an error of accepting (no file handles, say) it is tried again this much later.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What holds for the callers of a port.
#[derive(Debug)]
pub(crate) struct Bounds {
    /// Callers at once; further ones are not taken until some have gone.
    pub(crate) callers_max: usize,
    /// How long a handshake may take.
    pub(crate) handshake: Duration,
    /// How long a whole call may take: then it is hung up on, whatever it does.
    pub(crate) call: Duration,
    /// How long requests that have begun are given when the hub goes down.
    pub(crate) parting: Duration,
    /// How requests are read.
    pub(crate) http: http1::Builder,
}

/// Whose port it is.
pub(crate) trait Host: Send + Sync + 'static {
    /// What each request is told of its caller.
    type Caller: Clone + Send + Sync + 'static;

    /// Whoever has got through the handshake.
    fn caller(&self, from: SocketAddr, tls: &ServerConnection) -> Self::Caller;

    /// Writes down somebody who never got to ask, with the reason in one word and in many. It is counted already.
    fn turned_away(
        &self,
        from: SocketAddr,
        reason: &'static str,
        detail: &str,
    ) -> impl Future<Output = ()> + Send;
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    port: &'static str,
    reason: &'static str,
}

/// Counts who never got to ask, at every port. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Refusals(Family<Of, Counter>);

impl Refusals {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let refusals = Self(Family::default());
        registry.register(
            "aisle_hub_callers_refused",
            "Callers who never got to ask, by port (`enrolment`, `https`) and reason: too many at once from one address (`address`), TLS that could not agree (`old_tls`, `certificate`, `handshake`) or took too long (`handshake_slow`). Grows much: look who calls; of `enrolment` the audit log says from where.",
            refusals.0.clone(),
        );
        refusals
    }
}

/// What callers are shown and asked for. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Shown(Arc<Mutex<Arc<ServerConfig>>>);

impl Shown {
    /// From now on. Connections that are open stay.
    pub(crate) fn renew(&self, tls: ServerConfig) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(tls);
    }

    fn acceptor(&self) -> TlsAcceptor {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone().into()
    }
}

/// A port, open.
#[derive(Debug)]
pub(crate) struct Port {
    name: &'static str,
    listener: TcpListener,
    address: SocketAddr,
    shown: Shown,
    refusals: Refusals,
}

impl Port {
    /// Listens, under a name for logs and metrics; nobody is let in before [`Port::serve`].
    ///
    /// # Errors
    /// When the address is taken.
    pub(crate) async fn open(
        name: &'static str,
        address: SocketAddr,
        tls: ServerConfig,
        refusals: Refusals,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { name, listener, address, shown: Shown(Arc::new(Mutex::new(Arc::new(tls)))), refusals })
    }

    /// Where it is.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it shows.
    pub(crate) fn shown(&self) -> Shown {
        self.shown.clone()
    }

    /// Serves until the hub goes down, and lets requests that have begun come to an end then.
    pub(crate) async fn serve(
        self,
        host: impl Host,
        router: Router,
        bounds: Bounds,
        mut down: watch::Receiver<bool>,
    ) {
        let Self { name, listener, shown, refusals, .. } = self;
        let (places, addresses) = (Arc::new(Semaphore::new(bounds.callers_max)), Addresses::default());
        let parting = bounds.parting;
        let router = TowerToHyperService::new(router);
        let reception = Arc::new(Reception { name, host, router, bounds, refusals });
        let mut callers = JoinSet::new();
        loop {
            let next = async { (places.clone().acquire_owned().await, listener.accept().await) };
            let accepted = tokio::select! {
                _ = down.wait_for(|is_down| *is_down) => break,
                Some(_) = callers.join_next(), if !callers.is_empty() => continue,
                accepted = next => accepted,
            };
            match accepted {
                (Ok(place), Ok((socket, from))) => {
                    let (reception, seat) = (reception.clone(), addresses.take(from.ip()));
                    let (acceptor, down) = (shown.acceptor(), down.clone());
                    callers.spawn(async move {
                        match seat {
                            Some(_seat) => reception.receive(socket, from, &acceptor, down).await,
                            None => {
                                drop(socket);
                                let detail = "too many callers from one address";
                                reception.turn_away(from, "address", detail).await;
                            }
                        }
                        drop(place);
                    });
                }
                (_, Err(error)) => {
                    tracing::warn!(port = name, "cannot accept a connection: {error}");
                    sleep(ACCEPT_PAUSE).await;
                }
                // The semaphore is never closed.
                (Err(_), _) => break,
            }
        }
        drop(listener);
        // Whoever is cut here had its time.
        let _ = timeout(parting, async { while callers.join_next().await.is_some() {} }).await;
        callers.shutdown().await;
    }
}

/// What all callers of a port share.
struct Reception<H> {
    name: &'static str,
    host: H,
    router: TowerToHyperService<Router>,
    bounds: Bounds,
    refusals: Refusals,
}

impl<H: Host> Reception<H> {
    async fn turn_away(&self, from: SocketAddr, reason: &'static str, detail: &str) {
        tracing::debug!(port = self.name, %from, reason, detail, "a caller was turned away");
        self.refusals.0.get_or_create(&Of { port: self.name, reason }).inc();
        self.host.turned_away(from, reason, detail).await;
    }

    async fn receive(
        &self,
        socket: TcpStream,
        from: SocketAddr,
        acceptor: &TlsAcceptor,
        down: watch::Receiver<bool>,
    ) {
        // Whoever is cut here had its time.
        let _ = timeout(self.bounds.call, self.call(socket, from, acceptor, down)).await;
    }

    async fn call(
        &self,
        socket: TcpStream,
        from: SocketAddr,
        acceptor: &TlsAcceptor,
        mut down: watch::Receiver<bool>,
    ) {
        // Answers are small and wait for nothing.
        let _ = socket.set_nodelay(true);
        // A socket without this one serves all the same.
        #[cfg(target_os = "linux")]
        let _ = SockRef::from(&socket).set_tcp_user_timeout(Some(TAKES_NOTHING));
        let stream = match timeout(self.bounds.handshake, acceptor.accept(socket)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return self.turn_away(from, reason(&error), &error.to_string()).await,
            Err(_) => return self.turn_away(from, "handshake_slow", "the handshake took too long").await,
        };
        let caller = self.host.caller(from, stream.get_ref().1);
        let service = service_fn(|mut request: Request<Incoming>| {
            request.extensions_mut().insert(caller.clone());
            self.router.call(request)
        });
        let mut served = pin!(self.bounds.http.serve_connection(TokioIo::new(stream), service));
        let is_down = async {
            // A sender that is gone is down as well.
            let _ = down.wait_for(|is_down| *is_down).await;
        };
        let ended = tokio::select! {
            ended = served.as_mut() => ended,
            () = is_down => {
                served.as_mut().graceful_shutdown();
                served.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(port = self.name, %from, %error, "a connection ended");
        }
    }
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

/// How many callers each address has. As many entries as callers, so it has their bound.
#[derive(Debug, Clone, Default)]
struct Addresses(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// A caller's place among those of its address, until it is dropped.
#[derive(Debug)]
struct Seat {
    addresses: Addresses,
    address: IpAddr,
}

impl Addresses {
    fn take(&self, address: IpAddr) -> Option<Seat> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_so_many_seats_and_gives_back_those_that_it_leaves() {
        let addresses = Addresses::default();
        let take = |address: &str| addresses.take(address.parse().unwrap());
        // A network of IPv6 is one address.
        let mut seats: Vec<_> = (0..CALLERS_OF_ADDRESS_MAX)
            .map(|host| take(&format!("2001:db8::{host:x}")).expect("a seat"))
            .collect();
        assert!(take("2001:db8::ffff").is_none());
        assert!(take("2001:db8:0:1::1").is_some(), "another network");
        assert!(take("192.0.2.1").is_some(), "another address");
        seats.pop();
        seats.extend(take("2001:db8::ffff"));
        assert_eq!(seats.len(), CALLERS_OF_ADDRESS_MAX);
        drop(seats);
        assert!(addresses.0.lock().unwrap().is_empty(), "nothing is kept of who has gone");
    }
}
