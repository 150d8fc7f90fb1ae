//! How one node stands in a rollout, and how many stand how.

use super::Cause;
use crate::{
    artefact::{ArtefactSet, Release, Slot, Want},
    gate::Health,
    report::{Asked, NodeReport, Phase, SlotReport},
};
use aisle_event::Timestamp;
use serde::{Deserialize, Serialize};

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
    /// And the second.
    pub(super) given_ms: Option<u64>,
    /// It was there when it was given the release, or has been since.
    pub was_there: bool,
    /// Why it failed, also when it is not asked for it any more.
    pub cause: Option<Cause>,
    /// What it waits for, in words.
    pub waits: Option<String>,
    /// How the release has done there.
    pub health: Health,
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
            given_ms: None,
            was_there: false,
            cause: None,
            waits: None,
            health: Health::default(),
        }
    }

    /// True while it is not heard of.
    pub(super) fn is_away(&self, at: Moment) -> bool {
        self.seen_ms.is_none_or(|seen| at.clock_ms.saturating_sub(seen) > at.offline_ms)
    }

    /// It was heard of.
    pub(super) fn see(&mut self, at: Moment) {
        if self.is_away(at) && self.given_at.is_some() {
            // Its time begins when it is there.
            (self.given_at, self.given_ms) = (Some(at.now), Some(at.clock_ms));
        }
        self.was_there |= self.given_at.is_some();
        (self.seen_at, self.seen_ms) = (Some(at.now), Some(at.clock_ms));
    }

    pub(super) fn give(&mut self, at: Moment) {
        self.was_there = !self.is_away(at);
        self.status = Status::Given;
        (self.given_at, self.given_ms) = (Some(at.now), Some(at.clock_ms));
        (self.cause, self.waits) = (None, None);
    }

    /// Takes over what a node says of a set that it was given.
    pub(super) fn hear(&mut self, set: &ArtefactSet, report: &NodeReport) {
        let mut all = Said::Passed;
        let mut health = Health::default();
        for (slot, want) in set {
            let Some(of_slot) = report.slots.get(slot) else {
                let is_so = matches!(want, Want::Absent);
                all = all.and(if is_so { Said::Passed } else { Said::Given });
                continue;
            };
            if let (true, Some(of_slot)) = (runs(of_slot, want.release()), &of_slot.health) {
                health.merge(of_slot);
            }
            all = all.and(said(slot, want, of_slot, self.round));
        }
        if health.calls >= self.health.calls {
            // A node that has started anew counts from nothing; what was seen before is not unseen.
            self.health = health;
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

    /// True when a node says that it runs nothing of a set any more.
    pub(super) fn is_back(set: &ArtefactSet, report: &NodeReport) -> bool {
        set.iter().all(|(slot, want)| match (want, report.slots.get(slot)) {
            (_, None) => true,
            (Want::Release(_), Some(of_slot)) => !runs(of_slot, want.release()),
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

fn said(slot: &Slot, want: &Want, of_slot: &SlotReport, round: u32) -> Said {
    let cause = |of_slot: &SlotReport| of_slot.reasons.first().map(|reason| Cause::of(slot, reason));
    let is_asked = match (&of_slot.wanted, want) {
        (Some(Asked::Absent), Want::Absent) => true,
        (Some(Asked::Release(asked)), Want::Release(release)) => {
            asked.hash == release.hash && of_slot.round == round
        }
        _ => false,
    };
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
    /// They have been away since before they were given it.
    pub offline: u64,
    /// They were there, and have not been heard of since.
    pub dark: u64,
    /// They are there, and take longer than is waited for.
    pub late: u64,
    /// They bring it in.
    pub working: u64,
    /// They run it, and have not proved themselves.
    pub live: u64,
    /// They run it, and have.
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
        let is_late = progress.given_ms.is_some_and(|given| at.clock_ms.saturating_sub(given) > deadline_ms);
        let place = match progress.status {
            Status::Waiting => &mut self.waiting,
            Status::Excluded => &mut self.excluded,
            Status::Passed => &mut self.passed,
            Status::Failed => &mut self.failed,
            Status::Back => &mut self.back,
            _ if progress.is_away(at) && progress.was_there => &mut self.dark,
            _ if progress.is_away(at) => &mut self.offline,
            _ if is_late => &mut self.late,
            Status::Live => &mut self.live,
            Status::Given | Status::Working => &mut self.working,
        };
        *place += 1;
    }
}
