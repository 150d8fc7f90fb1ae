//! Makes connections: looks the hub up, tries QUIC, tries TLS, takes what opens.
//!
//! QUIC gets a head start. What fails at once lets the other path begin at once; what says nothing (a firewall that eats UDP) lets it begin
//! when the head start is over, and the first that opens is taken. Not here: when to connect (the machine), which path is first
//! ([`super::preference`]).

use super::config::{Config, Hub};
use crate::{
    Path,
    link::{Carrier, End},
    quic::{self, Pulse, Room},
    tls::CredentialsError,
};
use aisle_protocol::LinkKind;
use futures_util::future::{BoxFuture, Either, FutureExt, select};
use quinn::{Endpoint, crypto::rustls::QuicClientConfig};
use rustls_pki_types::ServerName;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;

/// What came of an attempt.
pub(super) struct Outcome {
    /// The connection, if one opened.
    pub(super) carrier: Option<Carrier>,
    /// What did not open.
    pub(super) failed: Vec<(Path, End)>,
    /// True when QUIC was tried and is not what opened.
    pub(super) was_quic_tried: bool,
}

pub(super) type Making = BoxFuture<'static, Outcome>;

type Opened = Result<Carrier, End>;

/// The sockets that QUIC calls from, one for each family of addresses, made when first needed.
#[derive(Debug, Clone, Default)]
struct Endpoints(Arc<Mutex<[Option<Endpoint>; 2]>>);

impl Endpoints {
    fn to(&self, address: SocketAddr) -> Result<Endpoint, End> {
        let mut endpoints = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let [v4, v6] = &mut *endpoints;
        let place = if address.is_ipv4() { v4 } else { v6 };
        if let Some(endpoint) = place {
            return Ok(endpoint.clone());
        }
        let made = quic::caller(address).map_err(|error| End::of_io(&error))?;
        Ok(place.insert(made).clone())
    }

    fn rebind(&self) -> Result<(), End> {
        let endpoints = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for endpoint in endpoints.iter().flatten() {
            let moved = endpoint.local_addr().and_then(|mut address| {
                address.set_port(0);
                endpoint.rebind(quic::socket(address)?)
            });
            moved.map_err(|error| End::of_io(&error))?;
        }
        Ok(())
    }
}

pub(super) struct Connector {
    hubs: Vec<Hub>,
    crypto: Arc<QuicClientConfig>,
    tls: TlsConnector,
    endpoints: Endpoints,
    head_start: Duration,
    path_timeout: Duration,
    send_bytes_max: u32,
}

impl Connector {
    pub(super) fn new(config: &Config) -> Result<Self, CredentialsError> {
        let tls = Arc::new(config.credentials.client(&config.clock, config.clock_floor_ms)?);
        let crypto = QuicClientConfig::try_from(tls.clone()).map_err(|_| CredentialsError::NoQuic)?;
        Ok(Self {
            hubs: config.hubs.clone(),
            crypto: Arc::new(crypto),
            tls: tls.into(),
            endpoints: Endpoints::default(),
            head_start: Duration::from_millis(config.quic_head_start_ms),
            path_timeout: Duration::from_millis(config.path_timeout_ms),
            send_bytes_max: config.send_bytes_max,
        })
    }

    /// Goes on from new sockets.
    pub(super) fn rebind(&self) -> Result<(), End> {
        self.endpoints.rebind()
    }

    fn hub(&self, attempt: u32) -> Option<&Hub> {
        self.hubs.get(attempt as usize % self.hubs.len().max(1))
    }

    /// Calls the hub whose turn it is.
    pub(super) fn make(&self, attempt: u32, first: Path, kind: LinkKind) -> Making {
        let Some(hub) = self.hub(attempt) else { return futures_util::future::pending().boxed() };
        let quic = hub.quic_port.map(|port| self.quic(&hub.name, port, attempt, kind));
        let tls = hub.tls_port.map(|port| self.tls(&hub.name, port, attempt, kind));
        let head_start = self.head_start;
        match (first, quic, tls) {
            (Path::Quic, Some(quic), tls) => race(Path::Quic, quic, tls, head_start).boxed(),
            (Path::Tls, quic, Some(tls)) => race(Path::Tls, tls, quic, head_start).boxed(),
            (Path::Tls, Some(quic), None) => race(Path::Quic, quic, None, head_start).boxed(),
            (Path::Quic, None, Some(tls)) => race(Path::Tls, tls, None, head_start).boxed(),
            (_, None, None) => futures_util::future::pending().boxed(),
        }
    }

    /// Tries QUIC alone; `None` when the hub has none.
    pub(super) fn probe(&self, attempt: u32, kind: LinkKind) -> Option<Making> {
        let hub = self.hub(attempt)?;
        let quic = self.quic(&hub.name, hub.quic_port?, attempt, kind);
        Some(race(Path::Quic, quic, None, self.head_start).boxed())
    }

    fn quic(&self, name: &str, port: u16, attempt: u32, kind: LinkKind) -> BoxFuture<'static, Opened> {
        let room = Room {
            // From the hub come answers, documents and pieces of artefacts.
            receive_bytes_max: 4 << 20,
            send_bytes_max: self.send_bytes_max,
            streams_max: (0, 1),
        };
        let mut config = quinn::ClientConfig::new(self.crypto.clone());
        config.transport_config(Arc::new(quic::tuning(Pulse::of(kind), room)));
        let (endpoints, name) = (self.endpoints.clone(), name.to_owned());
        let open = async move {
            let address = look_up(&name, port, attempt).await?;
            let connecting = endpoints
                .to(address)?
                .connect_with(config, address, &name)
                .map_err(|error| End::new("address", error))?;
            let connection = connecting.await.map_err(|error| End::from(&error))?;
            Ok(Carrier::quic(connection))
        };
        bounded(open, self.path_timeout)
    }

    fn tls(&self, name: &str, port: u16, attempt: u32, kind: LinkKind) -> BoxFuture<'static, Opened> {
        let (connector, name) = (self.tls.clone(), name.to_owned());
        let open = async move {
            let address = look_up(&name, port, attempt).await?;
            let server = ServerName::try_from(name).map_err(|error| End::new("address", error))?;
            let socket = TcpStream::connect(address).await.map_err(|error| End::of_io(&error))?;
            Pulse::of(kind).apply(&socket).map_err(|error| End::of_io(&error))?;
            let stream = connector.connect(server, socket).await.map_err(|error| End::of_io(&error))?;
            Ok(Carrier::tls(stream.into(), address, yamux::Mode::Client))
        };
        bounded(open, self.path_timeout)
    }
}

fn bounded(
    open: impl Future<Output = Opened> + Send + 'static,
    within: Duration,
) -> BoxFuture<'static, Opened> {
    async move {
        let none = || Err(End::new("timeout", format!("no answer within {} ms", within.as_millis())));
        timeout(within, open).await.unwrap_or_else(|_| none())
    }
    .boxed()
}

/// One address of a name; the next one with the next attempt.
async fn look_up(name: &str, port: u16, attempt: u32) -> Result<SocketAddr, End> {
    let found = tokio::net::lookup_host((name, port)).await;
    let found: Vec<SocketAddr> =
        found.map_err(|error| End::new("name", format!("cannot look up `{name}`: {error}")))?.collect();
    found
        .get(attempt as usize % found.len().max(1))
        .copied()
        .ok_or_else(|| End::new("name", format!("`{name}` has no address")))
}

async fn race(
    path: Path,
    mut first: BoxFuture<'static, Opened>,
    second: Option<BoxFuture<'static, Opened>>,
    head_start: Duration,
) -> Outcome {
    let mut failed = Vec::new();
    let other = if path == Path::Quic { Path::Tls } else { Path::Quic };
    let begun = match second {
        None => Either::Left(first.await),
        Some(second) => match timeout(head_start, &mut first).await {
            Ok(opened) => match opened {
                Ok(carrier) => Either::Left(Ok(carrier)),
                Err(end) => {
                    failed.push((path, end));
                    Either::Right(second.await)
                }
            },
            Err(_) => match select(first, second).await {
                Either::Left((Ok(carrier), _)) => Either::Left(Ok(carrier)),
                Either::Left((Err(end), second)) => {
                    failed.push((path, end));
                    Either::Right(second.await)
                }
                Either::Right((Ok(carrier), _)) => {
                    failed.push((path, End::new("timeout", "the other path was open first")));
                    Either::Right(Ok(carrier))
                }
                Either::Right((Err(end), first)) => {
                    failed.push((other, end));
                    Either::Left(first.await)
                }
            },
        },
    };
    let (path, opened) = match begun {
        Either::Left(opened) => (path, opened),
        Either::Right(opened) => (other, opened),
    };
    let carrier = opened.map_err(|end| failed.push((path, end))).ok();
    let was_quic_tried = failed.iter().any(|(path, _)| *path == Path::Quic);
    Outcome { carrier, failed, was_quic_tried }
}
