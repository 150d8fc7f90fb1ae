//! The parts that a simulated device of the contract is built of: the firmware's core with a sensor in the shop, a flash in
//! memory, and MQTT.
//!
//! Not here: what the core does with them.

use super::{
    Shared,
    flash::SparseFlash,
    mqtt::{Delivery, Incoming, Port, Session as Connect},
    phrase::skew_ms,
    scenario::{DevicePlan, Model, Window},
    signal::{Quantity, Source},
    wire::Wire,
};
use crate::{
    Actions, Board, Device, Ended, Parts, Stream,
    clock::Clock,
    flash::Layout,
    link::{Link, LinkDown, Message, Received, Session},
    sensor::{NoReading, Sensor},
    watchdog::Watchdog,
};
use aisle_firmware_config::{
    fault::Fault,
    setting::{Field, FieldKind, Settings, Value},
    unit::Unit,
};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use heapless::String as Short;
use std::{cell::Cell, marker::PhantomData};

/// Pages of the flash for settings; the rest is for samples.
const SETTINGS_PAGES: u32 = 3;

/// Who a device is in one life.
pub(super) struct Identity<'a> {
    pub(super) plan: &'a DevicePlan,
    pub(super) model: Model,
    pub(super) serial: &'a str,
    pub(super) faults: &'a [Window],
}

/// Runs the core until it wants to start again. Its future is the memory of a board, some 64 KiB: it is kept apart, so that devices
/// without a core do not take as much.
pub(super) async fn run(
    who: &Identity<'_>,
    shared: &Shared,
    port: &Port,
    wire: &Wire<'_>,
    flash: SparseFlash,
) -> Ended {
    match who.model.numbers() {
        [one] => Box::pin(run_with([one], who, shared, port, wire, flash)).await,
        [one, two] => Box::pin(run_with([one, two], who, shared, port, wire, flash)).await,
        _ => Ended::Unfit(Fault::new("streams", "are of no model of this simulator")),
    }
}

async fn run_with<const N: usize>(
    numbers: [&(&'static str, Quantity); N],
    who: &Identity<'_>,
    shared: &Shared,
    port: &Port,
    wire: &Wire<'_>,
    flash: SparseFlash,
) -> Ended {
    let layout = match Layout::new(&flash, SETTINGS_PAGES) {
        Ok(layout) => layout,
        Err(error) => return Ended::Unfit(Fault::new("layout", error)),
    };
    let own = fields(who.model);
    let device = Device {
        store: &shared.target.store,
        id: &who.plan.id,
        model: who.model.name(),
        serial: Some(who.serial),
        firmware: Some(env!("CARGO_PKG_VERSION")),
        encoding: who.plan.encoding.into(),
        streams: numbers.map(|(name, quantity)| Stream {
            name,
            unit: quantity.unit(),
            deadband: quantity.deadband(),
        }),
        interval_s: who.plan.interval_s,
        fields: &own,
    };
    let booted_ms = shared.time.now_ms();
    let is_on = Cell::new(true);
    let sensors = numbers.map(|(_, quantity)| Probe {
        shared,
        is_on: &is_on,
        quantity: *quantity,
        source: Source::new(*quantity, who.plan, who.faults, shared.seed),
    });
    let parts: Parts<Simulated<'_>, N> = Parts {
        clock: BoardClock { shared, booted_ms, faults: who.faults },
        sensors,
        link: PortLink { port, wire },
        flash,
        layout,
        watchdog: Fed,
        actions: Doer { model: who.model, is_on: &is_on },
    };
    crate::run(&device, parts).await
}

/// A device in this process.
struct Simulated<'a>(PhantomData<&'a ()>);

impl<'a> Board for Simulated<'a> {
    type Mutex = NoopRawMutex;
    type Clock = BoardClock<'a>;
    type Sensor = Probe<'a>;
    type Link = PortLink<'a>;
    type Flash = SparseFlash;
    type Watchdog = Fed;
    type Actions = Doer<'a>;
}

struct BoardClock<'a> {
    shared: &'a Shared,
    booted_ms: u64,
    faults: &'a [Window],
}

impl Clock for BoardClock<'_> {
    fn uptime_ms(&self) -> u64 {
        self.shared.time.now_ms().saturating_sub(self.booted_ms)
    }

    fn wall_ms(&self) -> Option<i64> {
        Some(super::time::unix_ms().saturating_add(skew_ms(self.faults, self.shared.time.now_ms())))
    }

    async fn sleep_until(&self, uptime_ms: u64) {
        self.shared.time.sleep_until(self.booted_ms.saturating_add(uptime_ms)).await;
    }
}

struct Probe<'a> {
    shared: &'a Shared,
    is_on: &'a Cell<bool>,
    quantity: Quantity,
    source: Source,
}

impl Sensor for Probe<'_> {
    async fn read(&mut self) -> Result<f64, NoReading> {
        let value = self.source.read(self.shared, self.shared.time.now_ms()).ok_or(NoReading)?;
        Ok(if matches!(self.quantity, Quantity::On | Quantity::Watt) && !self.is_on.get() {
            0.0
        } else {
            value
        })
    }
}

struct PortLink<'a> {
    port: &'a Port,
    wire: &'a Wire<'a>,
}

impl Link for PortLink<'_> {
    async fn connect(&self, session: &Session<'_>) -> Result<(), LinkDown> {
        let session = Connect {
            client_id: session.client_id.to_owned(),
            will: (session.will.topic.to_owned(), session.will.payload.to_vec()),
            filters: session.filters.map(str::to_owned).to_vec(),
        };
        if self.port.connect(session).await { Ok(()) } else { Err(LinkDown) }
    }

    async fn publish(&self, message: Message<'_>) -> Result<(), LinkDown> {
        // What a broker refuses it does not have: it is said again like what was lost.
        match self.wire.publish(message.topic, message.payload, message.retain).await {
            Delivery::Acknowledged => Ok(()),
            Delivery::Refused | Delivery::Lost => Err(LinkDown),
        }
    }

    async fn receive<'b>(&self, buffer: &'b mut [u8]) -> Result<Received<'b>, LinkDown> {
        let Incoming { topic, payload } = loop {
            let message = self.port.receive().await.ok_or(LinkDown)?;
            if message.topic.len() + message.payload.len() <= buffer.len() {
                break message;
            }
        };
        let (for_topic, rest) = buffer.split_at_mut_checked(topic.len()).ok_or(LinkDown)?;
        let for_payload = rest.get_mut(..payload.len()).ok_or(LinkDown)?;
        for_topic.copy_from_slice(topic.as_bytes());
        for_payload.copy_from_slice(&payload);
        let topic = std::str::from_utf8(for_topic).map_err(|_| LinkDown)?;
        Ok(Received { topic, payload: for_payload })
    }
}

/// Nothing hangs here that the simulation would not hang with.
struct Fed;

impl Watchdog for Fed {
    fn feed(&mut self) {}
}

struct Doer<'a> {
    model: Model,
    is_on: &'a Cell<bool>,
}

impl Actions for Doer<'_> {
    async fn perform(&mut self, command: &str, args: &Settings) -> Option<Result<Settings, Fault>> {
        match (self.model, command) {
            (Model::Plug, "switch") => Some(match args.get("on") {
                Some(Value::Bool(on)) => {
                    self.is_on.set(*on);
                    Ok(args.clone())
                }
                _ => Err(Fault::new("on", "is missing or neither true nor false")),
            }),
            (Model::ShelfLabel, "show") => Some(match args.get("text") {
                Some(Value::Text(_)) => Ok(args.clone()),
                _ => Err(Fault::new("text", "is missing or no text")),
            }),
            _ => None,
        }
    }
}

/// Settings of a model's own.
fn fields(model: Model) -> Vec<Field> {
    let field = |name: &str, kind: FieldKind, unit: Option<&str>, default: Value| {
        let unit = unit.and_then(|unit| Short::try_from(unit).ok());
        Some(Field { name: Short::try_from(name).ok()?, kind, unit, default })
    };
    let own = match model {
        Model::FridgeTemperature => {
            field("offset", FieldKind::Number { min: -5.0, max: 5.0 }, Some("celsius"), Value::Number(0.0))
        }
        Model::ShelfScale => {
            field("tare", FieldKind::Number { min: 0.0, max: 50_000.0 }, Some("gram"), Value::Number(0.0))
        }
        Model::ShelfLabel => field("text", FieldKind::Text { len_max: 32 }, None, Value::Text(Short::new())),
        Model::Plug => field("led", FieldKind::Bool, None, Value::Bool(true)),
        _ => None,
    };
    own.into_iter().collect()
}

impl Quantity {
    const fn unit(self) -> Unit {
        match self {
            Self::Celsius => Unit::Celsius,
            Self::Humidity => Unit::HumidityPercent,
            Self::Gram => Unit::Gram,
            Self::People => Unit::Count,
            Self::Open => Unit::Open,
            Self::Watt => Unit::Watt,
            Self::On => Unit::On,
            Self::Battery => Unit::Percent,
            Self::Signal => Unit::Dbm,
        }
    }

    /// A change of no more than this is not worth sending.
    const fn deadband(self) -> f64 {
        match self {
            Self::Celsius => 0.1,
            Self::Humidity | Self::Watt => 1.0,
            Self::Gram => 8.0,
            Self::Signal => 6.0,
            Self::People | Self::Open | Self::On | Self::Battery => 0.0,
        }
    }
}
