//! One device as its page on the staff board shows it.

use super::board::Seen;
use aisle_devices::{
    registry::{CommandView, DeviceView, Json, StreamView},
    telemetry::StreamKey,
};
use aisle_event::{
    DeviceId, Name,
    device::{Measured, StreamKind},
};
use aisle_firmware_config::{profile::Profiles, setting};
use aisle_kiosk::staff::{
    CommandRow, DevicePage, Field, FieldKind, Offer, ProblemRow, Reading, SettingRow, SettingValue,
    StreamRow, Twin,
};
use serde_json::{Map, Value};

/// What every device of the contract can be asked to do (`aisle-device`).
const CONTRACT_COMMANDS: [&str; 3] = ["identify", "read_now", "restart"];

/// The page of a device; nothing when it was never heard.
pub(super) fn page(seen: &Seen<'_>, profiles: &Profiles, device: &str) -> Option<DevicePage> {
    let known = seen.view.devices.get(device)?;
    let row = seen.device_row(known);
    Some(DevicePage {
        streams: known
            .streams
            .iter()
            .filter(|it| !it.unannounced)
            .map(|it| stream(seen, known, it))
            .collect(),
        twin: twin(known),
        offers: offers(known, profiles),
        commands: known.commands.iter().rev().map(command).collect(),
        problems: known
            .problems
            .iter()
            .rev()
            .map(|problem| ProblemRow {
                problem: problem.problem,
                path: problem.path.clone(),
                detail: problem.detail.to_string(),
                at: problem.at,
            })
            .collect(),
        firmware: known.firmware.clone(),
        profile: known.profile.clone(),
        serial: known.serial.clone(),
        boots: known.boots,
        row,
    })
}

fn stream(seen: &Seen<'_>, device: &DeviceView, stream: &StreamView) -> StreamRow {
    let key = StreamKey { device: device.device.clone(), stream: stream.name.clone() };
    let telemetry = seen.view.telemetry.stream(&key);
    let anomaly = telemetry.and_then(|telemetry| telemetry.anomalies().into_iter().next());
    let last = telemetry.and_then(|telemetry| telemetry.newest()).map(|newest| Reading {
        value: newest.value.units(),
        measured: stream.measured.unwrap_or(Measured::Count),
        confidence_permille: if anomaly.is_some() { 500 } else { 1000 },
        as_of: newest.at,
    });
    let placement = stream.placement.as_ref();
    StreamRow {
        stream: stream.name.clone(),
        kind: stream.kind,
        measured: stream.measured,
        interval_s: stream.interval_s,
        chart: stream.kind == StreamKind::Number && last.is_some(),
        last,
        anomaly: anomaly.map(|anomaly| (anomaly.kind, anomaly.since)),
        goods: placement.and_then(|it| it.place.zip(it.sku.clone())),
        unit: placement.and_then(|it| it.unit.clone()),
    }
}

fn twin(device: &DeviceView) -> Option<Twin> {
    let schema = schema(device)?;
    let (desired, reported) = (device.twin.desired.as_ref(), device.twin.reported.as_ref());
    let wanted = desired.map(|desired| object(&desired.settings)).unwrap_or_default();
    let held = reported.map(|reported| object(&reported.settings)).unwrap_or_default();
    let row = |field: &setting::Field| SettingRow {
        desired: wanted.get(field.name.as_str()).and_then(value),
        reported: held.get(field.name.as_str()).and_then(value),
        field: shown(field),
    };
    let refused = device.twin.refusal().map(|refused| {
        let text = |name: &Option<Name>| name.as_ref().map(ToString::to_string).unwrap_or_default();
        (refused.version, text(&refused.path), text(&refused.reason))
    });
    Some(Twin {
        desired_version: desired.map_or(0, |desired| desired.version),
        reported_version: reported.map(|reported| reported.version),
        reported_at: reported.map(|reported| reported.at),
        last_known_good: reported.is_some_and(|reported| reported.last_known_good),
        refused,
        settings: schema.iter().map(row).collect(),
    })
}

fn schema(device: &DeviceView) -> Option<Vec<setting::Field>> {
    let fields: Vec<setting::Field> = serde_json::from_str(&device.schema.as_ref()?.0).ok()?;
    (!fields.is_empty()).then_some(fields)
}

fn offers(device: &DeviceView, profiles: &Profiles) -> Vec<Offer> {
    match &device.profile {
        None => {
            let known = CONTRACT_COMMANDS.iter().filter_map(|command| Name::new(command).ok());
            known.map(|command| Offer { command, fields: Vec::new() }).collect()
        }
        Some(profile) => profiles
            .commands(profile.as_str())
            .filter_map(|(command, fields)| {
                Some(Offer { command: Name::new(command).ok()?, fields: fields.iter().map(shown).collect() })
            })
            .collect(),
    }
}

fn command(command: &CommandView) -> CommandRow {
    let ended = command.ended.as_ref();
    CommandRow {
        command: command.command.clone(),
        by: command.by.clone(),
        at: command.at,
        end: ended.map(|ended| (ended.end, ended.at)),
        answer: ended.and_then(|ended| ended.response.as_ref()).map(|response| response.0.to_string()),
    }
}

/// A field of a schema, for a form.
fn shown(field: &setting::Field) -> Field {
    Field {
        name: field.name.to_string(),
        kind: match &field.kind {
            setting::FieldKind::Bool => FieldKind::Bool,
            setting::FieldKind::Integer { min, max } => FieldKind::Integer { min: *min, max: *max },
            setting::FieldKind::Number { min, max } => FieldKind::Number { min: *min, max: *max },
            setting::FieldKind::Text { len_max } => FieldKind::Text { len_max: usize::from(*len_max) },
            setting::FieldKind::Choice { of } => {
                FieldKind::Choice { of: of.iter().map(ToString::to_string).collect() }
            }
        },
        unit: field.unit.as_ref().map(ToString::to_string),
        default: match &field.default {
            setting::Value::Bool(value) => SettingValue::Bool(*value),
            setting::Value::Integer(value) => SettingValue::Integer(*value),
            setting::Value::Number(value) => SettingValue::Number(*value),
            setting::Value::Text(value) => SettingValue::Text(value.to_string()),
        },
    }
}

fn object(json: &Json) -> Map<String, Value> {
    serde_json::from_str(&json.0).unwrap_or_default()
}

fn value(value: &Value) -> Option<SettingValue> {
    match value {
        Value::Bool(value) => Some(SettingValue::Bool(*value)),
        Value::Number(number) => {
            number.as_i64().map(SettingValue::Integer).or_else(|| number.as_f64().map(SettingValue::Number))
        }
        Value::String(text) => Some(SettingValue::Text(text.clone())),
        _ => None,
    }
}

/// The key of a stream; nothing when it cannot be one.
pub(super) fn key(device: &str, stream: &str) -> Option<StreamKey> {
    Some(StreamKey { device: DeviceId::new(device).ok()?, stream: Name::new(stream).ok()? })
}
