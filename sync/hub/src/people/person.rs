//! A person: a name, roles, and whether they may come. Passwords, sessions and tokens are elsewhere.
//!
//! A name is kept and given back exactly as it was written, whatever signs it has: it is a bound value in SQL and escaped in pages. Two names that
//! differ in case only are one. What is edited has a version, which is its ETag.

use super::role::Grant;
use serde::Serialize;
use serde_json::{Value, json};

/// The most characters of a name.
pub const NAME_CHARS_MAX: usize = 64;
/// The most roles of a person.
pub const GRANTS_MAX: usize = 32;
/// The most people.
pub const PEOPLE_MAX: i64 = 10_000;

/// Why a name is none.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "is not 1 to {NAME_CHARS_MAX} characters without control signs, signs that cannot be seen, and spaces around it"
)]
pub struct NameError;

/// Checks a name.
///
/// # Errors
/// When it is empty, too long, or cannot be told from another one by looking.
pub fn check(name: &str) -> Result<(), NameError> {
    let count = name.chars().count();
    let is_plain = !name.chars().any(|sign| sign.is_control() || is_invisible(sign));
    let is_name = (1..=NAME_CHARS_MAX).contains(&count) && name.trim() == name && is_plain;
    if is_name { Ok(()) } else { Err(NameError) }
}

/// Signs of no width, and those that turn what follows around.
const fn is_invisible(sign: char) -> bool {
    matches!(sign, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A name as it is compared.
#[must_use]
pub fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

/// A person, as the database has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The id: `p-…`.
    pub id: String,
    /// The name, as it was written.
    pub name: String,
    /// Who they are at the identity provider, where they come from there.
    pub subject: Option<String>,
    /// True when they may not come.
    pub is_disabled: bool,
    /// Grows with every change.
    pub version: i64,
    /// True when they have a password.
    pub has_password: bool,
    /// Until when the code to set oneself up is good, where there is one.
    pub setup_until_ms: Option<i64>,
    /// Their roles.
    pub grants: Vec<Grant>,
    /// When they were added, in milliseconds since 1970.
    pub created_at_ms: i64,
    /// When they last signed in; 0 for never.
    pub signed_in_at_ms: i64,
}

impl Person {
    /// What is edited of them, for the audit log.
    #[must_use]
    pub fn shown(&self) -> Value {
        json!({ "name": self.name, "disabled": self.is_disabled, "roles": self.roles() })
    }

    /// Their roles as text.
    #[must_use]
    pub fn roles(&self) -> Vec<String> {
        self.grants.iter().map(ToString::to_string).collect()
    }

    /// Their ETag.
    #[must_use]
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.version)
    }
}

/// A change of a person; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// Another name.
    pub name: Option<String>,
    /// Other roles, all of them.
    pub grants: Option<Vec<Grant>>,
    /// Whether they may come.
    pub is_disabled: Option<bool>,
}

/// A session, for people to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SessionRow {
    /// Its name.
    pub session: String,
    /// The person.
    pub person: String,
    /// How it began: `password`, `oidc` or `setup`.
    pub way: String,
    /// Where from.
    pub address: String,
    /// What the browser calls itself.
    pub agent: String,
    /// When it began, in milliseconds since 1970.
    pub begun_at_ms: i64,
    /// When it was last used, to the minute.
    pub seen_at_ms: i64,
    /// When it ends at the latest.
    pub ends_at_ms: i64,
}

/// A token, for people to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TokenRow {
    /// Its name: what stands between `aisle_` and the secret.
    pub token: String,
    /// The person.
    pub person: String,
    /// What it is for, in words.
    pub name: String,
    /// What it may.
    pub permissions: Vec<String>,
    /// When it was made, in milliseconds since 1970.
    pub made_at_ms: i64,
    /// When it ends.
    pub ends_at_ms: i64,
    /// When it was last used, to the minute; 0 for never.
    pub used_at_ms: i64,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at_ms: Option<i64>,
}
