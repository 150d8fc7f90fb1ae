//! What has come of a rehearsal so far: how many calls, and of each kind of difference how often and what it comes to.
//!
//! Not here: what is another ([`differ`](super::differ)), and the playing. Guards: no number of one basket leaves the store. A number is told as a mean, to two
//! digits, and once [`TOLD_MIN`] different baskets (or other questions) have come to it, as the residency gate's aggregates need a smallest group.

use super::differ::{Differs, Shown};
use aisle_fleet::rehearsal::{Difference, Findings, OF_STORE_MAX};
use aisle_plugin_host::{Recording, input_hash, types::Input};
use std::collections::{BTreeMap, BTreeSet};

/// So many different questions must have come to a kind of difference before a number of it is told.
pub(super) const TOLD_MIN: usize = 10;
/// Told in place of a number before.
const TOO_FEW: &str = "too few calls to tell";

/// What has come of it so far. There are only so many kinds of differences as [`differ`](super::differ) has names for.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) found: Findings,
    kinds: BTreeMap<String, Kind>,
}

#[derive(Default)]
struct Kind {
    count: u64,
    /// Which questions came to it, [`TOLD_MIN`] at most.
    questions: BTreeSet<String>,
    was: Side,
    would_be: Side,
}

/// What was said on one of the two sides.
#[derive(Default)]
struct Side {
    words: BTreeMap<&'static str, u64>,
    sum: i128,
    numbers: u64,
}

impl Side {
    fn add(&mut self, shown: Shown) {
        match shown {
            Shown::Word(word) => *self.words.entry(word).or_default() += 1,
            Shown::Number(number) => {
                self.sum += i128::from(number);
                self.numbers += 1;
            }
        }
    }

    /// The most frequent of the words, or the mean of the numbers where there are more of them.
    fn told(&self, is_enough: bool) -> String {
        let word = self.words.iter().max_by_key(|(_, count)| **count);
        match word {
            Some((word, count)) if *count >= self.numbers => (*word).into(),
            _ if !is_enough => TOO_FEW.into(),
            _ => two_digits(self.sum / i128::from(self.numbers.max(1))).to_string(),
        }
    }
}

/// Of a number its two first digits, rounded half away from zero, and zeros.
fn two_digits(number: i128) -> i128 {
    let mut unit = 1;
    while (number / unit).abs() >= 100 {
        unit *= 10;
    }
    (number + number.signum() * (unit / 2)) / unit * unit
}

/// Two questions that differ only in when they were asked are one: a basket is priced again and again while it is looked at.
fn question(input: &Input) -> String {
    let mut input = input.clone();
    let context = input.context_mut();
    (context.now, context.minute_of_day, context.weekday, context.day) = (0, 0, 0, 0);
    input_hash(&input)
}

impl Tally {
    pub(super) fn count(&mut self, recording: &Recording, differs: &[Differs], has_failed: bool) {
        self.found.calls += 1;
        self.found.same += u64::from(differs.is_empty());
        self.found.failed += u64::from(has_failed);
        if differs.is_empty() {
            return;
        }
        let question = question(&recording.input);
        for Differs { what, was, would_be } in differs {
            let kind = self.kinds.entry(format!("{}: {what}", recording.hook)).or_default();
            kind.count += 1;
            if kind.questions.len() < TOLD_MIN {
                kind.questions.insert(question.clone());
            }
            kind.was.add(*was);
            kind.would_be.add(*would_be);
        }
    }

    pub(super) fn findings(self) -> Findings {
        let difference = |(what, kind): (String, Kind)| {
            let is_enough = kind.questions.len() >= TOLD_MIN;
            let (was, would_be) = (kind.was.told(is_enough), kind.would_be.told(is_enough));
            Difference { what, was, would_be, count: kind.count }
        };
        let mut differences: Vec<Difference> = self.kinds.into_iter().map(difference).collect();
        differences.sort_by_key(|difference| std::cmp::Reverse(difference.count));
        differences.truncate(OF_STORE_MAX);
        Findings { differences, ..self.found }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aisle_plugin_host::types::{Context, Customer, PromotionInput};

    /// The basket of a customer, as it was priced then.
    fn recording(customer: i64, now: i64) -> Recording {
        let context = Context {
            store: "s".into(),
            currency: "EUR".into(),
            now,
            minute_of_day: 1,
            weekday: 1,
            day: 20_000,
            settings: Vec::new(),
        };
        let customer = Some(Customer { token: customer.to_string(), tier: None });
        let input = Input::Promotion(PromotionInput {
            context,
            customer,
            coupons: Vec::new(),
            lines: Vec::new(),
            so_far: Vec::new(),
        });
        Recording {
            plugin: "p".into(),
            version: "1.0.0".parse().unwrap(),
            hash: String::new(),
            hook: input.hook(),
            at: now,
            seed: 0,
            input_hash: String::new(),
            input,
            asked: Vec::new(),
            output: None,
            failure: None,
            writes: Vec::new(),
            fuel: 0,
            micros: 0,
            memory_bytes: 0,
        }
    }

    fn off(was: Shown, would_be: i64) -> Differs {
        Differs { what: "off a line", was, would_be: Shown::Number(would_be) }
    }

    #[test]
    fn a_number_is_told_as_a_mean_of_enough_baskets_and_never_of_one() {
        let mut tally = Tally::default();
        // One basket that is looked at again and again is one, and so are its many lines.
        for now in 0..50 {
            tally.count(&recording(1, now), &[off(Shown::Number(4711), 1)], false);
        }
        for customer in 2..10 {
            tally.count(&recording(customer, 0), &[off(Shown::Number(100), 1)], false);
        }
        let told = &tally.findings().differences[0];
        assert_eq!((&*told.was, &*told.would_be, told.count), (TOO_FEW, TOO_FEW, 58), "of nine baskets");
        let mut tally = Tally::default();
        for customer in 1..=10 {
            let differs = [off(Shown::Number(100 + customer), 0), off(Shown::Word("none"), customer)];
            tally.count(&recording(customer, 0), &differs, customer == 1);
        }
        tally.count(&recording(1, 0), &[], false);
        let found = tally.findings();
        assert_eq!((found.calls, found.same, found.failed), (11, 1, 1));
        let [told] = &found.differences[..] else { panic!("one kind: {found:?}") };
        assert_eq!(
            (&*told.what, &*told.was, &*told.would_be, told.count),
            ("promotion: off a line", "none", "2", 20)
        );
    }

    #[test]
    fn words_are_told_at_once_and_numbers_by_their_first_two_digits() {
        let mut tally = Tally::default();
        let differs =
            Differs { what: "failure", was: Shown::Word("an answer"), would_be: Shown::Word("trap") };
        tally.count(&recording(1, 0), &[differs], true);
        let told = &tally.findings().differences[0];
        assert_eq!((&*told.was, &*told.would_be), ("an answer", "trap"));
        for (number, digits) in [
            (0, 0),
            (7, 7),
            (-7, -7),
            (99, 99),
            (104, 100),
            (105, 110),
            (-14_711, -15_000),
            (99_999, 100_000),
        ] {
            assert_eq!(two_digits(number), digits, "{number}");
        }
        assert_eq!(two_digits(i128::from(i64::MAX)), 9_200_000_000_000_000_000);
    }
}
