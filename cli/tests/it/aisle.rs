//! The binary under test, and plugins for it that are built once: the folder is kept from run to run, so that only what changed is
//! compiled again.

use serde_json::Value;
use std::{
    ffi::OsStr,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// What came of a run.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// Runs the binary in a folder.
pub fn aisle<S: AsRef<OsStr>>(directory: &Path, arguments: impl IntoIterator<Item = S>) -> Ran {
    let Output { status, stdout, stderr } = command(directory, arguments).output().unwrap();
    Ran {
        code: status.code(),
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
    }
}

/// The binary, to be run.
pub fn command<S: AsRef<OsStr>>(directory: &Path, arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aisle"));
    command.current_dir(directory).args(arguments);
    for own in ["AISLE_NODE", "AISLE_TOKEN_FILE", "AISLE_PLUGIN_SDK"] {
        command.env_remove(own);
    }
    // One build of the standard library for all plugins of these tests, whose names differ.
    command.env("AISLE_PLUGIN_TARGET_DIR", kept().join("guests"));
    command.env("AISLE_PLUGIN_CACHE_DIR", kept().join("compiled"));
    command
}

impl Ran {
    /// Did what it was asked.
    #[track_caller]
    pub fn well(self) -> Self {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self
    }

    /// Ended with this code.
    #[track_caller]
    pub fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self
    }

    /// Says this somewhere.
    #[track_caller]
    pub fn says(self, part: &str) -> Self {
        assert!(
            self.out.contains(part) || self.err.contains(part),
            "no `{part}` in\n{}{}",
            self.out,
            self.err
        );
        self
    }

    /// The lines of its answer, each a JSON value.
    #[track_caller]
    pub fn lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    /// The one line of its answer.
    #[track_caller]
    pub fn json(&self) -> Value {
        let lines = self.lines();
        assert_eq!(lines.len(), 1, "{}", self.out);
        lines[0].clone()
    }
}

fn kept() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
}

/// A plugin's folder as `new` makes it, built. Belongs to all tests: nobody changes it.
pub fn template(hook: &str) -> PathBuf {
    made(&format!("a-{hook}"), hook)
}

/// The component of such a folder.
pub fn component(folder: &Path) -> PathBuf {
    let name = folder.file_name().unwrap().to_str().unwrap();
    folder.join("target").join(format!("{name}.wasm"))
}

/// Makes a plugin under a name of its own, or brings it up to date, and builds it.
pub fn made(name: &str, hook: &str) -> PathBuf {
    let folder = kept().join(name);
    // Tests are processes of their own, and run at the same time.
    let lock = File::create(kept().join(format!("{name}.lock"))).unwrap();
    lock.lock().unwrap();
    let fresh = tempfile::tempdir_in(kept()).unwrap();
    let path = fresh.path().join(name);
    aisle(fresh.path(), ["plugin", "new", name, "--hook", hook, "--path", path.to_str().unwrap()]).well();
    bring(&path, &folder);
    aisle(&folder, ["plugin", "build"]).well();
    folder
}

/// Brings what differs, so that what does not is not compiled again.
fn bring(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            bring(&source, &target);
        } else if entry.file_name() == "Cargo.lock" && target.exists() {
            // Cargo has made it its own.
        } else if fs::read(&source).ok() != fs::read(&target).ok() {
            fs::copy(&source, &target).unwrap();
        }
    }
}

/// A folder with a component and its manifest, which can be changed.
pub fn shipped(folder: &Path, change: impl FnOnce(&str) -> String) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::copy(component(folder), directory.path().join("plugin.wasm")).unwrap();
    let manifest = fs::read_to_string(folder.join("plugin.toml")).unwrap();
    fs::write(directory.path().join("plugin.toml"), change(&manifest)).unwrap();
    directory
}
