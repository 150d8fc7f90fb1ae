//! Nodes that enrol: each change is one transaction with all that follows from it, and counts against the record that was looked at.
//!
//! What may change into what is `aisle_provisioning::enrolment`'s to say. Here its effects are kept together with it: what the sync's desk goes
//! by (`nodes`), what was issued ([`super::certificates`]), who may not come in any more ([`super::revocations`]). Not here: who asks ([`crate::enrol`]).

use super::{
    Connection, Database, DatabaseError, Tx, audit,
    certificates::{CERTIFICATES_A_DAY_MAX, is_too_often_in, keep_certificate_in, leaf},
    claims::{claim_in, settle_in},
    enrolment_rows::{kept_in, save_in},
    failure::while_doing,
    over,
    revocations::{Room, revoke_in},
};
use crate::people::audit::Line;
use aisle_event::{Name, Timestamp};
use aisle_provisioning::{
    certificate::Facts,
    claim::{Claim, ClaimCode, ClaimError, Redeemed, Redemption},
    code::Code,
    enrolment::{
        Action, Actor, Change, ChangeError, Credential, Decision, Effects, Enrolment, Presented, State,
    },
    entropy::{self, NoEntropy, SystemEntropy},
    fingerprint::Fingerprint,
    identity::{Chain, Identity, Serial, Store},
    issue::Issued,
};
use aisle_residency::signing::{SigningKey, VerifyingKey};
use data_encoding::HEXLOWER;
use serde_json::json;

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
    pub(super) is_new: bool,
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
    /// It asks for certificates again and again.
    #[error(
        "`{node}` got {CERTIFICATES_A_DAY_MAX} certificates within a day, and gets no more today\nhint: if nobody works at the box, ban it: somebody may have got hold of it"
    )]
    TooOften {
        /// The node.
        node: String,
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
            Self::TooOften { .. } => Code::TooManyTries,
            Self::Change(error) => error.code(),
            Self::Entropy(_) => Code::CannotIssue,
            Self::Database(DatabaseError::ListFull { .. }) => Code::ListFull,
            Self::Database(_) => Code::HubBusy,
        }
    }
}

/// The state of a node as the desk of the sync goes by it.
pub(super) const fn desk_state(state: State) -> &'static str {
    if state.is_open() { "active" } else { state.as_str() }
}

/// Store and serial of a node.
pub(super) fn names(identity: &Identity) -> (&str, &str) {
    (identity.store().map_or("", Store::as_str), identity.last())
}

/// Everything that follows from a change, and the record itself.
pub(super) async fn follow_in(
    tx: &mut Tx,
    kept: &KeptEnrolment,
    effects: &Effects,
    room: Room,
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
    revoke_in(tx, &effects.revoke, &effects.lift, room, now).await
}

/// How a node stands that the desk knows, whether it has a record or was made known by hand. A word that means nothing lets nobody in.
pub(super) async fn state_in(tx: &mut Tx, store: &str, node: &str) -> Result<Option<State>, DatabaseError> {
    let found: Option<String> = match tx.connection() {
        Connection::Sqlite(on) => {
            sqlx::query_scalar("SELECT state FROM nodes WHERE store = $1 AND node = $2")
                .bind(store)
                .bind(node)
                .fetch_optional(on)
                .await
        }
        Connection::Postgres(on) => {
            sqlx::query_scalar("SELECT state FROM nodes WHERE store = $1 AND node = $2 FOR UPDATE")
                .bind(store)
                .bind(node)
                .fetch_optional(on)
                .await
        }
    }
    .map_err(while_doing("find a node"))?;
    Ok(found.map(|state| state.parse().unwrap_or(State::Banned)))
}

/// The key of receipts as the audit log shows it.
fn receipts(key: &VerifyingKey) -> serde_json::Value {
    json!({ "receipt_key": HEXLOWER.encode(&key.0) })
}

/// A node as the audit log shows it.
pub(super) fn shown(kept: &KeptEnrolment) -> serde_json::Value {
    json!({ "state": kept.enrolment.state.as_str(), "key": kept.enrolment.claimed_key.short() })
}

impl KeptEnrolment {
    pub(super) fn apply(
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

/// The certificate in use as the audit log shows it.
fn number(kept: &KeptEnrolment) -> serde_json::Value {
    let number = kept.enrolment.current.as_ref().map(|current| current.number.to_string());
    json!({ "certificate": number.unwrap_or_default() })
}

/// From now on a node's receipts are signed with another key.
async fn note_receipt_key(
    tx: &mut Tx,
    kept: &KeptEnrolment,
    was: &VerifyingKey,
    line: &Line,
) -> Result<(), DatabaseError> {
    let object = kept.enrolment.identity.to_string();
    let line = Line { action: "node.receipt_key", object, ..line.clone() };
    audit::note(tx, &line.was(receipts(was)).became(receipts(&kept.receipt_key))).await.map(drop)
}

impl Database {
    /// A box shows a claim: its record is made, or made anew, and the claim is used. Shown again with the same key, nothing changes.
    ///
    /// # Errors
    /// When the claim is not for this box or not any more, or the database cannot take it.
    pub async fn enrol(&self, asked: &Asked<'_>, line: &Line) -> Result<KeptEnrolment, EnrolError> {
        let now = Timestamp(line.at_ms);
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
                return self.enrol_again(tx, before, asked, line).await;
            }
            Redeemed::First(claim) => claim,
        };
        let there = state_in(&mut tx, store, node).await?;
        if (before.is_some() || there.is_some()) && !claim.may_reclaim() {
            return Err(EnrolError::Unnamed { store: claim.store.clone(), serial: asked.serial.clone() });
        }
        let receipt_key = match asked.receipt_key {
            Some(receipt_key) => *receipt_key,
            None => nobodys_key()?,
        };
        let by = By { actor: Actor::Person(claimed.made_role), who: &claimed.made_by };
        let was = before
            .as_ref()
            .map(self::shown)
            .or_else(|| there.map(|state| json!({ "state": state.as_str() })));
        let (mut kept, mut effects) = match before {
            Some(before) => before.apply(&Change::Reclaim(asked.key), by, None, now)?,
            None => {
                // One that was made known by hand has no record, and whoever was banned there comes in by an admin's claim only.
                if let Some(state) = there {
                    state.after(Action::Reclaim, by.actor).map_err(ChangeError::from)?;
                }
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
        follow_in(&mut tx, &kept, &effects, Room::Decisions, now).await?;
        let became = json!({
            "store": store, "node": node, "state": kept.enrolment.state.as_str(), "key": asked.key.short(),
            "receipt_key": HEXLOWER.encode(&receipt_key.0), "made_by": claimed.made_by,
        });
        let line = Line { object: claim.locator.to_string(), was, ..line.clone() };
        audit::note(&mut tx, &line.became(became)).await?;
        tx.commit().await?;
        Ok(kept)
    }

    /// The same box again: perhaps with another key for its receipts, which counts until it is in.
    async fn enrol_again(
        &self,
        mut tx: Tx,
        before: KeptEnrolment,
        asked: &Asked<'_>,
        line: &Line,
    ) -> Result<KeptEnrolment, EnrolError> {
        let is_its_own = before.enrolment.is_first_key(&asked.key);
        let news = asked.receipt_key.filter(|news| is_its_own && **news != before.receipt_key);
        let Some(receipt_key) = news else { return Ok(before) };
        let was = before.receipt_key;
        let kept = KeptEnrolment { receipt_key: *receipt_key, ..before };
        follow_in(&mut tx, &kept, &Effects::default(), Room::Decisions, Timestamp(line.at_ms)).await?;
        note_receipt_key(&mut tx, &kept, &was, line).await?;
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
        line: &Line,
    ) -> Result<KeptEnrolment, EnrolError> {
        let now = Timestamp(line.at_ms);
        let credential = Credential::from(&issued.facts);
        let mut tx = self.begin().await?;
        let mut before = self.known_in(&mut tx, identity).await?;
        let was = before.receipt_key;
        if let Some(receipt_key) = receipt_key {
            before.receipt_key = *receipt_key;
        }
        // The first one is for a claim, which somebody has made.
        if before.enrolment.current.is_some() && is_too_often_in(&mut tx, identity, now).await? {
            return Err(EnrolError::TooOften { node: identity.to_string() });
        }
        keep_certificate_in(&mut tx, identity, &credential, leaf(issued), now).await?;
        let (who, hub) = (before.who.clone(), By { actor: Actor::Hub, who: "" });
        let (after, effects) = before.apply(&Change::Issue(credential), hub, None, now)?;
        let after = KeptEnrolment { who, ..after };
        follow_in(&mut tx, &after, &effects, Room::Renewals, now).await?;
        audit::note(&mut tx, line).await?;
        if after.receipt_key != was {
            note_receipt_key(&mut tx, &after, &was, line).await?;
        }
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
        line: &Line,
    ) -> Result<(), EnrolError> {
        let now = Timestamp(line.at_ms);
        let mut tx = self.begin().await?;
        let mut before = self.known_in(&mut tx, identity).await?;
        let was = number(&before);
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
        follow_in(&mut tx, &after, &effects, Room::Renewals, now).await?;
        let line = Line { action: if is_news { "certificate.adopt" } else { line.action }, ..line.clone() };
        audit::note(&mut tx, &line.was(was).became(number(&after))).await?;
        Ok(tx.commit().await?)
    }

    async fn known_in(&self, tx: &mut Tx, identity: &Identity) -> Result<KeptEnrolment, EnrolError> {
        let (store, node) = names(identity);
        let unknown = || EnrolError::Unknown { store: store.to_owned(), node: node.to_owned() };
        kept_in(tx, store, node).await?.ok_or_else(unknown)
    }
}
