//! One node: the real machine, a disk that keeps what was made durable, artefacts that behave as they do, and a box that may be slow, full or wrong about the day.

use super::world::{Bad, Happens};
use crate::bench::Random;
use aisle_event::Timestamp;
use aisle_fleet::{
    Around, ContentHash, Converger, Effect, Health, Input, Member, NodeReport, Now, Release, Slot, Version,
    converge::{Config, Stage, Trouble},
    desired::Stamp,
    report::Phase,
};
use std::collections::{BTreeMap, BTreeSet};

pub const MINUTE: u64 = 60_000;
pub const HOUR: u64 = 60 * MINUTE;

pub struct Node {
    pub member: Member,
    pub machine: Converger,
    kept: Option<Vec<u8>>,
    config: Config,
    pub active: BTreeMap<Slot, Release>,
    shelf: BTreeSet<ContentHash>,
    calls: BTreeMap<Slot, Health>,
    /// When the process began.
    began: u64,
    /// What happened to another process does not happen to this one.
    pub process: u32,
    pub is_online: bool,
    /// What the hub last said that it did not hear.
    pub unheard: Option<Input>,
    /// What it said last that the hub did not hear.
    pub unsaid: Option<NodeReport>,
    /// How long it takes to fetch something.
    fetch_ms: u64,
    pub disk_free_bytes: u64,
    /// How wrong the clock on the wall is.
    pub wrong_ms: i64,
    /// The highest minimum that it was told.
    pub floors: BTreeMap<Slot, Version>,
    pub activated: Vec<Release>,
    pub wakes_at: u64,
    pub has_traffic: bool,
    pub stamp: Option<Stamp>,
}

impl Node {
    pub fn new(member: Member, random: &mut Random) -> Self {
        let config = Config { seed: random.number(), ..Config::default() };
        let is_slow = random.percent(2);
        Self {
            member,
            machine: Converger::resume(config.clone(), None).unwrap(),
            kept: None,
            config,
            active: BTreeMap::new(),
            shelf: BTreeSet::new(),
            calls: BTreeMap::new(),
            began: 0,
            process: 0,
            is_online: !random.percent(3),
            unheard: None,
            unsaid: None,
            fetch_ms: if is_slow { 6 * HOUR } else { 1_000 + random.below(5 * MINUTE) },
            disk_free_bytes: if random.below(1000) == 0 { 50_000_000 } else { 1 << 40 },
            wrong_ms: 0,
            floors: BTreeMap::new(),
            activated: Vec::new(),
            wakes_at: u64::MAX,
            has_traffic: false,
            stamp: None,
        }
    }

    /// As after a loss of power.
    pub fn crash(&mut self, now: u64, bad: Bad, happens: &mut Vec<(u64, Happens)>) {
        self.process += 1;
        self.began = now;
        self.calls.clear();
        self.has_traffic = false;
        self.machine = Converger::resume(self.config.clone(), self.kept.as_deref()).unwrap();
        let effects = self.handle(now, Input::Tick);
        // What was killed in the middle of putting something in place has it, or has it not; what is loaded is what the machine says. Only then
        // comes what is to be done again.
        self.active = self.machine.loads().map(|(slot, release)| (slot.clone(), release.clone())).collect();
        self.perform_all(now, effects, bad, happens);
        self.burden(now, bad, happens);
    }

    pub fn hear(&mut self, now: u64, input: Input, bad: Bad, happens: &mut Vec<(u64, Happens)>) {
        let effects = self.handle(now, input);
        self.perform_all(now, effects, bad, happens);
    }

    fn handle(&mut self, now: u64, input: Input) -> Vec<Effect> {
        let wall = Timestamp((super::world::EPOCH_MS + now as i64).saturating_add(self.wrong_ms));
        let clock = Now { running_ms: now - self.began, wall: Some(wall) };
        let around = Around { disk_free_bytes: self.disk_free_bytes, ..Around::default() };
        if let Input::Desired { stamp, state } = &input {
            self.stamp = Some(*stamp);
            for (slot, minimum) in &state.minimums {
                let floor = self.floors.entry(slot.clone()).or_insert_with(|| minimum.clone());
                *floor = floor.clone().max(minimum.clone());
            }
        }
        self.machine.handle(clock, &around, input)
    }

    fn perform_all(&mut self, now: u64, effects: Vec<Effect>, bad: Bad, happens: &mut Vec<(u64, Happens)>) {
        for effect in effects {
            self.perform(now, effect, bad, happens);
        }
        self.wakes_at = self.machine.wake_at().saturating_add(self.began);
        let is_watching = self.machine.report().slots.values().any(|slot| slot.phase == Phase::Watching);
        if is_watching && !self.has_traffic {
            self.has_traffic = true;
            happens.push((now + 5 * MINUTE, Happens::Traffic(self.process)));
        }
    }

    fn perform(&mut self, now: u64, effect: Effect, bad: Bad, happens: &mut Vec<(u64, Happens)>) {
        let mut end = |after: u64, slot, stage, hash, outcome| {
            let input = Input::Done { slot, stage, hash, outcome };
            happens.push((now + after, Happens::Ends(self.process, Box::new(input))));
        };
        let trouble = |text: &str| Err(Trouble { is_final: true, text: text.into() });
        match effect {
            Effect::Keep(bytes) => self.kept = Some(bytes),
            Effect::Fetch { slot, release } => {
                self.shelf.insert(release.hash);
                let is_there = self.is_online;
                let outcome =
                    if is_there { Ok(()) } else { Err(Trouble { is_final: false, text: "no line".into() }) };
                end(self.fetch_ms, slot, Stage::Fetch, release.hash, outcome);
            }
            Effect::Verify { slot, release } => {
                assert!(self.shelf.contains(&release.hash));
                end(1_000, slot, Stage::Verify, release.hash, Ok(()));
            }
            Effect::SmokeTest { slot, release } => {
                let is_bad = bad == Bad::FailsSmokeTest && super::world::is_bad(&release);
                let outcome = if is_bad { trouble("no answer in 50 ms") } else { Ok(()) };
                end(5_000, slot, Stage::SmokeTest, release.hash, outcome);
            }
            Effect::Activate { slot, release } => {
                let floor = self.floors.get(&slot);
                assert!(
                    floor.is_none_or(|floor| !release.version.is_below(floor)),
                    "{}: below",
                    self.member.id
                );
                if bad == Bad::FailsActivation && super::world::is_bad(&release) {
                    self.activated.push(release.clone());
                    return end(1_000, slot, Stage::Activate, release.hash, trouble("no room in the pool"));
                }
                self.activated.push(release.clone());
                self.calls.remove(&slot);
                self.active.insert(slot.clone(), release.clone());
                end(1_000, slot, Stage::Activate, release.hash, Ok(()));
                self.burden(now, bad, happens);
            }
            Effect::Revert { slot, from, to } => {
                self.calls.remove(&slot);
                match to {
                    Some(to) => {
                        let floor = self.floors.get(&slot);
                        assert!(
                            floor.is_none_or(|floor| !to.version.is_below(floor)),
                            "{}: back",
                            self.member.id
                        );
                        drop(self.active.insert(slot.clone(), to));
                    }
                    None => drop(self.active.remove(&slot)),
                }
                end(1_000, slot, Stage::Revert, from.hash, Ok(()));
            }
            Effect::Remove { slot, release } => {
                self.active.remove(&slot);
                end(1_000, slot, Stage::Remove, release.hash, Ok(()));
            }
            Effect::Discard { hash, .. } => drop(self.shelf.remove(&hash)),
            Effect::ApplySettings { hash, .. } => {
                let input = Input::SettingsDone { hash, outcome: Ok(Vec::new()) };
                happens.push((now + 1_000, Happens::Ends(self.process, Box::new(input))));
            }
            Effect::Report(report) => self.unsaid = Some(report),
            Effect::Warn(text) => panic!("{}: {text}", self.member.id),
        }
    }

    /// What takes the node down does so soon after it is loaded.
    fn burden(&self, now: u64, bad: Bad, happens: &mut Vec<(u64, Happens)>) {
        if bad == Bad::CrashLoops && self.active.values().any(super::world::is_bad) {
            happens.push((now + MINUTE, Happens::Crashes(Some(self.process))));
        }
    }

    /// Five minutes of shoppers.
    pub fn traffic(&mut self, now: u64, bad: Bad, random: &mut Random, happens: &mut Vec<(u64, Happens)>) {
        self.has_traffic = false;
        let calls = random.below(40);
        for (slot, release) in self.active.clone() {
            let health = self.calls.entry(slot.clone()).or_default();
            health.calls += calls;
            if super::world::is_bad(&release) {
                health.traps += if bad == Bad::Traps { calls / 4 } else { 0 };
                health.errors += if bad == Bad::Errors { calls / 3 } else { 0 };
            }
            let health = health.clone();
            self.hear(now, Input::Observed { slot, hash: release.hash, health }, bad, happens);
        }
    }
}
