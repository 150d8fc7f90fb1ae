//! When the hub is told how the node stands: at once when that is news, soon when devices are, and now and then in any case, since free disk and days change without.
//!
//! Not here: what is said (`aisle_fleet::says`), how often devices are ([`super::pace`]). Guards invariant 6: a node that has nothing new says a few words an hour.

use super::pace::Pace;
use aisle_fleet::{NodeReport, Slot, device::SlotDevices, rehearsal::Played};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// What is told of the node's facts holds for so long at least.
const FACTS: Duration = Duration::from_secs(50 * 60);
/// And for so much longer at most, so that a fleet that came back at once does not go on talking at once.
const SPREAD: Duration = Duration::from_secs(20 * 60);

/// What the hub was told last.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Of the fleet.
    of_fleet: Option<(NodeReport, Vec<Played>)>,
    /// Of devices.
    of_devices: BTreeMap<Slot, SlotDevices>,
    /// How often it is told of devices alone.
    pace: Pace,
    /// When it is told in any case.
    due: Option<Instant>,
}

impl Told {
    /// How long until it has to be told that things stand so; zero when that is now.
    pub(super) fn wait(
        &mut self,
        of_fleet: (NodeReport, Vec<Played>),
        of_devices: &BTreeMap<Slot, SlotDevices>,
        now: Instant,
    ) -> Duration {
        let due = self.due.map_or(Duration::ZERO, |due| due.saturating_duration_since(now));
        if self.of_fleet.as_ref() != Some(&of_fleet) || due.is_zero() {
            return Duration::ZERO;
        }
        if self.of_devices == *of_devices {
            return due;
        }
        match self.pace.wait(now) {
            Some(wait) => wait.min(due),
            None => {
                self.pace.told(now);
                Duration::ZERO
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use aisle_fleet::{ContentHash, report::Brief};

    #[test]
    fn a_quiet_node_is_told_of_again_about_each_hour_and_not_more_often() {
        let (mut told, start) = (Told::default(), Instant::now());
        let devices = BTreeMap::new();
        let mut at = Vec::new();
        for minute in 0..24 * 60 {
            let now = start + Duration::from_secs(minute * 60);
            if told.wait(Default::default(), &devices, now).is_zero() {
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
        assert_eq!(told.wait(Default::default(), &devices, now), FACTS);
        let mut news = NodeReport::default();
        news.others.insert("robot/arm".into(), "settled".into());
        assert!(told.wait((news, Vec::new()), &devices, now).is_zero());
        let of = Brief { version: "1.0.0".parse().unwrap(), hash: ContentHash([0; 32]) };
        let results = SlotDevices { of, counts: BTreeMap::new(), results: Vec::new() };
        let of_devices = BTreeMap::from([("device-settings/scales".parse().unwrap(), results)]);
        assert!(told.wait(Default::default(), &of_devices, now).is_zero());
        told.forget();
        assert!(told.wait(Default::default(), &devices, now).is_zero());
    }
}
