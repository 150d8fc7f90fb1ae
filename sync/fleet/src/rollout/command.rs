//! What people want of a rollout, and when that can be.

use super::{
    Rollout, RolloutPhase, Status,
    event::{Command, Effect, Refusal, Verb},
    machine::ROUNDS_MAX,
};
use crate::{group::WHY_BYTES_MAX, node::NodeId};
use aisle_event::{StoreId, Timestamp};

impl Rollout {
    pub(super) fn command(&mut self, command: Command, now: Timestamp) -> Result<Vec<Effect>, Refusal> {
        let Command { by, verb } = command;
        self.may(&verb)?;
        let mut effects = Vec::new();
        let said = verb.as_str().to_owned();
        let what = match verb {
            Verb::Preflight => {
                self.go(RolloutPhase::Preflight, &mut effects);
                said
            }
            Verb::Approve => {
                self.approve(&by, &mut effects)?;
                said
            }
            Verb::Reject { why } => {
                self.go(RolloutPhase::Draft, &mut effects);
                format!("{said}: {why}")
            }
            Verb::Start => {
                self.go(RolloutPhase::Running, &mut effects);
                self.note(now, Some(by), said);
                self.begin_wave(now, &mut effects);
                return Ok(effects);
            }
            Verb::Pause { why } => {
                self.go(RolloutPhase::Paused { why: why.clone(), by_gate: false }, &mut effects);
                effects.push(Effect::Changed(self.held()));
                format!("{said}: {why}")
            }
            Verb::Resume => {
                let is_through = self.current >= self.waves.len();
                let next = if is_through { RolloutPhase::Settling } else { RolloutPhase::Running };
                self.go(next, &mut effects);
                effects.push(Effect::Changed(self.held()));
                said
            }
            Verb::Promote => {
                self.note(now, Some(by), said);
                let held = self.held();
                self.next_wave(now, true, &mut effects);
                effects.push(Effect::Changed(held));
                return Ok(effects);
            }
            Verb::Abort { why } => {
                let held = self.held();
                self.go(RolloutPhase::Aborted { why: why.clone() }, &mut effects);
                effects.push(Effect::Changed(held));
                format!("{said}: {why}")
            }
            Verb::Rollback { why } => {
                self.go_back(why.clone(), &mut effects);
                format!("{said}: {why}")
            }
            Verb::RetryFailed => {
                let nodes = self.retry_failed(now)?;
                let what = format!("{said}: {} nodes", nodes.len());
                effects.push(Effect::Changed(nodes));
                what
            }
            Verb::Exclude { store, why } => {
                effects.push(Effect::Changed(self.exclude(&store, &why)?));
                format!("{said} {store}: {why}")
            }
            Verb::Finish => {
                self.finish(&mut effects);
                said
            }
        };
        self.note(now, Some(by), what);
        Ok(effects)
    }

    /// Whether a verb says anything to a rollout that is as far as this one.
    fn may(&self, verb: &Verb) -> Result<(), Refusal> {
        use RolloutPhase as P;
        if let Verb::Reject { why }
        | Verb::Pause { why }
        | Verb::Abort { why }
        | Verb::Rollback { why }
        | Verb::Exclude { why, .. } = verb
            && (why.trim().is_empty() || why.len() > WHY_BYTES_MAX)
        {
            return Err(Refusal::Why { bytes: why.len() });
        }
        let is_under_way = matches!(self.phase, P::Running | P::Paused { .. } | P::Settling);
        let is_through = self.current >= self.waves.len();
        let may = match verb {
            Verb::Preflight => matches!(self.phase, P::Draft | P::AwaitingApproval | P::Ready),
            Verb::Approve => self.phase == P::AwaitingApproval,
            Verb::Reject { .. } => matches!(self.phase, P::AwaitingApproval | P::Ready),
            Verb::Start => self.phase == P::Ready,
            Verb::Pause { .. } => matches!(self.phase, P::Running | P::Settling),
            Verb::Resume => matches!(self.phase, P::Paused { .. }),
            Verb::Promote => matches!(self.phase, P::Running | P::Paused { .. }) && !is_through,
            Verb::Abort { .. } => is_under_way || self.phase.is_before(),
            Verb::Rollback { .. } => {
                is_under_way || matches!(self.phase, P::Done | P::Finished { .. } | P::Aborted { .. })
            }
            Verb::RetryFailed => is_under_way,
            Verb::Exclude { .. } => !self.phase.is_over() && !matches!(self.phase, P::RollingBack { .. }),
            Verb::Finish => is_under_way || matches!(self.phase, P::RollingBack { .. }),
        };
        if may {
            return Ok(());
        }
        Err(Refusal::NotNow { verb: verb.as_str(), phase: self.phase.as_str(), may: self.could() })
    }

    /// What could be wanted instead.
    const fn could(&self) -> &'static str {
        match self.phase {
            RolloutPhase::Draft => "`preflight` or `abort` it",
            RolloutPhase::Preflight => "wait for the preflight, or `abort` it",
            RolloutPhase::AwaitingApproval => "`approve`, `reject` or `abort` it",
            RolloutPhase::Ready => "`start`, `reject` or `abort` it",
            RolloutPhase::Running => {
                "`pause`, `promote`, `rollback`, `abort`, `finish` it, `retry-failed` or `exclude` stores"
            }
            RolloutPhase::Paused { .. } => {
                "`resume`, `promote`, `rollback`, `abort`, `finish` it, `retry-failed` or `exclude` stores"
            }
            RolloutPhase::Settling => "`finish`, `pause`, `rollback` it, `retry-failed` or `exclude` stores",
            RolloutPhase::RollingBack { .. } => "wait for the nodes, or `finish` it",
            RolloutPhase::Done | RolloutPhase::Finished { .. } => "`rollback` it, or make a new one",
            RolloutPhase::RolledBack { .. } => "make a new one",
            RolloutPhase::Aborted { .. } => "`rollback` it, or make a new one",
        }
    }

    fn approve(&mut self, by: &str, effects: &mut Vec<Effect>) -> Result<(), Refusal> {
        if by == self.author {
            return Err(Refusal::Author { by: by.into() });
        }
        let needed = u64::from(self.needed.max(self.spec.approvals));
        if self.approvals.contains(by) {
            let missing = needed.saturating_sub(self.approvals.len() as u64);
            return Err(Refusal::Twice { by: by.into(), missing });
        }
        self.approvals.insert(by.into());
        if self.approvals.len() as u64 >= needed {
            self.go(RolloutPhase::Ready, effects);
        }
        Ok(())
    }

    fn retry_failed(&mut self, now: Timestamp) -> Result<Vec<NodeId>, Refusal> {
        let at = self.moment(now);
        let failed = || self.nodes.values().filter(|progress| progress.status == Status::Failed);
        let Some(rounds) = failed().map(|progress| progress.round).max() else {
            return Err(Refusal::NoneFailed);
        };
        if rounds >= ROUNDS_MAX {
            return Err(Refusal::Rounds { rounds });
        }
        let mut nodes = Vec::new();
        for (node, progress) in &mut self.nodes {
            if progress.status == Status::Failed {
                progress.give_again(at);
                nodes.push(node.clone());
            }
        }
        self.soak_again();
        Ok(nodes)
    }

    fn exclude(&mut self, store: &StoreId, why: &str) -> Result<Vec<NodeId>, Refusal> {
        let is_of = |node: &NodeId| node.store == *store;
        if !self.phase.is_before() && !self.nodes.keys().any(is_of) {
            return Err(Refusal::NoStore { store: store.clone() });
        }
        self.excluded.insert(store.clone(), why.into());
        let mut nodes = Vec::new();
        for (node, progress) in self.nodes.iter_mut().filter(|(node, _)| is_of(node)) {
            progress.status = Status::Excluded;
            progress.waits = Some(why.into());
            nodes.push(node.clone());
        }
        Ok(nodes)
    }

    fn finish(&mut self, effects: &mut Vec<Effect>) {
        let tally = self.tally(None);
        if let RolloutPhase::RollingBack { why } = &self.phase {
            let is_missing = |status| !matches!(status, Status::Back | Status::Excluded | Status::Waiting);
            let missing = self.nodes.values().filter(|progress| is_missing(progress.status)).count() as u64;
            let why = why.clone();
            return self.go(RolloutPhase::RolledBack { why, missing }, effects);
        }
        let missing = tally.members - tally.passed - tally.excluded;
        let next = if missing == 0 && tally.passed > 0 {
            self.was_done = true;
            RolloutPhase::Done
        } else {
            RolloutPhase::Finished { missing }
        };
        // Those that were held go on: what was begun is not left half done.
        let held = if matches!(self.phase, RolloutPhase::Paused { .. }) { self.held() } else { Vec::new() };
        self.go(next, effects);
        effects.push(Effect::Changed(held));
    }
}
