//! Programs run to their end, one at a time; a SIGINT or SIGTERM is passed on to the one that runs.
//!
//! Guards: however a command ends, no program it started goes on.

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::{
    ffi::{OsStr, OsString},
    io::{BufRead, BufReader, Read, Write, stderr},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

const POLL: Duration = Duration::from_millis(10);
/// What does not end so long after SIGTERM is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(60);

static STOPPED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// From now on a signal stops the running job instead of this process alone.
pub(crate) fn listen() -> Result<()> {
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&STOPPED)).context("cannot listen for signals")?;
    }
    Ok(())
}

/// True when a signal came.
pub(crate) fn is_stopped() -> bool {
    STOPPED.load(Relaxed)
}

/// A program with its arguments.
#[derive(Debug)]
pub(crate) struct Job {
    command: Command,
}

impl Job {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        Self { command: Command::new(program) }
    }

    pub(crate) fn args(mut self, arguments: impl IntoIterator<Item: AsRef<OsStr>>) -> Self {
        self.command.args(arguments);
        self
    }

    pub(crate) fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(key, value);
        self
    }

    pub(crate) fn directory(mut self, path: impl AsRef<Path>) -> Self {
        self.command.current_dir(path);
        self
    }

    /// Runs it with our own stdout and stderr.
    pub(crate) fn run(mut self) -> Result<()> {
        let child = self.spawn()?;
        let status = self.wait(child)?;
        self.expect_success(status)
    }

    /// Runs it and returns what it writes to stdout.
    pub(crate) fn output(mut self) -> Result<Vec<u8>> {
        self.command.stdout(Stdio::piped());
        let mut child = self.spawn()?;
        let stdout = child.stdout.take();
        let reading = thread::spawn(move || {
            let mut bytes = Vec::new();
            stdout.map_or(Ok(0), |mut stdout| stdout.read_to_end(&mut bytes)).map(|_| bytes)
        });
        let status = self.wait(child)?;
        self.expect_success(status)?;
        let bytes = reading.join().unwrap_or_else(|_| Ok(Vec::new()));
        bytes.with_context(|| format!("cannot read what {self} writes"))
    }

    /// Runs it, shows its stderr, and returns the last of its lines there that holds a word, however it ends.
    pub(crate) fn run_looking_for(mut self, word: &'static str) -> (Result<()>, Option<String>) {
        self.command.stderr(Stdio::piped());
        let mut child = match self.spawn() {
            Ok(child) => child,
            Err(error) => return (Err(error), None),
        };
        let pipe = child.stderr.take();
        let reading = thread::spawn(move || {
            let mut found = None;
            for line in
                pipe.into_iter().flat_map(|pipe| BufReader::new(pipe).split(b'\n')).map_while(Result::ok)
            {
                // Nobody to tell when our own stderr is closed.
                drop(stderr().write_all(&line).and_then(|()| stderr().write_all(b"\n")));
                let line = String::from_utf8_lossy(&line);
                found = if line.contains(word) { Some(line.into_owned()) } else { found };
            }
            found
        });
        let done = self.wait(child).and_then(|status| self.expect_success(status));
        (done, reading.join().unwrap_or_default())
    }

    fn spawn(&mut self) -> Result<Child> {
        if is_stopped() {
            bail!("stopped before {self} was started");
        }
        self.command.spawn().with_context(|| format!("cannot start {self}"))
    }

    fn wait(&self, mut child: Child) -> Result<ExitStatus> {
        let mut kill_at = None;
        loop {
            let status = child.try_wait().with_context(|| format!("cannot wait for {self}"))?;
            if let Some(status) = status {
                if is_stopped() && !status.success() {
                    bail!("stopped while {self} ran");
                }
                return Ok(status);
            }
            match kill_at {
                None if is_stopped() => {
                    if let Some(pid) = Pid::from_raw(child.id().cast_signed()) {
                        kill_process(pid, Signal::TERM).with_context(|| format!("cannot stop {self}"))?;
                    }
                    kill_at = Some(Instant::now() + STOP_TIMEOUT);
                }
                Some(at) if Instant::now() > at => {
                    child.kill().with_context(|| format!("cannot kill {self}"))?;
                }
                _ => thread::sleep(POLL),
            }
        }
    }

    fn expect_success(&self, status: ExitStatus) -> Result<()> {
        if !status.success() {
            bail!("{self} failed: {status}");
        }
        Ok(())
    }
}

impl std::fmt::Display for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let program = PathBuf::from(self.command.get_program());
        let words = self.command.get_args().map(OsStr::to_os_string);
        let line: Vec<OsString> =
            program.file_name().map(OsStr::to_os_string).into_iter().chain(words).collect();
        let mut line: String = line.join(OsStr::new(" ")).to_string_lossy().into_owned();
        const CHARS_MAX: usize = 120;
        if line.chars().count() > CHARS_MAX {
            line = line.chars().take(CHARS_MAX).chain(" …".chars()).collect();
        }
        write!(f, "`{line}`")
    }
}
