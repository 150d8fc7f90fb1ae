//! Rollouts: the state that the rules made of each, moved by compare-and-set, and everything that happened to it, which is only added to.

use super::{
    super::{Database, DatabaseError, Tx, failure::while_doing, over, read::bounded, reading, rows::damaged},
    Change, Rule,
};
use aisle_fleet::Rollout;

/// A rollout as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptRollout {
    /// Itself.
    pub rollout: Rollout,
    /// Grows with every change.
    pub counter: i64,
    /// Who wrote it, by name, as it was then.
    pub author_name: String,
    /// What its last preflight found, as JSON; empty before there was one.
    pub preflight: String,
    /// When it was written, in milliseconds since 1970.
    pub made_at_ms: i64,
    /// When its last preflight was; nodes that came later join it.
    pub planned_at_ms: i64,
    /// When it was changed last.
    pub moved_at_ms: i64,
}

/// A rollout in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolloutRow {
    /// Its name.
    pub rollout: String,
    /// How far it is.
    pub phase: String,
    /// Who wrote it, by name.
    pub author_name: String,
    /// What is to be seen of it, as JSON.
    pub seen: String,
    /// Where it stands among all of them: the higher, the later it was written, or started.
    pub place: i64,
    /// When it was written, in milliseconds since 1970.
    pub made_at_ms: i64,
    /// When it was changed last.
    pub moved_at_ms: i64,
}

/// Something that happened to a rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// Its number, from 1.
    pub number: i64,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// Who did it: a person's id, `machine`, or `rules`.
    pub actor: String,
    /// Their name, as it was then.
    pub actor_name: String,
    /// What: a verb, or what the rules did.
    pub what: String,
    /// What belongs to it, as JSON.
    pub detail: String,
}

type Columns = (String, String, i64, String, String, i64, i64, i64);

const ONE: &str = "SELECT rollout, state, counter, author_name, preflight, made_at_ms, planned_at_ms, moved_at_ms FROM rollouts WHERE rollout = $1";

fn kept(columns: Columns) -> Result<KeptRollout, DatabaseError> {
    let (name, state, counter, author_name, preflight, made_at_ms, planned_at_ms, moved_at_ms) = columns;
    let rollout = serde_json::from_str(&state).map_err(|_| damaged("rollouts", "state", &name))?;
    Ok(KeptRollout { rollout, counter, author_name, preflight, made_at_ms, planned_at_ms, moved_at_ms })
}

/// What is written of one.
struct Written {
    state: String,
    seen: String,
}

impl Written {
    fn of(rollout: &Rollout) -> Result<Self, DatabaseError> {
        let unwritable = |_| damaged("rollouts", "state", &rollout.spec().rollout);
        let state = serde_json::to_string(rollout).map_err(unwritable)?;
        let seen = serde_json::to_string(&rollout.view()).map_err(unwritable)?;
        Ok(Self { state, seen })
    }
}

impl Database {
    /// A rollout.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn rollout(&self, name: &str) -> Result<Option<KeptRollout>, DatabaseError> {
        let row: Option<Columns> = reading!(self, pool => {
            sqlx::query_as(ONE).bind(name).fetch_optional(pool).await.map_err(while_doing("find a rollout"))
        })?;
        row.map(kept).transpose()
    }

    /// Rollouts, the latest first, those made or started before a place; of a phase, where one is given.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn rollouts(
        &self,
        phase: &str,
        before: i64,
        rows_max: u32,
    ) -> Result<Vec<RolloutRow>, DatabaseError> {
        type Row = (String, String, String, String, i64, i64, i64);
        let rows: Vec<Row> = reading!(self, pool => {
            sqlx::query_as("SELECT rollout, phase, author_name, seen, place, made_at_ms, moved_at_ms FROM rollouts \
                WHERE place < $1 AND ($2 = '' OR phase = $2) ORDER BY place DESC LIMIT $3")
                .bind(before).bind(phase).bind(bounded(rows_max)).fetch_all(pool).await.map_err(while_doing("list rollouts"))
        })?;
        let row = |(rollout, phase, author_name, seen, place, made_at_ms, moved_at_ms): Row| RolloutRow {
            rollout,
            phase,
            author_name,
            seen,
            place,
            made_at_ms,
            moved_at_ms,
        };
        Ok(rows.into_iter().map(row).collect())
    }

    /// Every rollout and its counter: what has changed is read again.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn rollout_counters(&self) -> Result<Vec<(String, i64)>, DatabaseError> {
        reading!(self, pool => {
            sqlx::query_as("SELECT rollout, counter FROM rollouts ORDER BY place").fetch_all(pool).await
                .map_err(while_doing("look which rollouts have changed"))
        })
    }

    /// What happened to a rollout, the latest first.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn rollout_events(
        &self,
        name: &str,
        before: i64,
        rows_max: u32,
    ) -> Result<Vec<EventRow>, DatabaseError> {
        type Row = (i64, i64, String, String, String, String);
        let rows: Vec<Row> = reading!(self, pool => {
            sqlx::query_as("SELECT number, at_ms, actor, actor_name, what, detail FROM rollout_events WHERE rollout = $1 AND number < $2 \
                ORDER BY number DESC LIMIT $3")
                .bind(name).bind(before).bind(bounded(rows_max)).fetch_all(pool).await.map_err(while_doing("read what happened to a rollout"))
        })?;
        let row = |(number, at_ms, actor, actor_name, what, detail): Row| EventRow {
            number,
            at_ms,
            actor,
            actor_name,
            what,
            detail,
        };
        Ok(rows.into_iter().map(row).collect())
    }
}

async fn save(tx: &mut Tx, rollout: &Rollout, counter: i64, now_ms: i64) -> Result<bool, DatabaseError> {
    let Written { state, seen } = Written::of(rollout)?;
    let moved = over!(&mut tx.connection(), on => {
        sqlx::query("UPDATE rollouts SET phase = $3, state = $4, seen = $5, counter = counter + 1, moved_at_ms = $6, place = $7 \
            WHERE rollout = $1 AND counter = $2")
            .bind(rollout.spec().rollout.as_str()).bind(counter).bind(rollout.phase().as_str()).bind(state).bind(seen).bind(now_ms)
            .bind(rollout.order().cast_signed())
            .execute(on).await.map(|done| done.rows_affected()).map_err(while_doing("keep a rollout"))
    })?;
    Ok(moved == 1)
}

async fn note(tx: &mut Tx, rollout: &str, event: &EventRow) -> Result<(), DatabaseError> {
    over!(&mut tx.connection(), on => {
        sqlx::query("INSERT INTO rollout_events (rollout, number, at_ms, actor, actor_name, what, detail) \
            SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4, $5, $6 FROM rollout_events WHERE rollout = $1")
            .bind(rollout).bind(event.at_ms).bind(event.actor.as_str()).bind(event.actor_name.as_str()).bind(event.what.as_str())
            .bind(event.detail.as_str()).execute(on).await.map(drop).map_err(while_doing("note what happened to a rollout"))
    })
}

impl Rule {
    /// False when it was changed meanwhile.
    pub(crate) async fn save_rollout(
        &mut self,
        rollout: &Rollout,
        counter: i64,
        now_ms: i64,
    ) -> Result<bool, DatabaseError> {
        save(&mut self.0, rollout, counter, now_ms).await
    }

    /// Adds to what happened. Its number is given here.
    pub(crate) async fn note_rollout(
        &mut self,
        rollout: &str,
        event: &EventRow,
    ) -> Result<(), DatabaseError> {
        note(&mut self.0, rollout, event).await
    }
}

impl Change {
    pub(crate) async fn rollout(&mut self, name: &str) -> Result<Option<KeptRollout>, DatabaseError> {
        let row: Option<Columns> = over!(&mut self.0.connection(), on => {
            sqlx::query_as(ONE).bind(name).fetch_optional(on).await.map_err(while_doing("find a rollout"))
        })?;
        row.map(kept).transpose()
    }

    /// How many there are, and the place of the next one that is written or started.
    pub(crate) async fn next_rollout(&mut self) -> Result<(i64, i64), DatabaseError> {
        over!(&mut self.0.connection(), on => {
            sqlx::query_as("SELECT COUNT(*), COALESCE(MAX(place), 0) + 1 FROM rollouts").fetch_one(on).await
                .map_err(while_doing("count rollouts"))
        })
    }

    /// Keeps a draft, in place of one of the same name.
    pub(crate) async fn put_draft(
        &mut self,
        rollout: &Rollout,
        author_name: &str,
        now_ms: i64,
    ) -> Result<(), DatabaseError> {
        let Written { state, seen } = Written::of(rollout)?;
        over!(&mut self.0.connection(), on => {
            sqlx::query("INSERT INTO rollouts (rollout, place, phase, author_name, state, seen, counter, made_at_ms, moved_at_ms) \
                VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $7) ON CONFLICT (rollout) DO UPDATE SET place = excluded.place, phase = excluded.phase, \
                author_name = excluded.author_name, state = excluded.state, seen = excluded.seen, counter = rollouts.counter + 1, \
                preflight = '', moved_at_ms = excluded.moved_at_ms")
                .bind(rollout.spec().rollout.as_str()).bind(rollout.order().cast_signed()).bind(rollout.phase().as_str())
                .bind(author_name).bind(state).bind(seen).bind(now_ms)
                .execute(on).await.map(drop).map_err(while_doing("keep a draft of a rollout"))
        })
    }

    pub(crate) async fn save_rollout(
        &mut self,
        rollout: &Rollout,
        counter: i64,
        now_ms: i64,
    ) -> Result<bool, DatabaseError> {
        save(&mut self.0, rollout, counter, now_ms).await
    }

    /// What its preflight found.
    pub(crate) async fn put_preflight(
        &mut self,
        rollout: &str,
        found: &str,
        now_ms: i64,
    ) -> Result<(), DatabaseError> {
        over!(&mut self.0.connection(), on => {
            sqlx::query("UPDATE rollouts SET preflight = $2, planned_at_ms = $3 WHERE rollout = $1").bind(rollout).bind(found).bind(now_ms)
                .execute(on).await.map(drop).map_err(while_doing("keep what a preflight found"))
        })
    }

    pub(crate) async fn note_rollout(
        &mut self,
        rollout: &str,
        event: &EventRow,
    ) -> Result<(), DatabaseError> {
        note(&mut self.0, rollout, event).await
    }

    /// Takes one away, with what happened to it and what its rehearsal found.
    pub(crate) async fn drop_rollout(&mut self, rollout: &str) -> Result<(), DatabaseError> {
        for table in [
            "DELETE FROM rehearsal_nodes WHERE rollout = $1",
            "DELETE FROM rehearsals WHERE rollout = $1",
            "DELETE FROM rollout_events WHERE rollout = $1",
            "DELETE FROM rollouts WHERE rollout = $1",
        ] {
            over!(&mut self.0.connection(), on => {
                sqlx::query(table).bind(rollout).execute(on).await.map(drop).map_err(while_doing("forget a rollout"))
            })?;
        }
        Ok(())
    }
}
