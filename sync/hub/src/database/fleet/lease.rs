//! The lease: one hub lets the rules work, and another one when that one has not said for a while that it is there.
//!
//! Whoever takes it over gives it the next term. Everything that the rules write looks at the term in its own transaction, so a hub that was stopped for
//! an hour and wakes up writes nothing, whatever its clock says.

use super::{
    super::{Connection, Database, DatabaseError, failure::while_doing, over, reading},
    Rule,
};

/// The right to let the rules work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Which hub has it.
    pub hub: String,
    /// Grows whenever another one takes it.
    pub term: i64,
    /// Until when, in milliseconds since 1970 by the clock of that hub.
    pub until_ms: i64,
}

impl Database {
    /// Takes the lease or renews it. Nothing when another hub has it.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn hold_fleet(
        &self,
        hub: &str,
        now_ms: i64,
        until_ms: i64,
    ) -> Result<Option<Lease>, DatabaseError> {
        // Most look often and have it not: that is seen without a lock.
        let known = self.fleet_lease().await?;
        if known.hub != hub && known.until_ms > now_ms {
            return Ok(None);
        }
        let mut tx = self.begin().await?;
        let held: Option<i64> = over!(&mut tx.connection(), on => {
            sqlx::query_scalar("UPDATE fleet_lease SET term = CASE WHEN hub = $1 THEN term ELSE term + 1 END, hub = $1, until_ms = $3 \
                WHERE one = 1 AND (hub = $1 OR until_ms <= $2) RETURNING term")
                .bind(hub).bind(now_ms).bind(until_ms).fetch_optional(on).await.map_err(while_doing("take the lease of the fleet's rules"))
        })?;
        tx.commit().await?;
        Ok(held.map(|term| Lease { hub: hub.to_owned(), term, until_ms }))
    }

    /// Who has the lease.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn fleet_lease(&self) -> Result<Lease, DatabaseError> {
        let (hub, term, until_ms) = reading!(self, pool => {
            sqlx::query_as("SELECT hub, term, until_ms FROM fleet_lease WHERE one = 1").fetch_one(pool).await
                .map_err(while_doing("see who has the lease of the fleet's rules"))
        })?;
        Ok(Lease { hub, term, until_ms })
    }

    /// Gives the lease back, so that another hub need not wait.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn release_fleet(&self, lease: &Lease) -> Result<(), DatabaseError> {
        let mut tx = self.begin().await?;
        over!(&mut tx.connection(), on => {
            sqlx::query("UPDATE fleet_lease SET until_ms = 0 WHERE one = 1 AND hub = $1 AND term = $2")
                .bind(lease.hub.as_str()).bind(lease.term).execute(on).await.map(drop)
                .map_err(while_doing("give back the lease of the fleet's rules"))
        })?;
        tx.commit().await
    }

    /// Begins something that the rules do. Nothing when another hub has the lease by now.
    pub(crate) async fn rule_fleet(&self, lease: &Lease) -> Result<Option<Rule>, DatabaseError> {
        let failed = while_doing("see whether the lease of the fleet's rules holds");
        let mut tx = self.begin().await?;
        let held: Option<i64> = match tx.connection() {
            Connection::Sqlite(on) => {
                sqlx::query_scalar("SELECT term FROM fleet_lease WHERE one = 1 AND hub = $1 AND term = $2")
                    .bind(lease.hub.as_str())
                    .bind(lease.term)
                    .fetch_optional(on)
                    .await
            }
            // Nobody takes it over before this is done.
            Connection::Postgres(on) => {
                sqlx::query_scalar(
                    "SELECT term FROM fleet_lease WHERE one = 1 AND hub = $1 AND term = $2 FOR SHARE",
                )
                .bind(lease.hub.as_str())
                .bind(lease.term)
                .fetch_optional(on)
                .await
            }
        }
        .map_err(failed)?;
        Ok(held.map(|_| Rule(tx)))
    }
}
