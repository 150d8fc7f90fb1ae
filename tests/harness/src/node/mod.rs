//! A node under test: the real binary as a child process, started, killed, stopped and restarted from a test.
//!
//! Not here: what the node answers; tests speak to it over HTTP as everybody does.
//! Guards: no test leaves a process behind. A node that is dropped is killed, by the process id of the child alone.

mod binary;
mod error;
pub(crate) mod output;
mod ready;

pub use binary::{author_binary, binary, hub_binary};
pub use error::NodeError;

use output::{Output, Serving};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    ffi::OsString,
    fs,
    net::SocketAddr,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How often an exit is looked for.
const POLL: Duration = Duration::from_millis(10);

/// How to start a node.
#[derive(Debug, Clone)]
pub struct NodeOptions {
    /// The binary; found by [`binary()`] when `None`.
    pub binary: Option<PathBuf>,
    /// The data directory; a temporary one of its own when `None`.
    pub data: Option<PathBuf>,
    /// The text of `aisle.toml`. Where it does not say `tls_listen`, the broker listens for no TLS.
    pub config: String,
    /// What `--listen` says. Port 0 lets the system choose, anew at each start.
    pub listen: String,
    /// More arguments after `run`.
    pub args: Vec<OsString>,
    /// More environment variables.
    pub env: Vec<(OsString, OsString)>,
    /// How long a start, with recovery and replay, may take.
    pub start_timeout: Duration,
    /// How long an orderly stop may take.
    pub stop_timeout: Duration,
}

impl Default for NodeOptions {
    fn default() -> Self {
        Self {
            binary: None,
            data: None,
            config: String::new(),
            listen: "127.0.0.1:0".into(),
            args: Vec::new(),
            env: Vec::new(),
            start_timeout: Duration::from_secs(60),
            stop_timeout: Duration::from_secs(30),
        }
    }
}

/// A node that serves, or did.
#[derive(Debug)]
pub struct NodeUnderTest {
    options: NodeOptions,
    binary: PathBuf,
    data: PathBuf,
    /// The configuration file lies here, outside the data; so does the data unless it was given.
    scratch: TempDir,
    child: Option<Child>,
    output: Output,
    serving: Serving,
}

impl NodeUnderTest {
    /// Starts a node and waits until it serves.
    ///
    /// # Errors
    /// When there is no binary, it cannot be started, exits, or does not serve in time.
    pub fn start(options: NodeOptions) -> Result<Self, NodeError> {
        let binary = options.binary.clone().map_or_else(binary, Ok)?;
        let scratch = tempfile::Builder::new()
            .prefix("aisle-node-")
            .tempdir()
            .map_err(|source| NodeError::Scratch { what: "a temporary directory".into(), source })?;
        let data = options.data.clone().unwrap_or_else(|| scratch.path().join("data"));
        let mut node = Self {
            options,
            binary,
            data,
            scratch,
            child: None,
            output: Output::default(),
            serving: Serving::default(),
        };
        node.start_again()?;
        Ok(node)
    }

    /// Where it serves, as `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.serving.url
    }

    /// Where its broker takes plain TCP, if it does.
    #[must_use]
    pub fn mqtt(&self) -> Option<SocketAddr> {
        self.mqtt_over("tcp")
    }

    /// Where its broker takes TLS, if it does.
    #[must_use]
    pub fn mqtts(&self) -> Option<SocketAddr> {
        self.mqtt_over("mqtts")
    }

    /// Where its broker takes WebSockets without TLS, if it does.
    #[must_use]
    pub fn mqtt_ws(&self) -> Option<SocketAddr> {
        self.mqtt_over("ws")
    }

    /// Where its broker takes WebSockets over TLS, if it does.
    #[must_use]
    pub fn mqtt_wss(&self) -> Option<SocketAddr> {
        self.mqtt_over("wss")
    }

    /// Its data directory.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The process id; `None` while it does not run.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// The last lines it wrote to stdout and stderr, over all its starts.
    #[must_use]
    pub fn logs(&self) -> Vec<String> {
        self.output.lines()
    }

    /// Changes the text of `aisle.toml` for the next start.
    pub fn set_config(&mut self, config: impl Into<String>) {
        self.options.config = config.into();
    }

    /// Makes sure that it still runs.
    ///
    /// # Errors
    /// When it does not, or nobody can tell.
    pub fn check(&mut self) -> Result<(), NodeError> {
        let child = self.child.as_mut().ok_or(NodeError::NotRunning)?;
        match child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => {
                self.child = None;
                Err(NodeError::Exited { status, log: self.output.last_words() })
            }
            Err(source) => Err(self.waiting(source)),
        }
    }

    /// SIGKILL: as when the power goes, except that the kernel keeps what was written.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&mut self) -> Result<ExitStatus, NodeError> {
        let mut child = self.child.take().ok_or(NodeError::NotRunning)?;
        child.kill().and_then(|()| child.wait()).map_err(|source| self.waiting(source))
    }

    /// SIGTERM, and waits for the orderly stop.
    ///
    /// # Errors
    /// When it does not run, or does not stop in time; then it is killed.
    pub fn stop(&mut self) -> Result<ExitStatus, NodeError> {
        let child = self.child.as_ref().ok_or(NodeError::NotRunning)?;
        if let Some(pid) = Pid::from_raw(child.id().cast_signed()) {
            kill_process(pid, Signal::TERM).map_err(|source| self.waiting(source.into()))?;
        }
        self.wait(self.options.stop_timeout)
    }

    /// Waits until it exits by itself.
    ///
    /// # Errors
    /// When it does not run, or does not exit in time; then it is killed.
    pub fn wait(&mut self, timeout: Duration) -> Result<ExitStatus, NodeError> {
        let mut child = self.child.take().ok_or(NodeError::NotRunning)?;
        let deadline = Instant::now() + timeout;
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) if Instant::now() < deadline => thread::sleep(POLL),
                Ok(None) => {
                    let killed = child.kill().and_then(|()| child.wait());
                    return Err(killed.map_or_else(
                        |source| self.waiting(source),
                        |_| NodeError::StillRunning { timeout, log: self.output.tail() },
                    ));
                }
                Err(source) => return Err(self.waiting(source)),
            }
        }
    }

    /// Starts it again on the same data, after [`Self::kill`], [`Self::stop`] or an exit.
    ///
    /// # Errors
    /// When it still runs, cannot be started, exits, or does not serve in time.
    pub fn start_again(&mut self) -> Result<(), NodeError> {
        if self.child.is_some() {
            return Err(NodeError::AlreadyRunning);
        }
        let config = self.scratch.path().join("aisle.toml");
        fs::write(&config, &self.options.config)
            .map_err(|source| NodeError::Scratch { what: config.display().to_string(), source })?;
        let mut command = Command::new(&self.binary);
        command.arg("run").arg("--data").arg(&self.data).arg("--config").arg(&config);
        command.arg("--listen").arg(&self.options.listen).args(&self.options.args);
        // Nodes that run side by side must not want the same port.
        if !self.options.config.contains("tls_listen") {
            command.env("AISLE_MQTT__TLS_LISTEN", "off");
        }
        command.envs(self.options.env.iter().map(|(key, value)| (key, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own: Ctrl-C in the terminal goes to whoever started the node, which then stops it in order.
        command.process_group(0);
        let mut child =
            command.spawn().map_err(|source| NodeError::Spawn { binary: self.binary.clone(), source })?;
        let serving = self.output.follow(&mut child);
        self.child = Some(child);
        let deadline = Instant::now() + self.options.start_timeout;
        loop {
            if let Ok(serving) = serving.recv_timeout(POLL) {
                self.serving = serving;
                return Ok(());
            }
            self.check()?;
            if Instant::now() >= deadline {
                self.kill()?;
                return Err(NodeError::NotServing {
                    timeout: self.options.start_timeout,
                    log: self.output.tail(),
                });
            }
        }
    }

    fn mqtt_over(&self, scheme: &str) -> Option<SocketAddr> {
        self.serving.mqtt.iter().find(|(found, _)| found == scheme).map(|(_, address)| *address)
    }

    fn waiting(&self, source: std::io::Error) -> NodeError {
        NodeError::Wait { binary: self.binary.clone(), source }
    }
}

impl Drop for NodeUnderTest {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have exited already; there is nobody left to tell.
            drop(child.kill());
            drop(child.wait());
        }
    }
}
