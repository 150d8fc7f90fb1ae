//! Is there room for the journal to grow?

use super::{Finding, Subject, existing};

const ID: &str = "disk-space";
/// Below this a busy week does not fit.
const WARN_BYTES: u64 = 2 << 30;
/// Below this the next segments do not fit.
const FAIL_BYTES: u64 = 256 << 20;

pub(super) fn check(subject: &Subject<'_>) -> Finding {
    let dir = existing(subject.data);
    let stat = match rustix::fs::statvfs(dir) {
        Ok(stat) => stat,
        Err(error) => {
            return Finding::fail(
                ID,
                format!("`{}` cannot be asked: {error}", dir.display()),
                "check that the disk is mounted",
            );
        }
    };
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let found = format!("{:.1} GiB free at `{}`", free as f64 / (1_u64 << 30) as f64, dir.display());
    let fix = "free some room, or point `--data` at a larger disk";
    match free {
        0..FAIL_BYTES => Finding::fail(ID, found, fix),
        FAIL_BYTES..WARN_BYTES => Finding::warn(ID, found, fix),
        _ => Finding::ok(ID, found),
    }
}
