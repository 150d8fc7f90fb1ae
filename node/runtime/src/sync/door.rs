//! The one door that a policy comes in by while the node runs: sent by the hub over the line, or ordered as a signed artefact.
//!
//! Whoever brings it, it is held against the same: a key of `sync.policy_keys` has signed it, its version is later than what is in force, it is for records of this store's region and
//! lets the gate to the hub's region be made. It is durable before it is followed. While the outbox runs it is told at once; else the next start of it finds what is kept.
//!
//! Not here: what a policy says (`aisle-residency`), who ordered it (`crate::fleet`). Guards invariant 3: signatures of artefacts open no second way past the signature of
//! whoever answers for privacy.

use super::{
    Line, Settings,
    files::{self, Secrets},
    policy::{self, PolicyError, SentError, Signed},
};
use aisle_outbox::Follower;
use aisle_protocol::PolicyId;
use aisle_residency::{Gate, GateError, TrustedPolicy};
use std::sync::{MutexGuard, PoisonError};

/// Why a policy does not come into force.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TakeError {
    /// It is not what may follow.
    #[error(transparent)]
    Sent(#[from] SentError),
    /// There is no gate by it.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// The disk.
    #[error(transparent)]
    Disk(#[from] PolicyError),
}

impl TakeError {
    /// True when it would come to the same at the next try.
    pub(crate) const fn is_final(&self) -> bool {
        !matches!(self, Self::Disk(_))
    }
}

/// Who is told of a policy while the outbox runs.
pub(super) struct Open {
    follower: Follower,
    accepted: PolicyId,
    store_secret: [u8; 32],
    token_secret: [u8; 32],
}

/// The door, which one passes at a time.
pub(super) type Door = Option<Open>;

/// What has been looked at: which policy it is, and the policy where it is not in force already.
type Looked = (PolicyId, Option<(TrustedPolicy, Signed)>);

impl Line {
    /// Nobody else brings a policy meanwhile.
    pub(super) fn door(&self) -> MutexGuard<'_, Door> {
        // Nothing in it is ever half changed.
        self.0.door.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The outbox runs. What has come in since it was opened is followed now.
    pub(super) fn open_door(&self, follower: Follower, follows: PolicyId, secrets: &Secrets) {
        let (store_secret, token_secret) = (secrets.store, secrets.token);
        let mut door = self.door();
        let mut open = Open { follower, accepted: follows, store_secret, token_secret };
        let settings = self.settings();
        if let Ok((_, Some(policy))) = current(self, settings)
            && policy.id().version > follows.version
        {
            let id = policy.id();
            let keys = policy::token_keys(&policy, &settings.region, &store_secret, &token_secret);
            match open.follower.follow(policy, keys) {
                Ok(()) => open.accepted = id,
                Err(error) => tracing::error!(%id, %error, "a policy that was taken is not followed"),
            }
        }
        *door = Some(open);
    }

    /// The outbox runs no more.
    pub(super) fn close_door(&self) {
        *self.door() = None;
    }

    /// Which policy is in force, or will be as soon as the outbox runs.
    pub(crate) fn policy_in_force(&self) -> Option<PolicyId> {
        if let Some(open) = &*self.door() {
            return Some(open.accepted);
        }
        current(self, self.settings()).ok().and_then(|(id, _)| id)
    }

    /// Whether a policy would come in: everything but keeping and following it. Gives which it is.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn would_take_policy(&self, document: &[u8]) -> Result<PolicyId, TakeError> {
        let door = self.door();
        self.look(document, None, &door).map(|(id, _)| id)
    }

    /// Brings a policy into force, and changes nothing where it is. It is durable when this returns. Blocks. Gives which it is.
    ///
    /// # Errors
    /// When it must not come into force, or cannot be kept; what was in force stays.
    pub(crate) fn take_policy(
        &self,
        document: &[u8],
        announced: Option<PolicyId>,
    ) -> Result<PolicyId, TakeError> {
        let mut door = self.door();
        let (id, new) = self.look(document, announced, &door)?;
        let Some((policy, signed)) = new else { return Ok(id) };
        signed.keep(&files::policy_path(self.data()))?;
        if let Some(open) = &mut *door {
            let region = &self.settings().region;
            let keys = policy::token_keys(&policy, region, &open.store_secret, &open.token_secret);
            open.follower.follow(policy, keys)?;
            open.accepted = id;
        }
        drop(door);
        tracing::info!(%id, "a policy came into force");
        self.view().policy = None;
        Ok(id)
    }

    fn look(&self, document: &[u8], announced: Option<PolicyId>, door: &Door) -> Result<Looked, TakeError> {
        let settings = self.settings();
        let (disk, in_force) = current(self, settings)?;
        let current = door.as_ref().map(|open| open.accepted).or(disk);
        let (id, new) = policy::sent(document, announced, current, &settings.policy_keys)?;
        if let Some((policy, _)) = &new {
            if let Some(home) =
                in_force.as_ref().map(|policy| policy.home()).filter(|it| *it != policy.home())
            {
                return Err(SentError::Home { found: policy.home().clone(), home: home.clone() }.into());
            }
            // Which keys there are is said by the policy alone: any will do to look whether the gate can be made.
            let keys = policy::token_keys(policy, &settings.region, &[0; 32], &[0; 32]);
            Gate::new(policy, &settings.region, keys)?;
        }
        Ok((id, new))
    }
}

fn current(
    line: &Line,
    settings: &Settings,
) -> Result<(Option<PolicyId>, Option<TrustedPolicy>), PolicyError> {
    policy::current(&settings.policy_file, &files::policy_path(line.data()), &settings.policy_keys)
}
