//! What many measurements come to: percentiles, and a line through points by least squares.

use serde::Serialize;

/// The middle of what was measured, and what one in a hundred exceeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Spread {
    /// Half of all are at most this.
    pub(crate) p50: u64,
    /// 99 of 100 are at most this.
    pub(crate) p99: u64,
}

impl Spread {
    /// Of at least one measurement; all zero of none. By nearest rank.
    pub(crate) fn of(mut measured: Vec<u64>) -> Self {
        measured.sort_unstable();
        let rank = |percent: usize| {
            let place = (measured.len() * percent).div_ceil(100).saturating_sub(1);
            measured.get(place).copied().unwrap_or(0)
        };
        Self { p50: rank(50), p99: rank(99) }
    }
}

/// `base + slope × x`, the line with the smallest sum of squared distances from the points.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Fit {
    /// What a call costs whatever it is about.
    pub(crate) base: f64,
    /// What each further line adds.
    pub(crate) per_line: f64,
}

impl Fit {
    /// Of at least two different places; nothing otherwise.
    pub(crate) fn of(points: &[(f64, f64)]) -> Option<Self> {
        let count = points.len() as f64;
        let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
        let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
        let spread: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
        if spread.is_nan() || spread <= 0.0 {
            return None;
        }
        let together: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
        let per_line = together / spread;
        Some(Self { base: mean_y - per_line * mean_x, per_line })
    }

    /// What it comes to at a place.
    pub(crate) fn at(self, x: f64) -> f64 {
        self.base + self.per_line * x
    }
}

#[cfg(test)]
mod tests {
    use super::{Fit, Spread};

    #[test]
    fn percentiles_are_by_nearest_rank() {
        assert_eq!(Spread::of((1..=100).rev().collect()), Spread { p50: 50, p99: 99 });
        assert_eq!(Spread::of(vec![7]), Spread { p50: 7, p99: 7 });
        assert_eq!(Spread::of(Vec::new()), Spread { p50: 0, p99: 0 });
    }

    #[test]
    fn a_line_through_points_of_one_is_found_again() {
        let points: Vec<(f64, f64)> = [1.0, 10.0, 50.0, 100.0].map(|x| (x, 300.0 + 12.0 * x)).to_vec();
        let fit = Fit::of(&points).expect("four different places");
        assert!((fit.base - 300.0).abs() < 1e-6 && (fit.per_line - 12.0).abs() < 1e-9, "{fit:?}");
        assert!((fit.at(1_000.0) - 12_300.0).abs() < 1e-6);
    }

    #[test]
    fn one_place_alone_has_no_slope() {
        assert_eq!(Fit::of(&[(10.0, 1.0), (10.0, 2.0)]), None);
        assert_eq!(Fit::of(&[]), None);
    }
}
