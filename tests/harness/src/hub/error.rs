//! What can go wrong with a hub under test, with the last lines that it wrote.

use crate::node::NodeError;
use reqwest::StatusCode;
use std::{io, path::PathBuf, process::ExitStatus, time::Duration};

/// Why a hub under test is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// There is no binary to start.
    #[error(transparent)]
    Binary(#[from] NodeError),
    /// A certificate cannot be made.
    #[error("cannot make the certificate of {whose}")]
    Certificate {
        /// Whose.
        whose: &'static str,
        /// Why.
        source: rcgen::Error,
    },
    /// There is no key to sign policies or receipts with.
    #[error("the seed of a signing key was refused")]
    Key,
    /// A file of its own cannot be read or written.
    #[error("cannot {what} `{path}` of the hub")]
    File {
        /// What was tried.
        what: &'static str,
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It cannot be started, signalled or waited for.
    #[error("cannot {what} `{binary}`")]
    Process {
        /// What was tried.
        what: &'static str,
        /// The binary.
        binary: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It exited by itself.
    #[error("the hub exited ({status}); its last lines:\n{log}")]
    Exited {
        /// How.
        status: ExitStatus,
        /// Its last lines.
        log: String,
    },
    /// It ran and did not serve in time; it was killed.
    #[error("the hub did not say where it listens within {timeout:?}; its last lines:\n{log}")]
    NotServing {
        /// How long it had.
        timeout: Duration,
        /// Its last lines.
        log: String,
    },
    /// It did not exit in time; it was killed.
    #[error("the hub still ran after {timeout:?}; its last lines:\n{log}")]
    StillRunning {
        /// How long it had.
        timeout: Duration,
        /// Its last lines.
        log: String,
    },
    /// It does not run.
    #[error("the hub does not run")]
    NotRunning,
    /// It runs already.
    #[error("the hub runs already")]
    AlreadyRunning,
    /// One of its commands failed.
    #[error("`aisle-hub {command}` failed:\n{said}")]
    Command {
        /// Which.
        command: String,
        /// What it said.
        said: String,
    },
    /// There are no sockets for a line to it.
    #[error("cannot make a line to the hub")]
    Line(#[source] io::Error),
    /// There was no answer.
    #[error("no answer to `{path}`")]
    NoAnswer {
        /// What was asked for.
        path: String,
        /// Why.
        source: reqwest::Error,
    },
    /// It said no.
    #[error("`{path}` was answered {status}")]
    Refused {
        /// What was asked for.
        path: String,
        /// The answer.
        status: StatusCode,
    },
}
