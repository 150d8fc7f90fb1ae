//! Where the lines of a grid are: at round values and at round local times.
//!
//! Not here: drawing.

use super::{ChartOptions, Series};
use aisle_event::Timestamp;
use jiff::{Span, ToSpan, Zoned, tz::TimeZone};

/// The values of an axis.
pub(super) struct Values {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) ticks: Vec<f64>,
}

/// A line for each so many pixels.
const PIXELS_PER_VALUE: f64 = 38.0;
const TICKS_MAX: i32 = 50;

/// Round values around the points and the limits: 1, 2 or 5 times a power of ten apart.
pub(super) fn values(series: &Series, options: &ChartOptions, pixels: f64) -> Values {
    let points = series.points.iter().flat_map(|point| [point.min, point.max]);
    let all = points.chain(options.limits.iter().map(|limit| limit.value)).filter(|value| value.is_finite());
    let (low, high) =
        all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    let (low, high) = if low > high { (0.0, 1.0) } else { (low, high) };
    // A line that never moves still has room around it.
    let least = (low.abs().max(high.abs()) * 0.01).max(0.1);
    let (low, high) = if high - low < least { (low - least, high + least) } else { (low, high) };
    let wanted = (high - low) / (pixels / PIXELS_PER_VALUE).max(1.0);
    let power = 10_f64.powf(wanted.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|times| times * power).into_iter().find(|step| *step >= wanted);
    let step = step.unwrap_or(wanted);
    let (first, last) = ((low / step).floor(), (high / step).ceil());
    let count = ((last - first) as i32).clamp(1, TICKS_MAX);
    let ticks = (0..=count).map(|nth| (first + f64::from(nth)) * step).collect();
    Values { low: first * step, high: last * step, ticks }
}

/// A local time for a description.
pub(super) fn written(at: Timestamp, zone: &TimeZone) -> String {
    zoned(at.0, zone).map_or_else(String::new, |at| at.strftime("%Y-%m-%d %H:%M").to_string())
}

fn zoned(at: i64, zone: &TimeZone) -> Option<Zoned> {
    Some(jiff::Timestamp::from_millisecond(at).ok()?.to_zoned(zone.clone()))
}

/// Round local times between two times, at most so many and a few, with what stands below each.
pub(super) fn times(from: i64, to: i64, times_max: usize, zone: &TimeZone) -> Vec<(Timestamp, String)> {
    let minutes = (to - from) / 60_000 / times_max.max(1) as i64;
    let steps: [(i64, Span); 14] = [
        (5, 5.minutes()),
        (10, 10.minutes()),
        (15, 15.minutes()),
        (30, 30.minutes()),
        (60, 1.hour()),
        (120, 2.hours()),
        (180, 3.hours()),
        (360, 6.hours()),
        (720, 12.hours()),
        (1_440, 1.day()),
        (2_880, 2.days()),
        (10_080, 7.days()),
        (20_160, 14.days()),
        (43_200, 1.month()),
    ];
    let found = steps.into_iter().find(|(length, _)| *length >= minutes);
    let (length, step) = found.unwrap_or((527_040, 1.year()));
    marks(from, to, length, step, zone).unwrap_or_default()
}

fn marks(from: i64, to: i64, length: i64, step: Span, zone: &TimeZone) -> Option<Vec<(Timestamp, String)>> {
    let mut at = zoned(from, zone)?.start_of_day().ok()?;
    if length >= 43_200 {
        at = at.first_of_month().ok()?;
    }
    let mut marks = Vec::new();
    let mut day = at.clone();
    while at.timestamp().as_millisecond() < to {
        let ms = at.timestamp().as_millisecond();
        if ms >= from {
            marks.push((Timestamp(ms), label(&at, length)));
        }
        let next = at.checked_add(step).ok()?;
        // Hours begin anew at each midnight, so that a day of 23 or 25 hours moves no label.
        at = if length < 1_440 && next.date() != at.date() {
            day = day.checked_add(1.day()).ok()?.start_of_day().ok()?;
            if day > at { day.clone() } else { next }
        } else {
            next
        };
    }
    Some(marks)
}

fn label(at: &Zoned, length: i64) -> String {
    let format = match length {
        length if length >= 527_040 => "%Y",
        length if length >= 43_200 => "%Y-%m",
        length if length >= 1_440 => "%m-%d",
        _ if at.hour() == 0 && at.minute() == 0 => "%m-%d",
        _ => "%H:%M",
    };
    at.strftime(format).to_string()
}
