//! Headquarters over a hub: who signs artefacts, who writes rollouts, who agrees to them; by the commands that people use.
//!
//! One folder of keys stands for everybody who signs (`artefact quickstart`), two persons with tokens for those who decide. Not here: what is rolled out, and
//! what is expected of it. Guards: what the hub says is taken as it comes; nothing is read from its database.

use super::{HubError, HubUnderTest};
use crate::node::author_binary;
use serde_json::Value;
use std::{
    ffi::OsStr,
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Who decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Person {
    /// Writes rollouts.
    Olga,
    /// Agrees to them.
    Omar,
}

impl Person {
    /// The name that the hub has.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Olga => "Olga",
            Self::Omar => "Omar",
        }
    }
}

/// What tokens are for.
const PERMISSIONS: [&str; 7] = [
    "store.read",
    "store.label",
    "desired.write",
    "artefact.read",
    "rollout.read",
    "rollout.start",
    "rollout.approve",
];

/// Headquarters. Cheap to clone; it holds no process.
#[derive(Debug, Clone)]
pub struct Headquarters {
    hub: PathBuf,
    config: PathBuf,
    keys: PathBuf,
    url: String,
    aisle: PathBuf,
    folder: PathBuf,
}

/// An artefact that was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Its version.
    pub version: String,
    /// BLAKE3 of its content, in hexadecimal digits.
    pub blake3: String,
    /// How long its content is.
    pub bytes: u64,
}

/// How a rollout goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Going {
    /// How far it is: `running`, `done`, `rolled-back`.
    pub phase: String,
    /// Why it stopped, where it did.
    pub why: String,
    /// Why nodes failed, those causes first that most have.
    pub causes: Vec<String>,
    /// What was decided, by people or rules, the newest last.
    pub history: Vec<String>,
}

impl HubUnderTest {
    /// Holds the first ceremony of signed artefacts: from now on whoever enrols trusts what these keys sign, and takes nothing else.
    ///
    /// # Errors
    /// When the hub says no.
    pub fn sign_artefacts(&self) -> Result<(), HubError> {
        let keys = keys(self.folder()).display().to_string();
        self.ask(&["artefact", "quickstart", "--keys", &keys]).map(drop)
    }

    /// Two persons who decide, at a hub whose artefacts are [signed](Self::sign_artefacts).
    ///
    /// # Errors
    /// When there is no `aisle`, or the hub says no.
    pub fn headquarters(&self) -> Result<Headquarters, HubError> {
        let folder = self.folder().to_owned();
        for person in [Person::Olga, Person::Omar] {
            self.ask(&["person", "add", person.name(), "--role", "operator"])?;
            let mut arguments = vec!["token", "add", person.name(), "--json"];
            for permission in PERMISSIONS {
                arguments.extend(["--permission", permission]);
            }
            let said = self.ask(&arguments)?;
            let told: Value = serde_json::from_str(&said).unwrap_or_default();
            let token = told.get("secret").and_then(Value::as_str);
            let token =
                token.ok_or_else(|| HubError::Command { command: "token add".into(), said: said.clone() })?;
            let path = folder.join(format!("{}.token", person.name()));
            fs::write(&path, token).map_err(|source| HubError::File { what: "write", path, source })?;
        }
        Ok(Headquarters {
            hub: self.binary.clone(),
            config: self.config(),
            keys: keys(&folder),
            url: self.url(),
            aisle: author_binary()?,
            folder,
        })
    }
}

fn keys(folder: &Path) -> PathBuf {
    folder.join("artefact-keys")
}

fn run<S: AsRef<OsStr>>(binary: &Path, arguments: &[S]) -> Result<(Option<i32>, String), HubError> {
    let mut command = Command::new(binary);
    // A group of its own: Ctrl-C in the terminal is not for it.
    command.args(arguments).stdin(Stdio::null()).process_group(0);
    let output = command.output().map_err(|source| HubError::Process {
        what: "run",
        binary: binary.into(),
        source,
    })?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() {
        return Ok((Some(0), said));
    }
    let words: Vec<String> =
        arguments.iter().map(|word| word.as_ref().to_string_lossy().into_owned()).collect();
    // 4: it waits for another person, which is an answer.
    if output.status.code() == Some(4) {
        return Ok((Some(4), said));
    }
    let told = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(HubError::Command { command: words.join(" "), said: format!("{said}\n{told}").trim().to_owned() })
}

impl Headquarters {
    /// Brings a plugin to the hub and signs it: a folder with `plugin.toml` and `plugin.wasm`.
    ///
    /// # Errors
    /// When the hub says no.
    pub fn sign(&self, name: &str, version: &str, folder: &Path) -> Result<Signed, HubError> {
        self.sign_as("plugin", name, version, folder)
    }

    /// The same of any kind: `device-settings`, `prices`.
    ///
    /// # Errors
    /// When the hub says no.
    pub fn sign_as(&self, kind: &str, name: &str, version: &str, path: &Path) -> Result<Signed, HubError> {
        let (config, keys, path) =
            (self.config.display().to_string(), self.keys.display().to_string(), path.display().to_string());
        let config = ["--config", config.as_str()];
        run(
            &self.hub,
            &[&config[..], &["artefact", "add", kind, name, version, &path, "--keys", &keys]].concat(),
        )?;
        let (_, said) = run(&self.hub, &[&config[..], &["artefact", "list", kind, "--json"]].concat())?;
        let listed: Value = serde_json::from_str(&said).unwrap_or_default();
        let rows = listed.get("items").unwrap_or(&listed).as_array().cloned().unwrap_or_default();
        let text =
            |row: &Value, key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let found = rows.iter().find(|row| text(row, "id").contains(&format!("/{name}/{version}.")));
        let row = found.ok_or(HubError::Command { command: "artefact list".into(), said })?;
        let bytes = row.get("bytes").and_then(Value::as_u64).unwrap_or_default();
        Ok(Signed { version: version.into(), blake3: text(row, "blake3"), bytes })
    }

    /// `aisle fleet …` as a person; what it prints.
    ///
    /// # Errors
    /// When it cannot be run, or is refused.
    pub fn fleet(&self, person: Person, arguments: &[&str]) -> Result<String, HubError> {
        let token = self.folder.join(format!("{}.token", person.name())).display().to_string();
        let whole = [&["fleet", "--hub", &self.url, "--token-file", &token][..], arguments].concat();
        run(&self.aisle, &whole).map(|(_, said)| said)
    }

    /// The same as somebody would type it.
    #[must_use]
    pub fn typed(&self, arguments: &str) -> String {
        let token = self.folder.join(format!("{}.token", Person::Olga.name()));
        format!(
            "{} fleet --hub {} --token-file {} {arguments}",
            self.aisle.display(),
            self.url,
            token.display()
        )
    }

    /// Writes a document down, as a person would.
    ///
    /// # Errors
    /// When it cannot be written, or is refused.
    pub fn apply(&self, person: Person, document: &str) -> Result<String, HubError> {
        let path = self.folder.join("document.yaml");
        fs::write(&path, document).map_err(|source| HubError::File {
            what: "write",
            path: path.clone(),
            source,
        })?;
        self.fleet(person, &["apply", "-f", &path.display().to_string()])
    }

    /// How a rollout goes.
    ///
    /// # Errors
    /// When the hub says no.
    pub fn going(&self, rollout: &str) -> Result<Going, HubError> {
        let said = self.fleet(Person::Olga, &["rollout", "show", rollout, "--json"])?;
        let shown: Value = serde_json::from_str(&said).unwrap_or_default();
        let view = shown.get("rollout").unwrap_or(&shown);
        let text = |value: Option<&Value>, key: &str| {
            value.and_then(|value| value.get(key)).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let causes = view.get("causes").and_then(Value::as_array).cloned().unwrap_or_default();
        let history = view.get("history").and_then(Value::as_array).cloned().unwrap_or_default();
        Ok(Going {
            phase: text(view.get("phase"), "phase"),
            why: text(view.get("phase"), "why"),
            causes: causes
                .iter()
                .map(|group| {
                    format!("{}: {}", text(group.get("cause"), "code"), text(group.get("cause"), "text"))
                })
                .collect(),
            history: history.iter().map(|entry| text(Some(entry), "what")).collect(),
        })
    }

    /// From a draft to its first wave: found out who would fail, agreed to by another person where it takes one, started. To be called again until it is
    /// under way; true then.
    ///
    /// # Errors
    /// When the hub says no.
    pub fn urge(&self, rollout: &str) -> Result<bool, HubError> {
        match self.going(rollout)?.phase.as_str() {
            "draft" => self.fleet(Person::Olga, &["rollout", "preflight", rollout]).map(|_| false),
            "preflight" => Ok(false),
            "awaiting-approval" => self.fleet(Person::Omar, &["rollout", "approve", rollout]).map(|_| false),
            "ready" => self.fleet(Person::Olga, &["rollout", "start", rollout]).map(|_| true),
            _ => Ok(true),
        }
    }
}
