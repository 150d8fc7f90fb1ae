//! What somebody at headquarters decides about a node: let it in or not, keep it out for a while, or for good.
//!
//! A node that enrolled has a record, and the table of states says what can be done. One that was made known by hand has none; the same table says that it can be
//! suspended, resumed while it is suspended, and banned. Whoever is banned comes back by an admin's claim only.

use super::actor;
use crate::{
    database::{By, EnrolError},
    people::{People, audit::Line, who::Who},
};
use aisle_event::{Name, Timestamp};
use aisle_provisioning::{
    enrolment::{Change, State},
    fingerprint::Fingerprint,
};
use serde::Serialize;
use std::str::FromStr;
use utoipa::ToSchema;

/// What is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// It may come in.
    Approve,
    /// It may not.
    Reject,
    /// Not for now.
    Suspend,
    /// It may come in again.
    Resume,
    /// It may never come in again, but for a new claim.
    Ban,
}

impl Verb {
    /// In one word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.change().action().as_str()
    }

    const fn change(self) -> Change {
        match self {
            Self::Approve => Change::Approve,
            Self::Reject => Change::Reject,
            Self::Suspend => Change::Suspend,
            Self::Resume => Change::Resume,
            Self::Ban => Change::Ban,
        }
    }

    /// What it is called in the audit log.
    #[must_use]
    pub const fn note(self) -> &'static str {
        match self {
            Self::Approve => "node.approve",
            Self::Reject => "node.reject",
            Self::Suspend => "node.suspend",
            Self::Resume => "node.resume",
            Self::Ban => "node.ban",
        }
    }
}

/// A word is no verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`approve`, `reject`, `suspend`, `resume` or `ban`")]
pub struct InvalidVerb;

impl FromStr for Verb {
    type Err = InvalidVerb;

    fn from_str(text: &str) -> Result<Self, InvalidVerb> {
        let all = [Self::Approve, Self::Reject, Self::Suspend, Self::Resume, Self::Ban];
        all.into_iter().find(|verb| verb.as_str() == text).ok_or(InvalidVerb)
    }
}

/// Where a node stands after a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Decided {
    /// Its store.
    pub store: String,
    /// Its serial.
    pub node: String,
    /// `active`, `renewing`, `suspended` or `banned`.
    pub state: String,
    /// The fingerprint of the key that it asked with, as the box shows it; empty for a node that was made known by hand.
    pub key_short: String,
}

/// Decides about a node. Where `key` is given, the node must have asked with it: so nobody approves another box than the one they looked at. It is in the
/// audit log with what it was before, and so is what was refused.
///
/// # Errors
/// When there is no such node, or it is in no state for this.
pub async fn decide(
    people: &People,
    who: &Who,
    (store, node): (&str, &str),
    verb: Verb,
    reason: Option<Name>,
    key: Option<&Fingerprint>,
    now: Timestamp,
) -> Result<Decided, EnrolError> {
    let mut line = people.line(who.by(), verb.note(), &format!("{store}/{node}"), now.0);
    if let Some(reason) = &reason {
        reason.as_str().clone_into(&mut line.reason);
    }
    let decided = decided(people, who, (store, node), verb, reason, key, &line).await;
    if let Err(error) = &decided {
        people.refused(line, format!("{}: {error}", error.code())).await?;
    }
    decided
}

async fn decided(
    people: &People,
    who: &Who,
    (store, node): (&str, &str),
    verb: Verb,
    reason: Option<Name>,
    key: Option<&Fingerprint>,
    line: &Line,
) -> Result<Decided, EnrolError> {
    let done = |state: State, key_short: String| Decided {
        store: store.to_owned(),
        node: node.to_owned(),
        state: state.as_str().to_owned(),
        key_short,
    };
    let (database, by) = (people.database(), By { actor: actor(who), who: &who.name });
    match database.decide((store, node), &verb.change(), by, reason.clone(), key, line).await {
        Ok(kept) => Ok(done(kept.enrolment.state, kept.enrolment.claimed_key.short())),
        // One that was made known by hand has no record.
        Err(EnrolError::Unknown { .. }) => {
            let action = verb.change().action();
            let decided =
                database.decide_by_hand((store, node), action, by, reason.as_ref(), key, line).await;
            decided.map(|state| done(state, String::new()))
        }
        Err(error) => Err(error),
    }
}
