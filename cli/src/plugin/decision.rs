//! What a plugin decided, in words and in money: item by item, and against what another version decided.
//!
//! Not here: whether an answer is allowed; the host has judged that.

use aisle_event::{Currency, Money, quantity::cost};
use aisle_plugin_host::types::{Action, Adjustment, Input, Line, Output};
use serde::Serialize;
use std::{collections::BTreeMap, fmt::Write};

/// One thing that was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Decision {
    /// What it is about: `line 2 APPLE`, `basket`, `place 1`, a SKU.
    pub(crate) about: String,
    /// What is to be: `0.30 GBP off: 10 % off fruit`.
    pub(crate) what: String,
}

/// One thing that two versions decide otherwise. One of both is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Change {
    /// What it is about.
    pub(crate) about: String,
    /// What it was; nothing when nothing was decided.
    pub(crate) before: Option<String>,
    /// What it is now.
    pub(crate) after: Option<String>,
}

/// All that an answer decides, in its own order.
pub(crate) fn decisions(input: &Input, output: &Output) -> Vec<Decision> {
    let currency = &input.context().currency;
    let money = |minor: i64| money(minor, currency);
    let decision = |about: String, what: String| Decision { about, what };
    match (input, output) {
        (Input::Pricing(input), Output::Pricing(items)) => items
            .iter()
            .map(|item| {
                let was = line(&input.lines, item.line).map_or(0, |line| line.unit_price);
                let what = format!("{} instead of {}: {}", money(item.unit_price), money(was), item.reason);
                decision(line_name(&input.lines, item.line), what)
            })
            .collect(),
        (Input::Promotion(input), Output::Promotion(items)) => items
            .iter()
            .map(|item| {
                let of = |number: u32| line_name(&input.lines, number);
                match item {
                    Adjustment::LineDiscount(it) => {
                        decision(of(it.line), format!("{} off: {}", money(it.amount), it.reason))
                    }
                    Adjustment::BasketDiscount(it) => {
                        decision("basket".into(), format!("{} off: {}", money(it.amount), it.reason))
                    }
                    Adjustment::TakeBack(it) => {
                        decision(of(it.line), format!("{} taken back: {}", money(it.amount), it.reason))
                    }
                    Adjustment::Refuse(it) => decision(of(it.line), format!("refused: {}", it.reason)),
                    Adjustment::Points(it) => {
                        decision("customer".into(), format!("{} points: {}", it.count, it.reason))
                    }
                }
            })
            .collect(),
        (Input::Ranking(input), Output::Ranking(items)) => items
            .iter()
            .zip(1..)
            .map(|(item, place)| {
                let place: usize = place;
                let candidate = usize::try_from(item.candidate).ok().and_then(|at| input.candidates.get(at));
                let sku = candidate.map_or("?", |candidate| candidate.product.sku.as_str());
                let reason = item.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
                decision(format!("place {place}"), format!("{sku}{reason}"))
            })
            .collect(),
        (Input::Replenishment(_), Output::Replenishment(items)) => items
            .iter()
            .map(|item| decision(item.sku.clone(), format!("{} packs: {}", item.packs, item.reason)))
            .collect(),
        (Input::Reaction(_), Output::Reaction(items)) => {
            items.iter().map(|item| action(item, &money)).collect()
        }
        // The host gives no answer of another hook than was asked.
        _ => Vec::new(),
    }
}

fn action(action: &Action, money: &dyn Fn(i64) -> String) -> Decision {
    let (about, what) = match action {
        Action::Alert(it) => {
            ("alert".into(), if it.urgent { format!("urgent: {}", it.text) } else { it.text.clone() })
        }
        Action::SetPrice(it) => (it.sku.clone(), format!("price {}: {}", money(it.price), it.reason)),
        Action::SetLabel(it) => (it.sku.clone(), format!("label `{}`", it.text)),
        Action::OpenTask(it) => {
            let about = it.sku.clone().or_else(|| it.unit.clone());
            (about.unwrap_or_else(|| "task".into()), format!("task: {}", it.text))
        }
        Action::Suppress(it) => (it.sku.clone(), format!("not sold for {} s: {}", it.seconds, it.reason)),
    };
    Decision { about, what }
}

/// What differs between two answers, in the order of what they are about as it first stands in either.
pub(crate) fn changes(before: &[Decision], after: &[Decision]) -> Vec<Change> {
    let mut order: Vec<&str> = Vec::new();
    let mut both: BTreeMap<&str, [Option<String>; 2]> = BTreeMap::new();
    for (side, decisions) in [before, after].into_iter().enumerate() {
        for Decision { about, what } in decisions {
            let entry = both.entry(about).or_insert_with(|| {
                order.push(about);
                [None, None]
            });
            let Some(text) = entry.get_mut(side) else { continue };
            match text {
                Some(text) => {
                    text.push_str("; ");
                    text.push_str(what);
                }
                None => *text = Some(what.clone()),
            }
        }
    }
    let differing = order.into_iter().filter_map(|about| {
        let [before, after] = both.remove(about)?;
        (before != after).then(|| Change { about: about.to_owned(), before, after })
    });
    differing.collect()
}

/// By how much an answer changes what the shopper pays: below zero when they pay less. For an order, what it costs at the
/// catalogue's prices. Nothing where a hook is not about money.
pub(crate) fn effect(input: &Input, output: &Output) -> Option<i64> {
    let sum = |amounts: &mut dyn Iterator<Item = i64>| amounts.fold(0, i64::saturating_add);
    match (input, output) {
        (Input::Pricing(input), Output::Pricing(items)) => Some(sum(&mut items.iter().map(|item| {
            let Some(line) = line(&input.lines, item.line) else { return 0 };
            cost(item.unit_price, line.quantity).saturating_sub(cost(line.unit_price, line.quantity))
        }))),
        (Input::Promotion(_), Output::Promotion(items)) => {
            Some(sum(&mut items.iter().map(|item| match item {
                Adjustment::LineDiscount(it) => it.amount.saturating_neg(),
                Adjustment::BasketDiscount(it) => it.amount.saturating_neg(),
                Adjustment::TakeBack(it) => it.amount,
                Adjustment::Refuse(_) | Adjustment::Points(_) => 0,
            })))
        }
        (Input::Replenishment(input), Output::Replenishment(items)) => {
            Some(sum(&mut items.iter().map(|item| {
                let demand = input.demands.iter().find(|demand| demand.product.sku == item.sku);
                demand.map_or(0, |demand| {
                    cost(demand.product.price, demand.pack.saturating_mul(i64::from(item.packs)))
                })
            })))
        }
        _ => None,
    }
}

/// Points that an answer gives.
pub(crate) fn points(output: &Output) -> u64 {
    let Output::Promotion(items) = output else { return 0 };
    let points = items.iter().filter_map(|item| match item {
        Adjustment::Points(it) => Some(u64::from(it.count)),
        _ => None,
    });
    points.fold(0, u64::saturating_add)
}

/// An amount as people say it; as it stands where its currency is none.
pub(crate) fn money(minor: i64, currency: &str) -> String {
    match currency.parse::<Currency>() {
        Ok(currency) => Money::new(minor, currency).to_string(),
        Err(_) => minor.to_string(),
    }
}

/// An amount with its sign, for differences.
pub(crate) fn difference(minor: i64, currency: &str) -> String {
    let mut text = String::new();
    if minor > 0 {
        text.push('+');
    }
    // Writing into a string does not fail.
    let _ = write!(text, "{}", money(minor, currency));
    text
}

fn line(lines: &[Line], number: u32) -> Option<&Line> {
    lines.iter().find(|line| line.number == number)
}

fn line_name(lines: &[Line], number: u32) -> String {
    match line(lines, number) {
        Some(line) => format!("line {number} {}", line.product.sku),
        None => format!("line {number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, Decision, changes, difference, money};

    fn decision(about: &str, what: &str) -> Decision {
        Decision { about: about.into(), what: what.into() }
    }

    fn change(about: &str, before: Option<&str>, after: Option<&str>) -> Change {
        Change { about: about.into(), before: before.map(str::to_owned), after: after.map(str::to_owned) }
    }

    #[test]
    fn only_what_differs_is_named_in_the_order_in_which_it_stands() {
        let before = [decision("line 1", "a"), decision("line 2", "b"), decision("line 2", "c")];
        let after = [decision("line 1", "a"), decision("line 2", "b"), decision("basket", "d")];
        let found = changes(&before, &after);
        assert_eq!(found, [change("line 2", Some("b; c"), Some("b")), change("basket", None, Some("d"))]);
        assert_eq!(changes(&before, &before), []);
    }

    #[test]
    fn amounts_have_their_currency_and_differences_their_sign() {
        assert_eq!([money(1205, "GBP"), money(1205, "JPY"), money(5, "?")], ["12.05 GBP", "1205 JPY", "5"]);
        assert_eq!(
            [difference(30, "GBP"), difference(-30, "GBP"), difference(0, "GBP")],
            ["+0.30 GBP", "-0.30 GBP", "0.00 GBP"]
        );
    }
}
