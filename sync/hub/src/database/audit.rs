//! The audit log's rows: one is added in the transaction of what it is about, behind the last one of any hub.
//!
//! `audit_head` is one row. Who adds locks it until the commit (SQLite has one writer anyway) and moves it by compare-and-set, as a cursor
//! is moved: so hubs that share a database keep one chain. It is the last thing that a transaction locks, for as short as can be. Rows are never
//! changed and never taken out.

use super::{
    Connection, Database, DatabaseError, Tx,
    failure::while_doing,
    over, reading,
    rows::{damaged, fixed, signed, unsigned},
};
use crate::people::audit::{AuditRow, Line};

/// Which rows are wanted; an empty text is any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Of this person, by id.
    pub actor: String,
    /// This action.
    pub action: String,
    /// With this outcome.
    pub outcome: String,
    /// About this object.
    pub object: String,
    /// From this time on, in milliseconds since 1970.
    pub from_ms: Option<i64>,
    /// Before this time.
    pub before_ms: Option<i64>,
}

type Columns = (
    i64,
    i64,
    String,
    String,
    String,
    String,
    String,
    String,
    String,
    String,
    String,
    String,
    String,
    Vec<u8>,
);

fn row(columns: Columns) -> Result<AuditRow, DatabaseError> {
    let (
        seq,
        at_ms,
        hub,
        actor,
        actor_name,
        way,
        address,
        action,
        object,
        outcome,
        reason,
        was,
        became,
        head,
    ) = columns;
    Ok(AuditRow {
        seq: unsigned(seq),
        at_ms,
        hub,
        actor,
        actor_name,
        way,
        address,
        action,
        object,
        outcome,
        reason,
        was,
        became,
        head: fixed(&head, "audit", "head", &seq)?,
    })
}

/// Adds a row behind the last one.
pub(super) async fn note(tx: &mut Tx, line: &Line) -> Result<u64, DatabaseError> {
    let failed = while_doing("write the audit log");
    let place = match tx.connection() {
        Connection::Sqlite(connection) => {
            sqlx::query_as("SELECT seq, head FROM audit_head WHERE one = 1").fetch_optional(connection).await
        }
        Connection::Postgres(connection) => {
            sqlx::query_as("SELECT seq, head FROM audit_head WHERE one = 1 FOR UPDATE")
                .fetch_optional(connection)
                .await
        }
    };
    let place: Option<(i64, Vec<u8>)> = place.map_err(failed)?;
    let (seq, before) = place.ok_or_else(|| damaged("audit_head", "one", &1))?;
    let row = line.after(unsigned(seq), &fixed(&before, "audit_head", "head", &seq)?);
    over!(&mut tx.connection(), on => {
        sqlx::query("INSERT INTO audit (seq, at_ms, hub, actor, actor_name, way, address, action, object, outcome, reason, was, became, head) \
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)")
            .bind(signed(row.seq)).bind(row.at_ms).bind(row.hub.as_str()).bind(row.actor.as_str()).bind(row.actor_name.as_str())
            .bind(row.way.as_str()).bind(row.address.as_str()).bind(row.action.as_str()).bind(row.object.as_str())
            .bind(row.outcome.as_str()).bind(row.reason.as_str()).bind(row.was.as_str()).bind(row.became.as_str())
            .bind(row.head.as_slice())
            .execute(on).await.map(drop).map_err(failed)
    })?;
    let moved = over!(&mut tx.connection(), on => {
        sqlx::query("UPDATE audit_head SET seq = $1, head = $2 WHERE one = 1 AND seq = $3 AND head = $4")
            .bind(signed(row.seq)).bind(row.head.as_slice()).bind(seq).bind(before.as_slice())
            .execute(on).await.map(|done| done.rows_affected()).map_err(failed)
    })?;
    if moved != 1 {
        return Err(damaged("audit_head", "seq", &seq));
    }
    // Somewhere else than in the database: who makes another chain there is found by what the hub's log says.
    tracing::info!(
        seq = row.seq,
        actor = row.actor,
        action = row.action,
        outcome = row.outcome,
        head = data_encoding::HEXLOWER.encode(&row.head),
        "audit"
    );
    Ok(row.seq)
}

impl Database {
    /// Writes a row of its own: of what was refused, or done elsewhere.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn audit(&self, line: &Line) -> Result<u64, DatabaseError> {
        let mut tx = self.begin().await?;
        let seq = note(&mut tx, line).await?;
        tx.commit().await?;
        Ok(seq)
    }

    /// Rows below a number, the latest first.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn audit_rows(
        &self,
        filter: &AuditFilter,
        below: u64,
        rows_max: u32,
    ) -> Result<Vec<AuditRow>, DatabaseError> {
        let below = i64::try_from(below).unwrap_or(i64::MAX);
        let rows: Vec<Columns> = reading!(self, pool => {
            sqlx::query_as("SELECT seq, at_ms, hub, actor, actor_name, way, address, action, object, outcome, reason, was, became, head \
                FROM audit WHERE seq < $1 AND ($2 = '' OR actor = $2) AND ($3 = '' OR action = $3) AND ($4 = '' OR outcome = $4) \
                AND ($5 = '' OR object = $5) AND at_ms >= $6 AND at_ms < $7 ORDER BY seq DESC LIMIT $8")
                .bind(below).bind(filter.actor.as_str()).bind(filter.action.as_str()).bind(filter.outcome.as_str())
                .bind(filter.object.as_str()).bind(filter.from_ms.unwrap_or(i64::MIN)).bind(filter.before_ms.unwrap_or(i64::MAX))
                .bind(super::read::bounded(rows_max)).fetch_all(pool).await.map_err(while_doing("read the audit log"))
        })?;
        rows.into_iter().map(row).collect()
    }

    /// Rows above a number, in their order: for who computes the chain again.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn audit_after(&self, seq: u64, rows_max: u32) -> Result<Vec<AuditRow>, DatabaseError> {
        let rows: Vec<Columns> = reading!(self, pool => {
            sqlx::query_as("SELECT seq, at_ms, hub, actor, actor_name, way, address, action, object, outcome, reason, was, became, head \
                FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2")
                .bind(signed(seq)).bind(super::read::bounded(rows_max)).fetch_all(pool).await.map_err(while_doing("read the audit log"))
        })?;
        rows.into_iter().map(row).collect()
    }

    /// Where the chain of the audit log ends: the last number, and the head after it.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn audit_head(&self) -> Result<(u64, [u8; 32]), DatabaseError> {
        let place: Option<(i64, Vec<u8>)> = reading!(self, pool => {
            sqlx::query_as("SELECT seq, head FROM audit_head WHERE one = 1").fetch_optional(pool).await
                .map_err(while_doing("read where the audit log ends"))
        })?;
        let (seq, head) = place.ok_or_else(|| damaged("audit_head", "one", &1))?;
        Ok((unsigned(seq), fixed(&head, "audit_head", "head", &seq)?))
    }
}
