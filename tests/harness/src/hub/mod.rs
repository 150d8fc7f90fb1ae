//! A hub under test: the real binary as a child process, with certificates and a signed policy, lines to it that can be cut, and what it
//! tells over HTTP.
//!
//! ```text
//! node ── Lines (UdpLink, TcpLink) ──> aisle-hub ──HTTP──> Desk ──┐
//!   └────────────────────────────────────────────HTTP─────────────┴─> Watcher ──> Picture of each store
//! ```
//! Not here: what is expected of it; that stands in the tests. The nodes: [`crate::node`].
//! Guards: no test leaves a process behind. A hub that is dropped is killed, by the process id of the child alone.

mod authority;
mod desk;
mod enrolling;
mod error;
mod headquarters;
mod line;
mod member;
mod officer;
mod people;
mod receipt;
mod sight;

pub use authority::{Authority, CHAIN, Papers};
pub use desk::{Cursor, Desk};
pub use enrolling::Approval;
pub use error::HubError;
pub use headquarters::{Going, Headquarters, Person, Signed};
pub use line::{Call, Lines};
pub use member::Member;
pub use officer::Officer;
pub use receipt::Removed;
pub use sight::{Picture, Sight, Standing, Watched, Watcher};

use crate::{
    node::{hub_binary, output::Output},
    ports,
};
use enrolling::Ports;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How often an exit is looked for.
const POLL: Duration = Duration::from_millis(10);
/// A policy for the tests and the demo: the worked example for stores in the European Economic Area.
pub const POLICY: &str = include_str!("../../../../sync/residency/policies/eu.toml");
/// The region of [`POLICY`]'s stores and of their hub.
pub const REGION: &str = "eu";

/// How to start a hub.
#[derive(Debug, Clone)]
pub struct HubOptions {
    /// The binary; found by [`hub_binary`] when `None`.
    pub binary: Option<PathBuf>,
    /// Its database: a file beside its configuration, or `postgres://…`.
    pub database: String,
    /// The policy that stores should apply.
    pub policy: String,
    /// When a node that was told "not now" comes again, in milliseconds.
    pub retry_after_ms: u64,
    /// Who lets boxes in that enrol by themselves; without it the hub takes none, and stores get their papers from its [`Authority`].
    pub enrolment: Option<Approval>,
    /// People reach it over TLS as well, and from other machines than its own: see [`HubUnderTest::secure_url`].
    pub https: bool,
    /// How long a start may take.
    pub start_timeout: Duration,
    /// How long an orderly stop may take.
    pub stop_timeout: Duration,
}

impl Default for HubOptions {
    fn default() -> Self {
        Self {
            binary: None,
            database: "data/hub.db".into(),
            policy: POLICY.into(),
            retry_after_ms: 500,
            enrolment: None,
            https: false,
            start_timeout: Duration::from_secs(60),
            stop_timeout: Duration::from_secs(30),
        }
    }
}

/// Where a hub listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Serving {
    http: SocketAddr,
    quic: SocketAddr,
    tls: SocketAddr,
    https: Option<SocketAddr>,
}

/// A hub that serves, or did.
#[derive(Debug)]
pub struct HubUnderTest {
    options: HubOptions,
    binary: PathBuf,
    folder: TempDir,
    authority: Authority,
    officer: Officer,
    ports: Option<Ports>,
    child: Option<Child>,
    output: Output,
    serving: Serving,
    /// The section of its configuration about an identity provider; empty where it knows none.
    provider: String,
}

impl HubUnderTest {
    /// Starts a hub of the region [`REGION`] and waits until it listens. No store may come before it is [registered](Self::register).
    ///
    /// # Errors
    /// When there is no binary, its files cannot be written, or it does not listen in time.
    pub fn start(options: HubOptions) -> Result<Self, HubError> {
        let binary = options.binary.clone().map_or_else(hub_binary, Ok)?;
        let folder = tempfile::Builder::new().prefix("aisle-hub-").tempdir().map_err(|source| {
            HubError::File { what: "make a temporary directory for", path: std::env::temp_dir(), source }
        })?;
        let at = || -> Result<SocketAddr, HubError> {
            let port = ports::free();
            let port = port.map_err(|source| HubError::Process {
                what: "find a port for",
                binary: binary.clone(),
                source,
            })?;
            Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        };
        // Every start has the same, since lines lead there.
        let https = options.https.then(at).transpose()?;
        let serving = Serving { http: at()?, quic: at()?, tls: at()?, https };
        let mut hub = Self {
            options,
            binary,
            folder,
            authority: Authority::new()?,
            officer: Officer::new()?,
            ports: None,
            child: None,
            output: Output::default(),
            serving,
            provider: String::new(),
        };
        if hub.options.enrolment.is_some() {
            hub.prepare_enrolment()?;
        } else {
            let papers = hub.authority.hub()?;
            for (name, text) in
                [("hub.pem", &papers.certificate), ("hub.key", &papers.key), ("roots.pem", &papers.roots)]
            {
                hub.write(name, text)?;
            }
        }
        let policy = &hub.options.policy;
        for (name, text) in [("policy.toml", policy), ("policy.toml.sig", &hub.officer.sign(policy))] {
            hub.write(name, text)?;
        }
        hub.start_again()?;
        Ok(hub)
    }

    /// Has the hub make its own authority, and chooses where it listens.
    fn prepare_enrolment(&mut self) -> Result<(), HubError> {
        let ports = Ports::free().map_err(|source| self.process("find a port for", source))?;
        let arguments = ports.init(&self.folder.path().display().to_string());
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.ask(&arguments)?;
        let at = SocketAddr::from((Ipv4Addr::LOCALHOST, ports.sync));
        (self.serving.quic, self.serving.tls) = (at, at);
        self.ports = Some(ports);
        Ok(())
    }

    /// Who vouches for it and for its stores.
    #[must_use]
    pub const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Who signs its policies.
    #[must_use]
    pub const fn officer(&self) -> &Officer {
        &self.officer
    }

    /// The policy that it wants stores to apply.
    #[must_use]
    pub fn policy(&self) -> &str {
        &self.options.policy
    }

    /// Where stores call over QUIC.
    #[must_use]
    pub const fn quic(&self) -> SocketAddr {
        self.serving.quic
    }

    /// Where stores call over TLS.
    #[must_use]
    pub const fn tls(&self) -> SocketAddr {
        self.serving.tls
    }

    /// Where it answers people, as `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.serving.http)
    }

    /// The process id; `None` while it does not run.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// The last lines it wrote, over all its starts.
    #[must_use]
    pub fn logs(&self) -> Vec<String> {
        self.output.lines()
    }

    /// Its configuration.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("hub.toml")
    }

    /// The bearer token of its interface.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn token(&self) -> Result<String, HubError> {
        let path = self.folder.path().join("data/hub.token");
        let text = fs::read_to_string(&path);
        let text = text.map_err(|source| HubError::File { what: "read", path, source })?;
        Ok(text.trim().to_owned())
    }

    /// Lets a node come, by the public half of the key that its receipts are signed with, in hexadecimal digits. Also while it runs.
    ///
    /// # Errors
    /// When it says no.
    pub fn register(&self, store: &str, node: &str, receipt_key: &str) -> Result<(), HubError> {
        self.ask(&["node", "add", store, node, receipt_key]).map(drop)
    }

    /// Runs one of its other commands; what it says.
    ///
    /// # Errors
    /// When it cannot be started, or fails.
    pub fn ask(&self, arguments: &[&str]) -> Result<String, HubError> {
        let output = self.command(arguments).output().map_err(|source| self.process("run", source))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(HubError::Command { command: arguments.join(" "), said });
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Makes sure that it still runs.
    ///
    /// # Errors
    /// When it does not, or nobody can tell.
    pub fn check(&mut self) -> Result<(), HubError> {
        let child = self.child.as_mut().ok_or(HubError::NotRunning)?;
        match child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => {
                self.child = None;
                Err(HubError::Exited { status, log: self.output.last_words() })
            }
            Err(source) => Err(self.process("wait for", source)),
        }
    }

    /// SIGKILL.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&mut self) -> Result<ExitStatus, HubError> {
        let mut child = self.child.take().ok_or(HubError::NotRunning)?;
        child.kill().and_then(|()| child.wait()).map_err(|source| self.process("kill", source))
    }

    /// SIGTERM, and waits for the orderly stop.
    ///
    /// # Errors
    /// When it does not run, or does not stop in time; then it is killed.
    pub fn stop(&mut self) -> Result<ExitStatus, HubError> {
        let mut child = self.child.take().ok_or(HubError::NotRunning)?;
        let deadline = Instant::now() + self.options.stop_timeout;
        match ended(&mut child, deadline) {
            Ok(Some(status)) => Ok(status),
            Ok(None) => {
                Err(HubError::StillRunning { timeout: self.options.stop_timeout, log: self.output.tail() })
            }
            Err(source) => {
                self.child = Some(child);
                Err(self.process("stop", source))
            }
        }
    }

    /// Starts it again on the same data and the same ports, after [`Self::kill`], [`Self::stop`] or an exit.
    ///
    /// # Errors
    /// When it still runs, cannot be started, exits, or does not listen in time.
    pub fn start_again(&mut self) -> Result<(), HubError> {
        if self.child.is_some() {
            return Err(HubError::AlreadyRunning);
        }
        self.write("hub.toml", &self.settings())?;
        let mut command = self.command(&["run"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|source| self.process("start", source))?;
        let listening = self.output.follow_until(&mut child, serving);
        self.child = Some(child);
        let timeout = self.options.start_timeout;
        let deadline = Instant::now() + timeout;
        loop {
            if let Ok(serving) = listening.recv_timeout(POLL) {
                self.serving = serving;
                return Ok(());
            }
            self.check()?;
            if Instant::now() >= deadline {
                self.kill()?;
                return Err(HubError::NotServing { timeout, log: self.output.tail() });
            }
        }
    }

    fn settings(&self) -> String {
        let Serving { http, quic, tls, .. } = self.serving;
        format!(
            "hub = \"hub-1\"\nregion = \"{REGION}\"\ndatabase = \"{}\"\n\
             [listen]\nquic = \"{quic}\"\ntls = \"{tls}\"\nhttp = \"{http}\"\n{}\
             [tls]\ncertificate = \"hub.pem\"\nkey = \"hub.key\"\nroots = \"roots.pem\"\nchain = \"{CHAIN}\"\n\
             [policies]\nfiles = [\"policy.toml\"]\nkeys = [\"{}\"]\n\
             [limits]\nretry_after_ms = {}\n",
            self.options.database,
            self.https_settings(),
            self.officer.public_key(),
            self.options.retry_after_ms,
        ) + &self.provider
            + &self.enrolment_settings()
    }

    fn enrolment_settings(&self) -> String {
        let folder = self.folder.path().display().to_string();
        let asked = self.ports.zip(self.options.enrolment);
        asked.map(|(ports, approval)| ports.settings(&folder, approval)).unwrap_or_default()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg("--config").arg(self.config()).args(arguments).stdin(Stdio::null());
        // A group of its own: Ctrl-C in the terminal goes to whoever started the hub, which then stops it in order.
        command.process_group(0);
        command
    }

    fn write(&self, name: &str, text: &str) -> Result<(), HubError> {
        let path = self.folder.path().join(name);
        fs::write(&path, text).map_err(|source| HubError::File { what: "write", path, source })
    }

    fn process(&self, what: &'static str, source: std::io::Error) -> HubError {
        HubError::Process { what, binary: self.binary.clone(), source }
    }

    /// Where its files lie.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for HubUnderTest {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have exited already; there is nobody left to tell.
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// Asks a child to end; kills it and says `None` when it does not in time.
fn ended(child: &mut Child, deadline: Instant) -> std::io::Result<Option<ExitStatus>> {
    if let Some(pid) = Pid::from_raw(child.id().cast_signed()) {
        kill_process(pid, Signal::TERM)?;
    }
    loop {
        match child.try_wait()? {
            Some(status) => return Ok(Some(status)),
            None if Instant::now() < deadline => thread::sleep(POLL),
            None => return child.kill().and_then(|()| child.wait()).map(|_| None),
        }
    }
}

/// Reads `listening http=ADDRESS quic=Some(ADDRESS) tls=Some(ADDRESS) https=None`.
fn serving(line: &str) -> Option<Serving> {
    let words = line.strip_prefix("listening ")?;
    let address = |name: &str| {
        let word = words.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))?;
        word.trim_start_matches("Some(").trim_end_matches(')').parse().ok()
    };
    Some(Serving {
        http: address("http")?,
        quic: address("quic")?,
        tls: address("tls")?,
        https: address("https"),
    })
}

#[cfg(test)]
mod tests {
    use super::serving;

    #[test]
    fn what_a_hub_says_of_where_it_listens_is_understood() {
        let line = "listening http=127.0.0.1:1 quic=Some(127.0.0.1:2) tls=Some([::1]:3) https=None";
        let found = serving(line).expect("all three are there");
        assert_eq!((found.http.port(), found.quic.port(), found.tls.port()), (1, 2, 3));
        assert_eq!(found.https, None);
        let secure = serving(&line.replace("https=None", "https=Some(127.0.0.1:4)")).expect("all four are");
        assert_eq!(secure.https.map(|at| at.port()), Some(4));
        assert_eq!(serving("listening http=127.0.0.1:1 quic=Some(127.0.0.1:2) tls=None"), None);
        assert_eq!(serving("the hub serves"), None);
    }
}
