//! Policies that were published: to all hubs on the database, and each version once.

use super::{
    Connection, Database, DatabaseError, NewPolicy,
    failure::while_doing,
    over, reading,
    rows::{damaged, hash, now_ms},
};
use aisle_protocol::PolicyId;
use aisle_residency::{policy::SuccessionError, signing::Signature};

/// Why a policy was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// It may not follow those that are there.
    #[error(transparent)]
    Succession(#[from] SuccessionError),
    /// The database could not.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// What came of a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// False when it was published before.
    pub is_news: bool,
    /// The highest version that was published before; none where it is the first.
    pub was: Option<i64>,
}

impl Database {
    /// Publishes a policy after all that are there.
    ///
    /// # Errors
    /// When there is one of a higher version, or another one of this version.
    pub async fn publish_policy(&self, new: &NewPolicy<'_>) -> Result<Published, PublishError> {
        let failed = while_doing("publish a policy");
        let id = new.policy.id();
        let mut tx = self.begin().await?;
        // So that of two publications at once the second sees the first; SQLite has one writer anyway.
        if let Connection::Postgres(connection) = tx.connection() {
            sqlx::query("LOCK TABLE policies IN SHARE ROW EXCLUSIVE MODE")
                .execute(connection)
                .await
                .map_err(failed)?;
        }
        let highest: Option<(i64, Vec<u8>)> = over!(&mut tx.connection(), on => {
            sqlx::query_as("SELECT version, hash FROM policies WHERE version >= $1 ORDER BY version DESC, hash = $2 DESC LIMIT 1")
                .bind(i64::from(id.version)).bind(id.hash.0.as_slice()).fetch_optional(on).await.map_err(failed)
        })?;
        let current = highest.map(|(version, bytes)| {
            let version = u32::try_from(version).map_err(|_| damaged("policies", "version", &version))?;
            Ok::<_, DatabaseError>(PolicyId { version, hash: hash(&bytes, "policies", "its version")? })
        });
        new.policy.clone().after(current.transpose()?)?;
        let was: Option<i64> = over!(&mut tx.connection(), on => {
            sqlx::query_scalar("SELECT MAX(version) FROM policies WHERE is_published = $1")
                .bind(true).fetch_one(on).await.map_err(failed)
        })?;
        let changed = over!(&mut tx.connection(), on => {
            sqlx::query("INSERT INTO policies (version, hash, name, document, signature, accepted_at_ms, is_published) \
                VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (version, hash) DO UPDATE SET is_published = excluded.is_published \
                WHERE policies.is_published <> excluded.is_published")
                .bind(i64::from(id.version)).bind(id.hash.0.as_slice()).bind(new.policy.name()).bind(new.document)
                .bind(new.signature.0.as_slice()).bind(now_ms()).bind(true)
                .execute(on).await.map(|done| done.rows_affected()).map_err(failed)
        })?;
        tx.commit().await?;
        Ok(Published { is_news: changed > 0, was })
    }

    /// The documents that were published, with their signatures.
    pub(crate) async fn published_policies(&self) -> Result<Vec<(Vec<u8>, Signature)>, DatabaseError> {
        let rows: Vec<(Vec<u8>, Vec<u8>)> = reading!(self, pool => {
            sqlx::query_as("SELECT document, signature FROM policies WHERE is_published = $1 ORDER BY version, hash LIMIT 1000")
                .bind(true).fetch_all(pool).await.map_err(while_doing("read published policies"))
        })?;
        let row = |(document, signature): (Vec<u8>, Vec<u8>)| {
            let signature = signature.as_slice().try_into().map(Signature);
            let signature = signature.map_err(|_| damaged("policies", "signature", &"a published policy"))?;
            Ok((document, signature))
        };
        rows.into_iter().map(row).collect()
    }

    /// Whether there is a policy of a version, published or of a file.
    pub(crate) async fn knows_policy(&self, version: u32) -> Result<bool, DatabaseError> {
        let failed = while_doing("look for a policy");
        let found: Option<(i64,)> = reading!(self, pool => {
            sqlx::query_as("SELECT version FROM policies WHERE version = $1 LIMIT 1")
                .bind(i64::from(version)).fetch_optional(pool).await.map_err(failed)
        })?;
        Ok(found.is_some())
    }

    /// The document of a policy, and its signature.
    pub(crate) async fn policy_document(
        &self,
        id: PolicyId,
    ) -> Result<Option<(Vec<u8>, Vec<u8>)>, DatabaseError> {
        reading!(self, pool => {
            sqlx::query_as("SELECT document, signature FROM policies WHERE version = $1 AND hash = $2")
                .bind(i64::from(id.version)).bind(id.hash.0.as_slice()).fetch_optional(pool).await
                .map_err(while_doing("read a policy"))
        })
    }
}
