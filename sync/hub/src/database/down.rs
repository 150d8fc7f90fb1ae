//! What goes down: which contents and deltas there are, and what each store is to become.
//!
//! Not here: the contents' bytes ([`crate::content`]), making a manifest ([`crate::publish`]).

use super::{
    Database, DatabaseError,
    artefacts::tree_name,
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

/// A content as the list has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredContent {
    /// Which.
    pub hash: Hash,
    /// What it is called.
    pub name: String,
    /// Since when, in milliseconds since 1970.
    pub added_at_ms: i64,
}

impl Database {
    /// Contents whose name begins with this, which has no sign of a pattern in it, and that were added before a time, the oldest first; those behind `after`, where it is given. Large and small letters may be one.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn contents_named(
        &self,
        beginning: &str,
        before_ms: i64,
        after: Option<&StoredContent>,
        rows_max: u32,
    ) -> Result<Vec<StoredContent>, DatabaseError> {
        let like = format!("{beginning}%");
        // No hash comes before the empty one.
        let (at_ms, behind) =
            after.map_or((i64::MIN, &[][..]), |after| (after.added_at_ms, after.hash.0.as_slice()));
        let rows: Vec<(Vec<u8>, String, i64)> = reading!(self, pool => {
            sqlx::query_as("SELECT hash, name, added_at_ms FROM chunks WHERE name LIKE $1 AND added_at_ms < $2 AND (added_at_ms, hash) > ($3, $4) \
                ORDER BY added_at_ms, hash LIMIT $5")
                .bind(like).bind(before_ms).bind(at_ms).bind(behind).bind(i64::from(rows_max)).fetch_all(pool).await.map_err(while_doing("list contents"))
        })?;
        let row = |(bytes, name, added_at_ms): (Vec<u8>, String, i64)| {
            Ok(StoredContent { hash: hash(&bytes, "chunks", &name)?, name, added_at_ms })
        };
        rows.into_iter().map(row).collect()
    }

    /// The tree of a content's pieces, where it has one.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn tree_of(&self, content: &Hash) -> Result<Option<Hash>, DatabaseError> {
        let name = tree_name(content);
        let found: Option<Vec<u8>> = reading!(self, pool => {
            sqlx::query_scalar("SELECT hash FROM chunks WHERE name = $1 LIMIT 1")
                .bind(name.as_str()).fetch_optional(pool).await.map_err(while_doing("find the tree of a content"))
        })?;
        found.map(|found| hash(&found, "chunks", &name)).transpose()
    }

    /// Takes a content off the list.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn drop_content(&self, content: &Hash) -> Result<(), DatabaseError> {
        let mut tx = self.begin().await?;
        over!(&mut tx.connection(), on => {
            sqlx::query("DELETE FROM chunks WHERE hash = $1")
                .bind(content.0.as_slice()).execute(on).await.map(drop).map_err(while_doing("take a content off the list"))
        })?;
        tx.commit().await
    }

    /// What stores are to become, by store; those behind `after`, at most so many.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn orders_behind(
        &self,
        after: &str,
        rows_max: u32,
    ) -> Result<Vec<(String, DesiredRow)>, DatabaseError> {
        let rows: Vec<(String, i64, Vec<u8>, i64)> = reading!(self, pool => {
            sqlx::query_as("SELECT store, generation, manifest, at_ms FROM desired WHERE store > $1 ORDER BY store LIMIT $2")
                .bind(after).bind(i64::from(rows_max)).fetch_all(pool).await.map_err(while_doing("read what stores are to become"))
        })?;
        let row = |(store, generation, manifest, at_ms): (String, i64, Vec<u8>, i64)| {
            (store, DesiredRow { generation: unsigned(generation), manifest, at_ms })
        };
        Ok(rows.into_iter().map(row).collect())
    }

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
