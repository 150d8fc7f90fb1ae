//! Whether what runs may stay, whether what is wanted may come, and who is to blame for a node that does not come up.

use super::{
    config::Config,
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

/// So long, in milliseconds, and what is on probation has not been what took the machine down before: a shop that is switched off each night has a day in between.
const CALM_MS: u64 = 6 * 60 * 60 * 1_000;

/// What stopped without being told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The node alone: what was new is as likely as anything to have done it.
    Node,
    /// The machine with it: most likely its power went, which says nothing of what was new. But something may bring a kernel down as well.
    Machine,
}

impl Stop {
    /// What stopped between two starts of the node, by the starts of the machine that they were in. What is not known counts as the node.
    pub(super) fn between(before: Option<u64>, now: Option<u64>) -> Self {
        if before.zip(now).is_some_and(|(before, now)| before != now) { Self::Machine } else { Self::Node }
    }

    /// Counts it. True when that is enough for what it happened to.
    fn count(self, config: &Config, starts: &mut u32, downs: &mut u32) -> bool {
        let counted = match self {
            Self::Node => starts,
            Self::Machine => downs,
        };
        *counted = counted.saturating_add(1);
        *counted >= self.times_max(config)
    }

    fn times_max(self, config: &Config) -> u32 {
        let times_max = match self {
            Self::Node => config.starts_max,
            Self::Machine => config.downs_max,
        };
        times_max.max(1)
    }

    /// What is said of something that it happened to so often.
    pub(super) fn fault(self, times: u32, doing: &str) -> Fault {
        let text = match self {
            Self::Node => {
                format!("the node stopped {times} times without being told to while it was {doing}")
            }
            Self::Machine => format!("the machine went down {times} times while it was {doing}"),
        };
        Fault::new(FaultCode::CrashLoop, &text)
    }
}

impl Converger {
    /// The node has come up again, and nobody had told it to stop. Whoever was put in place last is the first to be suspected.
    pub(super) fn blame(&mut self, stop: Stop) {
        let times_max = stop.times_max(&self.config);
        let fault = stop.fault(times_max, "new");
        let alone = self.suspect().cloned();
        for (slot, track) in &mut self.kept.tracks {
            if let Step::Activate(job) = &track.step {
                let job = job.clone();
                if stop.count(&self.config, &mut track.starts, &mut track.downs) {
                    let to = track.way_back(&job.release, self.kept.floors.get(slot));
                    track.give_up(job.release.hash, job.round, fault.clone());
                    let back = Return { from: job.release, to, fault: fault.clone() };
                    track.go(Step::Revert(Box::new(back)));
                    return;
                }
            }
        }
        if self.blame_tried(stop, alone.as_ref()) {
            // What runs gets its starts back: it is looked at when it was not this one.
            self.forgive();
            return;
        }
        let mut suspect: Option<(u64, Slot)> = None;
        for (slot, track) in &mut self.kept.tracks {
            let is_turning = track.step.is_turning();
            let Some(trial) = track.trial.as_mut() else { continue };
            let is_enough = stop.count(&self.config, &mut trial.starts, &mut trial.downs);
            if is_enough && !is_turning && suspect.as_ref().is_none_or(|(order, _)| *order <= trial.order) {
                suspect = Some((trial.order, slot.clone()));
            }
        }
        let Some((_, slot)) = suspect else { return };
        // The others get their starts back: they are looked at when it was not this one.
        self.forgive();
        self.fall(&slot, fault);
    }

    fn forgive(&mut self) {
        for trial in self.kept.tracks.values_mut().filter_map(|track| track.trial.as_mut()) {
            (trial.starts, trial.downs) = (0, 0);
        }
    }

    /// The same for what was being verified or tried, of which nothing runs yet. True when it was one of them, which is given up.
    fn blame_tried(&mut self, stop: Stop, alone: Option<&Slot>) -> bool {
        let tried = self.kept.tracks.iter_mut().filter(|(_, track)| track.step.is_trying());
        // From the second start on they come one after the other, so that only the first of them can have been it.
        for (slot, track) in tried.filter(|(slot, _)| alone.is_none_or(|alone| alone == *slot)) {
            let is_enough = stop.count(&self.config, &mut track.starts, &mut track.downs);
            let Some(job) = track.step.job().filter(|_| is_enough).cloned() else { continue };
            let fault = stop.fault(stop.times_max(&self.config), track.step.doing());
            track.give_up(job.release.hash, job.round, fault);
            track.go(Step::Rest);
            track.recall();
            self.effects.push(Effect::Discard { slot: slot.clone(), hash: job.release.hash });
            return true;
        }
        false
    }

    /// Who comes first, because the node stopped while it was put in place, verified or tried: nobody else is verified or tried meanwhile.
    pub(super) fn suspect(&self) -> Option<&Slot> {
        let suspects = || self.kept.tracks.iter().filter(|(_, track)| track.is_suspected());
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
            live.ran_ms = live.ran_ms.saturating_add(elapsed_ms);
            if live.ran_ms >= CALM_MS {
                trial.downs = 0;
            }
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
            if let Some(good) = &track.good {
                // It was asked for again, and has made up for it.
                track.bad.retain(|bad| bad.hash != good.hash);
            }
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
