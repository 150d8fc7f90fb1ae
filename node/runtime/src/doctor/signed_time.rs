//! Does the clock agree with the time that a hub has signed?

use super::{Finding, Subject};
use crate::enrol;
use aisle_enrolment::{clock, files};
use aisle_provisioning::time::WallClock;

const ID: &str = "signed-time";
const FIX: &str = "set the clock, or start time synchronisation (`timedatectl set-ntp true`); the node itself goes by the hub's time";

pub(super) fn check(subject: &Subject<'_>) -> Finding {
    if clock::kept(&files::folder(subject.data)).is_none() {
        return Finding::ok(ID, "no hub has said the time yet");
    }
    let days = |ms: u64| {
        let hours = ms / 3_600_000;
        if hours < 48 { format!("{hours} hours") } else { format!("{} days", hours / 24) }
    };
    match enrol::clock(subject.data).wall() {
        WallClock::Behind { ms } => {
            let found = format!("the clock is at least {} behind the time that a hub has signed", days(ms));
            Finding::fail(ID, found, FIX)
        }
        WallClock::Ahead { ms } => {
            Finding::warn(ID, format!("the clock is {} ahead of the hub's", days(ms)), FIX)
        }
        WallClock::Right | WallClock::Unchecked => {
            Finding::ok(ID, "the clock is not behind the time that a hub has signed")
        }
    }
}
