//! What the hub's end asks whoever has the database: [`Desk`].
//!
//! ```text
//! connection ─ meet ─> HELLO ─ resume ─> WELCOME ─ welcomed ─> errands (POLICY, ERASE, DESIRED)
//!              batches ─ admit ─> (committed) ─> ACK        LOCATE ─ locate ─> LOCATED        CHUNK_WANTED ─ chunk ─> CHUNK_PART
//!              REPORT ─ report   ERASED ─ erased   what an operator should hear ─ alert      gone ─ parted
//! ```
//!
//! Lives here: the questions and the forms of their answers. Not here: SQL (`aisle-hub`), and when a question is asked
//! (`aisle_protocol::hub` and [`crate::server`]).
//!
//! Rules that hold for every question:
//! - Connections ask at the same time, each of them at most one [`Desk::admit`] for each class, one [`Desk::resume`], four
//!   [`Desk::locate`] or [`Desk::chunk`]. How many run against the database at once is the desk's own bound.
//! - A question that takes longer than `server::Config::desk_timeout_ms`, or whose connection ends, is **dropped** where it waits.
//!   What it had not committed must be rolled back by that (a dropped `sqlx` transaction is).
//! - An answer is told to the node only after the future is ready: what [`Desk::admit`] returns must be committed and durable by then.
//!
//! Guards invariant 1 at the hub, and 6: a desk that cannot keep up says [`Busy`], and the node comes again later.

use crate::{identity::Identity, path::Path};
use aisle_event::StoreId;
use aisle_protocol::{
    Batch, LogId, Message, Point, PolicyId, Stream, Version,
    control::{ChunkPart, ChunkWanted, Cursor, Desired, Erase, Erased, Hello, Policy, Report},
    hub::{Alert, Decision},
};
use std::{future::Future, net::SocketAddr, sync::Arc};

/// Who is at the other end of a connection, as its certificate says. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The number of the connection in this process, never used again.
    pub connection: u64,
    /// Chain, store and node of the certificate.
    pub identity: Arc<Identity>,
    /// BLAKE3 of the certificate, for lists of banned ones.
    pub certificate: aisle_protocol::Hash,
    /// The certificate itself, in DER, for who keeps records of them.
    pub leaf: Arc<[u8]>,
    /// Where it called from. A QUIC connection may move on to other addresses.
    pub address: SocketAddr,
    /// How it came: over QUIC or over TLS.
    pub path: Path,
    /// Absent for a node. Else the other end is a hub, and `identity` is the store that its HELLO speaks for, with a node that no
    /// certificate of a node can name ([`crate::identity::Relay::node`]): whether it may, [`Desk::meet`] says.
    pub relayed: Option<Arc<Relayed>>,
}

/// A connection of a hub that speaks for a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relayed {
    /// The relay's name in its certificate.
    pub relay: String,
    /// The region that the store lies in, as HELLO says.
    pub region: String,
}

impl Peer {
    /// The store of the certificate, or that a relay speaks for. Every log of every question is of this store: the machine has held HELLO to it.
    #[must_use]
    pub fn store(&self) -> &StoreId {
        &self.identity.store
    }
}

/// Not now: the database is slow, locked or gone. Nothing was committed, and nothing was wrong with what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}; again in {retry_after_ms} ms")]
pub struct Busy {
    /// The node is told not to come again before so many milliseconds; it adds up to half as much.
    pub retry_after_ms: u64,
    /// Why, for the hub's log. The node is not told.
    pub reason: String,
}

impl Busy {
    /// Not now, because of this.
    pub fn new(retry_after_ms: u64, reason: impl std::fmt::Display) -> Self {
        Self { retry_after_ms, reason: reason.to_string() }
    }
}

/// What a node that may come is met with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Meeting {
    /// The policy that its gate should apply; WELCOME says so. Where it is absent, what `hub::Config::policy_wanted` has is said.
    pub policy_wanted: Option<PolicyId>,
}

/// Why a node may not come.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Turned {
    /// This node or certificate is not wanted: banned, suspended, of a chain or a store that the hub does not serve. It is told code 4
    /// (identity) with this text, and counted.
    #[error("{0}")]
    Refused(String),
    /// Not now.
    #[error(transparent)]
    Busy(#[from] Busy),
}

/// Why nothing came of batches.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAdmitted {
    /// The first batch is not what it claims to be (`aisle_protocol::hub::check` refused it). The peer is cut off with code 17.
    #[error("{0}")]
    Broken(String),
    /// Not now, or another hub was faster (`AdmitError::Conflict`). The class goes back to its cursor and comes again.
    #[error(transparent)]
    Busy(#[from] Busy),
}

/// Why a piece cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoChunk {
    /// No content has this hash, or it is not meant for this store. The chunk stream says so (code 32 with this text).
    #[error("{0}")]
    Unknown(String),
    /// Not now. The chunk stream says so; the node asks again.
    #[error(transparent)]
    Busy(#[from] Busy),
}

/// Something for a node to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Errand {
    /// Apply a policy.
    Policy(Policy),
    /// Forget a person.
    Erase(Erase),
    /// Become this.
    Desired(Desired),
}

impl Errand {
    /// The stream that it goes on, and its message.
    #[must_use]
    pub fn message(self) -> (Stream, Message) {
        match self {
            Self::Policy(policy) => (Stream::Control, Message::Policy(policy)),
            Self::Erase(erase) => (Stream::Control, Message::Erase(erase)),
            Self::Desired(desired) => (Stream::Down, Message::Desired(desired)),
        }
    }
}

/// The most errands that one answer to [`Desk::welcomed`] may hold; those behind are dropped with an alert. The rest goes out with the
/// next connection, or by [`crate::server::Connections::tell`] when one of these is done.
pub const ERRANDS_MAX: usize = 256;

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Parting {
    /// The line is gone, or the node closed.
    Lost,
    /// The peer did not keep to the protocol and was cut off.
    CutOff,
    /// The same store called again and this was its oldest connection.
    Replaced,
    /// Somebody ended it by [`crate::server::Connections::cut`]: a ban.
    Ended,
    /// The hub was too busy, or goes down.
    Unavailable,
}

impl Parting {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Lost, Self::CutOff, Self::Replaced, Self::Ended, Self::Unavailable];

    /// Its name in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::CutOff => "cut_off",
            Self::Replaced => "replaced",
            Self::Ended => "ended",
            Self::Unavailable => "unavailable",
        }
    }
}

/// What a hub knows and keeps. One for the whole process; `aisle-hub` implements it over SQL, tests over memory.
///
/// Implementations may be written with `async fn`: `async fn resume(&self, …) -> …` fits `fn resume(&self, …) -> impl Future + Send`
/// as long as the future is `Send`.
pub trait Desk: Send + Sync + 'static {
    /// Somebody with a certificate that holds has connected. May this node come? Asked once, before HELLO is read; of a relay when
    /// its HELLO has said for which store it speaks.
    fn meet(&self, peer: &Peer) -> impl Future<Output = Result<Meeting, Turned>> + Send;

    /// How do these logs stand? One cursor for each, in their order (`aisle_protocol::hub::resume` makes one). At most 20 logs.
    /// [`Busy`] ends the connection with RETRY_AFTER.
    fn resume(&self, peer: &Peer, logs: &[LogId]) -> impl Future<Output = Result<Vec<Cursor>, Busy>> + Send;

    /// Which is the highest of these places that is there with the same head (`aisle_protocol::hub::locate`)? At most 64 places.
    /// [`Busy`] ends the connection with RETRY_AFTER.
    fn locate(
        &self,
        peer: &Peer,
        log: &LogId,
        points: &[Point],
    ) -> impl Future<Output = Result<Option<u64>, Busy>> + Send;

    /// Takes batches of one log in: `aisle_protocol::hub::check` (on a thread that may compute: it costs more than the transaction),
    /// then `aisle_protocol::hub::admit` in **one** transaction, then the commit. Ready only when the commit is durable.
    ///
    /// `batches` are in order and of the log's epoch, at least one, at most `hub::Config::admit_batches_max` and the class's window.
    fn admit(
        &self,
        peer: &Peer,
        log: &LogId,
        batches: Vec<Batch>,
    ) -> impl Future<Output = Result<Decision, NotAdmitted>> + Send;

    /// The node was welcomed. What is there for it to do: the policy's document if the one of its HELLO is not the one it should
    /// have, persons to be forgotten of whom no receipt has come, the desired state. At most [`ERRANDS_MAX`]. [`Busy`] ends the
    /// connection with RETRY_AFTER.
    fn welcomed(
        &self,
        peer: &Peer,
        hello: &Hello,
        version: Version,
    ) -> impl Future<Output = Result<Vec<Errand>, Busy>> + Send;

    /// A piece of a content: from `wanted.offset` on, at most `wanted.bytes_max` bytes and never more than
    /// [`CHUNK_BYTES_MAX`]. An offset at the end gives an empty piece that tells the length.
    fn chunk(
        &self,
        peer: &Peer,
        wanted: ChunkWanted,
    ) -> impl Future<Output = Result<ChunkPart, NoChunk>> + Send;

    /// What the node really runs. It is said again after every WELCOME, so the last one counts. [`Busy`] ends the connection with
    /// RETRY_AFTER, so that it is said again.
    fn report(&self, peer: &Peer, report: Report) -> impl Future<Output = Result<(), Busy>> + Send;

    /// The store forgets a person and asks the hub to do so, too; may come again until it is answered. The answer goes to the store, and
    /// is durable before. `None` where the subject names nobody in a way that is understood. [`Busy`] as for a report.
    fn erase(&self, peer: &Peer, erase: Erase) -> impl Future<Output = Result<Option<Erased>, Busy>> + Send;

    /// A person was forgotten. May come more than once for one request. [`Busy`] as for a report.
    fn erased(&self, peer: &Peer, erased: Erased) -> impl Future<Output = Result<(), Busy>> + Send;

    /// Something that an operator should hear of: a fork, a refusal of the gate, a peer that lies. It is counted already. Best effort.
    fn alert(&self, peer: &Peer, alert: &Alert) -> impl Future<Output = ()> + Send;

    /// Somebody was turned away before it was known who they are: an older TLS, a certificate that does not hold or names nobody. It is counted already. Best effort,
    /// and whoever writes it down bounds how often.
    fn turned_away(
        &self,
        _address: SocketAddr,
        _path: Path,
        _reason: &'static str,
        _text: &str,
    ) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// The connection is over. Comes once for each [`Desk::meet`] that let the node come. Best effort: a process that is killed
    /// says nothing.
    fn parted(&self, peer: &Peer, how: Parting) -> impl Future<Output = ()> + Send;
}

/// The most bytes of a piece: with what stands around it, it fits a frame of a chunk stream.
pub const CHUNK_BYTES_MAX: usize = aisle_protocol::limits::DOWN_BYTES_MAX - 1024;
