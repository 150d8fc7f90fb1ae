//! What people say to a rollout: one transaction with what follows, the history and the audit log.

use super::{Wake, ahead, effects, world};
use crate::{
    database::{Database, DatabaseError, fleet::KeptRollout},
    people::{People, who::Who},
};
use aisle_event::Timestamp;
use aisle_fleet::rollout::{Command, Effect, Event, Fact, Refusal, Rollout, Verb};
use serde_json::json;

/// Who says something, and where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Voice<'a> {
    pub database: &'a Database,
    pub people: &'a People,
    pub who: &'a Who,
    pub wake: &'a Wake,
    pub now_ms: i64,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ActError {
    #[error("there is no such rollout")]
    Unknown,
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(
        "`{other}` is under way with `{slot}` on some of the same nodes\nhint: `finish` or `abort` it first"
    )]
    Collides { other: String, slot: String },
    #[error("it was changed at the same moment\nhint: look at it, and say it again")]
    Raced,
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Says a verb as somebody, whose name for the rules may be another than their id. Gives the rollout as it is then.
pub(crate) async fn say(voice: Voice<'_>, name: &str, by: &str, verb: Verb) -> Result<KeptRollout, ActError> {
    let Voice { database, now_ms, .. } = voice;
    let now = Timestamp(now_ms);
    // What takes long is done before anything is locked.
    let ahead = match &verb {
        Verb::Preflight => {
            let spec = database.rollout(name).await?.ok_or(ActError::Unknown)?.rollout.spec().clone();
            Some((ahead::look(database, &spec, now).await?, spec))
        }
        _ => None,
    };
    let others = match &verb {
        Verb::Start => Some((database.fleet_changes().await?, world::rollouts(database).await?)),
        _ => None,
    };
    let mut change = database.change_fleet(false).await?;
    let mut kept = change.rollout(name).await?.ok_or(ActError::Unknown)?;
    // What was looked at is another draft than this one. The counter would say too much: the rules move it as well, all the time.
    if ahead.as_ref().is_some_and(|(_, spec)| spec != kept.rollout.spec()) {
        return Err(ActError::Raced);
    }
    let was = json!({ "phase": kept.rollout.phase() });
    let said = serde_json::to_value(&verb).unwrap_or_default();
    let word = verb.as_str();
    let command = Command { by: by.into(), verb };
    let mut effects = kept.rollout.apply(Event::Command(command), now)?;
    if let Some((changes, others)) = others {
        // Another one may have been started meanwhile.
        if !change.is_next(changes) {
            return Err(ActError::Raced);
        }
        if let Some(other) = collision(&kept.rollout, others.values()) {
            return Err(other);
        }
        let (_, place) = change.next_rollout().await?;
        kept.rollout.placed(place.cast_unsigned());
    }
    if let Some(((looked, plan, new), _)) = ahead {
        for node in new {
            change.put_member(node.store.as_str(), node.serial.as_str(), now_ms).await?;
        }
        let refusal = looked.preflight.refusal.clone();
        let fact = Fact::Preflighted { plan, refusal, approvals_min: looked.approvals };
        effects.extend(kept.rollout.apply(Event::Fact(fact), now)?);
        let text = serde_json::to_string(&looked).unwrap_or_default();
        change.put_preflight(name, &text, now_ms).await?;
        kept.preflight = text;
        kept.planned_at_ms = now_ms;
    }
    if !change.save_rollout(&kept.rollout, kept.counter, now_ms).await? {
        return Err(ActError::Raced);
    }
    kept.counter += 1;
    kept.moved_at_ms = now_ms;
    let person = voice.who.by();
    change.note_rollout(name, &effects::event(&person, word, &said, now_ms)).await?;
    let object = format!("rollout/{name}");
    let line = voice.people.line(person, action(word), &object, now_ms);
    let line = line.was(was).became(json!({ "said": said, "phase": kept.rollout.phase() }));
    let rows = effects::rows(name, &line.hub, &effects, now_ms);
    for (event, _) in &rows {
        change.note_rollout(name, event).await?;
    }
    change.audit(&line).await?;
    change.commit().await?;
    voice.wake.wake();
    tracing::info!(rollout = name, verb = word, by = voice.who.id, phase = %kept.rollout.phase(), changed = changed(&effects), "a rollout was told something");
    Ok(kept)
}

fn changed(effects: &[Effect]) -> usize {
    let of = |effect: &Effect| if let Effect::Changed(nodes) = effect { nodes.len() } else { 0 };
    effects.iter().map(of).sum()
}

/// Another rollout that is under way with the same slot on the same nodes.
fn collision<'a>(rollout: &Rollout, others: impl Iterator<Item = &'a KeptRollout>) -> Option<ActError> {
    let others = others.filter(|other| other.rollout.spec().rollout != rollout.spec().rollout);
    let mut found = others.filter_map(|other| Some((other, rollout.collides(&other.rollout)?)));
    let (other, slot) = found.next()?;
    Some(ActError::Collides { other: other.rollout.spec().rollout.to_string(), slot: slot.to_string() })
}

/// What the audit log calls a verb.
fn action(verb: &str) -> &'static str {
    const ACTIONS: [(&str, &str); 12] = [
        ("preflight", "rollout.preflight"),
        ("approve", "rollout.approve"),
        ("reject", "rollout.reject"),
        ("start", "rollout.start"),
        ("pause", "rollout.pause"),
        ("resume", "rollout.resume"),
        ("promote", "rollout.promote"),
        ("abort", "rollout.abort"),
        ("rollback", "rollout.rollback"),
        ("retry-failed", "rollout.retry-failed"),
        ("exclude", "rollout.exclude"),
        ("finish", "rollout.finish"),
    ];
    ACTIONS.iter().find(|(known, _)| *known == verb).map_or("rollout.say", |(_, action)| action)
}
