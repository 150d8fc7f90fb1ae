//! A row of lengths of time as a small picture: an SVG of lines, with what it shows in words for those who do not see it.

use super::say;
use maud::{Markup, html};

const WIDTH: u32 = 160;
const HEIGHT: u32 = 28;
/// A lag of a month is at the upper edge: the scale is logarithmic, since seconds and days both matter.
const TOP_MS: u64 = 30 * 86_400_000;

/// How late batches came, the oldest first.
pub(super) fn lags(lags_ms: &[u64]) -> Markup {
    let (Some(least), Some(most), Some(last)) = (lags_ms.iter().min(), lags_ms.iter().max(), lags_ms.last())
    else {
        return html! { span.none { "no batch yet" } };
    };
    let said = |ms: &u64| say::length(i64::try_from(*ms).unwrap_or(i64::MAX));
    let words = format!(
        "How late the last {} came: from {} to {}, the last one {}",
        say::count(lags_ms.len() as u64, "batch", "batches"),
        said(least),
        said(most),
        said(last)
    );
    html! {
        svg.spark viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(words) preserveAspectRatio="none" {
            polyline points=(points(lags_ms)) {}
        }
        // What the picture's name says, for those who see it.
        div.rest aria-hidden="true" { (said(least)) " to " (said(most)) }
    }
}

fn points(lags_ms: &[u64]) -> String {
    let steps = lags_ms.len().saturating_sub(1).max(1);
    let point = |(at, lag): (usize, &u64)| {
        let x = (WIDTH as usize).saturating_mul(at) / steps;
        format!("{x},{}", height(*lag))
    };
    let mut points: Vec<String> = lags_ms.iter().enumerate().map(point).collect();
    if let [only] = points.as_slice() {
        // One batch is a line as well.
        let y = only.split_once(',').map_or("0", |(_, y)| y).to_owned();
        points.push(format!("{WIDTH},{y}"));
    }
    points.join(" ")
}

/// From the upper edge, with room for the line itself.
fn height(lag_ms: u64) -> u32 {
    let of = |ms: u64| (ms.min(TOP_MS) as f64 / 1_000.0).ln_1p();
    let room = f64::from(HEIGHT - 4);
    (room - room * of(lag_ms) / of(TOP_MS) + 2.0).round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_stays_within_its_frame_and_says_what_it_shows() {
        assert_eq!(points(&[0, TOP_MS, u64::MAX]), "0,26 80,2 160,2");
        assert_eq!(points(&[0]), "0,26 160,26");
        let shown = lags(&[1_000, 200_000, 3_000]).into_string();
        assert!(shown.contains("the last 3 batches came: from 1 s to 3 min, the last one 3 s"), "{shown}");
        assert!(lags(&[]).into_string().contains("no batch yet"));
    }
}
