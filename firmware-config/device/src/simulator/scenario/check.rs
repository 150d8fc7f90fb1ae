//! What the form of a scenario cannot say: bounds, names that must be there, ids that must differ.

use super::{DEVICES_MAX, DevicePlan, FAULTS_MAX, Scenario, ScenarioError, device::LooksAt, fault::fits};
use std::{collections::BTreeSet, fmt::Display};

/// Characters of a device's id at most.
const ID_CHARS_MAX: usize = 64;
/// Simulated seconds at most: some thirty years.
const SECONDS_MAX: f64 = 1e9;

impl Scenario {
    /// Checks it again, after it was changed.
    ///
    /// # Errors
    /// When a value cannot be, with the path of the field.
    pub fn validate(&self) -> Result<(), ScenarioError> {
        self.check_simulation()?;
        if let Some(floor) = &self.floor {
            floor
                .validate()
                .map_err(|error| value(format!("floor.{}", error.field), error.found, error.expected))?;
        }
        for (place, group) in self.devices.iter().enumerate() {
            let path = |field: &str| format!("devices[{place}].{field}");
            if group.count == 0 || group.count > DEVICES_MAX {
                return Err(value(path("count"), group.count, format!("1 to {DEVICES_MAX}")));
            }
            between(path("interval_s"), f64::from(group.interval_s), 1.0, 86_400.0)?;
            let well_formed =
                group.prefix.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
            if !well_formed || group.prefix.is_empty() || group.prefix.len() > ID_CHARS_MAX - 6 {
                return Err(value(
                    path("prefix"),
                    format!("`{}`", group.prefix),
                    format!("up to {} letters, digits, `-`, `_` and `.`", ID_CHARS_MAX - 6),
                ));
            }
            for (nth, name) in group.watch.iter().enumerate() {
                self.check_watched(&path(&format!("watch[{nth}]")), name, group.model.looks_at())?;
            }
        }
        if self.device_count() > DEVICES_MAX || self.devices.is_empty() {
            return Err(value("devices".into(), self.device_count(), format!("1 to {DEVICES_MAX} devices")));
        }
        let devices = self.plan();
        let mut ids = BTreeSet::new();
        if let Some(twice) = devices.iter().find(|device| !ids.insert(device.id.as_str())) {
            return Err(value(
                "devices".into(),
                format!("two devices `{}`", twice.id),
                "ids that differ; the fault `two_devices_one_id` makes two of one",
            ));
        }
        self.check_faults(&devices)
    }

    fn check_simulation(&self) -> Result<(), ScenarioError> {
        let simulation = &self.simulation;
        between("simulation.speed".into(), simulation.speed, 0.01, 10_000.0)?;
        between("simulation.truth_interval_s".into(), simulation.truth_interval_s, 1.0, 86_400.0)?;
        between("simulation.connect_within_s".into(), simulation.connect_within_s, 0.0, 3_600.0)?;
        if let Some(duration) = simulation.duration_s {
            between("simulation.duration_s".into(), duration, 1.0, SECONDS_MAX)?;
        }
        Ok(())
    }

    fn check_watched(&self, path: &str, name: &str, what: LooksAt) -> Result<(), ScenarioError> {
        let found = || format!("`{name}`");
        let floor = self.floor.as_ref();
        let (there, expected) = match what {
            LooksAt::Unit => (
                floor.is_some_and(|floor| floor.units.iter().any(|unit| unit.name == name)),
                "the name of a unit of `floor.units`",
            ),
            LooksAt::Item => (
                floor.is_some_and(|floor| floor.items.iter().any(|item| item.sku == name)),
                "the `sku` of an item of `floor.items`",
            ),
            LooksAt::Place => (
                matches!(name, "shelf" | "backroom")
                    || floor
                        .is_some_and(|floor| floor.items.iter().any(|item| item.sku == name && item.tagged)),
                "`shelf`, `backroom`, or the `sku` of a tagged item of `floor.items`",
            ),
            LooksAt::Door => (false, "nothing: this model looks at nothing of the shop"),
        };
        if there { Ok(()) } else { Err(value(path.to_owned(), found(), expected)) }
    }

    fn check_faults(&self, devices: &[DevicePlan]) -> Result<(), ScenarioError> {
        if self.faults.len() > FAULTS_MAX {
            return Err(value("faults".into(), self.faults.len(), format!("at most {FAULTS_MAX}")));
        }
        for (place, fault) in self.faults.iter().enumerate() {
            let path = |field: &str| format!("faults[{place}].{field}");
            between(path("from_s"), fault.from_s, 0.0, SECONDS_MAX)?;
            if let Some(length) = fault.for_s {
                between(path("for_s"), length, 0.001, SECONDS_MAX)?;
            }
            if let Some(size) = fault.size {
                between(path("size"), size, -SECONDS_MAX, SECONDS_MAX)?;
            }
            if fault.kind == super::FaultKind::RebootLoop && fault.size.is_some_and(|size| size < 1.0) {
                return Err(value(
                    path("size"),
                    fault.size.unwrap_or_default(),
                    "at least a second between starts",
                ));
            }
            if !devices.iter().any(|device| fits(&fault.devices, &device.id)) {
                return Err(value(
                    path("devices"),
                    format!("`{}`", fault.devices),
                    "a pattern that some device's id fits",
                ));
            }
        }
        Ok(())
    }
}

/// Not a number is between nothing.
fn between(path: String, found: f64, low: f64, high: f64) -> Result<(), ScenarioError> {
    if (low..=high).contains(&found) { Ok(()) } else { Err(value(path, found, format!("{low} to {high}"))) }
}

fn value(path: String, found: impl Display, expected: impl Into<String>) -> ScenarioError {
    ScenarioError::Value { path, found: found.to_string(), expected: expected.into() }
}
