//! The outbox as the protocol's machine reads it, and what it is told by it. Any thread may hold one.

use crate::{error::ReadError, log::ClassLog, shelf::Shelf, telemetry::Telemetry};
use aisle_event::LogClass;
use aisle_protocol::{
    Batch, Epoch, Head, PerClass, Point, PolicyId,
    node::{Log, Outbox as Reads},
};
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};
use tokio::sync::watch;

/// What the projector and the readers share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) logs: PerClass<Arc<ClassLog>>,
    pub(crate) telemetry: Telemetry,
    /// Counts what became durable.
    pub(crate) changed: watch::Sender<u64>,
    /// The first record of the store's journal that a start would want.
    pub(crate) needed_from: AtomicU64,
    pub(crate) sealed_through: AtomicU64,
    asked: Mutex<Asked>,
}

#[derive(Debug)]
struct Asked {
    /// An epoch and a place in it, by class: everything after it goes into a new epoch.
    renew: PerClass<Option<(Epoch, u64)>>,
    policy: PolicyId,
}

impl Shared {
    pub(crate) fn new(logs: PerClass<Arc<ClassLog>>, telemetry: Telemetry, policy: PolicyId) -> Self {
        let asked = Mutex::new(Asked { renew: PerClass::default(), policy });
        Self {
            logs,
            telemetry,
            changed: watch::Sender::new(0),
            needed_from: AtomicU64::new(0),
            sealed_through: AtomicU64::new(0),
            asked,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Asked> {
        // Nothing in it is ever half changed.
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self, class: LogClass) -> &Arc<ClassLog> {
        self.logs.get(class)
    }

    pub(crate) fn asked(&self, class: LogClass) -> Option<(Epoch, u64)> {
        *self.lock().renew.get(class)
    }

    /// What was asked was done; what was asked since was not.
    pub(crate) fn answered(&self, class: LogClass, asked: (Epoch, u64)) {
        let mut all = self.lock();
        let renew = all.renew.get_mut(class);
        *renew = renew.filter(|renew| *renew != asked);
    }

    pub(crate) fn set_policy(&self, policy: PolicyId) {
        self.lock().policy = policy;
    }
}

/// What of a class waits for the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Events that are sealed and not acknowledged.
    pub events: u64,
    /// What the batches take that they are in.
    pub bytes: u64,
    /// When the oldest of those batches was sealed, in milliseconds since 1970.
    pub oldest_ms: Option<u64>,
}

/// Reads what is sealed and durable. Reading goes through files and may block for a moment.
#[derive(Debug)]
pub struct Outbox {
    shared: Arc<Shared>,
    shelves: PerClass<Shelf>,
}

impl Clone for Outbox {
    /// Another reader of the same outbox.
    fn clone(&self) -> Self {
        Self::new(self.shared.clone())
    }
}

impl Outbox {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, shelves: Default::default() }
    }

    /// Counts up whenever more can be sent, or an epoch has begun: then the machine is to be told `Input::Sealed`.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changed.subscribe()
    }

    /// The policy that the gate follows, for `Input::Policy` and the machine's settings.
    #[must_use]
    pub fn policy(&self) -> PolicyId {
        self.shared.lock().policy
    }

    /// Takes note of what the hub has (`Output::Acked`). It becomes durable with one of the next steps; until then a crash forgets it, and the
    /// hub says it again. False when it is not of the running epoch.
    pub fn acked(&self, class: LogClass, epoch: Epoch, through: Point) -> bool {
        let log = self.shared.log(class);
        let mut index = log.index();
        let is_ours = index.log.epoch == epoch && through.seq <= index.last.seq;
        if is_ours && through.seq > index.acked.seq {
            index.acked = through;
            drop(index);
            self.shared.telemetry.stands(log);
        }
        is_ours
    }

    /// Asks for a new epoch with everything after a place of an earlier one (`Output::Renew`). It begins with the next step; asked again
    /// it takes effect once.
    pub fn renew(&self, class: LogClass, epoch: Epoch, after: u64) {
        *self.shared.lock().renew.get_mut(class) = Some((epoch, after));
    }

    /// The first record of the store's journal that a start would want: none from it on may be trimmed. What a hub may ask for that is
    /// restored from a backup lies further back.
    #[must_use]
    pub fn needed_from(&self) -> u64 {
        self.shared.needed_from.load(Ordering::Acquire)
    }

    /// The last record of the store's journal of which all that leaves is sealed: acknowledged, or counted by [`Self::backlog`].
    #[must_use]
    pub fn sealed_through(&self) -> u64 {
        self.shared.sealed_through.load(Ordering::Acquire)
    }

    /// What of a class waits for the hub.
    #[must_use]
    pub fn backlog(&self, class: LogClass) -> Backlog {
        let index = self.shared.log(class).index();
        let events = index.last.seq.saturating_sub(index.acked.seq);
        let mut waiting = index.waiting().peekable();
        let oldest_ms = waiting.peek().map(|place| place.sealed_ms);
        Backlog { events, bytes: waiting.map(|place| place.bytes).sum(), oldest_ms }
    }

    fn shelf(&mut self, class: LogClass) -> (&ClassLog, &mut Shelf) {
        (self.shared.log(class), self.shelves.get_mut(class))
    }
}

impl Reads for Outbox {
    type Error = ReadError;

    fn log(&mut self, class: LogClass) -> Result<Option<Log>, ReadError> {
        let index = self.shared.log(class).index();
        Ok(Some(Log { epoch: index.log.epoch, floor: index.floor(), acked: index.acked, last: index.last }))
    }

    fn batch_after(&mut self, class: LogClass, seq: u64) -> Result<Option<Batch>, ReadError> {
        let (log, shelf) = self.shelf(class);
        Ok(shelf.batch_after(log, seq)?.map(|(_, kept)| kept.batch))
    }

    fn head_at(&mut self, class: LogClass, seq: u64) -> Result<Option<Head>, ReadError> {
        let (log, shelf) = self.shelf(class);
        shelf.head_at(log, seq)
    }

    fn points(
        &mut self,
        class: LogClass,
        after: u64,
        through: u64,
        points_max: usize,
    ) -> Result<Vec<Point>, ReadError> {
        let (log, shelf) = self.shelf(class);
        shelf.points(log, after, through, points_max)
    }

    fn past(&mut self, class: LogClass) -> Result<Vec<(Epoch, Point)>, ReadError> {
        Ok(self.shared.log(class).index().past.clone())
    }
}
