//! A node: the real machine of convergence, with a disk that always works and a shop that always calls.

use aisle_content::Order;
use aisle_event::{StoreId, Timestamp};
use aisle_fleet::{
    Around, ContentHash, Converger, Denies, DesiredState, Effect, Grant, Health, Input, Kind, NodeSays, Now,
    Release, Slot, Stamp,
    converge::{Config, Stage, Trouble},
    device::SlotDevices,
    rehearsal::{Candidate, Difference, Findings, Played, candidates},
    says::{Facts, Horizon},
};
use aisle_residency::signing::{Signature, VerifyingKey};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub struct Node {
    pub store: StoreId,
    pub serial: String,
    pub is_online: bool,
    pub generation: u64,
    /// What it runs.
    pub active: BTreeMap<Slot, Release>,
    /// What does not pass its trial here.
    pub refuses: BTreeSet<ContentHash>,
    /// How many calls it has recorded.
    pub recorded: u64,
    /// Why it does not rehearse.
    pub declines: Option<String>,
    /// What it says of what it is asked to rehearse.
    pub rehearsed: Vec<Played>,
    /// What its store grants and denies.
    pub grants: Option<BTreeSet<Grant>>,
    pub denies: Denies,
    /// What it says of its disk and of itself.
    pub disk_free_bytes: u64,
    pub version: String,
    /// What became of settings at its devices.
    pub devices: BTreeMap<Slot, SlotDevices>,
    machine: Converger,
    running_ms: u64,
    inbox: VecDeque<Input>,
    calls: BTreeMap<Slot, Health>,
}

impl Node {
    pub fn new(store: &str, serial: &str) -> Self {
        let config = Config { seed: 5, ..Config::default() };
        Self {
            store: StoreId::new(store).unwrap(),
            serial: serial.into(),
            is_online: true,
            generation: 0,
            active: BTreeMap::new(),
            refuses: BTreeSet::new(),
            recorded: 0,
            declines: None,
            rehearsed: Vec::new(),
            grants: None,
            denies: Denies::new(),
            disk_free_bytes: 1 << 40,
            version: "0.1.0".into(),
            devices: BTreeMap::new(),
            machine: Converger::resume(config, None).unwrap(),
            running_ms: 1_000,
            inbox: VecDeque::from([Input::Tick]),
            calls: BTreeMap::new(),
        }
    }

    /// Takes an order of its hub, as it came.
    pub fn take(&mut self, generation: u64, document: &[u8], key: &VerifyingKey) {
        if generation <= self.generation {
            return;
        }
        let good = |message: &[u8], signature: &[u8; 64]| key.verifies(message, &Signature(*signature));
        let order = Order::open(document, &self.store, good).unwrap();
        self.generation = generation;
        let Some(mine) = order.node(&self.serial) else { return };
        let asked = mine.rehearse.as_ref().map(|bytes| candidates(bytes).unwrap()).unwrap_or_default();
        self.rehearsed = asked.iter().map(|candidate| self.rehearse(candidate)).collect();
        let state = DesiredState::decode(&mine.state).unwrap();
        let stamp = Stamp { version: mine.version, hash: ContentHash::of(&mine.state) };
        self.inbox.push_back(Input::Desired { stamp, state: Box::new(state) });
        self.settle();
    }

    /// Lets time pass, with a call a second to what is called.
    pub fn pass(&mut self, minutes: u64) {
        for _ in 0..minutes {
            self.running_ms += 60_000;
            for (slot, release) in self.active.clone() {
                if slot.kind() == Kind::Plugin {
                    let health = self.calls.entry(slot.clone()).or_default();
                    health.calls += 60;
                    health.fuel += 6_000;
                    let health = health.clone();
                    self.inbox.push_back(Input::Observed { slot, hash: release.hash, health });
                }
            }
            self.inbox.push_back(Input::Tick);
            self.settle();
        }
    }

    /// Each third call comes out otherwise.
    fn rehearse(&self, candidate: &Candidate) -> Played {
        if let Some(why) = &self.declines {
            return candidate.refused(why);
        }
        let (calls, others) = (self.recorded, self.recorded / 3);
        let difference = |was: &str| Difference {
            what: "promotion: off a line".into(),
            was: was.into(),
            would_be: "50".into(),
            count: others,
        };
        let differences = if others == 0 { Vec::new() } else { vec![difference("100")] };
        candidate.played(Findings { calls, same: calls - others, failed: 0, differences })
    }

    pub fn says(&self) -> NodeSays {
        let facts = Facts {
            version: Some(self.version.parse().unwrap()),
            disk_free_bytes: Some(self.disk_free_bytes),
            horizon: vec![
                Horizon { what: "disk".into(), days: 80.0 },
                Horizon { what: "certificate".into(), days: 12.5 },
            ],
            grants: self.grants.clone(),
            denies: self.denies.clone(),
            ..Facts::default()
        };
        NodeSays {
            report: self.machine.report(),
            facts,
            rehearsals: self.rehearsed.clone(),
            devices: self.devices.clone(),
        }
    }

    pub fn runs(&self, slot: &str) -> Option<String> {
        self.active.get(&slot.parse::<Slot>().unwrap()).map(|release| release.version.to_string())
    }

    fn settle(&mut self) {
        let (grants, denies) = (self.grants.clone(), self.denies.clone());
        let around = Around { disk_free_bytes: 1 << 40, grants, denies, ..Around::default() };
        while let Some(input) = self.inbox.pop_front() {
            let now = Now { running_ms: self.running_ms, wall: Some(Timestamp(1_800_000_000_000)) };
            for effect in self.machine.handle(now, &around, input) {
                self.perform(effect);
            }
        }
    }

    fn perform(&mut self, effect: Effect) {
        let done = |slot, stage, hash, outcome| Input::Done { slot, stage, hash, outcome };
        match effect {
            Effect::Fetch { slot, release } => {
                self.inbox.push_back(done(slot, Stage::Fetch, release.hash, Ok(())));
            }
            Effect::Verify { slot, release } => {
                self.inbox.push_back(done(slot, Stage::Verify, release.hash, Ok(())));
            }
            Effect::SmokeTest { slot, release } => {
                let is_bad = self.refuses.contains(&release.hash);
                let trouble = || Trouble { is_final: true, text: "no answer in 50 ms".into() };
                let outcome = if is_bad { Err(trouble()) } else { Ok(()) };
                self.inbox.push_back(done(slot, Stage::SmokeTest, release.hash, outcome));
            }
            Effect::Activate { slot, release } => {
                self.calls.remove(&slot);
                self.active.insert(slot.clone(), release.clone());
                self.inbox.push_back(done(slot, Stage::Activate, release.hash, Ok(())));
            }
            Effect::Revert { slot, from, to } => {
                self.calls.remove(&slot);
                match to {
                    Some(to) => drop(self.active.insert(slot.clone(), to)),
                    None => drop(self.active.remove(&slot)),
                }
                self.inbox.push_back(done(slot, Stage::Revert, from.hash, Ok(())));
            }
            Effect::Remove { slot, release } => {
                self.active.remove(&slot);
                self.inbox.push_back(done(slot, Stage::Remove, release.hash, Ok(())));
            }
            Effect::ApplySettings { hash, .. } => {
                self.inbox.push_back(Input::SettingsDone { hash, outcome: Ok(Vec::new()) });
            }
            Effect::Keep(_) | Effect::Discard { .. } | Effect::Report(_) | Effect::Warn(_) => {}
        }
    }
}
