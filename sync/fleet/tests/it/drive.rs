//! A rollout under test, with nodes that say what they are told to say.

use crate::bench::{member, node, release_of, set, slot};
use aisle_event::Timestamp;
use aisle_fleet::{
    Fault, FaultCode, Health, Index, Member, NodeId, NodeReport, Reason, Rollout, RolloutPhase, RolloutSpec,
    desired::Work,
    report::{Asked, Brief, Phase, SlotReport},
    rollout::{Command, Effect, Event, Fact, Refusal, Status, Verb},
    wave::plan,
};

pub const MINUTE: i64 = 60_000;
pub const A: &str = "plugin/a";

pub struct Drive {
    pub rollout: Rollout,
    pub members: Vec<Member>,
    pub now: Timestamp,
    pub effects: Vec<Effect>,
}

/// A rollout of `plugin/a` 2.0 to all of so many nodes, in waves of these sizes.
#[allow(clippy::needless_pass_by_value, reason = "it is written where it is handed over")]
pub fn spec(waves: serde_json::Value) -> RolloutSpec {
    serde_json::from_value(serde_json::json!({
        "rollout": "spring",
        "why": "sells more",
        "who": "*",
        "set": serde_json::to_value(set(&[(A, "2.0")])).unwrap(),
        "waves": waves,
        "gates": { "calls_min": 10 },
    }))
    .unwrap()
}

pub fn waves() -> serde_json::Value {
    serde_json::json!([
        { "name": "canary", "size": 2, "soak_minutes": 30 },
        { "name": "some", "size": 4, "soak_minutes": 10, "on_failure": "pause" },
        { "name": "rest" },
    ])
}

impl Drive {
    pub fn new(spec: RolloutSpec, nodes: u32) -> Self {
        let members = (0..nodes).map(|at| member(&format!("store-{at:05}"), &[])).collect();
        let rollout = Rollout::draft(spec, "ada", 1).unwrap();
        Self { rollout, members, now: Timestamp(1_800_000_000_000), effects: Vec::new() }
    }

    /// Through preflight and start, every node being there.
    pub fn started(spec: RolloutSpec, nodes: u32) -> Self {
        let mut drive = Self::new(spec, nodes);
        drive.preflight();
        drive.see_all();
        drive.say(Verb::Start).unwrap();
        drive
    }

    pub fn preflight(&mut self) {
        self.say(Verb::Preflight).unwrap();
        let spec = self.rollout.spec();
        let plan =
            plan(&spec.rollout, &spec.who, &spec.waves, &Index::new(&self.members), &mut Work::default());
        self.fact(Fact::Preflighted { plan, refusal: None, approvals_min: 0 });
    }

    pub fn say(&mut self, verb: Verb) -> Result<(), Refusal> {
        self.say_by("ada", verb)
    }

    pub fn say_by(&mut self, by: &str, verb: Verb) -> Result<(), Refusal> {
        let before = self.rollout.clone();
        let event = Event::Command(Command { by: by.into(), verb });
        match self.rollout.apply(event, self.now) {
            Ok(effects) => {
                self.effects.extend(effects);
                Ok(())
            }
            Err(refusal) => {
                assert_eq!(self.rollout, before, "a refusal changes nothing");
                Err(refusal)
            }
        }
    }

    pub fn fact(&mut self, fact: Fact) {
        let effects = self.rollout.apply(Event::Fact(fact), self.now).unwrap();
        self.effects.extend(effects);
    }

    pub fn see_all(&mut self) {
        let all = self.members.iter().map(|member| member.id.clone()).collect();
        self.fact(Fact::Seen(all));
    }

    /// So many minutes, with a look each minute; all nodes are heard of but these.
    pub fn pass_without(&mut self, minutes: i64, away: &[NodeId]) {
        for _ in 0..minutes {
            self.now = self.now.saturating_add_ms(MINUTE);
            let there =
                self.members.iter().map(|member| member.id.clone()).filter(|node| !away.contains(node));
            let there = there.collect();
            self.fact(Fact::Seen(there));
            self.fact(Fact::Tick);
        }
    }

    pub fn pass(&mut self, minutes: i64) {
        self.pass_without(minutes, &[]);
    }

    pub fn report(&mut self, node: &NodeId, report: NodeReport) {
        self.fact(Fact::Reported { node: node.clone(), report: Box::new(report) });
    }

    pub fn round(&self, node: &NodeId) -> u32 {
        self.rollout.nodes()[node].round
    }

    pub fn passes(&mut self, node: &NodeId) {
        let report = runs(Phase::Settled, "2.0", self.round(node), 100);
        self.report(node, report);
    }

    pub fn fails(&mut self, node: &NodeId, text: &str) {
        let report = refuses(self.round(node), FaultCode::SmokeTestFailed, text);
        self.report(node, report);
    }

    pub fn wave(&self, wave: u16) -> Vec<NodeId> {
        let of = self.rollout.nodes().iter().filter(|(_, progress)| progress.wave == wave);
        of.map(|(node, _)| node.clone()).collect()
    }

    pub fn given(&self) -> usize {
        self.rollout.layer().nodes.len()
    }

    pub fn status(&self, node: &NodeId) -> Status {
        self.rollout.nodes()[node].status
    }

    pub fn phase(&self) -> &RolloutPhase {
        self.rollout.phase()
    }

    pub fn is(&self, phase: &str) -> bool {
        self.rollout.phase().as_str() == phase
    }
}

fn brief(version: &str) -> Brief {
    (&release_of(A, version)).into()
}

fn one(of_slot: SlotReport) -> NodeReport {
    NodeReport { slots: [(slot(A), of_slot)].into(), ..NodeReport::default() }
}

/// It is asked for 2.0 and runs something.
pub fn runs(phase: Phase, version: &str, round: u32, calls: u64) -> NodeReport {
    one(SlotReport {
        wanted: Some(Asked::Release(brief("2.0"))),
        round,
        running: Some(brief(version)),
        good: None,
        phase,
        reasons: vec![],
        health: Some(Health { calls, ..Health::default() }),
    })
}

pub fn refuses(round: u32, code: FaultCode, text: &str) -> NodeReport {
    let fault = Fault::new(code, text);
    let version = release_of(A, "2.0").version;
    one(SlotReport {
        reasons: vec![Reason::KnownBad { version, fault }],
        ..runs(Phase::Refused, "1.0", round, 0).slots.remove(&slot(A)).unwrap()
    })
}

/// It is asked for something else, and runs it.
pub fn back() -> NodeReport {
    one(SlotReport {
        wanted: Some(Asked::Release(brief("1.0"))),
        ..runs(Phase::Settled, "1.0", 0, 0).slots.remove(&slot(A)).unwrap()
    })
}

pub fn stranger() -> NodeId {
    node("nowhere")
}
