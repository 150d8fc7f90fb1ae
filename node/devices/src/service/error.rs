//! Why something that a person asked of a device was not done.

use aisle_journal::{CommitError, SubmitError};

/// Why a device was not approved, placed, set, commanded or retired. Nothing was changed, unless it says so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// No device of that id was heard.
    #[error(
        "device `{device}` is unknown: it was never heard\nhint: see `aisle-node device list`; a device appears when it announces itself or matches a profile"
    )]
    Unknown {
        /// Which.
        device: String,
    },
    /// It waits for approval.
    #[error(
        "device `{device}` is not approved\nhint: approve it first: `aisle-node device approve {device}`"
    )]
    NotApproved {
        /// Which.
        device: String,
    },
    /// Its approval does not count until it is renewed.
    #[error("device `{device}` is suspended: {why}")]
    Suspended {
        /// Which.
        device: String,
        /// Why, and what to do.
        why: String,
    },
    /// It was sent away.
    #[error(
        "device `{device}` is retired: it is neither heard nor set\nhint: approve it again if it came back: `aisle-node device approve {device}`"
    )]
    Retired {
        /// Which.
        device: String,
    },
    /// It did not say what can be set.
    #[error("device `{device}` has no settings that Aisle knows of{}", if *.foreign { ": it is understood by a profile, which only reads\nhint: set it by its maker's own means" } else { "\nhint: it announces its settings when it starts; see its firmware" })]
    NoSettings {
        /// Which.
        device: String,
        /// It does not speak the contract.
        foreign: bool,
    },
    /// The settings do not fit its schema. Nothing of them was taken.
    #[error("settings of device `{device}` are refused, whole: `{path}` {reason}")]
    Refused {
        /// Which.
        device: String,
        /// The setting.
        path: String,
        /// Why.
        reason: String,
    },
    /// The command cannot be said to it.
    #[error("command `{command}` to device `{device}` is refused: {reason}")]
    Command {
        /// Which.
        device: String,
        /// The command.
        command: String,
        /// Why.
        reason: String,
    },
    /// A placement names a stream that the device does not have.
    #[error("device `{device}` has no stream `{stream}`; it has: {streams}")]
    NoStream {
        /// Which.
        device: String,
        /// The stream.
        stream: String,
        /// Those that it has.
        streams: String,
    },
    /// A placement cannot be as it was given.
    #[error("`{field}` {reason}")]
    Placement {
        /// Which part of it.
        field: &'static str,
        /// Why not.
        reason: String,
    },
    /// As many commands of the device as may be wait for their answers.
    #[error("too many commands of device `{device}` are under way\nhint: wait until one has ended")]
    Busy {
        /// Which.
        device: String,
    },
    /// The journal did not take it.
    #[error("it cannot be recorded now: {0}\nhint: try again")]
    NotRecorded(#[source] SubmitError),
    /// The journal failed on it.
    #[error("it is not known to be recorded: {0}")]
    NotCommitted(#[source] CommitError),
    /// It is recorded, and the register did not show it in time.
    #[error("it is recorded but not yet visible\nhint: look again in a moment; do not repeat it")]
    NotVisible,
}
