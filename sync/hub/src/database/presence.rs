//! Which hubs serve, in rows: each grows a number, and of one whose number stands still the others say that nobody is connected to it.
//!
//! Not here: how long a number may stand still ([`crate::presence`]). Guards: nothing is said of a hub that has beaten meanwhile.

use super::{Database, DatabaseError, failure::while_doing, over, reading};

/// A hub that nodes are said to be connected to, with the number that it had last; 0 where it has none.
pub type Beat = (String, i64);

impl Database {
    /// Says that a hub serves. False where nobody knew it: it has just started, or was taken for gone.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn beat(&self, hub: &str) -> Result<bool, DatabaseError> {
        let failed = while_doing("say that a hub serves");
        let mut tx = self.begin().await?;
        let grown = over!(&mut tx.connection(), on => {
            sqlx::query("UPDATE hub_beats SET number = number + 1 WHERE hub = $1")
                .bind(hub).execute(on).await.map(|done| done.rows_affected()).map_err(failed)
        })?;
        if grown == 0 {
            over!(&mut tx.connection(), on => {
                sqlx::query("INSERT INTO hub_beats (hub, number) VALUES ($1, 1) ON CONFLICT (hub) DO NOTHING")
                    .bind(hub).execute(on).await.map(drop).map_err(failed)
            })?;
        }
        tx.commit().await?;
        Ok(grown > 0)
    }

    /// The hubs that nodes are said to be connected to.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn beats(&self) -> Result<Vec<Beat>, DatabaseError> {
        reading!(self, pool => {
            sqlx::query_as("SELECT there.hub, COALESCE(beat.number, 0) FROM (SELECT DISTINCT hub FROM nodes WHERE is_connected = $1) AS there \
                LEFT JOIN hub_beats AS beat ON beat.hub = there.hub ORDER BY there.hub")
                .bind(true).fetch_all(pool).await.map_err(while_doing("look which hubs serve"))
        })
    }

    /// Nobody is connected to a hub that is gone. Does nothing where it has another number by now. Says of how many nodes that is.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn hub_is_gone(&self, (hub, number): &Beat) -> Result<u64, DatabaseError> {
        let failed = while_doing("note that a hub is gone");
        let mut tx = self.begin().await?;
        over!(&mut tx.connection(), on => {
            sqlx::query("DELETE FROM hub_beats WHERE hub = $1 AND number = $2")
                .bind(hub.as_str()).bind(number).execute(on).await.map(drop).map_err(failed)
        })?;
        let parted = over!(&mut tx.connection(), on => {
            sqlx::query("UPDATE nodes SET is_connected = $2 WHERE hub = $1 AND is_connected = $3 AND NOT EXISTS (SELECT 1 FROM hub_beats WHERE hub = $1)")
                .bind(hub.as_str()).bind(false).bind(true).execute(on).await.map(|done| done.rows_affected()).map_err(failed)
        })?;
        tx.commit().await?;
        Ok(parted)
    }

    /// Nodes that are connected to a hub after all; those that came to another one meanwhile are left alone.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn are_here(&self, hub: &str, nodes: &[(String, String)]) -> Result<(), DatabaseError> {
        let failed = while_doing("note who is connected");
        let mut tx = self.begin().await?;
        for (store, node) in nodes {
            over!(&mut tx.connection(), on => {
                sqlx::query("UPDATE nodes SET is_connected = $4 WHERE store = $1 AND node = $2 AND hub = $3")
                    .bind(store.as_str()).bind(node.as_str()).bind(hub).bind(true).execute(on).await.map(drop).map_err(failed)
            })?;
        }
        tx.commit().await
    }
}
