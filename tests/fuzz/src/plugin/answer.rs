//! The validator of answers: any answer to any question is refused by the part that is wrong, or obeys the rules of the WIT, which
//! are written here once more.

use super::{
    ask::{self, SHOP},
    draw::Draw,
    recording,
};
use aisle_plugin_host::{
    Failure, Hook, Input, LABEL_LENGTH_MAX, Output, PACKS_MAX, POINTS_MAX, PRICE_MAX, REASON_LENGTH_MAX,
    SUPPRESS_S_MAX, check_output, types::*,
};
use std::collections::BTreeSet;

/// The longest name of a cold chain unit, in bytes.
const UNIT_BYTES_MAX: usize = 256;
/// The longest path and the longest reason of a refusal, in bytes.
const WORDS_BYTES_MAX: usize = 400;

/// The input chooses a hook, a question and an answer.
///
/// # Panics
/// When an answer is taken that breaks a rule, a refusal says nothing of use, or a recording of the call reads otherwise.
pub fn plugin_answer(input: &[u8]) {
    let mut draw = Draw::new(input);
    let hook = draw.pick(&Hook::ALL);
    let asked = ask::input(&mut draw, hook);
    let answered = if draw.one_in(24) { draw.pick(&Hook::ALL) } else { hook };
    let answer = ask::output(&mut draw, answered);
    let outcome = check_output(&asked, &answer, &mut |sku| SHOP.contains(&sku));
    match &outcome {
        Ok(()) => obeys(&asked, &answer),
        Err(Failure::BadOutput { path, reason }) => {
            let words = [path, reason];
            assert!(words.iter().all(|words| words.len() <= WORDS_BYTES_MAX), "{outcome:?}");
            assert!(words.iter().all(|words| !words.contains(char::is_control)), "{outcome:?}");
            assert!(names_an_item(path, answer.len()) || answered != hook, "{outcome:?} of {answer:?}");
        }
        Err(other) => panic!("{other:?}"),
    }
    if answered == hook {
        recording::survives(&recording::of(&mut draw, asked, outcome.map(|()| answer)));
    }
}

/// `[2].…` of an answer with more than two items.
fn names_an_item(path: &str, items: usize) -> bool {
    let place = path.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    place.is_some_and(|(place, field)| {
        field.starts_with('.') && place.parse::<usize>().is_ok_and(|at| at < items)
    })
}

fn obeys(asked: &Input, answer: &Output) {
    match (asked, answer) {
        (Input::Pricing(asked), Output::Pricing(items)) => prices(asked, items),
        (Input::Promotion(asked), Output::Promotion(items)) => offers(asked, items),
        (Input::Ranking(asked), Output::Ranking(items)) => {
            for item in items {
                assert!((item.candidate as usize) < asked.candidates.len(), "{item:?}");
                assert!(item.reason.as_deref().is_none_or(are_words), "{item:?}");
            }
            each_once(items.iter().map(|item| item.candidate));
        }
        (Input::Replenishment(asked), Output::Replenishment(items)) => {
            for item in items {
                assert!(asked.demands.iter().any(|demand| demand.product.sku == item.sku), "{item:?}");
                assert!(0 < item.packs && item.packs <= PACKS_MAX && are_words(&item.reason), "{item:?}");
            }
            each_once(items.iter().map(|item| &item.sku));
        }
        (Input::Reaction(asked), Output::Reaction(items)) => {
            items.iter().for_each(|item| action(&asked.happening, item));
        }
        _ => panic!("an answer of another hook was taken: {answer:?}"),
    }
}

fn each_once<T: Ord>(named: impl Iterator<Item = T>) {
    let mut seen = BTreeSet::new();
    named.for_each(|one| assert!(seen.insert(one), "something is named twice"));
}

fn are_words(text: &str) -> bool {
    fits(text, REASON_LENGTH_MAX) && text.chars().any(|letter| !letter.is_whitespace())
}

fn is_unit(text: &str) -> bool {
    text.len() <= UNIT_BYTES_MAX
        && !text.chars().any(char::is_control)
        && text.chars().any(|letter| !letter.is_whitespace())
}

fn fits(text: &str, length_max: usize) -> bool {
    text.chars().count() <= length_max && !text.chars().any(char::is_control)
}

fn prices(asked: &PricingInput, items: &[NewPrice]) {
    for item in items {
        assert!(asked.lines.iter().any(|line| line.number == item.line), "{item:?}");
        assert!(0 <= item.unit_price && item.unit_price <= PRICE_MAX && are_words(&item.reason), "{item:?}");
    }
    each_once(items.iter().map(|item| item.line));
}

/// What a line costs before offers; nothing of what is taken back can be off.
pub(super) fn gross(unit_price: i64, quantity: i64) -> i128 {
    let exact = i128::from(unit_price) * i128::from(quantity);
    let up = i128::from(exact.abs() % 1000 >= 500);
    let rounded = exact.signum() * (exact.abs() / 1000 + up);
    rounded.clamp(i64::MIN.into(), i64::MAX.into())
}

fn offers(asked: &PromotionInput, items: &[Adjustment]) {
    let known = |number: u32| asked.lines.iter().any(|line| line.number == number);
    let mut refused = Vec::new();
    for item in items {
        let (line, amount, reason) = match item {
            Adjustment::LineDiscount(it) => (Some(it.line), it.amount, &it.reason),
            Adjustment::BasketDiscount(it) => (None, it.amount, &it.reason),
            Adjustment::TakeBack(it) => (Some(it.line), it.amount, &it.reason),
            Adjustment::Refuse(it) => {
                refused.push(it.line);
                (Some(it.line), 1, &it.reason)
            }
            Adjustment::Points(it) => {
                assert!(it.count <= POINTS_MAX, "{item:?}");
                (None, it.count.into(), &it.reason)
            }
        };
        assert!(line.is_none_or(known) && amount > 0 && are_words(reason), "{item:?}");
    }
    each_once(refused.into_iter());
    let numbers: BTreeSet<u32> = asked.lines.iter().map(|line| line.number).collect();
    // What others gave before, and which of two lines of one number is meant, is for the chain to say.
    if asked.so_far.is_empty() && numbers.len() == asked.lines.len() {
        amounts(asked, items);
    }
}

/// No line costs less than nothing or more than its price, nor does the basket, after each of the items.
fn amounts(asked: &PromotionInput, items: &[Adjustment]) {
    let gross_of = |line: &Line| gross(line.unit_price, line.quantity).max(0);
    let of_basket: i128 = asked.lines.iter().map(gross_of).sum();
    for until in 1..=items.len() {
        let items = &items[..until];
        let on_lines = |of: &dyn Fn(&Adjustment) -> Option<(u32, i64)>, number: Option<u32>| {
            let amounts = items.iter().filter_map(of).filter(|(line, _)| number.is_none_or(|it| it == *line));
            amounts.map(|(_, amount)| i128::from(amount)).sum::<i128>()
        };
        let off = |item: &Adjustment| match item {
            Adjustment::LineDiscount(it) => Some((it.line, it.amount)),
            _ => None,
        };
        let back = |item: &Adjustment| match item {
            Adjustment::TakeBack(it) => Some((it.line, it.amount)),
            _ => None,
        };
        let shared = |item: &Adjustment| match item {
            Adjustment::BasketDiscount(it) => Some((0, it.amount)),
            _ => None,
        };
        let all_shared = on_lines(&shared, None);
        for line in &asked.lines {
            let number = Some(line.number);
            let given = on_lines(&off, number) - on_lines(&back, number);
            // Its own share of basket discounts is anything between nothing and all of them.
            assert!(-all_shared <= given && given <= gross_of(line), "{line:?}: {given} off by {items:?}");
        }
        let given = on_lines(&off, None) - on_lines(&back, None) + all_shared;
        assert!(0 <= given && given <= of_basket, "{given} off {of_basket} by {items:?}");
    }
}

fn action(happening: &Happening, item: &Action) {
    let is_product = |sku: &str| {
        SHOP.contains(&sku)
            || match happening {
                Happening::StockChanged(it) => it.sku == sku,
                Happening::GoodsReceived(it) => it.sku == sku,
                Happening::Excursion(it) => it.skus.iter().any(|one| one == sku),
                Happening::Anomaly(_) | Happening::DayBegan => false,
            }
    };
    let is_good = match item {
        Action::Alert(it) => are_words(&it.text),
        Action::SetPrice(it) => {
            is_product(&it.sku) && 0 < it.price && it.price <= PRICE_MAX && are_words(&it.reason)
        }
        Action::SetLabel(it) => is_product(&it.sku) && fits(&it.text, LABEL_LENGTH_MAX),
        Action::OpenTask(it) => {
            it.sku.as_deref().is_none_or(is_product)
                && it.unit.as_deref().is_none_or(is_unit)
                && are_words(&it.text)
        }
        Action::Suppress(it) => is_product(&it.sku) && it.seconds <= SUPPRESS_S_MAX && are_words(&it.reason),
    };
    assert!(is_good, "{item:?}");
}
