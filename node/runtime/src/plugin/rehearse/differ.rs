//! What is told of two answers to one question.
//!
//! Guards: nothing of an input, and no word of a plugin, can be in it. [`Shown`] has numbers and words of this file and nothing else, and what is only true of one
//! basket (which line, which product, which customer) is left out, so that differences of many baskets and stores are one.

use aisle_plugin_host::{
    Failure, Output,
    types::{Action, Adjustment, NewPrice, OrderLine, Ranked},
};
use std::{collections::BTreeMap, fmt};

/// What may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// A word that stands here.
    Word(&'static str),
    /// A number: minor units of the store's currency where money is meant.
    Number(i64),
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => f.write_str(word),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

/// One thing that is another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Differs {
    pub what: &'static str,
    pub was: Shown,
    pub would_be: Shown,
}

const NOTHING: Shown = Shown::Word("none");

/// The candidate does not have the hook.
pub(super) const NOT_ASKED: Differs =
    Differs { what: "asked at all", was: Shown::Word("yes"), would_be: Shown::Word("no") };
/// The candidate asks what was not recorded.
pub(super) const UNKNOWN: Differs = Differs {
    what: "asks the store what it did not ask before, so nothing is known of its answer",
    was: Shown::Word("no"),
    would_be: Shown::Word("yes"),
};
/// What was decided is the same, and the words are others, or the order in which it was said.
const WORDS: Differs =
    Differs { what: "words or order", was: Shown::Word("these"), would_be: Shown::Word("others") };

/// What came out, and what would have.
pub(super) fn compare(was: Result<&Output, &Failure>, would_be: Result<&Output, &Failure>) -> Vec<Differs> {
    let answer = Shown::Word("an answer");
    let kind = |failure: &Failure| Shown::Word(failure.kind());
    let failure = |was, would_be| vec![Differs { what: "failure", was, would_be }];
    match (was, would_be) {
        (Ok(was), Ok(would_be)) if was == would_be => Vec::new(),
        (Ok(was), Ok(would_be)) => {
            let found = outputs(was, would_be);
            if found.is_empty() { vec![WORDS] } else { found }
        }
        (Err(was), Err(would_be)) if was.kind() == would_be.kind() => Vec::new(),
        (Err(was), Err(would_be)) => failure(kind(was), kind(would_be)),
        (Ok(_), Err(would_be)) => failure(answer, kind(would_be)),
        (Err(was), Ok(_)) => failure(kind(was), answer),
    }
}

fn outputs(was: &Output, would_be: &Output) -> Vec<Differs> {
    match (was, would_be) {
        (Output::Pricing(was), Output::Pricing(would_be)) => prices(was, would_be),
        (Output::Promotion(was), Output::Promotion(would_be)) => adjustments(was, would_be),
        (Output::Ranking(was), Output::Ranking(would_be)) => places(was, would_be),
        (Output::Replenishment(was), Output::Replenishment(would_be)) => packs(was, would_be),
        (Output::Reaction(was), Output::Reaction(would_be)) => actions(was, would_be),
        // A hook answers with its own kind.
        _ => Vec::new(),
    }
}

type Sums<K> = BTreeMap<K, i64>;

fn sums<K: Ord>(items: impl Iterator<Item = (K, i64)>) -> Sums<K> {
    let mut all = Sums::new();
    for (key, value) in items {
        let sum = all.entry(key).or_insert(0);
        *sum = i64::saturating_add(*sum, value);
    }
    all
}

/// Each key of which another number is said, with the numbers and without the key.
fn differing<K: Ord>(what: &'static str, was: &Sums<K>, would_be: &Sums<K>, absent: Shown) -> Vec<Differs> {
    let shown = |of: &Sums<K>, key: &K| of.get(key).copied().map_or(absent, Shown::Number);
    let of_was = was.keys().filter(|key| was.get(key) != would_be.get(key));
    let only_new = would_be.keys().filter(|key| !was.contains_key(key));
    let differs = |key: &K| Differs { what, was: shown(was, key), would_be: shown(would_be, key) };
    of_was.chain(only_new).map(differs).collect()
}

fn prices(was: &[NewPrice], would_be: &[NewPrice]) -> Vec<Differs> {
    let of = |answer: &[NewPrice]| sums(answer.iter().map(|price| (price.line, price.unit_price)));
    let catalogue = Shown::Word("as in the catalogue");
    differing("price of a unit, in minor units", &of(was), &of(would_be), catalogue)
}

fn adjustments(was: &[Adjustment], would_be: &[Adjustment]) -> Vec<Differs> {
    // What each kind comes to, by line where there is one.
    type Of = fn(&Adjustment) -> Option<(u32, i64)>;
    let kinds: [(&'static str, Of); 5] = [
        ("off a line, in minor units", |one| match one {
            Adjustment::LineDiscount(off) => Some((off.line, off.amount)),
            _ => None,
        }),
        ("off the basket, in minor units", |one| match one {
            Adjustment::BasketDiscount(off) => Some((0, off.amount)),
            _ => None,
        }),
        ("taken back on a line, in minor units", |one| match one {
            Adjustment::TakeBack(back) => Some((back.line, back.amount)),
            _ => None,
        }),
        ("lines that must not be sold", |one| match one {
            Adjustment::Refuse(refused) => Some((refused.line, 1)),
            _ => None,
        }),
        ("points", |one| match one {
            Adjustment::Points(points) => Some((0, points.count.into())),
            _ => None,
        }),
    ];
    let of_kind = |(what, of): (&'static str, Of)| {
        let of = |answer: &[Adjustment]| sums(answer.iter().filter_map(of));
        differing(what, &of(was), &of(would_be), NOTHING)
    };
    kinds.into_iter().flat_map(of_kind).collect()
}

fn places(was: &[Ranked], would_be: &[Ranked]) -> Vec<Differs> {
    let longer = was.len().max(would_be.len());
    let at = |answer: &[Ranked], place: usize| answer.get(place).map(|ranked| ranked.candidate);
    let moved = (0..longer).filter(|place| at(was, *place) != at(would_be, *place)).count();
    let moved = i64::try_from(moved).unwrap_or(i64::MAX);
    let differs = Differs {
        what: "places with another product",
        was: Shown::Number(0),
        would_be: Shown::Number(moved),
    };
    if moved > 0 { vec![differs] } else { Vec::new() }
}

fn packs(was: &[OrderLine], would_be: &[OrderLine]) -> Vec<Differs> {
    fn of(answer: &[OrderLine]) -> Sums<&str> {
        sums(answer.iter().map(|line| (line.sku.as_str(), line.packs.into())))
    }
    differing("packs of a product", &of(was), &of(would_be), NOTHING)
}

fn actions(was: &[Action], would_be: &[Action]) -> Vec<Differs> {
    type Counted = (&'static str, fn(&Action) -> bool);
    fn priced(answer: &[Action]) -> Sums<&str> {
        sums(answer.iter().filter_map(|action| match action {
            Action::SetPrice(set) => Some((set.sku.as_str(), set.price)),
            _ => None,
        }))
    }
    fn held(answer: &[Action]) -> Sums<&str> {
        sums(answer.iter().filter_map(|action| match action {
            Action::Suppress(held) => Some((held.sku.as_str(), held.seconds.into())),
            _ => None,
        }))
    }
    let counted: [Counted; 3] = [
        ("alerts", |action| matches!(action, Action::Alert(_))),
        ("texts on labels", |action| matches!(action, Action::SetLabel(_))),
        ("tasks", |action| matches!(action, Action::OpenTask(_))),
    ];
    let mut found =
        differing("price in the catalogue, in minor units", &priced(was), &priced(would_be), NOTHING);
    found.extend(differing("seconds that a product is not sold", &held(was), &held(would_be), NOTHING));
    for (what, is_one) in counted {
        let of = |answer: &[Action]| sums(answer.iter().filter(|one| is_one(one)).map(|_| ((), 1)));
        found.extend(differing(what, &of(was), &of(would_be), NOTHING));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use aisle_plugin_host::types::{Alert, LineDiscount, Points, SetPrice};

    fn off(line: u32, amount: i64, reason: &str) -> Adjustment {
        Adjustment::LineDiscount(LineDiscount { line, amount, reason: reason.into() })
    }

    fn told(was: &Output, would_be: &Output) -> Vec<(&'static str, String, String)> {
        let found = compare(Ok(was), Ok(would_be));
        found.into_iter().map(|one| (one.what, one.was.to_string(), one.would_be.to_string())).collect()
    }

    #[test]
    fn discounts_are_held_against_each_other_line_by_line_and_told_without_the_line() {
        let was = Output::Promotion(vec![off(1, 100, "a"), off(1, 50, "b"), off(2, 30, "c")]);
        let would_be = Output::Promotion(vec![
            off(1, 120, "Ada Lovelace"),
            off(2, 30, "c"),
            Adjustment::Points(Points { count: 7, reason: "p".into() }),
        ]);
        assert_eq!(
            told(&was, &would_be),
            [
                ("off a line, in minor units", "150".into(), "120".into()),
                ("points", "none".into(), "7".into())
            ]
        );
        assert_eq!(told(&was, &was), []);
    }

    #[test]
    fn words_that_are_others_are_told_of_without_a_word_of_them() {
        let of = |reason: &str| Output::Promotion(vec![off(1, 100, reason)]);
        let found = told(&of("for token 4711"), &of("for Ada Lovelace"));
        assert_eq!(found, [("words or order", "these".into(), "others".into())]);
    }

    #[test]
    fn prices_and_products_leave_their_names_at_home() {
        let of = |sku: &str, price| {
            Output::Reaction(vec![Action::SetPrice(SetPrice { sku: sku.into(), price, reason: "r".into() })])
        };
        let found = told(&of("TEA-1", 250), &of("TEA-1", 200));
        assert_eq!(found, [("price in the catalogue, in minor units", "250".into(), "200".into())]);
        let alerts = |count: usize| {
            Output::Reaction(vec![Action::Alert(Alert { text: "call Ada".into(), urgent: true }); count])
        };
        assert_eq!(told(&alerts(1), &alerts(3)), [("alerts", "1".into(), "3".into())]);
        let price = |line, unit_price| NewPrice { line, unit_price, reason: "r".into() };
        let (was, would_be) = (Output::Pricing(vec![price(1, 90)]), Output::Pricing(vec![price(2, 80)]));
        assert_eq!(
            told(&was, &would_be),
            [
                ("price of a unit, in minor units", "90".into(), "as in the catalogue".into()),
                ("price of a unit, in minor units", "as in the catalogue".into(), "80".into())
            ]
        );
    }

    #[test]
    fn rankings_and_orders_are_told_by_numbers() {
        let rank = |order: &[u32]| {
            Output::Ranking(order.iter().map(|at| Ranked { candidate: *at, reason: None }).collect())
        };
        let found = told(&rank(&[0, 1, 2]), &rank(&[0, 2, 1, 3]));
        assert_eq!(found, [("places with another product", "0".into(), "3".into())]);
        let line = |packs| OrderLine { sku: "TEA-1".into(), packs, reason: "r".into() };
        let (was, would_be) = (Output::Replenishment(vec![line(2)]), Output::Replenishment(vec![]));
        assert_eq!(told(&was, &would_be), [("packs of a product", "2".into(), "none".into())]);
    }

    #[test]
    fn a_failure_is_told_by_its_kind_alone() {
        let refused = |reason: &str| Failure::Refused { reason: reason.into() };
        let trap = Failure::Trap { reason: "token 4711".into(), frames: vec!["price".into()] };
        let answer = Output::Promotion(Vec::new());
        let found = compare(Ok(&answer), Err(&trap));
        assert_eq!(
            (found[0].was.to_string(), found[0].would_be.to_string()),
            ("an answer".into(), "trap".into())
        );
        assert_eq!(compare(Err(&refused("a")), Err(&refused("b"))), []);
        assert_eq!(compare(Err(&refused("a")), Err(&trap)).len(), 1);
        assert_eq!(compare(Err(&trap), Ok(&answer)).len(), 1);
    }
}
