//! What the clients of a run share: which messages are on their way, and what was counted.

use super::{Load, Pace};
use anyhow::Result;
use hdrhistogram::Histogram;
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Instant,
};
use tokio::sync::Notify;

/// The longest time that is told from a longer one: a minute.
const LATENCY_NS_MAX: u64 = 60_000_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    WarmingUp,
    Counting,
    /// Nothing new is sent.
    Ending,
}

#[derive(Debug)]
pub(super) struct Board {
    pub(super) load: Load,
    pub(super) started: Instant,
    phase: Cell<Phase>,
    lanes: Vec<Lane>,
    tally: RefCell<Tally>,
}

/// One publisher. Its messages have slots, which are their packet identifiers less one.
#[derive(Debug)]
pub(super) struct Lane {
    /// How many answers each slot still waits for.
    owed: RefCell<Vec<u16>>,
    /// Slots that wait for none.
    pub(super) free: RefCell<Vec<u16>>,
    /// A slot became free, or the phase changed.
    pub(super) wake: Notify,
}

#[derive(Debug)]
pub(super) struct Tally {
    pub(super) acknowledged: u64,
    pub(super) delivered: u64,
    pub(super) to_acknowledgement: Histogram<u64>,
    pub(super) to_subscriber: Histogram<u64>,
}

impl Board {
    pub(super) fn new(load: Load) -> Result<Self> {
        let lane = |_| Lane {
            owed: RefCell::new(vec![0; load.in_flight.into()]),
            free: RefCell::new((0..load.in_flight).rev().collect()),
            wake: Notify::new(),
        };
        let histogram = || Histogram::new_with_bounds(1_000, LATENCY_NS_MAX, 3);
        Ok(Self {
            load,
            started: Instant::now(),
            phase: Cell::new(Phase::WarmingUp),
            lanes: (0..load.publishers).map(lane).collect(),
            tally: RefCell::new(Tally {
                acknowledged: 0,
                delivered: 0,
                to_acknowledgement: histogram()?,
                to_subscriber: histogram()?,
            }),
        })
    }

    pub(super) fn now_ns(&self) -> u64 {
        self.started.elapsed().as_nanos() as u64
    }

    pub(super) fn enter(&self, phase: Phase) {
        self.phase.set(phase);
        for lane in &self.lanes {
            lane.wake.notify_one();
        }
    }

    pub(super) fn is_ending(&self) -> bool {
        self.phase.get() == Phase::Ending
    }

    pub(super) fn lane(&self, number: u16) -> Option<&Lane> {
        self.lanes.get(usize::from(number))
    }

    /// How many answers a message waits for.
    pub(super) const fn owed(&self) -> u16 {
        let acknowledgement = if self.load.qos > 0 { 1 } else { 0 };
        match self.load.pace {
            Pace::Delivered => acknowledgement + self.load.subscribers,
            Pace::Acknowledged | Pace::Every(_) => acknowledgement,
        }
    }

    pub(super) fn acknowledged(&self, lane: &Lane, slot: u16, sent_ns: u64, now_ns: u64) {
        if self.phase.get() == Phase::Counting {
            let mut tally = self.tally.borrow_mut();
            tally.acknowledged += 1;
            tally.to_acknowledgement.saturating_record(now_ns.saturating_sub(sent_ns));
        }
        lane.answered(slot);
    }

    pub(super) fn delivered(&self, lane: u16, slot: u16, sent_ns: u64, now_ns: u64) {
        if self.phase.get() == Phase::Counting {
            let mut tally = self.tally.borrow_mut();
            tally.delivered += 1;
            tally.to_subscriber.saturating_record(now_ns.saturating_sub(sent_ns));
        }
        if self.load.pace == Pace::Delivered
            && let Some(lane) = self.lane(lane)
            && lane.answered(slot)
        {
            lane.wake.notify_one();
        }
    }

    pub(super) fn on_their_way(&self) -> usize {
        self.lanes.iter().map(|lane| lane.owed.borrow().iter().filter(|owed| **owed > 0).count()).sum()
    }

    /// The count, when everybody else has gone.
    pub(super) fn into_tally(self: Rc<Self>) -> Option<Tally> {
        Some(Rc::into_inner(self)?.tally.into_inner())
    }
}

impl Lane {
    pub(super) fn sent(&self, slot: u16, owed: u16) {
        if let Some(slot) = self.owed.borrow_mut().get_mut(usize::from(slot)) {
            *slot = owed;
        }
    }

    /// One answer came; true when it was the last one.
    fn answered(&self, slot: u16) -> bool {
        let mut owed = self.owed.borrow_mut();
        let Some(left) = owed.get_mut(usize::from(slot)).filter(|left| **left > 0) else { return false };
        *left -= 1;
        if *left > 0 {
            return false;
        }
        self.free.borrow_mut().push(slot);
        true
    }
}
