//! Lists that grow with the years, page by page: nodes, reports and erasures of a store, policies, tokens, hubs below. Each goes on behind a row, so that nothing is
//! left out or shown twice while it grows. What a row is, is in [`super::read`] and [`crate::people::person`].

use super::{
    Database, DatabaseError, RegisteredRelay,
    failure::while_doing,
    read::{ErasureRow, NodeRow, PolicyRow, ROWS_MAX, ReportRow, bounded},
    reading,
    relay::registered,
    rows::unsigned,
    sessions::{TokenColumns, token},
};
use crate::people::person::TokenRow;
use aisle_event::StoreId;
use data_encoding::HEXLOWER;

/// Behind nothing, of a list whose latest stand first.
const FIRST: i64 = i64::MAX;

impl Database {
    /// The nodes of a store.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn nodes(&self, store: &StoreId) -> Result<Vec<NodeRow>, DatabaseError> {
        self.nodes_after(store, "", ROWS_MAX).await
    }

    /// The nodes of a store by serial, after one.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn nodes_after(
        &self,
        store: &StoreId,
        after: &str,
        rows_max: u32,
    ) -> Result<Vec<NodeRow>, DatabaseError> {
        type Columns = (String, String, String, String, String, String, i64, i64, bool, String, i64, i64);
        let rows: Vec<Columns> = reading!(self, pool => {
            sqlx::query_as("SELECT node, state, software, link, path, address, policy_version, generation, is_connected, hub, \
                connected_at_ms, last_seen_ms FROM nodes WHERE store = $1 AND node > $2 ORDER BY node LIMIT $3")
                .bind(store.as_str()).bind(after).bind(bounded(rows_max)).fetch_all(pool).await.map_err(while_doing("list nodes"))
        })?;
        let row = |columns: Columns| {
            let (
                node,
                state,
                software,
                link,
                path,
                address,
                policy_version,
                generation,
                is_connected,
                hub,
                at,
                seen,
            ) = columns;
            NodeRow {
                store: store.to_string(),
                node,
                state,
                software,
                link,
                path,
                address,
                policy_version,
                generation,
                is_connected,
                hub,
                connected_at_ms: at,
                last_seen_ms: seen,
            }
        };
        Ok(rows.into_iter().map(row).collect())
    }

    /// What the nodes of a store report.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn reports(&self, store: &StoreId) -> Result<Vec<ReportRow>, DatabaseError> {
        self.reports_after(store, ("", ""), ROWS_MAX).await
    }

    /// The same by node and name, after one.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn reports_after(
        &self,
        store: &StoreId,
        (after_node, after_name): (&str, &str),
        rows_max: u32,
    ) -> Result<Vec<ReportRow>, DatabaseError> {
        type Columns = (String, String, String, Vec<u8>, bool, String, i64);
        let rows: Vec<Columns> = reading!(self, pool => {
            sqlx::query_as("SELECT node, name, version, hash, is_ok, reason, generation FROM reports \
                WHERE store = $1 AND (node, name) > ($2, $3) ORDER BY node, name LIMIT $4")
                .bind(store.as_str()).bind(after_node).bind(after_name).bind(bounded(rows_max))
                .fetch_all(pool).await.map_err(while_doing("list reports"))
        })?;
        let row = |(node, name, version, hash, ok, reason, generation): Columns| ReportRow {
            node,
            name,
            version,
            hash: HEXLOWER.encode(&hash),
            ok,
            reason,
            generation,
        };
        Ok(rows.into_iter().map(row).collect())
    }

    /// The erasures that a store was asked for.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn erasures(&self, store: &StoreId) -> Result<Vec<ErasureRow>, DatabaseError> {
        self.erasures_after(store, None, ROWS_MAX).await
    }

    /// The same, the latest first, after one: when it was asked for, and its number.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn erasures_after(
        &self,
        store: &StoreId,
        after: Option<(i64, &[u8])>,
        rows_max: u32,
    ) -> Result<Vec<ErasureRow>, DatabaseError> {
        type Columns = (Vec<u8>, i64, Option<i64>, Option<Vec<u8>>, i64, Option<Vec<u8>>);
        let (at_ms, id) = after.unwrap_or((FIRST, &[]));
        let rows: Vec<Columns> = reading!(self, pool => {
            sqlx::query_as("SELECT id, requested_at_ms, done_at_ms, receipt, events, hub_receipt FROM erasures WHERE store = $1 \
                AND (requested_at_ms < $2 OR (requested_at_ms = $2 AND id > $3)) ORDER BY requested_at_ms DESC, id LIMIT $4")
                .bind(store.as_str()).bind(at_ms).bind(id).bind(bounded(rows_max))
                .fetch_all(pool).await.map_err(while_doing("list erasures"))
        })?;
        let row = |(id, requested_at_ms, done_at_ms, receipt, events, hub_receipt): Columns| ErasureRow {
            store: store.to_string(),
            id: HEXLOWER.encode(&id),
            requested_at_ms,
            done_at_ms,
            receipt: receipt.map(|receipt| HEXLOWER.encode(&receipt)),
            events: unsigned(events),
            hub_receipt: hub_receipt.map(|receipt| HEXLOWER.encode(&receipt)),
        };
        Ok(rows.into_iter().map(row).collect())
    }

    /// The policies that batches may name, the latest first.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn policies(&self) -> Result<Vec<PolicyRow>, DatabaseError> {
        self.policies_after(None, ROWS_MAX).await
    }

    /// The same after one: its version and its hash.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn policies_after(
        &self,
        after: Option<(i64, &[u8])>,
        rows_max: u32,
    ) -> Result<Vec<PolicyRow>, DatabaseError> {
        let (version, hash) = after.unwrap_or((FIRST, &[]));
        let rows: Vec<(String, i64, Vec<u8>, i64)> = reading!(self, pool => {
            sqlx::query_as("SELECT name, version, hash, accepted_at_ms FROM policies \
                WHERE (version < $1 OR (version = $1 AND hash > $2)) ORDER BY version DESC, hash LIMIT $3")
                .bind(version).bind(hash).bind(bounded(rows_max)).fetch_all(pool).await.map_err(while_doing("list policies"))
        })?;
        let row = |(name, version, hash, accepted_at_ms): (String, i64, Vec<u8>, i64)| PolicyRow {
            name,
            version,
            hash: HEXLOWER.encode(&hash),
            accepted_at_ms,
        };
        Ok(rows.into_iter().map(row).collect())
    }

    /// Tokens, the latest first; of one person, where one is given.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn tokens(&self, person: Option<&str>) -> Result<Vec<TokenRow>, DatabaseError> {
        self.tokens_after(person, None, ROWS_MAX).await
    }

    /// The same after one: when it was made, and its name.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn tokens_after(
        &self,
        person: Option<&str>,
        after: Option<(i64, &str)>,
        rows_max: u32,
    ) -> Result<Vec<TokenRow>, DatabaseError> {
        let (at_ms, name) = after.unwrap_or((FIRST, ""));
        let rows: Vec<TokenColumns> = reading!(self, pool => {
            sqlx::query_as("SELECT token, person, name, permissions, made_at_ms, ends_at_ms, used_at_ms, revoked_at_ms FROM api_tokens \
                WHERE ($1 = '' OR person = $1) AND (made_at_ms < $2 OR (made_at_ms = $2 AND token > $3)) \
                ORDER BY made_at_ms DESC, token LIMIT $4")
                .bind(person.unwrap_or_default()).bind(at_ms).bind(name).bind(bounded(rows_max))
                .fetch_all(pool).await.map_err(while_doing("list tokens"))
        })?;
        Ok(rows.into_iter().map(token).collect())
    }

    /// The hubs that may speak for stores, by name, after one.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn relays_after(
        &self,
        after: &str,
        rows_max: u32,
    ) -> Result<Vec<RegisteredRelay>, DatabaseError> {
        let rows: Vec<(String, String, String, Vec<u8>)> = reading!(self, pool => {
            sqlx::query_as("SELECT relay, regions, state, receipt_key FROM relays WHERE relay > $1 ORDER BY relay LIMIT $2")
                .bind(after).bind(bounded(rows_max)).fetch_all(pool).await.map_err(while_doing("list relays"))
        })?;
        rows.into_iter().map(registered).collect()
    }
}
