//! Coupons on the whole basket: from a minimum, on days, for groups of products, once for each customer.
//!
//! A use is kept under `used/CODE/CUSTOMER`; it lasts only when the sale is recorded. A use that cannot be kept gives nothing.

use aisle_plugin_sdk::{
    Adjustment, BasketDiscount, Failure, Line, LineDiscount, Promotion, PromotionInput, Settings,
    basket::Choice, kv, money, percent_of,
};

struct BasketCoupon;

/// One entry of `[[settings.coupons]]`.
struct Coupon<'a> {
    code: &'a str,
    /// Either is zero.
    percent: i64,
    amount: i64,
    /// The most it gives; zero for no such bound.
    amount_max: i64,
    /// What the chosen products must cost together after other offers.
    minimum: i64,
    choice: Choice<'a>,
    from: Option<i32>,
    until: Option<i32>,
    once: bool,
    reason: String,
}

impl<'a> Coupon<'a> {
    fn read(settings: &Settings<'a>) -> Result<Self, Failure> {
        let coupon = Self {
            code: settings.text("code").unwrap_or_default(),
            percent: settings.or("percent", 0)?,
            amount: settings.or("amount", 0)?,
            amount_max: settings.or("amount-max", 0)?,
            minimum: settings.or("minimum", 0)?,
            choice: Choice::read(settings),
            from: settings.day("from")?,
            until: settings.day("until")?,
            once: settings.or("once", false)?,
            reason: settings.required("reason")?,
        };
        let is_one = (1..=100).contains(&coupon.percent) != (coupon.amount > 0);
        if coupon.code.is_empty() || !is_one {
            return Err(Failure::new(
                "a coupon has a `code`, and either `percent` (1 to 100) or `amount` (above zero)",
            ));
        }
        Ok(coupon)
    }

    fn is_valid_on(&self, day: i32) -> bool {
        self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day <= until)
    }

    /// How much it gives on what the chosen products cost.
    fn worth(&self, cost: i64) -> i64 {
        if cost <= 0 || cost < self.minimum {
            return 0;
        }
        let worth = if self.percent > 0 { percent_of(cost, self.percent) } else { self.amount };
        let worth = if self.amount_max > 0 { worth.min(self.amount_max) } else { worth };
        worth.min(cost)
    }

    /// Whether the shopper may use it, which is noted. Without a name nobody can be told apart.
    fn take(&self, input: &PromotionInput) -> bool {
        let Some(customer) = &input.customer else { return !self.once };
        if !self.once {
            return true;
        }
        let key = ["used/", self.code, "/", &customer.token].concat();
        kv::get(&key).is_none() && kv::set(&key, input.context.day.to_string().as_bytes()).is_ok()
    }
}

impl Promotion for BasketCoupon {
    fn promote(input: PromotionInput) -> Result<Vec<Adjustment>, Failure> {
        let settings = input.context.settings();
        let left = input.left();
        for settings in settings.list("coupons") {
            let coupon = Coupon::read(&settings)?;
            if !input.coupons.iter().any(|code| code == coupon.code) || !coupon.is_valid_on(input.context.day)
            {
                continue;
            }
            let chosen: Vec<(&Line, i64)> = input
                .lines
                .iter()
                .zip(&left)
                .map(|(line, left)| (line, if coupon.choice.has(&line.product) { *left } else { 0 }))
                .collect();
            let amount = coupon.worth(chosen.iter().map(|(_, left)| left).sum());
            if amount > 0 && coupon.take(&input) {
                // One coupon a basket: the first of the settings that fits.
                return Ok(coupon.adjustments(amount, &chosen));
            }
        }
        Ok(Vec::new())
    }
}

impl Coupon<'_> {
    fn adjustments(&self, amount: i64, chosen: &[(&Line, i64)]) -> Vec<Adjustment> {
        let reason = || self.reason.clone();
        if self.choice.is_all() {
            return vec![Adjustment::BasketDiscount(BasketDiscount { amount, reason: reason() })];
        }
        // What is meant for some products is given on their lines only.
        let weights: Vec<i64> = chosen.iter().map(|(_, left)| *left).collect();
        let parts = chosen.iter().zip(money::shared(amount, &weights)).filter(|(_, part)| *part > 0);
        parts
            .map(|((line, _), amount)| LineDiscount { line: line.number, amount, reason: reason() })
            .map(Adjustment::LineDiscount)
            .collect()
    }
}

aisle_plugin_sdk::export!(BasketCoupon: Promotion);
