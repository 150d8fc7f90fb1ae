//! The records of nodes as rows: how they are written, read, and shown to people.
//!
//! Not here: what changes them ([`super::enrolments`]).

use super::{
    Connection, Database, DatabaseError, Tx,
    certificates::credential_in,
    claims::ROLES,
    enrolments::{KeptEnrolment, names},
    failure::while_doing,
    over, reading,
    rows::{damaged, fixed},
};
use aisle_event::{Name, Timestamp};
use aisle_provisioning::{
    enrolment::{Action, Actor, Credential, Enrolment},
    fingerprint::Fingerprint,
    identity::{Chain, Identity, Serial, Store},
};
use aisle_residency::signing::VerifyingKey;
use data_encoding::HEXLOWER;
use serde::Serialize;
use utoipa::ToSchema;

/// A node that enrols, for people and programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct EnrolmentRow {
    /// Its store.
    #[schema(example = "store-1")]
    pub store: String,
    /// Its serial.
    pub node: String,
    /// `claimed`, `pending`, `active`, `renewing`, `suspended` or `banned`.
    #[schema(example = "pending")]
    pub state: String,
    /// Since when, in milliseconds since 1970.
    pub since_ms: i64,
    /// What was done: `queue`, `approve`, `issue`, `prove`, `suspend`, `resume`, `reject`, `ban`, `reclaim`.
    pub through: String,
    /// Who did it: `node`, `hub`, or the role of a person.
    pub actor: String,
    /// Their name.
    pub who: String,
    /// Why.
    pub reason: String,
    /// The fingerprint of the key that it asked with: 64 hexadecimal digits.
    pub key: String,
    /// The beginning of the same as the box shows it.
    #[schema(example = "9f86 d081 884c 7d65 9a2f")]
    pub key_short: String,
    /// Where it called from, when it asked.
    pub address: String,
    /// The locator of the claim that it came with.
    pub claim: String,
    /// When it asked.
    pub asked_at_ms: i64,
    /// The number of its certificate, in hexadecimal digits; empty before the first.
    pub certificate: String,
    /// When that ends; 0 before the first.
    pub not_after_ms: i64,
    /// When the certificate ends that it has not shown yet; 0 when there is none.
    pub next_not_after_ms: i64,
}

type Columns = (
    String,
    String,
    String,
    String,
    i64,
    String,
    String,
    String,
    String,
    Vec<u8>,
    Vec<u8>,
    String,
    String,
    i64,
    Vec<u8>,
    Vec<u8>,
);

/// All columns of `enrolments`, in the order in which they are read.
macro_rules! enrolment_columns {
    () => {
        "store, node, chain, state, since_ms, through, actor, who, reason, claimed_key, receipt_key, claim, address, asked_at_ms, \
        current_number, next_number"
    };
}

const NODE: &str = "node";
const HUB: &str = "hub";

const fn actor_text(actor: Actor) -> &'static str {
    match actor {
        Actor::Node => NODE,
        Actor::Hub => HUB,
        Actor::Person(role) => role.as_str(),
    }
}

fn actor_of(text: &str) -> Option<Actor> {
    match text {
        NODE => Some(Actor::Node),
        HUB => Some(Actor::Hub),
        role => ROLES.into_iter().find(|known| known.as_str() == role).map(Actor::Person),
    }
}

fn through_of(text: &str) -> Option<Action> {
    Action::ALL.iter().copied().find(|action| action.as_str() == text)
}

/// Locks the record on PostgreSQL until the transaction is over; SQLite has one writer.
pub(super) async fn kept_in(
    tx: &mut Tx,
    store: &str,
    node: &str,
) -> Result<Option<KeptEnrolment>, DatabaseError> {
    let failed = while_doing("find the record of a node");
    let row: Option<Columns> = match tx.connection() {
        Connection::Sqlite(on) => {
            sqlx::query_as(concat!(
                "SELECT ",
                enrolment_columns!(),
                " FROM enrolments WHERE store = $1 AND node = $2"
            ))
            .bind(store)
            .bind(node)
            .fetch_optional(on)
            .await
        }
        Connection::Postgres(on) => {
            sqlx::query_as(concat!(
                "SELECT ",
                enrolment_columns!(),
                " FROM enrolments WHERE store = $1 AND node = $2 FOR UPDATE"
            ))
            .bind(store)
            .bind(node)
            .fetch_optional(on)
            .await
        }
    }
    .map_err(failed)?;
    match row {
        None => Ok(None),
        Some(row) => kept(tx, row).await.map(Some),
    }
}

async fn kept(tx: &mut Tx, columns: Columns) -> Result<KeptEnrolment, DatabaseError> {
    let (
        store,
        node,
        chain,
        state,
        since,
        through,
        actor,
        who,
        reason,
        key,
        receipt,
        claim,
        address,
        asked,
        current,
        next,
    ) = columns;
    let name = format!("{store}/{node}");
    let wrong = |column: &'static str| damaged("enrolments", column, &name);
    let reason = Some(reason).filter(|reason| !reason.is_empty());
    Ok(KeptEnrolment {
        enrolment: Enrolment {
            identity: Identity::node(
                Chain::new(&chain).map_err(|_| wrong("chain"))?,
                Store::new(&store).map_err(|_| wrong("store"))?,
                Serial::new(&node).map_err(|_| wrong("node"))?,
            ),
            state: state.parse().map_err(|_| wrong("state"))?,
            since: Timestamp(since),
            through: through_of(&through).ok_or_else(|| wrong("through"))?,
            by: actor_of(&actor).ok_or_else(|| wrong("actor"))?,
            reason: reason.map(Name::new).transpose().map_err(|_| wrong("reason"))?,
            claimed_key: Fingerprint(fixed(&key, "enrolments", "claimed_key", &name)?),
            current: credential_in(tx, &current).await?,
            next: credential_in(tx, &next).await?,
        },
        receipt_key: VerifyingKey(fixed(&receipt, "enrolments", "receipt_key", &name)?),
        claim,
        address,
        asked_at: Timestamp(asked),
        who,
        is_new: false,
    })
}

fn number(credential: Option<&Credential>) -> &[u8] {
    credential.map(|credential| credential.number.as_bytes()).unwrap_or_default()
}

/// Writes a record in place of the one that was looked at, or a first one.
pub(super) async fn save_in(tx: &mut Tx, kept: &KeptEnrolment) -> Result<(), DatabaseError> {
    let KeptEnrolment { enrolment, receipt_key, claim, address, asked_at, who, is_new } = kept;
    let Enrolment { identity, state, since, through, by, reason, claimed_key, current, next } = enrolment;
    let (store, node) = names(identity);
    let reason = reason.as_ref().map(Name::as_str).unwrap_or_default();
    let saved = over!(&mut tx.connection(), on => {
        sqlx::query(concat!("INSERT INTO enrolments (", enrolment_columns!(), ") \
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT (store, node) \
            DO UPDATE SET chain = excluded.chain, state = excluded.state, since_ms = excluded.since_ms, through = excluded.through, actor = excluded.actor, \
            who = excluded.who, reason = excluded.reason, claimed_key = excluded.claimed_key, receipt_key = excluded.receipt_key, \
            claim = excluded.claim, address = excluded.address, asked_at_ms = excluded.asked_at_ms, \
            current_number = excluded.current_number, next_number = excluded.next_number WHERE $17 = 0"))
            .bind(store).bind(node).bind(identity.chain().as_str()).bind(state.as_str()).bind(since.0).bind(through.as_str()).bind(actor_text(*by))
            .bind(who.as_str()).bind(reason).bind(claimed_key.0.as_slice()).bind(receipt_key.0.as_slice()).bind(claim.as_str())
            .bind(address.as_str()).bind(asked_at.0).bind(number(current.as_ref())).bind(number(next.as_ref())).bind(i64::from(*is_new))
            .execute(on).await.map(|done| done.rows_affected()).map_err(while_doing("keep the record of a node"))
    })?;
    // The row was locked since it was looked at; only a first one can be another's, who was faster. Trying again helps.
    if saved == 1 { Ok(()) } else { Err(while_doing("keep the record of a node")(sqlx::Error::RowNotFound)) }
}

impl Database {
    /// The record of a node.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn enrolment(&self, store: &str, node: &str) -> Result<Option<KeptEnrolment>, DatabaseError> {
        let mut tx = self.begin_reading().await?;
        let row: Option<Columns> = over!(&mut tx.connection(), on => {
            sqlx::query_as(concat!("SELECT ", enrolment_columns!(), " FROM enrolments WHERE store = $1 AND node = $2"))
                .bind(store).bind(node).fetch_optional(on).await.map_err(while_doing("find the record of a node"))
        })?;
        match row {
            None => Ok(None),
            Some(row) => kept(&mut tx, row).await.map(Some),
        }
    }

    /// Records after a place (store, then serial), in their order; an empty store or state is any.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn enrolments(
        &self,
        store: &str,
        state: &str,
        after: (&str, &str),
        rows_max: u32,
    ) -> Result<Vec<EnrolmentRow>, DatabaseError> {
        type Row = (
            String,
            String,
            String,
            i64,
            String,
            String,
            String,
            String,
            Vec<u8>,
            String,
            String,
            i64,
            Vec<u8>,
            Option<i64>,
            Option<i64>,
        );
        let rows: Vec<Row> = reading!(self, pool => {
            sqlx::query_as("SELECT e.store, e.node, e.state, e.since_ms, e.through, e.actor, e.who, e.reason, e.claimed_key, e.address, e.claim, \
                e.asked_at_ms, e.current_number, c.not_after_ms, n.not_after_ms FROM enrolments e \
                LEFT JOIN certificates c ON c.number = e.current_number LEFT JOIN certificates n ON n.number = e.next_number \
                WHERE ($1 = '' OR e.store = $1) AND ($2 = '' OR e.state = $2) \
                AND (e.store > $3 OR (e.store = $3 AND e.node > $4)) ORDER BY e.store, e.node LIMIT $5")
                .bind(store).bind(state).bind(after.0).bind(after.1).bind(super::read::bounded(rows_max))
                .fetch_all(pool).await.map_err(while_doing("list the records of nodes"))
        })?;
        let row = |row: Row| {
            let (
                store,
                node,
                state,
                since_ms,
                through,
                actor,
                who,
                reason,
                key,
                address,
                claim,
                asked_at_ms,
                current,
                end,
                next,
            ) = row;
            let key = Fingerprint(fixed(&key, "enrolments", "claimed_key", &node)?);
            Ok(EnrolmentRow {
                store,
                node,
                state,
                since_ms,
                through,
                actor,
                who,
                reason,
                key: key.to_string(),
                key_short: key.short(),
                address,
                claim,
                asked_at_ms,
                certificate: HEXLOWER.encode(&current),
                not_after_ms: end.unwrap_or(0),
                next_not_after_ms: next.unwrap_or(0),
            })
        };
        rows.into_iter().map(row).collect()
    }

    /// The record of one node, for people.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn enrolment_row(
        &self,
        store: &str,
        node: &str,
    ) -> Result<Option<EnrolmentRow>, DatabaseError> {
        let Some(found) = self.enrolment(store, node).await? else { return Ok(None) };
        Ok(Some(found.row()))
    }
}

impl KeptEnrolment {
    /// For people.
    #[must_use]
    pub fn row(&self) -> EnrolmentRow {
        let Enrolment { identity, state, since, through, by, reason, claimed_key, current, next } =
            &self.enrolment;
        let (store, node) = names(identity);
        let end = |credential: &Option<Credential>| {
            credential.as_ref().map_or(0, |credential| credential.validity.not_after.0)
        };
        EnrolmentRow {
            store: store.to_owned(),
            node: node.to_owned(),
            state: state.as_str().to_owned(),
            since_ms: since.0,
            through: through.as_str().to_owned(),
            actor: actor_text(*by).to_owned(),
            who: self.who.clone(),
            reason: reason.as_ref().map(ToString::to_string).unwrap_or_default(),
            key: claimed_key.to_string(),
            key_short: claimed_key.short(),
            address: self.address.clone(),
            claim: self.claim.clone(),
            asked_at_ms: self.asked_at.0,
            certificate: HEXLOWER.encode(number(current.as_ref())),
            not_after_ms: end(current),
            next_not_after_ms: end(next),
        }
    }
}
