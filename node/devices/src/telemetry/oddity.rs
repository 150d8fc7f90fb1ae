//! What is odd about a stream: since when, by which numbers, and the same in words.
//!
//! Not here: how it is found out (`habits`), when it is told (`fold`).

use super::bytes::{Damaged, Reader, Writer};
use aisle_event::{
    Timestamp,
    device::{AnomalyKind, Measured},
};

/// One odd thing, with the numbers that say so, in units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Oddity {
    pub(super) since: Timestamp,
    pub(super) found: f64,
    /// Where usual ends.
    pub(super) level: f64,
    /// What the level is about: the usual value, the number of readings, the interval.
    pub(super) about: f64,
}

/// Each kind has a place.
pub(super) const fn place(kind: AnomalyKind) -> usize {
    match kind {
        AnomalyKind::Range => 0,
        AnomalyKind::Stuck => 1,
        AnomalyKind::Drift => 2,
        AnomalyKind::Silent => 3,
    }
}

/// How a unit is written after a number.
pub(super) const fn unit_sign(unit: Option<Measured>) -> &'static str {
    match unit {
        Some(Measured::Celsius) => " °C",
        Some(Measured::HumidityPercent) => " % RH",
        Some(Measured::Gram) => " g",
        Some(Measured::Watt) => " W",
        Some(Measured::KilowattHour) => " kWh",
        Some(Measured::Volt) => " V",
        Some(Measured::Percent) => " %",
        Some(Measured::Dbm) => " dBm",
        Some(Measured::Second) => " s",
        Some(Measured::Open | Measured::On | Measured::Count) | None => "",
    }
}

/// A number with as many digits as are worth reading.
pub(super) fn brief(number: f64) -> String {
    if number.abs() >= 1e7 {
        return format!("{number:.1e}");
    }
    let digits = match number.abs() {
        size if size >= 1000.0 => 0,
        size if size >= 100.0 => 1,
        _ => 2,
    };
    let text = format!("{number:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".into() } else { text.into() }
}

/// A time as people say it.
pub(super) fn span(seconds: f64) -> String {
    match seconds {
        s if s < 120.0 => format!("{} s", brief(s.round())),
        s if s < 7_200.0 => format!("{} min", brief((s / 60.0).round())),
        s if s < 172_800.0 => format!("{} h", brief((s / 360.0).round() / 10.0)),
        s => format!("{} days", brief((s / 8_640.0).round() / 10.0)),
    }
}

impl Oddity {
    /// In words, with the numbers.
    pub(super) fn words(&self, kind: AnomalyKind, unit: Option<Measured>) -> String {
        let (found, level, about) = (self.found, self.level, self.about);
        let sign = unit_sign(unit);
        match kind {
            AnomalyKind::Range => {
                let side = if found > level { "above" } else { "below" };
                let bound = if about == 0.0 { "what such a sensor can say" } else { "what is usual here" };
                format!("{}{sign} is {side} {}{sign}, {bound}", brief(found), brief(level))
            }
            AnomalyKind::Stuck => format!(
                "{}{sign} for {} without a change; its own habit is at most {}",
                brief(about),
                span(found),
                span(level),
            ),
            AnomalyKind::Drift => format!(
                "{}{sign} {} its usual {}{sign} for this hour, averaged over some hours; {}{sign} is its habit's limit",
                brief(found.abs()),
                if found > 0.0 { "above" } else { "below" },
                brief(about),
                brief(level),
            ),
            AnomalyKind::Silent => format!(
                "nothing for {}; it speaks every {}, and {} is long for it",
                span(found),
                span(about),
                span(level),
            ),
        }
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.signed(self.since.0);
        for number in [self.found, self.level, self.about] {
            writer.float(number);
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Damaged> {
        Ok(Self {
            since: Timestamp(reader.signed()?),
            found: reader.float()?,
            level: reader.float()?,
            about: reader.float()?,
        })
    }
}
