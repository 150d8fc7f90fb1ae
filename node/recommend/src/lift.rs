//! Is one arm better than another? Rates, and their difference with a 95 % interval.
//!
//! A rate's interval is Wilson's score interval; the interval of a difference is Newcombe's hybrid score method
//! (R. G. Newcombe, "Interval estimation for the difference between independent proportions: comparison of eleven
//! methods", Statistics in Medicine 17, 1998, method 10). Both hold for small counts and for rates near 0 and 1,
//! where the textbook interval does not.

use serde::Serialize;

/// The 97.5 % quantile of the normal distribution: 95 % between both sides.
const Z: f64 = 1.959_963_984_540_054;

/// What happened under one arm. Adds and purchases count sessions that did so at least once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counters {
    /// Sessions.
    pub sessions: u64,
    /// Recommendations that came into view.
    pub impressions: u64,
    /// Of those, the ones that were touched.
    pub clicks: u64,
    /// Sessions that put something into the basket.
    pub adds: u64,
    /// Sessions that paid.
    pub purchases: u64,
}

/// An estimate with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// The estimate.
    pub estimate: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// True when zero lies outside: the data speak for a difference.
    #[must_use]
    pub fn excludes_zero(&self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
}

/// The rates of one arm; `None` where nothing was counted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rates {
    /// Clicks per impression.
    pub clicks: Option<Interval>,
    /// Sessions with something in the basket, per session.
    pub adds: Option<Interval>,
    /// Sessions that paid, per session.
    pub purchases: Option<Interval>,
}

/// The rates of an arm.
#[must_use]
pub fn rates(arm: &Counters) -> Rates {
    each(|count, of| wilson(count(arm), of(arm)))
}

/// How much higher the rates of `arm` are than those of `control`, in absolute terms (0.01 is one point of a hundred).
#[must_use]
pub fn lift(arm: &Counters, control: &Counters) -> Rates {
    each(|count, of| difference((count(arm), of(arm)), (count(control), of(control))))
}

fn each(of: impl Fn(fn(&Counters) -> u64, fn(&Counters) -> u64) -> Option<Interval>) -> Rates {
    Rates {
        clicks: of(|arm| arm.clicks, |arm| arm.impressions),
        adds: of(|arm| arm.adds, |arm| arm.sessions),
        purchases: of(|arm| arm.purchases, |arm| arm.sessions),
    }
}

/// Wilson's interval for `successes` of `trials`; `None` without trials or with more successes than trials.
#[must_use]
pub fn wilson(successes: u64, trials: u64) -> Option<Interval> {
    if trials == 0 || successes > trials {
        return None;
    }
    let (n, p) = (trials as f64, successes as f64 / trials as f64);
    let centre = p + Z * Z / (2.0 * n);
    let reach = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    Some(Interval {
        estimate: p,
        low: ((centre - reach) / scale).max(0.0),
        high: ((centre + reach) / scale).min(1.0),
    })
}

/// Newcombe's interval for the difference of two rates, each as (successes, trials).
#[must_use]
pub fn difference(a: (u64, u64), b: (u64, u64)) -> Option<Interval> {
    let (a, b) = (wilson(a.0, a.1)?, wilson(b.0, b.1)?);
    let estimate = a.estimate - b.estimate;
    Some(Interval {
        estimate,
        low: estimate - (a.estimate - a.low).hypot(b.high - b.estimate),
        high: estimate + (a.high - a.estimate).hypot(b.estimate - b.low),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Newcombe 1998, table II, the first contrasts of method 10.
    #[test]
    fn the_intervals_are_those_of_the_paper() {
        for (a, b, low, high) in [
            ((56, 70), (48, 80), 0.0524, 0.3339),
            ((9, 10), (3, 10), 0.1705, 0.8090),
            ((10, 10), (0, 20), 0.6791, 1.0),
        ] {
            let interval = difference(a, b).expect("there are trials");
            assert!((interval.low - low).abs() < 1e-4, "{a:?} {b:?}: {interval:?}");
            assert!((interval.high - high).abs() < 1e-4, "{a:?} {b:?}: {interval:?}");
        }
    }

    #[test]
    fn nothing_is_said_without_trials() {
        assert_eq!(rates(&Counters::default()), Rates { clicks: None, adds: None, purchases: None });
        assert_eq!(wilson(2, 1), None);
    }
}
