//! The gate: the only place where something becomes an [`Egress`].
//!
//! It walks an event's CBOR by the definition of its type and writes another map with what the rules allow. The walk goes over the
//! definition, not over the bytes: a field that the definition does not have is never looked at. The same walk without keys serves
//! explanations, and its mirror ([`inspect`]) serves the hub.
//!
//! Guards invariant 3.

pub(crate) mod inspect;
mod plan;
mod walk;

pub(crate) use plan::{KindPlan, Plan, Step, What};
pub(crate) use walk::{Tokens, Walked, walk};

use crate::{
    egress::{Egress, LetOut},
    fate::Fates,
    name::{Purpose, Region},
    policy::{Action, TrustedPolicy},
    token::TokenKeys,
};
use aisle_event::{Event, EventType, Hlc, LogClass};
use aisle_protocol::PolicyId;

/// Lets out to one region what a trusted policy allows.
#[derive(Debug)]
pub struct Gate {
    region: Region,
    policy: PolicyId,
    plan: Plan,
    keys: TokenKeys,
}

/// What came of an event at the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passage {
    /// This leaves.
    Leaves(Egress<Event>),
    /// Nothing of it leaves.
    Stays {
        /// Where it would have gone to.
        region: Region,
        /// The policy that kept it.
        policy: PolicyId,
        /// Its type.
        kind: EventType,
        /// The log that it would have gone to; nothing for a type that this build does not know.
        class: Option<LogClass>,
        /// What became of its fields.
        fates: Fates,
    },
}

/// Why there is no gate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    /// The policy lets nothing go there.
    #[error("policy `{policy}` has no `[[destination]]` for `{region}`")]
    Destination {
        /// The policy's name.
        policy: String,
        /// Where to.
        region: Region,
    },
    /// A rule wants tokens, and there is no key to make them with.
    #[error(
        "there is no token key for `{region}` and the purpose `{purpose}`\nhint: a policy cannot come into force before its keys"
    )]
    Key {
        /// Where to.
        region: Region,
        /// What for.
        purpose: Purpose,
    },
}

impl Passage {
    /// What leaves, if anything.
    #[must_use]
    pub fn egress(self) -> Option<Egress<Event>> {
        match self {
            Self::Leaves(egress) => Some(egress),
            Self::Stays { .. } => None,
        }
    }

    /// What became of the fields.
    #[must_use]
    pub const fn fates(&self) -> &Fates {
        match self {
            Self::Leaves(egress) => egress.fates(),
            Self::Stays { fates, .. } => fates,
        }
    }

    /// The log that it goes to, or would have gone to.
    #[must_use]
    pub const fn class(&self) -> Option<LogClass> {
        match self {
            Self::Leaves(egress) => Some(egress.class()),
            Self::Stays { class, .. } => *class,
        }
    }
}

impl Gate {
    /// The gate to a region.
    ///
    /// # Errors
    /// When the policy does not describe the region, or a rule wants tokens for which there is no key.
    pub fn new(policy: &TrustedPolicy, to: &Region, keys: TokenKeys) -> Result<Self, GateError> {
        let destination = policy
            .destinations
            .get(to)
            .ok_or_else(|| GateError::Destination { policy: policy.name().into(), region: to.clone() })?;
        for rule in destination.rules.values() {
            if let Action::Token { purpose, .. } = &rule.action
                && keys.of(to, purpose).is_none()
            {
                return Err(GateError::Key { region: to.clone(), purpose: purpose.clone() });
            }
        }
        Ok(Self { region: to.clone(), policy: policy.id(), plan: Plan::new(destination), keys })
    }

    /// Where it leads.
    #[must_use]
    pub const fn region(&self) -> &Region {
        &self.region
    }

    /// The policy that it follows.
    #[must_use]
    pub const fn policy(&self) -> PolicyId {
        self.policy
    }

    /// What of an event leaves.
    #[must_use]
    pub fn pass(&self, hlc: Hlc, event: &Event) -> Passage {
        match event {
            Event::Unknown { kind, .. } => self.stays(*kind, None, Fates::default()),
            known => self.relay(hlc, known.kind(), &known.encode()),
        }
    }

    /// What of something that a gate let out before may go on: a regional hub on the way to a global one. Fields may be missing in it,
    /// so it is no [`Event`]; bytes that are not what the type says stay whole.
    #[must_use]
    pub fn relay(&self, hlc: Hlc, kind: EventType, payload: &[u8]) -> Passage {
        let class = LogClass::of_kind(kind);
        let (Some(kind_plan), Some(class)) = (self.plan.of(kind), class) else {
            return self.stays(kind, class, Fates::default());
        };
        let tokens = Tokens::Keys { keys: &self.keys, region: &self.region };
        match walk(kind_plan, tokens, payload) {
            Walked { payload: Some(payload), fates } => Passage::Leaves(Egress::let_out(LetOut {
                region: self.region.clone(),
                policy: self.policy,
                kind,
                class,
                hlc: self.keys.coarsened(hlc, kind_plan.precision),
                payload,
                fates,
            })),
            Walked { payload: None, fates } => self.stays(kind, Some(class), fates),
        }
    }

    fn stays(&self, kind: EventType, class: Option<LogClass>, fates: Fates) -> Passage {
        Passage::Stays { region: self.region.clone(), policy: self.policy, kind, class, fates }
    }
}
