//! {{what}}

use aisle_plugin_sdk::{Failure, NewPrice, Pricing, PricingInput, percent_of};

struct Plugin;

impl Pricing for Plugin {
    fn price(input: PricingInput) -> Result<Vec<NewPrice>, Failure> {
        let settings = input.context.settings();
        let category = settings.required::<String>("category")?;
        let percent = settings.required::<i64>("percent")?;
        let (from, until) = (settings.required::<u16>("from_minute")?, settings.required::<u16>("until_minute")?);

        if !(from..until).contains(&input.context.minute_of_day) {
            return Ok(Vec::new());
        }
        let prices = input.lines_in(&category).map(|line| NewPrice {
            line: line.number,
            unit_price: line.unit_price - percent_of(line.unit_price, percent),
            reason: format!("{percent} % off {category} this evening"),
        });
        Ok(prices.collect())
    }
}

aisle_plugin_sdk::export!(Plugin: Pricing);
