//! What happens to a rollout, what follows, and what is refused.

use super::RolloutPhase;
use crate::{
    artefact::Slot,
    gate::Check,
    name::{Metric, WaveName},
    node::{Member, NodeId},
    report::NodeReport,
    sequential::Pair,
    wave::Plan,
};
use aisle_event::StoreId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a person wants of a rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Verb {
    /// Find out who would fail.
    Preflight,
    /// It may be done.
    Approve,
    /// It may not.
    Reject {
        /// Why not.
        why: String,
    },
    /// Begin with the first wave.
    Start,
    /// Nothing new begins.
    Pause {
        /// Why.
        why: String,
    },
    /// Go on.
    Resume,
    /// Go on to the next wave, whatever the gates of this one say.
    Promote,
    /// End it; what runs is left as it is.
    Abort {
        /// Why.
        why: String,
    },
    /// Everything goes back.
    Rollback {
        /// Why.
        why: String,
    },
    /// The nodes that failed, and only they, try once more.
    RetryFailed,
    /// A store takes no part.
    Exclude {
        /// Which.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        store: StoreId,
        /// Why.
        why: String,
    },
    /// End it, though some nodes have not come to an end.
    Finish,
}

impl Verb {
    /// Its name.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Preflight => "preflight",
            Self::Approve => "approve",
            Self::Reject { .. } => "reject",
            Self::Start => "start",
            Self::Pause { .. } => "pause",
            Self::Resume => "resume",
            Self::Promote => "promote",
            Self::Abort { .. } => "abort",
            Self::Rollback { .. } => "rollback",
            Self::RetryFailed => "retry-failed",
            Self::Exclude { .. } => "exclude",
            Self::Finish => "finish",
        }
    }
}

/// A verb and who said it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Command {
    /// Who.
    pub by: String,
    /// What.
    pub verb: Verb,
}

/// What has become known.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// The preflight is over.
    Preflighted {
        /// Who is in which wave.
        plan: Plan,
        /// Why it cannot be started at all, where that is so.
        refusal: Option<String>,
        /// How many people beside its author have to approve it at least, whatever it says itself: more where it reaches much of the fleet.
        approvals_min: u8,
    },
    /// These nodes were heard of.
    Seen(Vec<NodeId>),
    /// A node has told how it stands.
    Reported {
        /// Which.
        node: NodeId,
        /// What it told.
        report: Box<NodeReport>,
    },
    /// A node has come to the fleet. If the rollout means it, it joins the last wave that does, unless later rollouts decide everything that this one would.
    Joined {
        /// Which.
        member: Box<Member>,
        /// Slots of this rollout that later ones decide for it, as [`super::Rollout::overtaken`] finds them.
        overtaken: BTreeSet<Slot>,
    },
    /// A node has left the fleet.
    Left(NodeId),
    /// The stores that those of the running wave are compared with. Until it comes, the gate of the metric waits.
    Paired {
        /// By which metric.
        metric: Metric,
        /// They; none where there are none.
        pairs: Vec<Pair>,
    },
    /// A period was measured.
    Measured {
        /// Which metric.
        metric: Metric,
        /// Which period: they only go up. What was measured before is left out.
        period: u64,
        /// What each store came to, in the unit of its past.
        values: BTreeMap<StoreId, i64>,
    },
    /// Time has passed.
    Tick,
}

/// What happens to a rollout.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A person wants something.
    Command(Command),
    /// Something has become known.
    Fact(Fact),
}

/// What follows.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// What these nodes should run is to be resolved again.
    Changed(Vec<NodeId>),
    /// It has come to another phase.
    Phase {
        /// From which.
        from: RolloutPhase,
        /// To which.
        to: RolloutPhase,
    },
    /// A wave has begun. Stores to compare with are wanted now, for each of its metrics.
    WaveStarted {
        /// Which.
        wave: WaveName,
        /// How many nodes are in it.
        nodes: u64,
    },
    /// A wave is through.
    WavePassed {
        /// Which.
        wave: WaveName,
        /// True where a person said so.
        by_person: bool,
    },
    /// A gate of a wave does not hold.
    WaveStopped {
        /// Which wave.
        wave: WaveName,
        /// What its gates say.
        checks: Vec<Check>,
    },
}

/// Why nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not in this phase.
    #[error("`{verb}` says nothing to a rollout that is {phase}\nhint: {may}")]
    NotNow {
        /// What was wanted.
        verb: &'static str,
        /// How far it is.
        phase: &'static str,
        /// What could be wanted.
        may: &'static str,
    },
    /// Who wrote it cannot approve it.
    #[error("`{by}` wrote it, and somebody else has to approve it")]
    Author {
        /// Who.
        by: String,
    },
    /// Once is enough.
    #[error("`{by}` has approved it already; {missing} more people have to")]
    Twice {
        /// Who.
        by: String,
        /// How many are missing.
        missing: u64,
    },
    /// Nobody failed.
    #[error("no node has failed")]
    NoneFailed,
    /// It was tried often enough.
    #[error(
        "it was tried {rounds} times on some nodes\nhint: release another version, or `exclude` the stores"
    )]
    Rounds {
        /// How often.
        rounds: u32,
    },
    /// No such store.
    #[error("no node of the store `{store}` is in this rollout")]
    NoStore {
        /// Which.
        store: StoreId,
    },
    /// No reason was given, or a very long one.
    #[error("`why` has {bytes} bytes, expected 1 to 500")]
    Why {
        /// How long it is.
        bytes: usize,
    },
}
