//! The two brokers, each started for one measurement and gone after it.

pub(super) use crate::bench::side::{Both, SIDES, Side};

use super::certificate::Certificate;
use crate::bench::side::MOSQUITTO;
use aisle_harness::{
    mqtt::Mosquitto,
    node::{NodeOptions, NodeUnderTest},
};
use anyhow::{Context, Result};
use std::{
    env, fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

/// Anybody may do anything. What holds back one client for the sake of the others is out of the way.
const NODE: &str = "[log]
level = \"warn\"
[mqtt.anonymous]
publish = [\"#\"]
subscribe = [\"#\"]
[mqtt.limits]
connections_per_s_max = 100000
publishes_per_s_max = 1000000
";

/// A broker that runs.
#[derive(Debug)]
pub(super) struct Broker {
    pub(super) address: SocketAddr,
    pub(super) pid: u32,
    pub(super) process: Process,
}

#[derive(Debug)]
pub(super) enum Process {
    Node(Box<NodeUnderTest>),
    Mosquitto(#[expect(dead_code, reason = "it runs for as long as it is held")] Mosquitto),
}

/// How a broker is to run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Setting<'a> {
    /// TLS with this certificate, instead of plain TCP.
    pub(super) certificate: Option<&'a Certificate>,
    /// How much longer than the disk needs each sync of the node is to take.
    pub(super) slower_sync: Option<Duration>,
}

impl Broker {
    /// Starts one; the node's store lies in an empty directory of its own below `dir`.
    pub(super) fn start(side: Side, dir: &Path, setting: Setting<'_>) -> Result<Self> {
        match side {
            Side::Ours => node(dir, setting),
            Side::Theirs => mosquitto(setting),
        }
        .with_context(|| format!("cannot start {}", side.name()))
    }

    /// Where a node says how it is.
    pub(super) fn node_url(&self) -> Option<&str> {
        match &self.process {
            Process::Node(node) => Some(node.url()),
            Process::Mosquitto(_) => None,
        }
    }
}

fn node(dir: &Path, setting: Setting<'_>) -> Result<Broker> {
    let data = dir.join("node");
    if data.exists() {
        fs::remove_dir_all(&data)?;
    }
    let listen = match setting.certificate {
        None => "[mqtt]\ntcp_listen = \"127.0.0.1:0\"\ntls_listen = \"off\"\n".to_owned(),
        Some(certificate) => format!(
            "[mqtt]\ntls_listen = \"127.0.0.1:0\"\ncertificate_file = {:?}\nprivate_key_file = {:?}\n",
            certificate.certificate, certificate.key
        ),
    };
    let binary = setting.slower_sync.map(|slower| with_slower_syncs(dir, slower)).transpose()?;
    let options =
        NodeOptions { binary, data: Some(data), config: format!("{listen}{NODE}"), ..NodeOptions::default() };
    let node = NodeUnderTest::start(options)?;
    let address = if setting.certificate.is_some() { node.mqtts() } else { node.mqtt() };
    Ok(Broker {
        address: address.context("it does not speak MQTT")?,
        pid: node.pid().context("it does not run")?,
        process: Process::Node(Box::new(node)),
    })
}

fn mosquitto(setting: Setting<'_>) -> Result<Broker> {
    let tls = setting.certificate.map_or_else(String::new, |certificate| {
        format!("certfile {}\nkeyfile {}\n", certificate.certificate.display(), certificate.key.display())
    });
    let mosquitto = Mosquitto::start(&format!("{tls}{MOSQUITTO}"))?;
    Ok(Broker {
        address: mosquitto.address(),
        pid: mosquitto.pid().context("it does not run")?,
        process: Process::Mosquitto(mosquitto),
    })
}

/// Whether [`Setting::slower_sync`] can be had here.
pub(super) fn can_slow_syncs() -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|place| place.join("strace").is_file())
}

/// The node under strace, which holds back each return from fdatasync and touches no other system call. `-D` leaves the
/// node the child that was started.
fn with_slower_syncs(dir: &Path, slower: Duration) -> Result<PathBuf> {
    let node = aisle_harness::node::binary()?;
    let script = dir.join("node-with-slower-syncs");
    let text = format!(
        "#!/bin/sh\nexec strace -D -f -qq --seccomp-bpf -o /dev/null -e trace=fdatasync -e inject=fdatasync:delay_exit={} '{}' \"$@\"\n",
        slower.as_micros(),
        node.display()
    );
    fs::write(&script, text)?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    Ok(script)
}
