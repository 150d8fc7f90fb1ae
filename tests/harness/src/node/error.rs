//! What can go wrong with a node under test, with the last lines that the node wrote.

use std::{io, path::PathBuf, process::ExitStatus, time::Duration};

/// Why a node under test is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// There is no binary to start.
    #[error(
        "there is no `{binary}`; hint: run `cargo build -p {package}`, or set `{variable}` to the binary"
    )]
    NoBinary {
        /// Where it was looked for.
        binary: PathBuf,
        /// The crate that it is built from.
        package: &'static str,
        /// The variable that names another.
        variable: &'static str,
    },
    /// Something of the harness's own cannot be written.
    #[error("cannot write {what} for the node")]
    Scratch {
        /// What.
        what: String,
        /// Why.
        source: io::Error,
    },
    /// It cannot be started.
    #[error("cannot start `{binary}`")]
    Spawn {
        /// The binary.
        binary: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It exited by itself.
    #[error("the node exited ({status}); its last lines:\n{log}")]
    Exited {
        /// How it exited.
        status: ExitStatus,
        /// Its last lines.
        log: String,
    },
    /// It ran and did not serve in time; it was killed.
    #[error("the node did not say `listening on` within {timeout:?}; its last lines:\n{log}")]
    NotServing {
        /// How long it had.
        timeout: Duration,
        /// Its last lines.
        log: String,
    },
    /// It serves, but does not get ready.
    #[error("the node was not ready within {timeout:?}: `/readyz` says `{answer}`; its last lines:\n{log}")]
    NotReady {
        /// How long it had.
        timeout: Duration,
        /// The last answer.
        answer: String,
        /// Its last lines.
        log: String,
    },
    /// It did not exit in time; it was killed.
    #[error("the node still ran after {timeout:?}; its last lines:\n{log}")]
    StillRunning {
        /// How long it had.
        timeout: Duration,
        /// Its last lines.
        log: String,
    },
    /// It cannot be signalled or waited for.
    #[error("cannot signal or wait for `{binary}`")]
    Wait {
        /// The binary.
        binary: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It does not run.
    #[error("the node does not run")]
    NotRunning,
    /// It runs already.
    #[error("the node runs already")]
    AlreadyRunning,
}
