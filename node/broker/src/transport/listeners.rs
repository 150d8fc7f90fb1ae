//! The sockets that clients connect to, and the tasks that accept from them.
//!
//! Whoever drops the future of [`Listeners::run`] stops all of it: every task belongs to it.
//! Guards that a full file table, a slow handshake or an interface that comes up late never ends the accepting.

use super::{
    CERTIFICATE_FILE, CertificateError, Door, Listen, PRIVATE_KEY_FILE, Transport, TransportConfig,
    address::{Candidate, private_addresses, system_addresses},
    certificate,
    gate::Gate,
    handshake::Handshake,
    telemetry::{Failure, Metrics},
    tls::{Tls, TlsFiles},
};
use arc_swap::ArcSwap;
use prometheus_client::registry::Registry;
use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    task::{AbortHandle, JoinSet},
    time::{MissedTickBehavior, interval, sleep},
};

/// Connections that the system keeps until they are accepted.
const BACKLOG: u32 = 4_096;
/// How often certificates are looked at.
const CERTIFICATE_POLL: Duration = Duration::from_secs(2);
/// How often new addresses are looked for.
const ADDRESS_POLL: Duration = Duration::from_secs(30);
/// The first and the longest pause after the system refused a connection.
const PAUSE_FIRST: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Why the broker cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// An address that is none.
    #[error(
        "`mqtt.{key}` is `{found}`, expected `store:PORT`, `IP:PORT` or `off`\nhint: `store:8883` listens on every private address of this machine"
    )]
    Address {
        /// The configuration key.
        key: &'static str,
        /// What it holds.
        found: String,
    },
    /// The system does not let us.
    #[error("`mqtt.{key}`: cannot listen on `{address}`")]
    Bind {
        /// The configuration key.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The addresses of this machine cannot be found out.
    #[error("`mqtt.{key}`: cannot find out this machine's addresses")]
    Interfaces {
        /// The configuration key.
        key: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A certificate without a key, or the other way round.
    #[error("`mqtt.certificate_file` and `mqtt.private_key_file` must be given together, or neither")]
    HalfPair,
    /// No certificate to show.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

/// Asks for this machine's addresses.
pub type Interfaces = Arc<dyn Fn() -> io::Result<Vec<Candidate>> + Send + Sync>;

/// Sockets that are bound and not yet accepted from.
pub struct Listeners {
    groups: Vec<Group>,
    tls: Option<Arc<Tls>>,
    gate: Arc<Gate>,
    interfaces: Interfaces,
    metrics: Metrics,
    listening: Listening,
}

/// Where clients can connect, also while [`Listeners::run`] follows the machine's addresses.
pub type Listening = Arc<ArcSwap<Vec<(Transport, SocketAddr)>>>;

/// What one configuration key asks for.
struct Group {
    key: &'static str,
    listen: Listen,
    handshake: Handshake,
    bound: Vec<(SocketAddr, TcpListener)>,
    /// The addresses that are accepted from.
    accepting: Vec<Accepting>,
}

/// An address that is accepted from.
struct Accepting {
    asked: SocketAddr,
    /// The same with the port that was taken for port 0.
    local: SocketAddr,
    task: AbortHandle,
}

impl Listeners {
    /// Binds everything that is configured, within a tokio runtime; makes a certificate when one is needed and none is configured.
    ///
    /// # Errors
    /// Names the key that cannot be fulfilled. With `store:PORT` an address that cannot be bound yet is tried again later, unless
    /// its port is taken.
    pub fn bind(config: &TransportConfig, data: &Path, registry: &mut Registry) -> Result<Self, ListenError> {
        Self::bind_with(config, data, Arc::new(system_addresses), registry)
    }

    /// The same, with another source of this machine's addresses.
    pub fn bind_with(
        config: &TransportConfig,
        data: &Path,
        interfaces: Interfaces,
        registry: &mut Registry,
    ) -> Result<Self, ListenError> {
        let websocket = if config.websocket_tls { Transport::WebSocketTls } else { Transport::WebSocket };
        let wanted = [
            ("tls_listen", &config.tls_listen, Transport::Tls),
            ("tcp_listen", &config.tcp_listen, Transport::Tcp),
            ("websocket_listen", &config.websocket_listen, websocket),
        ];
        let wanted = wanted.into_iter().map(|(key, text, transport)| {
            let listen = Listen::parse(text).ok_or_else(|| ListenError::Address { key, found: text.clone() });
            listen.map(|listen| (key, listen, transport))
        });
        let wanted: Vec<_> =
            wanted.filter(|wanted| !matches!(wanted, Ok((_, Listen::Off, _)))).collect::<Result<_, _>>()?;

        let encrypted = wanted.iter().any(|(_, _, transport)| transport.is_encrypted());
        let named: Vec<Listen> = wanted.iter().map(|(_, listen, _)| *listen).collect();
        let tls = if encrypted { Some(Arc::new(open_tls(config, data, &interfaces, &named)?)) } else { None };
        let metrics = Metrics::register(registry);
        let mut groups = Vec::new();
        for (key, listen, transport) in wanted {
            let handshake = Handshake {
                transport,
                tls: tls.clone().filter(|_| transport.is_encrypted()),
                timeout: Duration::from_millis(config.handshake_timeout_ms),
                message_bytes_max: config.websocket_message_bytes_max,
            };
            let mut group = Group { key, listen, handshake, bound: Vec::new(), accepting: Vec::new() };
            group.bind_first(&interfaces)?;
            groups.push(group);
        }
        let gate = Arc::new(Gate::new(config.handshakes_max, config.handshakes_per_address_max));
        let listeners = Self { groups, tls, gate, interfaces, metrics, listening: Listening::default() };
        listeners.listening.store(Arc::new(listeners.addresses()));
        Ok(listeners)
    }

    /// Where clients can connect now.
    pub fn addresses(&self) -> Vec<(Transport, SocketAddr)> {
        let each = |group: &Group| {
            let transport = group.handshake.transport;
            let bound = group.bound.iter().filter_map(|(_, listener)| listener.local_addr().ok());
            let accepting = group.accepting.iter().map(|accepting| accepting.local);
            accepting.chain(bound).map(|address| (transport, address)).collect::<Vec<_>>()
        };
        self.groups.iter().flat_map(each).collect()
    }

    /// The same, to be looked at while it changes.
    pub fn listening(&self) -> Listening {
        self.listening.clone()
    }

    /// Accepts clients, follows changed certificates and new addresses; never ends.
    pub async fn run(mut self, door: Arc<dyn Door>) {
        let mut tasks = JoinSet::new();
        let mut certificates = interval(CERTIFICATE_POLL);
        let mut addresses = interval(ADDRESS_POLL);
        certificates.set_missed_tick_behavior(MissedTickBehavior::Delay);
        addresses.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick of an interval is at once, and everything is bound already.
        addresses.reset();
        loop {
            for group in &mut self.groups {
                group.start(&mut tasks, &self.gate, &door, &self.metrics);
            }
            self.listening.store(Arc::new(self.addresses()));
            tokio::select! {
                _ = certificates.tick() => {
                    if let Some(tls) = self.tls.clone() {
                        let metrics = self.metrics.clone();
                        drop(tokio::task::spawn_blocking(move || tls.follow(&metrics)).await);
                    }
                }
                _ = addresses.tick() => {
                    for group in &mut self.groups {
                        group.follow(&self.interfaces, &self.metrics);
                    }
                }
                // Ended with its address.
                Some(_) = tasks.join_next() => {}
            }
        }
    }
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listeners").field("addresses", &self.addresses()).finish_non_exhaustive()
    }
}

impl Group {
    /// The addresses that are asked for, by what the machine has now.
    fn wanted(&self, interfaces: &Interfaces) -> io::Result<Vec<SocketAddr>> {
        Ok(match self.listen {
            Listen::Off => Vec::new(),
            Listen::At(address) => vec![address],
            Listen::Store(port) => private_addresses(&interfaces()?, port),
        })
    }

    fn bind_first(&mut self, interfaces: &Interfaces) -> Result<(), ListenError> {
        let key = self.key;
        let wanted = self.wanted(interfaces).map_err(|source| ListenError::Interfaces { key, source })?;
        for address in wanted {
            match listen(address) {
                Ok(listener) => self.bound.push((address, listener)),
                // An address may be there and not ready yet. A port that is taken stays taken.
                Err(error)
                    if matches!(self.listen, Listen::Store(_))
                        && !matches!(
                            error.kind(),
                            io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied
                        ) =>
                {
                    Metrics::cannot_listen(key, address, &error);
                }
                Err(source) => return Err(ListenError::Bind { key, address, source }),
            }
        }
        Ok(())
    }

    /// Binds what is new and lets go of what is gone.
    fn follow(&mut self, interfaces: &Interfaces, metrics: &Metrics) {
        // When they cannot be found out, all stays as it is.
        let Ok(wanted) = self.wanted(interfaces) else { return };
        let transport = self.handshake.transport;
        self.accepting.retain(|Accepting { asked, task, .. }| {
            let stays = wanted.contains(asked) && !task.is_finished();
            if !stays {
                task.abort();
                metrics.stopped(transport, *asked);
            }
            stays
        });
        for address in wanted {
            if self.accepting.iter().any(|accepting| accepting.asked == address) {
                continue;
            }
            match listen(address) {
                Ok(listener) => self.bound.push((address, listener)),
                Err(error) => Metrics::cannot_listen(self.key, address, &error),
            }
        }
    }

    /// Accepts from every socket that is bound and not yet accepted from.
    fn start(&mut self, tasks: &mut JoinSet<()>, gate: &Arc<Gate>, door: &Arc<dyn Door>, metrics: &Metrics) {
        for (address, listener) in self.bound.drain(..) {
            let local = listener.local_addr().unwrap_or(address);
            metrics.listening(self.handshake.transport, local);
            let accept = Accept {
                address: local,
                handshake: self.handshake.clone(),
                gate: gate.clone(),
                door: door.clone(),
                metrics: metrics.clone(),
            };
            let task = tasks.spawn(accept.run(listener));
            self.accepting.push(Accepting { asked: address, local, task });
        }
    }
}

/// One socket that is accepted from.
#[derive(Clone)]
struct Accept {
    address: SocketAddr,
    handshake: Handshake,
    gate: Arc<Gate>,
    door: Arc<dyn Door>,
    metrics: Metrics,
}

impl Accept {
    async fn run(self, listener: TcpListener) {
        let this = Arc::new(self);
        let mut handshakes = JoinSet::new();
        let mut pause = PAUSE_FIRST;
        loop {
            tokio::select! {
                biased;
                Some(_) = handshakes.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((socket, peer)) => {
                        pause = PAUSE_FIRST;
                        this.meet(socket, peer, &mut handshakes).await;
                    }
                    // That client went away again while it waited.
                    Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                    Err(error) => {
                        this.metrics.accept_failed(this.address, &error);
                        sleep(pause).await;
                        pause = (pause * 2).min(PAUSE_MAX);
                    }
                },
            }
        }
    }

    async fn meet(self: &Arc<Self>, socket: TcpStream, peer: SocketAddr, handshakes: &mut JoinSet<()>) {
        let transport = self.handshake.transport;
        if !self.door.admits(peer, transport, self.gate.under_way()) {
            self.metrics.refused(transport, peer, &Failure::NotAdmitted);
            return;
        }
        // Only an answer that waits for more to say would be helped by Nagle's algorithm.
        drop(socket.set_nodelay(true));
        let Some(place) = self.gate.enter(peer.ip()).await else {
            self.metrics.refused(transport, peer, &Failure::TooMany);
            return;
        };
        let this = self.clone();
        handshakes.spawn(async move {
            this.metrics.handshakes.inc();
            let _counted = Counted(&this.metrics);
            match this.handshake.run(socket, peer).await {
                Ok(accepted) => {
                    this.metrics.accepted(transport);
                    this.door.enter(accepted);
                }
                Err(failure) => this.metrics.refused(transport, peer, &failure),
            }
            // Until the door has counted it, its place does.
            drop(place);
        });
    }
}

/// One handshake under way, until dropped.
struct Counted<'a>(&'a Metrics);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.handshakes.dec();
    }
}

fn open_tls(
    config: &TransportConfig,
    data: &Path,
    interfaces: &Interfaces,
    named: &[Listen],
) -> Result<Tls, ListenError> {
    let (certificate, private_key) = match (&config.certificate_file, &config.private_key_file) {
        (Some(certificate), Some(private_key)) => (certificate.clone(), private_key.clone()),
        (None, None) => {
            let (certificate, private_key) = (data.join(CERTIFICATE_FILE), data.join(PRIVATE_KEY_FILE));
            let mut addresses = private_addresses(&interfaces().unwrap_or_default(), 0);
            // A public address is named only when it was written down.
            addresses.extend(named.iter().filter_map(|listen| match listen {
                Listen::At(address) if !address.ip().is_unspecified() => Some(*address),
                _ => None,
            }));
            let mut addresses: Vec<IpAddr> = addresses.iter().map(SocketAddr::ip).collect();
            addresses.sort_unstable();
            addresses.dedup();
            if certificate::make_if_missing(&certificate, &private_key, &addresses)? {
                Metrics::certificate_made(&certificate);
            }
            (certificate, private_key)
        }
        _ => return Err(ListenError::HalfPair),
    };
    let (client_ca, trust) = (config.client_ca_file.clone(), config.trust.clone());
    Ok(Tls::open(TlsFiles { certificate, private_key, client_ca, trust })?)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    // Accepted sockets inherit it: a client that vanished without a word is noticed even when it asked for no keep alive.
    socket.set_keepalive(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
