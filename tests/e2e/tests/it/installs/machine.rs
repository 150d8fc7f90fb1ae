//! A throwaway machine: this one's files under an overlay in memory, systemd as its first process, a network and devices of its own.
//!
//! The script `tests/e2e/machine/boot` makes it. Guards the host: whether its `/dev/null` is still everybody's is looked at before and
//! after; when it is not, it is put right and the test fails.

use crate::support::{
    command::{self, Outcome},
    need,
    wait::until,
};
use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const BOOT_TIMEOUT: Duration = Duration::from_secs(60);
const STOP_TIMEOUT: Duration = Duration::from_secs(20);
/// How long anything may take there that comes about by itself.
const PATIENCE: Duration = Duration::from_secs(60);

/// A machine that runs for as long as this lives.
#[derive(Debug)]
pub(super) struct Machine {
    boot: Child,
    first: u32,
    _scratch: TempDir,
}

impl Machine {
    /// Boots one; `None`, and said aloud, where that is not allowed.
    pub(super) fn boot() -> Option<Self> {
        if !need::root("a machine of its own, to install packages on,") {
            return None;
        }
        need::program("systemd-analyze", "systemd");
        let troubled = the_hosts_null();
        assert!(troubled.is_none(), "before the machine: {troubled:?}");
        let scratch =
            tempfile::Builder::new().prefix("aisle-machine-").tempdir().expect("a temporary directory");
        let mut boot = Command::new("/bin/bash")
            .arg(need::project().join("tests/e2e/machine/boot"))
            .arg(scratch.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("there is a bash");
        let stdout = boot.stdout.take().expect("stdout is piped");
        let (sender, receiver) = mpsc::sync_channel(1);
        // To its end, so that nothing there waits for room in the pipe.
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some(first) = line.strip_prefix("machine ").and_then(|first| first.parse().ok()) {
                    let _ = sender.try_send(first);
                }
            }
        });
        let first = receiver.recv_timeout(BOOT_TIMEOUT);
        let machine = Self { boot, first: first.unwrap_or(0), _scratch: scratch };
        if first.is_err() || !machine.comes_up() {
            need::skipped("no package was tried, as this machine boots no other; what it says stands above");
            return None;
        }
        Some(machine)
    }

    /// Waits until systemd says that everything it was to start is started.
    fn comes_up(&self) -> bool {
        let deadline = Instant::now() + BOOT_TIMEOUT;
        while Instant::now() < deadline && Path::new(&format!("/proc/{}", self.first)).exists() {
            let said = command::run(&mut self.command(["systemctl", "is-system-running"]));
            if matches!(said.stdout.trim(), "running" | "degraded") {
                return true;
            }
            thread::sleep(Duration::from_millis(100));
        }
        false
    }

    /// A file of it, as this machine reaches it.
    pub(super) fn file(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{path}", self.first))
    }

    /// What a file of it says.
    pub(super) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.file(path)).unwrap_or_else(|error| panic!("`{path}`: {error}"))
    }

    /// Writes a file of it, as root would with an editor.
    pub(super) fn write(&self, path: &str, text: &str) {
        let file = self.file(path);
        fs::create_dir_all(file.parent().expect("a file has a parent")).expect("a folder can be made");
        fs::write(&file, text).unwrap_or_else(|error| panic!("`{path}`: {error}"));
    }

    /// Runs a command there to its end.
    pub(super) fn run<const N: usize>(&self, words: [&str; N]) -> Outcome {
        command::run(&mut self.command(words))
    }

    /// The same for a package of this machine, which is brought there first.
    pub(super) fn install(&self, package: &Path) -> Outcome {
        let name = package.file_name().expect("a file has a name").to_string_lossy();
        let there = format!("/tmp/{name}");
        fs::copy(package, self.file(&there)).expect("a package can be copied");
        self.run(["dpkg", "--install", &there])
    }

    /// One property of a unit, as `systemctl show` says it.
    pub(super) fn property(&self, unit: &str, name: &str) -> String {
        self.run(["systemctl", "show", "--property", name, "--value", unit]).exits(0).stdout.trim().to_owned()
    }

    /// Waits until a unit is in this state.
    #[track_caller]
    pub(super) fn until_it_is(&self, unit: &str, state: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.property(unit, "ActiveState") != state {
            let journal = || self.run(["journalctl", "--no-pager", "--lines", "50", "--unit", unit]).stdout;
            assert!(Instant::now() < deadline, "`{unit}` is not {state}:\n{}", journal());
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn command<const N: usize>(&self, words: [impl AsRef<OsStr>; N]) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.first.to_string(), "--mount", "--uts", "--ipc", "--net", "--pid"]);
        command.args(["--cgroup", "--"]).args(words).env_clear();
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C.UTF-8");
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // The end of its standard input is the end of the machine; it takes its control group away.
        drop(self.boot.stdin.take());
        let deadline = Instant::now() + STOP_TIMEOUT;
        while !matches!(self.boot.try_wait(), Ok(Some(_)) | Err(_)) {
            if Instant::now() >= deadline {
                drop(self.boot.kill());
                drop(self.boot.wait());
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let troubled = the_hosts_null();
        if !thread::panicking() {
            assert!(troubled.is_none(), "after the machine: {troubled:?}");
        } else if let Some(troubled) = troubled {
            eprintln!("after the machine: {troubled}");
        }
    }
}

/// What is wrong with this machine's `/dev/null`, which is put right: everything else here needs it.
fn the_hosts_null() -> Option<String> {
    let null = Path::new("/dev/null");
    let found = fs::metadata(null).expect("there is a /dev/null");
    let (mode, rights) = (found.mode(), found.mode() & 0o7777);
    let is_right = rights == 0o666 && found.uid() == 0 && found.gid() == 0;
    // 1:3 is the number of the device.
    if is_right && mode & 0o170_000 == 0o020_000 && found.rdev() == 0x103 {
        return None;
    }
    let said = format!(
        "/dev/null of this machine is {mode:o}, of {}:{}, device {:x}",
        found.uid(),
        found.gid(),
        found.rdev()
    );
    drop(chown(null, Some(0), Some(0)));
    drop(fs::set_permissions(null, fs::Permissions::from_mode(0o666)));
    Some(said)
}

/// Waits for something of a machine.
pub(super) fn eventually<T>(what: &str, ask: impl FnMut() -> Option<T>) -> T {
    until(what, PATIENCE, ask)
}
