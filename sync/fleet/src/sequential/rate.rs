//! Is a share within its bound? A sequential binomial test against "at most `p0`".
//!
//! For `x` of `n`, the likelihood ratio of `p` against `p0` is `(p/p0)^x · ((1-p)/(1-p0))^(n-x)`: Wald's sequential probability ratio (Annals of Mathematical
//! Statistics, 1945). For `p > p0` its expectation is at most 1 under *every* true share up to `p0`, so the mean of it over a fixed set of `p` is a
//! supermartingale (a mixture, as in Robbins, "Statistical methods related to the law of the iterated logarithm", 1970), and by Ville's inequality it
//! exceeds `1/alpha` at any time with probability `alpha` at most. The set: `p0` times 1.25, 1.5, 2, 3, 5, 10, 30, 100, 300, as far as that stays below one half,
//! and one half, all of the same weight.

use serde::{Deserialize, Serialize};

/// What is tried against the bound, as multiples of it.
const TIMES: [f64; 9] = [1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0, 300.0];
/// And as a share of all.
const HALF: f64 = 0.5;

/// So many of so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Rate {
    /// How many went wrong.
    pub faults: u64,
    /// How many there were.
    pub of: u64,
}

impl Rate {
    /// The share in millionths, rounded down.
    #[must_use]
    pub fn ppm(self) -> u64 {
        let ppm = u128::from(self.faults.min(self.of)) * 1_000_000 / u128::from(self.of.max(1));
        u64::try_from(ppm).unwrap_or(u64::MAX)
    }

    /// True when it is above a bound in millionths, all looks of a lifetime together being wrong with probability `alpha` at most.
    #[must_use]
    pub fn is_above(self, ppm_max: u64, alpha: f64) -> bool {
        e_value(self, ppm_max as f64 / 1e6) * alpha >= 1.0
    }
}

/// The evidence against a share of at most `p0`: as a bet, how much it has won. 1 says nothing.
#[must_use]
pub fn e_value(rate: Rate, p0: f64) -> f64 {
    let of = rate.of as f64;
    let faults = rate.faults.min(rate.of) as f64;
    if p0 <= 0.0 {
        // One is more than none.
        return if rate.faults > 0 { f64::INFINITY } else { 1.0 };
    }
    if p0 >= HALF {
        return if p0 >= 1.0 { 1.0 } else { likelihood(faults, of, p0, f64::midpoint(p0, 1.0)) };
    }
    let tried = TIMES.into_iter().map(|times| p0 * times).filter(|p| *p < HALF).chain([HALF]);
    let (sum, many) =
        tried.fold((0.0, 0.0), |(sum, many), p| (sum + likelihood(faults, of, p0, p), many + 1.0));
    sum / many
}

fn likelihood(faults: f64, of: f64, p0: f64, p: f64) -> f64 {
    (faults * (p / p0).ln() + (of - faults) * ((1.0 - p) / (1.0 - p0)).ln()).exp()
}
