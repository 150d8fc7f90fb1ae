//! Is the wall clock plausible? Order does not depend on it, but the times on receipts do.

use super::{Finding, Subject};
use crate::store::{journal_dir, wall_clock};
use aisle_journal::{RealIo, read_only, stats};
use std::{path::Path, sync::Arc};

const ID: &str = "clock";
/// The day this check was written: no clock that is right shows an earlier one.
const EARLIEST_MS: i64 = 1_795_219_200_000;
/// Further behind the journal than this is no leap second.
const BEHIND_MS_MAX: i64 = 60_000;
const FIX: &str = "set the clock, or start time synchronisation (`timedatectl set-ntp true`)";

pub(super) fn check(subject: &Subject<'_>) -> Finding {
    let now = wall_clock().0;
    let shown =
        jiff::Timestamp::from_millisecond(now).map_or_else(|_| format!("{now} ms"), |time| time.to_string());
    if now < EARLIEST_MS {
        return Finding::fail(ID, format!("shows {shown}, which is in the past"), FIX);
    }
    match last_recorded_ms(&journal_dir(subject.data)) {
        Some(last) if last > now.saturating_add(BEHIND_MS_MAX) => {
            let minutes = (last - now) / 60_000;
            Finding::warn(ID, format!("shows {shown}, {minutes} minutes behind the journal"), FIX)
        }
        _ => Finding::ok(ID, format!("shows {shown}")),
    }
}

/// The journal's own time of its last record, where there is one.
pub(super) fn last_recorded_ms(dir: &Path) -> Option<i64> {
    let last = stats(dir, &RealIo).ok()?.last;
    let record = read_only(dir, Arc::new(RealIo), last).ok()?.next()?.ok()?;
    Some(record.hlc.ms().cast_signed())
}
