//! Eclipse Mosquitto as a child process: the broker that ours is measured against, and that others already have.
//!
//! Guards: no test leaves a process behind. A broker that is dropped is killed, by the process id of the child alone.

use crate::ports;
use std::{
    env,
    fs::{self, File},
    io,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const START_TIMEOUT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(5);
/// How often a port that somebody else took in between is chosen anew.
const PORTS_MAX: usize = 5;
/// Lines of its log in an error.
const TAIL_LINES: usize = 20;
/// Debian keeps it where only root looks for programs.
const PLACES: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];

/// Why there is no mosquitto.
#[derive(Debug, thiserror::Error)]
pub enum MosquittoError {
    /// It is not there.
    #[error("mosquitto is not installed: `cargo xtask test` installs it")]
    NotInstalled,
    /// It cannot be started, signalled or waited for, or its files cannot be written.
    #[error("cannot {what} mosquitto")]
    Io {
        /// What.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// It exited by itself.
    #[error("mosquitto exited ({status}); its last lines:\n{log}")]
    Exited {
        /// How.
        status: ExitStatus,
        /// Its last lines.
        log: String,
    },
    /// It runs and does not listen.
    #[error("mosquitto did not listen on {address} within {START_TIMEOUT:?}; its last lines:\n{log}")]
    NotListening {
        /// Where it should.
        address: SocketAddr,
        /// Its last lines.
        log: String,
    },
    /// It runs already.
    #[error("mosquitto runs already")]
    AlreadyRunning,
}

/// A mosquitto with one listener on a port of its own.
#[derive(Debug)]
pub struct Mosquitto {
    program: PathBuf,
    scratch: TempDir,
    address: SocketAddr,
    child: Option<Child>,
}

impl Mosquitto {
    /// Starts one and waits until it listens on [`Self::address`]. The text goes behind the `listener` line of the configuration, so it
    /// may speak of that listener too; paths in it are taken from [`Self::directory`].
    ///
    /// # Errors
    /// When it is not installed, or does not run with this configuration.
    pub fn start(config: &str) -> Result<Self, MosquittoError> {
        let program = find().ok_or(MosquittoError::NotInstalled)?;
        let scratch = tempfile::Builder::new()
            .prefix("aisle-mosquitto-")
            .tempdir()
            .map_err(failed("make a directory for"))?;
        let mut mosquitto = Self { program, scratch, address: free_port()?, child: None };
        for attempt in 1.. {
            let address = mosquitto.address;
            // As root it would become a user who may not read its own configuration here.
            let text = format!("user root\nlistener {} {}\n{config}\n", address.port(), address.ip());
            fs::write(mosquitto.scratch.path().join("mosquitto.conf"), text).map_err(failed("configure"))?;
            match mosquitto.start_again() {
                Err(MosquittoError::Exited { log, .. })
                    if attempt < PORTS_MAX && log.contains("already in use") =>
                {
                    mosquitto.address = free_port()?;
                }
                started => return started.map(|()| mosquitto),
            }
        }
        Err(MosquittoError::NotInstalled)
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its working directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.scratch.path()
    }

    /// The process id; `None` while it does not run.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// What it wrote to its log.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read(self.scratch.path().join("log"))
            .map(|log| String::from_utf8_lossy(&log).into_owned())
            .unwrap_or_default()
    }

    /// SIGKILL.
    ///
    /// # Errors
    /// When nobody can tell whether it is gone.
    pub fn kill(&mut self) -> Result<(), MosquittoError> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        child.kill().and_then(|()| child.wait()).map(drop).map_err(failed("kill"))
    }

    /// Starts it again on the same port and with the same files, after [`Self::kill`].
    ///
    /// # Errors
    /// When it still runs, or does not run any more.
    pub fn start_again(&mut self) -> Result<(), MosquittoError> {
        if self.child.is_some() {
            return Err(MosquittoError::AlreadyRunning);
        }
        let directory = self.scratch.path();
        let log = File::options().create(true).append(true).open(directory.join("log"));
        let log = log.map_err(failed("keep a log of"))?;
        let child = Command::new(&self.program)
            .args(["-c", "mosquitto.conf"])
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(failed("start"))?;
        let child = self.child.insert(child);
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            if let Some(status) = child.try_wait().map_err(failed("wait for"))? {
                self.child = None;
                return Err(MosquittoError::Exited { status, log: self.tail() });
            }
            if TcpStream::connect_timeout(&self.address, POLL).is_ok() {
                return Ok(());
            }
            if Instant::now() > deadline {
                self.kill()?;
                return Err(MosquittoError::NotListening { address: self.address, log: self.tail() });
            }
            thread::sleep(POLL);
        }
    }

    fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines.get(lines.len().saturating_sub(TAIL_LINES)..).unwrap_or_default().join("\n")
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        // There is nobody left to tell.
        drop(self.kill());
    }
}

fn find() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let places = env::split_paths(&path).chain(PLACES.map(PathBuf::from));
    places.map(|place| place.join("mosquitto")).find(|program| program.is_file())
}

fn free_port() -> Result<SocketAddr, MosquittoError> {
    let port = ports::free().map_err(failed("find a port for"))?;
    Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

fn failed(what: &'static str) -> impl FnOnce(io::Error) -> MosquittoError {
    move |source| MosquittoError::Io { what, source }
}
