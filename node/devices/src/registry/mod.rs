//! The register of devices: which there are, who let them in, what they are set to, what they were asked to do.
//!
//! [`Devices`] is a fold of the journal: no IO, no clock, the same from the same events. What it holds is bounded by
//! [`Config`], and [`DevicesView`] is what others see of it.
//!
//! Rules that hold here and nowhere else:
//! - A device that is heard is not trusted. Only a person approves it.
//! - A retired device stays retired until a person approves it again: its announcements, readings and answers change nothing.
//! - A device that says that it is another model keeps its state, and its approval is suspended until a person renews it, also
//!   when it changes back: whoever alternates is not one device.
//! - A serial number that was there before the one that is there now means that two devices use one id.
//! - A twin lasts as long as its device is not retired, however long the device is away.
//!
//! Not here: payloads, topics and rates ([`crate::service`]), what was measured ([`crate::telemetry`]).

mod announced;
mod config;
mod fold;
mod numbers;
mod snapshot;
mod twin;
mod view;

pub use config::{Config, InvalidConfig};
pub use fold::Devices;
pub use numbers::{Numbers, Seen, WINDOW};
pub use snapshot::SnapshotError;
pub use view::{
    CommandEndView, CommandView, Counts, Desired, DeviceState, DeviceView, DevicesView, Json, Placement,
    ProblemView, RefusedView, Reported, StreamView, Suspension, Twin,
};
