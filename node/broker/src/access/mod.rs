//! Who a client is, and what it may do.
//!
//! A device shows a password or a certificate; the credentials file says which devices there are and which topics are theirs.
//! The file is read again when it changes; an edit that cannot be read changes nothing and is reported.
//!
//! Not here: how a client is reached (`transport`), what it does once it is in (`connection`). Only this module names `argon2`.
//! Guards issue 3, point 3: nobody publishes or subscribes beyond the patterns of a device whose secret it knows.

mod backoff;
mod config;
mod devices;
mod edit;
mod file;
mod identity;
mod password;
mod recent;
mod rights;
mod table;
mod telemetry;

pub use config::{AccessConfig, Anonymous};
pub use devices::{Devices, OpenError, Refused};
pub use edit::{DevicesFile, EditError};
pub use file::{DEVICES_MAX, FileError, Listed};
pub use identity::{Identity, Proof, check_device_id};
pub use password::{PASSWORD_BYTES_MAX, hash_password, random_password};
pub use rights::{OWN_TOPICS, Rights, RightsError};

/// The credentials file, below the node's data.
pub const DEVICES_FILE: &str = "mqtt/devices.toml";
