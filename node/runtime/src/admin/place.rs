//! Where a running node is reached: `admin.url` in its data directory, locked for as long as it runs.
//!
//! The lock tells a node that runs from one that was killed, so that no token is sent to whoever has its port now.

use anyhow::{Context, bail};
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
};

/// The file, below the node's data.
const URL_FILE: &str = "admin.url";
/// So much of the file is read.
const BYTES_MAX: u64 = 256;

/// The node's address, known to its commands until this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _locked: File,
    path: PathBuf,
}

impl Place {
    /// Makes the address known.
    pub(crate) fn take(data: &Path, bound: SocketAddr) -> anyhow::Result<Self> {
        let path = data.join(URL_FILE);
        let wrong = || format!("cannot write `{}`", path.display());
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(false).open(&path).with_context(wrong)?;
        // A command may look at it this very moment; another node is kept out by the journal's lock.
        flock(&file, FlockOperation::LockExclusive).with_context(wrong)?;
        file.set_len(0).with_context(wrong)?;
        writeln!(file, "{}", url(bound)).with_context(wrong)?;
        Ok(Self { _locked: file, path })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What cannot be removed is unlocked by its closing, which says the same.
        drop(std::fs::remove_file(&self.path));
    }
}

/// Where the node of a data directory is; an error that says what to do when none runs.
pub(crate) fn find(data: &Path) -> anyhow::Result<String> {
    let path = data.join(URL_FILE);
    let unreadable = || format!("cannot read `{}`", path.display());
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => bail!(none(data)),
        Err(error) => return Err(error).with_context(unreadable),
    };
    if flock(&file, FlockOperation::NonBlockingLockShared).is_ok() {
        bail!(none(data));
    }
    let mut text = String::new();
    (&mut file).take(BYTES_MAX).read_to_string(&mut text).with_context(unreadable)?;
    Ok(text.trim().to_owned())
}

fn none(data: &Path) -> String {
    let data = data.display();
    format!(
        "no node runs on `{data}`\nhint: start it with `aisle-node run --data {data}`, or name its data with `--data`"
    )
}

/// As this machine reaches it: a node that listens everywhere listens on loopback too.
fn url(bound: SocketAddr) -> String {
    let ip = match bound.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, bound.port()))
}
