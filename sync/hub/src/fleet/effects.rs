//! What the rules did, for the history of a rollout and for the audit log.

use super::rules;
use crate::{
    database::fleet::EventRow,
    people::audit::{By, Line, Outcome},
};
use aisle_fleet::{
    gate::Verdict,
    rollout::{Effect, RolloutPhase},
};
use serde_json::{Value, json};

/// What an effect is called in the history, in the audit log, and what belongs to it. Nothing where only nodes are to be resolved again.
fn told(effect: &Effect) -> Option<(&'static str, &'static str, Value)> {
    Some(match effect {
        Effect::Changed(_) => return None,
        Effect::Phase { from, to } => ("phase", "rollout.phase", json!({ "from": from, "to": to })),
        Effect::WaveStarted { wave, nodes } => {
            ("wave-started", "rollout.wave-started", json!({ "wave": wave, "nodes": nodes }))
        }
        Effect::WavePassed { wave, by_person } => {
            ("wave-passed", "rollout.wave-passed", json!({ "wave": wave, "by_person": by_person }))
        }
        Effect::WaveStopped { wave, checks } => {
            let failed: Vec<_> = checks.iter().filter(|check| check.verdict == Verdict::Fail).collect();
            ("wave-stopped", "rollout.wave-stopped", json!({ "wave": wave, "checks": failed }))
        }
    })
}

/// The rows that effects become, as done by the rules.
pub(super) fn rows(rollout: &str, hub: &str, effects: &[Effect], now_ms: i64) -> Vec<(EventRow, Line)> {
    let of = |effect: &Effect| {
        let (what, action, detail) = told(effect)?;
        Some(noted(rollout, hub, (what, action), detail, now_ms))
    };
    effects.iter().filter_map(of).collect()
}

/// A row of the history; its number is given when it is written.
pub(super) fn event(by: &By, what: &str, detail: &Value, now_ms: i64) -> EventRow {
    EventRow {
        number: 0,
        at_ms: now_ms,
        actor: by.id.clone(),
        // PostgreSQL has no such text.
        actor_name: by.name.replace('\0', "\u{fffd}"),
        what: what.into(),
        detail: detail.to_string(),
    }
}

/// The rows of something that the rules did, also beside a rollout's own steps.
pub(super) fn noted(
    rollout: &str,
    hub: &str,
    (what, action): (&str, &'static str),
    detail: Value,
    now_ms: i64,
) -> (EventRow, Line) {
    let event = event(&rules(), what, &detail, now_ms);
    let line = Line {
        at_ms: now_ms,
        hub: hub.into(),
        by: rules(),
        action,
        object: format!("rollout/{rollout}"),
        outcome: Outcome::Done,
        reason: String::new(),
        was: None,
        became: Some(detail),
    };
    (event, line)
}

/// True for a rollout to which facts mean something.
pub(super) const fn is_alive(phase: &RolloutPhase) -> bool {
    match phase {
        RolloutPhase::Draft | RolloutPhase::Preflight => false,
        RolloutPhase::Done => true,
        phase => !phase.is_over(),
    }
}
