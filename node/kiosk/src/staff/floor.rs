//! [`Floor`]: the port through which the board sees the shop floor and acts on it. The node implements it.
//!
//! Guards invariant 1 at the board: [`Floor::act`] is done only when what was done is durable and the board shows it.

use super::{
    board::Board,
    detail::{DevicePage, PositionPage, SettingValue, UnitPage},
};
use crate::strings::Language;
use aisle_event::{DeviceId, Name, Quantity, Sku, device::Place};
use jiff::civil::Date;
use std::{collections::BTreeMap, pin::Pin, sync::Arc};
use tokio::sync::watch;

/// A future that may be sent to another thread.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The shop floor as staff see it. [`board`](Self::board), [`device`](Self::device), [`unit`](Self::unit) and
/// [`position`](Self::position) are reads of memory and take no lock that a writer holds for long; [`chart`](Self::chart) and
/// [`report`](Self::report) may read the disk and are called on a thread that may wait.
pub trait Floor: Send + Sync {
    /// The board as it is now.
    fn board(&self) -> Arc<Board>;

    /// Tells of every new board by its sequence number. When the sender is gone, so are the lines that wait for it.
    fn changes(&self) -> watch::Receiver<u64>;

    /// Whether the box is still to be claimed for its chain, on the page `/first-boot`.
    fn is_unclaimed(&self) -> bool {
        false
    }

    /// One device; nothing when it was never heard.
    fn device(&self, device: &str) -> Option<DevicePage>;

    /// One cold chain unit; nothing when it was never defined.
    fn unit(&self, unit: &str) -> Option<UnitPage>;

    /// What is known of one product's stock; nothing when nothing is.
    fn position(&self, sku: &str) -> Option<PositionPage>;

    /// A stream of numbers, drawn as one SVG document that brings its own style and no script.
    fn chart(&self, device: &str, stream: &str, hours: u32) -> Option<String>;

    /// The report of a cold chain unit for a day in the store's zone.
    ///
    /// # Errors
    /// When there is none, or what it rests on cannot be read.
    fn report(
        &self,
        unit: &str,
        day: Date,
        language: Language,
        form: ReportForm,
    ) -> Result<String, ReportError>;

    /// Does something in a person's name, and is done when it is durable and [`board`](Self::board) shows it.
    /// It runs to its end even when the one who asked goes away.
    fn act(&self, action: Action, by: Name) -> BoxFuture<'_, Result<(), ActError>>;
}

/// Something that staff do.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Let a device take part.
    Approve {
        /// Which.
        device: DeviceId,
    },
    /// Send a device away for good.
    Retire {
        /// Which.
        device: DeviceId,
    },
    /// Change settings of a device; what is not named stays.
    Set {
        /// Which.
        device: DeviceId,
        /// Only what is to be different. Each fits the schema that was shown.
        settings: BTreeMap<String, SettingValue>,
    },
    /// Ask a device to do something.
    Command {
        /// Which.
        device: DeviceId,
        /// What.
        command: Name,
        /// What goes with it.
        args: BTreeMap<String, SettingValue>,
    },
    /// Say that an excursion was seen.
    Acknowledge {
        /// Which.
        excursion: Name,
        /// What was done about it.
        action: Option<Name>,
    },
    /// Say that a task was done.
    FinishTask {
        /// Which.
        task: Name,
        /// What is on the shelf now, when it was counted.
        count: Option<Quantity>,
    },
    /// Say that there is nothing to do.
    DismissTask {
        /// Which.
        task: Name,
    },
    /// Say how much there is.
    Count {
        /// Of what.
        sku: Sku,
        /// Where.
        place: Place,
        /// How much; not negative.
        quantity: Quantity,
    },
    /// Say that goods were carried.
    Move {
        /// What.
        sku: Sku,
        /// Where they were.
        from: Place,
        /// Where they are; another place.
        to: Place,
        /// How much; more than nothing.
        quantity: Quantity,
    },
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActError {
    /// It is about something that does not exist, or no longer.
    #[error("there is no {what} `{name}`")]
    Unknown {
        /// `device`, `task`, `excursion`, `command`, `product`.
        what: &'static str,
        /// What it was called.
        name: String,
    },
    /// A field is wrong.
    #[error("`{field}` {reason}")]
    Field {
        /// Its name, as the schema writes it.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It cannot be done as things are.
    #[error("{reason}")]
    Conflict {
        /// Why, with what to do.
        reason: String,
    },
    /// More is being written than the disk takes.
    #[error("the node is busy; try again")]
    Busy,
    /// The node cannot write.
    #[error("the node cannot record anything at the moment")]
    Stopped,
}

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportForm {
    /// A page of its own that prints without a network.
    Html,
    /// A table.
    Csv,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// There is no such unit, or nothing is known of that day.
    #[error("there is no report for that unit and day")]
    Unknown,
    /// What it rests on cannot be read.
    #[error("cannot read what the report rests on")]
    Read(#[source] Box<dyn std::error::Error + Send + Sync>),
}
