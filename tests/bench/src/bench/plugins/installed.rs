//! A node with plugins: installed as an administrator does it, and what it says of them.

use super::guests::Guest;
use crate::client::{self, Answer};
use aisle_harness::node::NodeUnderTest;
use anyhow::{Context, Result, ensure};
use data_encoding::BASE64;
use serde_json::{Value, json};
use std::fs;

/// Who may.
#[derive(Debug)]
pub(super) struct Administrator<'a> {
    node: &'a NodeUnderTest,
    headers: String,
}

impl<'a> Administrator<'a> {
    pub(super) fn of(node: &'a NodeUnderTest) -> Result<Self> {
        let file = node.data().join("admin.token");
        let token = fs::read_to_string(&file).with_context(|| format!("cannot read `{}`", file.display()))?;
        let headers = format!("Authorization: Bearer {}\r\nContent-Type: application/json\r\n", token.trim());
        Ok(Self { node, headers })
    }

    /// Installs a first-party plugin with settings for this store.
    pub(super) fn install(&self, id: &str, manifest: &str) -> Result<()> {
        let component = BASE64.encode(&Guest::find(id)?.component);
        let body = json!({ "manifest": manifest, "component": component, "by": "bench" });
        self.ask("PUT", id, &body.to_string()).map(|_| ())
    }

    /// How often it was called, and how often that failed.
    pub(super) fn calls(&self, id: &str) -> Result<(u64, u64)> {
        let plugin = self.ask("GET", id, "")?;
        let count = |field: &str| plugin.get(field).and_then(Value::as_u64);
        count("calls").zip(count("failed")).with_context(|| format!("nothing is said of calls: {plugin}"))
    }

    fn ask(&self, method: &str, id: &str, body: &str) -> Result<Value> {
        let path = format!("/v1/admin/plugins/{id}");
        let address = client::address(self.node.url())?;
        let Answer { status, body, .. } = client::ask(address, method, &path, &self.headers, body)?;
        ensure!(status == 200, "`{method} {path}` is answered {status}: {body}");
        Ok(serde_json::from_str(&body)?)
    }
}
