//! The reducer: an event and the time go in, what follows comes out. Commands are in [`super::command`], what follows from a look in
//! [`super::look`], nodes that come later in [`super::join`], metrics in [`super::measure`].

use super::{
    Cause, CauseGroup, Progress, RolloutPhase, RolloutSpec, Status, Tally,
    cause::group,
    event::{Effect, Event, Fact, Refusal},
    progress::Moment,
    spec::InvalidRollout,
};
use crate::{
    desired::Layer,
    gate::Check,
    name::Metric,
    node::NodeId,
    sequential::{Mean, Pair},
    wave::Plan,
};
use aisle_event::{StoreId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The most entries of a rollout's own history; the oldest goes. The hub's audit has them all.
pub const HISTORY_MAX: usize = 256;
/// The most often that nodes which failed are asked again.
pub const ROUNDS_MAX: u32 = 100;

/// Something that was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Entry {
    /// When.
    #[cfg_attr(feature = "schema", schema(value_type = i64))]
    pub at: Timestamp,
    /// By whom; nothing where the rules did.
    pub by: Option<String>,
    /// What.
    pub what: String,
}

/// How a wave goes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct WaveState {
    /// When it began.
    #[cfg_attr(feature = "schema", schema(value_type = Option<i64>))]
    pub started_at: Option<Timestamp>,
    /// Since when enough nodes have run it.
    #[cfg_attr(feature = "schema", schema(value_type = Option<i64>))]
    pub reached_at: Option<Timestamp>,
    /// The same by the rollout's own clock.
    pub(super) reached_ms: Option<u64>,
    /// How many had passed when enough had last.
    #[serde(default)]
    pub(super) reached_by: u64,
    /// When it began, by the same clock.
    pub(super) started_ms: Option<u64>,
    /// When it was through.
    #[cfg_attr(feature = "schema", schema(value_type = Option<i64>))]
    pub ended_at: Option<Timestamp>,
    /// True where a person let it through: what its gates say stops nothing any more.
    pub is_waived: bool,
    /// What its gates said last.
    pub checks: Vec<Check>,
    /// The stores compared with, by metric.
    #[cfg_attr(feature = "schema", schema(value_type = BTreeMap<String, Vec<Pair>>))]
    pub pairs: BTreeMap<Metric, Vec<Pair>>,
    /// Metrics for which stores to compare with were looked for, also where there were none. Where an earlier build did not write it down, they are looked for once more.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(value_type = Vec<String>))]
    pub sought: BTreeSet<Metric>,
    /// What the comparison came to, by metric; a positive one is worse.
    #[cfg_attr(feature = "schema", schema(value_type = BTreeMap<String, Mean>))]
    pub means: BTreeMap<Metric, Mean>,
    /// The last period that was measured, by metric.
    #[cfg_attr(feature = "schema", schema(value_type = BTreeMap<String, u64>))]
    pub periods: BTreeMap<Metric, u64>,
}

/// A rollout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    pub(super) spec: RolloutSpec,
    pub(super) author: String,
    /// The higher, the later it was started; made, until then.
    pub(super) order: u64,
    pub(super) phase: RolloutPhase,
    pub(super) approvals: BTreeSet<String>,
    /// How many have to approve it, as the last preflight found.
    #[serde(default)]
    pub(super) needed: u8,
    pub(super) nodes: BTreeMap<NodeId, Progress>,
    pub(super) waves: Vec<WaveState>,
    /// The wave that runs; all are through when it is behind the last.
    pub(super) current: usize,
    pub(super) excluded: BTreeMap<StoreId, String>,
    /// It was done once, whatever it is now.
    #[serde(default)]
    pub(super) was_done: bool,
    /// The rollout's own clock: it goes on as long as somebody looks, and stands while nobody does. An hour in which the hub was down makes nobody
    /// silent, and a clock that leaps makes nobody late.
    pub(super) clock_ms: u64,
    looked_at: Option<Timestamp>,
    pub(super) history: VecDeque<Entry>,
}

impl Rollout {
    /// A draft. `order` is higher than that of every rollout before it; with its start it is given another ([`Self::placed`]).
    ///
    /// # Errors
    /// When it cannot be.
    pub fn draft(spec: RolloutSpec, author: &str, order: u64) -> Result<Self, InvalidRollout> {
        spec.check()?;
        let waves = spec.waves.iter().map(|_| WaveState::default()).collect();
        Ok(Self {
            spec,
            author: author.into(),
            order,
            phase: RolloutPhase::Draft,
            approvals: BTreeSet::new(),
            needed: 0,
            nodes: BTreeMap::new(),
            waves,
            current: 0,
            excluded: BTreeMap::new(),
            was_done: false,
            clock_ms: 0,
            looked_at: None,
            history: VecDeque::new(),
        })
    }

    /// Takes an event in. Where it is refused nothing has changed. Somebody should send a [`Fact::Tick`] at least four times in
    /// `offline_minutes`: more than half of those at once do not count as time.
    ///
    /// # Errors
    /// When a person wants what cannot be now. Facts are never refused.
    pub fn apply(&mut self, event: Event, now: Timestamp) -> Result<Vec<Effect>, Refusal> {
        match event {
            Event::Command(command) => self.command(command, now),
            Event::Fact(fact) => {
                let passed_ms = self.looked_at.map_or(0, |last| now.ms_since(last));
                self.pass(passed_ms.min(self.offline_ms() / 2), now);
                self.looked_at = Some(now);
                Ok(self.fact(fact, now))
            }
        }
    }

    /// Lets the rollout's own clock go on.
    fn pass(&mut self, ms: u64, now: Timestamp) {
        self.clock_ms = self.clock_ms.saturating_add(ms);
        let at = self.moment(now);
        if ms > 0 && matches!(self.phase, RolloutPhase::Running | RolloutPhase::Settling) {
            self.nodes.values_mut().for_each(|progress| progress.wait(ms, at));
        }
    }

    /// As it was written.
    #[must_use]
    pub const fn spec(&self) -> &RolloutSpec {
        &self.spec
    }

    /// Who wrote it.
    #[must_use]
    pub fn author(&self) -> &str {
        &self.author
    }

    /// Where it stands among all rollouts: the higher, the later it was started, or made where it was not.
    #[must_use]
    pub const fn order(&self) -> u64 {
        self.order
    }

    /// Takes the place that is its own from its start on. Whoever lets [`super::Verb::Start`] through gives it one that is higher than that of every rollout before it,
    /// and saves both together: of two rollouts the one counts that was started later, however long ago it was written. A lower one changes nothing.
    pub fn placed(&mut self, order: u64) {
        self.order = self.order.max(order);
    }

    /// Stores that take no part, and why.
    #[must_use]
    pub const fn excluded(&self) -> &BTreeMap<StoreId, String> {
        &self.excluded
    }

    /// How far it is.
    #[must_use]
    pub const fn phase(&self) -> &RolloutPhase {
        &self.phase
    }

    /// Every node in it, and how it stands.
    #[must_use]
    pub const fn nodes(&self) -> &BTreeMap<NodeId, Progress> {
        &self.nodes
    }

    /// How its waves go.
    #[must_use]
    pub fn waves(&self) -> &[WaveState] {
        &self.waves
    }

    /// The wave that runs, from 0; as many as there are waves when all are through.
    #[must_use]
    pub const fn current(&self) -> usize {
        self.current
    }

    /// What was decided, the newest last.
    pub fn history(&self) -> impl Iterator<Item = &Entry> {
        self.history.iter()
    }

    /// Why nodes failed, those causes first that most have; those as well that it was taken back from since.
    #[must_use]
    pub fn causes(&self) -> Vec<CauseGroup> {
        group(
            self.nodes
                .iter()
                .filter_map(|(node, progress)| progress.cause.as_ref().map(|cause| (node, cause))),
        )
    }

    /// A slot that both rollouts are about, where both are under way and mean a node in common.
    #[must_use]
    pub fn collides(&self, other: &Self) -> Option<&crate::artefact::Slot> {
        let is_under_way = |rollout: &Self| !rollout.phase.is_before() && !rollout.phase.is_over();
        if !is_under_way(self) || !is_under_way(other) {
            return None;
        }
        let slot = self.spec.set.keys().find(|slot| other.spec.set.contains_key(*slot))?;
        self.nodes.keys().any(|node| other.nodes.contains_key(node)).then_some(slot)
    }

    /// What it says to whom, for [`crate::desired::Resolver`].
    #[must_use]
    pub fn layer(&self) -> Layer<'_> {
        let given = self.nodes.iter().filter(|(_, progress)| self.is_given(progress));
        let taken = self.nodes.iter().filter(|(_, progress)| self.is_taken_back(progress));
        Layer {
            rollout: &self.spec.rollout,
            order: self.order,
            set: &self.spec.set,
            nodes: given.map(|(node, progress)| (node, progress.round)).collect(),
            taken_back: taken.map(|(node, _)| node).collect(),
        }
    }

    /// Whether a node should run it.
    #[must_use]
    pub fn gives(&self, node: &NodeId) -> bool {
        self.nodes.get(node).is_some_and(|progress| self.is_given(progress))
    }

    fn is_given(&self, progress: &Progress) -> bool {
        let runs_it = matches!(progress.status, Status::Live | Status::Passed | Status::Failed);
        match self.phase {
            RolloutPhase::Running
            | RolloutPhase::Settling
            | RolloutPhase::Done
            | RolloutPhase::Finished { .. } => {
                runs_it || matches!(progress.status, Status::Given | Status::Working)
            }
            // What runs goes on; what does not yet, does not begin.
            RolloutPhase::Paused { .. } | RolloutPhase::Aborted { .. } => runs_it,
            _ => false,
        }
    }

    fn is_taken_back(&self, progress: &Progress) -> bool {
        let is_going_back =
            matches!(self.phase, RolloutPhase::RollingBack { .. } | RolloutPhase::RolledBack { .. });
        progress.given_at.is_some() && (is_going_back || progress.status == Status::Excluded)
    }

    pub(super) fn offline_ms(&self) -> u64 {
        u64::from(self.spec.offline_minutes) * 60_000
    }

    pub(super) fn moment(&self, now: Timestamp) -> Moment {
        Moment { now, clock_ms: self.clock_ms, offline_ms: self.offline_ms() }
    }

    /// How the nodes of a wave stand, or of all waves, as of the last look.
    #[must_use]
    pub fn tally(&self, wave: Option<usize>) -> Tally {
        let at = self.moment(Timestamp::default());
        let mut tally = Tally::default();
        for progress in self.nodes.values() {
            let of = usize::from(progress.wave);
            if wave.is_none_or(|wave| wave == of) {
                let deadline_ms = u64::from(self.spec.gates_of(of).deadline_minutes) * 60_000;
                tally.count(progress, at, deadline_ms);
            }
        }
        tally
    }

    fn fact(&mut self, fact: Fact, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        let at = self.moment(now);
        match fact {
            Fact::Preflighted { plan, refusal, approvals_min } => {
                self.needed = self.spec.approvals.max(approvals_min);
                self.preflighted(&plan, refusal, now, &mut effects);
            }
            Fact::Seen(nodes) => {
                for node in nodes {
                    if let Some(progress) = self.nodes.get_mut(&node) {
                        progress.see(at);
                    }
                }
            }
            Fact::Reported { node, report } => {
                let is_going_back = matches!(self.phase, RolloutPhase::RollingBack { .. });
                let was_given = self.gives(&node);
                let is_kept = self.was_done || self.phase == RolloutPhase::Done;
                let Some(progress) = self.nodes.get_mut(&node) else { return effects };
                progress.see(at);
                match progress.status {
                    Status::Waiting | Status::Excluded => {}
                    _ if is_going_back => {
                        progress.status = match progress.status {
                            _ if Progress::is_back(&self.spec.set, &report) => Status::Back,
                            // It was, and is not any more.
                            Status::Back => Status::Live,
                            status => status,
                        };
                    }
                    Status::Back => {}
                    _ => progress.hear(&self.spec.set, &report, is_kept),
                }
                // What a node says of itself may change what it should run while the rest is held.
                if self.gives(&node) != was_given {
                    effects.push(Effect::Changed(vec![node]));
                }
            }
            Fact::Joined { member, overtaken } => self.joined(&member, overtaken, now, &mut effects),
            Fact::Left(node) => drop(self.nodes.remove(&node)),
            Fact::Paired { metric, pairs } => self.paired(metric, pairs),
            Fact::Measured { metric, period, values } => self.measured(&metric, period, &values),
            Fact::Tick => self.tick(now, &mut effects),
        }
        effects
    }

    fn preflighted(
        &mut self,
        plan: &Plan,
        refusal: Option<String>,
        now: Timestamp,
        effects: &mut Vec<Effect>,
    ) {
        if self.phase != RolloutPhase::Preflight {
            return;
        }
        if let Some(refusal) = refusal {
            self.note(now, None, format!("cannot be started: {refusal}"));
            return self.go(RolloutPhase::Draft, effects);
        }
        self.nodes.clear();
        for (nodes, wave) in plan.waves.iter().zip(0_u16..) {
            for node in nodes {
                let mut progress = Progress::new(wave);
                progress.meant = plan.named.get(node).copied().unwrap_or(0);
                if self.excluded.contains_key(&node.store) {
                    progress.status = Status::Excluded;
                }
                // A plan of somebody else's may name a node twice: the first wave counts.
                self.nodes.entry(node.clone()).or_insert(progress);
            }
        }
        self.approvals.clear();
        let is_approved = self.needed == 0;
        let next = if is_approved { RolloutPhase::Ready } else { RolloutPhase::AwaitingApproval };
        self.go(next, effects);
    }

    pub(super) fn go_back(&mut self, why: String, effects: &mut Vec<Effect>) {
        let given = self.nodes.iter().filter(|(_, progress)| progress.given_at.is_some());
        let nodes = given.map(|(node, _)| node.clone()).collect();
        self.go(RolloutPhase::RollingBack { why }, effects);
        effects.push(Effect::Changed(nodes));
    }

    /// The wave that runs has to prove itself anew.
    pub(super) fn soak_again(&mut self) {
        if let Some(wave) = self.waves.get_mut(self.current) {
            (wave.reached_at, wave.reached_ms) = (None, None);
        }
    }

    /// Those that were given it and do not run it yet.
    pub(super) fn held(&self) -> Vec<NodeId> {
        let is_held = |progress: &Progress| matches!(progress.status, Status::Given | Status::Working);
        self.nodes.iter().filter(|(_, progress)| is_held(progress)).map(|(node, _)| node.clone()).collect()
    }

    pub(super) fn next_wave(&mut self, now: Timestamp, by_person: bool, effects: &mut Vec<Effect>) {
        if let (Some(wave), Some(spec)) =
            (self.waves.get_mut(self.current), self.spec.waves.get(self.current))
        {
            wave.ended_at = Some(now);
            wave.is_waived = by_person;
            let name = spec.name.clone();
            self.note(now, None, format!("wave `{name}` is through"));
            effects.push(Effect::WavePassed { wave: name, by_person });
        }
        self.current = self.current.saturating_add(1).min(self.waves.len());
        if self.current == self.waves.len() {
            self.go(RolloutPhase::Settling, effects);
        } else {
            self.go(RolloutPhase::Running, effects);
            self.begin_wave(now, effects);
        }
    }

    pub(super) fn begin_wave(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        let at = self.moment(now);
        let mut given = Vec::new();
        for (node, progress) in &mut self.nodes {
            if usize::from(progress.wave) == self.current && progress.status == Status::Waiting {
                progress.give(at);
                given.push(node.clone());
            }
        }
        if let (Some(wave), Some(spec)) =
            (self.waves.get_mut(self.current), self.spec.waves.get(self.current))
        {
            (wave.started_at, wave.started_ms) = (Some(now), Some(at.clock_ms));
            let (wave, nodes) = (spec.name.clone(), given.len() as u64);
            self.note(now, None, format!("wave `{wave}` begins with {nodes} nodes"));
            effects.push(Effect::WaveStarted { wave, nodes });
        }
        effects.push(Effect::Changed(given));
    }

    pub(super) fn go(&mut self, to: RolloutPhase, effects: &mut Vec<Effect>) {
        if self.phase != to {
            let from = std::mem::replace(&mut self.phase, to.clone());
            effects.push(Effect::Phase { from, to });
        }
    }

    pub(super) fn note(&mut self, at: Timestamp, by: Option<String>, what: String) {
        if self.history.len() >= HISTORY_MAX {
            self.history.pop_front();
        }
        self.history.push_back(Entry { at, by, what });
    }

    /// Why a node failed, where it did.
    #[must_use]
    pub fn cause(&self, node: &NodeId) -> Option<&Cause> {
        self.nodes.get(node)?.cause.as_ref()
    }
}
