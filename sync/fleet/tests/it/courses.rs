//! Whatever happens to a rollout, in whatever order, what it promises holds.

use crate::drive::{Drive, back, refuses, runs, spec};
use aisle_fleet::{
    FaultCode, NodeId, RolloutPhase,
    report::Phase,
    rollout::{Effect, Fact, Status, Verb},
};
use proptest::prelude::*;
use std::collections::BTreeSet;

#[derive(Debug, Clone)]
enum Step {
    Say(u8),
    Passes(usize),
    Fails(usize),
    Works(usize),
    Lives(usize),
    Back(usize),
    Away(usize),
    Minutes(u8),
    Leap(i32),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0_u8..12).prop_map(Step::Say),
        6 => (0_usize..12).prop_map(Step::Passes),
        2 => (0_usize..12).prop_map(Step::Fails),
        2 => (0_usize..12).prop_map(Step::Works),
        2 => (0_usize..12).prop_map(Step::Lives),
        2 => (0_usize..12).prop_map(Step::Back),
        1 => (0_usize..12).prop_map(Step::Away),
        4 => (1_u8..40).prop_map(Step::Minutes),
        1 => any::<i32>().prop_map(Step::Leap),
    ]
}

fn verb(at: u8, store: &aisle_event::StoreId) -> Verb {
    let why = || "why".to_owned();
    match at {
        0 => Verb::Preflight,
        1 => Verb::Approve,
        2 => Verb::Reject { why: why() },
        3 => Verb::Start,
        4 => Verb::Pause { why: why() },
        5 => Verb::Resume,
        6 => Verb::Promote,
        7 => Verb::Abort { why: why() },
        8 => Verb::Rollback { why: why() },
        9 => Verb::RetryFailed,
        10 => Verb::Exclude { store: store.clone(), why: why() },
        _ => Verb::Finish,
    }
}

struct Course {
    drive: Drive,
    away: BTreeSet<NodeId>,
    /// Who has said that it really ran it, and has not said otherwise since.
    ran: BTreeSet<NodeId>,
    /// It was done once: what its nodes are given by others later takes nothing away from it.
    was_done: bool,
}

impl Course {
    fn new() -> Self {
        let waves = serde_json::json!([
            { "name": "a", "size": 2, "soak_minutes": 5 },
            { "name": "b", "size": 3, "on_failure": "pause" },
            { "name": "c" },
        ]);
        Self {
            drive: Drive::started(spec(waves), 12),
            away: BTreeSet::new(),
            ran: BTreeSet::new(),
            was_done: false,
        }
    }

    fn take(&mut self, step: &Step) {
        let node = |at: &usize| self.drive.members[*at].id.clone();
        let given_before = given(&self.drive);
        let was_held =
            matches!(self.drive.phase(), RolloutPhase::Paused { .. } | RolloutPhase::Aborted { .. });
        match step {
            Step::Say(at) => {
                let verb = verb(*at, &node(&usize::from(*at)).store);
                let _ = self.drive.say_by("grace", verb);
            }
            Step::Passes(at) => {
                let node = node(at);
                self.drive.passes(&node);
                self.away.remove(&node);
                self.ran.insert(node);
            }
            Step::Fails(at) => self.tell(&node(at), |round| refuses(round, FaultCode::Trapped, "x")),
            Step::Works(at) => self.tell(&node(at), |round| runs(Phase::Fetching, "1.0", round, 0)),
            Step::Lives(at) => self.tell(&node(at), |round| runs(Phase::Watching, "2.0", round, 1)),
            Step::Back(at) => {
                let (node, had_run) = (node(at), self.ran.contains(&node(at)));
                self.tell(&node, |_| back());
                if had_run && self.was_done {
                    self.ran.insert(node);
                }
            }
            Step::Away(at) => drop(self.away.insert(node(at))),
            Step::Minutes(minutes) => {
                let away: Vec<NodeId> = self.away.iter().cloned().collect();
                self.drive.pass_without(i64::from(*minutes), &away);
            }
            Step::Leap(ms) => {
                self.drive.now = self.drive.now.saturating_add_ms(i64::from(*ms));
                self.drive.fact(Fact::Tick);
            }
        }
        self.was_done |= *self.drive.phase() == RolloutPhase::Done;
        self.holds(&given_before, was_held);
    }

    fn tell(&mut self, node: &NodeId, report: impl Fn(u32) -> aisle_fleet::NodeReport) {
        let round = self.drive.round(node);
        self.drive.report(node, report(round));
        self.ran.remove(node);
        self.away.remove(node);
    }

    fn holds(&self, given_before: &BTreeSet<NodeId>, was_held: bool) {
        let (drive, nodes) = (&self.drive, self.drive.rollout.nodes());
        let given = given(drive);
        let phase = drive.phase();
        // Every node is somewhere, and only once.
        let tally = drive.rollout.tally(None);
        let sum = tally.waiting + tally.excluded + tally.offline + tally.dark + tally.late;
        let sum = sum + tally.working + tally.live + tally.passed + tally.failed + tally.back;
        assert_eq!((sum, tally.members), (12, 12));
        // Done is what really ran.
        if *phase == RolloutPhase::Done {
            for (node, progress) in nodes {
                assert!(progress.status == Status::Excluded || self.ran.contains(node), "{node}");
            }
            assert!(tally.passed > 0);
        }
        // Who passed has said so. On the way back nobody is asked any more.
        let is_going_back =
            matches!(phase, RolloutPhase::RollingBack { .. } | RolloutPhase::RolledBack { .. });
        let passed = nodes.iter().filter(|(_, progress)| progress.status == Status::Passed && !is_going_back);
        for (node, _) in passed {
            assert!(self.ran.contains(node), "{node}");
        }
        // No wave is begun before the one before it is through.
        for (node, progress) in nodes {
            let is_begun = progress.given_at.is_some();
            assert!(!is_begun || usize::from(progress.wave) <= drive.rollout.current(), "{node}");
        }
        // Before, after and on the way back nobody is given anything; who is excluded never is.
        let gives_nothing =
            matches!(phase, RolloutPhase::RollingBack { .. } | RolloutPhase::RolledBack { .. })
                || phase.is_before();
        assert!(!gives_nothing || given.is_empty(), "{phase}");
        assert!(nodes.iter().all(|(node, p)| p.status != Status::Excluded || !given.contains(node)));
        // While it is held nobody begins, but who says that it runs already.
        if was_held && matches!(phase, RolloutPhase::Paused { .. } | RolloutPhase::Aborted { .. }) {
            for node in given.difference(given_before) {
                assert!(
                    matches!(nodes[node].status, Status::Passed | Status::Live | Status::Failed),
                    "{node}"
                );
            }
        }
        // Who was given it and is not any more is taken back, or held.
        let layer = drive.rollout.layer();
        assert!(layer.taken_back.iter().all(|node| !given.contains(*node)));
    }
}

fn given(drive: &Drive) -> BTreeSet<NodeId> {
    drive.rollout.layer().nodes.keys().map(|node| (*node).clone()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_what_a_rollout_promises_holds(steps in proptest::collection::vec(step(), 1..120)) {
        let mut course = Course::new();
        for step in &steps {
            course.take(step);
        }
    }

    #[test]
    fn whatever_has_happened_a_rollout_that_is_not_over_can_be_brought_to_an_end(
        steps in proptest::collection::vec(step(), 1..80)
    ) {
        let mut course = Course::new();
        for step in &steps {
            course.take(step);
        }
        let drive = &mut course.drive;
        // Nobody says `abort`: every store runs it, and a person lets through what a gate holds up.
        for _ in 0..40 {
            for node in drive.members.iter().map(|member| member.id.clone()).collect::<Vec<_>>() {
                if drive.rollout.gives(&node) {
                    drive.passes(&node);
                } else {
                    drive.report(&node, back());
                }
            }
            drive.pass(40);
            for verb in [Verb::Resume, Verb::Promote] {
                if matches!(drive.phase(), RolloutPhase::Paused { .. }) {
                    let _ = drive.say(verb);
                }
            }
            if drive.phase().as_str() == "draft" {
                drive.preflight();
            }
            let _ = drive.say(Verb::Start);
        }
        let all_excluded = drive.rollout.nodes().values().all(|p| p.status == Status::Excluded);
        prop_assert!(drive.phase().is_over() || all_excluded, "{:?}", drive.phase());
    }

    #[test]
    fn every_change_of_what_nodes_should_run_is_told(steps in proptest::collection::vec(step(), 1..80)) {
        let mut course = Course::new();
        for step in &steps {
            let before = given(&course.drive);
            course.drive.effects.clear();
            course.take(step);
            let told: BTreeSet<NodeId> = course.drive.effects.iter().flat_map(|effect| match effect {
                Effect::Changed(nodes) => nodes.clone(),
                _ => Vec::new(),
            }).collect();
            let after = given(&course.drive);
            let changed: Vec<&NodeId> = before.symmetric_difference(&after).collect();
            for node in changed {
                prop_assert!(told.contains(node), "{} after {:?}", node, step);
            }
        }
    }
}
