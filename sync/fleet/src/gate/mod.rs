//! Gates: what must hold before a release goes on to more stores.
//!
//! | gate | holds when |
//! | --- | --- |
//! | `reached` | enough of the nodes that can be reached have come to an end, and at least one has really run it |
//! | `booted` | of the nodes that run it not many more went dark than of those that do not |
//! | `failures` | not too many nodes gave it up |
//! | `called` | it was called often enough in live traffic |
//! | `traps`, `errors` | the share of calls that went wrong is within its bound |
//! | `p99` | at most one call in a hundred took longer than its bound |
//! | `fuel` | a call costs no more fuel in the mean, of as many calls as `called` wants |
//! | a metric | the stores do no worse than stores like them without it |
//!
//! Shares and metrics are judged by tests that may be looked at all the time ([`crate::sequential`]). Nodes that are away, that went dark or that are late
//! neither pass nor fail: they are in no gate but `booted`. Not here: what follows from a verdict ([`crate::rollout`]).

mod health;
mod judge;
mod silence;

pub use health::{Durations, Health};
pub use judge::{Evidence, judge};
pub use silence::{CLOSED_MS_MAX, Silence};

use crate::name::Metric;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The most business metrics of a wave.
pub const METRICS_MAX: usize = 8;

/// Which way a metric gets worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Worse {
    /// Less of it is worse: what a basket is worth.
    Lower,
    /// More of it is worse: price errors.
    Higher,
}

/// How stores of different sizes are brought together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Scale {
    /// Each against its own past, in thousandths. For sums of money and durations.
    #[default]
    Relative,
    /// As it is. For shares, which may have been nothing before.
    Absolute,
}

/// A business metric and how it is judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Business {
    /// Which.
    pub metric: Metric,
    /// Which way it gets worse.
    pub worse: Worse,
    /// How stores are brought together.
    #[serde(default)]
    pub scale: Scale,
    /// So much worse is still well: thousandths of its past, or its own unit where the scale is absolute.
    #[serde(default)]
    pub tolerance: u32,
    /// Nothing is said before so many periods were measured.
    #[serde(default = "periods_min")]
    pub periods_min: u32,
    /// True where it has to be shown that it is no worse. Otherwise it is enough that nothing speaks against it.
    #[serde(default)]
    pub must_show: bool,
    /// Labels that stores must have in common to be compared.
    #[serde(default)]
    pub same: Vec<String>,
    /// The most that the pasts of two stores may differ, in per cent.
    #[serde(default = "apart_percent_max")]
    pub apart_percent_max: u32,
}

const fn periods_min() -> u32 {
    6
}

const fn apart_percent_max() -> u32 {
    25
}

/// The gates of a wave. What is not named has the value that stands here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Gates {
    /// So many of the nodes that can be reached must have come to an end, in per cent. 90.
    pub reached_percent_min: u32,
    /// The most of those that may have failed, in per cent. 5.
    pub failed_percent_max: u32,
    /// The most of the nodes that run it that may have gone dark since, in per cent, beyond the share that is away of those that do not run it; one is always
    /// allowed. 20.
    pub dark_percent_max: u32,
    /// A node that takes longer is not waited for, in minutes in which it is there and the rollout is not paused. A day.
    pub deadline_minutes: u32,
    /// The fewest calls in live traffic of all nodes together, for what is called. 100.
    pub calls_min: u64,
    /// The most calls of a million that may trap. 1,000.
    pub traps_ppm_max: u64,
    /// The most calls of a million that may end in an error. 10,000.
    pub errors_ppm_max: u64,
    /// The longest that 99 of 100 calls may take, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99_us_max: Option<u64>,
    /// The most fuel of a call in the mean, judged from `calls_min` calls on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fuel_mean_max: Option<u64>,
    /// Business metrics, at most [`METRICS_MAX`].
    pub business: Vec<Business>,
    /// How often each gate may stop a good release, in thousandths of rollouts. 10.
    pub alpha_per_mille: u32,
}

impl Default for Gates {
    fn default() -> Self {
        Self {
            reached_percent_min: 90,
            failed_percent_max: 5,
            dark_percent_max: 20,
            deadline_minutes: 24 * 60,
            calls_min: 100,
            traps_ppm_max: 1_000,
            errors_ppm_max: 10_000,
            p99_us_max: None,
            fuel_mean_max: None,
            business: Vec::new(),
            alpha_per_mille: 10,
        }
    }
}

impl Gates {
    pub(crate) fn fault(&self) -> Option<String> {
        let percents = [
            ("reached_percent_min", self.reached_percent_min),
            ("failed_percent_max", self.failed_percent_max),
            ("dark_percent_max", self.dark_percent_max),
        ];
        if let Some((field, found)) = percents.into_iter().find(|(_, percent)| *percent > 100) {
            return Some(format!("`{field}` is {found}, expected 0 to 100"));
        }
        if self.deadline_minutes == 0 {
            return Some("`deadline_minutes` is 0: nobody can be so quick".into());
        }
        if !(1..=200).contains(&self.alpha_per_mille) {
            let found = self.alpha_per_mille;
            return Some(format!("`alpha_per_mille` is {found}, expected 1 to 200"));
        }
        if self.business.len() > METRICS_MAX {
            return Some(format!("`business` has more than {METRICS_MAX} metrics"));
        }
        let mut seen: Vec<&Metric> = self.business.iter().map(|business| &business.metric).collect();
        seen.sort_unstable();
        let twice = seen.iter().zip(seen.iter().skip(1)).find(|(a, b)| a == b);
        if let Some((metric, _)) = twice {
            return Some(format!("`business` names `{metric}` twice"));
        }
        let many = self.business.iter().find(|business| business.same.len() > METRICS_MAX);
        many.map(|business| format!("`{}`: `same` has more than {METRICS_MAX} labels", business.metric))
    }

    /// How often a gate may be wrong.
    pub(crate) fn alpha(&self) -> f64 {
        f64::from(self.alpha_per_mille) / 1000.0
    }
}

/// Which gate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum GateName {
    /// Enough nodes have come to an end.
    Reached,
    /// Nodes come up with it.
    Booted,
    /// Nodes do not give it up.
    Failures,
    /// It was called.
    Called,
    /// It does not trap.
    Traps,
    /// It does not err.
    Errors,
    /// It is quick.
    P99,
    /// It is cheap.
    Fuel,
    /// A business metric.
    Business(Metric),
    /// Time has passed since then.
    Soak,
}

impl fmt::Display for GateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reached => "reached",
            Self::Booted => "booted",
            Self::Failures => "failures",
            Self::Called => "called",
            Self::Traps => "traps",
            Self::Errors => "errors",
            Self::P99 => "p99",
            Self::Fuel => "fuel",
            Self::Business(metric) => metric.as_str(),
            Self::Soak => "soak",
        })
    }
}

/// What a gate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Verdict {
    /// It holds.
    Pass,
    /// It cannot be said yet.
    Wait,
    /// It does not hold: the wave stops.
    Fail,
    /// There is nothing to judge by, and it stands in nobody's way.
    NotJudged,
}

/// A gate and what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Check {
    /// Which.
    pub gate: GateName,
    /// What it says.
    pub verdict: Verdict,
    /// Why, in words and numbers.
    pub text: String,
}
