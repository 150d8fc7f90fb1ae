//! What people do about claims and boxes: with who they are, where they may, and a row of the audit log for each thing done.
//!
//! For the HTTP interface and the console, which have looked whether somebody may. The command line has its own way, since whoever is there runs the hub. The row
//! follows in a transaction of its own: should the hub end in between, the record itself says who did it ([`crate::database::EnrolmentRow`]). Not here: what a
//! decision is ([`super::decide`]), who may what ([`crate::people::role`]).

use super::{
    claims::{self, ClaimFailed, Wanted},
    decide::{Decided, Verb, decide},
};
use crate::{
    config::Enrolment,
    database::{By, ClaimRow, Database, DatabaseError, EnrolError},
    people::{
        People,
        audit::{Line, Outcome},
        role::Permission,
        who::{Reach, Who},
    },
};
use aisle_event::{Name, StoreId, Timestamp};
use aisle_provisioning::{
    claim::{ClaimSlip, Locator},
    enrolment::{Actor, Role},
    fingerprint::Fingerprint,
};
use serde_json::json;
use std::collections::BTreeMap;

/// What somebody is to the table of a node's states. A box that was banned comes back by an admin only.
fn role(who: &Who) -> Role {
    if who.may(Permission::PeopleManage) { Role::Admin } else { Role::Operator }
}

/// Without what is for a command line.
fn told(error: &dyn std::error::Error) -> String {
    error.to_string().split("\nhint:").next().unwrap_or_default().to_owned()
}

/// Decides about a node, and writes it down: also that it could not be done.
///
/// # Errors
/// As [`decide`].
pub async fn decide_as(
    people: &People,
    who: &Who,
    (store, node): (&str, &str),
    verb: Verb,
    reason: Option<Name>,
    key: Option<&Fingerprint>,
    now: Timestamp,
) -> Result<Decided, EnrolError> {
    let database = people.database();
    let before = match database.enrolment_row(store, node).await? {
        Some(row) => Some(row.state),
        None => database.node_state(store, node).await?,
    };
    let by = By { actor: Actor::Person(role(who)), who: &who.name };
    let words = reason.as_ref().map(|reason| reason.as_str().to_owned()).unwrap_or_default();
    let decided = decide(database, (store, node), verb, by, reason, key, now).await;
    let line = people.line(who.by(), verb.note(), &format!("{store}/{node}"), now.0);
    let line = match before {
        Some(state) => line.was(json!({ "state": state })),
        None => line,
    };
    let line = match &decided {
        Ok(done) => line.became(json!({ "state": done.state, "key": done.key_short, "reason": words })),
        Err(EnrolError::Database(_)) => return decided,
        Err(error) => line.not(Outcome::Failed, told(error)),
    };
    database.audit(&line).await?;
    decided
}

/// Makes a claim, and writes it down.
///
/// # Errors
/// As [`claims::create`].
pub async fn claim_as(
    people: &People,
    config: &Enrolment,
    who: &Who,
    wanted: Wanted,
    now: Timestamp,
) -> Result<ClaimSlip, ClaimFailed> {
    let database = people.database();
    let slip = claims::create(database, config, wanted, (&who.name, role(who)), now).await?;
    let locator = slip.link.code.locator();
    let line: Line = people.line(who.by(), "claim.create", locator.as_str(), now.0).became(json!({
        "store": slip.store.as_str(), "serial": slip.serial.as_ref().map(ToString::to_string), "expires_at_ms": slip.expires_at.0,
    }));
    database.audit(&line).await.map_err(crate::database::ClaimNotKept::Database)?;
    Ok(slip)
}

/// Takes a claim back, and writes it down. `None` when there is none.
///
/// # Errors
/// When the database could not.
pub async fn withdraw_as(
    people: &People,
    who: &Who,
    locator: &Locator,
    now: Timestamp,
) -> Result<Option<ClaimRow>, DatabaseError> {
    let Some(kept) = people.database().withdraw_claim(locator, now).await? else { return Ok(None) };
    let row = kept.row(now);
    let line = people.line(who.by(), "claim.withdraw", locator.as_str(), now.0);
    people.database().audit(&line.became(json!({ "store": row.store, "state": row.state }))).await?;
    Ok(Some(row))
}

/// The rows whose stores lie where somebody may.
///
/// # Errors
/// When the database cannot say where a store lies.
pub async fn within<T>(
    database: &Database,
    reach: &Reach,
    rows: Vec<T>,
    store: impl Fn(&T) -> &str,
) -> Result<Vec<T>, DatabaseError> {
    if reach.is_everything() {
        return Ok(rows);
    }
    let mut known: BTreeMap<String, bool> = BTreeMap::new();
    let mut kept = Vec::with_capacity(rows.len());
    for row in rows {
        let name = store(&row).to_owned();
        let is_within = match known.get(&name) {
            Some(is_within) => *is_within,
            None => {
                let traits = match StoreId::new(&name) {
                    Ok(id) => database.traits(&id).await?,
                    Err(_) => None,
                };
                let is_within = traits.is_some_and(|traits| reach.covers(&traits));
                known.insert(name, is_within);
                is_within
            }
        };
        if is_within {
            kept.push(row);
        }
    }
    Ok(kept)
}
