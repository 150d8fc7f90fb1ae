//! A loyalty programme: prices of one's tier, and points for what is paid. Two hooks in one plugin.
//!
//! Who has not said who they are gets neither. Points are counted on what is left to pay after the offers before this plugin.

use aisle_plugin_sdk::{
    Adjustment, Customer, Failure, NewPrice, Points, Pricing, PricingInput, Promotion, PromotionInput,
    Settings, basket::Choice, percent_of,
};

struct Loyalty;

/// The settings of a customer's tier: an entry of `[[settings.tiers]]`.
fn tier<'a>(settings: &Settings<'a>, customer: &Customer) -> Option<Settings<'a>> {
    let tier = customer.tier.as_deref()?;
    settings.list("tiers").into_iter().find(|entry| entry.text("tier") == Some(tier))
}

impl Pricing for Loyalty {
    fn price(input: PricingInput) -> Result<Vec<NewPrice>, Failure> {
        let settings = input.context.settings();
        let Some(tier) = input.customer.as_ref().and_then(|customer| tier(&settings, customer)) else {
            return Ok(Vec::new());
        };
        let percent: i64 = tier.or("percent", 0)?;
        if percent == 0 {
            return Ok(Vec::new());
        }
        if !(1..=100).contains(&percent) {
            return Err(tier.wrong("percent", &percent.to_string()));
        }
        let reason: String = tier.required("reason")?;
        let (choice, without) = (Choice::read(&tier), Choice::read(&settings.below("without")));
        let chosen =
            input.lines.iter().filter(|line| choice.has(&line.product) && !without.names(&line.product));
        let priced = chosen.filter_map(|line| {
            // Off the catalogue's price: a markdown that is better stays.
            let unit_price = line.product.price - percent_of(line.product.price, percent);
            let is_lower = unit_price < line.unit_price;
            is_lower.then(|| NewPrice { line: line.number, unit_price, reason: reason.clone() })
        });
        Ok(priced.collect())
    }
}

impl Promotion for Loyalty {
    fn promote(input: PromotionInput) -> Result<Vec<Adjustment>, Failure> {
        let settings = input.context.settings();
        let Some(customer) = &input.customer else { return Ok(Vec::new()) };
        let amount_per_point: i64 = settings.required("amount-per-point")?;
        if amount_per_point < 1 {
            return Err(settings.wrong("amount-per-point", &amount_per_point.to_string()));
        }
        let factor = tier(&settings, customer).map_or(Ok(1), |tier| tier.or("points-factor", 1_i64))?;
        let without = Choice::read(&settings.below("without"));
        let left = input.lines.iter().zip(input.left());
        let paid: i64 = left.filter(|(line, _)| !without.names(&line.product)).map(|(_, left)| left).sum();
        // What does not fill a point is not given.
        let count = (paid / amount_per_point).saturating_mul(factor).clamp(0, COUNT_MAX);
        let count = u32::try_from(count).unwrap_or(0);
        if count == 0 {
            return Ok(Vec::new());
        }
        let reason = settings.required("points-reason")?;
        Ok(vec![Adjustment::Points(Points { count, reason })])
    }
}

/// The most points that the node takes at once.
const COUNT_MAX: i64 = 1_000_000;

aisle_plugin_sdk::export!(Loyalty: Pricing, Promotion);
