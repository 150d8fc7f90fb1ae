//! What staff do at the board: each becomes events, and is done when the board shows it.
//!
//! Guards invariant 1: an action is answered only when it is durable and the floor's view holds it.

use super::Floor;
use aisle_devices::service::{CommandOutcome, ControlError};
use aisle_event::{
    Event, Name, Quantity, Sku, Unknown,
    cold_chain::ExcursionAcknowledged,
    device::Place,
    inventory::{PlaceCounted, StockMoved, TaskClosed, TaskEnd, TaskKind},
};
use aisle_inventory::task::{About, Task};
use aisle_journal::{Entry, SubmitError};
use aisle_kiosk::staff::{ActError, Action, SettingValue};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// How long a device may take to answer somebody who stands at the board.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(8);

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
                let event = StockMoved { sku, from, to, quantity, at, unknown: Unknown::default() };
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
        let task = self.task(task)?;
        let mut events = Vec::new();
        if let (About::Sku(sku), Some(count)) = (&task.about, count) {
            events.push(self.counted(sku.clone(), Place::Shelf, count, by)?);
        } else if let (About::Sku(sku), TaskKind::FillShelf, Some(quantity)) =
            (&task.about, task.kind, task.quantity)
        {
            let (sku, at) = (sku.clone(), self.now());
            let (from, to) = (Place::Backroom, Place::Shelf);
            events.push(StockMoved { sku, from, to, quantity, at, unknown: Unknown::default() }.into());
        }
        events.push(self.closing(&task, TaskEnd::Done, by));
        self.record(events).await
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
