//! Whether an answer of plugins can be used. Whole or not at all: a basket is never priced by half an answer.

use crate::plugins::{Basket, Offers, Why};
use aisle_event::{Money, Name, Text, sale::AdjustmentKind};
use aisle_state::OFFERS_BYTES_MAX;
use std::collections::BTreeMap;

/// The longest reason, in characters.
const REASON_CHARS_MAX: usize = 120;
/// What one item of an answer takes beside its texts, in bytes, at most.
const ITEM_BYTES: usize = 48;

/// What a line costs, and how much of it is off so far.
struct Sum {
    gross: i64,
    off: i64,
}

/// Says what is wrong with an answer.
pub(super) fn offers(basket: &Basket, offers: &Offers) -> Result<(), String> {
    texts(offers)?;
    let mut sums = gross(basket, offers)?;
    let currency = |money: Money, what: &str| {
        (money.currency == basket.currency)
            .then_some(money.minor)
            .ok_or_else(|| format!("{what} is in {}, the basket in {}", money.currency, basket.currency))
    };
    let whole: i64 = sums
        .values()
        .try_fold(0_i64, |sum, line| sum.checked_add(line.gross))
        .ok_or("the basket has no total that fits")?;
    let mut off_whole = 0_i64;
    for adjustment in &offers.adjustments {
        let who = &adjustment.plugin;
        let amount = currency(adjustment.amount, "an adjustment")?;
        let fits = match adjustment.kind {
            AdjustmentKind::Discount => amount > 0,
            // A line that costs little may have no share.
            AdjustmentKind::BasketDiscount => amount >= 0,
            AdjustmentKind::TakeBack => amount < 0,
        };
        if !fits {
            return Err(format!("`{who}` gives {amount} as a {}", adjustment.kind));
        }
        off_whole = off_whole.checked_add(amount).ok_or("the discounts have no sum that fits")?;
        if let Some(number) = adjustment.line {
            let line = sums.get_mut(&number).ok_or_else(|| format!("`{who}` names line {number}"))?;
            line.off = line.off.checked_add(amount).ok_or("the discounts have no sum that fits")?;
            if line.off < 0 || line.off > line.gross {
                return Err(format!(
                    "`{who}` takes {} off line {number}, which costs {}",
                    line.off, line.gross
                ));
            }
        }
        if off_whole < 0 || off_whole > whole {
            return Err(format!("`{who}` takes {off_whole} off a basket that costs {whole}"));
        }
    }
    for refusal in &offers.refusals {
        if !sums.contains_key(&refusal.line) {
            return Err(format!("`{}` refuses line {}", refusal.why.plugin, refusal.line));
        }
    }
    match offers.points.iter().find(|points| points.count == 0) {
        Some(points) => Err(format!("`{}` gives no points", points.plugin)),
        None => Ok(()),
    }
}

/// What each line costs at its new price.
fn gross(basket: &Basket, offers: &Offers) -> Result<BTreeMap<u32, Sum>, String> {
    let mut prices: BTreeMap<u32, Money> = BTreeMap::new();
    for price in &offers.prices {
        let who = &price.why.plugin;
        if price.unit_price.minor < 0 || price.unit_price.currency != basket.currency {
            return Err(format!("`{who}` sets a price of {}", price.unit_price));
        }
        if prices.insert(price.line, price.unit_price).is_some() {
            return Err(format!("`{who}` sets a second price of line {}", price.line));
        }
    }
    let mut sums = BTreeMap::new();
    for line in &basket.lines {
        let unit_price = prices.remove(&line.number).unwrap_or(line.product.price);
        let gross = line.quantity.price(unit_price).ok_or("a line has no sum that fits")?.minor;
        sums.insert(line.number, Sum { gross, off: 0 });
    }
    match prices.first_key_value() {
        Some((number, _)) => Err(format!("a price is set of line {number}")),
        None => Ok(sums),
    }
}

fn texts(offers: &Offers) -> Result<(), String> {
    let whys = offers
        .prices
        .iter()
        .map(|it| parts(&it.why))
        .chain(offers.refusals.iter().map(|it| parts(&it.why)))
        .chain(offers.adjustments.iter().map(|it| (&it.plugin, &it.version, &it.reason)))
        .chain(offers.points.iter().map(|it| (&it.plugin, &it.version, &it.reason)));
    let mut bytes = 0;
    for (plugin, version, reason) in whys {
        if reason.trim().is_empty() || reason.chars().count() > REASON_CHARS_MAX {
            return Err(format!("`{plugin}` gives a reason of {} characters", reason.chars().count()));
        }
        bytes += ITEM_BYTES + plugin.as_str().len() + version.as_str().len() + reason.len();
    }
    if bytes > OFFERS_BYTES_MAX {
        return Err(format!(
            "the answer takes {bytes} bytes on a receipt; at most {OFFERS_BYTES_MAX} have room"
        ));
    }
    Ok(())
}

const fn parts(why: &Why) -> (&Name, &Name, &Text) {
    (&why.plugin, &why.version, &why.reason)
}
