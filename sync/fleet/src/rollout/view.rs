//! A rollout for pages and commands: numbers, verdicts, causes; not ten thousand rows.

use super::{CauseGroup, Entry, Rollout, RolloutPhase, Tally};
use crate::{
    gate::Check,
    name::{RolloutId, WaveName},
};
use aisle_event::Timestamp;
use serde::{Deserialize, Serialize};

/// How many of the newest entries of the history are shown.
const ENTRIES: usize = 20;

/// A wave for pages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct WaveView {
    /// Its name.
    pub name: WaveName,
    /// When it began.
    #[cfg_attr(feature = "schema", schema(value_type = Option<i64>))]
    pub started_at: Option<Timestamp>,
    /// When it was through.
    #[cfg_attr(feature = "schema", schema(value_type = Option<i64>))]
    pub ended_at: Option<Timestamp>,
    /// How its nodes stand.
    pub tally: Tally,
    /// What its gates said last.
    pub checks: Vec<Check>,
}

/// A rollout for pages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RolloutView {
    /// Its name.
    pub rollout: RolloutId,
    /// What it is for.
    pub why: String,
    /// Who wrote it.
    pub author: String,
    /// Who approved it.
    pub approvals: Vec<String>,
    /// How many have to, as the last preflight found.
    pub approvals_needed: u8,
    /// How far it is.
    pub phase: RolloutPhase,
    /// The wave that runs, from 0.
    pub current: usize,
    /// How all of its nodes stand.
    pub tally: Tally,
    /// Its waves.
    pub waves: Vec<WaveView>,
    /// Why nodes failed.
    pub causes: Vec<CauseGroup>,
    /// What was decided lately, the newest last.
    pub history: Vec<Entry>,
}

impl Rollout {
    /// How it looks, as of the last look at it.
    #[must_use]
    pub fn view(&self) -> RolloutView {
        let waves =
            self.spec.waves.iter().zip(&self.waves).enumerate().map(|(place, (spec, state))| WaveView {
                name: spec.name.clone(),
                started_at: state.started_at,
                ended_at: state.ended_at,
                tally: self.tally(Some(place)),
                checks: state.checks.clone(),
            });
        let skipped = self.history.len().saturating_sub(ENTRIES);
        RolloutView {
            rollout: self.spec.rollout.clone(),
            why: self.spec.why.clone(),
            author: self.author.clone(),
            approvals: self.approvals.iter().cloned().collect(),
            approvals_needed: self.needed,
            phase: self.phase.clone(),
            current: self.current,
            tally: self.tally(None),
            waves: waves.collect(),
            causes: self.causes(),
            history: self.history.iter().skip(skipped).cloned().collect(),
        }
    }
}
