//! When the hub is told how the node stands: at once when that is news, soon when devices are or figures that change with every call (calls, fuel, durations), and now and then in any case,
//! since free disk and days change without.
//!
//! Not here: what is said (`aisle_fleet::says`), how often devices are ([`super::pace`]). Guards invariant 6: a node that has nothing new says a few words an hour, and one
//! that is busy keeps no other from being heard.

use super::pace::Pace;
use aisle_fleet::{NodeReport, Reason, Slot, device::SlotDevices, rehearsal::Played};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// What is told of the node's facts holds for so long at least.
const FACTS: Duration = Duration::from_secs(50 * 60);
/// And for so much longer at most, so that a fleet that came back at once does not go on talking at once.
const SPREAD: Duration = Duration::from_secs(20 * 60);

/// The longest that new figures wait: gates of a rollout go by them.
const FIGURES_LAST: Duration = Duration::from_secs(30);
/// The longest that a change at devices alone waits.
const DEVICES_LAST: Duration = Duration::from_secs(300);

/// What the hub was told last.
#[derive(Debug)]
pub(super) struct Told {
    /// Of the fleet.
    of_fleet: Option<(NodeReport, Vec<Played>)>,
    /// Of devices.
    of_devices: BTreeMap<Slot, SlotDevices>,
    /// How often it is told of devices alone.
    pace: Pace,
    /// And how often of figures alone.
    of_figures: Pace,
    /// When it is told in any case.
    due: Option<Instant>,
}

impl Default for Told {
    fn default() -> Self {
        Self {
            of_fleet: None,
            of_devices: BTreeMap::new(),
            pace: Pace::up_to(DEVICES_LAST),
            of_figures: Pace::up_to(FIGURES_LAST),
            due: None,
        }
    }
}

impl Told {
    /// How long until it has to be told that things stand so; zero when that is now.
    pub(super) fn wait(
        &mut self,
        (report, rehearsals): (&NodeReport, &[Played]),
        of_devices: &BTreeMap<Slot, SlotDevices>,
        now: Instant,
    ) -> Duration {
        let due = self.due.map_or(Duration::ZERO, |due| due.saturating_duration_since(now));
        let Some((told, played)) = self.of_fleet.as_ref().filter(|_| !due.is_zero()) else {
            return Duration::ZERO;
        };
        if played != rehearsals || without_figures(told) != without_figures(report) {
            return Duration::ZERO;
        }
        let is_new = (told != report, self.of_devices != *of_devices);
        let mut wait = due;
        for (is_new, pace) in [(is_new.0, &self.of_figures), (is_new.1, &self.pace)] {
            if is_new {
                wait = wait.min(pace.wait(now).unwrap_or_default());
            }
        }
        if wait.is_zero() {
            // What goes along is told as well.
            if is_new.0 {
                self.of_figures.told(now);
            }
            if is_new.1 {
                self.pace.told(now);
            }
        }
        wait
    }

    /// It is told. `draw` is anything, and says how long that holds.
    pub(super) fn tell(
        &mut self,
        of_fleet: (NodeReport, Vec<Played>),
        of_devices: BTreeMap<Slot, SlotDevices>,
        now: Instant,
        draw: u32,
    ) {
        (self.of_fleet, self.of_devices) = (Some(of_fleet), of_devices);
        self.due = Some(now + FACTS + SPREAD.mul_f64(f64::from(draw) / f64::from(u32::MAX)));
    }

    /// The hub may have forgotten.
    pub(super) fn forget(&mut self) {
        self.of_fleet = None;
    }
}

/// A report as it would be if nothing were counted.
fn without_figures(report: &NodeReport) -> NodeReport {
    let mut report = report.clone();
    for slot in report.slots.values_mut() {
        slot.health = None;
        for reason in &mut slot.reasons {
            match reason {
                Reason::NotCalledYet { calls, .. } => *calls = 0,
                Reason::Watching { minutes_left } => *minutes_left = 0,
                Reason::DiskFull { missing_bytes } => *missing_bytes = 0,
                _ => {}
            }
        }
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;
    use aisle_fleet::{
        ContentHash, Health,
        report::{Brief, Phase, SlotReport},
    };

    fn report(phase: Phase, calls: u64) -> NodeReport {
        let slot = SlotReport {
            wanted: None,
            round: 0,
            running: None,
            good: None,
            phase,
            reasons: vec![Reason::NotCalledYet { calls, calls_min: 20 }],
            health: Some(Health { calls, ..Health::default() }),
        };
        let slots = BTreeMap::from([("plugin/multi-buy".parse().unwrap(), slot)]);
        NodeReport { slots, ..NodeReport::default() }
    }

    #[test]
    fn figures_that_change_with_every_call_are_told_now_and_then_and_everything_else_at_once() {
        let (mut told, start) = (Told::default(), Instant::now());
        let devices = BTreeMap::new();
        let mut at = Vec::new();
        for second in 0..600 {
            let now = start + Duration::from_secs(second);
            let of_fleet = (report(Phase::Watching, second), Vec::new());
            let wait = told.wait((&of_fleet.0, &of_fleet.1), &devices, now);
            assert!(wait <= FIGURES_LAST);
            if wait.is_zero() {
                told.tell(of_fleet, devices.clone(), now, 0);
                at.push(second);
            }
        }
        assert_eq!(at[..6], [0, 1, 6, 16, 36, 66], "the first of all, then ever more rarely");
        assert!(at.windows(2).all(|two| two[1] - two[0] <= 30), "{at:?}");
        let now = start + Duration::from_secs(600);
        assert!(told.wait((&report(Phase::Settled, 600), &[]), &devices, now).is_zero());
    }

    #[test]
    fn a_quiet_node_is_told_of_again_about_each_hour_and_not_more_often() {
        let (mut told, start) = (Told::default(), Instant::now());
        let devices = BTreeMap::new();
        let mut at = Vec::new();
        for minute in 0..24 * 60 {
            let now = start + Duration::from_secs(minute * 60);
            if told.wait((&NodeReport::default(), &[]), &devices, now).is_zero() {
                told.tell(Default::default(), devices.clone(), now, [0, u32::MAX][at.len() % 2]);
                at.push(minute);
            }
        }
        assert_eq!(at[..5], [0, 50, 120, 170, 240]);
        assert_eq!(at.len(), 24);
    }

    #[test]
    fn what_is_new_of_the_fleet_is_told_at_once_and_so_is_all_of_it_to_a_hub_that_may_have_forgotten() {
        let (mut told, now) = (Told::default(), Instant::now());
        let devices = BTreeMap::new();
        told.tell(Default::default(), devices.clone(), now, 0);
        assert_eq!(told.wait((&NodeReport::default(), &[]), &devices, now), FACTS);
        let mut news = NodeReport::default();
        news.others.insert("robot/arm".into(), "settled".into());
        assert!(told.wait((&news, &[]), &devices, now).is_zero());
        let of = Brief { version: "1.0.0".parse().unwrap(), hash: ContentHash([0; 32]) };
        let results = SlotDevices { of, counts: BTreeMap::new(), results: Vec::new() };
        let of_devices = BTreeMap::from([("device-settings/scales".parse().unwrap(), results)]);
        assert!(told.wait((&NodeReport::default(), &[]), &of_devices, now).is_zero());
        told.forget();
        assert!(told.wait((&NodeReport::default(), &[]), &devices, now).is_zero());
    }
}
