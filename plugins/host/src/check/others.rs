//! Rankings, orders and actions.

use super::{
    LABEL_LENGTH_MAX, PACKS_MAX, PRICE_MAX, REASON_LENGTH_MAX, SUPPRESS_S_MAX, bad, line, shown, words,
};
use crate::{
    call::Failure,
    types::{Action, Happening, OrderLine, Ranked, RankingInput, ReactionInput, ReplenishmentInput},
};
use aisle_event::id::NAME_BYTES_MAX;
use std::collections::BTreeSet;

pub(super) fn ranked(input: &RankingInput, items: &[Ranked]) -> Result<(), Failure> {
    let mut named = BTreeSet::new();
    for (place, item) in items.iter().enumerate() {
        let path = || format!("[{place}].candidate");
        if item.candidate as usize >= input.candidates.len() {
            return bad(
                path(),
                format!("is {}, and there are {} candidates", item.candidate, input.candidates.len()),
            );
        }
        if !named.insert(item.candidate) {
            return bad(path(), format!("names candidate {} again", item.candidate));
        }
        if let Some(reason) = &item.reason {
            words(|| format!("[{place}].reason"), reason, REASON_LENGTH_MAX)?;
        }
    }
    Ok(())
}

pub(super) fn orders(input: &ReplenishmentInput, items: &[OrderLine]) -> Result<(), Failure> {
    let known: BTreeSet<&str> = input.demands.iter().map(|demand| demand.product.sku.as_str()).collect();
    let mut named = BTreeSet::new();
    for (place, item) in items.iter().enumerate() {
        let at = |field: &str| format!("[{place}].{field}");
        if !known.contains(item.sku.as_str()) {
            return bad(at("sku"), format!("is `{}`, which is none of the products", shown(&item.sku)));
        }
        if !named.insert(item.sku.as_str()) {
            return bad(at("sku"), format!("names `{}` again", shown(&item.sku)));
        }
        if !(1..=PACKS_MAX).contains(&item.packs) {
            return bad(at("packs"), format!("is {}, expected 1 to {PACKS_MAX}", item.packs));
        }
        words(|| at("reason"), &item.reason, REASON_LENGTH_MAX)?;
    }
    Ok(())
}

pub(super) fn actions(
    input: &ReactionInput,
    items: &[Action],
    is_product: &mut dyn FnMut(&str) -> bool,
) -> Result<(), Failure> {
    let named = |sku: &str| match &input.happening {
        Happening::StockChanged(it) => it.sku == sku,
        Happening::GoodsReceived(it) => it.sku == sku,
        Happening::Excursion(it) => it.skus.iter().any(|known| known == sku),
        Happening::Anomaly(_) | Happening::DayBegan => false,
    };
    let mut product = |path: &dyn Fn() -> String, sku: &str| {
        if named(sku) || is_product(sku) {
            return Ok(());
        }
        bad(path(), format!("is `{}`, which is no product of the shop", shown(sku)))
    };
    for (place, item) in items.iter().enumerate() {
        match item {
            Action::Alert(it) => words(|| format!("[{place}].alert.text"), &it.text, REASON_LENGTH_MAX)?,
            Action::SetPrice(it) => {
                let at = |field: &str| format!("[{place}].set-price.{field}");
                product(&|| at("sku"), &it.sku)?;
                if !(1..=PRICE_MAX).contains(&it.price) {
                    return bad(at("price"), format!("is {}, expected 1 to {PRICE_MAX}", it.price));
                }
                words(|| at("reason"), &it.reason, REASON_LENGTH_MAX)?;
            }
            Action::SetLabel(it) => {
                product(&|| format!("[{place}].set-label.sku"), &it.sku)?;
                line(|| format!("[{place}].set-label.text"), &it.text, LABEL_LENGTH_MAX)?;
            }
            Action::OpenTask(it) => {
                if let Some(sku) = &it.sku {
                    product(&|| format!("[{place}].open-task.sku"), sku)?;
                }
                if let Some(unit) = &it.unit {
                    let at = || format!("[{place}].open-task.unit");
                    let bytes = unit.len();
                    if bytes > NAME_BYTES_MAX {
                        return bad(
                            at(),
                            format!("is {bytes} bytes long, expected at most {NAME_BYTES_MAX}"),
                        );
                    }
                    words(at, unit, NAME_BYTES_MAX)?;
                }
                words(|| format!("[{place}].open-task.text"), &it.text, REASON_LENGTH_MAX)?;
            }
            Action::Suppress(it) => {
                let at = |field: &str| format!("[{place}].suppress.{field}");
                product(&|| at("sku"), &it.sku)?;
                if it.seconds > SUPPRESS_S_MAX {
                    return bad(
                        at("seconds"),
                        format!("is {}, expected at most {SUPPRESS_S_MAX}", it.seconds),
                    );
                }
                words(|| at("reason"), &it.reason, REASON_LENGTH_MAX)?;
            }
        }
    }
    Ok(())
}
