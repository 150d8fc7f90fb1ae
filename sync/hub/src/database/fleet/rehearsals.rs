//! Rehearsals: one for a rollout, the last one; its nodes and what each said while it is open, and what all of them said when it is not.

use super::{
    super::{Database, DatabaseError, failure::while_doing, over, read::bounded, reading, rows::damaged},
    Change, Rule,
};
use aisle_fleet::{NodeId, Release, Slot};

/// A rehearsal as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRehearsal {
    /// Of which rollout.
    pub rollout: String,
    /// When it was asked for, in milliseconds since 1970, and later than the one before.
    pub round: i64,
    /// When it ends at the latest.
    pub until_ms: i64,
    /// When it ended; 0 while nodes are asked.
    pub ended_ms: i64,
    /// Why it ended.
    pub why: String,
    /// What is tried.
    pub candidates: Vec<(Slot, Release)>,
    /// How many nodes are asked.
    pub nodes: i64,
    /// What all of them said, as JSON; empty while nodes are asked.
    pub found: String,
}

type Columns = (String, i64, i64, i64, String, String, i64, String);

const ALL: &str = "SELECT rollout, round, until_ms, ended_ms, why, candidates, nodes, found FROM rehearsals";

fn kept(columns: Columns) -> Result<KeptRehearsal, DatabaseError> {
    let (rollout, round, until_ms, ended_ms, why, candidates, nodes, found) = columns;
    let candidates =
        serde_json::from_str(&candidates).map_err(|_| damaged("rehearsals", "candidates", &rollout))?;
    Ok(KeptRehearsal { rollout, round, until_ms, ended_ms, why, candidates, nodes, found })
}

impl Database {
    /// The last rehearsal of a rollout.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn rehearsal(&self, rollout: &str) -> Result<Option<KeptRehearsal>, DatabaseError> {
        let query = format!("{ALL} WHERE rollout = $1");
        let row: Option<Columns> = reading!(self, pool => {
            sqlx::query_as(sqlx::AssertSqlSafe(query)).bind(rollout).fetch_optional(pool).await.map_err(while_doing("find a rehearsal"))
        })?;
        row.map(kept).transpose()
    }

    /// Rehearsals for which nodes are asked, the first first.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn open_rehearsals(&self, rows_max: u32) -> Result<Vec<KeptRehearsal>, DatabaseError> {
        let query = format!("{ALL} WHERE ended_ms = 0 ORDER BY round, rollout LIMIT $1");
        let rows: Vec<Columns> = reading!(self, pool => {
            sqlx::query_as(sqlx::AssertSqlSafe(query)).bind(bounded(rows_max)).fetch_all(pool).await.map_err(while_doing("list rehearsals"))
        })?;
        rows.into_iter().map(kept).collect()
    }

    /// The nodes of an open rehearsal behind a place, each with what it said: store, serial, JSON.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn rehearsal_nodes(
        &self,
        rollout: &str,
        after: (&str, &str),
        rows_max: u32,
    ) -> Result<Vec<(String, String, String)>, DatabaseError> {
        reading!(self, pool => {
            sqlx::query_as("SELECT store, node, said FROM rehearsal_nodes WHERE rollout = $1 AND (store, node) > ($2, $3) \
                ORDER BY store, node LIMIT $4")
                .bind(rollout).bind(after.0).bind(after.1).bind(bounded(rows_max)).fetch_all(pool).await
                .map_err(while_doing("read what nodes say of a rehearsal"))
        })
    }
}

impl Change {
    /// How many rehearsals of other rollouts are open.
    pub(crate) async fn other_rehearsals(&mut self, rollout: &str) -> Result<i64, DatabaseError> {
        over!(&mut self.0.connection(), on => {
            sqlx::query_scalar("SELECT COUNT(*) FROM rehearsals WHERE ended_ms = 0 AND rollout <> $1").bind(rollout)
                .fetch_one(on).await.map_err(while_doing("count rehearsals"))
        })
    }

    /// Begins a rehearsal with these nodes, in place of the one before.
    pub(crate) async fn put_rehearsal(
        &mut self,
        rehearsal: &KeptRehearsal,
        nodes: &[NodeId],
    ) -> Result<(), DatabaseError> {
        let failed = while_doing("begin a rehearsal");
        let KeptRehearsal { rollout, round, until_ms, ended_ms, why, candidates, nodes: many, found } =
            rehearsal;
        let candidates =
            serde_json::to_string(candidates).map_err(|_| damaged("rehearsals", "candidates", rollout))?;
        over!(&mut self.0.connection(), on => {
            sqlx::query("INSERT INTO rehearsals (rollout, round, until_ms, ended_ms, why, candidates, nodes, found) \
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (rollout) DO UPDATE SET round = excluded.round, \
                until_ms = excluded.until_ms, ended_ms = excluded.ended_ms, why = excluded.why, candidates = excluded.candidates, \
                nodes = excluded.nodes, found = excluded.found")
                .bind(rollout.as_str()).bind(round).bind(until_ms).bind(ended_ms).bind(why.as_str()).bind(candidates).bind(many)
                .bind(found.as_str()).execute(on).await.map(drop).map_err(failed)
        })?;
        over!(&mut self.0.connection(), on => {
            sqlx::query("DELETE FROM rehearsal_nodes WHERE rollout = $1").bind(rollout.as_str()).execute(on).await.map(drop).map_err(failed)
        })?;
        for node in nodes {
            over!(&mut self.0.connection(), on => {
                sqlx::query("INSERT INTO rehearsal_nodes (rollout, store, node, said) VALUES ($1, $2, $3, '')")
                    .bind(rollout.as_str()).bind(node.store.as_str()).bind(node.serial.as_str())
                    .execute(on).await.map(drop).map_err(failed)
            })?;
        }
        Ok(())
    }
}

impl Rule {
    /// What a node said. Nothing is kept of what was said in an earlier round.
    pub(crate) async fn put_rehearsed(
        &mut self,
        (rollout, round): (&str, i64),
        node: &NodeId,
        said: &str,
    ) -> Result<(), DatabaseError> {
        over!(&mut self.0.connection(), on => {
            sqlx::query("UPDATE rehearsal_nodes SET said = $5 WHERE rollout = $1 AND store = $3 AND node = $4 \
                AND EXISTS (SELECT 1 FROM rehearsals r WHERE r.rollout = $1 AND r.round = $2 AND r.ended_ms = 0)")
                .bind(rollout).bind(round).bind(node.store.as_str()).bind(node.serial.as_str()).bind(said)
                .execute(on).await.map(drop).map_err(while_doing("keep what a node says of a rehearsal"))
        })
    }

    /// A rehearsal has ended; what single nodes said is forgotten. False when it was asked for anew meanwhile.
    pub(crate) async fn end_rehearsal(
        &mut self,
        (rollout, round): (&str, i64),
        why: &str,
        found: &str,
        now_ms: i64,
    ) -> Result<bool, DatabaseError> {
        let failed = while_doing("end a rehearsal");
        let ended = over!(&mut self.0.connection(), on => {
            sqlx::query("UPDATE rehearsals SET ended_ms = $3, why = $4, found = $5 WHERE rollout = $1 AND round = $2 AND ended_ms = 0")
                .bind(rollout).bind(round).bind(now_ms.max(1)).bind(why).bind(found)
                .execute(on).await.map(|done| done.rows_affected()).map_err(failed)
        })?;
        if ended == 0 {
            return Ok(false);
        }
        over!(&mut self.0.connection(), on => {
            sqlx::query("DELETE FROM rehearsal_nodes WHERE rollout = $1").bind(rollout).execute(on).await.map(drop).map_err(failed)
        })?;
        Ok(true)
    }
}
