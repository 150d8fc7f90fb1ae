//! The node's end: one thread that owns the machine and reads the outbox, and tells the rest of the node how it stands.
//!
//! ```text
//! Client ── commands ──> driver: node::Node over Held(outbox) ── frames ──> Link (QUIC | TLS)
//!        <── Status ──            governor, budgets     connector: which hub, which path
//! ```
//!
//! The machine decides when to call, what to send, and how long to wait; here stand sockets, certificates, the choice between QUIC and TLS,
//! how many bytes a line may cost, and giving way to the kiosk. Not here: sealing (`aisle-outbox`), what is done with a policy or a
//! desired state (the node's runtime, told by [`Listener`]).
//! Guards invariant 5: nothing here is waited for by anybody, and no error of it ends the node.

mod budget;
mod config;
mod connector;
mod driver;
mod gate;
mod governor;
mod preference;
mod probe;
mod status;
mod telemetry;

pub use budget::{BudgetFile, BudgetStore, NoBudgetStore, Used, used};
pub use config::{Config, Hub};
pub use governor::{Load, NoLoad, Pressure};
pub use probe::{ProbeError, probe};
pub use status::{Backlog, Failure, Phase, Status};

use crate::{Credentials, Path, tls::CredentialsError};
use aisle_protocol::{
    Epoch, Hash, LinkKind, LogClass, Message, Point, PolicyId, Stream,
    control::{ChunkWanted, Erase, Erased, Report, Welcome},
    node,
};
use connector::Connector;
use prometheus_client::registry::Registry;
use std::{sync::Arc, thread};
use tokio::sync::{Notify, mpsc, oneshot, watch};

/// The outbox as the client uses it: what the machine reads, and what it tells. All of it is called on the client's own thread, so
/// it may block on a disk.
pub trait Outbox: node::Outbox + Send + 'static {
    /// Everything up to here is durable at the hub and may be trimmed. Keeping note of it may wait: it is said again.
    ///
    /// # Errors
    /// When it cannot be noted; the client tells people and goes on.
    fn acked(&mut self, class: LogClass, epoch: Epoch, through: Point) -> Result<(), Self::Error>;

    /// Begin a new epoch with every event after this place of the old one. It may be done later on another thread: then
    /// [`Client::sealed`] says when. It is asked again after a crash, so it takes effect once.
    ///
    /// # Errors
    /// When it cannot be begun; the client tells people, and the class waits until the next connection.
    fn renew(&mut self, class: LogClass, epoch: Epoch, after: u64) -> Result<(), Self::Error>;
}

/// Something that the rest of the node should hear.
#[derive(Debug)]
pub enum Heard {
    /// The hub knows the node.
    Welcomed(Welcome),
    /// Connections go another way than before.
    Path {
        /// The way.
        path: Path,
        /// Why, for people.
        because: String,
    },
    /// POLICY, ERASE, DESIRED or a piece has come.
    Delivered {
        /// On which stream.
        stream: Stream,
        /// What.
        message: Message,
    },
    /// A piece is not asked for now: the bulk class's budget of this line is spent, or the line is needed for the kiosk. Ask again then.
    Held {
        /// The content.
        hash: Hash,
        /// After so many milliseconds.
        for_ms: u64,
    },
    /// This could not be told, since there is no connection. Tell it again after [`Heard::Welcomed`].
    Untold(Message),
    /// An operator should know.
    Alert(node::Alert),
}

/// Whoever wants to hear it. Called on the client's thread: pass it on, do not work there.
pub trait Listener: Send + 'static {
    /// Something happened.
    fn heard(&mut self, heard: Heard);
}

impl<F: FnMut(Heard) + Send + 'static> Listener for F {
    fn heard(&mut self, heard: Heard) {
        self(heard);
    }
}

enum Command {
    Tell(Box<(Stream, Message)>),
    Link(LinkKind),
    Policy(PolicyId),
    Fetch(ChunkWanted),
    CloseChunk(Hash),
    Renew(Box<Connector>),
    Rebind,
    Stop(oneshot::Sender<()>),
}

/// How many things may wait to be told or set.
const COMMANDS_MAX: usize = 256;

/// Registers the metrics of a client that never runs, for a reference of all that there are.
pub fn describe(registry: &mut Registry) {
    telemetry::Metrics::describe(registry);
}

/// Why the client does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is nobody to call.
    #[error("no hub is named\nhint: name at least one with a QUIC or a TLS port")]
    NoHub,
    /// The certificates cannot be used.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// There is no thread for it.
    #[error("cannot start a thread for the line to the hub")]
    Thread(#[source] std::io::Error),
}

/// What was asked of a client could not be taken: too much waits, or it has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the line to the hub takes nothing more now\nhint: try again after the next WELCOME")]
pub struct NotTaken;

/// A handle to the running client. Cheap to clone; the client stops when all are gone or when it is told to.
#[derive(Debug, Clone)]
pub struct Client {
    commands: mpsc::Sender<Command>,
    sealed: Arc<Notify>,
    status: watch::Receiver<Status>,
    config: Arc<Config>,
}

/// Why a client does not take other certificates.
#[derive(Debug, thiserror::Error)]
pub enum RenewError {
    /// They cannot be used.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The client takes nothing now.
    #[error(transparent)]
    NotTaken(#[from] NotTaken),
}

/// Everything that a client works with besides its configuration.
pub struct Parts<O> {
    /// The outbox.
    pub outbox: O,
    /// What was spent of the budgets before this start.
    pub budgets: Box<dyn BudgetStore>,
    /// How busy the kiosk is.
    pub load: Arc<dyn Load>,
    /// Who hears what happens.
    pub listener: Box<dyn Listener>,
}

impl Client {
    /// Starts it. Must be called within a tokio runtime, which moves the packets; the client itself runs on a thread of its own.
    ///
    /// `node` says who the node is and what its machine may do; its `budgets` are counted here and not by the machine, since they outlive
    /// a restart. Different nodes should have different seeds.
    ///
    /// # Errors
    /// When nobody is to be called, the certificates cannot be used, or there is no thread.
    pub fn start<O: Outbox>(
        config: Config,
        node: node::Config,
        seed: u64,
        parts: Parts<O>,
        registry: &mut Registry,
    ) -> Result<Self, StartError> {
        let (commands, inbox) = mpsc::channel(COMMANDS_MAX);
        let sealed = Arc::new(Notify::new());
        let (sender, status) = watch::channel(Status::default());
        let kept = Arc::new(config.clone());
        let metrics = telemetry::Metrics::register(registry);
        let driver = driver::Driver::new(config, node, seed, parts, metrics, inbox, sealed.clone(), sender)?;
        let runtime = tokio::runtime::Handle::current();
        thread::Builder::new()
            .name("aisle-sync".into())
            .spawn(move || runtime.block_on(driver.run()))
            .map_err(StartError::Thread)?;
        Ok(Self { commands, sealed, status, config: kept })
    }

    /// The outbox has more, or has begun a new epoch. Never blocks, and may be called as often as one likes.
    pub fn sealed(&self) {
        self.sealed.notify_one();
    }

    /// How the client stands, now and whenever it changes.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Tells the hub what the node really runs.
    ///
    /// # Errors
    /// When too much waits. Without a connection it comes back as [`Heard::Untold`].
    pub fn report(&self, report: Report) -> Result<(), NotTaken> {
        self.tell(Stream::Control, Message::Report(report))
    }

    /// Tells the hub that a person was forgotten.
    ///
    /// # Errors
    /// As for a report.
    pub fn erased(&self, erased: Erased) -> Result<(), NotTaken> {
        self.tell(Stream::Control, Message::Erased(erased))
    }

    /// Asks the hub to forget a person. Its answer comes as [`Heard::Delivered`].
    ///
    /// # Errors
    /// As for a report.
    pub fn erase(&self, erase: Erase) -> Result<(), NotTaken> {
        self.tell(Stream::Control, Message::Erase(erase))
    }

    /// Asks for a piece, as far as the bulk class's budget of this line goes; else [`Heard::Held`] says when to ask again. What comes is
    /// charged to that budget. Without a connection it comes back as [`Heard::Untold`].
    ///
    /// # Errors
    /// As for a report.
    pub fn fetch(&self, wanted: ChunkWanted) -> Result<(), NotTaken> {
        self.command(Command::Fetch(wanted))
    }

    /// Tells the hub anything: a wanted piece goes on the stream of its content, whatever the budget.
    ///
    /// # Errors
    /// As for a report.
    pub fn tell(&self, stream: Stream, message: Message) -> Result<(), NotTaken> {
        self.command(Command::Tell(Box::new((stream, message))))
    }

    /// A content is complete, or is not wanted any more: its chunk stream ends. Eight may be open at once, the ninth waits. Only when no piece
    /// is under way: the rest of one would be taken for the beginning of the next.
    ///
    /// # Errors
    /// As for a report.
    pub fn close_chunk(&self, hash: Hash) -> Result<(), NotTaken> {
        self.command(Command::CloseChunk(hash))
    }

    /// The line is of another kind now.
    ///
    /// # Errors
    /// When too much waits.
    pub fn link(&self, kind: LinkKind) -> Result<(), NotTaken> {
        self.command(Command::Link(kind))
    }

    /// The gate applies another policy now.
    ///
    /// # Errors
    /// When too much waits.
    pub fn policy(&self, policy: PolicyId) -> Result<(), NotTaken> {
        self.command(Command::Policy(policy))
    }

    /// Shows another certificate and believes other roots from the next connection on; the one that is open stays.
    ///
    /// # Errors
    /// When they cannot be used, or too much waits; then nothing changes.
    pub fn renew(&self, credentials: Credentials) -> Result<(), RenewError> {
        let config = Config { credentials, ..Config::clone(&self.config) };
        let connector = Connector::new(&config)?;
        Ok(self.command(Command::Renew(Box::new(connector)))?)
    }

    /// The machine's addresses have changed: QUIC goes on from a new socket, within the same connection.
    ///
    /// # Errors
    /// When too much waits.
    pub fn rebind(&self) -> Result<(), NotTaken> {
        self.command(Command::Rebind)
    }

    fn command(&self, command: Command) -> Result<(), NotTaken> {
        self.commands.try_send(command).map_err(|_| NotTaken)
    }

    /// Hangs up, saves what was spent, and ends the thread.
    pub async fn stop(self) {
        let (done, stopped) = oneshot::channel();
        if self.commands.send(Command::Stop(done)).await.is_ok() {
            let _ = stopped.await;
        }
    }
}
