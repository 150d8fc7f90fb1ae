//! A store's membership: everything that its node needs to call the hub, in files, and the section `[sync]` that names them.

use super::{CHAIN, Call, HubError, HubUnderTest, Papers, REGION};
use data_encoding::HEXLOWER;
use rand::RngExt;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use std::{
    fs::{DirBuilder, OpenOptions},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The node of every store here.
const NODE: &str = "1";

/// A store that may come to a hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its id.
    pub store: String,
    /// The name in its certificate.
    pub name: String,
    /// The section of its node's configuration.
    pub config: String,
    /// What its box claims itself with, for a store that enrols by itself.
    claim: Option<String>,
}

impl Member {
    /// Makes a store a member: a certificate, a key for receipts that the hub is told of, the signed policy, all of it in the hub's folder.
    /// It calls the hub on a line of its own.
    ///
    /// # Errors
    /// When a file cannot be written, or the hub does not take the store in.
    pub fn join(hub: &HubUnderTest, store: &str, call: Call) -> Result<Self, HubError> {
        let folder = hub.folder().join("stores").join(store);
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(|source| HubError::File {
            what: "make the folder",
            path: folder.clone(),
            source,
        })?;
        let Papers { certificate, key, roots } = hub.authority().node(store, NODE)?;
        let seed: [u8; 32] = rand::rng().random();
        let receipts = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| HubError::Key)?;
        for (name, text) in [
            ("node.pem", certificate.as_str()),
            ("node.key", key.as_str()),
            ("roots.pem", roots.as_str()),
            ("policy.toml", hub.policy()),
            ("policy.toml.sig", hub.officer().sign(hub.policy()).as_str()),
            ("receipt.key", HEXLOWER.encode(&seed).as_str()),
        ] {
            write(folder.join(name), text)?;
        }
        hub.register(store, NODE, &HEXLOWER.encode(receipts.public_key().as_ref()))?;
        Ok(Self {
            store: store.into(),
            name: format!("spiffe://{CHAIN}/store/{store}/node/{NODE}"),
            config: config(&folder, &hub.officer().public_key(), call),
            claim: None,
        })
    }

    /// Draws a claim for a store at a hub that boxes enrol at. The store is a member once its box has [claimed itself](Self::enrol).
    ///
    /// # Errors
    /// When the hub says no.
    pub fn invite(hub: &HubUnderTest, store: &str, call: Call) -> Result<Self, HubError> {
        let serial = format!("box-{store}");
        Ok(Self {
            store: store.into(),
            name: format!("spiffe://{CHAIN}/store/{store}/node/{serial}"),
            config: invited(&serial, call),
            claim: Some(hub.claim(store)?),
        })
    }

    /// Has the box of an invited store claim itself, as an installer does: by the node's own command, on its data, while no node runs there. Nothing
    /// happens for a store that got its papers.
    ///
    /// # Errors
    /// When the command cannot be run, or is refused.
    pub fn enrol(&self, data: &Path) -> Result<(), HubError> {
        let Some(claim) = &self.claim else { return Ok(()) };
        let scratch = tempfile::Builder::new().prefix("aisle-claim-").tempdir().map_err(|source| {
            HubError::File { what: "make a temporary directory for", path: std::env::temp_dir(), source }
        })?;
        let file = scratch.path().join("aisle.toml");
        write(file.clone(), &format!("[store]\nid = \"{}\"\n{}", self.store, self.config))?;
        let binary = crate::node::binary()?;
        let mut command = Command::new(&binary);
        command.arg("--data").arg(data).arg("--config").arg(&file).args(["claim", claim.as_str()]);
        let output = command.stdin(Stdio::null()).output();
        let output = output.map_err(|source| HubError::Process { what: "run", binary, source })?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(HubError::Command { command: format!("claim for {}", self.store), said })
    }
}

/// The same line for a box that has the rest from its claim.
fn invited(serial: &str, Call { quic_port, tls_port }: Call) -> String {
    format!(
        r#"
[node]
serial = "{serial}"
[sync]
link = "fibre"
[[sync.hub]]
name = "127.0.0.1"
quic_port = {quic_port}
tls_port = {tls_port}
{QUICKLY}"#
    )
}

/// A line that costs nothing and comes back quickly, and batches that do not wait long: whoever looks on has no minutes.
const QUICKLY: &str = "[sync.outbox]
sales_age_ms_max = 1000
stock_age_ms_max = 2000
telemetry_age_ms_max = 2000
bulk_age_ms_max = 2000
[sync.line]
reconnect_ms_max = 2000
quic_head_start_ms = 1500
path_timeout_ms = 3000
tls_keep_ms = 15000
";

fn config(folder: &Path, policy_key: &str, Call { quic_port, tls_port }: Call) -> String {
    let folder = folder.display();
    format!(
        r#"
[sync]
region = "{REGION}"
link = "fibre"
certificate_file = "{folder}/node.pem"
private_key_file = "{folder}/node.key"
roots_file = "{folder}/roots.pem"
policy_file = "{folder}/policy.toml"
policy_keys = ["{policy_key}"]
receipt_key_file = "{folder}/receipt.key"
[[sync.hub]]
name = "127.0.0.1"
quic_port = {quic_port}
tls_port = {tls_port}
{QUICKLY}"#
    )
}

/// Writes a file that only its owner can read.
fn write(path: PathBuf, text: &str) -> Result<(), HubError> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|source| HubError::File {
        what: "write",
        path,
        source,
    })
}
