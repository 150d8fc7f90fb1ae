//! Requests that wait for another person. Every step is a compare-and-set on the state, in one transaction with its row of the audit log.

use super::{Database, DatabaseError, audit, failure::while_doing, over, people::hash_of, reading};
use crate::people::{
    approval::{Approval, Kind, State},
    audit::Line,
};
use serde_json::json;

/// The most requests of one person that wait.
pub const WAITING_MAX: i64 = 50;
/// What was decided so long ago is kept by the audit log only, in milliseconds.
const KEPT_MS: i64 = 90 * 24 * 3_600_000;

type Columns = (
    String,
    String,
    String,
    Vec<u8>,
    String,
    String,
    String,
    String,
    i64,
    i64,
    String,
    String,
    i64,
    String,
    i64,
);

fn approval(columns: Columns) -> Result<Approval, DatabaseError> {
    let (
        id,
        kind,
        summary,
        hash,
        request,
        state,
        asked_by,
        asked_name,
        asked_at_ms,
        ends_at_ms,
        decided_by,
        decided_name,
        decided_at_ms,
        reason,
        executed_at_ms,
    ) = columns;
    let damaged = |column| super::rows::damaged("approvals", column, &id);
    Ok(Approval {
        kind: kind.parse().map_err(|_| damaged("kind"))?,
        hash: hash_of(&hash, "approvals", &id)?,
        state: state.parse().map_err(|_| damaged("state"))?,
        id,
        summary,
        request,
        asked_by,
        asked_name,
        asked_at_ms,
        ends_at_ms,
        decided_by,
        decided_name,
        decided_at_ms,
        reason,
        executed_at_ms,
    })
}

const BY_ID: &str = "SELECT approval, kind, summary, hash, request, state, asked_by, asked_name, asked_at_ms, ends_at_ms, decided_by, decided_name, \
    decided_at_ms, reason, executed_at_ms FROM approvals WHERE approval = $1";
const SAME: &str = "SELECT approval, kind, summary, hash, request, state, asked_by, asked_name, asked_at_ms, ends_at_ms, decided_by, decided_name, \
    decided_at_ms, reason, executed_at_ms FROM approvals WHERE kind = $1 AND hash = $2 AND asked_by = $3 AND state IN ('waits', 'approved') \
    AND ends_at_ms > $4 ORDER BY asked_at_ms DESC LIMIT 1";
const LIST: &str = "SELECT approval, kind, summary, hash, request, state, asked_by, asked_name, asked_at_ms, ends_at_ms, decided_by, decided_name, \
    decided_at_ms, reason, executed_at_ms FROM approvals WHERE ($1 = '' OR state = $1) AND (asked_at_ms, approval) < ($2, $3) \
    ORDER BY asked_at_ms DESC, approval DESC LIMIT $4";

impl Database {
    /// Keeps a request. Where the same person has asked for exactly the same already, that one is given back. `None` when too many wait.
    pub(crate) async fn ask_approval(
        &self,
        new: &Approval,
        line: &Line,
    ) -> Result<Option<Approval>, DatabaseError> {
        let failed = while_doing("ask for an approval");
        let mut tx = self.begin().await?;
        let same: Option<Columns> = over!(&mut tx.connection(), on => {
            sqlx::query_as(SAME).bind(new.kind.as_str()).bind(new.hash.as_slice()).bind(new.asked_by.as_str()).bind(new.asked_at_ms)
                .fetch_optional(on).await.map_err(failed)
        })?;
        if let Some(same) = same {
            return approval(same).map(Some);
        }
        over!(&mut tx.connection(), on => {
            sqlx::query("DELETE FROM approvals WHERE ends_at_ms < $1")
                .bind(new.asked_at_ms.saturating_sub(KEPT_MS)).execute(on).await.map(drop).map_err(failed)
        })?;
        let waiting: i64 = over!(&mut tx.connection(), on => {
            sqlx::query_scalar("SELECT COUNT(*) FROM approvals WHERE asked_by = $1 AND state IN ('waits', 'approved') AND ends_at_ms > $2")
                .bind(new.asked_by.as_str()).bind(new.asked_at_ms).fetch_one(on).await.map_err(failed)
        })?;
        if waiting >= WAITING_MAX {
            return Ok(None);
        }
        over!(&mut tx.connection(), on => {
            sqlx::query("INSERT INTO approvals (approval, kind, summary, hash, request, state, asked_by, asked_name, asked_at_ms, ends_at_ms) \
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
                .bind(new.id.as_str()).bind(new.kind.as_str()).bind(new.summary.as_str()).bind(new.hash.as_slice())
                .bind(new.request.as_str()).bind(State::Waits.as_str()).bind(new.asked_by.as_str()).bind(new.asked_name.as_str())
                .bind(new.asked_at_ms).bind(new.ends_at_ms)
                .execute(on).await.map(drop).map_err(failed)
        })?;
        audit::note(&mut tx, line).await?;
        tx.commit().await?;
        Ok(Some(new.clone()))
    }

    /// A request.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn approval(&self, id: &str) -> Result<Option<Approval>, DatabaseError> {
        let row: Option<Columns> = reading!(self, pool => {
            sqlx::query_as(BY_ID).bind(id).fetch_optional(pool).await.map_err(while_doing("find an approval"))
        })?;
        row.map(approval).transpose()
    }

    /// Requests, the latest first, those before a time and an id; of a state, where one is given.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn approvals(
        &self,
        state: Option<State>,
        before: (i64, &str),
        rows_max: u32,
    ) -> Result<Vec<Approval>, DatabaseError> {
        let rows: Vec<Columns> = reading!(self, pool => {
            sqlx::query_as(LIST).bind(state.map_or("", State::as_str)).bind(before.0).bind(before.1)
                .bind(super::read::bounded(rows_max)).fetch_all(pool).await.map_err(while_doing("list approvals"))
        })?;
        rows.into_iter().map(approval).collect()
    }

    /// Decides what waits, where it still waits and its time is not over, and who decides is not who asked. False when that is not so.
    pub(crate) async fn decide_approval(
        &self,
        id: &str,
        (by, name): (&str, &str),
        to: State,
        reason: &str,
        line: &Line,
    ) -> Result<bool, DatabaseError> {
        let is_own = to == State::Withdrawn;
        let mut tx = self.begin().await?;
        let was: Option<String> = over!(&mut tx.connection(), on => {
            sqlx::query_scalar("SELECT state FROM approvals WHERE approval = $1").bind(id).fetch_optional(on).await
                .map_err(while_doing("find an approval"))
        })?;
        let decided = over!(&mut tx.connection(), on => {
            sqlx::query("UPDATE approvals SET state = $2, decided_by = $3, decided_name = $4, decided_at_ms = $5, reason = $6 \
                WHERE approval = $1 AND (state = 'waits' OR ($7 = $8 AND state = 'approved')) AND ends_at_ms > $5 AND (asked_by = $3) = $7")
                .bind(id).bind(to.as_str()).bind(by).bind(name).bind(line.at_ms).bind(reason).bind(is_own).bind(true)
                .execute(on).await.map(|done| done.rows_affected()).map_err(while_doing("decide an approval"))
        })?;
        if decided == 0 {
            return Ok(false);
        }
        let line = line.clone().was(json!({ "state": was.unwrap_or_default() }));
        audit::note(&mut tx, &line.became(json!({ "state": to.as_str(), "reason": reason }))).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Takes what was approved, exactly this request and only once. False when it is not there to be taken.
    pub(crate) async fn take_approval(
        &self,
        id: &str,
        kind: Kind,
        hash: &[u8; 32],
        line: &Line,
    ) -> Result<bool, DatabaseError> {
        let mut tx = self.begin().await?;
        let taken = over!(&mut tx.connection(), on => {
            sqlx::query("UPDATE approvals SET state = 'executed', executed_at_ms = $4 \
                WHERE approval = $1 AND kind = $2 AND hash = $3 AND state = 'approved' AND ends_at_ms > $4")
                .bind(id).bind(kind.as_str()).bind(hash.as_slice()).bind(line.at_ms)
                .execute(on).await.map(|done| done.rows_affected()).map_err(while_doing("take an approval"))
        })?;
        if taken == 0 {
            return Ok(false);
        }
        audit::note(&mut tx, line).await?;
        tx.commit().await?;
        Ok(true)
    }
}
