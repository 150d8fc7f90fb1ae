//! What people decide about nodes: each decision is one transaction with all that follows from it and its row of the audit log.
//!
//! What may change into what is `aisle_provisioning::enrolment`'s to say. Not here: what boxes do ([`super::enrolments`]), who decides ([`crate::enrol::decide`]).

use super::{
    Database, audit,
    enrolment_rows::kept_in,
    enrolments::{By, EnrolError, KeptEnrolment, desk_state, follow_in, shown, state_in},
    failure::while_doing,
    over,
    revocations::Room,
};
use crate::people::audit::Line;
use aisle_event::{Name, Timestamp};
use aisle_provisioning::{
    enrolment::{Action, Change, ChangeError, State},
    fingerprint::Fingerprint,
};
use serde_json::json;

impl Database {
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
        line: &Line,
    ) -> Result<KeptEnrolment, EnrolError> {
        let now = Timestamp(line.at_ms);
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
        let was = shown(&before);
        let (after, effects) = before.apply(change, by, reason, now)?;
        follow_in(&mut tx, &after, &effects, Room::Decisions, now).await?;
        audit::note(&mut tx, &line.clone().was(was).became(shown(&after))).await?;
        tx.commit().await?;
        Ok(after)
    }

    /// Somebody at headquarters decides about a node that was made known by hand and has no record: by the same table of states, and for a reason where one is
    /// needed. No key is known of it, so none can be the one that somebody looked at.
    ///
    /// # Errors
    /// When there is none, it cannot be done in the state that it is in, or the database cannot take it.
    pub async fn decide_by_hand(
        &self,
        (store, node): (&str, &str),
        action: Action,
        by: By<'_>,
        reason: Option<&Name>,
        key: Option<&Fingerprint>,
        line: &Line,
    ) -> Result<State, EnrolError> {
        let mut tx = self.begin().await?;
        let unknown = || EnrolError::Unknown { store: store.to_owned(), node: node.to_owned() };
        let before = state_in(&mut tx, store, node).await?.ok_or_else(unknown)?;
        if let Some(wanted) = key {
            let found = "that nobody has told: it was made known by hand".to_owned();
            return Err(EnrolError::OtherKey { node: node.to_owned(), found, wanted: wanted.short() });
        }
        let after = before.after(action, by.actor).map_err(ChangeError::from)?;
        if action.needs_reason() && reason.is_none() {
            return Err(ChangeError::Reason { action }.into());
        }
        over!(&mut tx.connection(), on => {
            sqlx::query("UPDATE nodes SET state = $3, state_at_ms = $4 WHERE store = $1 AND node = $2")
                .bind(store).bind(node).bind(desk_state(after)).bind(line.at_ms)
                .execute(on).await.map(drop).map_err(while_doing("let a node in or out"))
        })?;
        let line = line.clone().was(json!({ "state": before.as_str() }));
        audit::note(&mut tx, &line.became(json!({ "state": after.as_str() }))).await?;
        tx.commit().await?;
        Ok(after)
    }
}
