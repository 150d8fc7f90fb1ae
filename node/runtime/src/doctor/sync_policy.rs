//! Which residency policy is in force, and does it let anything out to the hub?

use super::{Finding, Subject};
use crate::sync::{
    files,
    policy::{InForce, in_force, token_keys},
    words,
};
use aisle_residency::Gate;

const ID: &str = "sync-policy";
const FIX: &str = "put the policy and its signature back, as the privacy officer has signed them";

pub(super) fn check(subject: &Subject<'_>) -> Finding {
    let settings = match subject.sync(ID) {
        Ok((_, settings)) => settings,
        Err(finding) => return finding,
    };
    let kept = files::policy_path(subject.data);
    let InForce { policy, notice, .. } = match in_force(&settings.policy_file, &kept, &settings.policy_keys) {
        Ok(found) => found,
        Err(error) => return failed(&words(&error)),
    };
    let region = &settings.region;
    // Whether there is a key for each purpose is asked here, not which.
    if let Err(error) = Gate::new(&policy, region, token_keys(&policy, region, &[0; 32], &[0; 32])) {
        return failed(&words(&error));
    }
    match notice {
        Some(notice) => {
            let (found, fix) = notice.split_once("\nhint: ").unwrap_or((&notice, FIX));
            Finding::warn(ID, found, fix)
        }
        None => {
            let (name, version) = (policy.name(), policy.id().version);
            Finding::ok(ID, format!("version {version} of `{name}` says what leaves for `{region}`"))
        }
    }
}

fn failed(text: &str) -> Finding {
    let (found, fix) = text.split_once("\nhint: ").unwrap_or((text, FIX));
    Finding::fail(ID, found, fix)
}
