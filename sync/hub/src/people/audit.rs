//! The audit log: who did what, from where, when, and how it was before and after. What was refused stands in it, too.
//!
//! Rows form a chain: each has the hash of its fields and of the head before it, so a row that was changed, taken out or put in is found by
//! whoever computes it again ([`AuditRow::follows`], `aisle-hub verify`). Whoever can write to the database can make a whole new chain; so every
//! head goes to the hub's log as well, which is kept elsewhere. A row is written in the transaction of what it is about. Not here: SQL
//! ([`crate::database`]). Guards: fields are bounded ([`TEXT_BYTES_MAX`], [`VALUE_BYTES_MAX`]), and no secret is ever given to it: passwords, tokens, codes
//! and ids of sessions have no `Serialize`.

use serde::Serialize;
use serde_json::{Value, json};

/// The longest text of a row, in bytes; longer ones are cut.
pub const TEXT_BYTES_MAX: usize = 512;
/// The longest value before or after, in bytes of JSON; of longer ones the hash is kept.
pub const VALUE_BYTES_MAX: usize = 8 << 10;

/// Who did something, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// The person's id; `machine`; empty for somebody who is not known.
    pub id: String,
    /// Their name, as it was then; what was claimed, where nobody is known.
    pub name: String,
    /// How they came: `machine`, `session`, `token`, `password`, `oidc`, `setup`.
    pub way: &'static str,
    /// Where from.
    pub address: String,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// They may not, or it was wrong.
    Refused,
    /// It could not be done.
    Failed,
}

impl Outcome {
    /// In one word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// A row that is not yet in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When, in milliseconds since 1970 by the hub's clock.
    pub at_ms: i64,
    /// Which hub.
    pub hub: String,
    /// Who.
    pub by: By,
    /// What: the permission that it wants, or a noun and a verb such as `session.begin`.
    pub action: &'static str,
    /// To what.
    pub object: String,
    /// What came of it.
    pub outcome: Outcome,
    /// Why, where it was refused or failed.
    pub reason: String,
    /// How the object was before.
    pub was: Option<Value>,
    /// How it is after.
    pub became: Option<Value>,
}

/// A row of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct AuditRow {
    /// Its number: 1, 2, 3, … without a gap.
    pub seq: u64,
    /// When, in milliseconds since 1970 by the hub's clock.
    pub at_ms: i64,
    /// Which hub.
    pub hub: String,
    /// The person's id; `machine`; empty for somebody who is not known.
    pub actor: String,
    /// Their name, as it was then.
    pub actor_name: String,
    /// How they came.
    pub way: String,
    /// Where from.
    pub address: String,
    /// What.
    pub action: String,
    /// To what.
    pub object: String,
    /// `done`, `refused` or `failed`.
    pub outcome: String,
    /// Why, where it was refused or failed.
    pub reason: String,
    /// How the object was before, as JSON; empty where that says nothing.
    pub was: String,
    /// How it is after, as JSON; empty where that says nothing.
    pub became: String,
    /// The chain's head after this row: 64 hexadecimal digits.
    #[serde(serialize_with = "hexadecimal")]
    #[schema(value_type = String)]
    pub head: [u8; 32],
}

fn hexadecimal<S: serde::Serializer>(head: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&data_encoding::HEXLOWER.encode(head))
}

/// The head before the first row.
pub const START: [u8; 32] = [0; 32];

impl Line {
    /// The row that it becomes behind a place of the chain.
    #[must_use]
    pub fn after(&self, seq: u64, head: &[u8; 32]) -> AuditRow {
        let mut row = AuditRow {
            seq: seq.saturating_add(1),
            at_ms: self.at_ms,
            hub: cut(&self.hub),
            actor: cut(&self.by.id),
            actor_name: cut(&self.by.name),
            way: self.by.way.to_owned(),
            address: cut(&self.by.address),
            action: self.action.to_owned(),
            object: cut(&self.object),
            outcome: self.outcome.as_str().to_owned(),
            reason: cut(&self.reason),
            was: value(self.was.as_ref()),
            became: value(self.became.as_ref()),
            head: START,
        };
        row.head = row.computed(head);
        row
    }

    /// The same, refused or failed, and why.
    #[must_use]
    pub fn not(mut self, outcome: Outcome, reason: impl Into<String>) -> Self {
        self.outcome = outcome;
        self.reason = reason.into();
        self
    }

    /// The same, with how it is after.
    #[must_use]
    pub fn became(mut self, value: Value) -> Self {
        self.became = Some(value);
        self
    }

    /// The same, with how it was before.
    #[must_use]
    pub fn was(mut self, value: Value) -> Self {
        self.was = Some(value);
        self
    }
}

impl AuditRow {
    /// The head that its fields give after another one.
    fn computed(&self, before: &[u8; 32]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("aisle 2026-11-22 row of the audit log");
        hasher.update(before);
        hasher.update(&self.seq.to_le_bytes());
        hasher.update(&self.at_ms.to_le_bytes());
        let texts = [
            &self.hub,
            &self.actor,
            &self.actor_name,
            &self.way,
            &self.address,
            &self.action,
            &self.object,
            &self.outcome,
            &self.reason,
            &self.was,
            &self.became,
        ];
        for text in texts {
            // With its length: what ends one field cannot begin the next.
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        *hasher.finalize().as_bytes()
    }

    /// Whether it is the row that belongs behind a place of the chain, and says what was written.
    #[must_use]
    pub fn follows(&self, seq: u64, head: &[u8; 32]) -> bool {
        seq.checked_add(1) == Some(self.seq) && self.computed(head) == self.head
    }
}

/// Bounded, and without what PostgreSQL keeps in no text.
fn cut(text: &str) -> String {
    let clean = text.replace('\0', "\u{fffd}");
    if clean.len() <= TEXT_BYTES_MAX {
        return clean;
    }
    let end = (0..=TEXT_BYTES_MAX - '…'.len_utf8()).rev().find(|end| clean.is_char_boundary(*end));
    format!("{}…", clean.get(..end.unwrap_or(0)).unwrap_or_default())
}

fn value(value: Option<&Value>) -> String {
    let Some(value) = value else { return String::new() };
    let text = value.to_string();
    if text.len() <= VALUE_BYTES_MAX {
        return text;
    }
    json!({ "too_long": { "bytes": text.len(), "blake3": blake3::hash(text.as_bytes()).to_string() } })
        .to_string()
}
