//! The day as a drawing: the band between least and greatest reading, their mean, and the limit. Inline SVG without scripts.
//!
//! It is drawn here, from the report alone, so that whoever verifies a page makes the same drawing again and sees whether it was
//! changed.

use super::Report;
use crate::cold_chain::{SLOT_MS, Slot};
use aisle_event::Timestamp;
use std::fmt::Write as _;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 44.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 22.0;

/// Where a time and a temperature lie in the drawing.
struct Scale {
    from_ms: i64,
    to_ms: i64,
    low: f64,
    high: f64,
}

impl Scale {
    fn x(&self, ms: i64) -> f64 {
        let part = (ms - self.from_ms) as f64 / (self.to_ms - self.from_ms).max(1) as f64;
        LEFT + part * (WIDTH - LEFT)
    }

    fn y(&self, celsius: f64) -> f64 {
        let part = (celsius - self.low) / (self.high - self.low);
        HEIGHT - BOTTOM - part * (HEIGHT - BOTTOM - TOP)
    }

    fn points<'a>(&self, slots: impl Iterator<Item = &'a Slot>, milli: impl Fn(&Slot) -> f64) -> String {
        let mut points = String::new();
        for slot in slots {
            let (x, y) = (self.x(slot.at_ms.saturating_add(SLOT_MS / 2)), self.y(milli(slot) / 1000.0));
            // Writing to a `String` has no way to fail.
            let _ = write!(points, "{x:.1},{y:.1} ");
        }
        points
    }
}

/// A distance between lines of the grid that gives some four to eight of them.
fn step(range: f64) -> f64 {
    [1.0, 2.0, 5.0, 10.0, 20.0, 50.0].into_iter().find(|step| range / step <= 8.0).unwrap_or(100.0)
}

impl Report {
    /// The drawing; nothing when there is nothing to draw.
    pub(super) fn chart(&self) -> Option<String> {
        let limit = f64::from(self.limit?.milli) / 1000.0;
        let least = self.slots.iter().map(|slot| slot.min_milli).min()?;
        let most = self.slots.iter().map(|slot| slot.max_milli).max()?;
        let low = (f64::from(least) / 1000.0).min(limit).floor() - 1.0;
        let high = (f64::from(most) / 1000.0).max(limit).ceil() + 1.0;
        let scale = Scale { from_ms: self.from.0, to_ms: self.to.0, low, high };
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"°C\" font-size=\"10\" font-family=\"sans-serif\">"
        );
        self.grid(&scale, &mut svg);
        // What is missing is a gap, not a line across it.
        for part in self.slots.chunk_by(|a, b| b.at_ms - a.at_ms <= 3 * SLOT_MS) {
            let upper = scale.points(part.iter(), |slot| slot.max_milli.into());
            let lower = scale.points(part.iter().rev(), |slot| slot.min_milli.into());
            let mean = scale.points(part.iter(), Slot::mean_milli);
            let _ = write!(
                svg,
                "<polygon points=\"{upper}{lower}\" fill=\"#9ec5e8\" stroke=\"#9ec5e8\"/><polyline points=\"{mean}\" fill=\"none\" stroke=\"#0b4f8a\" stroke-width=\"1.5\"/>"
            );
        }
        let y = scale.y(limit);
        let _ = write!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#b00020\" stroke-width=\"1.5\" stroke-dasharray=\"6 3\"/></svg>"
        );
        Some(svg)
    }

    fn grid(&self, scale: &Scale, svg: &mut String) {
        let step = step(scale.high - scale.low);
        let mut celsius = (scale.low / step).ceil() * step;
        while celsius <= scale.high {
            let y = scale.y(celsius);
            let _ = write!(
                svg,
                "<line x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#ddd\"/><text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{celsius:.0} °C</text>",
                LEFT - 4.0,
                y + 3.0,
            );
            celsius += step;
        }
        // A day has 23 to 25 hours; eight parts are near enough for marks that say their time.
        for part in 0..8 {
            let at = scale.from_ms + (scale.to_ms - scale.from_ms) / 8 * part;
            let x = scale.x(at);
            let _ = write!(
                svg,
                "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{:.0}\" stroke=\"#eee\"/><text x=\"{x:.1}\" y=\"{:.0}\">{}</text>",
                HEIGHT - BOTTOM,
                HEIGHT - 8.0,
                self.local(Timestamp(at), "%H:%M"),
            );
        }
    }
}
