//! Why a command about the fleet was not done, and with which exit code that ends.
//!
//! Not here: what a hub says when it refuses ([`super::problem`]).

use std::path::PathBuf;

/// Exit code of what was refused, or could not be done.
pub(crate) const REFUSED: u8 = 1;
/// Exit code of wrong use.
pub(crate) const WRONG_USE: u8 = 2;
/// Exit code where no hub answers, or not as one.
pub(crate) const NO_ANSWER: u8 = 3;

/// Why nothing came of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FleetError {
    /// Nobody has said where the hub is.
    #[error(
        "no hub is named\nhint: `--hub https://hub.example`, `AISLE_HUB`, or once and for all `aisle fleet login --hub https://hub.example --name YOU`"
    )]
    NoHub,
    /// There is no token for this hub.
    #[error(
        "there is no token for `{hub}`\nhint: `aisle fleet login --hub {hub} --name YOU`, or `--token-file FILE`, or `AISLE_TOKEN`"
    )]
    NoToken {
        /// Which.
        hub: String,
    },
    /// A profile that nobody has made.
    #[error("there is no profile `{name}`\nhint: `aisle fleet profiles` shows those that there are")]
    NoProfile {
        /// Its name.
        name: String,
    },
    /// The address is none.
    #[error(
        "`{url}` is no address of a hub: {why}\nhint: it looks like `https://hub.example` or, on this machine, `http://127.0.0.1:8490`"
    )]
    Address {
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// What would lead elsewhere as a part of a path.
    #[error("`{part}` is no name\nhint: names are never empty and never only dots")]
    Name {
        /// What was given.
        part: String,
    },
    /// A file cannot be read or written.
    #[error("cannot {what} `{path}`")]
    File {
        /// What was tried.
        what: &'static str,
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file holds something else.
    #[error("`{path}`: {why}")]
    Content {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The hub said no.
    #[error("{said}")]
    Refused {
        /// What it said, with a hint behind it.
        said: String,
        /// The status of the answer.
        status: u16,
        /// Which problem it is, such as `no-token`. None where whoever answered said nothing that only a hub says.
        problem: Option<String>,
    },
    /// There is no answer, also after some tries.
    #[error("no answer from `{hub}`, asked {tries} times: {why}{hint}")]
    NoAnswer {
        /// Which hub.
        hub: String,
        /// How often it was asked.
        tries: u32,
        /// What went wrong last.
        why: String,
        /// What to do, beginning with a new line; empty where there is nothing to say.
        hint: &'static str,
    },
    /// It answers, and not as a hub does.
    #[error(
        "`{hub}` answers, and not as a hub: {why}\nhint: is it the address of the hub's interface for people and programs?"
    )]
    Strange {
        /// Which.
        hub: String,
        /// What it answers.
        why: String,
    },
    /// The system gives no randomness.
    #[error("the system gives no randomness")]
    NoRandomness,
}

impl FleetError {
    /// The exit code.
    pub(crate) const fn code(&self) -> u8 {
        match self {
            Self::NoHub | Self::NoToken { .. } | Self::NoProfile { .. } | Self::Address { .. } => WRONG_USE,
            Self::Name { .. } | Self::File { .. } | Self::Content { .. } => WRONG_USE,
            Self::Refused { status, .. } if *status >= 500 => NO_ANSWER,
            Self::Refused { .. } | Self::NoRandomness => REFUSED,
            Self::NoAnswer { .. } | Self::Strange { .. } => NO_ANSWER,
        }
    }
}
