//! What a hub says of the line, once it knows the node: who this is, where it calls, what may leave and who may say so.
//!
//! Kept as it came, because a node starts without a hub. Not here: what is made of it (the node's runtime).
//! Guards: nothing of it is used before every part of it could be read, the policy in it is believed by its signature alone, and a root of
//! artefacts that is trusted is never replaced by one that comes this way, nor begun with by one that its own keys have not signed.

use crate::{
    fault::Fault,
    files::{self, Access, FileError},
};
use aisle_provisioning::code::Code;
use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The longest that is read, in bytes.
pub(crate) const SETTINGS_BYTES_MAX: u64 = 1 << 20;
/// The longest root of artefacts that a client of them reads, in bytes.
const ARTEFACT_ROOT_BYTES_MAX: usize = 512 << 10;
/// The most hubs, and the most keys of a kind.
const LIST_MAX: usize = 16;
const FILE: &str = "settings.json";

/// What a hub says of the line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineSettings {
    /// Whose store this is.
    pub chain: String,
    /// Which store.
    pub store: String,
    /// Which box in it.
    pub serial: String,
    /// The region that the hub lies in.
    pub region: String,
    /// What the line costs, where headquarters knows: `metered`, `lte` or `fibre`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Where the line goes.
    #[serde(default)]
    pub hubs: Vec<HubPlace>,
    /// Who may sign residency policies: 64 hexadecimal digits each.
    #[serde(default)]
    pub policy_keys: Vec<String>,
    /// Who may sign that a hub has forgotten somebody: 64 hexadecimal digits each.
    #[serde(default)]
    pub hub_receipt_keys: Vec<String>,
    /// The first root of signed artefacts that the hub has: the text of its `1.root.json`. It counts where the node trusts none yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artefact_root: Option<String>,
    /// What may leave.
    #[serde(default)]
    pub policy: Option<SignedPolicy>,
    /// The number of the newest list of who may not come in.
    #[serde(default)]
    pub revoked_number: u64,
}

/// Where a hub is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubPlace {
    /// Its name or address.
    pub name: String,
    /// Its UDP port for QUIC; 0 where it has none.
    #[serde(default)]
    pub quic_port: u16,
    /// Its TCP port for TLS; 0 where it has none.
    #[serde(default)]
    pub tls_port: u16,
}

/// A policy and its signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedPolicy {
    /// The document, in base64.
    pub document: String,
    /// 128 hexadecimal digits.
    pub signature: String,
}

impl LineSettings {
    /// Reads what a hub has answered.
    ///
    /// # Errors
    /// When it is nothing that a hub says, or a part of it cannot be.
    pub fn read(body: &[u8]) -> Result<Self, Fault> {
        let wrong = |what: String| Fault::new(Code::AnswerUnusable, what);
        let settings: Self =
            serde_json::from_slice(body).map_err(|error| wrong(format!("the hub's settings: {error}")))?;
        let lists = [settings.hubs.len(), settings.policy_keys.len(), settings.hub_receipt_keys.len()];
        if lists.iter().any(|count| *count > LIST_MAX) {
            return Err(wrong(format!("the hub's settings have a list of more than {LIST_MAX} entries")));
        }
        for (field, text) in [("store", &settings.store), ("region", &settings.region)] {
            if text.is_empty() {
                return Err(wrong(format!("the hub's settings have no `{field}`")));
            }
        }
        settings.documents()?;
        if let Some(root) = &settings.artefact_root {
            let is_object = || serde_json::from_str::<serde_json::Map<_, serde_json::Value>>(root).is_ok();
            if root.len() > ARTEFACT_ROOT_BYTES_MAX || !is_object() {
                return Err(wrong("the hub's settings: `artefact_root` is no root of artefacts".to_owned()));
            }
        }
        Ok(settings)
    }

    /// The policy's document, and its signature as it stands in a file.
    fn documents(&self) -> Result<Option<(Vec<u8>, String)>, Fault> {
        let wrong = |what: &str| Fault::new(Code::AnswerUnusable, format!("the hub's settings: {what}"));
        let Some(SignedPolicy { document, signature }) = &self.policy else { return Ok(None) };
        let document = BASE64.decode(document.trim().as_bytes());
        let document = document.map_err(|_| wrong("`policy.document` is no base64"))?;
        let bytes = HEXLOWER_PERMISSIVE.decode(signature.trim().as_bytes());
        if !bytes.is_ok_and(|bytes| bytes.len() == 64) {
            return Err(wrong("`policy.signature` is not 128 hexadecimal digits"));
        }
        Ok(Some((document, format!("{}\n", signature.trim()))))
    }

    /// Keeps it, with the policy in files of its own, and the root of artefacts where there is none yet and it passes. True when something is another than before.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn keep(
        &self,
        data: &Path,
        is_root: &dyn Fn(&[u8]) -> Result<(), String>,
    ) -> Result<bool, FileError> {
        let folder = files::folder(data);
        let mut changed = false;
        // The policy first: whoever reads the settings finds it.
        if let Ok(Some((document, signature))) = self.documents() {
            let policy = files::policy(data);
            let mut beside = policy.as_os_str().to_owned();
            beside.push(".sig");
            changed |= files::settle(&policy, &document, Access::All)?;
            changed |= files::settle(Path::new(&beside), signature.as_bytes(), Access::All)?;
        }
        let trusted = files::artefact_root(data);
        if let Some(root) = self.artefact_root.as_ref().filter(|_| !trusted.exists()) {
            // What is kept is never replaced, so one that is no root would be in the way for ever. The line does not wait for a good one.
            match is_root(root.as_bytes()) {
                Ok(()) => changed |= files::begin(&trusted, root.as_bytes())?,
                Err(why) => tracing::error!("the hub's root of artefacts is not kept: {why}"),
            }
        }
        // It was read from JSON and has texts and numbers only, so it has a JSON form.
        let text = serde_json::to_vec_pretty(self).unwrap_or_default();
        changed |= files::settle(&folder.join(FILE), &text, Access::Owner)?;
        Ok(changed)
    }

    /// What was kept last; nothing where nothing was.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn kept(data: &Path) -> Result<Option<Self>, FileError> {
        let path = files::folder(data).join(FILE);
        let Some(text) = files::read(&path, SETTINGS_BYTES_MAX)? else { return Ok(None) };
        let read = serde_json::from_slice(&text);
        read.map(Some).map_err(|error| files::cannot("read", &path)(error.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the root is worth is not looked at.
    fn any(_: &[u8]) -> Result<(), String> {
        Ok(())
    }

    fn body(policy: &str) -> String {
        format!(
            r#"{{"chain":"shops.example","store":"berlin-12","serial":"4711","region":"eu","hubs":[{{"name":"hub.example","quic_port":8443}}],
            "policy_keys":["00"],"hub_receipt_keys":[],"policy":{policy},"revoked_number":7,"later":true}}"#
        )
    }

    #[test]
    fn what_a_hub_says_is_kept_with_its_policy_and_only_what_changes_is_written() {
        let data = tempfile::tempdir().unwrap();
        let signature = "ab".repeat(64);
        let policy = format!(r#"{{"document":"aGk=","signature":"{signature}"}}"#);
        let settings = LineSettings::read(body(&policy).as_bytes()).unwrap();
        assert!(settings.keep(data.path(), &any).unwrap());
        assert!(!settings.keep(data.path(), &any).unwrap());
        assert_eq!(LineSettings::kept(data.path()).unwrap(), Some(settings));
        assert_eq!(std::fs::read(files::policy(data.path())).unwrap(), b"hi");
        let beside = files::folder(data.path()).join("policy.toml.sig");
        assert_eq!(std::fs::read_to_string(beside).unwrap().trim(), signature);
    }

    #[test]
    fn the_first_root_of_artefacts_is_kept_and_a_later_one_changes_nothing() {
        let data = tempfile::tempdir().unwrap();
        let with = |root: &str| {
            let root = serde_json::to_string(root).unwrap();
            let text = body("null").replace("\"later\":true", &format!("\"artefact_root\":{root}"));
            LineSettings::read(text.as_bytes())
        };
        let kept = || std::fs::read_to_string(files::artefact_root(data.path())).ok();
        LineSettings::read(body("null").as_bytes()).unwrap().keep(data.path(), &any).unwrap();
        assert_eq!(kept(), None);
        with(r#"{"signed":{"version":1},"signatures":[]}"#).unwrap().keep(data.path(), &any).unwrap();
        assert_eq!(kept().as_deref(), Some(r#"{"signed":{"version":1},"signatures":[]}"#));
        with(r#"{"signed":{"version":9},"signatures":[]}"#).unwrap().keep(data.path(), &any).unwrap();
        assert_eq!(kept().as_deref(), Some(r#"{"signed":{"version":1},"signatures":[]}"#));
        for root in ["", "no json", "[]", &format!("{{\"a\":\"{}\"}}", "x".repeat(ARTEFACT_ROOT_BYTES_MAX))] {
            assert_eq!(with(root).unwrap_err().code, Code::AnswerUnusable);
        }
    }

    #[test]
    fn a_root_that_does_not_pass_is_not_kept_and_a_good_one_can_still_come() {
        let data = tempfile::tempdir().unwrap();
        let with = |root: &str| {
            let root = serde_json::to_string(root).unwrap();
            let text = body("null").replace("\"later\":true", &format!("\"artefact_root\":{root}"));
            LineSettings::read(text.as_bytes()).unwrap()
        };
        let signed = |root: &[u8]| {
            if root == br#"{"good":1}"# { Ok(()) } else { Err("its own keys have not signed it".to_owned()) }
        };
        let kept = || std::fs::read_to_string(files::artefact_root(data.path())).ok();
        with(r#"{"bad":1}"#).keep(data.path(), &signed).unwrap();
        assert_eq!(kept(), None);
        assert!(LineSettings::kept(data.path()).unwrap().is_some(), "the line goes on without it");
        with(r#"{"good":1}"#).keep(data.path(), &signed).unwrap();
        assert_eq!(kept().as_deref(), Some(r#"{"good":1}"#));
        with(r#"{"bad":1}"#).keep(data.path(), &signed).unwrap();
        assert_eq!(kept().as_deref(), Some(r#"{"good":1}"#));
    }

    #[test]
    fn what_cannot_be_is_refused_with_a_code() {
        for text in [
            "{}".to_owned(),
            "no json".to_owned(),
            body(r#"{"document":"?","signature":"00"}"#),
            body(r#"{"document":"aGk=","signature":"00"}"#),
            body("null").replace("\"eu\"", "\"\""),
        ] {
            let fault = LineSettings::read(text.as_bytes()).unwrap_err();
            assert_eq!(fault.code, Code::AnswerUnusable, "{text}");
        }
    }
}
