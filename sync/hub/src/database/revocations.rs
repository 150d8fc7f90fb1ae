//! Who may not come in any more: one list, kept whole, changed under a lock and with a number that only rises. And whom hubs have to look at again.

use super::{
    Connection, Database, DatabaseError, Tx,
    failure::while_doing,
    over, reading,
    rows::{damaged, signed, unsigned},
};
use aisle_event::Timestamp;
use aisle_provisioning::{
    device::{Entry, RevocationList, revocation::ENTRIES_MAX},
    identity::Identity,
};

/// So long after its end a certificate is still on the list, in milliseconds: clocks differ.
const KEPT_MS: i64 = 7 * 24 * 3_600_000;

/// Up to where entries about devices get onto the list. Each box can ask for those of its own store; the rest is kept free of what boxes can do.
const DEVICE_ENTRIES_MAX: usize = ENTRIES_MAX / 2;
/// Up to where certificates of nodes get onto it that were replaced by newer ones. Behind that is room for what people decide.
const RENEWAL_ENTRIES_MAX: usize = ENTRIES_MAX / 4 * 3;

/// What a change of the list comes from: so far it may fill it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// A box, about a device of its store.
    Devices,
    /// A box that has renewed its certificate.
    Renewals,
    /// Somebody at headquarters.
    Decisions,
}

impl Room {
    const fn most(self) -> usize {
        match self {
            Self::Devices => DEVICE_ENTRIES_MAX,
            Self::Renewals => RENEWAL_ENTRIES_MAX,
            Self::Decisions => ENTRIES_MAX,
        }
    }

    const fn what(self) -> &'static str {
        match self {
            Self::Devices => "devices",
            Self::Renewals => "certificates that were replaced",
            Self::Decisions => "nodes",
        }
    }
}

fn list_of(number: i64, bytes: &[u8]) -> Result<RevocationList, DatabaseError> {
    if bytes.is_empty() {
        return Ok(RevocationList::default());
    }
    let wrong = || damaged("revocation_list", "list", &number);
    let list = RevocationList::decode(bytes).map_err(|_| wrong())?;
    if list.number() == unsigned(number) { Ok(list) } else { Err(wrong()) }
}

/// The list as it is, locked until the transaction is over.
pub(super) async fn list_in(tx: &mut Tx) -> Result<RevocationList, DatabaseError> {
    let row: Option<(i64, Vec<u8>)> = match tx.connection() {
        Connection::Sqlite(on) => {
            sqlx::query_as("SELECT number, list FROM revocation_list WHERE one = 1").fetch_optional(on).await
        }
        Connection::Postgres(on) => {
            sqlx::query_as("SELECT number, list FROM revocation_list WHERE one = 1 FOR UPDATE")
                .fetch_optional(on)
                .await
        }
    }
    .map_err(while_doing("look who may not come in"))?;
    let (number, bytes) = row.ok_or_else(|| damaged("revocation_list", "one", &1))?;
    list_of(number, &bytes)
}

/// When a list gets room by itself, in words.
fn frees(list: &RevocationList) -> String {
    let next = list.entries().filter_map(|entry| entry.until).min();
    let at = next.and_then(|until| jiff::Timestamp::from_millisecond(until.0.saturating_add(KEPT_MS)).ok());
    at.map_or_else(
        || "what stands there does not end by itself".to_owned(),
        |at| format!("an entry leaves it a week after its certificate has ended, the next one at {at:.0}"),
    )
}

/// Changes the list with what a change asks for, as far as there is room for such changes.
///
/// A certificate that was replaced is refused by the record of its node as well: where there is no room for it, the renewal goes on without.
pub(super) async fn revoke_in(
    tx: &mut Tx,
    more: &[Entry],
    lifted: &[Identity],
    room: Room,
    now: Timestamp,
) -> Result<(), DatabaseError> {
    if more.is_empty() && lifted.is_empty() {
        return Ok(());
    }
    let failed = while_doing("change who may not come in");
    let list = list_in(tx).await?.prune(Timestamp(now.0.saturating_sub(KEPT_MS)));
    // A fleet has a fraction of what a list may hold; at the bound nothing more is revoked, and nobody believes that it was.
    let full = || DatabaseError::ListFull { what: room.what(), most: room.most(), frees: frees(&list) };
    let next = list.with(more.iter().cloned(), lifted, now);
    let next = next.ok().filter(|next| next.size() <= room.most().max(list.size()));
    let list = match next {
        Some(next) => next,
        None if room == Room::Renewals => {
            tracing::error!(error = %full(), "certificates that were replaced are refused by the records of their nodes only");
            list.with([], lifted, now).map_err(|_| full())?
        }
        None => return Err(full()),
    };
    over!(&mut tx.connection(), on => {
        sqlx::query("UPDATE revocation_list SET number = $1, list = $2 WHERE one = 1")
            .bind(signed(list.number())).bind(list.encode()).execute(on).await.map(drop).map_err(failed)
    })
}

impl Database {
    /// The list's number: whoever has it need not read it again.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn revocation_number(&self) -> Result<u64, DatabaseError> {
        let number: Option<i64> = reading!(self, pool => {
            sqlx::query_scalar("SELECT number FROM revocation_list WHERE one = 1").fetch_optional(pool).await
                .map_err(while_doing("look who may not come in"))
        })?;
        number.map(unsigned).ok_or_else(|| damaged("revocation_list", "one", &1))
    }

    /// The list.
    ///
    /// # Errors
    /// When the database cannot say, or what is in it is no list.
    pub async fn revocations(&self) -> Result<RevocationList, DatabaseError> {
        let row: Option<(i64, Vec<u8>)> = reading!(self, pool => {
            sqlx::query_as("SELECT number, list FROM revocation_list WHERE one = 1").fetch_optional(pool).await
                .map_err(while_doing("look who may not come in"))
        })?;
        let (number, bytes) = row.ok_or_else(|| damaged("revocation_list", "one", &1))?;
        list_of(number, &bytes)
    }

    /// Nodes that may not come in, of those whose state has changed since a time, after a place; with their states.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn shut_since(
        &self,
        since: Timestamp,
        after: (&str, &str),
        rows_max: u32,
    ) -> Result<Vec<(String, String, String)>, DatabaseError> {
        reading!(self, pool => {
            sqlx::query_as("SELECT store, node, state FROM nodes WHERE state_at_ms >= $1 AND state <> 'active' \
                AND (store > $2 OR (store = $2 AND node > $3)) ORDER BY store, node LIMIT $4")
                .bind(since.0).bind(after.0).bind(after.1).bind(super::read::bounded(rows_max))
                .fetch_all(pool).await.map_err(while_doing("look who may not come in"))
        })
    }

    /// Whether a node may come in, in one word: `active`, or what keeps it out.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn node_state(&self, store: &str, node: &str) -> Result<Option<String>, DatabaseError> {
        reading!(self, pool => {
            sqlx::query_scalar("SELECT state FROM nodes WHERE store = $1 AND node = $2").bind(store).bind(node)
                .fetch_optional(pool).await.map_err(while_doing("find a node"))
        })
    }
}
