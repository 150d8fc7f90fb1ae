//! From step to step: what each waits for, and what it asks for.

use super::{
    effect::{Around, Effect},
    judge::{Stop, ungranted},
    kept::{Job, Step, Track},
    machine::{Converger, Live},
};
use crate::{
    artefact::{Release, Slot, Want},
    desired::Wanted,
    hash::ContentHash,
    reason::{FaultCode, Reason},
    report::Phase,
};
use std::collections::BTreeSet;

/// So many steps of a slot are taken at once at most; there are fewer between two effects.
const STEPS_MAX: usize = 8;

/// What became of a slot just now.
enum Came {
    /// It is at another step: look again.
    On,
    /// It stays for now.
    Stays(Phase, Vec<Reason>),
}

impl Converger {
    pub(super) fn pump(&mut self, around: &Around) {
        self.wake_at = u64::MAX;
        let slots: BTreeSet<Slot> =
            self.kept.desired.slots.keys().chain(self.kept.tracks.keys()).cloned().collect();
        for slot in &slots {
            self.kept.tracks.entry(slot.clone()).or_default();
            self.lives.entry(slot.clone()).or_default();
            for _ in 0..STEPS_MAX {
                if let Came::Stays(phase, reasons) = self.advance(slot, around) {
                    if let Some(live) = self.lives.get_mut(slot) {
                        (live.phase, live.reasons) = (Some(phase), reasons);
                    }
                    break;
                }
            }
        }
        self.pump_settings(around);
        let desired = &self.kept.desired;
        let is_used = |slot: &Slot, track: &Track| {
            desired.slots.contains_key(slot) || track.running.is_some() || track.step != Step::Rest
        };
        self.kept.tracks.retain(|slot, track| is_used(slot, track));
        let tracks = &self.kept.tracks;
        self.lives.retain(|slot, _| tracks.contains_key(slot));
    }

    fn advance(&mut self, slot: &Slot, around: &Around) -> Came {
        if self.judge(slot) {
            return Came::On;
        }
        let wanted = self.kept.desired.wanted(slot).cloned();
        let Some(track) = self.kept.tracks.get(slot).cloned() else {
            return Came::Stays(Phase::Left, Vec::new());
        };
        match track.step {
            Step::Rest => self.rest(slot, track, wanted, around),
            Step::Revert(_) | Step::Remove if self.gives_way(slot, &track, wanted.as_ref(), around) => {
                // What goes is still there, and the next takes its place.
                self.set(slot, Step::Rest);
                if let Some(track) = self.kept.tracks.get_mut(slot) {
                    track.recall();
                }
                Came::On
            }
            Step::Revert(mut back) => {
                let floor = self.kept.floors.get(slot);
                let is_low = |to: &Release| floor.is_some_and(|floor| to.version.is_below(floor));
                if back.to.as_ref().is_some_and(is_low) && !self.is_asked(slot) {
                    back.to = None;
                    self.set(slot, Step::Revert(back));
                    return Came::On;
                }
                let effect = Effect::Revert { slot: slot.clone(), from: back.from, to: back.to };
                let reasons = self.turn(slot, effect, Reason::Reverting { fault: back.fault });
                Came::Stays(Phase::Reverting, reasons)
            }
            Step::Remove => {
                let Some(release) = track.running else {
                    self.set(slot, Step::Rest);
                    return Came::On;
                };
                let effect = Effect::Remove { slot: slot.clone(), release };
                let reasons = self.turn(slot, effect, Reason::Removing);
                Came::Stays(Phase::Removing, reasons)
            }
            Step::Activate(job) => {
                // A minimum may have been raised between two starts.
                let is_low = self.kept.floors.get(slot).is_some_and(|it| job.release.version.is_below(it));
                if is_low && !self.is_asked(slot) {
                    self.set(slot, Step::Rest);
                    if let Some(track) = self.kept.tracks.get_mut(slot) {
                        track.recall();
                    }
                    return Came::On;
                }
                let effect = Effect::Activate { slot: slot.clone(), release: job.release };
                let reasons = self.turn(slot, effect, Reason::Activating);
                Came::Stays(Phase::Activating, reasons)
            }
            step => self.prepare(slot, step, wanted, around),
        }
    }

    /// Whether something else is wanted and may come, instead of a way back or a removal that fails again and again. What the node did not come up with has to go first.
    fn gives_way(&self, slot: &Slot, track: &Track, wanted: Option<&Wanted>, around: &Around) -> bool {
        let is_crash = matches!(&track.step, Step::Revert(back) if back.fault.code == FaultCode::CrashLoop);
        if is_crash || track.tries < self.config.tries_max || self.is_asked(slot) {
            return false;
        }
        // Nothing would be put in place over what came half and did not go: it would be told as settled.
        let half = match &track.step {
            Step::Revert(back) if !track.runs(back.from.hash) => Some(&back.from),
            _ => None,
        };
        match wanted {
            Some(Wanted { want: Want::Release(release), .. })
                if half.is_some_and(|half| half.hash != release.hash) && track.runs(release.hash) =>
            {
                false
            }
            Some(Wanted { want: Want::Absent, .. }) if half.is_some() && track.running.is_none() => false,
            Some(Wanted { want: Want::Release(release), round }) => {
                self.refusals(slot, release, *round, around).is_empty() && self.stale(around).is_none()
            }
            Some(Wanted { want: Want::Absent, .. }) => {
                matches!(track.step, Step::Revert(_)) && !slot.kind().goes_only_forward()
            }
            None => false,
        }
    }

    /// Why nothing new may come, going by the signed metadata.
    fn stale(&self, around: &Around) -> Option<Reason> {
        let until = around.metadata_until?;
        match self.now.wall {
            None => Some(Reason::ClockUnknown),
            Some(wall) => (wall >= until).then_some(Reason::MetadataExpired),
        }
    }

    /// Nothing is under way.
    fn rest(&mut self, slot: &Slot, track: Track, wanted: Option<Wanted>, around: &Around) -> Came {
        let watching = track.trial.as_ref().map(|trial| self.watching(slot, trial));
        let Some(Wanted { want, round }) = wanted else {
            return watching.map_or(Came::Stays(Phase::Left, Vec::new()), |reasons| {
                Came::Stays(Phase::Watching, reasons)
            });
        };
        let release = match (want, track.running) {
            (Want::Absent, None) => return Came::Stays(Phase::Settled, Vec::new()),
            (Want::Absent, Some(_)) if slot.kind().goes_only_forward() => {
                return Came::Stays(Phase::Refused, vec![Reason::OnlyForward]);
            }
            (Want::Absent, Some(_)) => {
                let gates = self.gates(Some(slot), around);
                if gates.is_empty() {
                    self.set(slot, Step::Remove);
                    return Came::On;
                }
                return Came::Stays(Phase::Waiting, gates);
            }
            (Want::Release(release), Some(running)) if running.hash == release.hash => {
                // A store that takes a grant back does not let it run any more.
                if let Some(reason) = ungranted(&running, around) {
                    return Came::Stays(Phase::Refused, vec![reason]);
                }
                return self.runs_what_is_wanted(slot, round, track.running_round, track.fault, watching);
            }
            (Want::Release(release), _) => release,
        };
        let mut refusals = self.refusals(slot, &release, round, around);
        if !refusals.is_empty() {
            let is_bad = refusals.iter().any(|reason| matches!(reason, Reason::KnownBad { .. }));
            let is_empty = self.kept.tracks.get(slot).is_none_or(|track| track.running.is_none());
            if is_bad && is_empty {
                let minimum = self.kept.floors.get(slot).cloned();
                refusals.push(Reason::NothingGood { minimum });
            }
            return Came::Stays(Phase::Refused, refusals);
        }
        if let Some(reason) = self.stale(around) {
            self.look_again();
            return Came::Stays(Phase::Waiting, vec![reason]);
        }
        if let Some(track) = self.kept.tracks.get_mut(slot) {
            (track.spoilt, track.fault) = (0, None);
        }
        self.set(slot, Step::Fetch(Job { release, round }));
        Came::On
    }

    fn runs_what_is_wanted(
        &mut self,
        slot: &Slot,
        round: u32,
        running_round: u32,
        fault: Option<crate::reason::Fault>,
        watching: Option<Vec<Reason>>,
    ) -> Came {
        if round > running_round {
            // Asked for again: what is held against it counts no more.
            if let Some(track) = self.kept.tracks.get_mut(slot) {
                track.running_round = round;
                if track.fault.take().is_some() {
                    self.kept.activations = self.kept.activations.saturating_add(1);
                    let order = self.kept.activations;
                    track.trial = Some(super::kept::Trial { order, ..Default::default() });
                }
            }
            return Came::On;
        }
        match (watching, fault) {
            (Some(reasons), _) => Came::Stays(Phase::Watching, reasons),
            (None, Some(fault)) => Came::Stays(Phase::Refused, vec![Reason::Failing { fault }]),
            (None, None) => Came::Stays(Phase::Settled, Vec::new()),
        }
    }

    /// Something is brought in, and does not touch what runs yet.
    fn prepare(&mut self, slot: &Slot, step: Step, wanted: Option<Wanted>, around: &Around) -> Came {
        let Some(job) = step.job().cloned() else { return Came::Stays(Phase::Left, Vec::new()) };
        let Job { release, round } = job;
        let wanted = wanted.and_then(|wanted| match wanted.want {
            Want::Release(wanted_release) if wanted_release.hash == release.hash => Some(wanted.round),
            _ => None,
        });
        let is_refused = || !self.refusals(slot, &release, wanted.unwrap_or(round), around).is_empty();
        if wanted.is_none() || is_refused() {
            self.effects.push(Effect::Discard { slot: slot.clone(), hash: release.hash });
            self.set(slot, Step::Rest);
            if let Some(track) = self.kept.tracks.get_mut(slot) {
                // That it did not come is not held against what runs.
                track.recall();
            }
            return Came::On;
        }
        if let Some(now) = wanted.filter(|now| *now != round) {
            if let Some(track) = self.kept.tracks.get_mut(slot) {
                track.step = with_round(step, now);
            }
            return Came::On;
        }
        let slot_of = || slot.clone();
        let suspect = self.suspect().filter(|suspect| *suspect != slot && step.is_trying()).cloned();
        if let Some(suspect) = suspect.filter(|_| !self.is_asked(slot)) {
            self.look_again();
            return Came::Stays(Phase::Waiting, vec![Reason::OtherActivation { slot: suspect }]);
        }
        match step {
            Step::Fetch(_) => self.fetch(slot, release, around),
            Step::Verify(_) => {
                let effect = Effect::Verify { slot: slot_of(), release };
                let reasons = self.ask(slot, effect, Reason::Verifying);
                Came::Stays(Phase::Verifying, reasons)
            }
            Step::Test(_) => {
                let effect = Effect::SmokeTest { slot: slot_of(), release };
                let reasons = self.ask(slot, effect, Reason::SmokeTesting);
                Came::Stays(Phase::Testing, reasons)
            }
            _ => {
                let gates = self.gates(Some(slot), around);
                if gates.is_empty() {
                    self.set(slot, Step::Activate(Job { release, round }));
                    return Came::On;
                }
                Came::Stays(Phase::Waiting, gates)
            }
        }
    }

    fn fetch(&mut self, slot: &Slot, release: Release, around: &Around) -> Came {
        if !self.is_asked(slot) {
            let others = self.kept.tracks.iter().filter(|(other, track)| {
                let is_asked = self.lives.get(*other).is_some_and(|live| live.is_asked);
                *other != slot && is_asked && matches!(track.step, Step::Fetch(_))
            });
            let is_here = |release: &Release| around.here.contains(&release.hash);
            let room_bytes = |release: &Release| {
                // What is here has its room already.
                release.room_bytes().saturating_sub(if is_here(release) { release.bytes } else { 0 })
            };
            let others = others.filter_map(|(_, track)| track.step.job());
            let (ahead, promised) = others.fold((0_usize, 0_u64), |(many, bytes), job| {
                let many = many + usize::from(!is_here(&job.release));
                (many, bytes.saturating_add(room_bytes(&job.release)))
            });
            let own = room_bytes(&release);
            let needed = own.saturating_add(promised).saturating_add(self.config.disk_reserve_bytes);
            if own > 0 && needed > around.disk_free_bytes {
                self.look_again();
                let missing_bytes = needed - around.disk_free_bytes;
                return Came::Stays(Phase::Waiting, vec![Reason::DiskFull { missing_bytes }]);
            }
            if !is_here(&release) && ahead >= self.config.fetches_max.max(1) {
                return Came::Stays(Phase::Waiting, vec![Reason::FetchQueue { ahead: ahead as u64 }]);
            }
        }
        let effect = Effect::Fetch { slot: slot.clone(), release };
        let reasons = self.ask(slot, effect, Reason::Fetching);
        let phase = if self.is_asked(slot) { Phase::Fetching } else { Phase::Waiting };
        Came::Stays(phase, reasons)
    }

    /// Asks for an effect that changes what runs; one at a time.
    fn turn(&mut self, slot: &Slot, effect: Effect, doing: Reason) -> Vec<Reason> {
        let is_other = |(other, track): &(&Slot, &Track)| {
            let is_asked = self.lives.get(*other).is_some_and(|live| live.is_asked);
            *other != slot && track.step.is_turning() && is_asked
        };
        if let Some((other, _)) = self.kept.tracks.iter().find(is_other) {
            return vec![Reason::OtherActivation { slot: other.clone() }, doing];
        }
        self.ask(slot, effect, doing)
    }

    /// Asks for the effect of a step, once, and not before its time.
    fn ask(&mut self, slot: &Slot, effect: Effect, doing: Reason) -> Vec<Reason> {
        let (Some(track), Some(live)) = (self.kept.tracks.get(slot), self.lives.get_mut(slot)) else {
            return Vec::new();
        };
        if live.is_asked {
            return vec![doing];
        }
        if self.is_stopping {
            return vec![Reason::Stopped];
        }
        if live.retry_at > self.now.running_ms {
            self.wake_at = self.wake_at.min(live.retry_at);
            let tries = track.tries.max(track.spoilt);
            let failed = track.fault.clone().map(|fault| Reason::RetryLater { fault, tries });
            let down = || {
                let tries = track.downs;
                let fault = Stop::Machine.fault(tries, track.step.doing());
                (tries > 0).then_some(Reason::RetryLater { fault, tries })
            };
            return failed.or_else(down).into_iter().chain([doing]).collect();
        }
        live.is_asked = true;
        self.effects.push(effect);
        vec![doing]
    }

    fn is_asked(&self, slot: &Slot) -> bool {
        self.lives.get(slot).is_some_and(|live: &Live| live.is_asked)
    }

    fn set(&mut self, slot: &Slot, step: Step) {
        if let Some(track) = self.kept.tracks.get_mut(slot) {
            track.go(step);
        }
        if let Some(live) = self.lives.get_mut(slot) {
            live.is_asked = false;
            live.retry_at = 0;
        }
    }

    /// BLAKE3 of the settings that should be; nothing where there never were any.
    pub(super) fn settings_wanted(&self) -> Option<ContentHash> {
        let settings = &self.kept.desired.settings;
        if settings.is_empty() && self.kept.settings.is_none() && self.kept.taken.is_none() {
            return None;
        }
        // Writing to a `Vec` has no way to fail.
        Some(ContentHash::of(&minicbor::to_vec(settings).unwrap_or_default()))
    }

    fn pump_settings(&mut self, around: &Around) {
        self.settings.reasons.clear();
        let Some(hash) = self.settings_wanted() else { return };
        if let Some((_, reasons)) = self.settings.taken.as_ref().filter(|(taken, _)| *taken == hash) {
            self.settings.reasons.clone_from(reasons);
            return;
        }
        if let Some(refused) = self.kept.refused.as_ref().filter(|refused| refused.hash == hash) {
            self.settings.reasons.push(Reason::Failing { fault: refused.fault.clone() });
            return;
        }
        if self.settings.asked == Some(hash) {
            let is_new = self.kept.settings != Some(hash);
            self.settings.reasons.extend(is_new.then_some(Reason::Activating));
            return;
        }
        // What was taken before this start changes nothing: it is asked how it stands.
        let is_known = [self.kept.settings, self.kept.taken].contains(&Some(hash));
        let gates = if is_known { Vec::new() } else { self.gates(None, around) };
        if !gates.is_empty() || self.is_stopping {
            self.settings.reasons = gates;
            return;
        }
        if self.settings.retry_at > self.now.running_ms {
            self.wake_at = self.wake_at.min(self.settings.retry_at);
            let tries = self.settings.tries;
            let fault = self.settings.fault.clone();
            self.settings.reasons.extend(fault.map(|fault| Reason::RetryLater { fault, tries }));
            return;
        }
        self.settings.asked = Some(hash);
        if self.kept.settings != Some(hash) {
            self.settings.reasons.push(Reason::Activating);
        }
        let settings = self.kept.desired.settings.clone();
        self.effects.push(Effect::ApplySettings { hash, settings });
    }
}

fn with_round(step: Step, round: u32) -> Step {
    let job = |job: Job| Job { round, ..job };
    match step {
        Step::Fetch(of) => Step::Fetch(job(of)),
        Step::Verify(of) => Step::Verify(job(of)),
        Step::Test(of) => Step::Test(job(of)),
        Step::Ready(of) => Step::Ready(job(of)),
        step => step,
    }
}
