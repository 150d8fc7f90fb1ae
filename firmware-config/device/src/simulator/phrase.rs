//! What talkers say, in their own words: Tasmota, ESPHome, Zigbee2MQTT, and readers and scanners of the contract.
//!
//! Topics and payloads of others are those of their documentation: Tasmota's `tele/%topic%/SENSOR`, ESPHome's
//! `<node>/sensor/<name>/state`, Zigbee2MQTT's `zigbee2mqtt/<friendly name>`.

use super::{
    Shared,
    contract::ContractTalk,
    mqtt::Session,
    scenario::{DevicePlan, FaultKind, Model, Window},
    signal::Source,
    talker::Said,
    time::unix_ms,
    wire::Wire,
};
use serde_json::json;

/// Kilowatt hours that a plug has counted before the simulation.
const COUNTED_KWH: f64 = 12.5;
/// Milliwatt milliseconds in a kilowatt hour, for watts.
const WATT_MS_PER_KWH: f64 = 3.6e9;

/// A device that talks.
pub(super) struct Speaker {
    id: String,
    model: Model,
    interval_ms: u64,
    numbers: Vec<Source>,
    faults: Vec<Window>,
    contract: Option<ContractTalk>,
    is_on: bool,
    kwh: f64,
}

impl Speaker {
    pub(super) fn new(
        plan: &DevicePlan,
        model: Model,
        serial: &str,
        boots: u32,
        shared: &Shared,
        faults: &[Window],
    ) -> Self {
        let numbers = model.numbers().iter();
        Self {
            id: plan.id.clone(),
            model,
            interval_ms: u64::from(plan.interval_s) * 1000,
            numbers: numbers.map(|(_, quantity)| Source::new(*quantity, plan, faults, shared.seed)).collect(),
            faults: faults.to_vec(),
            contract: (!model.is_foreign())
                .then(|| ContractTalk::new(plan, model, serial, boots, shared, faults)),
            is_on: true,
            kwh: COUNTED_KWH,
        }
    }

    pub(super) const fn interval_ms(&self) -> u64 {
        self.interval_ms
    }

    /// It does not keep what it could not say.
    pub(super) const fn forgets(&self) -> bool {
        self.contract.is_none()
    }

    pub(super) fn session(&self) -> Session {
        let id = &self.id;
        if let Some(contract) = &self.contract {
            return contract.session();
        }
        let (will, filters) = match self.model {
            Model::EsphomeClimate => ((format!("{id}/status"), b"offline".to_vec()), vec![]),
            Model::Zigbee2mqttContact => (
                (format!("zigbee2mqtt/{id}/availability"), br#"{"state":"offline"}"#.to_vec()),
                vec![format!("zigbee2mqtt/{id}/get")],
            ),
            _ => ((format!("tele/{id}/LWT"), b"Offline".to_vec()), vec![format!("cmnd/{id}/#")]),
        };
        Session { client_id: id.clone(), will, filters }
    }

    /// What it says at each connection.
    pub(super) fn hello(&self) -> Vec<Said> {
        if let Some(contract) = &self.contract {
            return contract.hello();
        }
        let (topic, _) = self.session().will;
        let payload: &[u8] = match self.model {
            Model::EsphomeClimate => b"online",
            Model::Zigbee2mqttContact => br#"{"state":"online"}"#,
            _ => b"Online",
        };
        vec![Said { topic, payload: payload.to_vec(), retain: true }]
    }

    /// What it says at an interval.
    pub(super) fn say(&mut self, shared: &Shared, wire: &Wire<'_>) -> Vec<Said> {
        if let Some(contract) = &mut self.contract {
            return contract.say(shared, wire);
        }
        let now_ms = shared.time.now_ms();
        let numbers: Vec<Option<f64>> =
            self.numbers.iter_mut().map(|source| source.read(shared, now_ms)).collect();
        let nth = |nth: usize| {
            let value = numbers.get(nth).copied().flatten()?;
            Some(if wire.has(FaultKind::Nan) { f64::NAN } else { value })
        };
        let id = &self.id;
        let said =
            |topic: String, payload: String| Said { topic, payload: payload.into_bytes(), retain: false };
        match self.model {
            Model::EsphomeClimate => {
                let fahrenheit = wire.has(FaultKind::WrongUnit);
                let celsius =
                    nth(0).map(|celsius| if fahrenheit { celsius.mul_add(1.8, 32.0) } else { celsius });
                [("temperature", celsius), ("humidity", nth(1))]
                    .into_iter()
                    .filter_map(|(name, value)| Some((name, text(value?))))
                    .map(|(name, value)| said(format!("{id}/sensor/{name}/state"), value))
                    .collect()
            }
            Model::Zigbee2mqttContact => {
                // Its `contact` is true when the door is closed.
                let closed = match nth(0) {
                    Some(open) if open.is_nan() => "null",
                    Some(open) if open > 0.5 => "false",
                    _ => "true",
                };
                let battery = nth(1).unwrap_or(100.0);
                let payload = format!(
                    r#"{{"battery":{},"contact":{closed},"linkquality":112,"voltage":3000}}"#,
                    text(battery)
                );
                vec![said(format!("zigbee2mqtt/{id}"), payload)]
            }
            _ => {
                let watts = if self.is_on { nth(0).unwrap_or_default() } else { 0.0 };
                if watts.is_finite() {
                    self.kwh += watts.max(0.0) * self.interval_ms as f64 / WATT_MS_PER_KWH;
                }
                let skew_ms = skew_ms(&self.faults, now_ms);
                let time = clock_text(unix_ms().saturating_add(skew_ms) / 1000);
                let power = if wire.has(FaultKind::WrongUnit) { watts / 1000.0 } else { watts };
                let sensor = format!(
                    r#"{{"Time":"{time}","ENERGY":{{"TotalStartTime":"2026-01-01T00:00:00","Total":{:.3},"Yesterday":1.204,"Today":{:.3},"Period":0,"Power":{},"ApparentPower":{},"ReactivePower":12,"Factor":0.95,"Voltage":230,"Current":{}}}}}"#,
                    self.kwh,
                    self.kwh - COUNTED_KWH,
                    text(power),
                    text(power / 0.95),
                    text(power / 230.0),
                );
                let state = json!({
                    "Time": time, "UptimeSec": now_ms / 1000, "Heap": 27, "SleepMode": "Dynamic", "LoadAvg": 19, "MqttCount": 1,
                    "POWER": if self.is_on { "ON" } else { "OFF" },
                    "Wifi": { "AP": 1, "SSId": "shop", "Channel": 6, "RSSI": 78, "Signal": -61 },
                });
                vec![
                    said(format!("tele/{id}/STATE"), state.to_string()),
                    said(format!("tele/{id}/SENSOR"), sensor),
                ]
            }
        }
    }

    /// What it says to somebody's message.
    pub(super) fn answer(&mut self, topic: &str, payload: &[u8]) -> Vec<Said> {
        if let Some(contract) = &mut self.contract {
            return contract.answer(topic, payload);
        }
        let switch = topic.rsplit_once('/').is_some_and(|(_, command)| command.eq_ignore_ascii_case("POWER"));
        if self.model != Model::TasmotaPlug || !switch {
            return vec![];
        }
        match payload.to_ascii_uppercase().as_slice() {
            b"ON" | b"1" | b"TRUE" => self.is_on = true,
            b"OFF" | b"0" | b"FALSE" => self.is_on = false,
            b"TOGGLE" | b"2" => self.is_on = !self.is_on,
            _ => {}
        }
        let state = if self.is_on { "ON" } else { "OFF" };
        let said =
            |topic: String, payload: String| Said { topic, payload: payload.into_bytes(), retain: false };
        let id = &self.id;
        vec![
            said(format!("stat/{id}/RESULT"), json!({ "POWER": state }).to_string()),
            said(format!("stat/{id}/POWER"), state.to_owned()),
        ]
    }
}

/// How far a device's clock is off now, in milliseconds.
#[expect(clippy::cast_possible_truncation, reason = "a cast of a float saturates")]
pub(super) fn skew_ms(faults: &[Window], now_ms: u64) -> i64 {
    let skews = faults.iter().filter(|fault| fault.kind == FaultKind::ClockSkew && fault.holds(now_ms));
    skews.map(|fault| (fault.size * 1000.0) as i64).fold(0, i64::saturating_add)
}

/// As C's `printf` would write it.
fn text(value: f64) -> String {
    if value.is_nan() { "nan".to_owned() } else { format!("{value:.3}") }
}

/// Seconds since 1970 as Tasmota writes them. Days to a date after Howard Hinnant, "chrono-compatible low-level date algorithms".
fn clock_text(seconds: i64) -> String {
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}

#[cfg(test)]
mod tests {
    use super::{clock_text, text};

    #[test]
    fn times_are_written_as_tasmota_does() {
        assert_eq!(clock_text(0), "1970-01-01T00:00:00");
        assert_eq!(clock_text(951_827_696), "2000-02-29T12:34:56");
        assert_eq!(clock_text(1_795_219_199), "2026-11-20T23:59:59");
        assert_eq!(clock_text(-1), "1969-12-31T23:59:59");
    }

    #[test]
    fn a_number_that_is_none_is_written_as_c_does() {
        assert_eq!(text(f64::NAN), "nan");
        assert_eq!(text(3.9375), "3.938");
    }
}
