//! How the node stands in its fleet, for people and scripts: `aisle-node fleet status`.

use aisle_fleet::{
    NodeReport, Slot,
    device::{DeviceResult, DeviceStatus, SlotDevices},
    rehearsal::Played,
    report::{Phase, SlotReport},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// The most devices of a slot that are named in words.
const DEVICES_SHOWN: usize = 20;

/// How the node stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Its serial number, as its orders name it; nothing where it has none.
    pub serial: Option<String>,
    /// The version of the root of signed metadata that is trusted; nothing where everything is taken.
    pub root_version: Option<u64>,
    /// When the signed metadata runs out, in milliseconds since 1970.
    pub metadata_until_ms: Option<i64>,
    /// The generation of the order that is followed.
    pub generation: Option<u64>,
    /// Which hub made it.
    pub hub: Option<String>,
    /// When, in milliseconds since 1970 by that hub's clock.
    pub ordered_at_ms: Option<i64>,
    /// What was not followed last, and why.
    pub refused: Option<String>,
    /// What keeps the node from changing anything.
    pub problem: Option<String>,
    /// How its slots stand.
    pub report: NodeReport,
    /// What came of the candidates that it is asked to rehearse.
    #[serde(default)]
    pub rehearsals: Vec<Played>,
    /// What became of settings at the devices that they mean.
    #[serde(default)]
    pub devices: BTreeMap<Slot, SlotDevices>,
}

impl Status {
    /// The slots that hold something else than they should, each with why.
    pub fn drift(&self) -> impl Iterator<Item = (&Slot, &SlotReport)> {
        self.report.drift()
    }

    /// How many slots are in a phase.
    #[must_use]
    pub fn count(&self, phase: Phase) -> usize {
        self.report.slots.values().filter(|slot| slot.phase == phase).count()
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.generation, self.report.desired) {
            (Some(generation), Some(desired)) => {
                let hub = self.hub.as_deref().unwrap_or("a hub");
                writeln!(f, "order      {generation} of {hub}; desired state {}", desired.version)?;
            }
            (Some(generation), None) => writeln!(f, "order      {generation}; it says nothing of this node")?,
            (None, _) => writeln!(f, "order      none was ever given to this node")?,
        }
        match self.root_version {
            Some(version) => writeln!(f, "signed     by root version {version}")?,
            None => writeln!(f, "signed     no root is trusted: what is not signed is taken too")?,
        }
        for (what, words) in [("refused", &self.refused), ("problem", &self.problem)] {
            if let Some(words) = words {
                writeln!(f, "{what:<10} {words}")?;
            }
        }
        for (slot, report) in &self.report.slots {
            let wanted = match &report.wanted {
                None => "-".to_owned(),
                Some(aisle_fleet::report::Asked::Absent) => "absent".to_owned(),
                Some(aisle_fleet::report::Asked::Release(brief)) => brief.version.to_string(),
            };
            let running =
                report.running.as_ref().map_or_else(|| "-".to_owned(), |brief| brief.version.to_string());
            writeln!(f, "{slot:<28} wanted {wanted:<12} runs {running:<12} {}", report.phase.as_str())?;
            for reason in &report.reasons {
                writeln!(f, "{:<28} {}: {reason}", "", reason.code())?;
            }
            if let Some(devices) = self.devices.get(slot) {
                told(devices, f)?;
            }
        }
        let settings = &self.report.settings;
        if settings.wanted.is_some() {
            let are =
                if settings.applied == settings.wanted { "are in force" } else { "are not all in force" };
            writeln!(f, "settings   of headquarters {are}")?;
            for reason in &settings.reasons {
                writeln!(f, "{:<10} {}: {reason}", "", reason.code())?;
            }
        }
        for Played { slot, version, found, refused, .. } in &self.rehearsals {
            match refused {
                Some(why) => writeln!(f, "{slot:<28} {version} was not rehearsed: {why}")?,
                None => writeln!(
                    f,
                    "{slot:<28} {version} was rehearsed with {} calls: {} came out the same, it failed in {}",
                    found.calls, found.same, found.failed
                )?,
            }
        }
        Ok(())
    }
}

/// What became of a slot at its devices; those by name that do not have it.
fn told(devices: &SlotDevices, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let counts = devices.counts.iter().map(|(status, many)| format!("{many} {}", status.as_str()));
    let counts = counts.collect::<Vec<_>>().join(", ");
    writeln!(
        f,
        "{:<28} devices: {}",
        "",
        if counts.is_empty() { "it means none that are here" } else { &counts }
    )?;
    let missing = devices.results.iter().filter(|result| result.status != DeviceStatus::Applied);
    for DeviceResult { device, status, path, reason, .. } in missing.take(DEVICES_SHOWN) {
        let words: Vec<&str> = [path, reason].into_iter().flatten().map(String::as_str).collect();
        let colon = if words.is_empty() { "" } else { ": " };
        writeln!(f, "{:<28}   {device} {}{colon}{}", "", status.as_str(), words.join(" "))?;
    }
    Ok(())
}
