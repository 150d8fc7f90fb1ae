//! Load over HTTP: `wrk` on the same cores as what it measures, sending requests that were written down before.
//!
//! A closed loop: each connection sends its next request when it has its answer, so the latency is that of a server
//! which is never idle.

use anyhow::{Context, Result, bail};
use std::{
    fs,
    io::ErrorKind,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

/// Connections of a run: more than a shop has kiosks.
pub(crate) const CONNECTIONS: usize = 32;
const SCRIPT: &str = include_str!("load.lua");

/// Requests on their way to a server.
#[derive(Debug)]
pub(crate) struct Load {
    script: PathBuf,
    requests: PathBuf,
}

/// What a run gave.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    /// Good answers a second.
    pub(crate) per_second: f64,
    /// Seconds.
    pub(crate) p50: f64,
    /// Seconds.
    pub(crate) p99: f64,
}

impl Load {
    /// Writes requests down, each `METHOD PATH [BODY]`, under a name of their own.
    pub(crate) fn new(dir: &Path, name: &str, requests: &[String]) -> Result<Self> {
        let (script, file) = (dir.join("load.lua"), dir.join(format!("{name}.requests")));
        fs::write(&script, SCRIPT).context("cannot write the script for wrk")?;
        fs::write(&file, requests.join("\n")).context("cannot write the requests for wrk")?;
        Ok(Self { script, requests: file })
    }

    /// Sends them for so long, from one thread.
    ///
    /// # Errors
    /// When wrk is missing or fails, and when any answer was not a good one.
    pub(crate) fn run(&self, address: SocketAddr, seconds: u32) -> Result<Figures> {
        let mut wrk = Command::new("wrk");
        wrk.arg("-t1")
            .arg(format!("-c{CONNECTIONS}"))
            .arg(format!("-d{seconds}s"))
            .arg("-s")
            .arg(&self.script);
        wrk.arg(format!("http://{address}/")).arg("--").arg(&self.requests);
        let output = match wrk.output() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                bail!("`wrk` is missing; hint: apt-get install wrk")
            }
            output => output.context("cannot start `wrk`")?,
        };
        let text = String::from_utf8_lossy(&output.stdout);
        let figures = text.lines().find_map(|line| line.strip_prefix("figures "));
        let figures: Vec<f64> =
            figures.unwrap_or_default().split(' ').filter_map(|figure| figure.parse().ok()).collect();
        let &[requests, duration_us, p50_us, p99_us, refused, broken] = figures.as_slice() else {
            bail!("`wrk` gave no figures: {text}{}", String::from_utf8_lossy(&output.stderr));
        };
        if refused > 0.0 || broken > 0.0 {
            bail!("of {requests} requests {refused} were refused and {broken} broken off");
        }
        Ok(Figures { per_second: requests / (duration_us / 1e6), p50: p50_us / 1e6, p99: p99_us / 1e6 })
    }
}
