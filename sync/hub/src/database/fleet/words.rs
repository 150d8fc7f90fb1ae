//! Labels of stores, groups, filters and overrides: documents of JSON with a version that grows with every change.

use super::{
    super::{Database, DatabaseError, failure::while_doing, over, read::bounded, reading},
    Change,
};

/// What kind of word it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WordKind {
    /// A group.
    Group,
    /// A saved filter.
    Filter,
    /// An override of a store, or of a box in it.
    Override,
}

impl WordKind {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Filter => "filter",
            Self::Override => "override",
        }
    }
}

/// Something that people said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The name of a group or a filter; the store of an override.
    pub name: String,
    /// The serial of an override for one box; else empty.
    pub part: String,
    /// As it was written, in JSON.
    pub document: String,
    /// Grows with every change.
    pub version: i64,
    /// Since when, in milliseconds since 1970.
    pub at_ms: i64,
}

type Columns = (String, String, String, i64, i64);

fn word((name, part, document, version, at_ms): Columns) -> Word {
    Word { name, part, document, version, at_ms }
}

const ONE: &str = "SELECT name, part, document, version, at_ms FROM fleet_words WHERE kind = $1 AND name = $2 AND part = $3";

impl Database {
    /// Words of a kind behind a place, by name.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn fleet_words(
        &self,
        kind: WordKind,
        after: (&str, &str),
        rows_max: u32,
    ) -> Result<Vec<Word>, DatabaseError> {
        let rows: Vec<Columns> = reading!(self, pool => {
            sqlx::query_as("SELECT name, part, document, version, at_ms FROM fleet_words WHERE kind = $1 AND (name, part) > ($2, $3) \
                ORDER BY name, part LIMIT $4")
                .bind(kind.as_str()).bind(after.0).bind(after.1).bind(bounded(rows_max))
                .fetch_all(pool).await.map_err(while_doing("list what is said of the fleet"))
        })?;
        Ok(rows.into_iter().map(word).collect())
    }

    /// One word.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn fleet_word(
        &self,
        kind: WordKind,
        name: &str,
        part: &str,
    ) -> Result<Option<Word>, DatabaseError> {
        let row: Option<Columns> = reading!(self, pool => {
            sqlx::query_as(ONE).bind(kind.as_str()).bind(name).bind(part)
                .fetch_optional(pool).await.map_err(while_doing("find what is said of the fleet"))
        })?;
        Ok(row.map(word))
    }

    /// The labels of a store as an object of JSON, and their version; an empty one where nobody gave it any.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn store_labels(&self, store: &str) -> Result<(String, i64), DatabaseError> {
        let row: Option<(String, i64)> = reading!(self, pool => {
            sqlx::query_as("SELECT labels, version FROM store_labels WHERE store = $1").bind(store)
                .fetch_optional(pool).await.map_err(while_doing("find the labels of a store"))
        })?;
        Ok(row.unwrap_or_else(|| ("{}".into(), 0)))
    }
}

impl Change {
    pub(crate) async fn word(
        &mut self,
        kind: WordKind,
        name: &str,
        part: &str,
    ) -> Result<Option<Word>, DatabaseError> {
        let row: Option<Columns> = over!(&mut self.0.connection(), on => {
            sqlx::query_as(ONE).bind(kind.as_str()).bind(name).bind(part)
                .fetch_optional(on).await.map_err(while_doing("find what is said of the fleet"))
        })?;
        Ok(row.map(word))
    }

    pub(crate) async fn count_words(&mut self, kind: WordKind) -> Result<i64, DatabaseError> {
        over!(&mut self.0.connection(), on => {
            sqlx::query_scalar("SELECT COUNT(*) FROM fleet_words WHERE kind = $1").bind(kind.as_str())
                .fetch_one(on).await.map_err(while_doing("count what is said of the fleet"))
        })
    }

    /// Says it, in place of what was said. Gives its version.
    pub(crate) async fn put_word(
        &mut self,
        kind: WordKind,
        (name, part): (&str, &str),
        document: &str,
        now_ms: i64,
    ) -> Result<i64, DatabaseError> {
        over!(&mut self.0.connection(), on => {
            sqlx::query_scalar("INSERT INTO fleet_words (kind, name, part, document, version, at_ms) VALUES ($1, $2, $3, $4, 1, $5) \
                ON CONFLICT (kind, name, part) DO UPDATE SET document = excluded.document, version = fleet_words.version + 1, \
                at_ms = excluded.at_ms RETURNING version")
                .bind(kind.as_str()).bind(name).bind(part).bind(document).bind(now_ms)
                .fetch_one(on).await.map_err(while_doing("keep what is said of the fleet"))
        })
    }

    pub(crate) async fn drop_word(
        &mut self,
        kind: WordKind,
        name: &str,
        part: &str,
    ) -> Result<(), DatabaseError> {
        over!(&mut self.0.connection(), on => {
            sqlx::query("DELETE FROM fleet_words WHERE kind = $1 AND name = $2 AND part = $3")
                .bind(kind.as_str()).bind(name).bind(part).execute(on).await.map(drop)
                .map_err(while_doing("take back what is said of the fleet"))
        })
    }

    pub(crate) async fn labels(&mut self, store: &str) -> Result<String, DatabaseError> {
        let row: Option<String> = over!(&mut self.0.connection(), on => {
            sqlx::query_scalar("SELECT labels FROM store_labels WHERE store = $1").bind(store)
                .fetch_optional(on).await.map_err(while_doing("find the labels of a store"))
        })?;
        Ok(row.unwrap_or_else(|| "{}".into()))
    }

    pub(crate) async fn put_labels(
        &mut self,
        store: &str,
        labels: &str,
        now_ms: i64,
    ) -> Result<i64, DatabaseError> {
        over!(&mut self.0.connection(), on => {
            sqlx::query_scalar("INSERT INTO store_labels (store, labels, version, at_ms) VALUES ($1, $2, 1, $3) \
                ON CONFLICT (store) DO UPDATE SET labels = excluded.labels, version = store_labels.version + 1, at_ms = excluded.at_ms \
                RETURNING version")
                .bind(store).bind(labels).bind(now_ms).fetch_one(on).await.map_err(while_doing("label a store"))
        })
    }
}
