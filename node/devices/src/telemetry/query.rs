//! What a stream was like over some time: minutes of memory and files merged to as many points as are wanted.
//!
//! Days begin at midnight of the store's zone, whatever the length of the day; smaller steps are counted in UTC.
//!
//! Not here: drawing (`chart`).

use super::{
    archive::{Archive, larger},
    minute::{MINUTE_MS, Minute},
    oddity::unit_sign,
    sketch::Sketch,
    stream::Told,
    view::{StreamKey, View},
};
use aisle_event::{
    Timestamp,
    device::{AnomalyKind, Measured},
};
use jiff::{SignedDuration, ToSpan, Zoned, tz::TimeZone};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};
use utoipa::ToSchema;

/// How much time one point stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// One minute.
    Minute,
    /// Five minutes.
    FiveMinutes,
    /// One hour.
    Hour,
    /// From midnight to midnight.
    Day,
    /// The finest of the others that gives no more points than this.
    PointsMax(usize),
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Of which stream.
    pub key: StreamKey,
    /// From when.
    pub from: Timestamp,
    /// Until before when.
    pub to: Timestamp,
    /// In which steps.
    pub resolution: Resolution,
    /// Whose midnight a day begins at.
    pub zone: TimeZone,
}

/// Why a query was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The end is not after the beginning, or a time is none of a shop.
    #[error("`from` is {from} and `to` is {to}: expected `to` after `from`, both between 2000 and 2199")]
    Times {
        /// The beginning, in milliseconds since 1970.
        from: i64,
        /// The end, in milliseconds since 1970.
        to: i64,
    },
    /// There would be too many points.
    #[error(
        "`{points}` points were asked for, at most {points_max} are given\nhint: take a shorter time or a coarser resolution"
    )]
    Points {
        /// How many it would be.
        points: usize,
        /// How many it may be.
        points_max: usize,
    },
}

/// The readings of one step taken together, in units of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = TelemetryPoint)]
pub struct Point {
    /// The beginning of the step.
    #[serde(with = "crate::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// How many readings; never 0: a step without any has no point.
    pub count: u64,
    /// The least.
    pub min: f64,
    /// The most.
    pub max: f64,
    /// Their mean.
    pub mean: f64,
    /// The last of them.
    pub last: f64,
    /// Half of them are at most this, to the sketch's relative error.
    pub p50: f64,
    /// 95 of 100 of them are at most this, to the sketch's relative error.
    pub p95: f64,
}

/// An anomaly of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = TelemetryAnomaly)]
pub struct Anomaly {
    /// In what way it is odd.
    #[schema(value_type = String)]
    pub kind: AnomalyKind,
    /// Since when.
    #[serde(with = "crate::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// Until when; nothing while it lasts.
    #[serde(with = "crate::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    /// In words, with the numbers.
    pub words: String,
}

impl Anomaly {
    pub(super) fn of(kind: AnomalyKind, told: &Told, until: Option<Timestamp>) -> Self {
        Self { kind, since: told.since, until, words: told.words.to_string() }
    }
}

/// What a query found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = TelemetrySeries)]
pub struct Series {
    /// Of which stream.
    #[serde(flatten)]
    pub key: StreamKey,
    /// What its numbers count, when the device said it.
    #[schema(value_type = Option<String>)]
    pub unit: Option<Measured>,
    /// As asked.
    #[serde(with = "crate::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// As asked.
    #[serde(with = "crate::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub to: Timestamp,
    /// The length of a step, in milliseconds; days may be an hour longer or shorter.
    pub step_ms: i64,
    /// By time. A step without readings is left out.
    pub points: Vec<Point>,
    /// What was odd about the stream between `from` and `to`, in the order in which it began: what is odd still, and of what is over
    /// the latest 32.
    pub anomalies: Vec<Anomaly>,
}

impl Series {
    /// How the unit is written after a number, with a space where there is one: ` °C`.
    #[must_use]
    pub const fn unit_sign(&self) -> &'static str {
        unit_sign(self.unit)
    }
}

impl Resolution {
    const fn ms(self) -> i64 {
        match self {
            Self::Minute => MINUTE_MS,
            Self::FiveMinutes => 5 * MINUTE_MS,
            Self::Hour => 60 * MINUTE_MS,
            Self::Day | Self::PointsMax(_) => 1440 * MINUTE_MS,
        }
    }
}

/// Answers a query from memory and, when there is one, the archive. A stream that nobody knows has no points. Reads files, so it may
/// block for some milliseconds; a day of one stream is one block of one file.
///
/// The view must be at least as old as the call, or minutes that are just going from memory to a file are missed.
///
/// # Errors
/// When the times are upside down or there would be too many points.
pub fn query(view: &View, archive: Option<&Archive>, query: &Query) -> Result<Series, QueryError> {
    let times = super::stream::TIMES;
    let (from, to) = (query.from, query.to);
    if from >= to || !times.contains(&from.0) || to.0 > times.end {
        return Err(QueryError::Times { from: from.0, to: to.0 });
    }
    let (resolution, starts) = steps(query, view.config.points_max)?;
    let first = from.0.div_euclid(MINUTE_MS);
    let end = (to.0 - 1).div_euclid(MINUTE_MS) + 1;
    let stream = view.stream(&query.key);
    let mut minutes: BTreeMap<i64, Arc<Minute>> =
        archive.map(|archive| archive.read(&query.key, first, end)).unwrap_or_default();
    if let Some(stream) = &stream {
        for (number, minute) in stream.stream.minutes.range(first..end) {
            larger(&mut minutes, *number, Arc::clone(minute));
        }
    }
    Ok(Series {
        key: query.key.clone(),
        unit: stream.and_then(|stream| stream.unit()),
        from,
        to,
        step_ms: resolution.ms(),
        points: points(&minutes, &starts),
        anomalies: stream.map(|stream| stream.anomalies_between(from, to)).unwrap_or_default(),
    })
}

/// The resolution that is taken, and where each step begins.
fn steps(query: &Query, points_max: usize) -> Result<(Resolution, Vec<i64>), QueryError> {
    let count = |resolution: Resolution| (query.to.0 - query.from.0).div_euclid(resolution.ms()) as usize + 2;
    let (resolution, points_max) = match query.resolution {
        Resolution::PointsMax(wanted) => {
            let wanted = wanted.min(points_max);
            let fine = [Resolution::Minute, Resolution::FiveMinutes, Resolution::Hour];
            (fine.into_iter().find(|fine| count(*fine) <= wanted + 1).unwrap_or(Resolution::Day), points_max)
        }
        resolution => (resolution, points_max),
    };
    let points = count(resolution);
    if points > points_max + 2 {
        return Err(QueryError::Points { points, points_max });
    }
    let starts = if resolution == Resolution::Day { days(query) } else { None };
    let starts = starts.unwrap_or_else(|| {
        let (step, first) = (resolution.ms(), query.from.0.div_euclid(resolution.ms()));
        (first..).map(|nth| nth * step).take_while(|start| *start < query.to.0).collect()
    });
    Ok((resolution, starts))
}

/// The midnights of the zone. Nothing when the calendar ends before.
fn days(query: &Query) -> Option<Vec<i64>> {
    let from = jiff::Timestamp::from_millisecond(query.from.0).ok()?;
    let mut day: Zoned = from.to_zoned(query.zone.clone()).start_of_day().ok()?;
    let mut starts = Vec::new();
    while day.timestamp().as_millisecond() < query.to.0 {
        starts.push(day.timestamp().as_millisecond());
        let next = day.checked_add(1.day()).and_then(|next| next.start_of_day());
        // A zone may leave a midnight out; time goes on all the same.
        let later = next.ok().filter(|next| *next > day);
        day = later.or_else(|| day.checked_add(SignedDuration::from_hours(24)).ok())?;
    }
    Some(starts)
}

fn points(minutes: &BTreeMap<i64, Arc<Minute>>, starts: &[i64]) -> Vec<Point> {
    let mut points = Vec::new();
    let mut minutes = minutes.iter().peekable();
    for (nth, start) in starts.iter().enumerate() {
        let end = starts.get(nth + 1).copied().unwrap_or(i64::MAX);
        let mut merged = Merged::default();
        while let Some((_, minute)) = minutes.next_if(|(number, _)| **number * MINUTE_MS < end) {
            merged.add(minute);
        }
        points.extend(merged.point(Timestamp(*start)));
    }
    points
}

/// Minutes of one step.
#[derive(Default)]
struct Merged {
    count: u64,
    min: i64,
    max: i64,
    sum: i128,
    last: i64,
    sketch: Sketch,
}

impl Merged {
    fn add(&mut self, minute: &Minute) {
        let none = self.count == 0;
        self.min = if none { minute.min } else { self.min.min(minute.min) };
        self.max = if none { minute.max } else { self.max.max(minute.max) };
        self.count += u64::from(minute.count);
        self.sum += minute.sum;
        self.last = minute.last;
        self.sketch.merge(&minute.sketch);
    }

    fn point(&self, at: Timestamp) -> Option<Point> {
        let units = |millionths: i64| millionths as f64 / 1e6;
        let quantile = |q| self.sketch.quantile(q).map(|value| units(value.clamp(self.min, self.max)));
        Some(Point {
            at,
            count: self.count,
            min: units(self.min),
            max: units(self.max),
            mean: self.sum as f64 / self.count as f64 / 1e6,
            last: units(self.last),
            p50: quantile(0.5)?,
            p95: quantile(0.95)?,
        })
    }
}
