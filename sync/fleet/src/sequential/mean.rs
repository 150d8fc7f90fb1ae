//! Is a mean where it should be? A confidence sequence for the mean of numbers whose spread nobody knows.
//!
//! For observations `x_1 … x_n` with mean `x̄` and sample variance `s²` (by `n - 1`), a prior on the effect in units of the spread that is normal with
//! mean 0 and variance `1/g`, and the right Haar prior on the spread, the mixture likelihood ratio against the mean `μ` is
//!
//! ```text
//! E_n(μ) = sqrt(r) · ((1 + t²/(n-1)) / (1 + r·t²/(n-1)))^(n/2),     t = sqrt(n)·(x̄ - μ)/s,   r = g/(g+n)
//! ```
//!
//! It is a test martingale if the mean is `μ`, whatever the spread, so by Ville's inequality (1939) it exceeds `1/alpha` at *any* time with probability
//! at most `alpha`. All `μ` for which it does not are the confidence sequence: `x̄ ± (s/sqrt(n)) · sqrt((n-1)·(c-1)/(1-c·r))` with `c = (1/(alpha²·r))^(1/n)`,
//! everything where `c·r >= 1`.
//!
//! **Where all observations share a chance**, as metrics do that are held against the same past again and again, they are `x_i = μ + b + e_i` with one `b` of mean 0 and variance `k` times that of an
//! `e_i`, which no number of observations averages out: looked at for long enough, `b` is taken for an effect. Their covariance is the variance of an `e_i` times `I + k·11ᵀ`, and with the prior on the
//! effect `I + (k + 1/g)·11ᵀ`. With the same right Haar prior on the spread, and the inverse of a matrix of rank one more (Sherman and Morrison, 1950), the likelihood ratio is
//!
//! ```text
//! E_n(μ) = sqrt(r/a) · ((1 + a·u)/(1 + r·u))^(n/2),     u = n·(x̄ - μ)²/Σ(x_i - x̄)²,   a = 1/(1 + k·n),   r = 1/(1 + (k + 1/g)·n)
//! ```
//!
//! and what it does not exclude is `x̄ ± sqrt(Σ(x_i - x̄)²/n · (c-1)/(a-c·r))` with `c = (a/(alpha²·r))^(1/n)`. With `k = 0` both are what stands above. With `k = 1/m`, a past of `m` observations,
//! `a·n` is `n·m/(n+m)`, the size of two samples that are compared (Rouder et al., 2009), of which only the later one shows its spread. It is a test martingale as before, whatever the spread.
//!
//! Lai, "On confidence sequences" (Annals of Statistics, 1976); Rouder et al., "Bayesian t tests" (2009) for the closed form; Wang and Ramdas,
//! "Anytime-valid t-tests and confidence sequences for Gaussian means with unknown variance" (Sequential Analysis, 2025). It is the mixture SPRT of Johari,
//! Koomen, Pekelis and Walsh, "Always Valid Inference" (Operations Research, 2022), without their plug-in for the variance, which is too sure of
//! itself when it has seen little. Exact for normal observations; ours are means over many baskets of many stores, and a test tries skewed ones.

use serde::{Deserialize, Serialize};

/// The prior's weight: effects of about one spread are looked for. Larger ones are found sooner than with a smaller weight, small ones later.
pub const PRIOR: f64 = 1.0;

/// Observations, as far as a mean needs them.
///
/// It is kept in rollouts: what another build adds to it is passed over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Mean {
    /// How many.
    pub n: u64,
    /// Their mean.
    pub mean: f64,
    /// The sum of the squares of what they are away from it (Welford, 1962).
    pub squares: f64,
    /// The variance of what all of them share by chance, in parts of the variance of one; 0 where they share nothing.
    #[serde(default)]
    pub shared: f64,
}

/// Where the true mean is, as far as can be said.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Interval {
    /// The lowest that it may be; nothing where that is not known.
    pub low: Option<f64>,
    /// The highest that it may be.
    pub high: Option<f64>,
}

impl Mean {
    /// Of none yet, which will share something by chance: so much, in parts of the variance of one. What is no such number is nothing.
    #[must_use]
    pub fn sharing(shared: f64) -> Self {
        let shared = if shared.is_finite() { shared.max(0.0) } else { 0.0 };
        Self { shared, ..Self::default() }
    }

    /// `a` and `r` of the module's formulae.
    fn weights(&self) -> (f64, f64) {
        let n = self.n as f64;
        (1.0 / (1.0 + self.shared * n), 1.0 / (1.0 + (self.shared + 1.0 / PRIOR) * n))
    }

    /// What half the interval comes to after ever so many more like these: what all of them share does not go away.
    #[must_use]
    pub fn radius_min(&self, alpha: f64) -> f64 {
        let k = self.shared;
        if k <= 0.0 || self.n < 2 || !(alpha > 0.0 && alpha < 1.0) {
            return 0.0;
        }
        // The limit of the radius in `interval`, with k as k and 1/g as PRIOR's.
        let g = 1.0 / PRIOR;
        let spread = self.squares / self.n as f64;
        (spread * k * (k + g) / g * (((k + g) / k).ln() - 2.0 * alpha.ln())).sqrt()
    }

    /// Takes one in. What is no number is left out.
    pub fn add(&mut self, x: f64) {
        if !x.is_finite() {
            return;
        }
        self.n = self.n.saturating_add(1);
        let before = x - self.mean;
        self.mean += before / self.n as f64;
        self.squares += before * (x - self.mean);
    }

    /// The evidence against the mean being `mu`: as a bet, how much it has won. 1 says nothing, as do observations that have no spread.
    #[must_use]
    pub fn e_value(&self, mu: f64) -> f64 {
        let n = self.n as f64;
        if self.n < 2 {
            return 1.0;
        }
        let (a, r) = self.weights();
        let off = n * (self.mean - mu) * (self.mean - mu);
        if self.squares <= 0.0 {
            return 1.0;
        }
        // t²/(n-1) = n·(x̄-μ)²/squares.
        let u = off / self.squares;
        (0.5 * (r / a).ln() + 0.5 * n * ((1.0 + a * u).ln() - (1.0 + r * u).ln())).exp()
    }

    /// True when observations without any spread are above `mu`, and so many that it is no chance: were one as often above it as not, so many from the first on would be
    /// with probability `2^-n` at most. That is so of all looks of a lifetime together, as the first of them have to be above it for any later look to find it.
    ///
    /// Observations of nothing, such as shares of errors where there was no error, are not above anything.
    #[must_use]
    pub fn is_always_above(&self, mu: f64, alpha: f64) -> bool {
        let is_enough = alpha > 0.0 && self.n as f64 * std::f64::consts::LN_2 >= -alpha.ln();
        self.n >= 2 && self.squares <= 0.0 && self.mean > mu && is_enough
    }

    /// Where the true mean is, all looks of a lifetime together being wrong with probability `alpha` at most. Observations without any spread say nothing: they are no
    /// numbers of many baskets, but of none, such as shares of errors where there was no error.
    #[must_use]
    pub fn interval(&self, alpha: f64) -> Interval {
        let n = self.n as f64;
        let nothing = Interval { low: None, high: None };
        if self.n < 2 || self.squares <= 0.0 || !(alpha > 0.0 && alpha < 1.0) {
            return nothing;
        }
        let (a, r) = self.weights();
        let c = ((-2.0 * alpha.ln() - (r / a).ln()) / n).exp();
        let room = a - c * r;
        if room <= 0.0 {
            return nothing;
        }
        let radius = (self.squares / n * (c - 1.0) / room).sqrt();
        if !radius.is_finite() {
            return nothing;
        }
        Interval { low: Some(self.mean - radius), high: Some(self.mean + radius) }
    }
}
