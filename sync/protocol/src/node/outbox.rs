//! What the machine reads of the outbox.

use crate::{
    batch::Batch,
    log::{Epoch, Head, LogClass, Point},
};

/// A log of the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    /// Its epoch.
    pub epoch: Epoch,
    /// The last event that is no longer kept: place 0 with the first head when all are.
    pub floor: Point,
    /// Up to where the hub is known to have it. At or after the floor.
    pub acked: Point,
    /// The end of the last sealed batch that is durable here.
    pub last: Point,
}

/// The outbox as the machine reads it: durable, sealed batches. Nothing that a crash could take back may be seen through it.
///
/// After a start it first seals all that the journal holds, and only then is the machine run: a store that was restored from a backup
/// may have events in its journal that the hub has already, and sealed alike they are found to be the same.
pub trait Outbox {
    /// Why something cannot be read.
    type Error: std::fmt::Display;

    /// The log of a class; `None` when nothing of this class is kept.
    ///
    /// # Errors
    /// When it cannot be read.
    fn log(&mut self, class: LogClass) -> Result<Option<Log>, Self::Error>;

    /// The batch that holds the event after a place; `None` when there is none yet, or no longer. It may begin before: after a restore
    /// the hub can stand within a batch, and it trims what it has.
    ///
    /// # Errors
    /// When it cannot be read.
    fn batch_after(&mut self, class: LogClass, seq: u64) -> Result<Option<Batch>, Self::Error>;

    /// The head at a place from the floor to the last; `None` elsewhere. For a place within a batch its events are chained again.
    ///
    /// # Errors
    /// When it cannot be read.
    fn head_at(&mut self, class: LogClass, seq: u64) -> Result<Option<Head>, Self::Error>;

    /// Places after one and through another, ascending: all of them, or so many, evenly spread. Ends of batches are enough while
    /// there are any in between; only where there are none, the events within the batch are wanted.
    ///
    /// # Errors
    /// When they cannot be read.
    fn points(
        &mut self,
        class: LogClass,
        after: u64,
        through: u64,
        points_max: usize,
    ) -> Result<Vec<Point>, Self::Error>;

    /// The epochs of a class that ended, with the last place that the hub had of each, the youngest last. Those that a hub will not
    /// be set back behind any more may be forgotten.
    ///
    /// # Errors
    /// When they cannot be read.
    fn past(&mut self, class: LogClass) -> Result<Vec<(Epoch, Point)>, Self::Error>;
}
