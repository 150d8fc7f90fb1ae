//! The topics of the contract: `aisle/v1/<store>/<device>/…`.
//!
//! Both ends write and read them here, so that no topic is spelled twice. Not here: topics of foreign devices (profiles).

use core::fmt;

/// What every topic of the contract begins with.
pub const PREFIX: &str = "aisle/v1";
/// A store's or device's name, a stream's or a command's, in bytes.
pub const NAME_BYTES_MAX: usize = 64;

/// What a topic is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel<'a> {
    /// `announce`, retained: what the device is.
    Announce,
    /// `status`, retained, and its last will: whether it is there.
    Status,
    /// `telemetry/<stream>`: what it measured.
    Telemetry(&'a str),
    /// `config/desired`, retained: what it is to be set to.
    ConfigDesired,
    /// `config/reported`, retained: what it is set to.
    ConfigReported,
    /// `cmd/<name>/req`: what it is asked to do.
    CommandRequest(&'a str),
    /// `cmd/<name>/res`: what came of it.
    CommandResponse(&'a str),
}

/// A topic of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Topic<'a> {
    /// Of which store.
    pub store: &'a str,
    /// Of which device.
    pub device: &'a str,
    /// About what.
    pub channel: Channel<'a>,
}

impl<'a> Topic<'a> {
    /// A topic; nothing when it is none of the contract.
    #[must_use]
    pub fn parse(topic: &'a str) -> Option<Self> {
        let mut levels = topic.strip_prefix(PREFIX)?.strip_prefix('/')?.split('/');
        let mut name = || levels.next().filter(|name| is_name(name));
        let (store, device, first) = (name()?, name()?, name()?);
        let (second, third) = (name(), name());
        // More levels, or ones that are no names, are nobody's.
        if levels.next().is_some() || topic.split('/').count() != 5 + count(second) + count(third) {
            return None;
        }
        let channel = match (first, second, third) {
            ("announce", None, None) => Channel::Announce,
            ("status", None, None) => Channel::Status,
            ("telemetry", Some(stream), None) => Channel::Telemetry(stream),
            ("config", Some("desired"), None) => Channel::ConfigDesired,
            ("config", Some("reported"), None) => Channel::ConfigReported,
            ("cmd", Some(command), Some("req")) => Channel::CommandRequest(command),
            ("cmd", Some(command), Some("res")) => Channel::CommandResponse(command),
            _ => return None,
        };
        Some(Self { store, device, channel })
    }
}

fn count(level: Option<&str>) -> usize {
    usize::from(level.is_some())
}

/// Whether a text can be one level of a topic: not empty, at most [`NAME_BYTES_MAX`], no wildcard, no separator, no control
/// character, and no `$` in front.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let is_bad = |character: char| matches!(character, '+' | '#' | '/') || character.is_control();
    !text.is_empty() && text.len() <= NAME_BYTES_MAX && !text.starts_with('$') && !text.contains(is_bad)
}

impl fmt::Display for Topic<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}/{}/{}/", self.store, self.device)?;
        match self.channel {
            Channel::Announce => f.write_str("announce"),
            Channel::Status => f.write_str("status"),
            Channel::Telemetry(stream) => write!(f, "telemetry/{stream}"),
            Channel::ConfigDesired => f.write_str("config/desired"),
            Channel::ConfigReported => f.write_str("config/reported"),
            Channel::CommandRequest(command) => write!(f, "cmd/{command}/req"),
            Channel::CommandResponse(command) => write!(f, "cmd/{command}/res"),
        }
    }
}
