//! The device's side of its twin: what it is set to, what it is trying, and how it finds back.
//!
//! ```text
//!            desired (newer, fits)             healthy
//! confirmed ──────────────────────> trial ────────────────> confirmed (new)
//!     ^                               │ three starts without `healthy`
//!     └───────────────────────────────┘ reported as last known good
//! ```
//! A twin changes as a whole or not at all. Whoever keeps one on a flash writes what [`Twin::encode`] gives in one record
//! after each call that says so; a power cut before that leaves the twin as it was. Versions only grow: a device that has
//! tried a version in vain does not try it again when the same message comes again.
//!
//! Not here: flash, clocks, what settings mean. Guards "a bad setting never half-applies".

use crate::{
    fault::Fault,
    message::{Desired, Refused, Reported},
    setting::{Field, Settings, defaults, merge},
    wire::{self, EncodeError, Encoding},
};
use serde::{Deserialize, Serialize};

/// A trial that was started so often without becoming healthy is given up.
pub const FAILED_BOOTS_MAX: u8 = 3;
/// An encoded twin is never larger, in bytes.
pub const TWIN_BYTES_MAX: usize = 2560;

/// What a device is set to and what it is trying.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Twin {
    /// What it has been healthy with.
    confirmed: Version,
    /// What it is trying.
    trial: Option<Trial>,
    /// The greatest version that was given up.
    given_up: u64,
    /// What was refused or given up last, until something newer is accepted.
    refused: Option<Refused>,
    /// It fell back, and nothing newer was accepted since.
    fell_back: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Version {
    version: u64,
    settings: Settings,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Trial {
    version: u64,
    settings: Settings,
    /// Starts with it so far.
    boots: u8,
}

/// New settings: some of them, or all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change<'a> {
    /// What is not named stays as it is.
    Patch(&'a Settings),
    /// What is not named is as from the factory.
    Whole(&'a Settings),
}

/// What became of new settings.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// They fit and are in force now, on trial. Keep the twin, then apply [`Twin::settings`].
    Accept,
    /// They do not fit; nothing changed but what is reported. Report.
    Refuse(Fault),
    /// They are not newer than what is known. Nothing changed.
    AlreadyKnown,
}

/// What a start of the device means to its twin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Booted {
    /// Nothing is on trial. Nothing changed.
    Confirmed,
    /// It is the trial's start of this number, counted from 1. Keep the twin before anything else is done.
    Trial(u8),
    /// The trial was given up; the last known good settings are in force. Keep the twin and report.
    FellBack,
}

impl Twin {
    /// A device as it comes from the factory: version 0, the schema's defaults.
    #[must_use]
    pub fn new(schema: &[Field]) -> Self {
        let confirmed = Version { version: 0, settings: defaults(schema) };
        Self { confirmed, trial: None, given_up: 0, refused: None, fell_back: false }
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        self.trial.as_ref().map_or(&self.confirmed.settings, |trial| &trial.settings)
    }

    /// The version in force; 0 from the factory.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.trial.as_ref().map_or(self.confirmed.version, |trial| trial.version)
    }

    /// Something is on trial.
    #[must_use]
    pub fn is_on_trial(&self) -> bool {
        self.trial.is_some()
    }

    /// Settings came. A trial that they come upon ends, and they are put over what was confirmed before it.
    pub fn desired(&mut self, schema: &[Field], version: u64, change: Change<'_>) -> Verdict {
        if version <= self.version().max(self.given_up) {
            return Verdict::AlreadyKnown;
        }
        let merged = match change {
            Change::Patch(patch) => merge(schema, &self.confirmed.settings, patch),
            Change::Whole(whole) => merge(schema, &Settings::new(), whole),
        };
        match merged {
            Ok(settings) => {
                self.trial = Some(Trial { version, settings, boots: 0 });
                self.refused = None;
                self.fell_back = false;
                Verdict::Accept
            }
            Err(fault) => {
                self.refused = Some(Refused::new(version, fault.clone()));
                Verdict::Refuse(fault)
            }
        }
    }

    /// The same for a message, whose settings are whole.
    pub fn on_desired(&mut self, schema: &[Field], desired: &Desired) -> Verdict {
        self.desired(schema, desired.version, Change::Whole(&desired.settings))
    }

    /// The device started. To be called before the settings in force are applied.
    pub fn booted(&mut self) -> Booted {
        match &mut self.trial {
            None => Booted::Confirmed,
            Some(trial) if trial.boots < FAILED_BOOTS_MAX => {
                trial.boots += 1;
                Booted::Trial(trial.boots)
            }
            Some(trial) => {
                let reason =
                    format_args!("the device did not stay up in {FAILED_BOOTS_MAX} starts with them");
                self.refused = Some(Refused::new(trial.version, Fault::new("", reason)));
                self.given_up = trial.version;
                self.fell_back = true;
                self.trial = None;
                Booted::FellBack
            }
        }
    }

    /// The device has worked for a healthy time: what was on trial is confirmed. True when that changed the twin, which is
    /// then to be kept and reported.
    pub fn healthy(&mut self) -> bool {
        let Some(trial) = self.trial.take() else { return false };
        self.confirmed = Version { version: trial.version, settings: trial.settings };
        true
    }

    /// What it says to the node.
    #[must_use]
    pub fn reported(&self) -> Reported {
        Reported {
            version: self.version(),
            settings: self.settings().clone(),
            refused: self.refused.clone(),
            last_known_good: self.fell_back,
        }
    }

    /// Writes it for a flash, and returns how many bytes it took. There is no checksum in it.
    ///
    /// # Errors
    /// When the buffer is smaller than it is; [`TWIN_BYTES_MAX`] is always enough.
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        wire::encode(self, Encoding::Cbor, buffer)
    }

    /// Reads it from a flash. Settings that the schema no longer takes, because the software is another, are as from the
    /// factory.
    ///
    /// # Errors
    /// When the bytes are no twin.
    pub fn decode(schema: &[Field], bytes: &[u8]) -> Result<Self, Fault> {
        let (mut twin, _) = wire::decode::<Self>(bytes)?;
        twin.confirmed.settings = merge(schema, &twin.confirmed.settings, &Settings::new())?;
        if let Some(trial) = &mut twin.trial {
            trial.settings = merge(schema, &trial.settings, &Settings::new())?;
        }
        Ok(twin)
    }
}
