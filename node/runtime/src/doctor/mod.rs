//! `aisle-node doctor`: one check a file, each with an id, what it found and what to do.
//!
//! Checks change nothing but a probe file of their own, and run while a node runs. Exit code 0 when nothing failed, 1 otherwise.

mod clock;
mod config;
mod device_profiles;
mod disk_space;
mod disk_sync;
mod fleet;
mod horizon;
mod identity;
mod journal;
mod mqtt_devices;
mod mqtt_ports;
mod mqtt_tls;
mod ports;
mod renewal;
mod signed_time;
mod staff_pin;
mod state;
mod sync_certificate;
mod sync_files;
mod sync_hub;
mod sync_policy;

use crate::{
    config::{Config, ConfigError},
    output,
    sync::Settings,
};
use serde::Serialize;
use std::path::Path;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    Ok,
    Warn,
    Fail,
}

/// What a check found.
#[derive(Debug, Serialize)]
pub(crate) struct Finding {
    id: &'static str,
    outcome: Outcome,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

/// What the checks look at.
pub(crate) struct Subject<'a> {
    data: &'a Path,
    config: Result<&'a Config, &'a ConfigError>,
}

impl<'a> Subject<'a> {
    /// The settings of sync; without them, what is found instead.
    fn sync(&self, id: &'static str) -> Result<(&'a Config, &'a Settings), Finding> {
        let Ok(config) = self.config else {
            let found = "not checked, as the configuration was refused";
            return Err(Finding::warn(id, found, "correct the configuration first"));
        };
        match &config.sync {
            Some(settings) => Ok((config, settings)),
            None => Err(Finding::ok(id, "not used: the node stands alone")),
        }
    }
}

impl Finding {
    fn ok(id: &'static str, found: impl Into<String>) -> Self {
        Self { id, outcome: Outcome::Ok, found: found.into(), fix: None }
    }

    fn warn(id: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { id, outcome: Outcome::Warn, found: found.into(), fix: Some(fix.into()) }
    }

    fn fail(id: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { id, outcome: Outcome::Fail, found: found.into(), fix: Some(fix.into()) }
    }
}

type Check = fn(&Subject<'_>) -> Finding;

const CHECKS: [Check; 21] = [
    config::check,
    disk_space::check,
    disk_sync::check,
    clock::check,
    ports::check,
    journal::check,
    state::check,
    mqtt_ports::check,
    mqtt_tls::check,
    mqtt_devices::check,
    device_profiles::check,
    staff_pin::check,
    identity::check,
    signed_time::check,
    renewal::check,
    horizon::check,
    fleet::check,
    sync_files::check,
    sync_certificate::check,
    sync_policy::check,
    sync_hub::check,
];

/// Runs every check and prints its finding. True when none failed.
pub(crate) fn run(data: &Path, config: &Result<Config, ConfigError>, json: bool) -> std::io::Result<bool> {
    let subject = Subject { data, config: config.as_ref() };
    let findings: Vec<Finding> = CHECKS.iter().map(|check| check(&subject)).collect();
    if json {
        output::json(&findings)?;
    } else {
        for Finding { id, outcome, found, fix } in &findings {
            let mark = match outcome {
                Outcome::Ok => "ok  ",
                Outcome::Warn => "warn",
                Outcome::Fail => "FAIL",
            };
            output::line(format!("{mark}  {id:<12} {found}"))?;
            if let Some(fix) = fix {
                output::line(format!("      {:<12} -> {fix}", ""))?;
            }
        }
    }
    Ok(findings.iter().all(|finding| finding.outcome != Outcome::Fail))
}

/// The nearest directory that exists: the data directory, or where it would be made.
fn existing(path: &Path) -> &Path {
    path.ancestors().find(|ancestor| ancestor.is_dir()).unwrap_or_else(|| Path::new("."))
}
