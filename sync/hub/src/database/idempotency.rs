//! Answers to requests that may be sent again, by caller and key. Bounded in number and time.

use super::{Database, DatabaseError, failure::while_doing, over, people::hash_of, reading};

/// How long an answer is kept, in milliseconds.
const KEPT_MS: i64 = 24 * 3_600_000;
/// The most answers that are kept; beyond, the oldest are forgotten.
pub const ANSWERS_MAX: i64 = 10_000;

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Nothing was: the request is to be done, then settled or released.
    New,
    /// Another request had it.
    Other,
    /// The same request is being done, or nobody knows what came of it.
    Begun,
    /// It was done, and this is the sealed answer. Absent when it was too long to keep.
    Done {
        /// The status.
        status: i32,
        /// The answer as it was kept.
        answer: Option<Vec<u8>>,
    },
}

impl Database {
    /// Claims a key for a request, or says what is known of it.
    pub(crate) async fn claim_key(
        &self,
        actor: &str,
        key: &[u8; 32],
        request: &[u8; 32],
        now_ms: i64,
    ) -> Result<Claim, DatabaseError> {
        let failed = while_doing("claim the key of a request");
        let mut tx = self.begin().await?;
        over!(&mut tx.connection(), on => {
            sqlx::query("DELETE FROM idempotency WHERE at_ms < $1")
                .bind(now_ms.saturating_sub(KEPT_MS)).execute(on).await.map(drop).map_err(failed)
        })?;
        over!(&mut tx.connection(), on => {
            sqlx::query("DELETE FROM idempotency WHERE at_ms < (SELECT at_ms FROM idempotency ORDER BY at_ms DESC LIMIT 1 OFFSET $1)")
                .bind(ANSWERS_MAX).execute(on).await.map(drop).map_err(failed)
        })?;
        let claimed = over!(&mut tx.connection(), on => {
            sqlx::query("INSERT INTO idempotency (actor, key, request, at_ms) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING")
                .bind(actor).bind(key.as_slice()).bind(request.as_slice()).bind(now_ms)
                .execute(on).await.map(|done| done.rows_affected()).map_err(failed)
        })?;
        tx.commit().await?;
        if claimed == 1 {
            return Ok(Claim::New);
        }
        let row: Option<(Vec<u8>, i32, Option<Vec<u8>>)> = reading!(self, pool => {
            sqlx::query_as("SELECT request, status, answer FROM idempotency WHERE actor = $1 AND key = $2")
                .bind(actor).bind(key.as_slice()).fetch_optional(pool).await.map_err(failed)
        })?;
        // It was released between the two: whoever asks comes again.
        let Some((known, status, answer)) = row else { return Ok(Claim::Begun) };
        Ok(match status {
            _ if hash_of(&known, "idempotency", actor)? != *request => Claim::Other,
            0 => Claim::Begun,
            status => Claim::Done { status, answer },
        })
    }

    /// Keeps the answer of a request whose key was claimed.
    pub(crate) async fn settle_key(
        &self,
        actor: &str,
        key: &[u8; 32],
        status: u16,
        answer: Option<&[u8]>,
    ) -> Result<(), DatabaseError> {
        let mut tx = self.begin().await?;
        over!(&mut tx.connection(), on => {
            sqlx::query("UPDATE idempotency SET status = $3, answer = $4 WHERE actor = $1 AND key = $2")
                .bind(actor).bind(key.as_slice()).bind(i32::from(status)).bind(answer)
                .execute(on).await.map(drop).map_err(while_doing("keep the answer of a request"))
        })?;
        tx.commit().await
    }

    /// Gives a claimed key back: nothing was done.
    pub(crate) async fn release_key(&self, actor: &str, key: &[u8; 32]) -> Result<(), DatabaseError> {
        let mut tx = self.begin().await?;
        over!(&mut tx.connection(), on => {
            sqlx::query("DELETE FROM idempotency WHERE actor = $1 AND key = $2 AND status = 0")
                .bind(actor).bind(key.as_slice()).execute(on).await.map(drop).map_err(while_doing("release the key of a request"))
        })?;
        tx.commit().await
    }
}
