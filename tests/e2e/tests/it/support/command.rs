//! The node's commands, run to their end within a bounded time.

use super::need;
use aisle_harness::node;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::{
    ffi::OsStr,
    io::Read,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// The longest that any command of these tests may take.
const TIMEOUT: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(5);

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// Its exit code; -1 after a signal.
    pub(crate) fn code(&self) -> i32 {
        self.status.code().unwrap_or(-1)
    }

    /// The same outcome, when it exited with this code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code(), code, "{self:#?}");
        self
    }

    /// Its standard output, one JSON value.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self:#?}"))
    }

    /// Its standard output, a JSON value a line.
    #[track_caller]
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    /// Makes sure that it complained about all of this.
    #[track_caller]
    pub(crate) fn complains_about(&self, words: &[&str]) {
        for word in words {
            assert!(self.stderr.contains(word), "no `{word}` in the complaint: {self:#?}");
        }
        assert!(!self.stderr.contains("panicked"), "{self:#?}");
    }
}

/// A command that is running.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    stdout: JoinHandle<Vec<u8>>,
    stderr: JoinHandle<Vec<u8>>,
}

/// `aisle-node --data DATA` with these arguments.
pub(crate) fn aisle(data: &Path, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = Command::new(node::binary().expect("the node is built"));
    command.arg("--data").arg(data).args(arguments);
    command
}

/// `aisle` with these arguments: the command of those who write plugins. What it compiles is kept in the folder.
pub(crate) fn author(folder: &Path, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = Command::new(node::author_binary().expect("`aisle` is built"));
    command.current_dir(folder).args(arguments).env("AISLE_PLUGIN_CACHE_DIR", folder.join(".compiled"));
    command
}

/// `aisle-harness` with these arguments, which lies beside the node, and gets what these tests get.
pub(crate) fn harness(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let node = node::binary().expect("the node is built");
    let program = node.with_file_name("aisle-harness");
    assert!(program.is_file(), "there is no `{}`\nhint: run `cargo build --workspace`", program.display());
    let mut command = Command::new(program);
    command.args(arguments).env("AISLE_NODE_BIN", node).env("AISLE_PLUGINS_DIR", need::plugins());
    command.env("AISLE_BIN", node::author_binary().expect("`aisle` is built"));
    command
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Outcome {
    start(command).finish()
}

/// Starts a command.
pub(crate) fn start(command: &mut Command) -> Running {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let stdout = drain(child.stdout.take().expect("stdout is piped"));
    let stderr = drain(child.stderr.take().expect("stderr is piped"));
    Running { child, stdout, stderr }
}

impl Running {
    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().cast_signed()).expect("a process id");
        kill_process(pid, signal).expect("it runs");
    }

    /// True once it has exited.
    pub(crate) fn is_over(&mut self) -> bool {
        self.child.try_wait().expect("it can be waited for").is_some()
    }

    /// Waits for its end.
    pub(crate) fn finish(mut self) -> Outcome {
        let deadline = Instant::now() + TIMEOUT;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                break status;
            }
            if Instant::now() >= deadline {
                self.child.kill().expect("it can be killed");
                let status = self.child.wait().expect("it can be waited for");
                panic!("still running after {TIMEOUT:?}: {:#?}", self.outcome(status));
            }
            thread::sleep(POLL);
        };
        self.outcome(status)
    }

    fn outcome(self, status: ExitStatus) -> Outcome {
        let text = |bytes: JoinHandle<Vec<u8>>| {
            String::from_utf8_lossy(&bytes.join().expect("the output was read")).into_owned()
        };
        Outcome { status, stdout: text(self.stdout), stderr: text(self.stderr) }
    }
}

fn drain(mut stream: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("a pipe can be read");
        bytes
    })
}
