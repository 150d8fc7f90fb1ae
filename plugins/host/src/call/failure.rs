//! How a call can fail. There is no other way.

use serde::{Deserialize, Serialize};

/// Why a call gave no answer that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "failure", rename_all = "kebab-case")]
pub enum Failure {
    /// The plugin gave up or did what it may not: unreachable code, an access outside its memory, a stack that overflowed.
    #[error("it trapped: {reason}")]
    Trap {
        /// What happened.
        reason: String,
        /// Where, innermost function first, as far as the component has names. At most eight.
        frames: Vec<String>,
    },
    /// It took longer than it may.
    #[error("it took longer than {limit_ms} ms")]
    Timeout {
        /// Its limit, in milliseconds.
        limit_ms: u32,
    },
    /// It used all of its fuel.
    #[error("it used more than {limit} units of fuel")]
    OutOfFuel {
        /// Its limit.
        limit: u64,
    },
    /// It wanted more memory than it may have.
    #[error("it needs more than {limit_bytes} bytes of memory")]
    OutOfMemory {
        /// Its limit, in bytes, over all memories and tables.
        limit_bytes: u64,
    },
    /// Something is larger than it may be.
    #[error("{what}: more than {max}")]
    TooLarge {
        /// What: `output bytes`, `output items`, `host calls`, `host bytes`.
        what: String,
        /// How much it may be.
        max: u64,
    },
    /// The plugin says itself that it cannot answer.
    #[error("it was not able to answer: {reason}")]
    Refused {
        /// Its words, cut to 300 characters.
        reason: String,
    },
    /// The answer does not fit the input.
    #[error("its answer does not fit: `{path}` {reason}")]
    BadOutput {
        /// Which part of the answer: `[2].line-discount.amount`.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The plugin was not asked: the input is larger than it takes.
    #[error("the input has more than {max} bytes")]
    InputTooLarge {
        /// Its limit, in bytes.
        max: u64,
    },
    /// The plugin was not asked at all: as many calls as the host takes at once were under way for the whole of its time.
    #[error("all {calls_max} places for calls were taken")]
    Busy {
        /// How many calls the host makes at once.
        calls_max: u32,
    },
    /// The plugin was not asked: it does not have this hook.
    #[error("it does not have the hook `{hook}`")]
    NotAsked {
        /// The hook.
        hook: crate::Hook,
    },
}

impl Failure {
    /// A name for metrics: one of `trap`, `timeout`, `out-of-fuel`, `out-of-memory`, `too-large`, `refused`, `bad-output`,
    /// `input-too-large`, `busy`, `not-asked`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Trap { .. } => "trap",
            Self::Timeout { .. } => "timeout",
            Self::OutOfFuel { .. } => "out-of-fuel",
            Self::OutOfMemory { .. } => "out-of-memory",
            Self::TooLarge { .. } => "too-large",
            Self::Refused { .. } => "refused",
            Self::BadOutput { .. } => "bad-output",
            Self::InputTooLarge { .. } => "input-too-large",
            Self::Busy { .. } => "busy",
            Self::NotAsked { .. } => "not-asked",
        }
    }

    /// Whether it says something of the plugin, so that a breaker should count it. What does not was never a call: see
    /// [`crate::Breaker::not_made`].
    #[must_use]
    pub const fn counts(&self) -> bool {
        !matches!(self, Self::InputTooLarge { .. } | Self::Busy { .. } | Self::NotAsked { .. })
    }
}
