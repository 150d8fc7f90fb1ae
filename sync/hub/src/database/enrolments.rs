//! Nodes that enrol: each change is one transaction with all that follows from it, and counts against the record that was looked at.
//!
//! What may change into what is `aisle_provisioning::enrolment`'s to say. Here its effects are kept together with it: what the sync's desk goes
//! by (`nodes`), what was issued (`certificates`), who may not come in any more ([`super::revocations`]). Not here: who asks ([`crate::enrol`]).

use super::{
    Connection, Database, DatabaseError, Tx,
    claims::{ROLES, claim_in, settle_in},
    failure::while_doing,
    over, reading,
    revocations::revoke_in,
    rows::{damaged, fixed},
};
use aisle_event::{Name, Timestamp};
use aisle_provisioning::{
    certificate::{CertificateNumber, Facts},
    claim::{Claim, ClaimCode, ClaimError, Redeemed, Redemption},
    code::Code,
    device::{Entry, What},
    enrolment::{
        Action, Actor, Change, ChangeError, Credential, Decision, Effects, Enrolment, Presented, State,
    },
    entropy::{self, NoEntropy, SystemEntropy},
    fingerprint::Fingerprint,
    identity::{Chain, Identity, Serial, Store},
    issue::Issued,
    moment::Validity,
};
use aisle_residency::signing::{SigningKey, VerifyingKey};
use data_encoding::HEXLOWER;
use serde::Serialize;
use utoipa::ToSchema;

/// Certificates that ended so long ago are forgotten, unless a node still has them as its own: a year, in milliseconds.
const KEPT_MS: i64 = 365 * 24 * 3_600_000;

/// A node's record, with what the hub keeps beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptEnrolment {
    /// The record.
    pub enrolment: Enrolment,
    /// The key that the node's receipts are signed with.
    pub receipt_key: VerifyingKey,
    /// The locator of the claim that it came with.
    pub claim: String,
    /// Where it called from, when it asked.
    pub address: String,
    /// When it asked.
    pub asked_at: Timestamp,
    /// The name of whoever changed it last.
    pub who: String,
    /// True until it is kept for the first time.
    is_new: bool,
}

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

/// What a box shows that wants in.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Whose stores these are.
    pub chain: &'a Chain,
    /// The code.
    pub code: &'a ClaimCode,
    /// Which box it is.
    pub serial: &'a Serial,
    /// Which store it takes itself for, where it says so.
    pub store: Option<&'a Store>,
    /// Who its request says it is, where it says so.
    pub identity: Option<&'a Identity>,
    /// The key that its request was signed with.
    pub key: Fingerprint,
    /// The key that its receipts are signed with. A stranger's client has none.
    pub receipt_key: Option<&'a VerifyingKey>,
    /// Where it calls from.
    pub address: &'a str,
    /// True when a good claim is enough.
    pub is_automatic: bool,
}

/// Somebody who changes a record.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// What they are.
    pub actor: Actor,
    /// Their name.
    pub who: &'a str,
}

/// Why a node's record was not changed. Nothing was.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// The claim.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// A box with this serial was there before, and the claim does not name it.
    #[error(
        "store `{store}` has a box `{serial}` already, and the claim names none\nhint: ask for a claim for this box: `aisle-hub claim create {store} --serial {serial}`"
    )]
    Unnamed {
        /// The store.
        store: Store,
        /// The box.
        serial: Serial,
    },
    /// The request is for somebody else.
    #[error("the request is for `{found}`, and the claim is for `{expected}`")]
    Foreign {
        /// Whose it is for.
        found: String,
        /// Whose the claim is.
        expected: String,
    },
    /// Nobody knows this node.
    #[error("there is no node `{node}` in store `{store}`\nhint: `aisle-hub node list`")]
    Unknown {
        /// The store.
        store: String,
        /// The serial.
        node: String,
    },
    /// What waits there has another key than the one that somebody looked at.
    #[error(
        "`{node}` waits with the key {found}, and {wanted} was to be approved\nhint: compare with what the box shows"
    )]
    OtherKey {
        /// The node.
        node: String,
        /// The key that is there.
        found: String,
        /// The key that was named.
        wanted: String,
    },
    /// It may not be changed like this.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// There is no randomness.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
    /// The database could not.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl EnrolError {
    /// What an installer is shown.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Claim(error) => error.code(),
            Self::Unnamed { .. } => Code::ClaimOfOtherBox,
            Self::Foreign { .. } => Code::NameForeign,
            Self::Unknown { .. } => Code::NodeUnknown,
            Self::OtherKey { .. } => Code::NotInThisState,
            Self::Change(error) => error.code(),
            Self::Entropy(_) => Code::CannotIssue,
            Self::Database(_) => Code::HubBusy,
        }
    }
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

/// The state of a node as the desk of the sync goes by it.
const fn desk_state(state: State) -> &'static str {
    if state.is_open() { "active" } else { state.as_str() }
}

async fn credential_in(tx: &mut Tx, number: &[u8]) -> Result<Option<Credential>, DatabaseError> {
    if number.is_empty() {
        return Ok(None);
    }
    let row: Option<(Vec<u8>, i64, i64)> = over!(&mut tx.connection(), on => {
        sqlx::query_as("SELECT key, not_before_ms, not_after_ms FROM certificates WHERE number = $1")
            .bind(number).fetch_optional(on).await.map_err(while_doing("find a certificate"))
    })?;
    let name = HEXLOWER.encode(number);
    let (key, not_before, not_after) = row.ok_or_else(|| damaged("enrolments", "current_number", &name))?;
    Ok(Some(Credential {
        number: CertificateNumber::new(number).ok_or_else(|| damaged("certificates", "number", &name))?,
        key: Fingerprint(fixed(&key, "certificates", "key", &name)?),
        validity: Validity { not_before: Timestamp(not_before), not_after: Timestamp(not_after) },
    }))
}

/// Locks the record on PostgreSQL until the transaction is over; SQLite has one writer.
async fn kept_in(tx: &mut Tx, store: &str, node: &str) -> Result<Option<KeptEnrolment>, DatabaseError> {
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
async fn save_in(tx: &mut Tx, kept: &KeptEnrolment) -> Result<(), DatabaseError> {
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

/// Store and serial of a node.
pub(super) fn names(identity: &Identity) -> (&str, &str) {
    (identity.store().map_or("", Store::as_str), identity.last())
}

/// Everything that follows from a change, and the record itself.
async fn follow_in(
    tx: &mut Tx,
    kept: &KeptEnrolment,
    effects: &Effects,
    now: Timestamp,
) -> Result<(), DatabaseError> {
    save_in(tx, kept).await?;
    let failed = while_doing("let a node in or out");
    let (store, node) = names(&kept.enrolment.identity);
    let state = kept.enrolment.state;
    if state.is_open() {
        over!(&mut tx.connection(), on => {
            sqlx::query("INSERT INTO nodes (store, node, state, receipt_key, state_at_ms) VALUES ($1, $2, $3, $4, $5) \
                ON CONFLICT (store, node) DO UPDATE SET state = excluded.state, receipt_key = excluded.receipt_key, \
                state_at_ms = excluded.state_at_ms WHERE nodes.state <> excluded.state OR nodes.receipt_key <> excluded.receipt_key")
                .bind(store).bind(node).bind(desk_state(state)).bind(kept.receipt_key.0.as_slice()).bind(now.0)
                .execute(on).await.map(drop).map_err(failed)
        })?;
    } else {
        over!(&mut tx.connection(), on => {
            sqlx::query("UPDATE nodes SET state = $3, state_at_ms = $4 WHERE store = $1 AND node = $2 AND state <> $3")
                .bind(store).bind(node).bind(desk_state(state)).bind(now.0).execute(on).await.map(drop).map_err(failed)
        })?;
    }
    revoke_in(tx, &effects.revoke, &effects.lift, now).await
}

async fn is_there_in(tx: &mut Tx, store: &str, node: &str) -> Result<bool, DatabaseError> {
    let found: Option<i32> = over!(&mut tx.connection(), on => {
        sqlx::query_scalar("SELECT 1 FROM nodes WHERE store = $1 AND node = $2")
            .bind(store).bind(node).fetch_optional(on).await.map_err(while_doing("find a node"))
    })?;
    Ok(found.is_some())
}

async fn keep_certificate_in(
    tx: &mut Tx,
    identity: &Identity,
    credential: &Credential,
    der: &[u8],
    now: Timestamp,
) -> Result<(), DatabaseError> {
    let failed = while_doing("keep what was issued");
    let (store, holder) = names(identity);
    over!(&mut tx.connection(), on => {
        sqlx::query("INSERT INTO certificates (number, kind, store, holder, key, not_before_ms, not_after_ms, issued_at_ms, der) \
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING")
            .bind(credential.number.as_bytes()).bind(identity.kind().as_str()).bind(store).bind(holder)
            .bind(credential.key.0.as_slice()).bind(credential.validity.not_before.0).bind(credential.validity.not_after.0)
            .bind(now.0).bind(der).execute(on).await.map(drop).map_err(failed)
    })?;
    over!(&mut tx.connection(), on => {
        sqlx::query("DELETE FROM certificates WHERE not_after_ms < $1 AND NOT EXISTS (SELECT 1 FROM enrolments \
            WHERE enrolments.store = certificates.store AND enrolments.node = certificates.holder AND \
            (enrolments.current_number = certificates.number OR enrolments.next_number = certificates.number))")
            .bind(now.0.saturating_sub(KEPT_MS)).execute(on).await.map(drop).map_err(failed)
    })
}

/// The certificate itself.
fn leaf(issued: &Issued) -> &[u8] {
    issued.chain.first().map(AsRef::as_ref).unwrap_or_default()
}

impl KeptEnrolment {
    fn apply(
        self,
        change: &Change,
        by: By<'_>,
        reason: Option<Name>,
        now: Timestamp,
    ) -> Result<(Self, Effects), ChangeError> {
        let (enrolment, effects) = self.enrolment.apply(change, by.actor, reason, now)?;
        Ok((Self { enrolment, who: by.who.to_owned(), ..self }, effects))
    }
}

/// The public half of a key that is thrown away: nobody signs with it.
fn nobodys_key() -> Result<VerifyingKey, EnrolError> {
    let seed = entropy::array(&mut SystemEntropy::default())?;
    Ok(SigningKey::from_seed(&seed).map_err(|_| NoEntropy)?.verifying_key())
}

fn expected(chain: &Chain, claim: &Claim, serial: &Serial) -> Identity {
    Identity::node(chain.clone(), claim.store.clone(), serial.clone())
}

impl Database {
    /// A box shows a claim: its record is made, or made anew, and the claim is used. Shown again with the same key, nothing changes.
    ///
    /// # Errors
    /// When the claim is not for this box or not any more, or the database cannot take it.
    pub async fn enrol(&self, asked: &Asked<'_>, now: Timestamp) -> Result<KeptEnrolment, EnrolError> {
        let mut tx = self.begin().await?;
        let claimed = claim_in(&mut tx, &asked.code.locator()).await?.ok_or(ClaimError::Unknown)?;
        let named = match asked.identity {
            Some(Identity::Node { store, .. }) => Some(store),
            _ => None,
        };
        let shown = Redemption {
            code: asked.code,
            store: asked.store.or(named),
            serial: asked.serial,
            key: asked.key,
        };
        let redeemed = claimed.claim.redeem(&shown, now)?;
        let identity = expected(asked.chain, &claimed.claim, asked.serial);
        if let Some(found) = asked.identity.filter(|found| **found != identity) {
            return Err(EnrolError::Foreign { found: found.to_string(), expected: identity.to_string() });
        }
        let (store, node) = (claimed.claim.store.as_str(), asked.serial.as_str());
        let before = kept_in(&mut tx, store, node).await?;
        let claim = match redeemed {
            Redeemed::Again => {
                let before = before.ok_or(ClaimError::Unknown)?;
                return self.enrol_again(tx, before, asked, now).await;
            }
            Redeemed::First(claim) => claim,
        };
        let was_there = before.is_some() || is_there_in(&mut tx, store, node).await?;
        if was_there && !claim.may_reclaim() {
            return Err(EnrolError::Unnamed { store: claim.store.clone(), serial: asked.serial.clone() });
        }
        let receipt_key = match asked.receipt_key {
            Some(receipt_key) => *receipt_key,
            None => nobodys_key()?,
        };
        let by = By { actor: Actor::Person(claimed.made_role), who: &claimed.made_by };
        let (mut kept, mut effects) = match before {
            Some(before) => before.apply(&Change::Reclaim(asked.key), by, None, now)?,
            None => {
                let kept = KeptEnrolment {
                    enrolment: Enrolment::claimed(identity, asked.key, now),
                    receipt_key,
                    claim: String::new(),
                    address: String::new(),
                    asked_at: now,
                    who: String::new(),
                    is_new: true,
                };
                (kept, Effects::default())
            }
        };
        kept.receipt_key = receipt_key;
        kept.claim = claim.locator.to_string();
        kept.address = asked.address.to_owned();
        kept.asked_at = now;
        let next = if asked.is_automatic { Change::Approve } else { Change::Queue };
        let hub = By { actor: Actor::Hub, who: "" };
        let (kept, more) = kept.apply(&next, hub, None, now)?;
        effects.revoke.extend(more.revoke);
        settle_in(&mut tx, &claim).await?;
        follow_in(&mut tx, &kept, &effects, now).await?;
        tx.commit().await?;
        Ok(kept)
    }

    /// The same box again: perhaps with another key for its receipts, which counts until it is in.
    async fn enrol_again(
        &self,
        mut tx: Tx,
        before: KeptEnrolment,
        asked: &Asked<'_>,
        now: Timestamp,
    ) -> Result<KeptEnrolment, EnrolError> {
        let is_its_own = before.enrolment.claimed_key == asked.key;
        let news = asked.receipt_key.filter(|news| is_its_own && **news != before.receipt_key);
        let Some(receipt_key) = news else { return Ok(before) };
        let kept = KeptEnrolment { receipt_key: *receipt_key, ..before };
        follow_in(&mut tx, &kept, &Effects::default(), now).await?;
        tx.commit().await?;
        Ok(kept)
    }

    /// Keeps what was issued to a node.
    ///
    /// # Errors
    /// When it may have none any more, or the database cannot take it.
    pub async fn keep_issued(
        &self,
        identity: &Identity,
        issued: &Issued,
        receipt_key: Option<&VerifyingKey>,
        now: Timestamp,
    ) -> Result<KeptEnrolment, EnrolError> {
        let credential = Credential::from(&issued.facts);
        let mut tx = self.begin().await?;
        let mut before = self.known_in(&mut tx, identity).await?;
        if let Some(receipt_key) = receipt_key {
            before.receipt_key = *receipt_key;
        }
        keep_certificate_in(&mut tx, identity, &credential, leaf(issued), now).await?;
        let (who, hub) = (before.who.clone(), By { actor: Actor::Hub, who: "" });
        let (after, effects) = before.apply(&Change::Issue(credential), hub, None, now)?;
        let after = KeptEnrolment { who, ..after };
        follow_in(&mut tx, &after, &effects, now).await?;
        tx.commit().await?;
        Ok(after)
    }

    /// A node has shown the certificate that it was given last; or one that this hub does not know any more, and takes on.
    ///
    /// # Errors
    /// When it is none of its own, or the database cannot take it.
    pub async fn prove(
        &self,
        identity: &Identity,
        shown: &Facts,
        der: &[u8],
        now: Timestamp,
    ) -> Result<(), EnrolError> {
        let mut tx = self.begin().await?;
        let mut before = self.known_in(&mut tx, identity).await?;
        let (mut effects, mut is_news) = (Effects::default(), false);
        let is =
            |known: &Option<Credential>| known.as_ref().is_some_and(|known| known.number == shown.number);
        if !is(&before.enrolment.current) && !is(&before.enrolment.next) {
            // As it was judged before, on the record as it is now.
            let judged = before.enrolment.at_renewal(Presented { facts: shown, is_revoked: false }, now);
            if !matches!(judged, Decision::Allow | Decision::Recover { .. }) {
                return Err(ChangeError::OtherCertificate { number: shown.number.clone() }.into());
            }
            let credential = Credential::from(shown);
            keep_certificate_in(&mut tx, identity, &credential, der, now).await?;
            let hub = By { actor: Actor::Hub, who: "" };
            (before, effects) = before.apply(&Change::Issue(credential), hub, None, now)?;
            is_news = true;
        }
        let node = By { actor: Actor::Node, who: "" };
        let (after, more) = before.clone().apply(&Change::Prove(shown.number.clone()), node, None, now)?;
        if !is_news && after.enrolment == before.enrolment {
            return Ok(());
        }
        effects.revoke.extend(more.revoke);
        follow_in(&mut tx, &after, &effects, now).await?;
        Ok(tx.commit().await?)
    }

    async fn known_in(&self, tx: &mut Tx, identity: &Identity) -> Result<KeptEnrolment, EnrolError> {
        let (store, node) = names(identity);
        let unknown = || EnrolError::Unknown { store: store.to_owned(), node: node.to_owned() };
        kept_in(tx, store, node).await?.ok_or_else(unknown)
    }

    /// Somebody at headquarters decides about a node. Where `key` is given, the node must have asked with this one.
    ///
    /// # Errors
    /// When it cannot be done in the state that the node is in, or the database cannot take it.
    pub async fn decide(
        &self,
        (store, node): (&str, &str),
        change: &Change,
        by: By<'_>,
        reason: Option<Name>,
        key: Option<&Fingerprint>,
        now: Timestamp,
    ) -> Result<KeptEnrolment, EnrolError> {
        let unknown = || EnrolError::Unknown { store: store.to_owned(), node: node.to_owned() };
        let mut tx = self.begin().await?;
        let before = kept_in(&mut tx, store, node).await?.ok_or_else(unknown)?;
        let found = before.enrolment.claimed_key;
        if let Some(wanted) = key.filter(|wanted| **wanted != found) {
            return Err(EnrolError::OtherKey {
                node: node.to_owned(),
                found: found.short(),
                wanted: wanted.short(),
            });
        }
        let (after, effects) = before.apply(change, by, reason, now)?;
        follow_in(&mut tx, &after, &effects, now).await?;
        tx.commit().await?;
        Ok(after)
    }

    /// A certificate that was issued, by its number, in DER.
    ///
    /// # Errors
    /// When the database cannot say.
    pub async fn issued(&self, number: &CertificateNumber) -> Result<Option<Vec<u8>>, DatabaseError> {
        reading!(self, pool => {
            sqlx::query_scalar("SELECT der FROM certificates WHERE number = $1").bind(number.as_bytes())
                .fetch_optional(pool).await.map_err(while_doing("find a certificate"))
        })
    }

    /// Keeps what was issued to a device. What it had before is not believed any more, nor is it banned.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn keep_device(
        &self,
        identity: &Identity,
        issued: &Issued,
        now: Timestamp,
    ) -> Result<(), DatabaseError> {
        let (store, device) = names(identity);
        let mut tx = self.begin().await?;
        let old: Vec<(Vec<u8>, i64)> = over!(&mut tx.connection(), on => {
            sqlx::query_as("SELECT number, not_after_ms FROM certificates WHERE store = $1 AND kind = $2 AND holder = $3 \
                AND not_after_ms > $4 ORDER BY issued_at_ms DESC LIMIT 100")
                .bind(store).bind(identity.kind().as_str()).bind(device).bind(now.0).fetch_all(on).await
                .map_err(while_doing("find the certificates of a device"))
        })?;
        let old = old.into_iter().filter_map(|(number, end)| {
            let what = What::Certificate(CertificateNumber::new(&number)?);
            Some(Entry { what, since: now, until: Some(Timestamp(end)) })
        });
        let old: Vec<Entry> = old.collect();
        keep_certificate_in(&mut tx, identity, &Credential::from(&issued.facts), leaf(issued), now).await?;
        revoke_in(&mut tx, &old, std::slice::from_ref(identity), now).await?;
        tx.commit().await
    }

    /// Changes the state of a node that was made known by hand and has no record. False when there is none.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn set_node_state(
        &self,
        (store, node): (&str, &str),
        state: State,
        now: Timestamp,
    ) -> Result<bool, DatabaseError> {
        let mut tx = self.begin().await?;
        let changed = over!(&mut tx.connection(), on => {
            sqlx::query("UPDATE nodes SET state = $3, state_at_ms = $4 WHERE store = $1 AND node = $2")
                .bind(store).bind(node).bind(desk_state(state)).bind(now.0)
                .execute(on).await.map(|done| done.rows_affected()).map_err(while_doing("let a node in or out"))
        })?;
        tx.commit().await?;
        Ok(changed > 0)
    }

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
