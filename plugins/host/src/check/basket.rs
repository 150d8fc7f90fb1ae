//! Prices and offers.

use super::{POINTS_MAX, PRICE_MAX, REASON_LENGTH_MAX, bad, words};
use crate::{
    call::Failure,
    chain::Ledger,
    types::{Adjustment, NewPrice, PricingInput, PromotionInput},
};
use std::collections::BTreeSet;

pub(super) fn prices(input: &PricingInput, items: &[NewPrice]) -> Result<(), Failure> {
    let ledger = Ledger::new(&input.lines);
    let mut named = BTreeSet::new();
    for (place, item) in items.iter().enumerate() {
        let at = |field: &str| format!("[{place}].{field}");
        known_line(|| at("line"), &ledger, item.line)?;
        if !named.insert(item.line) {
            return bad(at("line"), format!("names line {} again", item.line));
        }
        if !(0..=PRICE_MAX).contains(&item.unit_price) {
            return bad(at("unit_price"), format!("is {}, expected 0 to {PRICE_MAX}", item.unit_price));
        }
        words(|| at("reason"), &item.reason, REASON_LENGTH_MAX)?;
    }
    Ok(())
}

pub(super) fn adjustments(input: &PromotionInput, items: &[Adjustment]) -> Result<(), Failure> {
    let mut ledger = Ledger::new(&input.lines);
    ledger.repeat(&input.so_far);
    let mut refused = BTreeSet::new();
    for (place, item) in items.iter().enumerate() {
        match item {
            Adjustment::LineDiscount(it) => {
                let at = |field: &str| format!("[{place}].line-discount.{field}");
                known_line(|| at("line"), &ledger, it.line)?;
                let left = ledger.net(it.line);
                amount(|| at("amount"), it.amount, left, || format!("what line {} still costs", it.line))?;
                words(|| at("reason"), &it.reason, REASON_LENGTH_MAX)?;
                ledger.take_off(it.line, it.amount);
            }
            Adjustment::BasketDiscount(it) => {
                let at = |field: &str| format!("[{place}].basket-discount.{field}");
                amount(|| at("amount"), it.amount, ledger.total(), || "what the basket still costs".into())?;
                words(|| at("reason"), &it.reason, REASON_LENGTH_MAX)?;
                ledger.share(it.amount);
            }
            Adjustment::TakeBack(it) => {
                let at = |field: &str| format!("[{place}].take-back.{field}");
                known_line(|| at("line"), &ledger, it.line)?;
                let given = ledger.given(it.line);
                amount(
                    || at("amount"),
                    it.amount,
                    given,
                    || format!("what was given on line {} so far", it.line),
                )?;
                words(|| at("reason"), &it.reason, REASON_LENGTH_MAX)?;
                ledger.take_off(it.line, -it.amount);
            }
            Adjustment::Refuse(it) => {
                let at = |field: &str| format!("[{place}].refuse.{field}");
                known_line(|| at("line"), &ledger, it.line)?;
                if !refused.insert(it.line) {
                    return bad(at("line"), format!("refuses line {} again", it.line));
                }
                words(|| at("reason"), &it.reason, REASON_LENGTH_MAX)?;
            }
            Adjustment::Points(it) => {
                let at = |field: &str| format!("[{place}].points.{field}");
                if !(1..=POINTS_MAX).contains(&it.count) {
                    return bad(at("count"), format!("is {}, expected 1 to {POINTS_MAX}", it.count));
                }
                words(|| at("reason"), &it.reason, REASON_LENGTH_MAX)?;
            }
        }
    }
    Ok(())
}

fn known_line(path: impl FnOnce() -> String, lines: &Ledger, number: u32) -> Result<(), Failure> {
    if lines.has(number) {
        return Ok(());
    }
    bad(path(), format!("is {number}, which is no line of the basket"))
}

fn amount(
    path: impl FnOnce() -> String,
    amount: i64,
    max: i64,
    of_what: impl FnOnce() -> String,
) -> Result<(), Failure> {
    if amount <= 0 {
        return bad(path(), format!("is {amount}, expected above zero"));
    }
    if amount > max {
        return bad(path(), format!("is {amount}, above {max}, {}", of_what()));
    }
    Ok(())
}
