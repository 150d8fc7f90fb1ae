//! What staff do at the board: each becomes events, and is done when the board shows it.
//!
//! Guards invariant 1: an action is answered only when it is durable and the floor's view holds it.

use super::Floor;
use aisle_devices::service::{COMMAND_TIMEOUT_S, CommandOutcome, ControlError};
use aisle_event::{
    Event, Name, Quantity, Sku, Unknown,
    cold_chain::ExcursionAcknowledged,
    device::Place,
    inventory::{PlaceCounted, StockMoved, TaskClosed, TaskEnd, TaskKind},
};
use aisle_inventory::{
    position::{Position, SourceKind},
    task::{About, Task},
};
use aisle_journal::{Entry, SubmitError};
use aisle_kiosk::staff::{ActError, Action, SettingValue};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// How long a device may take to answer somebody who stands at the board; well below what a page may take (`request_timeout_ms`).
const COMMAND_TIMEOUT: Duration = Duration::from_secs(6);
/// No configuration refuses it (`command_timeout_s_max`).
const _: () = assert!(COMMAND_TIMEOUT.as_secs() <= COMMAND_TIMEOUT_S as u64);

impl Floor {
    /// Does something in a person's name.
    pub(crate) async fn do_as(&self, action: Action, by: &Name) -> Result<(), ActError> {
        let control = &self.0.control;
        let who = Some(by.as_str());
        match action {
            Action::Approve { device } => control.approve(device.as_str(), who, &[]).await.map_err(refused),
            Action::Retire { device } => control.retire(device.as_str(), who).await.map_err(refused),
            Action::Set { device, settings } => {
                control.set(device.as_str(), &object(settings), who).await.map(drop).map_err(refused)
            }
            Action::Command { device, command, args } => {
                let args = object(args);
                let outcome =
                    control.command(device.as_str(), command.as_str(), &args, COMMAND_TIMEOUT, who).await;
                match outcome.map_err(refused)? {
                    CommandOutcome::Done { .. } => Ok(()),
                    CommandOutcome::Refused { response } => {
                        let reason =
                            response.get("reason").and_then(Value::as_str).unwrap_or("it gave no reason");
                        Err(ActError::Conflict { reason: format!("`{device}` refused: {reason}") })
                    }
                    CommandOutcome::TimedOut => {
                        let reason = format!("`{device}` did not answer in time; look whether it is there");
                        Err(ActError::Conflict { reason })
                    }
                }
            }
            Action::Acknowledge { excursion, action } => {
                self.acknowledge(excursion, action, by.clone()).await
            }
            Action::FinishTask { task, count } => self.finish(&task, count, by).await,
            Action::DismissTask { task } => {
                let _closing = self.0.closing.lock().await;
                let task = self.task(&task)?;
                self.record(vec![self.closing(&task, TaskEnd::Dismissed, by)]).await
            }
            Action::Count { sku, place, quantity } => {
                let event = self.counted(sku, place, quantity, by)?;
                self.record(vec![event]).await
            }
            Action::Move { sku, from, to, quantity } => {
                self.fits(&sku, quantity)?;
                let at = self.now();
                let by = Some(by.clone());
                let event = StockMoved { sku, from, to, quantity, at, by, unknown: Unknown::default() };
                self.record(vec![event.into()]).await
            }
        }
    }

    async fn acknowledge(&self, excursion: Name, action: Option<Name>, by: Name) -> Result<(), ActError> {
        let view = self.view();
        let known = view.cold_chain.units.values().flat_map(|unit| &unit.excursions);
        if !known.into_iter().any(|known| known.name == excursion) {
            return Err(ActError::Unknown { what: "excursion", name: excursion.to_string() });
        }
        let at = self.now();
        let event = ExcursionAcknowledged { excursion, by, action, at, unknown: Unknown::default() };
        self.record(vec![event.into()]).await
    }

    /// A task that is done says what it changed: a filled shelf is a move, a recount is a count.
    async fn finish(&self, task: &Name, count: Option<Quantity>, by: &Name) -> Result<(), ActError> {
        let _closing = self.0.closing.lock().await;
        let task = self.task(task)?;
        let mut events = Vec::new();
        if let (About::Sku(sku), Some(count)) = (&task.about, count) {
            if task.kind == TaskKind::FillShelf {
                let position = self.view().positions.position(sku);
                let carried = position.and_then(|position| carried(&position, count, task.quantity));
                events.extend(carried.map(|quantity| self.filled(sku, quantity, by)));
            }
            events.push(self.counted(sku.clone(), Place::Shelf, count, by)?);
        } else if let (About::Sku(sku), TaskKind::FillShelf, Some(quantity)) =
            (&task.about, task.kind, task.quantity)
        {
            events.push(self.filled(sku, quantity, by));
        }
        events.push(self.closing(&task, TaskEnd::Done, by));
        self.record(events).await
    }

    fn filled(&self, sku: &Sku, quantity: Quantity, by: &Name) -> Event {
        let (sku, from, to, at) = (sku.clone(), Place::Backroom, Place::Shelf, self.now());
        let by = Some(by.clone());
        StockMoved { sku, from, to, quantity, at, by, unknown: Unknown::default() }.into()
    }

    fn task(&self, name: &Name) -> Result<Arc<Task>, ActError> {
        let view = self.view();
        let found = view.tasks.open.iter().find(|task| task.name == *name).cloned();
        found.ok_or_else(|| ActError::Unknown { what: "task", name: name.to_string() })
    }

    fn closing(&self, task: &Task, end: TaskEnd, by: &Name) -> Event {
        let (task, by, at) = (task.name.clone(), Some(by.clone()), self.now());
        TaskClosed { task, end, by, at, unknown: Unknown::default() }.into()
    }

    fn counted(&self, sku: Sku, place: Place, on_hand: Quantity, by: &Name) -> Result<Event, ActError> {
        self.fits(&sku, on_hand)?;
        let (at, by) = (self.now(), Some(by.clone()));
        Ok(PlaceCounted { sku, place, on_hand, at, by, unknown: Unknown::default() }.into())
    }

    /// An amount must be in what the product is sold by.
    fn fits(&self, sku: &Sku, quantity: Quantity) -> Result<(), ActError> {
        let shop = self.0.store.state.shop();
        let product = shop.product(sku.as_str());
        let product = product.ok_or_else(|| ActError::Unknown { what: "product", name: sku.to_string() })?;
        if product.unit == quantity.unit {
            Ok(())
        } else {
            let reason = format!("is in {}; `{sku}` is sold by {}", quantity.unit, product.unit);
            Err(ActError::Field { field: "quantity".into(), reason })
        }
    }

    /// Writes events and waits until the floor shows them.
    pub(crate) async fn record(&self, events: Vec<Event>) -> Result<(), ActError> {
        let entries = events.iter().map(|event| Entry { kind: event.kind().0, payload: event.encode() });
        let ticket = self.0.store.journal.submit(entries.collect()).map_err(|error| match error {
            SubmitError::Full { .. } => ActError::Busy,
            _ => ActError::Stopped,
        })?;
        let committed = ticket.await.map_err(|_| ActError::Stopped)?;
        self.0.follower.wait_applied(committed.last).await.map_err(|_| ActError::Stopped)?;
        // The kiosk sees counts too, by its own projection.
        self.0.store.state.wait_applied(committed.last).await.map_err(|_| ActError::Stopped)
    }
}

/// What was carried to a shelf that somebody filled and then counted: what is there beyond what was. Without it the count alone would
/// bring goods into the book that the backroom still has.
fn carried(position: &Position, count: Quantity, asked: Option<Quantity>) -> Option<Quantity> {
    let before = position.quantity(position.shelf.pieces);
    let of_unit = |quantity: &Quantity| quantity.unit == count.unit && quantity.thousandths > 0;
    if before.unit != count.unit {
        return None;
    }
    let more = Quantity { thousandths: count.thousandths.saturating_sub(before.thousandths), ..count };
    // A shelf that is weighed has shown it already; then it is what was asked for, as far as it is there.
    let is_weighed = position.sources.iter().any(|source| source.kind == SourceKind::Weight);
    let asked = asked.filter(|_| is_weighed).filter(of_unit);
    let asked =
        asked.map(|asked| Quantity { thousandths: asked.thousandths.min(count.thousandths), ..asked });
    Some(more).filter(of_unit).or(asked).filter(of_unit)
}

fn object(values: BTreeMap<String, SettingValue>) -> Map<String, Value> {
    let json = |value| match value {
        SettingValue::Bool(value) => Value::from(value),
        SettingValue::Integer(value) => Value::from(value),
        SettingValue::Number(value) => Value::from(value),
        SettingValue::Text(value) => Value::from(value),
    };
    values.into_iter().map(|(name, value)| (name, json(value))).collect()
}

fn refused(error: ControlError) -> ActError {
    match error {
        ControlError::Unknown { device } => ActError::Unknown { what: "device", name: device },
        ControlError::Refused { path, reason, .. } => ActError::Field { field: path, reason },
        ControlError::Busy { .. } | ControlError::NotRecorded(_) => ActError::Busy,
        ControlError::NotCommitted(_) => ActError::Stopped,
        other => ActError::Conflict { reason: other.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aisle_event::{Timestamp, Unit};
    use aisle_inventory::position::{Estimate, Source};

    fn shelf(pieces: i64, is_weighed: bool) -> Position {
        let estimate =
            |pieces: i64| Estimate { mean: pieces as f64, pieces, low: pieces, high: pieces, chance: 0.95 };
        let at = Timestamp::default();
        let scale = Source {
            kind: SourceKind::Weight,
            place: Place::Shelf,
            pieces: 0.0,
            at,
            age_s: 0,
            weight_percent: 90.0,
        };
        Position {
            sku: Sku::new("TEA-1").unwrap(),
            unit: Unit::Each,
            shelf: estimate(pieces),
            backroom: estimate(10),
            total: estimate(pieces + 10),
            unpaid: 0,
            book: Some(10),
            gap: 0.9,
            phantom: 0.0,
            none: 0.0,
            recount_value: 0.0,
            sources: if is_weighed { vec![scale] } else { Vec::new() },
            because: Vec::new(),
            as_of: at,
        }
    }

    #[test]
    fn who_fills_a_shelf_and_counts_it_has_carried_what_is_more() {
        let each = |pieces| Some(Quantity::each(pieces));
        let six = || Quantity::each(6);
        assert_eq!(carried(&shelf(1, false), six(), each(8)), each(5));
        assert_eq!(carried(&shelf(6, false), six(), each(8)), None, "it was full already");
        assert_eq!(carried(&shelf(6, true), six(), each(4)), each(4), "the scale saw it before");
        assert_eq!(carried(&shelf(6, true), six(), each(8)), each(6));
        assert_eq!(carried(&shelf(0, false), Quantity::each(0), each(8)), None);
        let weighed = Quantity { thousandths: 500, unit: Unit::Kilogram };
        assert_eq!(carried(&shelf(0, false), weighed, each(8)), None, "of another unit");
    }
}
