//! How far a rollout is, as a whole.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How far a rollout is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum RolloutPhase {
    /// It is written, and nobody has begun.
    Draft,
    /// It is found out who would fail.
    Preflight,
    /// People have to approve it.
    AwaitingApproval,
    /// It may be started.
    Ready,
    /// It goes through its waves.
    Running,
    /// Nothing new begins.
    Paused {
        /// Why.
        why: String,
        /// True where a gate did it and no person.
        by_gate: bool,
    },
    /// All waves are through; those that were away join when they come.
    Settling,
    /// Every node runs it, and has proved itself.
    Done,
    /// People ended it before every node had run it.
    Finished {
        /// How many had not.
        missing: u64,
    },
    /// It goes back everywhere.
    RollingBack {
        /// Why.
        why: String,
    },
    /// No node runs it any more.
    RolledBack {
        /// Why.
        why: String,
        /// How many have not said so yet, where people did not wait for them.
        missing: u64,
    },
    /// It was ended; what runs is left as it is.
    Aborted {
        /// Why.
        why: String,
    },
}

impl RolloutPhase {
    /// Its name.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Preflight => "preflight",
            Self::AwaitingApproval => "awaiting-approval",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Paused { .. } => "paused",
            Self::Settling => "settling",
            Self::Done => "done",
            Self::Finished { .. } => "finished",
            Self::RollingBack { .. } => "rolling-back",
            Self::RolledBack { .. } => "rolled-back",
            Self::Aborted { .. } => "aborted",
        }
    }

    /// True before any node was given anything.
    #[must_use]
    pub const fn is_before(&self) -> bool {
        matches!(self, Self::Draft | Self::Preflight | Self::AwaitingApproval | Self::Ready)
    }

    /// True while it can be rehearsed: nothing begins just now, and something may begin later.
    #[must_use]
    pub const fn may_rehearse(&self) -> bool {
        self.is_before() || matches!(self, Self::Paused { .. })
    }

    /// True when nothing follows by itself any more.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self, Self::Done | Self::Finished { .. } | Self::RolledBack { .. } | Self::Aborted { .. })
    }
}

impl fmt::Display for RolloutPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
