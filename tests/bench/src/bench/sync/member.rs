//! A store's keys, and what lets it in at a hub.

use aisle_harness::hub::{HubUnderTest, POLICY, Papers, REGION};
use aisle_residency::{Purpose, Region, TrustedPolicy, signing::SigningKey, token::TokenKeys};
use aisle_transport::Credentials;
use anyhow::{Context, Result};
use data_encoding::HEXLOWER;
use std::sync::Arc;

/// The store that sells.
pub(super) const STORE: &str = "berlin-12";
/// The node of every store here.
pub(super) const NODE: &str = "1";
/// The purposes that the policy makes tokens for.
const PURPOSES: [&str; 4] = ["loyalty", "visits", "audit", "membership"];

/// What receipts are signed with. The same in every run: what is measured does not hang on it.
pub(super) fn receipt_key() -> Result<Arc<SigningKey>> {
    Ok(Arc::new(SigningKey::from_seed(&[9; 32])?))
}

pub(super) fn region() -> Result<Region> {
    Ok(Region::new(REGION)?)
}

/// The policy that the hub wants, trusted without its officer: a policy is known by the hash of its text.
pub(super) fn policy() -> Result<TrustedPolicy> {
    let officer = SigningKey::from_seed(&[7; 32])?;
    let signature = officer.sign(POLICY.as_bytes());
    TrustedPolicy::open(POLICY.as_bytes(), &signature, &[officer.verifying_key()])
        .context("the policy that comes along is refused")
}

pub(super) fn token_keys() -> Result<TokenKeys> {
    let (region, mut keys) = (region()?, TokenKeys::new(&[43; 32]));
    for purpose in PURPOSES {
        keys = keys.with_derived(&region, &Purpose::new(purpose)?, 1, &[42; 32]);
    }
    Ok(keys)
}

/// Lets a store come to a hub; what its node shows there.
pub(super) fn join(hub: &HubUnderTest, store: &str) -> Result<Credentials> {
    hub.register(store, NODE, &HEXLOWER.encode(&receipt_key()?.verifying_key().0))?;
    let Papers { certificate, key, roots } = hub.authority().node(store, NODE)?;
    Ok(Credentials::from_pem(certificate.as_bytes(), key.as_bytes(), roots.as_bytes())?)
}
