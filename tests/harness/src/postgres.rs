//! PostgreSQL as a child process, with a folder of its own: what several hubs share. Debian's package `postgresql` has the programs;
//! `AISLE_POSTGRES_BIN` names their folder where they are elsewhere.
//!
//! Not here: what is kept in it. Guards: no test leaves a process behind. A server that is dropped is ended, by the process id of the
//! child alone, and takes its own children with it.

use crate::ports;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    env, fs, io,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How long it may take to start on a busy machine.
const START_TIMEOUT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);
/// Where Debian keeps one folder for each version.
const DEBIAN: &str = "/usr/lib/postgresql";
/// Who runs it where root may not.
const USER: &str = "postgres";

/// Why there is no PostgreSQL.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// One of its programs is not there.
    #[error("`{program}` of PostgreSQL is not installed\nhint: `cargo xtask test` installs it")]
    NotInstalled {
        /// Which.
        program: &'static str,
    },
    /// Root does not run it, and the user who does is not there.
    #[error("root needs the user `{USER}` to run PostgreSQL\nhint: Debian's package `postgresql` makes it")]
    NoUser,
    /// A program cannot be started, signalled or waited for, or a folder cannot be made.
    #[error("cannot {what} PostgreSQL")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// A program of it failed.
    #[error("`{program}` failed:\n{said}")]
    Failed {
        /// Which.
        program: &'static str,
        /// What it said.
        said: String,
    },
    /// It exited by itself.
    #[error("PostgreSQL exited at its start ({status})")]
    Exited {
        /// How.
        status: ExitStatus,
    },
    /// It runs and does not answer.
    #[error("PostgreSQL did not answer within {START_TIMEOUT:?}")]
    NotAnswering,
}

/// A server that runs, durable as it comes: `fsync` and `synchronous_commit` are on.
#[derive(Debug)]
pub struct Postgres {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl Postgres {
    /// Starts one in a new folder below this one and waits until it answers.
    ///
    /// # Errors
    /// When it is not installed, or does not start there.
    pub fn start(below: &Path) -> Result<Self, PostgresError> {
        let folder = tempfile::Builder::new().prefix("aisle-postgres-").tempdir_in(below);
        let folder = folder.map_err(failed("make a folder for"))?;
        let user = user()?;
        if let Some((uid, gid)) = user {
            chown(folder.path(), Some(uid), Some(gid)).map_err(failed("make a folder for"))?;
        }
        let command = |name| -> Result<Command, PostgresError> {
            let mut command = Command::new(program(name)?);
            if let Some((uid, gid)) = user {
                command.uid(uid).gid(gid);
            }
            command.current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::null());
            Ok(command)
        };
        let data = folder.path().join("data");
        let made = command("initdb")?
            .args(["--auth=trust", "--username=aisle", "--encoding=UTF8", "--locale=C", "-D"])
            .arg(&data)
            .output()
            .map_err(failed("make a cluster of"))?;
        succeeded("initdb", made.status, &made.stderr)?;
        let port = ports::free().map_err(failed("find a port for"))?;
        let process = command("postgres")?
            .arg("-D")
            .arg(&data)
            .args(["-c", "listen_addresses=127.0.0.1", "-c", &format!("port={port}")])
            .args(["-c", "unix_socket_directories=", "-c", "log_min_messages=fatal"])
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed("start"))?;
        let mut server = Self { process, port, _folder: folder };
        let deadline = Instant::now() + START_TIMEOUT;
        while !server.answers()? {
            if let Some(status) = server.process.try_wait().map_err(failed("wait for"))? {
                return Err(PostgresError::Exited { status });
            }
            if Instant::now() > deadline {
                return Err(PostgresError::NotAnswering);
            }
            thread::sleep(POLL);
        }
        Ok(server)
    }

    /// The process id of the server, whose children do the work.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    fn answers(&self) -> Result<bool, PostgresError> {
        let port = self.port.to_string();
        let asked = Command::new(program("pg_isready")?)
            .args(["-h", "127.0.0.1", "-p", &port, "-U", "aisle", "-d", "postgres", "-q"])
            .status()
            .map_err(failed("ask"))?;
        Ok(asked.success())
    }

    /// A database that nobody has used yet, by its URL.
    ///
    /// # Errors
    /// When there is one of this name.
    pub fn database(&self, name: &str) -> Result<String, PostgresError> {
        let made = Command::new(program("createdb")?)
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "aisle", name])
            .output()
            .map_err(failed("make a database of"))?;
        succeeded("createdb", made.status, &made.stderr)?;
        Ok(format!("postgres://aisle@127.0.0.1:{}/{name}", self.port))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGQUIT takes its children down as well. There is nobody left to tell.
        if let Some(pid) = Pid::from_raw(self.process.id().cast_signed()) {
            let _ = kill_process(pid, Signal::QUIT);
        }
        drop(self.process.wait());
    }
}

/// The one in the folder that is named, else the newest that Debian has, else what is where programs are.
fn program(name: &'static str) -> Result<PathBuf, PostgresError> {
    if let Some(folder) = env::var_os("AISLE_POSTGRES_BIN").filter(|folder| !folder.is_empty()) {
        let named = Path::new(&folder).join(name);
        if named.is_file() {
            return Ok(named);
        }
    }
    let versions = fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let version = |entry: &fs::DirEntry| entry.file_name().to_str()?.parse::<u32>().ok();
    let mut folders: Vec<(u32, PathBuf)> =
        versions.filter_map(|entry| Some((version(&entry)?, entry.path().join("bin")))).collect();
    folders.sort_unstable();
    let newest = folders.into_iter().rev().map(|(_, folder)| folder);
    let path = env::var_os("PATH").unwrap_or_default();
    let all: Vec<PathBuf> = newest.chain(env::split_paths(&path)).map(|folder| folder.join(name)).collect();
    all.into_iter().find(|path| path.is_file()).ok_or(PostgresError::NotInstalled { program: name })
}

/// PostgreSQL does not run as root: there it runs as the user that its package made.
fn user() -> Result<Option<(u32, u32)>, PostgresError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let number = |option| {
        let output = Command::new("id").args([option, USER]).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse::<u32>().ok()
    };
    number("-u").zip(number("-g")).map(Some).ok_or(PostgresError::NoUser)
}

fn succeeded(program: &'static str, status: ExitStatus, said: &[u8]) -> Result<(), PostgresError> {
    let said = || String::from_utf8_lossy(said).trim().to_owned();
    if status.success() { Ok(()) } else { Err(PostgresError::Failed { program, said: said() }) }
}

fn failed(what: &'static str) -> impl FnOnce(io::Error) -> PostgresError {
    move |source| PostgresError::Io { what, source }
}
