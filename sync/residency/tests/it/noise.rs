//! The noise has the distribution that it claims.

use crate::support::Seeded;
use aisle_residency::{Entropy, aggregate::noise::discrete_laplace, entropy::NoEntropy};

/// The chance of `x` at scale `t/s`: `(1 - p) / (1 + p) · p^|x|` with `p = exp(-s/t)`.
fn chance(x: i32, scale: f64) -> f64 {
    let p = (-1.0 / scale).exp();
    (1.0 - p) / (1.0 + p) * p.powi(x.abs())
}

#[test]
fn draws_follow_the_discrete_laplace_distribution() {
    for (t, s, seed) in [(1, 1, 11), (3, 1, 12), (5, 2, 13), (1, 3, 14)] {
        let mut entropy = Seeded::new(seed);
        let draws = 40_000;
        let mut counts = std::collections::BTreeMap::<i128, u32>::new();
        for _ in 0..draws {
            *counts.entry(discrete_laplace(t, s, &mut entropy).unwrap()).or_default() += 1;
        }
        // Chi squared over the cells that are expected at least 20 times; the bound is that of one in a million for 40 cells.
        let (mut chi, mut cells) = (0.0, 0);
        for x in -20_i32..=20 {
            let expected = chance(x, t as f64 / s as f64) * f64::from(draws);
            if expected >= 20.0 {
                let found = f64::from(counts.get(&i128::from(x)).copied().unwrap_or(0));
                chi += (found - expected).powi(2) / expected;
                cells += 1;
            }
        }
        assert!(cells >= 3 && chi < 98.0, "scale {t}/{s}, seed {seed}: chi squared {chi} over {cells} cells");
    }
}

#[test]
fn the_largest_scale_is_drawn_without_overflow() {
    let mut entropy = Seeded::new(5);
    let largest =
        (0..100).map(|_| discrete_laplace(u64::MAX, 1, &mut entropy).unwrap().unsigned_abs()).max().unwrap();
    assert!(largest > u128::from(u64::MAX) / 100);
}

#[test]
fn broken_entropy_ends_in_an_error_and_not_in_a_loop() {
    struct Constant(u8);
    impl Entropy for Constant {
        fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
            bytes.fill(self.0);
            Ok(())
        }
    }
    for byte in [0, 0xff] {
        // Whatever it gives, it comes back.
        let _ = discrete_laplace(1000, 3, &mut Constant(byte));
    }
    assert_eq!(discrete_laplace(1000, 3, &mut Constant(0)), Err(NoEntropy));
}
