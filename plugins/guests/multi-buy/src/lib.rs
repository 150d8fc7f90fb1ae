//! Several of one product, some cheaper: three for two, the second at half price.
//!
//! Pieces of all lines that an offer chooses count together, the dearest first; of each full group the cheapest are reduced. A line takes
//! part in the first offer that chooses it. What is sold by weight takes part in none.

use aisle_plugin_sdk::{
    Adjustment, Failure, Line, LineDiscount, Promotion, PromotionInput, Settings, basket::Choice, percent_of,
};

struct MultiBuy;

/// One entry of `[[settings.offers]]`.
struct Offer<'a> {
    choice: Choice<'a>,
    /// How many pieces make a group.
    buy: i64,
    /// How many of a group are reduced.
    reduced: i64,
    /// By how much.
    percent: i64,
    reason: String,
}

impl<'a> Offer<'a> {
    fn read(settings: &Settings<'a>) -> Result<Self, Failure> {
        let number = |key: &str, default, from: i64, to: i64| -> Result<i64, Failure> {
            let value = settings.or(key, default)?;
            if (from..=to).contains(&value) {
                Ok(value)
            } else {
                Err(settings.wrong(key, &value.to_string()))
            }
        };
        let choice = Choice::read(settings);
        if choice.is_all() {
            return Err(Failure::new(
                "an offer names no product: set `sku`, `skus`, `category` or `categories`",
            ));
        }
        let buy = number("buy", 3, 2, 1000)?;
        Ok(Self {
            choice,
            buy,
            reduced: number("reduced", 1, 1, buy)?,
            percent: number("percent", 100, 1, 100)?,
            reason: settings.required("reason")?,
        })
    }

    /// How many of the first `pieces` are reduced, when `grouped` of all are in full groups.
    fn reduced_of(&self, pieces: i64, grouped: i64) -> i64 {
        let pieces = pieces.min(grouped);
        let in_last = (pieces % self.buy - (self.buy - self.reduced)).max(0);
        pieces / self.buy * self.reduced + in_last
    }
}

impl Promotion for MultiBuy {
    fn promote(input: PromotionInput) -> Result<Vec<Adjustment>, Failure> {
        let settings = input.context.settings();
        let left = input.left();
        // Lines that no offer has taken yet, with what is left of their price.
        let mut free: Vec<(&Line, i64)> =
            input.lines.iter().zip(left).filter(|(line, left)| line.pieces() > 0 && *left > 0).collect();
        let mut adjustments = Vec::new();
        for settings in settings.list("offers") {
            let offer = Offer::read(&settings)?;
            let (mut taken, others): (Vec<_>, Vec<_>) =
                free.into_iter().partition(|(line, _)| offer.choice.names(&line.product));
            free = others;
            taken.sort_by_key(|(line, _)| (-line.unit_price, line.number));
            let pieces: i64 = taken.iter().map(|(line, _)| line.pieces()).sum();
            let grouped = pieces - pieces % offer.buy;
            let mut before = 0;
            for (line, left) in taken {
                let after = before + line.pieces();
                let count = offer.reduced_of(after, grouped) - offer.reduced_of(before, grouped);
                before = after;
                let amount = percent_of(line.unit_price, offer.percent).saturating_mul(count).min(left);
                if amount > 0 {
                    let reason = offer.reason.clone();
                    adjustments.push(Adjustment::LineDiscount(LineDiscount {
                        line: line.number,
                        amount,
                        reason,
                    }));
                }
            }
        }
        Ok(adjustments)
    }
}

aisle_plugin_sdk::export!(MultiBuy: Promotion);
