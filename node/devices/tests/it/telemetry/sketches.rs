//! Quantiles of the sketch against exact ones.

use aisle_devices::telemetry::{RELATIVE_ERROR, Sketch};
use proptest::prelude::*;

fn exact(values: &[i64], q: f64) -> i64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted[(q * (sorted.len() - 1) as f64) as usize]
}

fn sketch(values: &[i64]) -> Sketch {
    let mut sketch = Sketch::default();
    for value in values {
        sketch.add(*value);
    }
    sketch
}

fn assert_near(found: i64, exact: i64, error: f64) {
    let off = (i128::from(found) - i128::from(exact)).unsigned_abs() as f64;
    // Up to one bin of the smallest values, which are a millionth wide each.
    let allowed = (exact as f64).abs() * error + error / RELATIVE_ERROR;
    assert!(off <= allowed, "{found} for {exact}, off by {off}, allowed {allowed}");
}

fn values() -> impl Strategy<Value = Vec<i64>> {
    let value =
        prop_oneof![any::<i64>(), -200_i64..200, -40_000_000_i64..40_000_000, Just(i64::MIN), Just(i64::MAX)];
    prop::collection::vec(value, 1..300)
}

proptest! {
    #[test]
    fn every_quantile_is_within_the_stated_error(values in values(), q in 0.0..=1.0) {
        let sketch = sketch(&values);
        prop_assert_eq!(sketch.relative_error(), RELATIVE_ERROR);
        assert_near(sketch.quantile(q).unwrap(), exact(&values, q), RELATIVE_ERROR);
    }

    #[test]
    fn a_sketch_with_fewer_bins_is_within_its_own_error(values in values(), q in 0.0..=1.0, bins in 8_usize..64) {
        let mut sketch = sketch(&values);
        sketch.fit(bins);
        prop_assert!(sketch.bins() <= bins);
        prop_assert_eq!(sketch.count(), values.len() as u64);
        // From the third joining on the bins of one octave are few, and the middle is off by up to the error over one minus it.
        let error = sketch.relative_error() / (1.0 - sketch.relative_error()).max(0.1);
        if error < 0.5 {
            assert_near(sketch.quantile(q).unwrap(), exact(&values, q), error);
        }
    }

    #[test]
    fn merging_parts_is_the_same_as_taking_everything(one in values(), other in values(), q in 0.0..=1.0) {
        let mut merged = sketch(&one);
        merged.merge(&sketch(&other));
        let all: Vec<i64> = one.into_iter().chain(other).collect();
        prop_assert_eq!(&merged, &sketch(&all));
        assert_near(merged.quantile(q).unwrap(), exact(&all, q), RELATIVE_ERROR);
    }
}

#[test]
fn it_agrees_with_another_sketch_of_the_same_design() {
    let values: Vec<i64> = (1..5_000_i64).map(|nth| nth * nth * 977 % 25_000_000 - 4_000_000).collect();
    let ours = sketch(&values);
    let mut theirs =
        sketches_ddsketch::DDSketch::new(sketches_ddsketch::Config::new(RELATIVE_ERROR, 4096, 1e-9));
    for value in &values {
        theirs.add(*value as f64);
    }
    for q in [0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99] {
        let theirs = theirs.quantile(q).unwrap().unwrap();
        assert_near(ours.quantile(q).unwrap(), theirs as i64, 2.1 * RELATIVE_ERROR);
    }
}

#[test]
fn nothing_has_no_quantile() {
    assert_eq!(Sketch::default().quantile(0.5), None);
    assert_eq!(Sketch::default().count(), 0);
}
