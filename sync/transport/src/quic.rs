//! QUIC as both ends use it: windows, keepalive, MTU discovery, congestion control, sockets.
//!
//! Not here: what goes over a connection ([`crate::link`]). Guards: what one connection may hold in memory is the receive window it is given,
//! and a line whose bytes cost is not kept awake more often than its address translation needs.

use aisle_protocol::LinkKind;
use quinn::{
    ConnectionId, ConnectionIdGenerator, Endpoint, EndpointConfig, IdleTimeout, MtuDiscoveryConfig,
    TokioRuntime, TransportConfig, VarInt,
    congestion::CubicConfig,
    crypto::{CryptoError, HmacKey},
};
use socket2::{Domain, Protocol, SockAddr, Socket, TcpKeepalive, Type};
use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// How often an idle connection says that it is there, and when it counts as gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pulse {
    pub(crate) keepalive: Duration,
    pub(crate) idle: Duration,
}

impl Pulse {
    /// On a line of some kind. Address translation forgets UDP after 30 s at the earliest (RFC 4787 asks for two minutes); where bytes cost,
    /// a connection lets itself be forgotten: the node's next packet opens the way again, from another port, and only what the hub
    /// has to say waits until then. A ping and its answer are about 80 bytes: 12 KB a day metered, 170 KB on a mobile line.
    pub(crate) const fn of(kind: LinkKind) -> Self {
        let (keepalive, idle) = match kind {
            LinkKind::Fibre => (15, 45),
            LinkKind::Lte => (45, 150),
            LinkKind::Metered => (600, 1_500),
        };
        Self { keepalive: Duration::from_secs(keepalive), idle: Duration::from_secs(idle) }
    }

    /// For the end that is called: it waits as long as the most patient node, which names its own time in the handshake.
    pub(crate) const fn of_hub() -> Self {
        Self { keepalive: Duration::from_secs(0), idle: Duration::from_secs(1_530) }
    }

    /// The same for a TCP connection, asked for by the operating system.
    pub(crate) fn apply(self, socket: &tokio::net::TcpStream) -> io::Result<()> {
        let socket = socket2::SockRef::from(socket);
        socket.set_tcp_nodelay(true)?;
        // What waits in the kernel cannot be overtaken by what is worth more.
        socket.set_tcp_notsent_lowat(TCP_UNSENT_BYTES_MAX)?;
        let interval = (self.idle.saturating_sub(self.keepalive) / 3).max(Duration::from_secs(1));
        let time = if self.keepalive.is_zero() { self.idle / 2 } else { self.keepalive };
        socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(time).with_interval(interval).with_retries(3))
    }
}

/// What the kernel takes of a TCP connection beyond what is on its way.
const TCP_UNSENT_BYTES_MAX: u32 = 32 << 10;

/// What a connection may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// Bytes that have come and were not read yet.
    pub(crate) receive_bytes_max: u32,
    /// Bytes that were written and not acknowledged.
    pub(crate) send_bytes_max: u32,
    /// Streams that the other end may have open at once, both ways and one way.
    pub(crate) streams_max: (u32, u32),
}

/// The settings of a connection.
pub(crate) fn tuning(pulse: Pulse, room: Room) -> TransportConfig {
    let mut config = TransportConfig::default();
    let idle = IdleTimeout::try_from(pulse.idle).ok();
    config
        .max_concurrent_bidi_streams(VarInt::from_u32(room.streams_max.0))
        .max_concurrent_uni_streams(VarInt::from_u32(room.streams_max.1))
        // One stream may fill the connection's window but for a quarter, so that control gets through beside it.
        .stream_receive_window(VarInt::from_u32(room.receive_bytes_max / 4 * 3))
        .receive_window(VarInt::from_u32(room.receive_bytes_max))
        .send_window(u64::from(room.send_bytes_max))
        .max_idle_timeout(idle)
        .keep_alive_interval((!pulse.keepalive.is_zero()).then_some(pulse.keepalive))
        .mtu_discovery_config(Some(MtuDiscoveryConfig::default()))
        .congestion_controller_factory(Arc::new(CubicConfig::default()))
        .datagram_receive_buffer_size(None)
        .datagram_send_buffer_size(0);
    config
}

/// What a UDP socket of the end that is called asks the system to keep for it. The system gives what its own bound allows.
const SOCKET_BYTES: usize = 8 << 20;

/// An endpoint that calls, from an address of the family of the one that is called.
pub(crate) fn caller(to: SocketAddr) -> io::Result<Endpoint> {
    let any: SocketAddr = if to.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    endpoint(EndpointConfig::default(), None, socket(any)?)
}

/// An endpoint that is called. What it knows connections by and ends them with follows from a secret that outlives it: a node whose hub was
/// killed sends on a connection that the next process on this port does not know, and is told so at once (RFC 9000, section 10.3).
pub(crate) fn called(config: quinn::ServerConfig, at: SocketAddr, secret: &[u8]) -> io::Result<Endpoint> {
    let socket = socket(at)?;
    let sizes = socket2::SockRef::from(&socket);
    // Best effort: a burst that does not fit is lost and sent again.
    let _ = sizes.set_recv_buffer_size(SOCKET_BYTES);
    let _ = sizes.set_send_buffer_size(SOCKET_BYTES);
    let reset = ResetKey(blake3::derive_key("aisle hub stateless reset 1", secret));
    let ids = blake3::derive_key("aisle hub connection ids 1", secret);
    let mut lasting = EndpointConfig::new(Arc::new(reset));
    lasting.min_reset_interval(RESETS_EVERY).cid_generator(move || -> Box<dyn ConnectionIdGenerator> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Box::new(Ids { key: ids, next: now.as_nanos() })
    });
    endpoint(lasting, Some(config), socket)
}

/// How often a connection that nobody here knows is ended at most: a thousand nodes hear it within a second.
const RESETS_EVERY: Duration = Duration::from_millis(1);
/// The bytes of a connection's id.
const ID_BYTES: usize = 8;

/// Names connections so that each can be one of an earlier process: what comes for an id that is not known is answered.
struct Ids {
    key: [u8; 32],
    /// Begins with the time, so that a restart does not begin with the same ids.
    next: u128,
}

impl ConnectionIdGenerator for Ids {
    fn generate_cid(&mut self) -> ConnectionId {
        self.next = self.next.wrapping_add(1);
        let code = blake3::keyed_hash(&self.key, &self.next.to_le_bytes());
        ConnectionId::new(code.as_bytes().first_chunk::<ID_BYTES>().unwrap_or(&[0; ID_BYTES]))
    }

    fn cid_len(&self) -> usize {
        ID_BYTES
    }

    fn cid_lifetime(&self) -> Option<Duration> {
        None
    }
}

/// Makes the codes that end connections which nobody here knows.
struct ResetKey([u8; 32]);

impl HmacKey for ResetKey {
    fn sign(&self, data: &[u8], signature_out: &mut [u8]) {
        let code = blake3::keyed_hash(&self.0, data);
        signature_out.iter_mut().zip(code.as_bytes()).for_each(|(to, from)| *to = *from);
    }

    fn signature_len(&self) -> usize {
        blake3::OUT_LEN
    }

    fn verify(&self, data: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        // Hashes are compared in constant time.
        let given = <[u8; blake3::OUT_LEN]>::try_from(signature).map_err(|_| CryptoError)?;
        if blake3::keyed_hash(&self.0, data) == given { Ok(()) } else { Err(CryptoError) }
    }
}

/// A fresh socket for an endpoint whose address changed.
pub(crate) fn socket(at: SocketAddr) -> io::Result<std::net::UdpSocket> {
    let socket = Socket::new(Domain::for_address(at), Type::DGRAM, Some(Protocol::UDP))?;
    if at.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.bind(&SockAddr::from(at))?;
    Ok(socket.into())
}

fn endpoint(
    lasting: EndpointConfig,
    config: Option<quinn::ServerConfig>,
    socket: std::net::UdpSocket,
) -> io::Result<Endpoint> {
    Endpoint::new(lasting, config, socket, Arc::new(TokioRuntime))
}
