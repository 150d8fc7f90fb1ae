//! The report as CSV: the readings by five minutes, behind comment lines with everything else.
//!
//! RFC 4180 knows no comments; a line that begins with `#` is one for most readers of tables, and the numbers stand behind them
//! in any case. No cell holds text that came from outside, so none can be a formula.

use super::Report;
use std::fmt::Write as _;

/// What the line with the data begins with.
pub(crate) const DATA: &str = "# aisle-cold-chain-report: ";

impl Report {
    /// The report as CSV.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut text = String::new();
        // Writing to a `String` has no way to fail.
        let _ = writeln!(text, "{DATA}{}", serde_json::to_string(self).unwrap_or_default());
        let _ = writeln!(text, "# verify: aisle-node cold-chain verify FILE");
        text.push_str("time_utc,time_local,readings,min_celsius,mean_celsius,max_celsius,outside,first_record,last_record\r\n");
        for slot in &self.slots {
            let at = aisle_event::Timestamp(slot.at_ms);
            let utc = jiff::Timestamp::from_millisecond(slot.at_ms)
                .map_or_else(|_| "?".into(), |at| at.to_string());
            let bad = if self.is_hot() { slot.min_milli } else { slot.max_milli };
            let outside = self.limit.is_some_and(|limit| limit.outside(f64::from(bad)));
            let _ = write!(
                text,
                "{utc},{},{},{:.3},{:.3},{:.3},{},{},{}\r\n",
                self.local(at, "%Y-%m-%dT%H:%M"),
                slot.count,
                f64::from(slot.min_milli) / 1000.0,
                slot.mean_milli() / 1000.0,
                f64::from(slot.max_milli) / 1000.0,
                u8::from(outside),
                slot.first_seq,
                slot.last_seq,
            );
        }
        text
    }
}
