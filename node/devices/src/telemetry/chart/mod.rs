//! A series as a picture: SVG 1.1 with title and description, without scripts, on any background.
//!
//! The mean is a line in the band between least and most; where nothing was measured there is nothing; limits are dashed; what was
//! odd is shaded and says in words why. Text and axes take the colour of the text around it (`currentColor`), the rest has the same
//! contrast on light and on dark.
//!
//! Not here: what the series holds (`query`).

mod axis;

use super::{
    oddity::brief,
    query::{Point, Series},
};
use aisle_event::Timestamp;
use axis::{times, values};
use jiff::tz::TimeZone;
use std::fmt::{self, Write};

const LEFT: f64 = 58.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 26.0;
/// A blue and an orange that are told apart by every eye (M. Okabe, K. Ito), darkened to 3 : 1 on white and on black.
const LINE: &str = "#2b7fc4";
const ODD: &str = "#d55e00";

/// How it is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct ChartOptions {
    /// What stands above it.
    pub title: String,
    /// Dashed lines, in units of the series.
    pub limits: Vec<Limit>,
    /// Its width, in CSS pixels: 200 to 4000.
    pub width: u32,
    /// Its height, in CSS pixels: 120 to 2000.
    pub height: u32,
    /// The zone of the times.
    pub zone: TimeZone,
    /// What stands there when nothing was measured.
    pub empty: String,
    /// Sets the ids within the picture apart from others on the same page: letters, digits, `-`; anything else is left out.
    pub id: String,
}

/// A line that the values should stay on one side of.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// Where.
    pub value: f64,
    /// What it is.
    pub label: String,
}

impl Default for ChartOptions {
    fn default() -> Self {
        Self {
            title: String::new(),
            limits: Vec::new(),
            width: 720,
            height: 240,
            zone: TimeZone::UTC,
            empty: "nothing was measured".into(),
            id: "chart".into(),
        }
    }
}

/// Where things are.
struct Plane {
    from: i64,
    to: i64,
    low: f64,
    high: f64,
    width: f64,
    height: f64,
}

impl Plane {
    fn x(&self, at: Timestamp) -> f64 {
        let share = (at.0.clamp(self.from, self.to) - self.from) as f64 / (self.to - self.from).max(1) as f64;
        LEFT + share * (self.width - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        self.height - BOTTOM - share * (self.height - TOP - BOTTOM)
    }
}

/// Draws it.
#[must_use]
pub fn svg(series: &Series, options: &ChartOptions) -> String {
    let mut out = String::new();
    // Writing into memory does not fail.
    let _ = draw(&mut out, series, options);
    out
}

fn draw(out: &mut String, series: &Series, options: &ChartOptions) -> fmt::Result {
    let (width, height) = (options.width.clamp(200, 4000), options.height.clamp(120, 2000));
    let id: String = options.id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    let sign = series.unit_sign();
    write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\" aria-labelledby=\"{id}-title {id}-desc\" fill=\"currentColor\" \
         font-family=\"system-ui, sans-serif\" font-size=\"12\"><title id=\"{id}-title\">{}</title><desc id=\"{id}-desc\">{}</desc>",
        Escaped(&options.title),
        Escaped(&description(series, options)),
    )?;
    write!(
        out,
        "<text x=\"{LEFT}\" y=\"18\" font-size=\"14\" font-weight=\"600\">{}</text>",
        Escaped(&options.title)
    )?;
    let span = values(series, options, f64::from(height) - TOP - BOTTOM);
    let plane = Plane {
        from: series.from.0,
        to: series.to.0,
        low: span.low,
        high: span.high,
        width: width.into(),
        height: height.into(),
    };
    axes(out, &plane, &span.ticks, sign, options)?;
    odd(out, series, &plane)?;
    for run in runs(series) {
        band(out, run, &plane, series.step_ms)?;
    }
    limits(out, &plane, sign, options)?;
    if series.points.is_empty() {
        let (x, y) = (plane.width / 2.0, plane.height / 2.0);
        write!(out, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{}</text>", Escaped(&options.empty))?;
    }
    out.write_str("</svg>")
}

fn description(series: &Series, options: &ChartOptions) -> String {
    let sign = series.unit_sign();
    let zone = options.zone.iana_name().unwrap_or("UTC");
    let time = |at| axis::written(at, &options.zone);
    let mut text = format!("From {} to {} ({zone}). ", time(series.from), time(series.to));
    let (Some(last), count) =
        (series.points.last(), series.points.iter().map(|point| point.count).sum::<u64>())
    else {
        return text + &options.empty;
    };
    let low = series.points.iter().map(|point| point.min).fold(f64::INFINITY, f64::min);
    let high = series.points.iter().map(|point| point.max).fold(f64::NEG_INFINITY, f64::max);
    text += &format!(
        "{count} readings from {}{sign} to {}{sign}; the last is {}{sign}.",
        brief(low),
        brief(high),
        brief(last.last),
    );
    for limit in options.limits.iter().filter(|limit| limit.value.is_finite()) {
        text += &format!(" {}: {}{sign}.", limit.label, brief(limit.value));
    }
    for anomaly in &series.anomalies {
        text += &format!(" {} since {}: {}.", anomaly.kind, time(anomaly.since), anomaly.words);
    }
    text
}

fn axes(out: &mut String, plane: &Plane, ticks: &[f64], sign: &str, options: &ChartOptions) -> fmt::Result {
    let (right, bottom) = (plane.width - RIGHT, plane.height - BOTTOM);
    out.write_str("<g stroke=\"currentColor\" stroke-opacity=\".18\">")?;
    for tick in ticks {
        let y = plane.y(*tick);
        write!(out, "<path d=\"M{LEFT} {y:.1}H{right:.1}\"/>")?;
    }
    let times = times(plane.from, plane.to, ((plane.width - LEFT - RIGHT) / 70.0) as usize, &options.zone);
    for (at, _) in &times {
        let x = plane.x(*at);
        write!(out, "<path d=\"M{x:.1} {TOP}V{bottom:.1}\"/>")?;
    }
    out.write_str("</g><g fill-opacity=\".8\">")?;
    for tick in ticks {
        let y = plane.y(*tick) + 4.0;
        let x = LEFT - 6.0;
        write!(out, "<text x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\">{}</text>", brief(*tick))?;
    }
    for (at, label) in &times {
        let (x, y) = (plane.x(*at), plane.height - 9.0);
        write!(out, "<text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\">{label}</text>")?;
    }
    let x = LEFT - 6.0;
    write!(out, "<text x=\"{x}\" y=\"18\" text-anchor=\"end\">{}</text></g>", Escaped(sign.trim()))?;
    write!(out, "<path d=\"M{LEFT} {bottom:.1}H{right:.1}\" stroke=\"currentColor\" stroke-opacity=\".6\"/>")
}

fn odd(out: &mut String, series: &Series, plane: &Plane) -> fmt::Result {
    for anomaly in &series.anomalies {
        let until = anomaly.until.unwrap_or(series.to);
        if until <= series.from || anomaly.since >= series.to {
            continue;
        }
        let (from, to) = (plane.x(anomaly.since), plane.x(until));
        let (width, height) = ((to - from).max(2.0), plane.height - TOP - BOTTOM);
        // The label stays within the picture at its right end.
        let (label, anchor) =
            if from > plane.width * 0.85 { (to - 4.0, "end") } else { (from + 4.0, "start") };
        let y = TOP + 12.0;
        write!(
            out,
            "<g><title>{}: {}</title><rect x=\"{from:.1}\" y=\"{TOP}\" width=\"{width:.1}\" height=\"{height:.1}\" \
             fill=\"{ODD}\" fill-opacity=\".13\"/><path d=\"M{from:.1} {TOP}v{height:.1}\" stroke=\"{ODD}\" stroke-width=\"1.5\"/>\
             <text x=\"{label:.1}\" y=\"{y}\" text-anchor=\"{anchor}\" fill=\"{ODD}\" font-weight=\"600\">{}</text></g>",
            anomaly.kind,
            Escaped(&anomaly.words),
            anomaly.kind,
        )?;
    }
    Ok(())
}

/// Points without a gap between them: none that is longer than twice what is usual between two points.
fn runs(series: &Series) -> impl Iterator<Item = &[Point]> {
    let mut apart: Vec<i64> = series
        .points
        .iter()
        .zip(series.points.iter().skip(1))
        .map(|(one, next)| next.at.0.saturating_sub(one.at.0))
        .collect();
    apart.sort_unstable();
    let usual = apart.get(apart.len() / 2).copied().unwrap_or_default().max(series.step_ms);
    series.points.chunk_by(move |one, next| next.at.0.saturating_sub(one.at.0) <= usual.saturating_mul(2))
}

fn band(out: &mut String, run: &[Point], plane: &Plane, step_ms: i64) -> fmt::Result {
    // A point stands for its whole step, so it is drawn in the middle of it.
    let x = |point: &Point| plane.x(point.at.saturating_add_ms(step_ms / 2));
    if let [only] = run {
        let (x, high, low, mean) = (x(only), plane.y(only.max), plane.y(only.min), plane.y(only.mean));
        return write!(
            out,
            "<path d=\"M{x:.1} {high:.1}V{low:.1}\" stroke=\"{LINE}\" stroke-opacity=\".4\" stroke-width=\"3\"/>\
             <circle cx=\"{x:.1}\" cy=\"{mean:.1}\" r=\"2\" fill=\"{LINE}\"/>"
        );
    }
    out.write_str("<path d=\"")?;
    for (nth, point) in run.iter().enumerate() {
        write!(out, "{}{:.1} {:.1}", if nth == 0 { 'M' } else { 'L' }, x(point), plane.y(point.max))?;
    }
    for point in run.iter().rev() {
        write!(out, "L{:.1} {:.1}", x(point), plane.y(point.min))?;
    }
    write!(out, "Z\" fill=\"{LINE}\" fill-opacity=\".25\"/><path d=\"")?;
    for (nth, point) in run.iter().enumerate() {
        write!(out, "{}{:.1} {:.1}", if nth == 0 { 'M' } else { 'L' }, x(point), plane.y(point.mean))?;
    }
    write!(out, "\" fill=\"none\" stroke=\"{LINE}\" stroke-width=\"1.6\" stroke-linejoin=\"round\"/>")
}

fn limits(out: &mut String, plane: &Plane, sign: &str, options: &ChartOptions) -> fmt::Result {
    let right = plane.width - RIGHT;
    for limit in options.limits.iter().filter(|limit| limit.value.is_finite()) {
        let y = plane.y(limit.value);
        // Above the line, unless the title is there.
        let (text_y, text_x) = (if y < TOP + 14.0 { y + 14.0 } else { y - 4.0 }, right - 4.0);
        write!(
            out,
            "<path d=\"M{LEFT} {y:.1}H{right:.1}\" stroke=\"{ODD}\" stroke-width=\"1.4\" stroke-dasharray=\"6 4\"/>\
             <text x=\"{text_x:.1}\" y=\"{text_y:.1}\" text-anchor=\"end\" fill=\"{ODD}\">{} {}{}</text>",
            Escaped(&limit.label),
            brief(limit.value),
            Escaped(sign),
        )?;
    }
    Ok(())
}

/// Text that means nothing to XML.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // XML 1.0 has no other control characters, and two code points are none.
                c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => f.write_char(' ')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}
