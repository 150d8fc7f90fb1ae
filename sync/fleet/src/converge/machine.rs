//! The machine: what has happened goes in, what is to be done comes out.

use super::{
    config::Config,
    effect::{Around, Effect, Input, Now, Stage, Trouble},
    judge::Stop,
    kept::{Kept, KeptError, Refused, Return, Step, Track, Trial},
};
use crate::{
    artefact::{Release, SLOTS_MAX, Slot},
    desired::{DesiredState, Stamp},
    gate::Health,
    hash::ContentHash,
    reason::{Fault, FaultCode, Reason},
    report::{NodeReport, Phase},
    says::REASONS_MAX,
    version::Version,
};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of a slot only while the process runs.
#[derive(Debug, Default)]
pub(super) struct Live {
    /// The effect of this step was asked for, and its end is not known.
    pub(super) is_asked: bool,
    /// Not before then.
    pub(super) retry_at: u64,
    /// How what runs has done since the process started.
    pub(super) health: Option<Health>,
    /// Calls before the process started.
    pub(super) calls_before: u64,
    /// Watched, and not yet written down, in milliseconds.
    pub(super) watched_ms: u64,
    /// Watched since the process started, in milliseconds.
    pub(super) ran_ms: u64,
    pub(super) phase: Option<Phase>,
    pub(super) reasons: Vec<Reason>,
}

/// What is known of the settings only while the process runs.
#[derive(Debug, Default)]
pub(super) struct LiveSettings {
    pub(super) asked: Option<ContentHash>,
    pub(super) retry_at: u64,
    pub(super) tries: u32,
    pub(super) fault: Option<Fault>,
    pub(super) reasons: Vec<Reason>,
    /// Those that were taken since the process started, and why some of them are not in force.
    pub(super) taken: Option<(ContentHash, Vec<Reason>)>,
}

/// The node's side of a fleet.
#[derive(Debug)]
pub struct Converger {
    pub(super) config: Config,
    pub(super) kept: Kept,
    kept_bytes: Vec<u8>,
    pub(super) lives: BTreeMap<Slot, Live>,
    pub(super) settings: LiveSettings,
    pub(super) now: Now,
    is_started: bool,
    pub(super) effects: Vec<Effect>,
    pub(super) is_stopping: bool,
    pub(super) wake_at: u64,
    pub(super) reported: Option<NodeReport>,
    pub(super) report_at: u64,
}

impl Converger {
    /// Goes on from what was kept; from nothing on a new node. To be called, and [`Input::Tick`] handled, before anything of what
    /// [`Converger::loads`] names is loaded: a node that does not come up with a new artefact finds out here.
    ///
    /// # Errors
    /// When what was kept cannot be read.
    pub fn resume(config: Config, kept: Option<&[u8]>) -> Result<Self, KeptError> {
        let (state, kept_bytes) = match kept {
            Some(bytes) => (Kept::decode(bytes)?, bytes.to_vec()),
            None => (Kept::default(), Vec::new()),
        };
        let mut lives: BTreeMap<Slot, Live> = BTreeMap::new();
        for (slot, track) in &state.tracks {
            let calls_before = track.trial.as_ref().map_or(0, |trial| trial.calls);
            lives.insert(slot.clone(), Live { calls_before, ..Live::default() });
        }
        let mut machine = Self {
            config,
            kept: state,
            kept_bytes,
            lives,
            settings: LiveSettings::default(),
            now: Now::default(),
            is_started: false,
            effects: Vec::new(),
            is_stopping: false,
            wake_at: 0,
            reported: None,
            report_at: 0,
        };
        if !machine.kept.is_stopped {
            machine.blame(Stop::between(machine.kept.boot, machine.config.boot));
        }
        machine.kept.is_stopped = false;
        machine.kept.boot = machine.config.boot;
        // What failed before is not tried again at once, whatever killed the node. Nor is what may have taken the machine down, unless it may be half in place.
        for (slot, track) in &machine.kept.tracks {
            let downs = if track.step.is_trying() { track.downs } else { 0 };
            let failures = track.tries.max(downs);
            if let (true, Some(live)) = (failures > 0, machine.lives.get_mut(slot)) {
                live.retry_at = machine.config.wait_ms(failures, salt(slot));
            }
        }
        Ok(machine)
    }

    /// Takes in what has happened and says what is to be done, in this order. A clock that goes back counts as one that stands.
    pub fn handle(&mut self, now: Now, around: &Around, input: Input) -> Vec<Effect> {
        if !self.is_started {
            // From here on it counts; waits of before begin now.
            self.is_started = true;
            self.now.running_ms = now.running_ms;
            for live in self.lives.values_mut().filter(|live| live.retry_at > 0) {
                live.retry_at = live.retry_at.saturating_add(now.running_ms);
            }
        }
        let elapsed_ms = now.running_ms.saturating_sub(self.now.running_ms);
        self.now = Now { running_ms: self.now.running_ms.max(now.running_ms), wall: now.wall };
        self.watch(elapsed_ms);
        match input {
            Input::Desired { stamp, state } => self.desired(stamp, *state),
            Input::Done { slot, stage, hash, outcome } => self.done(&slot, stage, hash, outcome),
            Input::SettingsDone { hash, outcome } => self.settings_done(hash, outcome),
            Input::Observed { slot, hash, health } => {
                let runs = self.kept.tracks.get(&slot).is_some_and(|track| track.runs(hash));
                if let (true, Some(live)) = (runs, self.lives.get_mut(&slot)) {
                    live.health = Some(health);
                }
            }
            Input::Broke { slot, hash, text } => {
                if self.kept.tracks.get(&slot).is_some_and(|track| track.runs(hash)) {
                    self.fall(&slot, Fault::new(FaultCode::Broke, &text));
                }
            }
            Input::Stopping => {
                self.is_stopping = true;
                self.kept.is_stopped = true;
            }
            Input::Tick => {}
        }
        self.pump(around);
        self.tell();
        let mut effects = std::mem::take(&mut self.effects);
        let bytes = self.kept.encode();
        if bytes != self.kept_bytes {
            self.kept_bytes.clone_from(&bytes);
            effects.insert(0, Effect::Keep(bytes));
        }
        effects
    }

    /// When to look again at the latest, by the clock that only goes on.
    #[must_use]
    pub fn wake_at(&self) -> u64 {
        let news = if self.is_news() { self.report_at } else { u64::MAX };
        self.wake_at.min(news)
    }

    /// What is to be loaded at a start: what runs, or what comes back in the place of what fell.
    pub fn loads(&self) -> impl Iterator<Item = (&Slot, &Release)> {
        self.kept.tracks.iter().filter_map(|(slot, track)| {
            let loaded = match &track.step {
                Step::Revert(back) => back.to.as_ref(),
                _ => track.running.as_ref(),
            };
            loaded.map(|release| (slot, release))
        })
    }

    /// The contents that must not be swept from the disk.
    #[must_use]
    pub fn needs(&self) -> BTreeSet<ContentHash> {
        let of_track = |track: &Track| {
            let (back, from) = match &track.step {
                Step::Revert(back) => (back.to.as_ref().map(|release| release.hash), Some(back.from.hash)),
                step => (step.job().map(|job| job.release.hash), None),
            };
            let running = track.running.as_ref().map(|release| release.hash);
            let good = track.good.as_ref().map(|release| release.hash);
            [back, from, running, good]
        };
        self.kept.tracks.values().flat_map(of_track).flatten().collect()
    }

    /// What comes back in the place of what fell, and is not back yet.
    pub fn returning(&self) -> impl Iterator<Item = &Release> {
        self.kept.tracks.values().filter_map(|track| match &track.step {
            Step::Revert(back) => back.to.as_ref(),
            _ => None,
        })
    }

    /// The highest minimum that was ever seen of each slot.
    #[must_use]
    pub const fn floors(&self) -> &BTreeMap<Slot, Version> {
        &self.kept.floors
    }

    /// Takes in minimums that were seen before.
    pub fn raise<'a>(&mut self, floors: impl IntoIterator<Item = (&'a Slot, &'a Version)>) {
        for (slot, minimum) in floors {
            let floor = self.kept.floors.entry(slot.clone()).or_insert_with(|| minimum.clone());
            if floor.is_below(minimum) {
                floor.clone_from(minimum);
            }
        }
    }

    /// The desired state that it goes by.
    #[must_use]
    pub const fn desired_state(&self) -> (Option<Stamp>, &DesiredState) {
        (self.kept.stamp, &self.kept.desired)
    }

    fn desired(&mut self, stamp: Stamp, state: DesiredState) {
        let mut refuse = |why: &str| {
            let version = stamp.version;
            self.effects.push(Effect::Warn(format!("desired state {version} is not followed: {why}")));
        };
        if state.hash() != stamp.hash {
            return refuse("it is not the one that its hash stands for");
        }
        match self.kept.stamp {
            // What is old or known says nothing new.
            Some(known) if stamp.version < known.version || stamp == known => return,
            Some(known) if stamp.version == known.version => {
                return refuse("another one of the same version is known");
            }
            _ => {}
        }
        if let Err(error) = state.check() {
            return refuse(&error.to_string());
        }
        let more = state.slots.keys().filter(|slot| !self.kept.tracks.contains_key(*slot)).count();
        if self.kept.tracks.len() + more > 2 * SLOTS_MAX {
            return refuse("the node has too many slots already");
        }
        self.raise(&state.minimums);
        // What nobody says anything of any more is forgotten only where there are too many.
        if self.kept.floors.len() > 4 * SLOTS_MAX {
            let tracks = &self.kept.tracks;
            self.kept.floors.retain(|slot, _| state.slots.contains_key(slot) || tracks.contains_key(slot));
        }
        self.kept.stamp = Some(stamp);
        self.kept.desired = state;
    }

    fn done(&mut self, slot: &Slot, stage: Stage, hash: ContentHash, outcome: Result<(), Trouble>) {
        let (Some(track), Some(live)) = (self.kept.tracks.get_mut(slot), self.lives.get_mut(slot)) else {
            return;
        };
        let is_meant = match (&track.step, stage) {
            (Step::Fetch(job), Stage::Fetch)
            | (Step::Verify(job), Stage::Verify)
            | (Step::Test(job), Stage::SmokeTest)
            | (Step::Activate(job), Stage::Activate) => job.release.hash == hash,
            (Step::Revert(back), Stage::Revert) => back.from.hash == hash,
            (Step::Remove, Stage::Remove) => track.runs(hash),
            _ => false,
        };
        if !is_meant || !live.is_asked {
            return;
        }
        live.is_asked = false;
        match outcome {
            Ok(()) => {
                live.retry_at = 0;
                self.went_well(slot);
            }
            Err(trouble) => {
                let limits = (self.config.tries_max, self.kept.floors.get(slot));
                let retry = Self::went_wrong(track, &trouble, limits, &mut self.effects, slot);
                let wait_ms = self.config.wait_ms(track.tries.max(track.spoilt), salt(slot));
                live.retry_at = if retry { self.now.running_ms.saturating_add(wait_ms) } else { 0 };
            }
        }
    }

    fn went_well(&mut self, slot: &Slot) {
        let (Some(track), Some(live)) = (self.kept.tracks.get_mut(slot), self.lives.get_mut(slot)) else {
            return;
        };
        track.fault = None;
        match std::mem::take(&mut track.step) {
            Step::Fetch(job) => track.go(Step::Verify(job)),
            Step::Verify(job) => track.go(Step::Test(job)),
            Step::Test(job) => track.go(Step::Ready(job)),
            Step::Activate(job) => {
                self.kept.activations = self.kept.activations.saturating_add(1);
                track.trial = Some(Trial { order: self.kept.activations, ..Trial::default() });
                track.running = Some(job.release);
                track.running_round = job.round;
                track.go(Step::Rest);
                *live = Live::default();
            }
            Step::Revert(back) => {
                track.running = back.to;
                track.running_round = 0;
                track.trial = None;
                track.go(Step::Rest);
                *live = Live::default();
            }
            Step::Remove => {
                (track.running, track.good, track.trial) = (None, None, None);
                track.go(Step::Rest);
                *live = Live::default();
            }
            step @ (Step::Rest | Step::Ready(_)) => track.step = step,
        }
    }

    /// True when it is to be tried again, after a while.
    fn went_wrong(
        track: &mut Track,
        trouble: &Trouble,
        (tries_max, floor): (u32, Option<&Version>),
        effects: &mut Vec<Effect>,
        slot: &Slot,
    ) -> bool {
        track.tries = track.tries.saturating_add(1);
        let is_enough = trouble.is_final || track.tries >= tries_max;
        let code = match &track.step {
            Step::Fetch(_) | Step::Rest | Step::Ready(_) => FaultCode::FetchFailed,
            Step::Verify(_) => FaultCode::VerifyFailed,
            Step::Test(_) => FaultCode::SmokeTestFailed,
            Step::Activate(_) => FaultCode::ActivateFailed,
            Step::Revert(_) => FaultCode::RevertFailed,
            Step::Remove => FaultCode::RemoveFailed,
        };
        let fault = Fault::new(code, &trouble.text);
        track.fault = Some(fault.clone());
        let discard = |hash| Effect::Discard { slot: slot.clone(), hash };
        match std::mem::take(&mut track.step) {
            Step::Verify(job) => {
                effects.push(discard(job.release.hash));
                track.spoilt = track.spoilt.saturating_add(1);
                if track.spoilt >= tries_max {
                    track.give_up(job.release.hash, job.round, fault);
                    track.go(Step::Rest);
                    track.recall();
                    return false;
                }
                track.step = Step::Fetch(job);
                true
            }
            Step::Test(job) if is_enough => {
                effects.push(discard(job.release.hash));
                track.give_up(job.release.hash, job.round, fault);
                track.go(Step::Rest);
                track.recall();
                false
            }
            // It is in force all the same, and nothing takes it back but a later one.
            Step::Revert(back) if trouble.is_final && slot.kind().goes_only_forward() => {
                let round = track.bad.iter().find(|bad| bad.hash == back.from.hash).map(|bad| bad.round);
                (track.running, track.running_round) = (Some(back.from), round.unwrap_or_default());
                track.trial = None;
                track.go(Step::Rest);
                false
            }
            // It would come to the same for ever: rather nothing than what was given up.
            Step::Revert(mut back) if trouble.is_final && back.to.is_some() => {
                back.to = None;
                track.go(Step::Revert(back));
                false
            }
            Step::Activate(job) if is_enough => {
                let to = track.way_back(&job.release, floor);
                track.give_up(job.release.hash, job.round, fault.clone());
                let back = Return { from: job.release, to, fault };
                track.go(Step::Revert(Box::new(back)));
                false
            }
            step => {
                track.step = step;
                true
            }
        }
    }

    fn settings_done(&mut self, hash: ContentHash, outcome: Result<Vec<Reason>, Trouble>) {
        if self.settings.asked != Some(hash) {
            return;
        }
        self.settings.asked = None;
        match outcome {
            Ok(mut reasons) => {
                reasons.truncate(REASONS_MAX);
                self.kept.settings = reasons.is_empty().then_some(hash);
                self.kept.taken = Some(hash);
                self.kept.refused = None;
                self.settings = LiveSettings { taken: Some((hash, reasons)), ..LiveSettings::default() };
            }
            Err(Trouble { is_final, text }) => {
                let fault = Fault::new(FaultCode::SettingsRefused, &text);
                // What the node did not come up with was in force before.
                self.kept.settings = self.kept.settings.filter(|settings| *settings != hash);
                if is_final {
                    self.kept.refused = Some(Refused { hash, fault: fault.clone() });
                }
                self.settings.tries = self.settings.tries.saturating_add(1);
                self.settings.fault = Some(fault);
                let wait_ms = self.config.wait_ms(self.settings.tries, 0);
                self.settings.retry_at = self.now.running_ms.saturating_add(wait_ms);
            }
        }
    }
}

/// So that the slots of a node do not wait for the same time.
pub(super) fn salt(slot: &Slot) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = ContentHash::of(slot.to_string().as_bytes()).0;
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}
