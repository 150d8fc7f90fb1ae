//! What goes down: which contents and deltas there are, and what each store is to become.
//!
//! Not here: the contents' bytes ([`crate::content`]), making a manifest ([`crate::publish`]).

use super::{
    Database, DatabaseError,
    failure::while_doing,
    over, reading,
    rows::{hash, signed, unsigned},
};
use aisle_content::{Content, Delta, manifest::DELTAS_MAX};
use aisle_event::StoreId;
use aisle_protocol::Hash;

/// No generation above this is believed, whoever reports it: there must always be a next one.
const GENERATION_MAX: i64 = 1 << 62;

/// What a store is to become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredRow {
    /// Grows with every change.
    pub generation: u64,
    /// The document.
    pub manifest: Vec<u8>,
    /// Since when, in milliseconds since 1970.
    pub at_ms: i64,
}

impl Database {
    /// Notes a way from `base` to `to`.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn add_delta(&self, to: &Hash, base: &Hash, delta: &Content) -> Result<(), DatabaseError> {
        let tree = delta.tree.map(|tree| tree.0.to_vec());
        let mut tx = self.begin().await?;
        over!(&mut tx.connection(), on => {
            sqlx::query("INSERT INTO deltas (hash, base, delta, bytes, tree) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (hash, base) \
                DO UPDATE SET delta = excluded.delta, bytes = excluded.bytes, tree = excluded.tree")
                .bind(to.0.as_slice()).bind(base.0.as_slice()).bind(delta.hash.0.as_slice()).bind(signed(delta.bytes)).bind(tree)
                .execute(on).await.map(drop).map_err(while_doing("note a delta"))
        })?;
        tx.commit().await
    }

    /// The shortest ways to a content, as many as an item may have.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn deltas(&self, to: &Hash) -> Result<Vec<Delta>, DatabaseError> {
        type Columns = (Vec<u8>, Vec<u8>, i64, Option<Vec<u8>>);
        let max = i64::try_from(DELTAS_MAX).unwrap_or(i64::MAX);
        let rows: Vec<Columns> = reading!(self, pool => {
            sqlx::query_as("SELECT base, delta, bytes, tree FROM deltas WHERE hash = $1 ORDER BY bytes, base LIMIT $2")
                .bind(to.0.as_slice()).bind(max).fetch_all(pool).await.map_err(while_doing("find the deltas of a content"))
        })?;
        let row = to.to_string();
        let of = |bytes: &[u8]| hash(bytes, "deltas", &row);
        let delta = |(base, delta, bytes, tree): Columns| {
            let tree = tree.map(|tree| of(&tree)).transpose()?;
            let content = Content { hash: of(&delta)?, bytes: unsigned(bytes), tree };
            Ok(Delta { from: of(&base)?, content })
        };
        rows.into_iter().map(delta).collect()
    }

    /// What a store is to become, if anybody has said so.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn desired(&self, store: &StoreId) -> Result<Option<DesiredRow>, DatabaseError> {
        let row: Option<(i64, Vec<u8>, i64)> = reading!(self, pool => {
            sqlx::query_as("SELECT generation, manifest, at_ms FROM desired WHERE store = $1")
                .bind(store.as_str()).fetch_optional(pool).await.map_err(while_doing("find what a store is to become"))
        })?;
        let of =
            |(generation, manifest, at_ms)| DesiredRow { generation: unsigned(generation), manifest, at_ms };
        Ok(row.map(of))
    }

    /// A generation above all that the store was told and has reported, also to a hub that forgot it.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn next_generation(&self, store: &StoreId) -> Result<u64, DatabaseError> {
        let last: i64 = reading!(self, pool => {
            sqlx::query_scalar("SELECT COALESCE(MAX(generation), 0) FROM (SELECT generation FROM desired WHERE store = $1 \
                UNION ALL SELECT generation FROM nodes WHERE store = $1 AND generation < $2) AS known")
                .bind(store.as_str()).bind(GENERATION_MAX).fetch_one(pool).await.map_err(while_doing("find the last generation"))
        })?;
        Ok(unsigned(last.max(0)).saturating_add(1))
    }

    /// Stores and generations of what was set since a time, by store; those behind `after`, at most so many.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn desired_since(
        &self,
        since_ms: i64,
        after: &str,
        rows_max: u32,
    ) -> Result<Vec<(String, u64)>, DatabaseError> {
        let rows: Vec<(String, i64)> = reading!(self, pool => {
            sqlx::query_as("SELECT store, generation FROM desired WHERE at_ms >= $1 AND store > $2 ORDER BY store LIMIT $3")
                .bind(since_ms).bind(after).bind(i64::from(rows_max)).fetch_all(pool).await
                .map_err(while_doing("find what stores are to become"))
        })?;
        Ok(rows.into_iter().map(|(store, generation)| (store, unsigned(generation))).collect())
    }

    /// Stores that have a node which may come, by name; those behind `after`, at most so many.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn served_stores(&self, after: &str, rows_max: u32) -> Result<Vec<String>, DatabaseError> {
        reading!(self, pool => {
            sqlx::query_scalar("SELECT DISTINCT store FROM nodes WHERE state = $1 AND store > $2 ORDER BY store LIMIT $3")
                .bind("active").bind(after).bind(i64::from(rows_max)).fetch_all(pool).await.map_err(while_doing("list stores"))
        })
    }
}
