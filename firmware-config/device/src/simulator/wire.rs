//! What a device writes, on its way out: the faults that lie in what is written.
//!
//! Not here: faults of the sensor ([`signal`](super::signal)) and of the line ([`life`](super::life)).

use super::{
    Shared,
    mqtt::{Delivery, Port},
    scenario::{FaultKind, Window},
};
use aisle_firmware_config::{
    message::{Encoding, Telemetry, decode, encode},
    topic::{Channel, Topic},
    unit::Unit,
};
use serde::Serialize;
use std::{cell::RefCell, fmt::Write as _};

/// Room for telemetry that was rewritten, in bytes.
const REWRITTEN_BYTES_MAX: usize = 2048;

/// The way out of one device.
pub(super) struct Wire<'a> {
    port: &'a Port,
    shared: &'a Shared,
    faults: Vec<Window>,
    /// A message that is held back until after the next.
    held: RefCell<Option<(String, Vec<u8>, bool)>>,
}

impl<'a> Wire<'a> {
    pub(super) fn new(port: &'a Port, shared: &'a Shared, faults: &[Window]) -> Self {
        let faults = faults.iter().filter(|fault| is_in_the_wire(fault.kind)).copied().collect();
        Self { port, shared, faults, held: RefCell::new(None) }
    }

    /// Publishes what became of a message.
    pub(super) async fn publish(&self, topic: &str, payload: &[u8], retain: bool) -> Delivery {
        let rewritten = self.rewrite(topic, payload);
        let payload = rewritten.as_deref().unwrap_or(payload);
        if !retain && self.has(FaultKind::OutOfOrder) && self.held.borrow().is_none() {
            *self.held.borrow_mut() = Some((topic.to_owned(), payload.to_vec(), retain));
            // Nobody can know that it is only held back.
            return Delivery::Acknowledged;
        }
        let delivery = self.port.publish(topic, payload, retain).await;
        if delivery == Delivery::Acknowledged {
            if self.has(FaultKind::Duplicate) {
                self.port.publish(topic, payload, retain).await;
            }
            // What is retained says how things stand; only what is counted can be out of order.
            let held = if retain { None } else { self.held.borrow_mut().take() };
            if let Some((topic, payload, retain)) = held {
                self.port.publish(&topic, &payload, retain).await;
            }
        }
        delivery
    }

    /// Whether numbers are to be none, for what is not telemetry of the contract.
    pub(super) fn has(&self, kind: FaultKind) -> bool {
        let now_ms = self.shared.time.now_ms();
        self.faults.iter().any(|fault| fault.kind == kind && fault.holds(now_ms))
    }

    fn rewrite(&self, topic: &str, payload: &[u8]) -> Option<Vec<u8>> {
        let (nan, unit) = (self.has(FaultKind::Nan), self.has(FaultKind::WrongUnit));
        if !(nan || unit) || !matches!(Topic::parse(topic)?.channel, Channel::Telemetry(_)) {
            return None;
        }
        let (mut telemetry, encoding) = decode::<Telemetry>(payload).ok()?;
        if unit {
            telemetry.unit = another(telemetry.unit);
        }
        let mut room = vec![0; REWRITTEN_BYTES_MAX];
        let length = match (nan, encoding) {
            (true, Encoding::Json) => return Some(none_in_json(&telemetry).into_bytes()),
            (true, Encoding::Cbor) => {
                let samples = telemetry.samples.iter();
                let samples = samples
                    .map(|sample| Unchecked { n: sample.n, at_ms: sample.at_ms, v: f64::NAN })
                    .collect();
                let none = UncheckedTelemetry { boot: telemetry.boot, unit: telemetry.unit, samples };
                encode(&none, Encoding::Cbor, &mut room).ok()?
            }
            (false, _) => encode(&telemetry, encoding, &mut room).ok()?,
        };
        room.truncate(length);
        Some(room)
    }
}

const fn is_in_the_wire(kind: FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::Duplicate
            | FaultKind::OutOfOrder
            | FaultKind::Nan
            | FaultKind::WrongUnit
            | FaultKind::ClockSkew
    )
}

/// Telemetry as no device of the contract would write it.
#[derive(Serialize)]
struct UncheckedTelemetry {
    boot: u32,
    unit: Unit,
    samples: Vec<Unchecked>,
}

#[derive(Serialize)]
struct Unchecked {
    n: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_ms: Option<i64>,
    v: f64,
}

/// What the formatted output of a careless firmware looks like; it is no JSON.
fn none_in_json(telemetry: &Telemetry) -> String {
    let mut text = format!("{{\"boot\":{},\"unit\":\"{}\",\"samples\":[", telemetry.boot, telemetry.unit);
    for (nth, sample) in telemetry.samples.iter().enumerate() {
        let comma = if nth == 0 { "" } else { "," };
        let at = sample.at_ms.map_or_else(String::new, |at_ms| format!("\"at_ms\":{at_ms},"));
        // Writing into a string does not fail.
        let _ = write!(text, "{comma}{{\"n\":{},{at}\"v\":nan}}", sample.n);
    }
    text.push_str("]}");
    text
}

fn another(unit: Unit) -> Unit {
    if unit == Unit::Celsius { Unit::Percent } else { Unit::Celsius }
}
