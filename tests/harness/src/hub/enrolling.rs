//! A hub that boxes enrol at by themselves: made by its own `init`, with an authority of its own.
//!
//! Not here: hubs whose stores get their papers from [`super::Authority`]. Guards: what a test types is what `aisle-hub` has printed.

use super::{CHAIN, HubError, HubUnderTest, REGION};
use crate::ports;
use serde_json::Value;

/// Who lets boxes in that show a good claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approval {
    /// Somebody at headquarters.
    Queue,
    /// Nobody but the claim.
    Auto,
}

impl Approval {
    const fn word(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Auto => "auto",
        }
    }
}

/// Where such a hub listens. Claims name it, so it is chosen before the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ports {
    /// Where boxes enrol.
    pub(super) enrolment: u16,
    /// Where nodes call, over UDP and over TCP.
    pub(super) sync: u16,
}

impl Ports {
    /// Ports that nobody has now.
    pub(super) fn free() -> std::io::Result<Self> {
        Ok(Self { enrolment: ports::free()?, sync: ports::free()? })
    }

    /// The arguments of `init`, for a hub in this folder.
    pub(super) fn init(self, folder: &str) -> Vec<String> {
        let Self { enrolment, .. } = self;
        [
            "init",
            "--folder",
            folder,
            "--safe",
            &format!("{folder}/safe"),
            "--chain",
            CHAIN,
            "--name",
            "hub-1",
            "--region",
            REGION,
            "--address",
            &format!("127.0.0.1:{enrolment}"),
            "--passphrase",
            &format!("file:{folder}/issuing.passphrase"),
            "--root-passphrase",
            &format!("file:{folder}/root.passphrase"),
        ]
        .map(str::to_owned)
        .to_vec()
    }

    /// The sections of its configuration.
    pub(super) fn settings(self, folder: &str, approval: Approval) -> String {
        let Self { enrolment, sync } = self;
        let approval = approval.word();
        format!(
            "[enrolment]\nlisten = \"127.0.0.1:{enrolment}\"\naddress = \"127.0.0.1:{enrolment}\"\n\
             authority = \"authority\"\npassphrase = \"file:{folder}/issuing.passphrase\"\napproval = \"{approval}\"\n\
             look_ms = 500\n\
             [[enrolment.hub]]\nname = \"127.0.0.1\"\nquic_port = {sync}\ntls_port = {sync}\n"
        )
    }
}

impl HubUnderTest {
    /// Where boxes enrol; nothing at a hub that takes none.
    #[must_use]
    pub fn enrolment(&self) -> Option<u16> {
        self.ports.map(|ports| ports.enrolment)
    }

    /// A claim for a store, as the text of its QR code.
    ///
    /// # Errors
    /// When the hub says no.
    pub fn claim(&self, store: &str) -> Result<String, HubError> {
        let said = self.ask(&["claim", "create", store, "--json"])?;
        let claim: Value = serde_json::from_str(&said).unwrap_or_default();
        let link = claim.get("link").and_then(Value::as_str).map(str::to_owned);
        link.ok_or_else(|| HubError::Command { command: "claim create".into(), said })
    }

    /// What the hub has of its nodes.
    ///
    /// # Errors
    /// When it says no.
    pub fn nodes(&self) -> Result<Value, HubError> {
        let said = self.ask(&["node", "list", "--json"])?;
        serde_json::from_str(&said).map_err(|_| HubError::Command { command: "node list".into(), said })
    }

    /// Decides about a node: `approve`, `suspend`, `resume` or `ban`.
    ///
    /// # Errors
    /// When it says no.
    pub fn decide(&self, what: &str, store: &str, node: &str) -> Result<(), HubError> {
        let mut arguments = vec!["node", what, store, node];
        if matches!(what, "suspend" | "ban") {
            arguments.extend(["--reason", "a test wants it"]);
        }
        self.ask(&arguments).map(drop)
    }
}
