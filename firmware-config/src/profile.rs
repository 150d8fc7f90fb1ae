//! Foreign devices: what they send, understood by a *device profile*, a TOML file. A device that matches one appears for
//! approval like any other.
//!
//! ```toml
//! profile = "fridge-probe"                # its name: unique, at most 32 bytes
//! model = "Fridge probe FP-2"             # what staff see
//! match = "probes/{device}/reading"       # a device is there when such a topic is heard
//!
//! [[message]]                             # up to 16; all that fit a topic are read
//! topic = "probes/{device}/reading"       # left out: that of `match`
//! kind = "number"                         # number | tags | code | status
//! when = "/temp"                          # only payloads that have this; others are not this profile's
//! time = { pointer = "/ts", format = "unix_s" }     # unix_s | unix_ms | rfc3339; a time that cannot be is left out
//!
//! [[message.value]]                       # up to 16
//! pointer = "/temp"                       # JSON pointer (RFC 6901); left out: the whole payload as a text
//! stream = "temperature"                  # may have a place of the topic in it: "{name}_temperature"
//! unit = "fahrenheit"                     # becomes Celsius
//! calibration = { scale = 0.1, offset = 0 }         # value = raw * scale + offset, in `unit`
//! limits = { min = -60, max = 180 }       # in `unit`; outside, the payload is refused
//! sampling = { interval_s = 60 }          # how often it speaks when all is well
//! map = { "ERR" = -999 }                  # words for numbers
//! optional = true                         # it may be missing
//!
//! [[message]]
//! topic = "probes/{device}/state"
//! kind = "status"
//! status = { online = "up", offline = "down" }      # with `pointer` where it stands in JSON
//!
//! [[message]]                             # tags of an RFID reader: texts at `item` in each entry of the list
//! topic = "readers/{device}/{zone}"
//! kind = "tags"
//! tags = { list = "/tags", item = "/epc", stream = "{zone}", complete = true }
//!
//! [[message]]                             # a code, with a weight beside it or in it
//! topic = "scales/{device}"
//! kind = "code"
//! [message.code]
//! pointer = "/code"
//! stream = "scanner"
//! weight = { pointer = "/kg", unit = "kilogram", optional = true }
//! variable_measure = [{ layout = "28IIIIIWWWWWC", unit = "gram" }]
//!
//! [[command]]
//! name = "light"
//! topic = "probes/{device}/light"
//! payload = '{"on": {{on}}}'              # {{argument}}; with format = "json" texts are quoted
//! format = "json"
//! [[command.argument]]                    # bool | integer | number | text | choice
//! name = "on"
//! kind = "bool"
//! default = false
//! ```
//!
//! A topic pattern has at most [`LEVELS_MAX`] levels, each with at most one place, which is found by one prefix and one
//! suffix: there are no regular expressions, and no pattern that is slow. Unknown keys and wrong values are refused by their
//! path, and then the whole profile is.
//!
//! Not here: the contract's own messages ([`crate::message`]), which device uses which profile. Guards invariants 6 and 10.

mod builtin;
mod check;
mod code;
mod command;
mod hear;
mod measure;
mod parse;
mod pattern;
mod payload;
mod section;
mod units;

use crate::{
    heard::{Heard, Refusal, contract},
    nearest::nearest,
    setting::{Field, Settings},
    topic::PREFIX,
};
use parse::Profile;
use payload::Payload;
use std::collections::BTreeSet;

pub use builtin::BUILTIN;
pub use check::{LINES_MAX, Line, Report, Said, check};
pub use code::LAYOUTS_MAX;
pub use command::{ARGUMENTS_MAX, CommandError};
pub use hear::{CODE_BYTES_MAX, TAGS_MAX};
pub use measure::MAP_MAX;
pub use parse::{COMMANDS_MAX, MESSAGES_MAX, VALUES_MAX};
pub use pattern::{LEVELS_MAX, PATTERN_BYTES_MAX};
pub use payload::PAYLOAD_BYTES_MAX;

/// A profile's file, in bytes.
pub const PROFILE_BYTES_MAX: usize = 64 << 10;
/// A text in a profile, in bytes.
pub const TEXT_BYTES_MAX: usize = 1024;
/// How many profiles a store has at most.
pub const PROFILES_MAX: usize = 64;

/// Why a device profile was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// It is no TOML, or too large.
    #[error("profile `{profile}` is no TOML: {reason}")]
    Toml {
        /// Which.
        profile: String,
        /// Where and why.
        reason: String,
    },
    /// A key that profiles do not have.
    #[error("profile `{profile}`: unknown key `{key}`\nhint: {hint}")]
    UnknownKey {
        /// Which.
        profile: String,
        /// The key, with the path to it.
        key: String,
        /// What it may have been.
        hint: String,
    },
    /// A value that cannot be.
    #[error("profile `{profile}`: `{field}` is {found}, expected {expected}{}", hint.as_ref().map_or_else(String::new, |hint| format!("\nhint: {hint}")))]
    Field {
        /// Which.
        profile: String,
        /// The path of the field.
        field: String,
        /// What it holds.
        found: String,
        /// What it may hold.
        expected: String,
        /// What to do.
        hint: Option<String>,
    },
    /// There are too many already.
    #[error(
        "profile `{profile}` is one more than {PROFILES_MAX}\nhint: leave out those of devices that the store has not"
    )]
    TooMany {
        /// Which.
        profile: String,
    },
}

/// All that a node understands: the contract, and foreign devices by their profiles.
#[derive(Debug, Clone)]
pub struct Profiles {
    /// Those that came last are asked first.
    profiles: Vec<Profile>,
}

impl Default for Profiles {
    fn default() -> Self {
        Self::builtin()
    }
}

impl Profiles {
    /// The contract alone.
    #[must_use]
    pub fn none() -> Self {
        Self { profiles: Vec::new() }
    }

    /// The contract, and the profiles that come with Aisle.
    #[must_use]
    pub fn builtin() -> Self {
        let mut profiles = Self::none();
        for (name, text) in BUILTIN {
            // They are tested; one that were wrong would be missing, not the node.
            let _ = profiles.with(name, text);
        }
        profiles
    }

    fn of(profile: Profile) -> Self {
        Self { profiles: vec![profile] }
    }

    /// Adds a profile, in front of the others; one of the same name is replaced. `name` is what errors call the file.
    ///
    /// # Errors
    /// What is wrong with it; then nothing was added.
    pub fn with(&mut self, name: &str, toml_text: &str) -> Result<(), ProfileError> {
        let profile = Profile::parse(name, toml_text)?;
        let is_other = |other: &Profile| other.name != profile.name;
        if self.profiles.iter().filter(|other| is_other(other)).count() >= PROFILES_MAX {
            return Err(ProfileError::TooMany { profile: name.to_owned() });
        }
        self.profiles.retain(is_other);
        self.profiles.insert(0, profile);
        Ok(())
    }

    /// The names of the profiles and the models that they are for, in the order in which they are asked.
    pub fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.profiles.iter().map(|profile| (&*profile.name, &*profile.model))
    }

    /// The commands of a profile, with their arguments.
    pub fn commands(&self, profile: &str) -> impl Iterator<Item = (&str, &[Field])> {
        let profile = self.profiles.iter().find(|it| &*it.name == profile);
        let commands = profile.map(|profile| profile.commands.as_slice()).unwrap_or_default();
        commands.iter().map(|command| (command.name.as_str(), command.schema.as_slice()))
    }

    /// The MQTT filters to subscribe to for a store, each once. They may overlap.
    #[must_use]
    pub fn filters(&self, store: &str) -> Vec<String> {
        let messages = self.profiles.iter().flat_map(|profile| &profile.messages);
        let foreign: BTreeSet<String> = messages.map(|message| message.topic.filter()).collect();
        contract::filters(store).into_iter().chain(foreign).collect()
    }

    /// What a topic and a payload say; nothing when the topic is nobody's.
    #[must_use]
    pub fn hear(&self, store: &str, topic: &str, payload: &[u8]) -> Option<Result<Vec<Heard>, Refusal>> {
        // The contract's topics are no foreign device's, whatever a pattern says.
        if topic.strip_prefix(PREFIX).is_some_and(|rest| rest.starts_with('/')) {
            return contract::hear(store, topic, payload);
        }
        let payload = Payload::new(payload);
        self.profiles.iter().find_map(|profile| hear::hear(profile, topic, &payload))
    }

    /// The topic and the payload of a command to a foreign device.
    ///
    /// # Errors
    /// When there is no such profile or command, or an argument does not fit.
    pub fn command(
        &self,
        profile: &str,
        device: &str,
        command: &str,
        args: &Settings,
    ) -> Result<(String, Vec<u8>), CommandError> {
        let found = self.profiles.iter().find(|it| &*it.name == profile);
        let found = found.ok_or_else(|| CommandError::Profile(profile.to_owned()))?;
        let Some(command) = found.commands.iter().find(|it| it.name == command) else {
            let names = || found.commands.iter().map(|command| command.name.as_str());
            let hint = match nearest(command, names()) {
                Some(near) => format!("the nearest command is `{near}`"),
                None if found.commands.is_empty() => "it has no commands".to_owned(),
                None => format!("its commands are `{}`", names().collect::<Vec<_>>().join("`, `")),
            };
            let (profile, command) = (profile.to_owned(), command.to_owned());
            return Err(CommandError::Command { profile, command, hint });
        };
        command.build(device, args)
    }
}
