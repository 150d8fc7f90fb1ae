//! When the line to the hub goes and comes back: as `--outage` says, or whoever presses `o`.

use super::keys::Keys;
use aisle_harness::hub::Lines;
use std::time::Duration;
use tokio::{task::JoinHandle, time::sleep};

/// The key that cuts the line and mends it.
pub(super) const KEY: u8 = b'o';
/// How long an outage is that says nothing of it.
const USUAL_S: u64 = 30;

/// An outage that was asked for beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outage {
    /// After so long.
    after: Duration,
    /// For so long.
    length: Duration,
}

/// Reads `AFTER` or `AFTER:LENGTH`, both in seconds.
pub(crate) fn parse(text: &str) -> Result<Outage, String> {
    let (after, length) = text.split_once(':').map_or((text, None), |(after, length)| (after, Some(length)));
    let seconds = |text: &str| {
        let number = text.trim().trim_end_matches('s').parse::<u32>();
        number.map(u64::from).map_err(|_| format!("`{text}` is no number of seconds"))
    };
    let length = length.map_or(Ok(USUAL_S), seconds)?;
    Ok(Outage { after: Duration::from_secs(seconds(after)?), length: Duration::from_secs(length) })
}

/// Whoever cuts lines. Stops when this is dropped, and leaves them as they are.
pub(super) struct Cutter {
    task: Option<JoinHandle<()>>,
    keys: Option<Keys>,
}

impl Cutter {
    /// From now on.
    pub(super) fn start(lines: &Lines, outage: Option<Outage>) -> Self {
        let task = outage.map(|Outage { after, length }| {
            let lines = lines.clone();
            tokio::spawn(async move {
                sleep(after).await;
                lines.cut();
                sleep(length).await;
                lines.mend();
            })
        });
        let lines = lines.clone();
        let keys = Keys::listen(move |key| {
            if key.eq_ignore_ascii_case(&KEY) {
                lines.toggle();
            }
        });
        Self { task, keys }
    }

    /// True when there is a key to press.
    pub(super) const fn has_keys(&self) -> bool {
        self.keys.is_some()
    }

    /// Nothing is cut any more but by hand.
    pub(super) fn rest(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        self.rest();
    }
}

#[cfg(test)]
mod tests {
    use super::{Outage, USUAL_S, parse};
    use std::time::Duration;

    #[test]
    fn an_outage_is_said_in_seconds() {
        let outage = |after, length| {
            Ok(Outage { after: Duration::from_secs(after), length: Duration::from_secs(length) })
        };
        assert_eq!(parse("20"), outage(20, USUAL_S));
        assert_eq!(parse("20s:5s"), outage(20, 5));
        assert_eq!(parse("soon:5"), Err("`soon` is no number of seconds".into()));
        assert_eq!(parse("5:"), Err("`` is no number of seconds".into()));
    }
}
