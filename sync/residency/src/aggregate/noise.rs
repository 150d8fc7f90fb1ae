//! Discrete Laplace noise (also called two-sided geometric), drawn exactly with whole numbers.
//!
//! The distribution as a mechanism: Ghosh, Roughgarden, Sundararajan, "Universally Utility-Maximizing Privacy Mechanisms" (2009). The
//! sampler: Canonne, Kamath, Steinke, "The Discrete Gaussian for Differential Privacy" (2020), algorithms 1 and 2. No floating point
//! takes part: its rounding is what broke earlier samplers (Mironov, "On Significance of the Least Significant Bits", 2012).

use crate::entropy::{Entropy, NoEntropy};

/// How often a loop that ends with probability one may go round. Reached by broken entropy only.
const ROUNDS_MAX: u32 = 4096;

/// Draws `x` with probability proportional to `exp(-|x|·s/t)`; the scale is `t/s`.
///
/// # Errors
/// When there is no entropy, or it is so broken that the draw does not end. Nothing may be told then.
pub fn discrete_laplace(t: u64, s: u64, entropy: &mut dyn Entropy) -> Result<i128, NoEntropy> {
    let (t, s) = (u128::from(t.max(1)), u128::from(s.max(1)));
    for _ in 0..ROUNDS_MAX {
        let u = below(t, entropy)?;
        if !exp_minus(u, t, entropy)? {
            continue;
        }
        let mut v = 0_u128;
        while exp_minus(1, 1, entropy)? {
            v += 1;
            if v > u128::from(ROUNDS_MAX) {
                return Err(NoEntropy);
            }
        }
        let size = (u + t * v) / s;
        let negative = below(2, entropy)? == 1;
        if negative && size == 0 {
            continue;
        }
        // Below 2^64 · 4097, so it fits.
        let size = i128::try_from(size).map_err(|_| NoEntropy)?;
        return Ok(if negative { -size } else { size });
    }
    Err(NoEntropy)
}

/// True with probability `exp(-n/d)`, for `n` ≤ `d` (algorithm 1).
fn exp_minus(n: u128, d: u128, entropy: &mut dyn Entropy) -> Result<bool, NoEntropy> {
    for k in 1..u128::from(ROUNDS_MAX) {
        if below(d * k, entropy)? >= n {
            return Ok(k % 2 == 1);
        }
    }
    Err(NoEntropy)
}

/// A number below `end`, each as likely as the other.
fn below(end: u128, entropy: &mut dyn Entropy) -> Result<u128, NoEntropy> {
    let mask = u128::MAX.checked_shr(end.saturating_sub(1).leading_zeros()).unwrap_or(0);
    for _ in 0..ROUNDS_MAX {
        let number = u128::from_le_bytes(crate::entropy::array(entropy)?) & mask;
        if number < end {
            return Ok(number);
        }
    }
    Err(NoEntropy)
}
