//! A clock that shows another time to one process: the library behind `faketime`. The command itself would stand between the test
//! and the node, and take the signals.

use super::need;
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

type Variables = Vec<(OsString, OsString)>;

/// What sets the clock to this time, UTC, when the process starts.
pub(crate) fn set_to(time: &str) -> Variables {
    let mut variables = preloaded();
    variables.push(("FAKETIME".into(), format!("@{time}").into()));
    variables
}

/// A clock that is set while the process runs.
pub(crate) struct Adjustable(PathBuf);

impl Adjustable {
    /// Shows the true time at first. Its file is written beside others of the test.
    pub(crate) fn new(file: PathBuf) -> Self {
        let clock = Self(file);
        clock.ahead_days(0);
        clock
    }

    /// So many days ahead of the true time, from about a second on.
    pub(crate) fn ahead_days(&self, days: u32) {
        let beside = self.0.with_extension("new");
        fs::write(&beside, format!("+{}\n", u64::from(days) * 86_400)).expect("a file can be written");
        fs::rename(&beside, &self.0).expect("a file can be renamed");
    }

    /// What makes a process go by it.
    pub(crate) fn variables(&self) -> Variables {
        let mut variables = preloaded();
        variables.push(("FAKETIME_TIMESTAMP_FILE".into(), self.0.clone().into()));
        variables.push(("FAKETIME_CACHE_DURATION".into(), "1".into()));
        variables
    }
}

fn preloaded() -> Variables {
    vec![
        ("LD_PRELOAD".into(), library().into()),
        ("FAKETIME_DONT_FAKE_MONOTONIC".into(), "1".into()),
        ("TZ".into(), "UTC".into()),
    ]
}

fn library() -> PathBuf {
    need::program("faketime", "faketime");
    fs::read_dir(Path::new("/usr/lib"))
        .expect("there are libraries")
        .flatten()
        .map(|entry| entry.path().join("faketime/libfaketimeMT.so.1"))
        .find(|library| library.is_file())
        .expect("`libfaketime` comes with `faketime`")
}
