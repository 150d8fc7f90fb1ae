//! Orders: what each store was given last.

use super::{
    super::{
        Database, DatabaseError,
        failure::while_doing,
        over,
        read::bounded,
        reading,
        rows::{now_ms, signed, unsigned},
    },
    Rule,
};

/// No generation above this is believed, whoever reports it: there must always be a next one.
const GENERATION_MAX: i64 = 1 << 62;

/// An order that a store is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewOrder<'a> {
    /// Which store.
    pub store: &'a str,
    /// Its generation.
    pub generation: u64,
    /// BLAKE3 of what it was made of.
    pub print: &'a [u8; 32],
    /// The document, signed.
    pub document: &'a [u8],
}

impl Database {
    /// What orders were made of, and whether each is still what its store is to become; by store, behind one.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn fleet_orders(
        &self,
        after: &str,
        rows_max: u32,
    ) -> Result<Vec<(String, Vec<u8>, bool)>, DatabaseError> {
        type Row = (String, Vec<u8>, i64, i64);
        let rows: Vec<Row> = reading!(self, pool => {
            sqlx::query_as("SELECT o.store, o.print, o.generation, COALESCE(d.generation, 0) FROM fleet_orders o \
                LEFT JOIN desired d ON d.store = o.store WHERE o.store > $1 ORDER BY o.store LIMIT $2")
                .bind(after).bind(bounded(rows_max)).fetch_all(pool).await.map_err(while_doing("list what stores were given"))
        })?;
        Ok(rows.into_iter().map(|(store, print, ours, theirs)| (store, print, ours == theirs)).collect())
    }

    /// The content with the tree of the pieces of another one, by its name.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn content_named(&self, name: &str) -> Result<Option<Vec<u8>>, DatabaseError> {
        reading!(self, pool => {
            sqlx::query_scalar("SELECT hash FROM chunks WHERE name = $1 ORDER BY hash LIMIT 1").bind(name)
                .fetch_optional(pool).await.map_err(while_doing("find a content by its name"))
        })
    }
}

impl Rule {
    /// A generation above all that the store was told and has reported.
    pub(crate) async fn next_generation(&mut self, store: &str) -> Result<u64, DatabaseError> {
        let last: i64 = over!(&mut self.0.connection(), on => {
            sqlx::query_scalar("SELECT COALESCE(MAX(generation), 0) FROM (SELECT generation FROM desired WHERE store = $1 \
                UNION ALL SELECT generation FROM nodes WHERE store = $1 AND generation < $2) AS known")
                .bind(store).bind(GENERATION_MAX).fetch_one(on).await.map_err(while_doing("find the last generation"))
        })?;
        Ok(unsigned(last.max(0)).saturating_add(1))
    }

    /// A store is given an order. False when somebody gave it something else meanwhile.
    pub(crate) async fn put_order(&mut self, order: &NewOrder<'_>) -> Result<bool, DatabaseError> {
        let failed = while_doing("give a store its order");
        let changed = over!(&mut self.0.connection(), on => {
            sqlx::query("INSERT INTO desired (store, generation, manifest, at_ms) VALUES ($1, $2, $3, $4) ON CONFLICT (store) \
                DO UPDATE SET generation = excluded.generation, manifest = excluded.manifest, at_ms = excluded.at_ms \
                WHERE desired.generation < excluded.generation")
                .bind(order.store).bind(signed(order.generation)).bind(order.document).bind(now_ms())
                .execute(on).await.map(|done| done.rows_affected()).map_err(failed)
        })?;
        if changed == 0 {
            return Ok(false);
        }
        over!(&mut self.0.connection(), on => {
            sqlx::query("INSERT INTO fleet_orders (store, print, generation) VALUES ($1, $2, $3) ON CONFLICT (store) \
                DO UPDATE SET print = excluded.print, generation = excluded.generation")
                .bind(order.store).bind(order.print.as_slice()).bind(signed(order.generation))
                .execute(on).await.map(drop).map_err(failed)
        })?;
        Ok(true)
    }
}
