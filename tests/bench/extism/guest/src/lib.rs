//! What `plugins/guests/multi-buy` computes, as a plugin of Extism's: JSON in, JSON out, by its own kit.
//!
//! It leaves out what the measured basket does not have, offers of plugins before it, so it does rather less.

mod types;

use extism_pdk::{plugin_fn, FnResult, Json, WithReturnCode};
use types::{Discount, Input, Line, Offer, Unit};

/// What the basket is offered.
#[plugin_fn]
pub fn promote(Json(input): Json<Input>) -> FnResult<Json<Vec<Discount>>> {
    // Lines that no offer has taken yet, with what they cost.
    let mut free: Vec<(&Line, i64)> = input
        .lines
        .iter()
        .map(|line| (line, ratio(line.unit_price, line.quantity, 1000)))
        .filter(|(line, cost)| pieces(line) > 0 && *cost > 0)
        .collect();
    let mut discounts = Vec::new();
    for offer in &input.offers {
        check(offer)?;
        let (mut taken, others): (Vec<_>, Vec<_>) =
            free.into_iter().partition(|(line, _)| names(offer, line));
        free = others;
        taken.sort_by_key(|(line, _)| (-line.unit_price, line.number));
        let all: i64 = taken.iter().map(|(line, _)| pieces(line)).sum();
        let grouped = all - all % offer.buy;
        let mut before = 0;
        for (line, cost) in taken {
            let after = before + pieces(line);
            let count = reduced_of(offer, after, grouped) - reduced_of(offer, before, grouped);
            before = after;
            let amount = ratio(line.unit_price, offer.percent, 100).saturating_mul(count).min(cost);
            if amount > 0 {
                discounts.push(Discount { line: line.number, amount, reason: offer.reason.clone() });
            }
        }
    }
    Ok(Json(discounts))
}

fn check(offer: &Offer) -> FnResult<()> {
    let is_one = !(offer.skus.is_empty() && offer.categories.is_empty())
        && (2..=1000).contains(&offer.buy)
        && (1..=offer.buy).contains(&offer.reduced)
        && (1..=100).contains(&offer.percent);
    let wrong = || WithReturnCode::new(extism_pdk::Error::msg("an offer cannot be"), 1);
    if is_one {
        Ok(())
    } else {
        Err(wrong())
    }
}

fn names(offer: &Offer, line: &Line) -> bool {
    let in_group = |category: &String| offer.categories.contains(category);
    offer.skus.contains(&line.product.sku) || line.product.category.as_ref().is_some_and(in_group)
}

fn pieces(line: &Line) -> i64 {
    if line.product.unit == Unit::Each {
        line.quantity.max(0) / 1000
    } else {
        0
    }
}

/// How many of the first `pieces` are reduced, when `grouped` of all are in full groups.
fn reduced_of(offer: &Offer, pieces: i64, grouped: i64) -> i64 {
    let pieces = pieces.min(grouped);
    let in_last = (pieces % offer.buy - (offer.buy - offer.reduced)).max(0);
    pieces / offer.buy * offer.reduced + in_last
}

/// `amount × numerator / denominator`, rounded half away from zero.
fn ratio(amount: i64, numerator: i64, denominator: i64) -> i64 {
    let (product, denominator) = (i128::from(amount) * i128::from(numerator), i128::from(denominator));
    let rounded = (2 * product + denominator * product.signum()) / (2 * denominator);
    i64::try_from(rounded).unwrap_or(if rounded < 0 { i64::MIN } else { i64::MAX })
}
