//! A look at a rollout: what the gates say of the wave that runs and of those before it, and what follows.

use super::{Progress, Rollout, RolloutPhase, Status, Tally, WaveState, event::Effect};
use crate::{
    gate::{Check, Evidence, GateName, Gates, Health, Silence, Verdict, judge},
    wave::{OnFailure, bit},
};
use aisle_event::Timestamp;

impl Rollout {
    pub(super) fn tick(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        match &self.phase {
            RolloutPhase::Running => self.look(now, effects),
            RolloutPhase::Settling => {
                if self.is_stopped_by_what_was(now, effects) {
                    return;
                }
                let tally = self.tally(None);
                if tally.passed > 0 && tally.passed + tally.excluded == tally.members {
                    self.was_done = true;
                    self.note(now, None, format!("done: {} nodes have really run it", tally.passed));
                    self.go(RolloutPhase::Done, effects);
                }
            }
            RolloutPhase::RollingBack { why } => {
                let why = why.clone();
                let is_back = |progress: &Progress| {
                    progress.given_at.is_none() || matches!(progress.status, Status::Back | Status::Excluded)
                };
                if self.nodes.values().all(is_back) {
                    self.note(now, None, "no node runs it any more".into());
                    self.go(RolloutPhase::RolledBack { why, missing: 0 }, effects);
                }
            }
            _ => {}
        }
    }

    /// Looks at the wave that runs, and at those before it.
    fn look(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        if self.is_stopped_by_what_was(now, effects) {
            return;
        }
        let Some(spec) = self.spec.waves.get(self.current) else { return };
        let (on_failure, asks, soak_minutes) = (spec.on_failure, spec.asks, spec.soak_minutes);
        let tally = self.tally(Some(self.current));
        if tally.members == tally.excluded {
            self.note(now, None, format!("wave `{}` has no node", spec.name));
            return self.next_wave(now, false, effects);
        }
        let mut checks = self.judged(|wave| wave == self.current, tally);
        let is_reached =
            checks.iter().any(|check| check.gate == GateName::Reached && check.verdict == Verdict::Pass);
        let Some(wave) = self.waves.get_mut(self.current) else { return };
        if is_reached {
            wave.reached_by = tally.passed;
            (wave.reached_at, wave.reached_ms) =
                (wave.reached_at.or(Some(now)), wave.reached_ms.or(Some(self.clock_ms)));
        } else if tally.passed < wave.reached_by {
            // A box that comes back is one more to wait for; those that have run it are looked at all the while.
            (wave.reached_at, wave.reached_ms) = (None, None);
        }
        let soaked_ms = wave.reached_ms.map_or(0, |since| self.clock_ms.saturating_sub(since));
        let soak_ms = u64::from(soak_minutes) * 60_000;
        let is_soaked = is_reached && soaked_ms >= soak_ms;
        let text = format!("{} of {soak_minutes} minutes", soaked_ms.min(soak_ms) / 60_000);
        let verdict = if is_soaked && !asks { Verdict::Pass } else { Verdict::Wait };
        let text = if is_soaked && asks { "a person has to `promote` it".into() } else { text };
        checks.push(Check { gate: GateName::Soak, verdict, text });
        wave.checks.clone_from(&checks);
        if checks.iter().any(|check| check.verdict == Verdict::Fail) {
            return self.stop(self.current, checks, on_failure, now, effects);
        }
        if checks.iter().all(|check| matches!(check.verdict, Verdict::Pass | Verdict::NotJudged)) {
            self.next_wave(now, false, effects);
        }
    }

    /// What was well when its wave went by may not be any more.
    fn is_stopped_by_what_was(&mut self, now: Timestamp, effects: &mut Vec<Effect>) -> bool {
        let mut tally = Tally::default();
        let is_waived = |wave: usize| self.waves.get(wave).is_some_and(|wave| wave.is_waived);
        for wave in (0..self.current.min(self.waves.len())).filter(|wave| !is_waived(*wave)) {
            let of_wave = self.tally(Some(wave));
            tally.members += of_wave.members;
            tally.passed += of_wave.passed;
            tally.failed += of_wave.failed;
        }
        let is_before = |wave: usize| wave < self.current && !is_waived(wave);
        let is_looked_at = |check: &Check| {
            use GateName as G;
            match check.gate {
                // Who goes silent long after all have run it does not do so because of it: a store that enrols takes nothing back everywhere.
                G::Booted => !self.was_done,
                G::Failures | G::Traps | G::Errors => true,
                _ => false,
            }
        };
        let checks: Vec<Check> = self.judged(is_before, tally).into_iter().filter(is_looked_at).collect();
        if self.current == 0 || !checks.iter().any(|check| check.verdict == Verdict::Fail) {
            return false;
        }
        let last = self.current.saturating_sub(1);
        let on_failure = self.spec.waves.get(last).map_or(OnFailure::Pause, |wave| wave.on_failure);
        self.stop(last, checks, on_failure, now, effects);
        true
    }

    fn judged(&self, is_meant: impl Fn(usize) -> bool, tally: Tally) -> Vec<Check> {
        let gates = self.spec.gates_of(self.current.min(self.waves.len().saturating_sub(1)));
        let is_of = |progress: &Progress| is_meant(usize::from(progress.wave));
        let mut health = Health::default();
        for progress in self.nodes.values().filter(|progress| is_of(progress)) {
            health.merge(&progress.health);
        }
        let none = WaveState::default();
        let WaveState { means, sought, .. } = self.waves.get(self.current).unwrap_or(&none);
        let silence = self.silence(&is_meant, gates);
        let is_called = self.spec.is_called();
        let evidence = Evidence { tally, silence, health: &health, is_called, means, sought };
        judge(gates, &evidence)
    }

    /// Who of some waves has gone silent, and who of those that could be in them and do not run it. Who has been given it and has not begun, as those that wait for their maintenance
    /// window, is told apart from both: what it dies of is not known.
    fn silence(&self, is_meant: impl Fn(usize) -> bool, gates: &Gates) -> Silence {
        let at = self.moment(Timestamp::default());
        let deadline_ms = u64::from(gates.deadline_minutes) * 60_000;
        // Who has not been there since it all began says nothing about these days.
        let began_ms = self.waves.first().and_then(|wave| wave.started_ms).unwrap_or(0);
        let since_ms = began_ms.saturating_sub(self.offline_ms());
        let meant = self.spec.waves.iter().enumerate().filter(|(wave, _)| is_meant(*wave));
        // Where every wave names whom it means, others close at other hours.
        let named = meant.map(|(wave, spec)| {
            let bit = u32::try_from(wave).map_or(0, bit);
            if spec.who.is_some() { bit } else { u32::MAX }
        });
        let named = named.fold(0, |all, bits| all | bits);
        let is_alike = |progress: &Progress| named == u32::MAX || progress.meant & named != 0;
        let mut silence = Silence::default();
        for progress in self.nodes.values() {
            let silent_ms = progress.silent_ms(at);
            if progress.has_it() {
                if is_meant(usize::from(progress.wave)) {
                    silence.add(silent_ms, deadline_ms);
                }
            } else if progress.seen_ms.is_some_and(|seen| seen >= since_ms) && is_alike(progress) {
                match progress.status {
                    Status::Waiting => silence.add_other(silent_ms),
                    Status::Given | Status::Working => silence.add_given(silent_ms),
                    _ => {}
                }
            }
        }
        silence
    }

    fn stop(
        &mut self,
        wave: usize,
        checks: Vec<Check>,
        on_failure: OnFailure,
        now: Timestamp,
        effects: &mut Vec<Effect>,
    ) {
        let failed: Vec<String> = checks
            .iter()
            .filter(|check| check.verdict == Verdict::Fail)
            .map(|check| format!("{}: {}", check.gate, check.text))
            .collect();
        let why = failed.join("; ");
        if let Some(spec) = self.spec.waves.get(wave) {
            effects.push(Effect::WaveStopped { wave: spec.name.clone(), checks });
        }
        self.note(now, None, format!("stopped: {why}"));
        match on_failure {
            OnFailure::Pause => {
                self.go(RolloutPhase::Paused { why, by_gate: true }, effects);
                effects.push(Effect::Changed(self.held()));
            }
            OnFailure::Rollback => self.go_back(why, effects),
        }
    }
}
