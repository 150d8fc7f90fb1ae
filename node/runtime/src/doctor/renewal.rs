//! Is the certificate renewed when its time has come?

use super::{Finding, Subject};
use crate::enrol;
use aisle_event::Timestamp;
use aisle_provisioning::{certificate::Facts, renewal::due_at};

const ID: &str = "renewal";
const DAY_MS: u64 = 24 * 3_600_000;
/// So many days without a renewal are what a line that is down explains.
const OVERDUE_DAYS: u64 = 7;
const FIX: &str =
    "look at `aisle-node status`: it says what the hub answered; the node goes on trying by itself";

pub(super) fn check(subject: &Subject<'_>) -> Finding {
    // What is wrong with it, `identity` says.
    match aisle_enrolment::identity_on_disk(subject.data) {
        Ok(Some(facts)) => judge(&facts, enrol::clock(subject.data).guess()),
        _ => Finding::ok(ID, "nothing to renew"),
    }
}

fn judge(facts: &Facts, now: Timestamp) -> Finding {
    let end = facts.validity.not_after;
    let overdue = now.ms_since(due_at(facts)) / DAY_MS;
    let left = end.ms_since(now) / DAY_MS;
    if now > end {
        let found = format!("the certificate ran out {} days ago", now.ms_since(end) / DAY_MS);
        return Finding::warn(ID, format!("{found}; the node asks for a new one with its old key"), FIX);
    }
    if overdue >= OVERDUE_DAYS {
        let found = format!("a renewal is {overdue} days overdue; the certificate holds for {left} more");
        return Finding::warn(ID, found, FIX);
    }
    Finding::ok(ID, format!("the certificate holds for {left} days and is renewed at half its life"))
}
