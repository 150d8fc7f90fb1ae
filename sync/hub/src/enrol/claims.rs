//! Claims for commands and the HTTP interface: made and shown once.

use super::role;
use crate::{
    config::Enrolment,
    database::{ClaimNotKept, ClaimRow, DatabaseError, KeptClaim},
    people::{People, who::Who},
};
use aisle_event::Timestamp;
use aisle_provisioning::{
    authority::{AuthorityFolder, FolderError},
    claim::{Claim, ClaimLink, ClaimSlip, Locator, SlipError},
    disk::RealDisk,
    entropy::{NoEntropy, SystemEntropy},
    fingerprint::Fingerprint,
    identity::{Serial, Store},
};
use std::sync::Arc;

/// How often a code is drawn until its first part is nobody else's.
const DRAWS_MAX: u32 = 8;

/// Why there is no claim.
#[derive(Debug, thiserror::Error)]
pub enum ClaimFailed {
    /// It was not kept.
    #[error(transparent)]
    Kept(#[from] ClaimNotKept),
    /// The authority cannot be looked at.
    #[error(transparent)]
    Authority(#[from] FolderError),
    /// The authority has no root.
    #[error("the authority has no root")]
    NoRoot,
    /// There is no randomness.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
    /// It cannot be drawn.
    #[error(transparent)]
    Slip(#[from] SlipError),
}

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// For which store.
    pub store: Store,
    /// For which box; for any when nobody says.
    pub serial: Option<Serial>,
    /// How long it can be used, in milliseconds; as the configuration has it, when nobody says.
    pub holds_ms: Option<u64>,
}

/// The root that claims name.
///
/// # Errors
/// When there is no authority.
pub fn root(config: &Enrolment) -> Result<Fingerprint, ClaimFailed> {
    let roots = AuthorityFolder::new(Arc::new(RealDisk), &config.authority).roots()?;
    // Where one root takes the other's place, the last one is to stay.
    roots.facts().last().map(|facts| facts.key).ok_or(ClaimFailed::NoRoot)
}

/// Makes a claim, keeps its hashes, and gives what is handed to an installer. The code is nowhere else.
///
/// # Errors
/// When it cannot be made or kept.
pub async fn create(
    people: &People,
    who: &Who,
    config: &Enrolment,
    wanted: Wanted,
    now: Timestamp,
) -> Result<ClaimSlip, ClaimFailed> {
    let root = root(config)?;
    let holds_ms = wanted.holds_ms.unwrap_or(config.claim_ms);
    let mut draws = 0;
    let (claim, code) = loop {
        let (claim, code) = Claim::draw(
            wanted.store.clone(),
            wanted.serial.clone(),
            now,
            holds_ms,
            &mut SystemEntropy::default(),
        )?;
        let kept = KeptClaim { claim: claim.clone(), made_by: who.name.clone(), made_role: role(who) };
        draws += 1;
        let line = people.line(who.by(), "claim.create", claim.locator.as_str(), now.0);
        match people.database().keep_claim(&kept, &line).await {
            Ok(()) => break (claim, code),
            // One in thirty million claims has the locator of another one.
            Err(ClaimNotKept::Taken) if draws < DRAWS_MAX => {}
            Err(error) => return Err(error.into()),
        }
    };
    let (store, serial, expires_at) = (claim.store.clone(), claim.serial.clone(), claim.expires_at);
    let link = ClaimLink { code, hub: config.address.clone(), root };
    Ok(ClaimSlip { link, store, serial, expires_at })
}

/// Takes a claim back, and gives it as it is then; `None` when there is none. One that was used stays used.
///
/// # Errors
/// When the database cannot take it.
pub async fn withdraw(
    people: &People,
    who: &Who,
    locator: &Locator,
    now: Timestamp,
) -> Result<Option<ClaimRow>, DatabaseError> {
    let line = people.line(who.by(), "claim.withdraw", locator.as_str(), now.0);
    Ok(people.database().withdraw_claim(locator, &line).await?.map(|kept| kept.row(now)))
}
