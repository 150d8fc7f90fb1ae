//! How a replay looks: differences as they are found, sums at the end, a bar while it runs.

use super::{
    Remarks,
    tally::{Difference, Measured, Summary},
};
use crate::{
    output,
    plugin::{decision, statistics::Spread},
};
use anyhow::Result;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use serde::Serialize;

/// How far it is, on standard error; nothing is drawn where that is no terminal.
pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn new(total: Option<u64>, json: bool) -> Self {
        let target = if json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(total, target);
        let form =
            if total.is_some() { "{bar:30} {percent:>3} %  {eta} left" } else { "{spinner} {elapsed}" };
        bar.set_style(ProgressStyle::with_template(form).unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self(bar)
    }

    pub(super) fn at(&self, place: u64) {
        self.0.set_position(place);
    }

    /// Writes something beside the bar.
    pub(super) fn aside(&self, write: impl FnOnce() -> Result<()>) -> Result<()> {
        self.0.suspend(write)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A time as it stands in lists, in UTC.
pub(super) fn time(millis: i64) -> String {
    Timestamp::from_millisecond(millis).map_or_else(|_| millis.to_string(), |time| time.to_string())
}

/// One difference.
pub(crate) fn difference(difference: &Difference, json: bool) -> Result<()> {
    if json {
        #[derive(Serialize)]
        struct Line<'a> {
            difference: &'a Difference,
        }
        return Ok(output::json(&Line { difference })?);
    }
    let money = difference.money.filter(|money| *money != 0);
    let money = money.map(|money| format!("  {}", decision::difference(money, &difference.currency)));
    output::line(format!("{}{}", output::plain(&difference.of), money.unwrap_or_default()))?;
    for change in &difference.changes {
        let side = |text: &Option<String>| text.as_deref().map_or_else(|| "nothing".into(), output::plain);
        let about = output::plain(&change.about);
        output::line(format!("  {about}: {} → {}", side(&change.before), side(&change.after)))?;
    }
    Ok(())
}

/// The sums.
pub(crate) fn summary(
    summary: &Summary,
    not_shown: u64,
    unread: u64,
    remarks: &Remarks,
    json: bool,
) -> Result<()> {
    if json {
        #[derive(Serialize)]
        struct Line<'a> {
            summary: &'a Summary,
            remarks: &'a Remarks,
            differences_not_shown: u64,
            records_not_read: u64,
        }
        let line = Line { summary, remarks, differences_not_shown: not_shown, records_not_read: unread };
        return Ok(output::json(&line)?);
    }
    if not_shown > 0 {
        output::line(format!("… and {} more differences; `--show` shows more", output::grouped(not_shown)))?;
    }
    lines(summary).iter().try_for_each(output::line)?;
    if remarks.late > 0 {
        output::line(format!(
            "  late    {} calls took longer here than the {} ms of `time_ms_max`",
            output::grouped(remarks.late),
            remarks.limit_ms
        ))?;
    }
    if remarks.unanswered > 0 {
        output::line(format!(
            "  asked   {} calls asked the store what was not asked then, and got no answer",
            output::grouped(remarks.unanswered)
        ))?;
    }
    if unread > 0 {
        output::line(format!(
            "{} records of the journal cannot be read and were left out",
            output::grouped(unread)
        ))?;
    }
    Ok(())
}

/// The sums in words.
pub(super) fn lines(summary: &Summary) -> Vec<String> {
    let percent = 100.0 * summary.differing as f64 / summary.compared.max(1) as f64;
    let mut lines = vec![format!(
        "{} replayed, {} differ ({percent:.1} %){}",
        output::grouped(summary.compared),
        output::grouped(summary.differing),
        if summary.skipped > 0 {
            format!(", {} left out", output::grouped(summary.skipped))
        } else {
            String::new()
        }
    )];
    for (currency, money) in &summary.money {
        lines.push(format!("  money   {}", decision::difference(*money, currency)));
    }
    if summary.points != 0 {
        lines.push(format!("  points  {:+}", summary.points));
    }
    lines.push(format!("  fuel    {}", both(&summary.fuel, output::grouped)));
    lines.push(format!("  time    {}", both(&summary.micros, output::micros)));
    if summary.failed_before + summary.failed_after > 0 {
        lines.push(format!("  failed  {} → {}", summary.failed_before, summary.failed_after));
    }
    lines
}

fn both(measured: &Measured, text: fn(u64) -> String) -> String {
    let one = |of: fn(&Spread) -> u64| match &measured.before {
        Some(before) => {
            let (was, is) = (of(before), of(&measured.after));
            let percent = 100.0 * (is as f64 - was as f64) / (was as f64).max(1.0);
            format!("{} → {} ({percent:+.0} %)", text(was), text(is))
        }
        None => text(of(&measured.after)),
    };
    format!("p50 {}, p99 {}", one(|spread| spread.p50), one(|spread| spread.p99))
}
