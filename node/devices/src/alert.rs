//! What needs somebody about a device, in words: the same on the staff board, over HTTP and on the command line.
//!
//! Not here: how it looks (`aisle-kiosk`), cold chain and stock, which are not about devices.

use crate::{
    registry::{DeviceState, DeviceView},
    telemetry::Anomaly,
};
use aisle_event::{
    Name, Timestamp,
    device::{AnomalyKind, DeviceProblem},
};

/// What was wrong with a device is an alert for so long after it was said last.
const PROBLEM_MS: u64 = 24 * 3_600_000;
/// Settings that a device has not taken are an alert after so long.
const UNSET_MS: u64 = 10 * 60_000;

/// Something that needs somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceAlert {
    /// What it is about.
    pub about: AlertAbout,
    /// In words, with what to do where that can be said.
    pub words: String,
    /// Since when.
    pub since: Timestamp,
}

/// What an alert is about, the first first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertAbout {
    /// Whether it may take part: it waits for approval.
    Approval,
    /// Its approval does not count until it is renewed.
    Suspension,
    /// It is not there.
    Offline,
    /// It is not set to what was wanted.
    Settings,
    /// A stream of it is odd in this way.
    Anomaly(AnomalyKind),
    /// It sends what cannot be used, and the like.
    Problem,
}

/// Everything about one device that needs somebody now, what comes first first. Nothing about one that was sent away, and of one that
/// waits for approval only that. `anomalies` are those of its streams.
#[must_use]
pub fn alerts<'a>(
    device: &DeviceView,
    anomalies: impl IntoIterator<Item = (&'a Name, Anomaly)>,
    now: Timestamp,
) -> Vec<DeviceAlert> {
    let alert = |about, words, since| DeviceAlert { about, words, since };
    match device.state {
        DeviceState::Heard => {
            let words = format!("`{}` was heard and waits for approval", device.model);
            return vec![alert(AlertAbout::Approval, words, device.state_at)];
        }
        DeviceState::Retired => return Vec::new(),
        DeviceState::Approved => {}
    }
    let mut alerts = Vec::new();
    if let Some(suspension) = &device.suspended {
        alerts.push(alert(AlertAbout::Suspension, suspension.detail.to_string(), suspension.since));
    }
    if device.online == Some(false) {
        let words = "it is not there: look at its power and network".into();
        alerts.push(alert(AlertAbout::Offline, words, device.online_since.unwrap_or(device.last_heard)));
    }
    alerts.extend(unset(device, now).map(|(words, since)| alert(AlertAbout::Settings, words, since)));
    alerts.extend(anomalies.into_iter().map(|(stream, anomaly)| {
        let words = format!("{stream}: {}", anomaly.words);
        alert(AlertAbout::Anomaly(anomaly.kind), words, anomaly.since)
    }));
    let mut problems: Vec<_> = device
        .problems
        .iter()
        // A refusal is told with what is in force.
        .filter(|said| said.problem != DeviceProblem::Settings && is_fresh(said.at, now))
        .map(|said| alert(AlertAbout::Problem, said.detail.to_string(), said.at))
        .collect();
    problems.sort_by_key(|problem| std::cmp::Reverse(problem.since));
    alerts.append(&mut problems);
    alerts
}

/// How many kinds of problems were met with a device lately.
#[must_use]
pub fn fresh_problems(device: &DeviceView, now: Timestamp) -> usize {
    device.problems.iter().filter(|problem| is_fresh(problem.at, now)).count()
}

fn is_fresh(at: Timestamp, now: Timestamp) -> bool {
    now.ms_since(at) < PROBLEM_MS
}

/// Why a device is not set to what was wanted, and since when.
fn unset(device: &DeviceView, now: Timestamp) -> Option<(String, Timestamp)> {
    let desired = device.twin.desired.as_ref().filter(|_| !device.twin.in_sync)?;
    let reported = device.twin.reported.as_ref();
    if let Some(refused) = device.twin.refusal() {
        let path = refused.path.as_ref().map_or("settings", Name::as_str);
        let reason = refused.reason.as_ref().map_or("gave no reason", Name::as_str);
        let at = reported.map_or(desired.at, |reported| reported.at);
        let words =
            format!("it refused version {} of its settings, whole: `{path}` {reason}", refused.version);
        return Some((words, at));
    }
    if let Some(reported) = reported.filter(|reported| reported.last_known_good) {
        let words = format!(
            "it could not start with version {} of its settings and fell back to those before",
            desired.version
        );
        return Some((words, reported.at));
    }
    let late = now.ms_since(desired.at) > UNSET_MS;
    late.then(|| (format!("it has not taken version {} of its settings yet", desired.version), desired.at))
}
