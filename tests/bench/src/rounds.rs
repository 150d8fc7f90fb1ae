//! Rounds of one figure, and their median.

/// What the rounds gave.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rounds(Vec<f64>);

impl Rounds {
    pub(crate) fn add(&mut self, value: f64) {
        self.0.push(value);
    }

    /// The median; NaN without rounds.
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn least(&self) -> f64 {
        self.0.iter().copied().fold(f64::INFINITY, f64::min)
    }

    pub(crate) fn most(&self) -> f64 {
        self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }

    /// The median of what each round of `self` is of the same round of `other`.
    pub(crate) fn ratio(&self, other: &Self) -> f64 {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a / b).collect()).median()
    }
}

#[cfg(test)]
mod tests {
    use super::Rounds;

    #[test]
    fn a_ratio_is_taken_round_by_round() {
        let rounds = |values: &[f64]| Rounds(values.to_vec());
        let (ours, theirs) = (rounds(&[10.0, 2.0, 8.0]), rounds(&[5.0, 1.0, 1.0]));
        assert_eq!((ours.median(), ours.least(), ours.most()), (8.0, 2.0, 10.0));
        assert_eq!(ours.ratio(&theirs), 2.0);
    }
}
