//! A real PostgreSQL in a folder of its own, gone with the test. Debian's package `postgresql` has the programs; `AISLE_POSTGRES_BIN` names
//! the folder of others.

use crate::ports::free;
use std::{
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How long it may take to start on a busy machine.
const START_MAX: Duration = Duration::from_secs(60);

pub struct Server {
    process: Child,
    port: u16,
    _folder: TempDir,
}

fn program(name: &str) -> PathBuf {
    let named = std::env::var_os("AISLE_POSTGRES_BIN").map(|folder| PathBuf::from(folder).join(name));
    if let Some(named) = named.filter(|path| path.exists()) {
        return named;
    }
    let folders = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = folders
        .map(|folder| folder.path().join("bin").join(name))
        .chain([PathBuf::from("/usr/bin").join(name), PathBuf::from("/usr/local/bin").join(name)])
        .filter(|path| path.exists())
        .collect();
    found.sort();
    found.pop().unwrap_or_else(|| panic!("`{name}` is missing\nhint: apt-get install postgresql"))
}

/// PostgreSQL does not run as root: there it runs as the user that its package made.
fn user() -> Option<(u32, u32)> {
    let number = |option: &str, name: &[&str]| {
        let output = Command::new("id").arg(option).args(name).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse::<u32>().ok()
    };
    if number("-u", &[]) != Some(0) {
        return None;
    }
    let ids = number("-u", &["postgres"]).zip(number("-g", &["postgres"]));
    Some(ids.expect("root needs the user `postgres` to run PostgreSQL\nhint: apt-get install postgresql"))
}

impl Server {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let user = user();
        if let Some((uid, gid)) = user {
            std::os::unix::fs::chown(folder.path(), Some(uid), Some(gid)).unwrap();
        }
        let as_user = |program: PathBuf| {
            let mut command = Command::new(program);
            if let Some((uid, gid)) = user {
                command.uid(uid).gid(gid);
            }
            command.current_dir(folder.path()).stdout(Stdio::null());
            command
        };
        let made = as_user(program("initdb"))
            .args(["--auth=trust", "--username=aisle", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let port = free().unwrap();
        let process = as_user(program("postgres"))
            .arg("-D")
            .arg(&data)
            .args(["-c", "listen_addresses=127.0.0.1", "-c", &format!("port={port}")])
            .args(["-c", "unix_socket_directories=", "-c", "log_min_messages=fatal"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Self { process, port, _folder: folder };
        let started = Instant::now();
        while !server.answers() {
            assert!(server.process.try_wait().unwrap().is_none(), "PostgreSQL ended at its start");
            assert!(started.elapsed() < START_MAX, "PostgreSQL does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }

    fn answers(&self) -> bool {
        let asked = Command::new(program("pg_isready"))
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "aisle", "-d", "postgres", "-q"])
            .status();
        asked.unwrap().success()
    }

    /// A database that nobody has used yet, by its URL.
    pub fn database(&self, name: &str) -> String {
        let made = Command::new(program("createdb"))
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "aisle", name])
            .output()
            .unwrap();
        assert!(made.status.success(), "createdb: {}", String::from_utf8_lossy(&made.stderr));
        format!("postgres://aisle@127.0.0.1:{}/{name}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGQUIT takes the children down as well.
        let _ = rustix::process::kill_process(
            rustix::process::Pid::from_child(&self.process),
            rustix::process::Signal::QUIT,
        );
        let _ = self.process.wait();
    }
}
