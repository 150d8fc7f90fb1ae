//! Sessions, tokens, and wrong passwords that are counted.
//!
//! Of a session and a token the hash is kept, never the secret. When they were last used is written once a minute. Each table has a bound: a
//! person's oldest session goes for a new one, and of what is counted the least guilty.

use super::{
    Connection, Database, DatabaseError, audit, failure::while_doing, over, people::hash_of, reading,
};
use crate::people::{
    audit::Line,
    lockout::{Attempts, FORGET_MS, SUBJECTS_MAX, Subject},
    person::{Person, SessionRow, TokenRow},
};
use serde_json::json;

/// The most sessions of a person at once; the oldest goes for a new one.
const SESSIONS_MAX: i64 = 16;
/// The most tokens of a person that are good at once.
pub const TOKENS_MAX: i64 = 32;
/// How often it is noted that something was used, in milliseconds.
pub(crate) const TOUCH_MS: i64 = 60_000;
/// Tokens that ended so long ago are shown no more, in milliseconds.
const TOKENS_KEPT_MS: i64 = 90 * 24 * 3_600_000;

type SessionColumns = (String, String, String, String, String, i64, i64, i64);
pub(super) type TokenColumns = (String, String, String, String, i64, i64, i64, Option<i64>);

fn session(columns: SessionColumns) -> SessionRow {
    let (session, person, way, address, agent, begun_at_ms, seen_at_ms, ends_at_ms) = columns;
    SessionRow { session, person, way, address, agent, begun_at_ms, seen_at_ms, ends_at_ms }
}

pub(super) fn token(columns: TokenColumns) -> TokenRow {
    let (token, person, name, permissions, made_at_ms, ends_at_ms, used_at_ms, revoked_at_ms) = columns;
    let permissions = permissions.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    TokenRow { token, person, name, permissions, made_at_ms, ends_at_ms, used_at_ms, revoked_at_ms }
}

impl Database {
    /// Begins a session. What is over is swept, and of the person's own the oldest makes room.
    pub(crate) async fn begin_session(
        &self,
        hash: &[u8; 32],
        row: &SessionRow,
        idle_before_ms: i64,
        line: &Line,
    ) -> Result<(), DatabaseError> {
        let failed = while_doing("begin a session");
        let mut tx = self.begin().await?;
        over!(&mut tx.connection(), on => {
            sqlx::query("DELETE FROM sessions WHERE ends_at_ms <= $1 OR seen_at_ms < $2")
                .bind(row.begun_at_ms).bind(idle_before_ms).execute(on).await.map(drop).map_err(failed)
        })?;
        over!(&mut tx.connection(), on => {
            sqlx::query("DELETE FROM sessions WHERE hash IN (SELECT hash FROM sessions WHERE person = $1 \
                ORDER BY begun_at_ms DESC, session LIMIT 1000 OFFSET $2)")
                .bind(row.person.as_str()).bind(SESSIONS_MAX - 1).execute(on).await.map(drop).map_err(failed)
        })?;
        over!(&mut tx.connection(), on => {
            sqlx::query("INSERT INTO sessions (hash, session, person, way, address, agent, begun_at_ms, seen_at_ms, ends_at_ms) \
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
                .bind(hash.as_slice()).bind(row.session.as_str()).bind(row.person.as_str()).bind(row.way.as_str())
                .bind(row.address.as_str()).bind(row.agent.as_str()).bind(row.begun_at_ms).bind(row.seen_at_ms).bind(row.ends_at_ms)
                .execute(on).await.map(drop).map_err(failed)
        })?;
        over!(&mut tx.connection(), on => {
            sqlx::query("UPDATE people SET signed_in_at_ms = $2 WHERE person = $1")
                .bind(row.person.as_str()).bind(row.begun_at_ms).execute(on).await.map(drop).map_err(failed)
        })?;
        audit::note(&mut tx, line).await?;
        tx.commit().await
    }

    /// The session of a secret, with its person.
    pub(crate) async fn session(
        &self,
        hash: &[u8; 32],
    ) -> Result<Option<(SessionRow, Person)>, DatabaseError> {
        let row: Option<SessionColumns> = reading!(self, pool => {
            sqlx::query_as("SELECT session, person, way, address, agent, begun_at_ms, seen_at_ms, ends_at_ms FROM sessions WHERE hash = $1")
                .bind(hash.as_slice()).fetch_optional(pool).await.map_err(while_doing("find a session"))
        })?;
        let Some(row) = row.map(session) else { return Ok(None) };
        Ok(self.person(&row.person).await?.map(|person| (row, person)))
    }

    /// A session was used.
    pub(crate) async fn touch_session(&self, hash: &[u8; 32], now_ms: i64) -> Result<(), DatabaseError> {
        let mut tx = self.begin().await?;
        over!(&mut tx.connection(), on => {
            sqlx::query("UPDATE sessions SET seen_at_ms = $2 WHERE hash = $1 AND seen_at_ms < $2")
                .bind(hash.as_slice()).bind(now_ms).execute(on).await.map(drop).map_err(while_doing("note that a session was used"))
        })?;
        tx.commit().await
    }

    /// The sessions of a person, the latest first.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn sessions_of(&self, person: &str) -> Result<Vec<SessionRow>, DatabaseError> {
        let rows: Vec<SessionColumns> = reading!(self, pool => {
            sqlx::query_as("SELECT session, person, way, address, agent, begun_at_ms, seen_at_ms, ends_at_ms FROM sessions \
                WHERE person = $1 ORDER BY begun_at_ms DESC, session LIMIT 100")
                .bind(person).fetch_all(pool).await.map_err(while_doing("list sessions"))
        })?;
        Ok(rows.into_iter().map(session).collect())
    }

    /// Ends a session by its name; of one person, where one is given. False when there is none.
    pub(crate) async fn end_session(
        &self,
        name: &str,
        person: Option<&str>,
        line: &Line,
    ) -> Result<bool, DatabaseError> {
        let mut tx = self.begin().await?;
        let row: Option<SessionColumns> = over!(&mut tx.connection(), on => {
            sqlx::query_as("SELECT session, person, way, address, agent, begun_at_ms, seen_at_ms, ends_at_ms FROM sessions WHERE session = $1")
                .bind(name).fetch_optional(on).await.map_err(while_doing("find a session"))
        })?;
        let Some(was) = row.map(session) else { return Ok(false) };
        let ended = over!(&mut tx.connection(), on => {
            sqlx::query("DELETE FROM sessions WHERE session = $1 AND ($2 = '' OR person = $2)")
                .bind(name).bind(person.unwrap_or_default())
                .execute(on).await.map(|done| done.rows_affected()).map_err(while_doing("end a session"))
        })?;
        if ended == 0 {
            return Ok(false);
        }
        let was = json!({
            "person": was.person, "way": was.way, "address": was.address, "begun_at_ms": was.begun_at_ms,
            "ends_at_ms": was.ends_at_ms,
        });
        audit::note(&mut tx, &line.clone().was(was).became(json!({ "ended_at_ms": line.at_ms }))).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Keeps a token. False when the person has as many as one may.
    pub(crate) async fn add_token(
        &self,
        hash: &[u8; 32],
        row: &TokenRow,
        line: &Line,
    ) -> Result<bool, DatabaseError> {
        let failed = while_doing("keep a token");
        let mut tx = self.begin().await?;
        over!(&mut tx.connection(), on => {
            sqlx::query("DELETE FROM api_tokens WHERE person = $1 AND (ends_at_ms < $2 OR revoked_at_ms < $2)")
                .bind(row.person.as_str()).bind(row.made_at_ms.saturating_sub(TOKENS_KEPT_MS))
                .execute(on).await.map(drop).map_err(failed)
        })?;
        let count: i64 = over!(&mut tx.connection(), on => {
            sqlx::query_scalar("SELECT COUNT(*) FROM api_tokens WHERE person = $1 AND revoked_at_ms IS NULL AND ends_at_ms > $2")
                .bind(row.person.as_str()).bind(row.made_at_ms).fetch_one(on).await.map_err(failed)
        })?;
        if count >= TOKENS_MAX {
            return Ok(false);
        }
        over!(&mut tx.connection(), on => {
            sqlx::query("INSERT INTO api_tokens (token, hash, person, name, permissions, made_at_ms, ends_at_ms) \
                VALUES ($1, $2, $3, $4, $5, $6, $7)")
                .bind(row.token.as_str()).bind(hash.as_slice()).bind(row.person.as_str()).bind(row.name.as_str())
                .bind(row.permissions.join(",")).bind(row.made_at_ms).bind(row.ends_at_ms)
                .execute(on).await.map(drop).map_err(failed)
        })?;
        audit::note(&mut tx, line).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// A token by its name, with the hash of its secret and its person.
    pub(crate) async fn token(
        &self,
        name: &str,
    ) -> Result<Option<([u8; 32], TokenRow, Person)>, DatabaseError> {
        let failed = while_doing("find a token");
        let hash: Option<Vec<u8>> = reading!(self, pool => {
            sqlx::query_scalar("SELECT hash FROM api_tokens WHERE token = $1").bind(name).fetch_optional(pool).await.map_err(failed)
        })?;
        let row: Option<TokenColumns> = reading!(self, pool => {
            sqlx::query_as("SELECT token, person, name, permissions, made_at_ms, ends_at_ms, used_at_ms, revoked_at_ms \
                FROM api_tokens WHERE token = $1").bind(name).fetch_optional(pool).await.map_err(failed)
        })?;
        let (Some(hash), Some(row)) = (hash, row.map(token)) else { return Ok(None) };
        let hash = hash_of(&hash, "api_tokens", name)?;
        Ok(self.person(&row.person).await?.map(|person| (hash, row, person)))
    }

    /// A token was used, or tried. False when that was noted within the last minute.
    pub(crate) async fn touch_token(&self, name: &str, now_ms: i64) -> Result<bool, DatabaseError> {
        let mut tx = self.begin().await?;
        let noted = over!(&mut tx.connection(), on => {
            sqlx::query("UPDATE api_tokens SET used_at_ms = $2 WHERE token = $1 AND used_at_ms <= $3")
                .bind(name).bind(now_ms).bind(now_ms.saturating_sub(TOUCH_MS))
                .execute(on).await.map(|done| done.rows_affected()).map_err(while_doing("note that a token was used"))
        })?;
        tx.commit().await?;
        Ok(noted > 0)
    }

    /// Revokes a token; of one person, where one is given. False when there is none that is good.
    pub(crate) async fn revoke_token(
        &self,
        name: &str,
        person: Option<&str>,
        line: &Line,
    ) -> Result<bool, DatabaseError> {
        let mut tx = self.begin().await?;
        let row: Option<TokenColumns> = over!(&mut tx.connection(), on => {
            sqlx::query_as("SELECT token, person, name, permissions, made_at_ms, ends_at_ms, used_at_ms, revoked_at_ms FROM api_tokens \
                WHERE token = $1").bind(name).fetch_optional(on).await.map_err(while_doing("find a token"))
        })?;
        let Some(was) = row.map(token) else { return Ok(false) };
        let revoked = over!(&mut tx.connection(), on => {
            sqlx::query("UPDATE api_tokens SET revoked_at_ms = $3 WHERE token = $1 AND ($2 = '' OR person = $2) AND revoked_at_ms IS NULL")
                .bind(name).bind(person.unwrap_or_default()).bind(line.at_ms)
                .execute(on).await.map(|done| done.rows_affected()).map_err(while_doing("revoke a token"))
        })?;
        if revoked == 0 {
            return Ok(false);
        }
        let was = json!({
            "person": was.person, "name": was.name, "permissions": was.permissions, "ends_at_ms": was.ends_at_ms,
        });
        audit::note(&mut tx, &line.clone().was(was).became(json!({ "revoked_at_ms": line.at_ms }))).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// What is counted of an account or an address.
    pub(crate) async fn attempts(&self, subject: &Subject) -> Result<Attempts, DatabaseError> {
        let row: Option<(i64, i64, i64)> = reading!(self, pool => {
            sqlx::query_as("SELECT failures, last_at_ms, blocked_until_ms FROM attempts WHERE subject = $1")
                .bind(subject.key()).fetch_optional(pool).await.map_err(while_doing("count wrong passwords"))
        })?;
        Ok(of_row(row))
    }

    /// One more was wrong, of each: counted together with the row of the audit log, where there is one. Gives what is counted then.
    pub(crate) async fn note_failure(
        &self,
        subjects: &[Subject],
        now_ms: i64,
        line: impl FnOnce(&[Attempts]) -> Option<Line>,
    ) -> Result<Vec<Attempts>, DatabaseError> {
        let failed = while_doing("count a wrong password");
        let mut tx = self.begin().await?;
        let mut counted = Vec::with_capacity(subjects.len());
        for subject in subjects {
            let key = subject.key();
            over!(&mut tx.connection(), on => {
                sqlx::query("INSERT INTO attempts (subject, failures, last_at_ms, blocked_until_ms) VALUES ($1, 0, $2, 0) ON CONFLICT DO NOTHING")
                    .bind(key.as_str()).bind(now_ms).execute(on).await.map(drop).map_err(failed)
            })?;
            // Of two hubs that count at once the second waits.
            if let Connection::Postgres(connection) = tx.connection() {
                sqlx::query("SELECT failures FROM attempts WHERE subject = $1 FOR UPDATE")
                    .bind(key.as_str())
                    .fetch_optional(connection)
                    .await
                    .map_err(failed)?;
            }
            let row: Option<(i64, i64, i64)> = over!(&mut tx.connection(), on => {
                sqlx::query_as("SELECT failures, last_at_ms, blocked_until_ms FROM attempts WHERE subject = $1")
                    .bind(key.as_str()).fetch_optional(on).await.map_err(failed)
            })?;
            let next = of_row(row).failed(subject, now_ms);
            over!(&mut tx.connection(), on => {
                sqlx::query("UPDATE attempts SET failures = $2, last_at_ms = $3, blocked_until_ms = $4 WHERE subject = $1")
                    .bind(key.as_str()).bind(next.failures).bind(next.last_at_ms).bind(next.blocked_until_ms)
                    .execute(on).await.map(drop).map_err(failed)
            })?;
            counted.push(next);
        }
        over!(&mut tx.connection(), on => {
            sqlx::query("DELETE FROM attempts WHERE last_at_ms < $1")
                .bind(now_ms.saturating_sub(FORGET_MS)).execute(on).await.map(drop).map_err(failed)
        })?;
        over!(&mut tx.connection(), on => {
            sqlx::query("DELETE FROM attempts WHERE subject IN (SELECT subject FROM attempts \
                ORDER BY failures DESC, last_at_ms DESC LIMIT 1000 OFFSET $1)")
                .bind(i64::from(SUBJECTS_MAX)).execute(on).await.map(drop).map_err(failed)
        })?;
        if let Some(line) = line(&counted) {
            audit::note(&mut tx, &line).await?;
        }
        tx.commit().await?;
        Ok(counted)
    }

    /// The account's password was right: nothing is counted against it any more. Of an address others may still be wrong.
    pub(crate) async fn forgive(&self, subject: &Subject) -> Result<(), DatabaseError> {
        let mut tx = self.begin().await?;
        over!(&mut tx.connection(), on => {
            sqlx::query("DELETE FROM attempts WHERE subject = $1")
                .bind(subject.key()).execute(on).await.map(drop).map_err(while_doing("forget wrong passwords"))
        })?;
        tx.commit().await
    }
}

fn of_row(row: Option<(i64, i64, i64)>) -> Attempts {
    let (failures, last_at_ms, blocked_until_ms) = row.unwrap_or_default();
    Attempts { failures, last_at_ms, blocked_until_ms }
}
