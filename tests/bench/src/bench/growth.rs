//! Memory over a steady load: the median of its first tenth, of the tenth in its middle and of its last, and whether it grew.

use super::side::Side;
use crate::{rounds::Rounds, table};
use anyhow::{Context, Result};
use std::time::Duration;

/// How often memory is looked at.
pub(super) const SAMPLE_EVERY: Duration = Duration::from_millis(500);
/// How much larger the last tenth of the run may be than the tenth in its middle.
const BAR: f64 = 1.05;
/// The heads of [`cells`].
pub(super) const COLUMNS: [&str; 6] =
    ["VmRSS at the start", "in the middle", "at the end", "end of middle", "bar", "met"];

/// What the samples of a run say, in bytes each, oldest first. The bar is for ours.
pub(super) fn cells(samples: &[f64], side: Side) -> Result<[String; 6]> {
    let tenth = samples.len() / 10;
    let median = |from: usize| -> Result<f64> {
        let mut rounds = Rounds::default();
        let part = samples.get(from..=from + tenth).context("the run was too short to see memory grow")?;
        part.iter().for_each(|bytes| rounds.add(*bytes));
        Ok(rounds.median())
    };
    let (start, middle) = (median(0)?, median((samples.len() - tenth) / 2)?);
    let end = median(samples.len() - tenth - 1)?;
    let or_dash = |text: String| if side == Side::Ours { text } else { "–".into() };
    Ok([
        table::mib(start),
        table::mib(middle),
        table::mib(end),
        table::ratio(end / middle),
        or_dash(format!("≤ {}", table::ratio(BAR))),
        or_dash(table::met(end / middle <= BAR)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_its_first_its_middle_and_its_last_tenth() {
        let mib = f64::from(1 << 20);
        let samples: Vec<f64> = (1..=100).map(|sample| f64::from(sample) * mib).collect();
        let [start, middle, end, grown, _, met] = cells(&samples, Side::Ours).unwrap();
        assert_eq!([start, middle, end], ["6.0 MiB", "51.0 MiB", "95.0 MiB"]);
        assert_eq!([grown, met], ["1.86 ×", "**no**"]);
        assert_eq!(cells(&[mib; 7], Side::Ours).unwrap()[5], "yes");
        assert_eq!(cells(&[mib; 7], Side::Theirs).unwrap()[5], "–");
        assert!(cells(&[], Side::Ours).is_err());
    }
}
