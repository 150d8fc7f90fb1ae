//! Is the index there, with a checkpoint to make it again from?

use super::{Finding, Subject};
use crate::store::{journal_dir, state_dir};

const ID: &str = "state";

pub(super) fn check(subject: &Subject<'_>) -> Finding {
    let dir = state_dir(subject.data);
    if !journal_dir(subject.data).exists() {
        return Finding::ok(ID, "none yet; the first start makes it");
    }
    let report = match aisle_state::inspect(&dir) {
        Ok(report) => report,
        Err(error) => {
            return Finding::fail(
                ID,
                format!("`{}` cannot be read: {error}", dir.display()),
                "check the disk and its permissions",
            );
        }
    };
    if report.marked_failed {
        return Finding::warn(
            ID,
            "the index failed in the last run",
            "start the node: it makes the index again from the journal",
        );
    }
    if !report.has_index {
        return Finding::warn(
            ID,
            "there is no index",
            "start the node: it makes the index again from the journal",
        );
    }
    let checkpoint = match report.checkpoint {
        Some(seq) => format!("latest checkpoint at record {seq}"),
        None => "no checkpoint yet".into(),
    };
    match report.quarantined {
        0 => Finding::ok(ID, format!("index present; {checkpoint}")),
        count => Finding::ok(
            ID,
            format!("index present; {checkpoint}; {count} old unusable index set aside in `quarantine/`"),
        ),
    }
}
