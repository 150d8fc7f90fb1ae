//! Disks of a test's own: small, full, read-only.
//!
//! A disk is a tmpfs in a mount namespace that belongs to the test's thread and to the processes it starts. Nobody
//! else sees it, and it is gone with them, however the test ends.

use super::need;
use rustix::{
    io::Errno,
    mount::{MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_change, mount_remount, unmount},
    thread::{UnshareFlags, unshare_unsafe},
};
use std::{
    ffi::CString,
    fs::{self, File},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// What fills a disk up.
const BALLAST: &str = "ballast";

/// A small disk.
#[derive(Debug)]
pub(crate) struct Disk {
    root: TempDir,
}

impl Disk {
    /// A disk of so many bytes; `None`, and said aloud, where that is not allowed.
    pub(crate) fn new(bytes: u64) -> Option<Self> {
        if !need::root("a disk of its own") {
            return None;
        }
        let root = tempfile::Builder::new().prefix("aisle-disk-").tempdir().expect("a temporary directory");
        match Self::attach(root.path(), bytes) {
            Ok(()) => Some(Self { root }),
            Err(error) => {
                need::skipped(&format!("this machine does not allow a mount: {error}"));
                None
            }
        }
    }

    fn attach(at: &Path, bytes: u64) -> Result<(), Errno> {
        // SAFETY: only the mount table is made private to this thread and its children; file descriptors stay shared.
        #[expect(unsafe_code, reason = "the call can also unshare descriptors, which is not done here")]
        unsafe {
            unshare_unsafe(UnshareFlags::NEWNS)?;
        }
        mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
        let size = CString::new(format!("size={bytes}")).expect("no zero byte");
        mount("aisle-e2e", at, "tmpfs", MountFlags::empty(), size.as_c_str())
    }

    /// Where data goes.
    pub(crate) fn data(&self) -> PathBuf {
        self.root.path().join("data")
    }

    /// Takes nothing more.
    pub(crate) fn make_read_only(&self) {
        mount_remount(self.root.path(), MountFlags::RDONLY, "").expect("a tmpfs becomes read-only");
    }

    /// Fills it to the last byte.
    pub(crate) fn fill(&self) {
        let mut ballast = File::options()
            .create(true)
            .append(true)
            .open(self.root.path().join(BALLAST))
            .expect("a file can be made");
        for piece in [64 << 10, 4096, 1] {
            let zeros = vec![0_u8; piece];
            loop {
                match ballast.write(&zeros) {
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => panic!("the disk cannot be filled: {error}"),
                }
            }
        }
    }

    /// Makes room again.
    pub(crate) fn make_room(&self) {
        fs::remove_file(self.root.path().join(BALLAST)).expect("the ballast can go");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Where it cannot be unmounted it goes with the namespace.
        let _ = unmount(self.root.path(), UnmountFlags::DETACH);
    }
}
