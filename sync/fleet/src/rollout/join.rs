//! Nodes that come to the fleet after a rollout was planned.
//!
//! Guards: a store that enrols opens no rollout again that decides nothing for it any more.

use super::{Progress, Rollout, RolloutPhase, Status, event::Effect};
use crate::{
    artefact::Slot,
    node::Member,
    wave::{WaveSpec, named},
};
use aisle_event::Timestamp;
use std::collections::BTreeSet;

impl Rollout {
    pub(super) fn joined(
        &mut self,
        member: &Member,
        overtaken: BTreeSet<Slot>,
        now: Timestamp,
        effects: &mut Vec<Effect>,
    ) {
        let is_late = self.phase.is_over() && !matches!(self.phase, RolloutPhase::Done);
        let is_early = matches!(self.phase, RolloutPhase::Draft | RolloutPhase::Preflight);
        if is_late || is_early || self.nodes.contains_key(&member.id) || !self.spec.who.matches(member) {
            return;
        }
        let Some(wave) = self.wave_of(member) else { return };
        if self.spec.set.keys().all(|slot| overtaken.contains(slot)) {
            return;
        }
        let named = named(&self.spec.waves, member);
        let mut progress = Progress { meant: named, overtaken, ..Progress::new(wave) };
        let at = self.moment(now);
        let has_begun = self.waves.get(usize::from(wave)).is_some_and(|wave| wave.started_at.is_some());
        if self.excluded.contains_key(&member.id.store) {
            progress.status = Status::Excluded;
        } else if has_begun {
            progress.give(at);
            effects.push(Effect::Changed(vec![member.id.clone()]));
        }
        self.keep_done();
        self.nodes.insert(member.id.clone(), progress);
        if self.phase == RolloutPhase::Done {
            self.go(RolloutPhase::Settling, effects);
        }
    }

    /// One that an earlier build wrote down as done does not say that it was, and may have lost who has run it to later rollouts: done meant that all had.
    fn keep_done(&mut self) {
        if self.was_done || self.phase != RolloutPhase::Done {
            return;
        }
        let is_asked = |status| matches!(status, Status::Given | Status::Working | Status::Live);
        for progress in self.nodes.values_mut().filter(|progress| is_asked(progress.status)) {
            (progress.status, progress.waits) = (Status::Passed, None);
        }
        self.was_done = true;
    }

    /// Slots of this rollout that later ones decide for a node, now or when its wave comes. Who sends [`super::Fact::Joined`] asks for them, with all rollouts there
    /// are.
    #[must_use]
    pub fn overtaken<'a>(
        &self,
        member: &Member,
        others: impl IntoIterator<Item = &'a Self>,
    ) -> BTreeSet<Slot> {
        let later = others.into_iter().filter(|other| other.order > self.order && other.decides(member));
        let slots = later.flat_map(|other| other.spec.set.keys());
        slots.filter(|slot| self.spec.set.contains_key(*slot)).cloned().collect()
    }

    /// True where it says what a node should run, or will.
    fn decides(&self, member: &Member) -> bool {
        let takes_in = match self.phase {
            RolloutPhase::Running
            | RolloutPhase::Paused { .. }
            | RolloutPhase::Settling
            | RolloutPhase::Done => !self.excluded.contains_key(&member.id.store),
            _ => false,
        };
        self.gives(&member.id)
            || (takes_in && self.spec.who.matches(member) && self.wave_of(member).is_some())
    }

    /// The last wave that means a node.
    fn wave_of(&self, member: &Member) -> Option<u16> {
        let is_meant = |wave: &WaveSpec| wave.who.as_ref().is_none_or(|who| who.matches(member));
        u16::try_from(self.spec.waves.iter().rposition(is_meant)?).ok()
    }
}
