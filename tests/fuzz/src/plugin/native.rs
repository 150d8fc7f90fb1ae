//! The cache of native code: whatever a disk makes of a file in it, the component is compiled again and runs.

use super::{config, narrow, quiet_component};
use aisle_plugin_host::{Hook, Host, LoadedFrom};
use std::{fs, path::PathBuf};
use tempfile::TempDir;

/// A cache with one file in it.
struct Cached {
    host: Host,
    component: Vec<u8>,
    file: PathBuf,
    good: Vec<u8>,
    _dir: TempDir,
}

thread_local! {
    // Of the thread, so that its folder goes with it.
    static CACHED: Cached = Cached::new();
}

impl Cached {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let host = Host::new(config(Some(dir.path().into()))).expect("a host");
        let component = quiet_component();
        host.load(narrow(Hook::Pricing), &component).expect("it loads");
        let mut entries = fs::read_dir(dir.path()).expect("a folder");
        let file = entries.next().expect("one file").expect("an entry").path();
        let good = fs::read(&file).expect("a file");
        Self { host, component, file, good, _dir: dir }
    }

    fn with(&self, input: &[u8]) {
        let Self { host, component, file, good, .. } = self;
        fs::write(file, input).expect("a file can be written");
        let plugin = match host.load(narrow(Hook::Pricing), component) {
            Ok(plugin) => plugin,
            Err(error) => panic!("a bad file in the cache keeps a component from loading: {error}"),
        };
        let is_good = input == good;
        match plugin.loaded_from() {
            LoadedFrom::Cache => assert!(is_good, "code that is not ours was taken"),
            LoadedFrom::Recompiled { reason } => assert!(!is_good && !reason.is_empty(), "{reason}"),
            other => panic!("{other:?}"),
        }
        assert!(fs::read(file).is_ok_and(|bytes| bytes == *good), "the cache is whole again");
    }
}

/// The input stands in the place of the file.
///
/// # Panics
/// When native code is taken that is not what was written, or the component does not load.
pub fn plugin_native(input: &[u8]) {
    CACHED.with(|cached| cached.with(input));
}

/// The file as it was written.
pub(crate) fn examples() -> Vec<Vec<u8>> {
    vec![CACHED.with(|cached| cached.good.clone())]
}
