//! A node around the machine: a disk, what runs, artefacts that behave well or badly, and a plug that can be pulled between any two steps.

use crate::bench::release_of;
use aisle_event::Timestamp;
use aisle_fleet::{
    Around, ContentHash, Converger, DesiredState, Effect, Input, Kind, NodeReport, Now, Release, Slot, Stamp,
    Want,
    converge::{Config, Stage, Trouble},
    desired::Wanted,
    gate::Health,
    report::Phase,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How an artefact behaves.
#[derive(Debug, Clone, Copy, Default)]
pub struct Behaves {
    /// So many times it cannot be fetched.
    pub fetch_fails: u32,
    /// So many times its bytes are not right.
    pub spoilt: u32,
    pub fails_smoke_test: bool,
    pub fails_activation: bool,
    /// So many calls of a hundred trap.
    pub traps_percent: u64,
    /// The node does not come up with it.
    pub kills: bool,
    /// It takes the node down while its bytes are looked at.
    pub kills_in_verify: bool,
    /// It takes the node down while it is tried.
    pub kills_in_test: bool,
    /// So many times the machine goes down while its bytes are looked at.
    pub downs_in_verify: u32,
    /// So many times the machine goes down while it is tried.
    pub downs_in_test: u32,
    /// It cannot be put back in the place of another; whether for good.
    pub cannot_return: Option<bool>,
    /// It cannot be taken away; whether for good.
    pub cannot_go: Option<bool>,
}

pub struct Shop {
    // What survives a kill.
    pub kept: Option<Vec<u8>>,
    pub active: BTreeMap<Slot, Release>,
    pub shelf: BTreeSet<ContentHash>,
    pub settings: Option<ContentHash>,
    pub behaves: BTreeMap<ContentHash, Behaves>,
    // What does not.
    pub machine: Converger,
    pub running_ms: u64,
    inbox: VecDeque<Input>,
    todo: VecDeque<Effect>,
    calls: BTreeMap<Slot, Health>,
    // What goes on around it.
    pub wall: Option<Timestamp>,
    pub around: Around,
    pub config: Config,
    pub report: Option<NodeReport>,
    pub warnings: Vec<String>,
    /// Everything that was put in place, in order.
    pub activated: Vec<(Slot, Release)>,
    pub fetched: Vec<ContentHash>,
    /// Steps so far; the plug is pulled before this one.
    pub steps: usize,
    pub pull_at: Vec<usize>,
    pub kills: u32,
    stamp: Stamp,
    /// What the node was told last: it is told again with the next connection.
    told: Option<Input>,
    /// The highest minimum that the node was told, as the checker knows it.
    pub floors: BTreeMap<Slot, aisle_fleet::Version>,
}

pub fn config() -> Config {
    Config { seed: 5, ..Config::default() }
}

impl Shop {
    pub fn new() -> Self {
        Self::with(config())
    }

    pub fn with(config: Config) -> Self {
        let around = Around { disk_free_bytes: 1 << 40, ..Around::default() };
        Self {
            kept: None,
            active: BTreeMap::new(),
            shelf: BTreeSet::new(),
            settings: None,
            behaves: BTreeMap::new(),
            machine: Converger::resume(config.clone(), None).unwrap(),
            running_ms: 1_000,
            inbox: VecDeque::from([Input::Tick]),
            todo: VecDeque::new(),
            calls: BTreeMap::new(),
            wall: Some(Timestamp(1_800_000_000_000)),
            around,
            config,
            report: None,
            warnings: Vec::new(),
            activated: Vec::new(),
            fetched: Vec::new(),
            steps: 0,
            pull_at: Vec::new(),
            kills: 0,
            stamp: Stamp { version: 0, hash: ContentHash([0; 32]) },
            told: None,
            floors: BTreeMap::new(),
        }
    }

    /// As it would be asked for.
    pub fn state(wants: &[(&str, &str)]) -> DesiredState {
        let mut state = DesiredState::new();
        for (name, version) in wants {
            let want = match *version {
                "absent" => Want::Absent,
                version => Want::Release(release_of(name, version)),
            };
            state.slots.insert(name.parse().unwrap(), Wanted { want, round: 0 });
        }
        state
    }

    pub fn desire(&mut self, state: DesiredState) {
        self.stamp = Stamp { version: self.stamp.version + 1, hash: state.hash() };
        self.tell(self.stamp, state);
    }

    pub fn tell(&mut self, stamp: Stamp, state: DesiredState) {
        let told = Input::Desired { stamp, state: Box::new(state) };
        self.told = Some(told.clone());
        self.inbox.push_back(told);
    }

    pub fn feed(&mut self, input: Input) {
        self.inbox.push_back(input);
    }

    pub fn behave(&mut self, name: &str, version: &str, behaves: Behaves) {
        self.behaves.insert(release_of(name, version).hash, behaves);
    }

    pub fn now(&self) -> Now {
        Now { running_ms: self.running_ms, wall: self.wall }
    }

    /// One step: hears one thing, or does one thing. False when there is nothing to hear or to do.
    pub fn step(&mut self) -> bool {
        if self.pull_at.contains(&self.steps) {
            self.steps += 1;
            self.pull();
            return true;
        }
        self.steps += 1;
        if let Some(effect) = self.todo.pop_front() {
            self.perform(effect);
        } else if let Some(input) = self.inbox.pop_front() {
            if let Input::Desired { state, .. } = &input {
                for (slot, minimum) in &state.minimums {
                    let floor = self.floors.entry(slot.clone()).or_insert_with(|| minimum.clone());
                    *floor = floor.clone().max(minimum.clone());
                }
            }
            let effects = self.machine.handle(self.now(), &self.around, input);
            self.todo.extend(effects);
        } else {
            self.steps -= 1;
            return false;
        }
        true
    }

    /// As after a loss of power: what was not made durable is gone.
    pub fn pull(&mut self) {
        self.kills += 1;
        self.restart();
        self.inbox.extend(self.told.clone());
    }

    /// The same, and the machine knows that it was started anew.
    pub fn cut(&mut self) {
        self.config.boot = self.config.boot.map(|boot| boot + 1);
        self.pull();
    }

    pub fn restart(&mut self) {
        self.todo.clear();
        self.calls.clear();
        self.running_ms = 1_000;
        self.inbox = VecDeque::from([Input::Tick]);
        self.machine = Converger::resume(self.config.clone(), self.kept.as_deref()).unwrap();
    }

    fn perform(&mut self, effect: Effect) {
        let done = |slot: Slot, stage, hash, outcome| Input::Done { slot, stage, hash, outcome };
        let trouble = |is_final: bool, text: &str| Err(Trouble { is_final, text: text.into() });
        let behaves = |hash: &ContentHash| self.behaves.get(hash).copied().unwrap_or_default();
        match effect {
            Effect::Keep(bytes) => self.kept = Some(bytes),
            Effect::Fetch { slot, release } => {
                let fails = behaves(&release.hash).fetch_fails;
                let outcome = if fails > 0 {
                    self.behaves.get_mut(&release.hash).unwrap().fetch_fails -= 1;
                    trouble(false, "the line was cut")
                } else {
                    self.shelf.insert(release.hash);
                    self.fetched.push(release.hash);
                    Ok(())
                };
                self.inbox.push_back(done(slot, Stage::Fetch, release.hash, outcome));
            }
            Effect::Verify { release, .. } if behaves(&release.hash).kills_in_verify => self.pull(),
            Effect::SmokeTest { release, .. } if behaves(&release.hash).kills_in_test => self.pull(),
            Effect::Verify { release, .. } if behaves(&release.hash).downs_in_verify > 0 => {
                self.behaves.get_mut(&release.hash).unwrap().downs_in_verify -= 1;
                self.cut();
            }
            Effect::SmokeTest { release, .. } if behaves(&release.hash).downs_in_test > 0 => {
                self.behaves.get_mut(&release.hash).unwrap().downs_in_test -= 1;
                self.cut();
            }
            Effect::Verify { slot, release } => {
                assert!(self.shelf.contains(&release.hash), "what is verified was fetched");
                let spoilt = behaves(&release.hash).spoilt;
                let outcome = if spoilt > 0 {
                    self.behaves.get_mut(&release.hash).unwrap().spoilt -= 1;
                    trouble(false, "another hash")
                } else {
                    Ok(())
                };
                self.inbox.push_back(done(slot, Stage::Verify, release.hash, outcome));
            }
            Effect::SmokeTest { slot, release } => {
                let is_bad = behaves(&release.hash).fails_smoke_test;
                let outcome = if is_bad { trouble(true, "no answer in 50 ms") } else { Ok(()) };
                self.inbox.push_back(done(slot, Stage::SmokeTest, release.hash, outcome));
            }
            Effect::Activate { slot, release } => {
                let floor = self.floors.get(&slot);
                assert!(
                    floor.is_none_or(|floor| !release.version.is_below(floor)),
                    "{} is below {floor:?}",
                    release.version
                );
                assert!(self.shelf.contains(&release.hash), "what is put in place is there");
                let is_bad = behaves(&release.hash).fails_activation;
                let outcome = if is_bad { trouble(true, "no room in the pool") } else { Ok(()) };
                if !is_bad {
                    self.activated.push((slot.clone(), release.clone()));
                    self.calls.remove(&slot);
                    self.active.insert(slot.clone(), release.clone());
                }
                self.inbox.push_back(done(slot, Stage::Activate, release.hash, outcome));
            }
            Effect::Revert { slot, from, to: Some(to) } if behaves(&to.hash).cannot_return.is_some() => {
                let is_final = behaves(&to.hash).cannot_return == Some(true);
                self.inbox.push_back(done(
                    slot,
                    Stage::Revert,
                    from.hash,
                    trouble(is_final, "it is not granted"),
                ));
            }
            Effect::Revert { slot, from, to: None } if behaves(&from.hash).cannot_go.is_some() => {
                let is_final = behaves(&from.hash).cannot_go == Some(true);
                self.inbox.push_back(done(slot, Stage::Revert, from.hash, trouble(is_final, "it is in use")));
            }
            Effect::Remove { slot, release } if behaves(&release.hash).cannot_go.is_some() => {
                let is_final = behaves(&release.hash).cannot_go == Some(true);
                let outcome = trouble(is_final, "it is in use");
                self.inbox.push_back(done(slot, Stage::Remove, release.hash, outcome));
            }
            Effect::Revert { slot, from, to } => {
                self.calls.remove(&slot);
                match to {
                    Some(to) => {
                        let floor = self.floors.get(&slot);
                        assert!(
                            floor.is_none_or(|floor| !to.version.is_below(floor)),
                            "back below {floor:?}"
                        );
                        drop(self.active.insert(slot.clone(), to));
                    }
                    None => drop(self.active.remove(&slot)),
                }
                self.inbox.push_back(done(slot, Stage::Revert, from.hash, Ok(())));
            }
            Effect::Remove { slot, release } => {
                self.active.remove(&slot);
                self.inbox.push_back(done(slot, Stage::Remove, release.hash, Ok(())));
            }
            Effect::Discard { hash, .. } => drop(self.shelf.remove(&hash)),
            Effect::ApplySettings { hash, .. } => {
                self.settings = Some(hash);
                self.inbox.push_back(Input::SettingsDone { hash, outcome: Ok(Vec::new()) });
            }
            Effect::Report(report) => self.report = Some(report),
            Effect::Warn(text) => self.warnings.push(text),
        }
    }

    /// Hears and does whatever there is.
    pub fn settle(&mut self) {
        for _ in 0..10_000 {
            if !self.step() {
                return;
            }
        }
        panic!("it never ends: {:?}", self.machine.report());
    }

    /// Lets time pass, at most a minute at once, with live traffic: one call a second to everything that is called.
    pub fn pass(&mut self, ms: u64) {
        self.settle();
        let mut left = ms;
        while left > 0 {
            let step = left.min(60_000);
            left -= step;
            self.running_ms += step;
            self.wall = self.wall.map(|wall| wall.saturating_add_ms(step as i64));
            for (slot, release) in self.active.clone() {
                let behaves = self.behaves.get(&release.hash).copied().unwrap_or_default();
                if matches!(slot.kind(), Kind::Plugin | Kind::Model) {
                    let health = self.calls.entry(slot.clone()).or_default();
                    health.calls += step / 1_000;
                    health.traps += step / 1_000 * behaves.traps_percent / 100;
                    let health = health.clone();
                    self.inbox.push_back(Input::Observed { slot, hash: release.hash, health });
                }
                // What goes is not loaded at a start.
                let is_loaded = self.machine.loads().any(|(_, loaded)| loaded.hash == release.hash);
                if behaves.kills && is_loaded {
                    self.pull();
                }
            }
            self.inbox.push_back(Input::Tick);
            self.settle();
        }
    }

    pub fn running(&self, name: &str) -> Option<String> {
        self.active.get(&name.parse::<Slot>().unwrap()).map(|release| release.version.to_string())
    }

    pub fn phase(&self, name: &str) -> Phase {
        self.machine.report().slots[&name.parse::<Slot>().unwrap()].phase
    }

    /// The codes of the reasons, in order.
    pub fn codes(&self, name: &str) -> Vec<String> {
        let report = self.machine.report();
        let reasons = &report.slots[&name.parse::<Slot>().unwrap()].reasons;
        reasons.iter().map(|reason| reason.code().to_owned()).collect()
    }

    pub fn told(&self, name: &str) -> String {
        let report = self.machine.report();
        let reasons = &report.slots[&name.parse::<Slot>().unwrap()].reasons;
        reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }
}
