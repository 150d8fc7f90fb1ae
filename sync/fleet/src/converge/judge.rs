//! Whether what runs may stay, whether what is wanted may come, and who is to blame for a node that does not come up.

use super::{
    effect::{Around, Effect},
    kept::{Return, Step, Track, Trial},
    machine::Converger,
};
use crate::{
    artefact::{Release, Slot},
    gate::Health,
    reason::{Fault, FaultCode, Reason},
    window::Standing,
};

/// A step in which what is watched is written down: so many for a whole probation.
const WATCH_STEPS: u64 = 4;

impl Converger {
    /// The node has come up again, and nobody had told it to stop. Whoever was put in place last is the first to be suspected.
    pub(super) fn blame(&mut self) {
        let starts_max = self.config.starts_max.max(1);
        let fault = Fault::new(
            FaultCode::CrashLoop,
            &format!("the node stopped {starts_max} times without being told to while it was new"),
        );
        let alone = self.suspect().cloned();
        for (slot, track) in &mut self.kept.tracks {
            if let Step::Activate(job) = &track.step {
                let job = job.clone();
                track.starts = track.starts.saturating_add(1);
                if track.starts >= starts_max {
                    let to = track.way_back(&job.release, self.kept.floors.get(slot));
                    track.give_up(job.release.hash, job.round, fault.clone());
                    let back = Return { from: job.release, to, fault: fault.clone() };
                    track.go(Step::Revert(Box::new(back)));
                    return;
                }
            }
        }
        if self.blame_tried(starts_max, alone.as_ref()) {
            // What runs gets its starts back: it is looked at when it was not this one.
            self.forgive();
            return;
        }
        for trial in self.kept.tracks.values_mut().filter_map(|track| track.trial.as_mut()) {
            trial.starts = trial.starts.saturating_add(1);
        }
        let suspect = |(slot, track): (&Slot, &Track)| {
            let trial = track.trial.as_ref().filter(|trial| trial.starts >= starts_max)?;
            (!track.step.is_turning()).then(|| (trial.order, slot.clone()))
        };
        let Some((_, slot)) = self.kept.tracks.iter().filter_map(suspect).max() else { return };
        // The others get their starts back: they are looked at when it was not this one.
        self.forgive();
        self.fall(&slot, fault);
    }

    fn forgive(&mut self) {
        for trial in self.kept.tracks.values_mut().filter_map(|track| track.trial.as_mut()) {
            trial.starts = 0;
        }
    }

    /// The same for what was being verified or tried, of which nothing runs yet. True when it was one of them, which is given up.
    fn blame_tried(&mut self, starts_max: u32, alone: Option<&Slot>) -> bool {
        let tried = self.kept.tracks.iter_mut().filter(|(_, track)| track.step.is_trying());
        // From the second start on they come one after the other, so that only the first of them can have been it.
        for (slot, track) in tried.filter(|(slot, _)| alone.is_none_or(|alone| alone == *slot)) {
            track.starts = track.starts.saturating_add(1);
            let Some(job) = track.step.job().filter(|_| track.starts >= starts_max).cloned() else {
                continue;
            };
            let doing = if matches!(track.step, Step::Verify(_)) { "verified" } else { "tried" };
            let text =
                format!("the node stopped {starts_max} times without being told to while it was {doing}");
            track.give_up(job.release.hash, job.round, Fault::new(FaultCode::CrashLoop, &text));
            track.fault = None;
            track.go(Step::Rest);
            self.effects.push(Effect::Discard { slot: slot.clone(), hash: job.release.hash });
            return true;
        }
        false
    }

    /// Who comes first, because the node stopped while it was put in place, verified or tried: nobody else is verified or tried meanwhile.
    pub(super) fn suspect(&self) -> Option<&Slot> {
        let suspects = || self.kept.tracks.iter().filter(|(_, track)| track.starts > 0);
        let put_in_place = suspects().find(|(_, track)| matches!(track.step, Step::Activate(_)));
        let suspect = put_in_place.or_else(|| suspects().find(|(_, track)| track.step.is_trying()));
        suspect.map(|(slot, _)| slot)
    }

    /// What runs in a slot is given up, and what ran before comes back.
    pub(super) fn fall(&mut self, slot: &Slot, fault: Fault) {
        let floor = self.kept.floors.get(slot);
        let Some(track) = self.kept.tracks.get_mut(slot) else { return };
        let Some(running) = track.running.clone() else { return };
        if track.step.is_turning() {
            // It goes anyway.
            return;
        }
        track.give_up(running.hash, track.running_round, fault.clone());
        let to = track.fit(&running, floor);
        if slot.kind().goes_only_forward() || to.is_none() && track.trial.is_none() {
            // There is no way back, or it had proved itself and there is nothing else: something that fails is better than nothing, and people are told.
            track.trial = None;
            track.fault = Some(fault);
            return;
        }
        track.trial = None;
        track.fault = None;
        track.go(Step::Revert(Box::new(Return { from: running, to, fault })));
        if let Some(live) = self.lives.get_mut(slot) {
            live.is_asked = false;
            live.retry_at = 0;
        }
    }

    /// Counts the time that what is new has run.
    pub(super) fn watch(&mut self, elapsed_ms: u64) {
        for (slot, track) in &mut self.kept.tracks {
            let (Some(trial), Some(live)) = (&mut track.trial, self.lives.get_mut(slot)) else { continue };
            let watch_ms = self.config.kinds.get(&slot.kind()).map_or(0, |rules| rules.watch_ms);
            live.watched_ms = live.watched_ms.saturating_add(elapsed_ms);
            let is_over = trial.watched_ms.saturating_add(live.watched_ms) >= watch_ms;
            if is_over || live.watched_ms > watch_ms / WATCH_STEPS {
                trial.watched_ms = trial.watched_ms.saturating_add(live.watched_ms).min(watch_ms);
                live.watched_ms = 0;
            }
        }
    }

    /// Looks at what is on probation. True when that is over, this way or that.
    pub(super) fn judge(&mut self, slot: &Slot) -> bool {
        let Some(rules) = self.config.kinds.get(&slot.kind()).copied() else { return false };
        let (Some(track), Some(live)) = (self.kept.tracks.get_mut(slot), self.lives.get_mut(slot)) else {
            return false;
        };
        if track.step.is_turning() {
            return false;
        }
        let Some(trial) = &mut track.trial else { return false };
        let seen = live.health.clone().unwrap_or_default();
        let calls = live.calls_before.saturating_add(seen.calls);
        // More would keep the disk busy and decide nothing.
        trial.calls = trial.calls.max(calls.min(rules.calls_min));
        let is_too_many = |faults: u64, ppm_max: u64| {
            faults >= rules.faults_min.max(1)
                && faults.saturating_mul(1_000_000) > ppm_max.saturating_mul(calls.max(faults))
        };
        let told = |what: &str, faults: u64| format!("{faults} of {} calls {what}", calls.max(faults));
        let fault = if is_too_many(seen.traps, rules.traps_ppm_max) {
            Some(Fault::new(FaultCode::Trapped, &told("trapped", seen.traps)))
        } else if is_too_many(seen.errors, rules.errors_ppm_max) {
            Some(Fault::new(FaultCode::Errored, &told("ended in an error", seen.errors)))
        } else {
            None
        };
        if let Some(fault) = fault {
            self.fall(slot, fault);
            return true;
        }
        let is_watched = trial.watched_ms.saturating_add(live.watched_ms) >= rules.watch_ms;
        if is_watched && calls >= rules.calls_min {
            track.good.clone_from(&track.running);
            track.trial = None;
            return true;
        }
        if !is_watched {
            let left_ms = rules.watch_ms.saturating_sub(trial.watched_ms.saturating_add(live.watched_ms));
            self.wake_at = self.wake_at.min(self.now.running_ms.saturating_add(left_ms.max(1)));
        }
        false
    }

    /// Why what is on probation has not proved itself yet.
    pub(super) fn watching(&self, slot: &Slot, trial: &Trial) -> Vec<Reason> {
        let Some(rules) = self.config.kinds.get(&slot.kind()) else { return Vec::new() };
        let live = self.lives.get(slot);
        let watched_ms = trial.watched_ms.saturating_add(live.map_or(0, |live| live.watched_ms));
        let left_ms = rules.watch_ms.saturating_sub(watched_ms);
        let new = live.map_or(0, |live| {
            live.calls_before.saturating_add(live.health.as_ref().map_or(0, |health: &Health| health.calls))
        });
        let calls = trial.calls.max(new);
        let watching = (left_ms > 0).then(|| Reason::Watching { minutes_left: left_ms.div_ceil(60_000) });
        let calls_min = rules.calls_min;
        let called = (calls < calls_min).then_some(Reason::NotCalledYet { calls, calls_min });
        watching.into_iter().chain(called).collect()
    }

    /// Why a release does not come here, whatever else happens.
    pub(super) fn refusals(
        &self,
        slot: &Slot,
        release: &Release,
        round: u32,
        around: &Around,
    ) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let version = || release.version.clone();
        if !self.config.kinds.contains_key(&slot.kind()) {
            reasons.push(Reason::unknown(slot.kind()));
        }
        let floor = self.kept.floors.get(slot).filter(|floor| release.version.is_below(floor));
        if let Some(minimum) = floor.cloned() {
            reasons.push(Reason::BelowMinimum { version: version(), minimum });
        }
        let track = self.kept.tracks.get(slot);
        let in_force = track.and_then(|track| track.running.as_ref());
        let in_force = in_force.filter(|_| floor.is_none() && slot.kind().goes_only_forward());
        if let Some(later) = in_force.filter(|later| release.version.is_below(&later.version)) {
            reasons.push(Reason::BelowMinimum { version: version(), minimum: later.version.clone() });
        }
        if let Some(bad) = track.and_then(|track| track.bad(release.hash, round)) {
            reasons.push(Reason::KnownBad { version: version(), fault: bad.fault.clone() });
        }
        if let Some(why) = around.denies.why(slot) {
            reasons.push(Reason::PolicyDenies { why: why.into() });
        }
        reasons.extend(lacks(release, around));
        reasons
    }

    /// Why nothing in a slot may be changed just now.
    pub(super) fn gates(&mut self, slot: Option<&Slot>, around: &Around) -> Vec<Reason> {
        let mut reasons = Vec::new();
        if self.is_stopping {
            reasons.push(Reason::Stopped);
        }
        let is_turning = |(other, track): &(&Slot, &Track)| {
            let is_asked = || self.lives.get(*other).is_some_and(|live| live.is_asked);
            // What cannot be put back for now holds nobody up.
            let is_other = slot.is_some_and(|slot| *other != slot);
            is_other && track.step.is_turning() && (track.tries == 0 || is_asked())
        };
        if let Some((other, _)) = self.kept.tracks.iter().find(is_turning) {
            reasons.push(Reason::OtherActivation { slot: other.clone() });
        }
        if let Some(with) = around.busy.clone() {
            reasons.push(Reason::Busy { with });
            self.look_again();
        }
        if let Some(maintenance) = &self.kept.desired.maintenance {
            match self.now.wall.map(|wall| (wall, maintenance.at(wall))) {
                None => {
                    reasons.push(Reason::ClockUnknown);
                    self.look_again();
                }
                Some((_, Standing::Open { .. })) => {}
                Some((wall, Standing::Closed { opens })) => {
                    let local = opens.map_or_else(String::new, |opens| maintenance.zone.told(opens));
                    reasons.push(Reason::WindowClosed { opens, local });
                    let wait_ms = opens.map_or(self.config.look_again_ms, |opens| opens.ms_since(wall));
                    // The clock on the wall may be put right meanwhile, so it is looked at once an hour at least.
                    let wait_ms = wait_ms.clamp(1, 3_600_000);
                    self.wake_at = self.wake_at.min(self.now.running_ms.saturating_add(wait_ms));
                }
            }
        }
        reasons
    }

    pub(super) fn look_again(&mut self) {
        let at = self.now.running_ms.saturating_add(self.config.look_again_ms.max(1));
        self.wake_at = self.wake_at.min(at);
    }
}

/// What a node lacks for a release.
fn lacks(release: &Release, around: &Around) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if let Some(needs) = &release.needs.node_version_min {
        let has = around.node_version.clone();
        if has.as_ref().is_none_or(|has| has.is_below(needs)) {
            reasons.push(Reason::NodeTooOld { needs: needs.clone(), has });
        }
    }
    reasons.extend(ungranted(release, around));
    reasons
}

/// What a release needs and the store does not grant, or grants no more.
pub(super) fn ungranted(release: &Release, around: &Around) -> Option<Reason> {
    let granted = around.grants.as_ref()?;
    let grants: Vec<_> = release.needs.grants.difference(granted).cloned().collect();
    (!grants.is_empty()).then_some(Reason::GrantMissing { grants })
}
