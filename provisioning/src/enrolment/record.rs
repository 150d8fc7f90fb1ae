//! A node as the hub keeps it, and what a change does to it and to others.

use super::state::{Action, Actor, State, TransitionError};
use crate::{
    certificate::{CertificateNumber, Facts},
    code::Code,
    device::revocation::{Entry, What},
    fingerprint::Fingerprint,
    identity::Identity,
    moment::Validity,
};
use aisle_event::{Name, Timestamp};

/// Within this time, in milliseconds, a node that was banned or suspended has no session at any hub. A hub looks at least three times as often
/// ([`BAN_LOOK_MS`]), so that one look may fail.
pub const BAN_TAKES_EFFECT_MS: u64 = 60_000;
/// How often a hub looks for changes of others' doing, in milliseconds, at least.
pub const BAN_LOOK_MS: u64 = BAN_TAKES_EFFECT_MS / 3;

/// A certificate that a node was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Its number.
    pub number: CertificateNumber,
    /// Its key.
    pub key: Fingerprint,
    /// For how long it holds.
    pub validity: Validity,
}

impl From<&Facts> for Credential {
    fn from(facts: &Facts) -> Self {
        Self { number: facts.number.clone(), key: facts.key, validity: facts.validity }
    }
}

/// A node, as the hub keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// Who it is.
    pub identity: Identity,
    /// Where it stands.
    pub state: State,
    /// Since when.
    pub since: Timestamp,
    /// What brought it there. The first claim counts as [`Action::Reclaim`].
    pub through: Action,
    /// Who brought it there.
    pub by: Actor,
    /// Why.
    pub reason: Option<Name>,
    /// The key that the claim was shown with. The first certificate is for this one.
    pub claimed_key: Fingerprint,
    /// The certificate in use.
    pub current: Option<Credential>,
    /// The one that was issued last and not shown yet.
    pub next: Option<Credential>,
}

/// What happens to a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// See [`Action::Queue`].
    Queue,
    /// See [`Action::Approve`].
    Approve,
    /// See [`Action::Reject`].
    Reject,
    /// See [`Action::Issue`].
    Issue(Credential),
    /// See [`Action::Prove`]: the number of the certificate that it has shown.
    Prove(CertificateNumber),
    /// See [`Action::Suspend`].
    Suspend,
    /// See [`Action::Resume`].
    Resume,
    /// See [`Action::Ban`].
    Ban,
    /// See [`Action::Reclaim`]: the key of the box that is there now. The actor is who made the claim.
    Reclaim(Fingerprint),
}

impl Change {
    /// What it is.
    #[must_use]
    pub const fn action(&self) -> Action {
        match self {
            Self::Queue => Action::Queue,
            Self::Approve => Action::Approve,
            Self::Reject => Action::Reject,
            Self::Issue(_) => Action::Issue,
            Self::Prove(_) => Action::Prove,
            Self::Suspend => Action::Suspend,
            Self::Resume => Action::Resume,
            Self::Ban => Action::Ban,
            Self::Reclaim(_) => Action::Reclaim,
        }
    }
}

/// What has to be done besides keeping the record, in the same transaction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Effects {
    /// All sessions of the node end, at this hub at once and at every other within [`BAN_TAKES_EFFECT_MS`].
    pub close_sessions: bool,
    /// What goes onto the revocation list.
    pub revoke: Vec<Entry>,
    /// Whose ban is taken off it.
    pub lift: Vec<Identity>,
}

/// Why a change is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// It is not in the table.
    #[error(transparent)]
    Transition(#[from] TransitionError),
    /// Nobody has said why.
    #[error("to {action} a node needs a reason\nhint: whoever stands before the box will read it")]
    Reason {
        /// What was to be done.
        action: Action,
    },
    /// The certificate is for another key than the claim.
    #[error("the first certificate is for the key {}, and the claim was shown with {}", .found.short(), .claimed.short())]
    OtherKey {
        /// The certificate's.
        found: Fingerprint,
        /// The claim's.
        claimed: Fingerprint,
    },
    /// The certificate that was shown is none of the node's.
    #[error("certificate {number} is none that this node has\nhint: it was replaced by a newer one")]
    OtherCertificate {
        /// Which was shown.
        number: CertificateNumber,
    },
}

impl ChangeError {
    /// What an installer is shown.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Transition(error) => error.code(),
            Self::Reason { .. } => Code::NotInThisState,
            Self::OtherKey { .. } => Code::KeyRefused,
            Self::OtherCertificate { .. } => Code::CertificateReplaced,
        }
    }
}

impl Enrolment {
    /// A box that has just shown a claim.
    #[must_use]
    pub const fn claimed(identity: Identity, key: Fingerprint, now: Timestamp) -> Self {
        Self {
            identity,
            state: State::Claimed,
            since: now,
            through: Action::Reclaim,
            by: Actor::Node,
            reason: None,
            claimed_key: key,
            current: None,
            next: None,
        }
    }

    /// The record after a change, and what else has to be done. The record itself stays as it is: the hub writes the new one where the old one
    /// still is.
    ///
    /// # Errors
    /// When the change is not in the table, lacks its reason, or does not fit the node's certificates.
    pub fn apply(
        &self,
        change: &Change,
        actor: Actor,
        reason: Option<Name>,
        now: Timestamp,
    ) -> Result<(Self, Effects), ChangeError> {
        let action = change.action();
        let state = self.state.after(action, actor)?;
        if action.needs_reason() && reason.is_none() {
            return Err(ChangeError::Reason { action });
        }
        let mut after = Self { state, since: now, through: action, by: actor, reason, ..self.clone() };
        let mut effects = Effects::default();
        match change {
            Change::Queue | Change::Approve => {}
            Change::Issue(credential) => after.issue(credential, now, &mut effects)?,
            Change::Prove(number) => after.prove(number, now, &mut effects)?,
            Change::Suspend => effects.close_sessions = true,
            Change::Resume if after.next.is_some() => after.state = State::Renewing,
            Change::Resume => {}
            Change::Reject | Change::Ban => {
                effects.close_sessions = true;
                let what = What::Identity(self.identity.clone());
                effects.revoke.push(Entry { what, since: now, until: None });
                after.drop_credentials(now, &mut effects);
            }
            Change::Reclaim(key) => {
                after.claimed_key = *key;
                effects.close_sessions = true;
                effects.lift.push(self.identity.clone());
                after.drop_credentials(now, &mut effects);
            }
        }
        // A change that changes nothing leaves the record's history alone.
        if after.state == self.state
            && after.current == self.current
            && after.next == self.next
            && action == Action::Prove
        {
            after = self.clone();
        }
        Ok((after, effects))
    }

    fn issue(
        &mut self,
        credential: &Credential,
        now: Timestamp,
        effects: &mut Effects,
    ) -> Result<(), ChangeError> {
        let Some(current) = &self.current else {
            if credential.key != self.claimed_key {
                return Err(ChangeError::OtherKey { found: credential.key, claimed: self.claimed_key });
            }
            self.current = Some(credential.clone());
            self.state = State::Active;
            return Ok(());
        };
        // Whoever asks twice for one key has lost the first answer.
        let replaced = if current.key == credential.key {
            self.state = if self.next.is_some() { State::Renewing } else { State::Active };
            self.current.replace(credential.clone())
        } else {
            self.next.replace(credential.clone())
        };
        effects.revoke.extend(replaced.map(|old| superseded(&old, now)));
        Ok(())
    }

    fn prove(
        &mut self,
        number: &CertificateNumber,
        now: Timestamp,
        effects: &mut Effects,
    ) -> Result<(), ChangeError> {
        if self.current.as_ref().is_some_and(|current| current.number == *number) {
            // The old one is shown while the new one waits: nothing is proved.
            self.state = if self.next.is_some() { State::Renewing } else { State::Active };
            return Ok(());
        }
        let next = self.next.take_if(|next| next.number == *number);
        let next = next.ok_or_else(|| ChangeError::OtherCertificate { number: number.clone() })?;
        let old = self.current.replace(next);
        effects.revoke.extend(old.map(|old| superseded(&old, now)));
        Ok(())
    }

    fn drop_credentials(&mut self, now: Timestamp, effects: &mut Effects) {
        for old in [self.current.take(), self.next.take()].into_iter().flatten() {
            effects.revoke.push(superseded(&old, now));
        }
    }
}

fn superseded(old: &Credential, now: Timestamp) -> Entry {
    Entry { what: What::Certificate(old.number.clone()), since: now, until: Some(old.validity.not_after) }
}
