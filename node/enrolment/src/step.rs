//! The steps of a claim, as an installer sees them: numbered, each with its mark.
//!
//! Not here: what is done in them (`aisle_provisioning::claim`, [`crate::worker`]), what goes wrong ([`crate::fault`]). Guards: the numbers on the first page, on the
//! command line and in the guide are the same.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = EnrolmentStepName)]
pub enum Step {
    /// The box has a network.
    Network,
    /// The hub is reached.
    Hub,
    /// The hub proved that it is the one of the claim; its root is believed from here on.
    Root,
    /// The time is taken from the hub.
    Clock,
    /// A key is made here. It never leaves.
    Key,
    /// The request for a certificate is sent.
    Request,
    /// Somebody at headquarters approves.
    Approval,
    /// The certificate is here and the hub takes it.
    Certificate,
    /// The line to the hub is set up.
    Sync,
}

impl Step {
    /// All of them, in their order.
    pub const ALL: [Self; 9] = [
        Self::Network,
        Self::Hub,
        Self::Root,
        Self::Clock,
        Self::Key,
        Self::Request,
        Self::Approval,
        Self::Certificate,
        Self::Sync,
    ];

    /// Its number, from 1.
    #[must_use]
    pub fn number(self) -> usize {
        Self::ALL.iter().position(|step| *step == self).map_or(0, |place| place + 1)
    }

    /// What it is, in English.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Network => "The box has a network",
            Self::Hub => "The hub answers",
            Self::Root => "The hub is the right one",
            Self::Clock => "The clock is set by the hub",
            Self::Key => "The box has a key of its own",
            Self::Request => "The box has asked for its certificate",
            Self::Approval => "Headquarters approves the box",
            Self::Certificate => "The certificate is installed",
            Self::Sync => "The line to the hub is set up",
        }
    }
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = EnrolmentMark)]
pub enum Mark {
    /// Not begun.
    Open,
    /// Under way.
    Doing,
    /// Done.
    Done,
    /// It went wrong.
    Failed,
}

/// A step with what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = EnrolmentStep)]
pub struct StepReport {
    /// Its number, from 1.
    pub number: usize,
    /// Which.
    pub step: Step,
    /// What it is, in English.
    pub title: String,
    /// How far it is.
    pub mark: Mark,
    /// What there is to say: the hub's address, a fingerprint to read out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub detail: Option<String>,
}

/// All steps, none begun.
#[must_use]
pub fn none_begun() -> Vec<StepReport> {
    let open = |step: Step| StepReport {
        number: step.number(),
        step,
        title: step.title().into(),
        mark: Mark::Open,
        detail: None,
    };
    Step::ALL.into_iter().map(open).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_numbered_from_one_without_a_gap() {
        let numbers: Vec<usize> = none_begun().iter().map(|step| step.number).collect();
        assert_eq!(numbers, (1..=9).collect::<Vec<_>>());
    }
}
