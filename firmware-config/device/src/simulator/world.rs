//! The shop that all devices stand in, the faults that come over them, and the truth that is written of both.
//!
//! Guards: what is written depends on the scenario, the seed and what was done by hand alone, never on how long the steps are that time
//! is advanced by, nor on anything that the network does.

use super::{
    count::Counts,
    scenario::{DevicePlan, FaultPlan, Scenario, fault_seed, milliseconds},
    truth::Truth,
};
use crate::floor::{Floor, Happening, Place, What};
use serde_json::json;
use std::{
    io::{self, Write},
    sync::Arc,
};
use tokio::sync::broadcast;

/// Happenings that a slow listener may be behind; then it loses the oldest.
const HAPPENINGS_MAX: usize = 4096;

pub(super) struct World {
    pub(super) floor: Option<Floor>,
    pub(super) faults: Arc<FaultPlan>,
    devices: Arc<[DevicePlan]>,
    now_ms: u64,
    truth: Option<Truth>,
    /// Why something done by hand could not be written down; told at the next step.
    failed: Option<io::Error>,
    truth_every_ms: u64,
    /// Begins and ends of faults that are still to come, the next one last: when, which, and whether it begins.
    edges: Vec<(u64, usize, bool)>,
    pub(super) happenings: broadcast::Sender<Happening>,
}

impl World {
    pub(super) fn new(scenario: &Scenario, seed: u64) -> Self {
        let devices: Arc<[DevicePlan]> = scenario.plan().into();
        let faults = FaultPlan::new(&scenario.faults, &devices, &mut fault_seed(seed));
        let windows = faults.windows.iter().enumerate();
        let mut edges: Vec<(u64, usize, bool)> = windows
            .flat_map(|(which, fault)| [(fault.from_ms, which, true), (fault.until_ms, which, false)])
            .filter(|(at_ms, ..)| *at_ms != u64::MAX)
            .collect();
        edges.sort_unstable_by(|a, b| b.cmp(a));
        Self {
            floor: scenario.floor.as_ref().map(|floor| Floor::new(floor, seed)),
            faults: Arc::new(faults),
            devices,
            now_ms: 0,
            truth: None,
            failed: None,
            truth_every_ms: milliseconds(scenario.simulation.truth_interval_s),
            edges,
            happenings: broadcast::channel(HAPPENINGS_MAX).0,
        }
    }

    /// Writes the truth from now on, beginning with what it is of.
    pub(super) fn tell(
        &mut self,
        out: Box<dyn Write + Send>,
        scenario: &Scenario,
        seed: u64,
    ) -> io::Result<()> {
        self.truth = Some(Truth::new(out, scenario, seed, &self.devices)?);
        self.write_state()
    }

    pub(super) fn devices(&self) -> Arc<[DevicePlan]> {
        Arc::clone(&self.devices)
    }

    /// Lets time pass up to so many simulated milliseconds since the start.
    pub(super) fn advance_to(&mut self, target_ms: u64, counts: &Counts) -> io::Result<()> {
        self.failed.take().map_or(Ok(()), Err)?;
        while self.now_ms < target_ms {
            let state_at = (self.now_ms / self.truth_every_ms + 1).saturating_mul(self.truth_every_ms);
            let edge_at = self.edges.last().map_or(u64::MAX, |(at_ms, ..)| (*at_ms).max(self.now_ms));
            let next = target_ms.min(state_at).min(edge_at);
            self.pass(next - self.now_ms)?;
            self.now_ms = next;
            self.turn_edges(counts)?;
            if next == state_at {
                self.write_state()?;
            }
        }
        self.turn_edges(counts)
    }

    /// Somebody opens the door of a unit; false when there is no such unit.
    pub(super) fn open_door(&mut self, unit: &str, ms: u64) -> bool {
        let opened = self.floor.as_mut().is_some_and(|floor| floor.open_door(unit, ms));
        if opened {
            self.by_hand(What::DoorOpened { unit: unit.to_owned(), ms });
        }
        opened
    }

    /// A shopper takes all there is on a shelf; the number of pieces.
    pub(super) fn empty_shelf(&mut self, sku: &str) -> i64 {
        let pieces = self.floor.as_mut().map_or(0, |floor| floor.empty_shelf(sku));
        if pieces > 0 {
            self.by_hand(What::PickedUp { sku: sku.to_owned(), pieces });
        }
        pieces
    }

    /// Somebody closes the door of a unit; false when there is no such unit.
    pub(super) fn close_door(&mut self, unit: &str) -> bool {
        let found = self.floor.as_mut().is_some_and(|floor| floor.close_door(unit));
        if found {
            self.write_by_hand(json!({ "what": "door_closed", "unit": unit }));
        }
        found
    }

    /// Staff bring to a shelf what it has room for; the number of pieces.
    pub(super) fn fill_shelf(&mut self, sku: &str, noted: bool) -> i64 {
        let pieces = self.floor.as_mut().map_or(0, |floor| floor.fill_shelf(sku));
        if pieces > 0 {
            let (from, to) = (Place::Backroom, Place::Shelf);
            self.by_hand(What::Moved { sku: sku.to_owned(), from, to, pieces, noted });
        }
        pieces
    }

    /// The compressor of a unit breaks, or is mended; false when there is no such unit.
    pub(super) fn break_unit(&mut self, unit: &str, broken: bool) -> bool {
        let found = self.floor.as_mut().is_some_and(|floor| floor.break_unit(unit, broken));
        if found {
            let what = if broken { "unit_broken" } else { "unit_mended" };
            self.write_by_hand(json!({ "what": what, "unit": unit }));
        }
        found
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.truth.as_mut().map_or(Ok(()), Truth::flush)
    }

    fn pass(&mut self, ms: u64) -> io::Result<()> {
        let Some(floor) = &mut self.floor else { return Ok(()) };
        let start_ms = floor.config().start_ms;
        for happening in floor.advance(ms) {
            if let Some(truth) = &mut self.truth {
                truth.happening(u64::try_from(happening.at_ms - start_ms).unwrap_or_default(), &happening)?;
            }
            // Nobody has to listen.
            drop(self.happenings.send(happening));
        }
        Ok(())
    }

    fn by_hand(&mut self, what: What) {
        self.write_by_hand(super::truth::what(&what));
        let at_ms = self.floor.as_ref().map_or(0, Floor::now_ms);
        // Nobody has to listen.
        drop(self.happenings.send(Happening { at_ms, what }));
    }

    /// A device is unplugged from its network, or plugged in again.
    pub(super) fn write_plugged(&mut self, device: &str, plugged: bool) {
        let what = if plugged { "plugged_in" } else { "unplugged" };
        self.write_by_hand(json!({ "what": what, "device": device }));
    }

    fn write_by_hand(&mut self, line: serde_json::Value) {
        if let Some(truth) = &mut self.truth
            && let Err(error) = truth.by_hand(self.now_ms, line)
        {
            self.failed.get_or_insert(error);
        }
    }

    fn turn_edges(&mut self, counts: &Counts) -> io::Result<()> {
        while let Some((_, which, begins)) = self.edges.pop_if(|(at_ms, ..)| *at_ms <= self.now_ms) {
            if begins {
                counts.fault();
            }
            let Some(fault) = self.faults.windows.get(which) else { continue };
            let Some(device) = self.devices.get(fault.device) else { continue };
            if let Some(truth) = &mut self.truth {
                truth.fault(self.now_ms, device, fault, begins)?;
            }
        }
        Ok(())
    }

    fn write_state(&mut self) -> io::Result<()> {
        match (&mut self.truth, &self.floor) {
            (Some(truth), Some(floor)) => truth.state(self.now_ms, floor),
            _ => Ok(()),
        }
    }
}
