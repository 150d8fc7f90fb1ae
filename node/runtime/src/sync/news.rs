//! What a node has to say of its fleet that its hub does not know yet, and what of it may wait.
//!
//! How far a slot is and why is told at once. Figures that change with every call (calls, fuel, durations), and what becomes of settings at devices, are told ever more rarely while they go on
//! changing. Whatever is told, all of it is told. Guards invariant 6: a shop with many shoppers does not flood its hub, where it would keep others from being heard.

use super::pace::Pace;
use aisle_fleet::{NodeReport, Reason, Slot, device::SlotDevices, rehearsal::Played};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// The longest that new figures wait: gates of a rollout go by them.
const FIGURES_LAST: Duration = Duration::from_secs(30);
/// The longest that a change at devices alone waits.
const DEVICES_LAST: Duration = Duration::from_secs(300);

/// Whether there is something to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    Now,
    /// Not before so long.
    In(Duration),
}

/// What the hub was told last.
#[derive(Debug)]
pub(super) struct Told {
    said: Option<(NodeReport, Vec<Played>)>,
    devices: BTreeMap<Slot, SlotDevices>,
    of_figures: Pace,
    of_devices: Pace,
}

impl Default for Told {
    fn default() -> Self {
        Self {
            said: None,
            devices: BTreeMap::new(),
            of_figures: Pace::up_to(FIGURES_LAST),
            of_devices: Pace::up_to(DEVICES_LAST),
        }
    }
}

impl Told {
    /// Nobody knows what the hub knows.
    pub(super) fn forget(&mut self) {
        self.said = None;
    }

    /// It was told.
    pub(super) fn told(
        &mut self,
        report: NodeReport,
        rehearsals: Vec<Played>,
        devices: BTreeMap<Slot, SlotDevices>,
    ) {
        (self.said, self.devices) = (Some((report, rehearsals)), devices);
    }

    /// Whether something is to be told; where it is now, it is taken as told by the clock of what could have waited.
    pub(super) fn due(
        &mut self,
        report: &NodeReport,
        rehearsals: &[Played],
        devices: &BTreeMap<Slot, SlotDevices>,
        now: Instant,
    ) -> Due {
        let Some((said, played)) = &self.said else { return Due::Now };
        if played != rehearsals || without_figures(said) != without_figures(report) {
            return Due::Now;
        }
        let waits =
            [(said != report, &mut self.of_figures), (self.devices != *devices, &mut self.of_devices)];
        let mut changed: Vec<&mut Pace> =
            waits.into_iter().filter(|(is_changed, _)| *is_changed).map(|(_, pace)| pace).collect();
        let Some(wait) = changed.iter().map(|pace| pace.wait(now)).min() else { return Due::Nothing };
        if let Some(wait) = wait {
            return Due::In(wait);
        }
        // What goes along has been told as well.
        changed.iter_mut().for_each(|pace| pace.told(now));
        Due::Now
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
        Health,
        report::{Phase, SlotReport},
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
        NodeReport {
            slots: BTreeMap::from([("plugin/multi-buy".parse().unwrap(), slot)]),
            ..NodeReport::default()
        }
    }

    #[test]
    fn figures_that_change_with_every_call_are_told_now_and_then_and_everything_else_at_once() {
        let (mut told, mut now) = (Told::default(), Instant::now());
        let none = BTreeMap::new();
        let (mut times, start) = (Vec::new(), now);
        for calls in 0..600 {
            let report = report(Phase::Watching, calls);
            match told.due(&report, &[], &none, now) {
                Due::Now => {
                    times.push((now - start).as_secs());
                    told.told(report, Vec::new(), BTreeMap::new());
                }
                Due::In(wait) => assert!(wait <= FIGURES_LAST),
                Due::Nothing => panic!("there are new figures"),
            }
            now += Duration::from_secs(1);
        }
        assert_eq!(&times[..6], [0, 1, 6, 16, 36, 66], "the first of all, then ever more rarely");
        assert!(times.windows(2).all(|two| two[1] - two[0] <= 30), "{times:?}");
        assert_eq!(told.due(&report(Phase::Settled, 600), &[], &none, now), Due::Now);
        told.told(report(Phase::Settled, 600), Vec::new(), BTreeMap::new());
        assert_eq!(told.due(&report(Phase::Settled, 600), &[], &none, now), Due::Nothing);
        told.forget();
        assert_eq!(told.due(&report(Phase::Settled, 600), &[], &none, now), Due::Now, "it came anew");
    }
}
