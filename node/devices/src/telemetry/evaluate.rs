//! How good the alarms are: readings with windows in which something was really wrong, played through the fold.
//!
//! Not here: where readings come from. Nothing is fitted to the windows.

use super::{config::Config, fold::Telemetry, oddity::place};
use aisle_event::{
    DeviceId, Event, InvalidId, Measure, Name, Timestamp, Unknown,
    device::{AnomalyKind, DeviceAnnounced, DeviceStream, Measured, Reading, ReadingsTaken, StreamKind},
};
use std::fmt;

/// Between two readings time is looked at so often.
const LOOK_MS: i64 = 60_000;
const LOOKS_MAX: i64 = 10_000;
const HOUR_MS: f64 = 3.6e6;
const DAY_MS: f64 = 8.64e7;

/// What one kind of anomaly did.
#[derive(Debug, Clone, PartialEq)]
pub struct KindReport {
    /// Which; nothing for all kinds together.
    pub kind: Option<AnomalyKind>,
    /// For each window the hours from its beginning to the first alarm in it, or that was on when it began (0); nothing when there
    /// was none.
    pub delays_h: Vec<Option<f64>>,
    /// Alarms that began outside of all windows.
    pub false_alarms: usize,
    /// Those a day.
    pub false_alarms_per_day: f64,
}

/// How good the alarms were.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Readings that were played.
    pub readings: usize,
    /// Windows.
    pub windows: usize,
    /// Days outside of the windows.
    pub days_outside: f64,
    /// All kinds together, then each.
    pub kinds: Vec<KindReport>,
    /// Every alarm: when, what, in words.
    pub alarms: Vec<(Timestamp, AnomalyKind, String)>,
}

/// Plays readings of one sensor through the fold, minute by minute as in a store, and compares the alarms with the windows.
///
/// # Errors
/// Never for readings; only if the names that it gives to the sensor were none.
pub fn evaluate(
    readings: &[(Timestamp, Measure)],
    windows: &[(Timestamp, Timestamp)],
    unit: Measured,
    config: Config,
) -> Result<Report, InvalidId> {
    let (device, stream) = (DeviceId::new("sensor")?, Name::new("value")?);
    let mut telemetry = Telemetry::new(config);
    let mut alarms: Vec<Alarm> = Vec::new();
    let first = readings.first().map_or(Timestamp(0), |reading| reading.0);
    telemetry.apply(1, &announced(&device, &stream, unit, first)?);
    let mut before = first;
    for (nth, (at, value)) in readings.iter().enumerate() {
        let mut now = before.saturating_add_ms(LOOK_MS);
        for _ in 0..LOOKS_MAX {
            if now >= *at {
                break;
            }
            settle(&mut telemetry, now, &mut alarms);
            now = now.saturating_add_ms(LOOK_MS);
        }
        let reading = Reading {
            device: device.clone(),
            stream: stream.clone(),
            value: *value,
            at: *at,
            number: None,
            boot: None,
            unknown: Unknown::default(),
        };
        let taken = ReadingsTaken { readings: vec![reading], unknown: Unknown::default() };
        telemetry.apply(nth as u64 + 2, &Event::ReadingsTaken(taken));
        settle(&mut telemetry, *at, &mut alarms);
        before = *at;
    }
    let inside: f64 = windows.iter().map(|(from, to)| to.ms_since(*from) as f64).sum();
    let days_outside = ((before.ms_since(first) as f64 - inside) / DAY_MS).max(0.0);
    let kinds = std::iter::once(None).chain(AnomalyKind::ALL.iter().copied().map(Some));
    Ok(Report {
        readings: readings.len(),
        windows: windows.len(),
        days_outside,
        kinds: kinds.map(|kind| compare(kind, &alarms, windows, days_outside)).collect(),
        alarms: alarms.into_iter().map(|alarm| (alarm.from, alarm.kind, alarm.words)).collect(),
    })
}

struct Alarm {
    kind: AnomalyKind,
    from: Timestamp,
    to: Option<Timestamp>,
    words: String,
}

fn announced(device: &DeviceId, stream: &Name, unit: Measured, at: Timestamp) -> Result<Event, InvalidId> {
    let stream = DeviceStream {
        name: stream.clone(),
        kind: StreamKind::Number,
        measured: Some(unit),
        interval_s: None,
        unknown: Unknown::default(),
    };
    Ok(Event::DeviceAnnounced(DeviceAnnounced {
        device: device.clone(),
        model: Name::new("sensor")?,
        firmware: None,
        profile: None,
        streams: vec![stream],
        schema: None,
        boots: None,
        at,
        serial: None,
        cbor: None,
        unknown: Unknown::default(),
    }))
}

fn settle(telemetry: &mut Telemetry, now: Timestamp, alarms: &mut Vec<Alarm>) {
    for event in telemetry.due(now) {
        match &event {
            Event::AnomalyOpened(opened) => alarms.push(Alarm {
                kind: opened.kind,
                from: now,
                to: None,
                words: opened.detail.to_string(),
            }),
            Event::AnomalyClosed(closed) => {
                let open = alarms.iter_mut().rfind(|alarm| alarm.kind == closed.kind);
                if let Some(open) = open {
                    open.to = Some(now);
                }
            }
            _ => {}
        }
        telemetry.apply(0, &event);
    }
}

fn compare(
    kind: Option<AnomalyKind>,
    alarms: &[Alarm],
    windows: &[(Timestamp, Timestamp)],
    days_outside: f64,
) -> KindReport {
    let of_kind = || alarms.iter().filter(|alarm| kind.is_none_or(|kind| place(kind) == place(alarm.kind)));
    let delay = |(from, to): &(Timestamp, Timestamp)| {
        of_kind()
            .filter(|alarm| alarm.from <= *to && alarm.to.is_none_or(|end| end >= *from))
            .map(|alarm| alarm.from.ms_since(*from) as f64 / HOUR_MS)
            .reduce(f64::min)
    };
    let outside = |alarm: &&Alarm| !windows.iter().any(|(from, to)| (*from..=*to).contains(&alarm.from));
    let false_alarms = of_kind().filter(outside).count();
    KindReport {
        kind,
        delays_h: windows.iter().map(delay).collect(),
        false_alarms,
        false_alarms_per_day: if days_outside > 0.0 { false_alarms as f64 / days_outside } else { 0.0 },
    }
}

/// A Markdown table.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| anomaly | windows found | delay, hours | false alarms | a day |")?;
        writeln!(f, "|---|---|---|---|---|")?;
        for report in &self.kinds {
            let found = report.delays_h.iter().flatten().count();
            let delays: Vec<String> = report
                .delays_h
                .iter()
                .map(|delay| delay.map_or_else(|| "–".into(), |hours| format!("{hours:.0}")))
                .collect();
            writeln!(
                f,
                "| {} | {found} of {} | {} | {} | {:.3} |",
                report.kind.map_or("any", AnomalyKind::as_str),
                self.windows,
                delays.join(", "),
                report.false_alarms,
                report.false_alarms_per_day,
            )?;
        }
        Ok(())
    }
}
