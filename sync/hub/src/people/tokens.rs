//! Tokens for programs: `aisle_NAME_SECRET`. Each belongs to a person, is for a few permissions, and ends.
//!
//! What it may is what it is for *and* what the person may at that moment. Of the secret the hash is kept; it is shown once. The beginning of the
//! text is always the same, so that programs that look for secrets in public places find it.

use super::{
    People,
    person::{Person, TokenRow, check},
    role::Permission,
    secret::{self, NoRandomness, Purpose, Secret},
    who::Who,
};
use crate::database::{DatabaseError, TOKENS_MAX};
use serde_json::json;

/// What every token begins with.
pub const PREFIX: &str = "aisle_";
/// The longest life of a token, in days.
pub const DAYS_MAX: u32 = 366;
/// A day, in milliseconds.
const DAY_MS: i64 = 24 * 3_600_000;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenMadeError {
    /// What it is for, in words, is no name.
    #[error("`name` {0}")]
    Name(#[from] super::person::NameError),
    /// It may nothing.
    #[error("`permissions` is empty\nhint: name what it is for, such as `store.read`")]
    Nothing,
    /// It would end too late, or at once.
    #[error("`days` is {0}, expected 1 to {DAYS_MAX}")]
    Days(u32),
    /// The person may not do it themselves.
    #[error("`permissions`: this person may not `{0}`, so no token of theirs may")]
    Beyond(Permission),
    /// There are too many.
    #[error("this person has {TOKENS_MAX} tokens already\nhint: revoke some")]
    TooMany,
    /// No secret can be made.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The database could not.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// What a token is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// What it is for, in words.
    pub name: String,
    /// What it may.
    pub permissions: Vec<Permission>,
    /// In how many days it ends.
    pub days: u32,
}

/// The name and the secret of a token's text.
pub(super) fn parts(text: &str) -> Option<(&str, Secret)> {
    let (name, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    Some((name, Secret::given(secret)))
}

impl People {
    /// Makes a token of a person. Gives its text, which is shown this once, and what is kept.
    ///
    /// # Errors
    /// When it would be for what the person may not, end too late, or there are too many.
    pub async fn make_token(
        &self,
        who: &Who,
        person: &Person,
        new: &NewToken,
        now_ms: i64,
    ) -> Result<(Secret, TokenRow), TokenMadeError> {
        check(&new.name)?;
        if new.permissions.is_empty() {
            return Err(TokenMadeError::Nothing);
        }
        if !(1..=DAYS_MAX).contains(&new.days) {
            return Err(TokenMadeError::Days(new.days));
        }
        let may = |permission: &Permission| person.grants.iter().any(|grant| grant.role.may(*permission));
        if let Some(beyond) = new.permissions.iter().find(|permission| !may(permission)) {
            return Err(TokenMadeError::Beyond(*beyond));
        }
        let mut permissions: Vec<String> = new.permissions.iter().map(ToString::to_string).collect();
        permissions.sort_unstable();
        permissions.dedup();
        let secret = Secret::draw(self.random())?;
        let row = TokenRow {
            token: secret::name("t", self.random())?,
            person: person.id.clone(),
            name: new.name.clone(),
            permissions,
            made_at_ms: now_ms,
            ends_at_ms: now_ms.saturating_add(i64::from(new.days).saturating_mul(DAY_MS)),
            used_at_ms: 0,
            revoked_at_ms: None,
        };
        let line = self.line(who.by(), "token.make", &row.token, now_ms).became(json!({
            "person": row.person, "name": row.name, "permissions": row.permissions, "ends_at_ms": row.ends_at_ms,
        }));
        if !self.database().add_token(&secret.hash(Purpose::Token), &row, &line).await? {
            return Err(TokenMadeError::TooMany);
        }
        let text = format!("{PREFIX}{}_{}", row.token, secret.reveal());
        Ok((Secret::given(&text), row))
    }

    /// Revokes a token, of one person where one is given. False when there is none that is good.
    ///
    /// # Errors
    /// When the database could not.
    pub async fn revoke_token(
        &self,
        who: &Who,
        person: Option<&str>,
        token: &str,
        now_ms: i64,
    ) -> Result<bool, DatabaseError> {
        let line = self.line(who.by(), "token.revoke", token, now_ms);
        self.database().revoke_token(token, person, &line).await
    }
}
