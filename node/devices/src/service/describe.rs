//! What a device says of itself, as the journal holds it, and whether that is news.

use crate::{
    registry::{DeviceView, Reported as ReportedView},
    words::name,
};
use aisle_event::{
    DeviceId, Name, Text, Timestamp, Unknown,
    device::{DeviceAnnounced, DeviceStream, Measured, SettingsReported, StreamKind},
};
use aisle_firmware_config::{
    heard::StreamSeen,
    message::{self, Announce, Encoding, Reported},
    unit::Unit,
};

/// Of a device that speaks the contract.
pub(super) fn announced(
    device: &DeviceId,
    announce: &Announce,
    encoding: Encoding,
    at: Timestamp,
) -> DeviceAnnounced {
    let schema = (!announce.settings.is_empty())
        .then(|| serde_json::to_string(&announce.settings).ok().and_then(|json| Text::new(json).ok()))
        .flatten();
    DeviceAnnounced {
        device: device.clone(),
        model: name(&announce.model),
        firmware: announce.firmware.as_deref().map(name),
        profile: None,
        streams: distinct(
            announce.streams.iter().map(|it| stream(&it.name, it.kind, it.unit, it.interval_s)),
        ),
        schema,
        boots: Some(announce.boots),
        at,
        serial: announce.serial.as_deref().map(name),
        cbor: Some(encoding == Encoding::Cbor),
        unknown: Unknown::default(),
    }
}

/// Of a device that a profile understands. Each of its messages shows some of its streams; `before` are those that were seen.
pub(super) fn matched(
    device: &DeviceId,
    model: &str,
    profile: &str,
    seen: &[StreamSeen],
    before: impl Iterator<Item = DeviceStream>,
    at: Timestamp,
) -> DeviceAnnounced {
    let now = seen.iter().map(|it| stream(&it.name, it.kind, it.unit, it.interval_s));
    // What a message shows now counts more than what one showed before.
    let mut streams: Vec<DeviceStream> = before.collect();
    for stream in distinct(now) {
        match streams.iter_mut().find(|known| known.name == stream.name) {
            Some(known) => *known = stream,
            None => streams.push(stream),
        }
    }
    DeviceAnnounced {
        device: device.clone(),
        model: name(model),
        firmware: None,
        profile: Some(name(profile)),
        streams,
        schema: None,
        boots: None,
        at,
        serial: None,
        cbor: None,
        unknown: Unknown::default(),
    }
}

/// The streams that a device is known to have, as it would announce them.
pub(super) fn streams_of(known: &DeviceView) -> impl Iterator<Item = DeviceStream> {
    known.streams.iter().filter(|stream| !stream.unannounced).map(|it| DeviceStream {
        name: it.name.clone(),
        kind: it.kind,
        measured: it.measured,
        interval_s: it.interval_s,
        unknown: Unknown::default(),
    })
}

fn stream(
    stream: &str,
    kind: message::StreamKind,
    unit: Option<Unit>,
    interval_s: Option<u32>,
) -> DeviceStream {
    let kind = match kind {
        message::StreamKind::Number => StreamKind::Number,
        message::StreamKind::Tags => StreamKind::Tags,
        message::StreamKind::Code => StreamKind::Code,
    };
    let measured = unit.map(measured);
    DeviceStream { name: name(stream), kind, measured, interval_s, unknown: Unknown::default() }
}

/// The first of each name.
fn distinct(all: impl Iterator<Item = DeviceStream>) -> Vec<DeviceStream> {
    let mut streams: Vec<DeviceStream> = Vec::new();
    for stream in all {
        if streams.iter().all(|other| other.name != stream.name) {
            streams.push(stream);
        }
    }
    streams
}

/// The unit as the journal names it.
pub(super) const fn measured(unit: Unit) -> Measured {
    match unit {
        Unit::Celsius => Measured::Celsius,
        Unit::HumidityPercent => Measured::HumidityPercent,
        Unit::Gram => Measured::Gram,
        Unit::Watt => Measured::Watt,
        Unit::KilowattHour => Measured::KilowattHour,
        Unit::Volt => Measured::Volt,
        Unit::Open => Measured::Open,
        Unit::On => Measured::On,
        Unit::Count => Measured::Count,
        Unit::Percent => Measured::Percent,
        Unit::Dbm => Measured::Dbm,
        Unit::Second => Measured::Second,
    }
}

/// Whether an announcement says nothing new. A serial number that is left out is no news.
pub(super) fn is_known(known: &DeviceView, said: &DeviceAnnounced) -> bool {
    known.model == said.model
        && known.profile == said.profile
        && known.firmware == said.firmware
        && known.boots == said.boots
        && known.cbor == said.cbor.unwrap_or(false)
        && (said.serial.is_none() || known.serial == said.serial)
        && known.schema.as_ref().map(|schema| &schema.0) == said.schema.as_ref()
        && streams_of(known).eq(said.streams.iter().cloned())
}

/// Settings that a device reports; nothing when they do not go into the journal.
pub(super) fn reported(device: &DeviceId, reported: &Reported, at: Timestamp) -> Option<SettingsReported> {
    let refused = reported.refused.as_ref();
    let some = |text: &str| -> Option<Name> { (!text.is_empty()).then(|| name(text)) };
    Some(SettingsReported {
        device: device.clone(),
        version: reported.version,
        settings: Text::new(serde_json::to_string(&reported.settings).ok()?).ok()?,
        refused: refused.map(|it| it.version),
        path: refused.and_then(|it| some(&it.path)),
        reason: refused.and_then(|it| some(&it.reason)),
        last_known_good: Some(reported.last_known_good),
        at,
        unknown: Unknown::default(),
    })
}

/// Whether a report says nothing new.
pub(super) fn is_reported(known: Option<&ReportedView>, said: &SettingsReported) -> bool {
    known.is_some_and(|known| {
        known.version == said.version
            && known.settings.0 == said.settings
            && known.last_known_good == said.last_known_good.unwrap_or(false)
            && known.refused.as_ref().map(|it| (it.version, &it.path, &it.reason))
                == said.refused.map(|version| (version, &said.path, &said.reason))
    })
}
