//! A node that starts anew by itself: when a claim has come through, who it is goes into every part of it.
//!
//! Everything is stopped in order first, as for a signal; then the process becomes its own successor, with the number that a supervisor knows it by, and at the address where its
//! kiosks look for it. Not here: why ([`crate::enrol`]). Guards: it happens once for each claim that came through, and never for anything else.

use std::{env, net::SocketAddr, os::unix::process::CommandExt, process::Command};

/// Where the successor listens, whatever port the system had chosen. It says so by a variable because arguments belong to people.
const VARIABLE: &str = "AISLE_LISTEN_AGAIN";

/// Where this process is to listen, when it is a successor.
pub(super) fn listen() -> Option<SocketAddr> {
    env::var(VARIABLE).ok()?.parse().ok()
}

/// Becomes the successor. Gives only what kept it from that.
pub(crate) fn start(bound: SocketAddr) -> anyhow::Error {
    let program = env::current_exe().unwrap_or_else(|_| env::args_os().next().unwrap_or_default().into());
    let error = Command::new(&program).args(env::args_os().skip(1)).env(VARIABLE, bound.to_string()).exec();
    anyhow::Error::new(error).context(format!(
        "the node cannot start anew as `{}`\nhint: start it again; it is a node of its store from then on",
        program.display()
    ))
}
