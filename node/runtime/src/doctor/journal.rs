//! Is the journal whole?

use super::{Finding, Subject};
use crate::store::journal_dir;
use aisle_journal::RealIo;

const ID: &str = "journal";

pub(super) fn check(subject: &Subject<'_>) -> Finding {
    let dir = journal_dir(subject.data);
    if !dir.exists() {
        return Finding::ok(ID, "none yet; the first start makes it");
    }
    match aisle_journal::verify(&dir, &RealIo) {
        Ok(verified) if verified.damages.is_empty() => Finding::ok(
            ID,
            format!("{} records in {} segments are whole", verified.records, verified.segments),
        ),
        Ok(verified) => {
            let damages: Vec<String> = verified.damages.iter().map(ToString::to_string).collect();
            let fix = "restore the store from a backup, or start the node: it sets the damaged segment aside and goes on";
            Finding::fail(ID, damages.join("; "), fix)
        }
        Err(error) => Finding::fail(
            ID,
            format!("`{}` cannot be read: {error}", dir.display()),
            "check the disk and its permissions",
        ),
    }
}
