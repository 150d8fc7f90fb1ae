//! How one node stands in a rollout, and how many stand how.

use super::Cause;
use crate::{
    artefact::{ArtefactSet, Release, Slot, Want},
    gate::Health,
    report::{Asked, NodeReport, Phase, SlotReport},
};
use aisle_event::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A moment: the time of day, for people, and the rollout's own clock, for what it decides.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) now: Timestamp,
    pub(super) clock_ms: u64,
    pub(super) offline_ms: u64,
}

/// How one node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Status {
    /// Its wave has not begun.
    Waiting,
    /// It should run it, and has not said that it knows.
    Given,
    /// It brings it in.
    Working,
    /// It runs it, and has not proved itself.
    Live,
    /// It runs it, and has proved itself in live traffic.
    Passed,
    /// It gave it up.
    Failed,
    /// People took it out.
    Excluded,
    /// It has gone back.
    Back,
}

/// How one node stands, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Progress {
    /// Its wave, from 0.
    pub wave: u16,
    /// How it stands.
    pub status: Status,
    /// How often it was asked to try again.
    pub round: u32,
    /// When it was last heard of.
    #[cfg_attr(feature = "schema", schema(value_type = Option<i64>))]
    pub seen_at: Option<Timestamp>,
    /// When it was given the release, or came back from being away, whichever was later.
    #[cfg_attr(feature = "schema", schema(value_type = Option<i64>))]
    pub given_at: Option<Timestamp>,
    /// The first of these by the rollout's own clock.
    pub(super) seen_ms: Option<u64>,
    /// How long it has been there without having run it, by the same clock: the sum, for a box that comes and goes. While the rollout is paused it stands.
    #[serde(default)]
    pub(super) waited_ms: u64,
    /// It was there when it was given the release, or has been since.
    pub was_there: bool,
    /// It said last that it runs some of it, or is about to.
    #[serde(default)]
    pub has_begun: bool,
    /// The waves that name whom they mean and mean it, a bit each; all of them where an earlier build did not write it down.
    #[serde(default = "all_waves")]
    pub(super) meant: u32,
    /// Slots that later rollouts decide: nothing is expected of it there.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[cfg_attr(feature = "schema", schema(value_type = Vec<String>))]
    pub overtaken: BTreeSet<Slot>,
    /// Why it failed, also when it is not asked for it any more.
    pub cause: Option<Cause>,
    /// What it waits for, in words.
    pub waits: Option<String>,
    /// How the release has done there, over all starts of the node.
    pub health: Health,
    /// What of that was before it started anew: a node counts from nothing then.
    #[serde(default)]
    pub(super) before: Health,
}

const fn all_waves() -> u32 {
    u32::MAX
}

impl Progress {
    pub(super) fn new(wave: u16) -> Self {
        Self {
            wave,
            status: Status::Waiting,
            round: 0,
            seen_at: None,
            given_at: None,
            seen_ms: None,
            waited_ms: 0,
            was_there: false,
            has_begun: false,
            meant: 0,
            overtaken: BTreeSet::new(),
            cause: None,
            waits: None,
            health: Health::default(),
            before: Health::default(),
        }
    }

    /// So much time has passed, and nobody held it up.
    pub(super) fn wait(&mut self, ms: u64, at: Moment) {
        let is_awaited = matches!(self.status, Status::Given | Status::Working | Status::Live);
        if is_awaited && !self.is_away(at) {
            self.waited_ms = self.waited_ms.saturating_add(ms);
        }
    }

    /// True when it runs it, or was about to when it was last heard of.
    pub(super) const fn has_it(&self) -> bool {
        match self.status {
            Status::Live | Status::Passed => true,
            Status::Given | Status::Working => self.has_begun,
            _ => false,
        }
    }

    /// For how long it has not been heard of; nothing while it is there, or where it never was.
    pub(super) fn silent_ms(&self, at: Moment) -> Option<u64> {
        let silent_ms = at.clock_ms.saturating_sub(self.seen_ms?);
        (silent_ms > at.offline_ms).then_some(silent_ms)
    }

    /// True while it is not heard of.
    pub(super) fn is_away(&self, at: Moment) -> bool {
        self.seen_ms.is_none() || self.silent_ms(at).is_some()
    }

    /// It was heard of.
    pub(super) fn see(&mut self, at: Moment) {
        if self.is_away(at) && self.given_at.is_some() {
            self.given_at = Some(at.now);
        }
        self.was_there |= self.given_at.is_some();
        (self.seen_at, self.seen_ms) = (Some(at.now), Some(at.clock_ms));
    }

    pub(super) fn give(&mut self, at: Moment) {
        self.was_there = !self.is_away(at);
        self.status = Status::Given;
        (self.given_at, self.waited_ms) = (Some(at.now), 0);
        (self.cause, self.waits, self.has_begun) = (None, None, false);
    }

    /// It tries once more: what went wrong before is not held against that.
    pub(super) fn give_again(&mut self, at: Moment) {
        self.round += 1;
        self.give(at);
        (self.health, self.before) = (Health::default(), Health::default());
    }

    /// Takes over what a node says of a set that it was given. Where `is_kept`, one that has passed stays so when it is asked for something else: a later
    /// rollout takes nothing away from one that is done.
    pub(super) fn hear(&mut self, set: &ArtefactSet, report: &NodeReport, is_kept: bool) {
        let mut all = Said::Passed;
        let mut health: Option<Health> = None;
        self.has_begun = false;
        for (slot, want) in set.iter().filter(|(slot, _)| !self.overtaken.contains(*slot)) {
            let Some(of_slot) = report.slots.get(slot) else {
                let is_so = matches!(want, Want::Absent);
                all = all.and(if is_so { Said::Passed } else { Said::Given });
                continue;
            };
            if let (true, Some(of_slot)) = (runs(of_slot, want.release()), &of_slot.health) {
                health.get_or_insert_with(Health::default).merge(of_slot);
            }
            self.has_begun |= has_begun(want, of_slot, self.round);
            all = all.and(said(slot, want, of_slot, self.round));
        }
        if let Some(health) = health {
            self.count(&health);
        }
        if is_kept && self.status == Status::Passed && matches!(all, Said::Given) {
            return;
        }
        self.waits = None;
        if !matches!(all, Said::Given) {
            // Why it failed stays to be read when it is not asked any more.
            self.cause = None;
        }
        self.status = match all {
            Said::Passed => Status::Passed,
            Said::Live => Status::Live,
            Said::Given => Status::Given,
            Said::Working(waits) => {
                self.waits = waits;
                Status::Working
            }
            Said::Failed(cause) => {
                self.cause = Some(cause);
                Status::Failed
            }
        };
    }

    /// Takes over how the release has done since the node was started. A node that has started anew counts from nothing, and what was seen before is not unseen.
    fn count(&mut self, since_start: &Health) {
        // Together the two are what was told so far.
        let told = |of: fn(&Health) -> u64| of(&self.health).saturating_sub(of(&self.before));
        let is_less = |of: fn(&Health) -> u64| of(since_start) < told(of);
        let counters: [fn(&Health) -> u64; 4] = [|it| it.calls, |it| it.traps, |it| it.errors, |it| it.fuel];
        if counters.into_iter().any(is_less) {
            self.before = self.health.clone();
        }
        self.health = self.before.clone();
        self.health.merge(since_start);
    }

    /// True when a node says that it runs nothing of a set any more, and is not asked to either.
    pub(super) fn is_back(set: &ArtefactSet, report: &NodeReport) -> bool {
        let is_asked = |of_slot: &SlotReport, release: &Release| match &of_slot.wanted {
            Some(Asked::Release(asked)) => asked.hash == release.hash,
            _ => false,
        };
        set.iter().all(|(slot, want)| match (want, report.slots.get(slot)) {
            (_, None) => true,
            // One that has not heard of it yet brings it in, and would run it a moment later.
            (Want::Release(release), Some(of_slot)) => {
                !runs(of_slot, Some(release)) && !is_asked(of_slot, release)
            }
            (Want::Absent, Some(of_slot)) => of_slot.wanted != Some(Asked::Absent) || !of_slot.is_drift(),
        })
    }
}

fn runs(of_slot: &SlotReport, release: Option<&Release>) -> bool {
    let running = of_slot.running.as_ref().map(|running| running.hash);
    release.is_some_and(|release| running == Some(release.hash))
}

/// What a node says of one slot, or of all: the least of them counts.
enum Said {
    Passed,
    Live,
    Given,
    Working(Option<String>),
    Failed(Cause),
}

impl Said {
    const fn rank(&self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Live => 1,
            Self::Given => 2,
            Self::Working(_) => 3,
            Self::Failed(_) => 4,
        }
    }

    fn and(self, other: Self) -> Self {
        if other.rank() > self.rank() { other } else { self }
    }
}

/// True when a node goes by what it was given.
fn is_asked(want: &Want, of_slot: &SlotReport, round: u32) -> bool {
    match (&of_slot.wanted, want) {
        (Some(Asked::Absent), Want::Absent) => true,
        (Some(Asked::Release(asked)), Want::Release(release)) => {
            asked.hash == release.hash && of_slot.round == round
        }
        _ => false,
    }
}

/// True when a node runs it, or has its bytes in hand and goes on to. It tells of its steps with gaps between: one that goes silent while it puts something in place may
/// have told of the step before as its last word.
fn has_begun(want: &Want, of_slot: &SlotReport, round: u32) -> bool {
    let is_under_way = matches!(
        of_slot.phase,
        Phase::Verifying
            | Phase::Testing
            | Phase::Activating
            | Phase::Watching
            | Phase::Reverting
            | Phase::Removing
    );
    runs(of_slot, want.release()) || (is_under_way && is_asked(want, of_slot, round))
}

fn said(slot: &Slot, want: &Want, of_slot: &SlotReport, round: u32) -> Said {
    let cause = |of_slot: &SlotReport| of_slot.reasons.first().map(|reason| Cause::of(slot, reason));
    let is_asked = is_asked(want, of_slot, round);
    if runs(of_slot, want.release()) {
        return match (of_slot.phase, cause(of_slot)) {
            (Phase::Settled | Phase::Left, _) => Said::Passed,
            (Phase::Refused, Some(cause)) if is_asked => Said::Failed(cause),
            _ => Said::Live,
        };
    }
    if !is_asked {
        return Said::Given;
    }
    match (of_slot.phase, cause(of_slot)) {
        (Phase::Settled, _) => Said::Passed,
        (Phase::Refused, Some(cause)) => Said::Failed(cause),
        _ => Said::Working(of_slot.reasons.first().map(ToString::to_string)),
    }
}

/// How many nodes stand how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Tally {
    /// All of them.
    pub members: u64,
    /// Their wave has not begun.
    pub waiting: u64,
    /// People took them out.
    pub excluded: u64,
    /// They are not heard of, and had not begun with it.
    pub offline: u64,
    /// They ran it or were about to, had not passed, and have not been heard of since.
    pub dark: u64,
    /// They are there, and take longer than is waited for.
    pub late: u64,
    /// They bring it in.
    pub working: u64,
    /// They run it, and have not proved themselves.
    pub live: u64,
    /// They run it, and have; those of them as well that are not heard of just now.
    pub passed: u64,
    /// They gave it up.
    pub failed: u64,
    /// They have gone back.
    pub back: u64,
}

impl Tally {
    /// Those of which something can be expected.
    #[must_use]
    pub const fn reachable(&self) -> u64 {
        self.working.saturating_add(self.live).saturating_add(self.passed).saturating_add(self.failed)
    }

    pub(super) fn count(&mut self, progress: &Progress, at: Moment, deadline_ms: u64) {
        self.members += 1;
        let is_late = progress.waited_ms > deadline_ms;
        let place = match progress.status {
            Status::Waiting => &mut self.waiting,
            Status::Excluded => &mut self.excluded,
            Status::Passed => &mut self.passed,
            Status::Failed => &mut self.failed,
            Status::Back => &mut self.back,
            _ if progress.is_away(at) && progress.has_it() => &mut self.dark,
            _ if progress.is_away(at) => &mut self.offline,
            _ if is_late => &mut self.late,
            Status::Live => &mut self.live,
            Status::Given | Status::Working => &mut self.working,
        };
        *place += 1;
    }
}
