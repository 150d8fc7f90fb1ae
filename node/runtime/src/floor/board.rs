//! The floor as the staff board shows it: what needs somebody, worst first.
//!
//! Not here: what it looks like (`aisle-kiosk`), how anything is concluded (`aisle-inventory`, `aisle-devices`).

use super::{Notice, fold::View, sensors::Doors, stock};
use crate::plugin;
use aisle_devices::{
    alert::{self, AlertAbout, DeviceAlert},
    registry::{self, DeviceView},
};
use aisle_event::{
    Name, Timestamp,
    cold_chain::ColdRule,
    device::{AnomalyKind, Measured},
};
use aisle_inventory::{
    cold_chain::{Excursion, State, UnitView},
    task::{About, Task},
};
use aisle_kiosk::staff::{
    AlertKind, AlertRow, Board, DeviceRow, DeviceState, Reading, Severity, TaskRow, Totals, UnitRow,
    UnitState,
};
use aisle_state::Shop;

/// The longest list; totals say how many there are.
const ROWS_MAX: usize = 100;
/// What a sensor says counts half while it is odd.
const ODD_PERMILLE: u16 = 500;

/// What the board is made from.
pub(super) struct Seen<'a> {
    pub(super) view: &'a View,
    pub(super) shop: &'a Shop,
    pub(super) doors: Doors,
    pub(super) plugins: Vec<plugin::report::Alert>,
    pub(super) notices: Vec<Notice>,
    pub(super) now: Timestamp,
}

impl Seen<'_> {
    /// The board.
    pub(super) fn board(&self) -> Board {
        let mut units: Vec<UnitRow> = self.units().map(|unit| self.unit_row(unit)).collect();
        units.sort_by(|a, b| rank(a.state).cmp(&rank(b.state)).then_with(|| a.unit.cmp(&b.unit)));
        let mut devices: Vec<DeviceRow> = self.devices().map(|device| self.device_row(device)).collect();
        devices.sort_by(|a, b| {
            let urgent = |row: &DeviceRow| match row.state {
                DeviceState::Pending => 0,
                _ if row.problems > 0 => 1,
                DeviceState::Offline => 2,
                _ if !row.in_sync => 3,
                _ => 4,
            };
            urgent(a).cmp(&urgent(b)).then_with(|| a.device.cmp(&b.device))
        });
        let mut alerts = self.alerts();
        alerts.sort_by(|a, b| a.severity.cmp(&b.severity).then(b.since.cmp(&a.since)));
        let (gaps, all_gaps) = stock::gaps(self, ROWS_MAX);
        let (positions, all_positions) = stock::rows(self, ROWS_MAX);
        let count = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
        let totals = Totals {
            tasks: count(self.view.tasks.open.len()),
            alerts: count(alerts.len()),
            gaps: count(all_gaps),
            units: count(units.len()),
            devices: count(devices.len()),
            positions: count(all_positions),
        };
        Board {
            as_of: self.now,
            seq: self.view.applied,
            totals,
            tasks: self.view.tasks.open.iter().take(ROWS_MAX).map(|task| self.task_row(task)).collect(),
            alerts: first(alerts),
            gaps,
            units: first(units),
            devices: first(devices),
            positions,
        }
    }

    fn units(&self) -> impl Iterator<Item = &UnitView> {
        self.view.cold_chain.units.values().map(AsRef::as_ref).filter(|unit: &&UnitView| !unit.removed)
    }

    fn devices(&self) -> impl Iterator<Item = &DeviceView> {
        let all = self.view.devices.devices.values().map(AsRef::as_ref);
        all.filter(|device: &&DeviceView| device.state != registry::DeviceState::Retired)
    }

    /// The name of a product that is on offer.
    pub(super) fn product(&self, sku: &str) -> Option<Name> {
        self.shop.product(sku).map(|product| product.name.clone())
    }

    fn task_row(&self, task: &Task) -> TaskRow {
        let (mut sku, mut unit, mut device) = (None, None, None);
        match &task.about {
            About::Sku(about) => sku = Some(about.clone()),
            About::Unit(about) => unit = Some(about.clone()),
            About::Device(about) => device = Some(about.clone()),
        }
        TaskRow {
            task: task.name.clone(),
            kind: task.kind,
            product: sku.as_ref().and_then(|sku| self.product(sku.as_str())),
            sku,
            unit,
            device,
            quantity: task.quantity,
            confidence_permille: task.confidence_permille,
            why: task.why.to_string(),
            opened_at: task.opened_at,
        }
    }

    pub(super) fn unit_row(&self, unit: &UnitView) -> UnitRow {
        let state = match unit.state(self.now, self.view.cold_chain.silent_s) {
            State::Ok => UnitState::Fine,
            State::Warming => UnitState::Outside,
            State::Excursion | State::Acknowledged => UnitState::Excursion,
            State::Unknown => UnitState::Unknown,
        };
        let open = unit.open().min_by_key(|excursion| excursion.is_acknowledged());
        let reading = unit.newest(self.view.cold_chain.silent_s).map(|(as_of, milli)| Reading {
            value: f64::from(milli) / 1000.0,
            measured: Measured::Celsius,
            confidence_permille: if unit.is_doubtful { ODD_PERMILLE } else { 1000 },
            as_of,
        });
        let since = match (open, unit.runs.last()) {
            (Some(excursion), _) => excursion.since,
            (None, Some(run)) if state == UnitState::Outside => run.from,
            (None, Some(run)) if state == UnitState::Fine => run.to,
            _ => unit.as_of.unwrap_or(self.now),
        };
        UnitRow {
            unit: unit.name.clone(),
            group: unit.limit.group,
            limit: f64::from(unit.limit.milli) / 1000.0,
            state,
            reading,
            door: self.doors.of(&unit.name),
            excursion: open.map(|excursion| excursion.name.clone()),
            acknowledged: open.is_some_and(Excursion::is_acknowledged),
            since,
        }
    }

    pub(super) fn device_row(&self, device: &DeviceView) -> DeviceRow {
        let state = match device.state {
            registry::DeviceState::Retired => DeviceState::Retired,
            registry::DeviceState::Approved if device.is_trusted() => match device.online {
                Some(false) => DeviceState::Offline,
                _ => DeviceState::Online,
            },
            _ => DeviceState::Pending,
        };
        let odd = self.view.telemetry.anomalies_of(&device.device).count();
        let fresh = alert::fresh_problems(device, self.now);
        let believed = if odd == 0 { 1000 } else { ODD_PERMILLE };
        DeviceRow {
            device: device.device.clone(),
            model: device.model.clone(),
            state,
            heard_at: Some(device.last_heard),
            in_sync: device.twin.in_sync,
            problems: u32::try_from(odd + fresh).unwrap_or(u32::MAX),
            confidence_permille: if state == DeviceState::Pending { 0 } else { believed },
        }
    }

    fn alerts(&self) -> Vec<AlertRow> {
        let excursions =
            self.units().flat_map(|unit| unit.open().map(|excursion| self.excursion(unit, excursion)));
        let mut alerts: Vec<AlertRow> = excursions.collect();
        for device in self.devices() {
            let odd = self.view.telemetry.anomalies_of(&device.device);
            alerts.extend(alert::alerts(device, odd, self.now).into_iter().map(|alert| row(device, alert)));
        }
        if let Some(detail) = &self.view.devices.alert {
            alerts.push(AlertRow {
                kind: AlertKind::DeviceProblem,
                severity: Severity::Warning,
                device: None,
                unit: None,
                detail: detail.clone(),
                confidence_permille: 1000,
                since: self.by_the_minute(),
            });
        }
        alerts.extend(self.plugins.iter().map(|alert| AlertRow {
            kind: AlertKind::Plugin,
            severity: if alert.urgent { Severity::Critical } else { Severity::Warning },
            device: None,
            unit: alert.unit.clone(),
            detail: alert.words.clone(),
            confidence_permille: 1000,
            since: alert.since,
        }));
        alerts.extend(self.notices.iter().map(|notice| AlertRow {
            kind: AlertKind::Node,
            severity: if notice.is_urgent { Severity::Critical } else { Severity::Warning },
            device: None,
            unit: None,
            detail: notice.words.clone(),
            confidence_permille: 1000,
            since: self.by_the_minute(),
        }));
        alerts
    }

    /// Now, for what is so now. By the minute: a board that says the same is no other one.
    fn by_the_minute(&self) -> Timestamp {
        Timestamp(self.now.0 - self.now.0.rem_euclid(60_000))
    }

    fn excursion(&self, unit: &UnitView, excursion: &Excursion) -> AlertRow {
        let degrees = |milli: i32| format!("{:.1} °C", f64::from(milli) / 1000.0);
        let measured = excursion.peak_milli.map(|milli| format!(", {} at worst", degrees(milli)));
        let left = unit.left_s(self.now).map(|left| format!("; food must go in {} min", left / 60));
        let what = match excursion.rule {
            ColdRule::Limit => "outside its limit",
            ColdRule::Cumulative => "outside for too long in all: food must go",
            ColdRule::Unknown => "nothing is known of it: no probe speaks",
        };
        let limit = degrees(excursion.limit_milli);
        AlertRow {
            kind: AlertKind::Excursion,
            severity: if excursion.is_acknowledged() { Severity::Warning } else { Severity::Critical },
            device: None,
            unit: Some(unit.name.clone()),
            detail: format!(
                "{what} (limit {limit}{}){}",
                measured.unwrap_or_default(),
                left.unwrap_or_default()
            ),
            confidence_permille: if unit.is_doubtful { ODD_PERMILLE } else { 1000 },
            since: excursion.since,
        }
    }
}

fn row(device: &DeviceView, alert: DeviceAlert) -> AlertRow {
    let (kind, severity) = match alert.about {
        AlertAbout::Approval => (AlertKind::Approval, Severity::Notice),
        AlertAbout::Suspension => (AlertKind::Approval, Severity::Warning),
        AlertAbout::Settings => (AlertKind::Settings, Severity::Warning),
        AlertAbout::Offline => (AlertKind::Offline, Severity::Warning),
        AlertAbout::Anomaly(AnomalyKind::Silent) => (AlertKind::Anomaly, Severity::Notice),
        AlertAbout::Anomaly(_) => (AlertKind::Anomaly, Severity::Warning),
        AlertAbout::Problem => (AlertKind::DeviceProblem, Severity::Warning),
    };
    AlertRow {
        kind,
        severity,
        device: Some(device.device.clone()),
        unit: None,
        detail: alert.words,
        // What a sensor's own habit says is judged; everything else is known.
        confidence_permille: if kind == AlertKind::Anomaly { 900 } else { 1000 },
        since: alert.since,
    }
}

const fn rank(state: UnitState) -> u8 {
    match state {
        UnitState::Excursion => 0,
        UnitState::Unknown => 1,
        UnitState::Outside => 2,
        UnitState::Fine => 3,
    }
}

fn first<T>(mut rows: Vec<T>) -> Vec<T> {
    rows.truncate(ROWS_MAX);
    rows
}
