//! Somebody else's reader: the `openssl` command.

use std::{fs, path::PathBuf, process::Command};
use tempfile::TempDir;

pub struct OpenSsl {
    folder: TempDir,
}

impl OpenSsl {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        fs::write(self.path(name), bytes).unwrap();
        self
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Runs a command in the folder: its output, or its complaint.
    pub fn run(&self, command: &str) -> Result<String, String> {
        let output = Command::new("openssl")
            .args(command.split_whitespace())
            .current_dir(self.folder.path())
            .output()
            .expect("`openssl` is installed\nhint: apt-get install openssl");
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    pub fn must(&self, command: &str) -> String {
        self.run(command).unwrap_or_else(|complaint| panic!("openssl {command}: {complaint}"))
    }
}
