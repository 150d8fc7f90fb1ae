//! Are the store's own device profiles in order?

use super::{Finding, Subject};
use crate::floor::profiles_dir;
use aisle_devices::service::ProfileDir;

const ID: &str = "profiles";

pub(super) fn check(subject: &Subject<'_>) -> Finding {
    let dir = profiles_dir(subject.data);
    let loaded = match ProfileDir::new(dir.clone()).load() {
        Ok(loaded) => loaded,
        Err(error) => {
            let found = format!("cannot read `{}`: {error}", dir.display());
            return Finding::fail(ID, found, "let the node's user read it");
        }
    };
    let Some(loaded) = loaded else { return Finding::ok(ID, "nothing to look at") };
    match loaded.refused.first() {
        None => {
            let all = loaded.profiles.names().count();
            Finding::ok(ID, format!("{all} device profiles are in force, those that come along included"))
        }
        Some(first) => {
            let (reason, hint) = first.reason.split_once("\nhint: ").unwrap_or((&first.reason, "mend it"));
            let (file, others) = (dir.join(&first.file), loaded.refused.len() - 1);
            let more = if others == 0 { String::new() } else { format!("; so are {others} others") };
            Finding::fail(
                ID,
                format!("`{}` is refused: {reason}{more}", file.display()),
                format!(
                    "{hint}; `aisle-node device profile check FILE SAMPLE` shows what it makes of a sample"
                ),
            )
        }
    }
}
