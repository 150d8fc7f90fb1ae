//! What is written besides batches: who came, what they report, what they are to do. Each in a transaction of its own.

use super::{
    Database, DatabaseError,
    failure::while_doing,
    fleet::keep_says,
    over, reading,
    rows::{class_of, now_ms, signed},
};
use aisle_event::StoreId;
use aisle_fleet::NodeSays;
use aisle_protocol::{
    Hash, PolicyId,
    control::{Hello, Report},
};
use aisle_residency::{
    TrustedPolicy,
    signing::{Signature, VerifyingKey},
};

/// A node that this hub knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredNode {
    /// Its store.
    pub store: StoreId,
    /// Its serial.
    pub node: String,
    /// The key that its receipts are signed with.
    pub receipt_key: VerifyingKey,
    /// True when it may not come any more. Its receipts stay good.
    pub is_banned: bool,
}

/// A connection as it began.
#[derive(Debug, Clone, Copy)]
pub struct Contact<'a> {
    /// The node's serial by its certificate.
    pub node: &'a str,
    /// What it said.
    pub hello: &'a Hello,
    /// How it came: `quic` or `tls`.
    pub path: &'a str,
    /// Where from.
    pub address: &'a str,
    /// The hub that it came to.
    pub hub: &'a str,
}

/// A policy with its signature, as it is sent on.
#[derive(Debug, Clone, Copy)]
pub struct NewPolicy<'a> {
    /// What was read of it.
    pub policy: &'a TrustedPolicy,
    /// Its exact bytes.
    pub document: &'a [u8],
    /// The signature over them.
    pub signature: &'a Signature,
}

const ACTIVE: &str = "active";
const BANNED: &str = "banned";

impl Database {
    /// Makes a node known, or changes what is known of it.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn register(&self, node: &RegisteredNode) -> Result<(), DatabaseError> {
        let state = if node.is_banned { BANNED } else { ACTIVE };
        let mut tx = self.begin().await?;
        over!(&mut tx.connection(), on => {
            sqlx::query("INSERT INTO nodes (store, node, state, receipt_key, state_at_ms) VALUES ($1, $2, $3, $4, $5) \
                ON CONFLICT (store, node) DO UPDATE SET state = excluded.state, receipt_key = excluded.receipt_key, \
                state_at_ms = excluded.state_at_ms WHERE nodes.state <> excluded.state OR nodes.receipt_key <> excluded.receipt_key")
                .bind(node.store.as_str()).bind(node.node.as_str()).bind(state).bind(node.receipt_key.0.as_slice()).bind(now_ms())
                .execute(on).await.map(drop).map_err(while_doing("register a node"))
        })?;
        tx.commit().await
    }

    /// The same for a node of the configuration, at a start: one that was suspended or banned meanwhile stays that, until somebody resumes it.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn register_listed(&self, node: &RegisteredNode) -> Result<(), DatabaseError> {
        let there = self.node_state(node.store.as_str(), &node.node).await?;
        if there.is_some_and(|state| state != ACTIVE) { Ok(()) } else { self.register(node).await }
    }

    /// The nodes of a store that this hub knows.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn registered(&self, store: &StoreId) -> Result<Vec<RegisteredNode>, DatabaseError> {
        let rows: Vec<(String, String, Vec<u8>)> = reading!(self, pool => {
            sqlx::query_as("SELECT node, state, receipt_key FROM nodes WHERE store = $1 ORDER BY last_seen_ms DESC, node LIMIT 64")
                .bind(store.as_str()).fetch_all(pool).await.map_err(while_doing("find the nodes of a store"))
        })?;
        let node = |(node, state, key): (String, String, Vec<u8>)| {
            let receipt_key = key.as_slice().try_into().map(VerifyingKey);
            let receipt_key = receipt_key.map_err(|_| super::rows::damaged("nodes", "receipt_key", store))?;
            Ok(RegisteredNode { store: store.clone(), node, receipt_key, is_banned: state != ACTIVE })
        };
        rows.into_iter().map(node).collect()
    }

    /// A node was welcomed.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn contact(&self, store: &StoreId, contact: &Contact<'_>) -> Result<(), DatabaseError> {
        let failed = while_doing("note that a node came");
        let Contact { node, hello, path, address, hub } = *contact;
        let (store, now) = (store.as_str(), now_ms());
        let link = format!("{:?}", hello.link).to_lowercase();
        let mut tx = self.begin().await?;
        over!(&mut tx.connection(), on => {
            sqlx::query("INSERT INTO stores (store, region, first_seen_ms, last_seen_ms) VALUES ($1, $2, $3, $3) \
                ON CONFLICT (store) DO UPDATE SET region = excluded.region, last_seen_ms = excluded.last_seen_ms")
                .bind(store).bind(hello.region.as_str()).bind(now).execute(on).await.map(drop).map_err(failed)
        })?;
        over!(&mut tx.connection(), on => {
            sqlx::query("UPDATE nodes SET software = $3, link = $4, path = $5, address = $6, policy_version = $7, \
                policy_hash = $8, is_connected = $9, hub = $10, connected_at_ms = $11, last_seen_ms = $11 WHERE store = $1 AND node = $2")
                .bind(store).bind(node).bind(hello.software.as_str()).bind(link.as_str()).bind(path).bind(address)
                .bind(i64::from(hello.policy.version)).bind(hello.policy.hash.0.as_slice()).bind(true).bind(hub).bind(now)
                .execute(on).await.map(drop).map_err(failed)
        })?;
        for log in &hello.logs {
            over!(&mut tx.connection(), on => {
                sqlx::query("UPDATE logs SET node_last_seq = $4 WHERE store = $1 AND class = $2 AND epoch = $3")
                    .bind(store).bind(class_of(log.class)).bind(log.epoch.0.as_slice()).bind(signed(log.last.seq))
                    .execute(on).await.map(drop).map_err(failed)
            })?;
        }
        tx.commit().await
    }

    /// A node's connection to this hub is over.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn parted(&self, store: &StoreId, node: &str, hub: &str) -> Result<(), DatabaseError> {
        let mut tx = self.begin().await?;
        over!(&mut tx.connection(), on => {
            sqlx::query("UPDATE nodes SET is_connected = $4, last_seen_ms = $5 WHERE store = $1 AND node = $2 AND hub = $3")
                .bind(store.as_str()).bind(node).bind(hub).bind(false).bind(now_ms())
                .execute(on).await.map(drop).map_err(while_doing("note that a node went"))
        })?;
        tx.commit().await
    }

    /// Nobody is connected to this hub: it has just started, or goes down.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn part_all(&self, hub: &str) -> Result<(), DatabaseError> {
        let mut tx = self.begin().await?;
        over!(&mut tx.connection(), on => {
            sqlx::query("UPDATE nodes SET is_connected = $2 WHERE hub = $1 AND is_connected = $3")
                .bind(hub).bind(false).bind(true).execute(on).await.map(drop).map_err(while_doing("note that a hub started"))
        })?;
        // It says itself when it serves.
        over!(&mut tx.connection(), on => {
            sqlx::query("DELETE FROM hub_beats WHERE hub = $1")
                .bind(hub).execute(on).await.map(drop).map_err(while_doing("note that a hub started"))
        })?;
        tx.commit().await
    }

    /// What a node really runs, in place of what it said before.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn report(&self, store: &StoreId, node: &str, report: &Report) -> Result<(), DatabaseError> {
        let failed = while_doing("keep a report");
        let (store, generation) = (store.as_str(), signed(report.generation));
        let said = report.node.as_ref().and_then(|said| {
            let read = NodeSays::decode(&said.0);
            // What it says besides is kept all the same.
            let read = read.inspect_err(
                |error| tracing::warn!(store, node, %error, "a node says of itself what cannot be read"),
            );
            read.ok().map(|says| (&said.0, says))
        });
        let mut tx = self.begin().await?;
        over!(&mut tx.connection(), on => {
            sqlx::query("DELETE FROM reports WHERE store = $1 AND node = $2")
                .bind(store).bind(node).execute(on).await.map(drop).map_err(failed)
        })?;
        for applied in &report.applied {
            over!(&mut tx.connection(), on => {
                sqlx::query("INSERT INTO reports (store, node, name, version, hash, is_ok, reason, generation, at_ms) \
                    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING")
                    .bind(store).bind(node).bind(applied.name.as_str()).bind(applied.version.as_str())
                    .bind(applied.hash.0.as_slice()).bind(applied.ok).bind(applied.reason.as_deref().unwrap_or_default())
                    .bind(generation).bind(now_ms())
                    .execute(on).await.map(drop).map_err(failed)
            })?;
        }
        over!(&mut tx.connection(), on => {
            sqlx::query("UPDATE nodes SET generation = $3, last_seen_ms = $4 WHERE store = $1 AND node = $2")
                .bind(store).bind(node).bind(generation).bind(now_ms()).execute(on).await.map(drop).map_err(failed)
        })?;
        if let Some((bytes, says)) = said {
            keep_says(&mut tx, (store, node), bytes, &says, now_ms()).await?;
        }
        tx.commit().await
    }

    /// A person is to be forgotten by a store. Asked again, nothing changes.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn request_erasure(
        &self,
        store: &StoreId,
        id: &Hash,
        subject: &[u8],
    ) -> Result<(), DatabaseError> {
        let mut tx = self.begin().await?;
        over!(&mut tx.connection(), on => {
            sqlx::query("INSERT INTO erasures (store, id, subject, requested_at_ms) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING")
                .bind(store.as_str()).bind(id.0.as_slice()).bind(subject).bind(now_ms())
                .execute(on).await.map(drop).map_err(while_doing("ask for an erasure"))
        })?;
        tx.commit().await
    }

    /// A store has forgotten somebody. False when nobody asked for it.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn erased(&self, store: &StoreId, id: &Hash, receipt: &[u8]) -> Result<bool, DatabaseError> {
        let mut tx = self.begin().await?;
        let known = over!(&mut tx.connection(), on => {
            // The first receipt counts; the subject is not needed any more.
            sqlx::query("UPDATE erasures SET done_at_ms = COALESCE(done_at_ms, $3), receipt = COALESCE(receipt, $4), subject = $5 \
                WHERE store = $1 AND id = $2")
                .bind(store.as_str()).bind(id.0.as_slice()).bind(now_ms()).bind(receipt).bind(Vec::<u8>::new())
                .execute(on).await.map(|done| done.rows_affected()).map_err(while_doing("keep the receipt of an erasure"))
        })?;
        tx.commit().await?;
        Ok(known > 0)
    }

    /// What a store is to become. An older generation changes nothing and gives false.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn set_desired(
        &self,
        store: &StoreId,
        generation: u64,
        manifest: &[u8],
    ) -> Result<bool, DatabaseError> {
        let mut tx = self.begin().await?;
        let changed = over!(&mut tx.connection(), on => {
            sqlx::query("INSERT INTO desired (store, generation, manifest, at_ms) VALUES ($1, $2, $3, $4) ON CONFLICT (store) \
                DO UPDATE SET generation = excluded.generation, manifest = excluded.manifest, at_ms = excluded.at_ms \
                WHERE desired.generation < excluded.generation")
                .bind(store.as_str()).bind(signed(generation)).bind(manifest).bind(now_ms())
                .execute(on).await.map(|done| done.rows_affected()).map_err(while_doing("set what a store is to become"))
        })?;
        tx.commit().await?;
        Ok(changed > 0)
    }

    /// Keeps a policy that batches may name.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn accept_policy(&self, new: &NewPolicy<'_>) -> Result<(), DatabaseError> {
        let id = new.policy.id();
        let mut tx = self.begin().await?;
        over!(&mut tx.connection(), on => {
            sqlx::query("INSERT INTO policies (version, hash, name, document, signature, accepted_at_ms) \
                VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING")
                .bind(i64::from(id.version)).bind(id.hash.0.as_slice()).bind(new.policy.name()).bind(new.document)
                .bind(new.signature.0.as_slice()).bind(now_ms())
                .execute(on).await.map(drop).map_err(while_doing("keep a policy"))
        })?;
        tx.commit().await
    }

    /// Notes that a content is there to be fetched.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn add_content(&self, hash: &Hash, bytes: u64, name: &str) -> Result<(), DatabaseError> {
        let mut tx = self.begin().await?;
        over!(&mut tx.connection(), on => {
            sqlx::query("INSERT INTO chunks (hash, bytes, name, added_at_ms) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING")
                .bind(hash.0.as_slice()).bind(signed(bytes)).bind(name).bind(now_ms())
                .execute(on).await.map(drop).map_err(while_doing("note a content"))
        })?;
        tx.commit().await
    }

    /// What a store should be told on its connection: the policy's document and signature, persons to be forgotten, the desired state.
    ///
    /// # Errors
    /// When the database cannot say.
    pub(crate) async fn errands(
        &self,
        store: &StoreId,
        policy: Option<PolicyId>,
        erasures_max: u32,
    ) -> Result<Errands, DatabaseError> {
        let failed = while_doing("find what a store is to be told");
        let mut errands = Errands::default();
        if let Some(policy) = policy {
            errands.policy = self.policy_document(policy).await?;
        }
        let rows: Vec<(Vec<u8>, Vec<u8>)> = reading!(self, pool => {
            sqlx::query_as("SELECT id, subject FROM erasures WHERE store = $1 AND done_at_ms IS NULL ORDER BY requested_at_ms LIMIT $2")
                .bind(store.as_str()).bind(i64::from(erasures_max)).fetch_all(pool).await.map_err(failed)
        })?;
        for (id, subject) in rows {
            errands.erasures.push((super::rows::hash(&id, "erasures", store.as_str())?, subject));
        }
        errands.desired = reading!(self, pool => {
            sqlx::query_as("SELECT generation, manifest FROM desired WHERE store = $1")
                .bind(store.as_str()).fetch_optional(pool).await.map_err(failed)
        })?;
        Ok(errands)
    }
}

/// What a store should be told.
#[derive(Debug, Default)]
pub(crate) struct Errands {
    pub(crate) policy: Option<(Vec<u8>, Vec<u8>)>,
    pub(crate) erasures: Vec<(Hash, Vec<u8>)>,
    pub(crate) desired: Option<(i64, Vec<u8>)>,
}
