//! What the hub does with batches, inside one transaction: the receipt, the chain, the overlap, the rows, the cursor.
//!
//! Lives here: the rule ([`admit`]), and the two questions a connection asks besides ([`resume`], [`locate`]), over the trait
//! [`Ledger`] that a database implements. Not here: when to ask ([`crate::hub::Hub`]), and the transaction itself, which the
//! caller begins, commits and rolls back. Guards: rows and cursor change together or not at all; of two hubs that take the same
//! batch at the same time, one loses; what is already there is trimmed only when its hash is the same.

use crate::{
    batch::{Batch, BatchError, Checked, Header},
    control::{Cursor, ErrorCode},
    log::{Item, LogClass, LogId, Point},
};
use aisle_event::StoreId;
use bytes::Bytes;
use std::future::Future;

/// The most epochs that one store may have of one class. Each is a lost or forked outbox, so there are few.
pub const EPOCHS_MAX: u32 = 1_024;

/// A log as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The last event that is there, and the head after it.
    pub through: Point,
    /// What the gate gave with the last batch; empty before the first. Opaque here.
    pub mark: Bytes,
    /// True when nothing more is taken.
    pub quarantined: bool,
}

/// Does the ledger have a place with this head?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreement {
    /// Yes.
    Same,
    /// It has another head there.
    Different,
    /// It has nothing there (any more).
    Unknown,
}

/// One transaction on the database of a hub. It sees what it wrote itself.
///
/// Two transactions on one log may run at the same time in different hubs; [`Ledger::advance`] is what keeps them apart, so it must be
/// an update with a condition (`… WHERE through = $from`), or an insert into a unique key for a log that is new.
pub trait Ledger: Send {
    /// Why the database could not do it.
    type Error: Send;

    /// How a log stands. A cursor is kept for ever, also when its events are dropped after their time.
    ///
    /// # Errors
    /// When the database cannot say.
    fn known(&mut self, log: &LogId) -> impl Future<Output = Result<Option<Known>, Self::Error>> + Send;

    /// How many epochs a store has of a class.
    ///
    /// # Errors
    /// When the database cannot say.
    fn epochs(
        &mut self,
        store: &StoreId,
        class: LogClass,
    ) -> impl Future<Output = Result<u32, Self::Error>> + Send;

    /// Whether a place is there with this head. Of every event that is kept this must be known; who keeps the heads of batches only
    /// chains the events from the batch's start again.
    ///
    /// # Errors
    /// When the database cannot say.
    fn holds(
        &mut self,
        log: &LogId,
        point: Point,
    ) -> impl Future<Output = Result<Agreement, Self::Error>> + Send;

    /// Adds events that follow the place `after`, the last one that is there, with the header and the receipt of the batch that they
    /// came in.
    ///
    /// An event that another epoch of the same store and class holds with the same hybrid time, type and payload is the same event: its
    /// place counts, and it is not shown twice. A store that was restored from a backup and does not remember an epoch sends such
    /// events. Within one epoch two numbers are two events, however alike they are. The check must hold at the commit (with a lock on
    /// store and class), since two hubs may add to two epochs at once.
    ///
    /// # Errors
    /// When the database cannot take them.
    fn insert(
        &mut self,
        log: &LogId,
        after: Point,
        header: &Header,
        receipt: &Bytes,
        items: &[Item],
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Moves the cursor with the gate's mark, if it still is where it was (`None`: if there still is no such log). False when it is not.
    ///
    /// # Errors
    /// When the database cannot say.
    fn advance(
        &mut self,
        log: &LogId,
        from: Option<Point>,
        to: Point,
        mark: &Bytes,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// Takes no more of a log, and keeps what was offered for people to look at. The gate has not seen the events that were offered: what
    /// this region may not hold is not to be kept.
    ///
    /// # Errors
    /// When the database cannot take it.
    fn quarantine(
        &mut self,
        log: &LogId,
        offered: &Checked,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// May this hub's region hold a batch, and does its receipt follow the one before?
pub trait Gate: Send + Sync {
    /// Looks at a batch that has something new, and that follows what the ledger has. `mark` is what it gave itself with the batch before,
    /// empty for the first one; what it gives now is kept in the same transaction as the events.
    ///
    /// # Errors
    /// Why not.
    fn inspect(&self, log: &LogId, batch: &Checked, mark: &Bytes) -> Result<Bytes, Objection>;
}

/// Why a gate does not let a batch in. The texts are for people, and hold nothing of an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Objection {
    /// The region may not hold it, or its receipt is not true. Sent again it would be no better.
    #[error("{0}")]
    Residency(String),
    /// Its receipt is not the one that follows the last one of the log. A node that was restored from a backup may have sealed the
    /// same events in other batches: then all heads agree and the receipts do not. In a new epoch they begin anew.
    #[error("{0}")]
    Receipt(String),
}

/// Why the hub went no further in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The batch begins after the cursor, or lies where nothing can be compared any more. The node is to go on at the cursor.
    Gap,
    /// One number with two hashes. The log is in quarantine.
    Fork,
    /// The gate does not let it in.
    Refused(Objection),
    /// The store has too many epochs.
    Epochs,
}

impl Stop {
    /// The code that the node is told, and the text; `None` when it is told its cursor instead.
    #[must_use]
    pub fn refusal(&self) -> Option<(ErrorCode, String)> {
        match self {
            Self::Gap => None,
            Self::Fork => Some((
                ErrorCode::FORK,
                "another event has this number; the log is in quarantine, go on in a new epoch".into(),
            )),
            Self::Refused(Objection::Residency(reason)) => Some((ErrorCode::RESIDENCY, reason.clone())),
            Self::Refused(Objection::Receipt(reason)) => Some((ErrorCode::RECEIPT, reason.clone())),
            Self::Epochs => {
                Some((ErrorCode::EPOCHS, format!("the store has {EPOCHS_MAX} epochs of this class")))
            }
        }
    }
}

/// What came of offered batches. To be told only after the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Up to where the ledger has the log with this transaction.
    pub through: Point,
    /// Why it goes no further, where it does not.
    pub stop: Option<Stop>,
}

/// Why nothing came of offered batches. The transaction is to be rolled back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdmitError<E> {
    /// Another hub moved the cursor meanwhile.
    Conflict,
    /// The database could not.
    Ledger(E),
}

impl<E> From<E> for AdmitError<E> {
    fn from(error: E) -> Self {
        Self::Ledger(error)
    }
}

/// Unpacks the batches of a [`super::Question::Admit`] and holds each to its chain. Needs no transaction, and costs more than one: do
/// it before, and beside others. One that fails ends the list before it.
///
/// # Errors
/// When the first one fails: answer [`super::Answer::Broken`].
pub fn check(batches: Vec<Batch>) -> Result<Vec<Checked>, BatchError> {
    let mut good = Vec::with_capacity(batches.len());
    for batch in batches {
        match batch.check() {
            Ok(checked) => good.push(checked),
            Err(error) if good.is_empty() => return Err(error),
            Err(_) => break,
        }
    }
    Ok(good)
}

/// Takes batches of one log into the ledger, in their order, until one cannot be taken.
///
/// # Errors
/// When another hub was faster, or the database fails: then nothing may be committed.
pub async fn admit<L: Ledger>(
    ledger: &mut L,
    gate: &dyn Gate,
    log: &LogId,
    batches: &[Checked],
) -> Result<Decision, AdmitError<L::Error>> {
    let known = ledger.known(log).await?;
    let start = || Place { through: log.start(), mark: Bytes::new() };
    let from = known.as_ref().map(|known| known.through);
    let is_quarantined = known.as_ref().is_some_and(|known| known.quarantined);
    let mut place = known.map_or_else(start, |known| Place { through: known.through, mark: known.mark });
    if is_quarantined {
        return Ok(Decision { through: place.through, stop: Some(Stop::Fork) });
    }
    if from.is_none() && ledger.epochs(&log.store, log.class).await? >= EPOCHS_MAX {
        return Ok(Decision { through: place.through, stop: Some(Stop::Epochs) });
    }
    let mut stop = None;
    for batch in batches {
        stop = step(ledger, gate, log, &mut place, batch).await?;
        if stop.is_some() {
            break;
        }
    }
    let through = place.through;
    let is_moved = from.unwrap_or_else(|| log.start()) != through;
    if is_moved && !ledger.advance(log, from, through, &place.mark).await? {
        return Err(AdmitError::Conflict);
    }
    Ok(Decision { through, stop })
}

/// How far a transaction has come in a log.
struct Place {
    through: Point,
    mark: Bytes,
}

async fn step<L: Ledger>(
    ledger: &mut L,
    gate: &dyn Gate,
    log: &LogId,
    place: &mut Place,
    batch: &Checked,
) -> Result<Option<Stop>, L::Error> {
    let header = batch.header();
    // The last place that both have: every head covers all before it, so one comparison is enough for all of the overlap.
    let common = header.end().seq.min(place.through.seq);
    let Some(head) = batch.head_at(common) else { return Ok(Some(Stop::Gap)) };
    match agreement(ledger, log, Point { seq: common, head }).await? {
        Agreement::Same => {}
        Agreement::Unknown => return Ok(Some(Stop::Gap)),
        Agreement::Different => {
            ledger.quarantine(log, batch).await?;
            return Ok(Some(Stop::Fork));
        }
    }
    let items = batch.items_after(place.through.seq);
    if items.is_empty() {
        return Ok(None);
    }
    match gate.inspect(log, batch, &place.mark) {
        Ok(mark) => place.mark = mark,
        Err(objection) => return Ok(Some(Stop::Refused(objection))),
    }
    ledger.insert(log, place.through, header, batch.batch().receipt(), items).await?;
    place.through = header.end();
    Ok(None)
}

async fn agreement<L: Ledger>(ledger: &mut L, log: &LogId, point: Point) -> Result<Agreement, L::Error> {
    match point.seq {
        0 if point.head == log.genesis() => Ok(Agreement::Same),
        0 => Ok(Agreement::Different),
        _ => ledger.holds(log, point).await,
    }
}

/// How a log of a HELLO stands.
///
/// # Errors
/// When the database cannot say.
pub async fn resume<L: Ledger>(ledger: &mut L, log: &LogId) -> Result<Cursor, L::Error> {
    let known = ledger.known(log).await?;
    Ok(Cursor {
        class: log.class,
        epoch: log.epoch,
        through: known.as_ref().map_or_else(|| log.start(), |known| known.through),
        quarantined: known.is_some_and(|known| known.quarantined),
    })
}

/// The highest of some places that the ledger has with the same head.
///
/// # Errors
/// When the database cannot say.
pub async fn locate<L: Ledger>(
    ledger: &mut L,
    log: &LogId,
    points: &[Point],
) -> Result<Option<u64>, L::Error> {
    let mut found = None;
    for point in points {
        if agreement(ledger, log, *point).await? == Agreement::Same {
            found = found.max(Some(point.seq));
        }
    }
    Ok(found)
}
