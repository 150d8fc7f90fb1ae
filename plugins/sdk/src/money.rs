//! Amounts: whole minor units, and one way to round, which is the node's own.
//!
//! Guards: no floats, no overflow (what would not fit stays at the largest amount), half a unit goes away from zero.

/// A part of an amount, in percent: `percent_of(999, 50)` is 500.
pub fn percent_of(amount: i64, percent: i64) -> i64 {
    ratio(amount, percent, 100)
}

/// `amount × numerator / denominator`, rounded half away from zero. Zero where the denominator is.
pub fn ratio(amount: i64, numerator: i64, denominator: i64) -> i64 {
    if denominator == 0 {
        return 0;
    }
    let (product, denominator) = (i128::from(amount) * i128::from(numerator), i128::from(denominator));
    let (product, denominator) =
        if denominator < 0 { (-product, -denominator) } else { (product, denominator) };
    let rounded = (2 * product + denominator * product.signum()) / (2 * denominator);
    i64::try_from(rounded).unwrap_or(if rounded < 0 { i64::MIN } else { i64::MAX })
}

/// What a quantity in thousandths costs at a price for one unit: as the node counts a line.
pub fn cost(unit_price: i64, quantity: i64) -> i64 {
    ratio(unit_price, quantity, 1000)
}

/// The largest multiple of `step` that is not above the amount: `down_to(487, 10)` is 480. A step below 2 changes nothing.
pub fn down_to(amount: i64, step: i64) -> i64 {
    if step < 2 { amount } else { amount - amount.rem_euclid(step) }
}

/// Shares an amount by weights so that the parts add up to it: whole units first, then one each by the largest remainder, the earlier
/// first where they are equal. Weights below zero count as zero; where all are zero nothing is shared.
pub fn shared(amount: i64, weights: &[i64]) -> Vec<i64> {
    let weights: Vec<i128> = weights.iter().map(|weight| i128::from((*weight).max(0))).collect();
    let whole: i128 = weights.iter().sum();
    if whole == 0 || amount <= 0 {
        return vec![0; weights.len()];
    }
    let exact = |weight: &i128| i128::from(amount) * weight;
    // A part is at most the amount, as a weight is at most the sum of them.
    let mut parts: Vec<i64> =
        weights.iter().map(|weight| i64::try_from(exact(weight) / whole).unwrap_or(amount)).collect();
    let mut left = amount - parts.iter().sum::<i64>();
    let mut order: Vec<(i128, usize)> =
        weights.iter().enumerate().map(|(place, weight)| (exact(weight) % whole, place)).collect();
    order.sort_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(&other.1)));
    for (_, place) in order {
        if left == 0 {
            break;
        }
        if let Some(part) = parts.get_mut(place) {
            *part += 1;
            left -= 1;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_unit_goes_away_from_zero() {
        assert_eq!([percent_of(999, 50), percent_of(-999, 50), percent_of(333, 33)], [500, -500, 110]);
        assert_eq!([ratio(5, 1, -2), ratio(-5, -1, -2), ratio(4, 1, 3)], [-3, -3, 1]);
    }

    #[test]
    fn what_does_not_fit_stays_at_the_largest_amount() {
        assert_eq!([ratio(i64::MAX, 3, 2), ratio(i64::MIN, 3, 2), ratio(7, 1, 0)], [i64::MAX, i64::MIN, 0]);
    }

    #[test]
    fn a_quarter_of_a_kilogram_costs_a_quarter() {
        assert_eq!([cost(999, 250), cost(1, 500), cost(250, 3000)], [250, 1, 750]);
    }

    #[test]
    fn prices_are_cut_to_a_step() {
        assert_eq!(
            [down_to(487, 10), down_to(480, 10), down_to(487, 1), down_to(487, 0)],
            [480, 480, 487, 487]
        );
    }

    #[test]
    fn shares_add_up_to_the_amount() {
        assert_eq!(shared(100, &[1, 1, 1]), [34, 33, 33]);
        assert_eq!(shared(5, &[10, 0, 20]), [2, 0, 3]);
        assert_eq!(shared(5, &[0, 0]), [0, 0]);
        for amount in 0..200 {
            assert_eq!(shared(amount, &[3, 5, 7, 11, 13]).iter().sum::<i64>(), amount);
        }
    }
}
