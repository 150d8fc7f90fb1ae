//! Metadata of signed artefacts: a publication is put in place in one transaction, if nobody else has published meanwhile.
//!
//! Not here: what metadata says and who may sign it (`aisle_artefact`), who asks ([`crate::artefacts`]). Guards: all files of a publication are there or none,
//! and a root that was published is never another one.

use super::{
    Database, DatabaseError, Tx, audit,
    failure::while_doing,
    over, reading,
    rows::{damaged, now_ms, signed, unsigned},
};
use crate::people::audit::Line;
use aisle_artefact::{FileName, Role};
use aisle_content::Content;
use aisle_event::StoreId;
use aisle_protocol::Hash;

/// How many versions of each file stay for stores that are in the middle of an update. Roots stay for ever.
const KEPT_VERSIONS: u64 = 16;
/// The version of a file without one: the newest.
const NEWEST: i64 = 0;

/// Why a publication was not put in place. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum NotPut {
    /// Somebody else has published meanwhile.
    #[error("somebody else has published meanwhile\nhint: try again")]
    Raced,
    /// A root of that number is there already, and it is another one.
    #[error("there is another `{name}` already, and nodes may have it")]
    Taken {
        /// Which file.
        name: FileName,
    },
    /// The database could not.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

fn file(role: &str, version: i64, bytes: Vec<u8>) -> Result<(FileName, Vec<u8>), DatabaseError> {
    let role: Role = role.parse().map_err(|_| damaged("artefact_metadata", "role", &role))?;
    let name =
        if version == NEWEST { FileName::newest(role) } else { FileName::versioned(role, unsigned(version)) };
    Ok((name, bytes))
}

fn version_of(name: &FileName) -> i64 {
    name.version().map_or(NEWEST, signed)
}

impl Database {
    /// The files that are in force: every root, and the newest version of every other, all of one moment.
    pub(crate) async fn metadata_files(&self) -> Result<Vec<(FileName, Vec<u8>)>, DatabaseError> {
        let rows: Vec<(String, i64, Vec<u8>)> = reading!(self, pool => {
            sqlx::query_as("SELECT role, version, bytes FROM artefact_metadata AS file WHERE role = 'root' OR version = 0 \
                OR version = (SELECT MAX(version) FROM artefact_metadata AS other WHERE other.role = file.role) ORDER BY role, version")
                .fetch_all(pool).await.map_err(while_doing("read the metadata of artefacts"))
        })?;
        rows.into_iter().map(|(role, version, bytes)| file(&role, version, bytes)).collect()
    }

    /// One file of metadata: the newest, where no version is given.
    pub(crate) async fn metadata_file(&self, name: &FileName) -> Result<Option<Vec<u8>>, DatabaseError> {
        let role = name.role().as_str();
        reading!(self, pool => {
            sqlx::query_scalar("SELECT bytes FROM artefact_metadata WHERE role = $1 AND version = $2")
                .bind(role).bind(version_of(name)).fetch_optional(pool).await
                .map_err(while_doing("read a file of metadata"))
        })
    }

    /// Puts the files of a publication in place if `timestamp.json` is still what it was, with its row of the audit log.
    pub(crate) async fn put_metadata(
        &self,
        before: Option<&[u8]>,
        files: &[(FileName, Vec<u8>)],
        line: Option<&Line>,
    ) -> Result<(), NotPut> {
        let newest = FileName::newest(Role::Timestamp);
        let timestamp = files.iter().find(|(name, _)| *name == newest);
        let (_, timestamp) = timestamp.ok_or_else(|| damaged("artefact_metadata", "bytes", &newest))?;
        let mut tx = self.begin().await?;
        // First: whoever else publishes waits for this row, and then finds another one.
        if !move_timestamp(&mut tx, before, timestamp).await? {
            return Err(NotPut::Raced);
        }
        for (name, bytes) in files.iter().filter(|(name, _)| *name != newest) {
            put(&mut tx, name, bytes).await?;
        }
        if let Some(line) = line {
            audit::note(&mut tx, line).await?;
        }
        Ok(tx.commit().await?)
    }
}

async fn move_timestamp(tx: &mut Tx, before: Option<&[u8]>, bytes: &[u8]) -> Result<bool, DatabaseError> {
    let failed = while_doing("publish metadata of artefacts");
    let moved = over!(&mut tx.connection(), on => {
        match before {
            Some(before) => {
                sqlx::query("UPDATE artefact_metadata SET bytes = $1, at_ms = $2 WHERE role = 'timestamp' AND version = 0 AND bytes = $3")
                    .bind(bytes).bind(now_ms()).bind(before).execute(on).await.map(|done| done.rows_affected()).map_err(failed)
            }
            None => {
                sqlx::query("INSERT INTO artefact_metadata (role, version, bytes, at_ms) VALUES ('timestamp', 0, $1, $2) ON CONFLICT DO NOTHING")
                    .bind(bytes).bind(now_ms()).execute(on).await.map(|done| done.rows_affected()).map_err(failed)
            }
        }
    })?;
    Ok(moved == 1)
}

async fn put(tx: &mut Tx, name: &FileName, bytes: &[u8]) -> Result<(), NotPut> {
    let failed = while_doing("keep a file of metadata");
    let (role, version) = (name.role().as_str(), version_of(name));
    let is_final = *name.role() == Role::Root && version != NEWEST;
    let sql = if is_final {
        "INSERT INTO artefact_metadata (role, version, bytes, at_ms) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
    } else {
        "INSERT INTO artefact_metadata (role, version, bytes, at_ms) VALUES ($1, $2, $3, $4) ON CONFLICT (role, version) \
            DO UPDATE SET bytes = excluded.bytes, at_ms = excluded.at_ms"
    };
    let done = over!(&mut tx.connection(), on => {
        sqlx::query(sql).bind(role).bind(version).bind(bytes).bind(now_ms()).execute(on).await.map(|done| done.rows_affected()).map_err(failed)
    })?;
    if is_final && done == 0 {
        let there: Option<Vec<u8>> = over!(&mut tx.connection(), on => {
            sqlx::query_scalar("SELECT bytes FROM artefact_metadata WHERE role = $1 AND version = $2")
                .bind(role).bind(version).fetch_optional(on).await.map_err(failed)
        })?;
        if there.as_deref() != Some(bytes) {
            return Err(NotPut::Taken { name: name.clone() });
        }
    }
    if *name.role() != Role::Root && version != NEWEST {
        let old = version.saturating_sub(signed(KEPT_VERSIONS));
        over!(&mut tx.connection(), on => {
            sqlx::query("DELETE FROM artefact_metadata WHERE role = $1 AND version > 0 AND version <= $2")
                .bind(role).bind(old).execute(on).await.map(drop).map_err(failed)
        })?;
    }
    Ok(())
}

impl Database {
    /// A content that is here, with the tree of its pieces where it has one: what an item of a manifest says of it.
    pub(crate) async fn content_of(&self, hash: &Hash) -> Result<Option<Content>, DatabaseError> {
        let failed = while_doing("find a content");
        let Some(bytes) = self.content_bytes(hash).await? else { return Ok(None) };
        let tree: Option<Vec<u8>> = reading!(self, pool => {
            sqlx::query_scalar("SELECT hash FROM chunks WHERE name = $1 ORDER BY hash LIMIT 1")
                .bind(tree_name(hash)).fetch_optional(pool).await.map_err(failed)
        })?;
        let row = hash.to_string();
        let tree = tree.map(|tree| super::rows::hash(&tree, "chunks", &row)).transpose()?;
        Ok(Some(Content { hash: *hash, bytes, tree }))
    }

    /// Notes a store whose batches come on a stick, where it has never called: what it says of its region when it does counts then.
    pub(crate) async fn note_carried(&self, store: &StoreId, region: &str) -> Result<(), DatabaseError> {
        let mut tx = self.begin().await?;
        over!(&mut tx.connection(), on => {
            sqlx::query("INSERT INTO stores (store, region, first_seen_ms, last_seen_ms) VALUES ($1, $2, $3, $3) ON CONFLICT DO NOTHING")
                .bind(store.as_str()).bind(region).bind(now_ms()).execute(on).await.map(drop).map_err(while_doing("note a store"))
        })?;
        tx.commit().await
    }
}

/// What the tree of a content is called in the list of contents.
pub(crate) fn tree_name(hash: &Hash) -> String {
    format!("tree of {hash}")
}
