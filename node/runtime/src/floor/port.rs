//! The floor as the staff board's port: reads of the view, actions, and news of it.

use super::{Floor, board::Seen, device, sensors::Doors, stock, unit};
use aisle_devices::telemetry::{
    Query, Resolution,
    chart::{ChartOptions, svg},
    query,
};
use aisle_event::{DeviceId, Name, Sku, Timestamp};
use aisle_inventory::cold_chain::report::Language as ReportLanguage;
use aisle_kiosk::staff::{
    self, ActError, Action, Board, BoxFuture, DevicePage, Language, PositionPage, ReportError, ReportForm,
    UnitPage,
};
use jiff::civil::Date;
use std::{
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// Ages and silences move on without events: a board is made anew after so long.
const BOARD_FOR: Duration = Duration::from_secs(1);
/// And with events, at most so often: on a busy floor there is always a newer one.
const BOARD_FOR_MIN: Duration = Duration::from_millis(50);
/// How often it is looked whether the board is another one.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Points in a chart.
const POINTS_MAX: usize = 360;

/// A board and what it was made from.
pub(super) struct Made {
    applied: u64,
    at: Instant,
    board: Arc<Board>,
}

impl Floor {
    fn seen<T>(&self, read: impl FnOnce(&Seen<'_>) -> T) -> T {
        let (view, shop) = (self.view(), self.0.store.state.shop());
        let (doors, now) = (Doors::of_all(&view), self.now());
        let (plugins, notices) = (self.0.plugins.alerts(now), self.notices());
        read(&Seen { view: &view, shop: &shop, doors, plugins, notices, now })
    }

    fn made(&self) -> Arc<Board> {
        let applied = self.view().applied;
        let mut made = self.0.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = made.as_ref() {
            let good_for = if made.applied == applied { BOARD_FOR } else { BOARD_FOR_MIN };
            if made.at.elapsed() < good_for {
                return made.board.clone();
            }
        }
        let board = self.seen(|seen| Arc::new(seen.board()));
        *made = Some(Made { applied, at: Instant::now(), board: board.clone() });
        board
    }

    /// Tells of every board that is another one. Never ends.
    pub(super) async fn tell_changes(self) {
        let mut changes = self.0.follower.changes();
        let mut last = self.made();
        loop {
            // A second without events is news too: something may have gone silent.
            if let Ok(Err(_)) = tokio::time::timeout(BOARD_FOR, changes.changed()).await {
                return;
            }
            let board = self.made();
            if !is_same(&last, &board) {
                self.0.changes.send_replace(board.seq);
                last = board;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// A stream over some time, drawn; nothing when it is unknown. May read files.
    pub(crate) fn chart_between(
        &self,
        device: &DeviceId,
        stream: &Name,
        from: Timestamp,
        to: Timestamp,
    ) -> Option<String> {
        let view = self.view();
        let key = device::key(device.as_str(), stream.as_str())?;
        view.telemetry.stream(&key)?;
        let (resolution, zone) = (Resolution::PointsMax(POINTS_MAX), self.0.zone.clone());
        let asked = Query { key, from, to, resolution, zone: zone.clone() };
        let series = query(&view.telemetry, Some(&self.0.archive), &asked).ok()?;
        let title = format!("{device} · {stream}");
        Some(svg(&series, &ChartOptions { title, zone, ..ChartOptions::default() }))
    }
}

/// Two boards say the same, whenever they were made.
fn is_same(a: &Board, b: &Board) -> bool {
    let Board { as_of: _, seq: _, totals, tasks, alerts, gaps, units, devices, positions } = a;
    (totals, tasks, alerts, gaps) == (&b.totals, &b.tasks, &b.alerts, &b.gaps)
        && (units, devices, positions) == (&b.units, &b.devices, &b.positions)
}

impl staff::Floor for Floor {
    fn is_unclaimed(&self) -> bool {
        self.0.unclaimed.get().is_some_and(|unclaimed| unclaimed())
    }

    fn board(&self) -> Arc<Board> {
        self.made()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    fn device(&self, device: &str) -> Option<DevicePage> {
        let profiles = self.0.control.profiles();
        self.seen(|seen| device::page(seen, &profiles, device))
    }

    fn unit(&self, unit: &str) -> Option<UnitPage> {
        self.seen(|seen| unit::page(seen, &self.0.zone, unit))
    }

    fn position(&self, sku: &str) -> Option<PositionPage> {
        let sku = Sku::new(sku).ok()?;
        self.seen(|seen| stock::page(seen, &sku))
    }

    fn chart(&self, device: &str, stream: &str, hours: u32) -> Option<String> {
        let (device, stream) = (DeviceId::new(device).ok()?, Name::new(stream).ok()?);
        let to = self.now();
        let from = to.saturating_add_ms(-i64::from(hours) * 3_600_000);
        self.chart_between(&device, &stream, from, to)
    }

    fn report(
        &self,
        unit: &str,
        day: Date,
        language: Language,
        form: ReportForm,
    ) -> Result<String, ReportError> {
        let unit = Name::new(unit).map_err(|_| ReportError::Unknown)?;
        if !self.knows_unit(&unit) {
            return Err(ReportError::Unknown);
        }
        let report = self.report(&unit, day).map_err(|error| ReportError::Read(error.into()))?;
        let language = match language {
            Language::English => ReportLanguage::En,
            Language::Chinese => ReportLanguage::Zh,
        };
        Ok(match form {
            ReportForm::Html => report.html(language),
            ReportForm::Csv => report.csv(),
        })
    }

    fn act(&self, action: Action, by: Name) -> BoxFuture<'_, Result<(), ActError>> {
        let floor = self.clone();
        Box::pin(async move {
            // In a task: whoever goes away leaves nothing half done.
            let done = tokio::spawn(async move {
                let done = floor.do_as(action, &by).await;
                // Whoever looks now sees what was done, however fresh the last board is.
                *floor.0.made.lock().unwrap_or_else(PoisonError::into_inner) = None;
                done
            });
            done.await.unwrap_or(Err(ActError::Stopped))
        })
    }
}
