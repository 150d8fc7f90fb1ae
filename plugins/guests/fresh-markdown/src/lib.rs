//! Fresh goods become cheaper the nearer their date is.
//!
//! Each step says from how many days before the date it holds; the step with the fewest days that still fits counts. A price is never
//! raised, and what is over its date is left alone: that it must not be sold is not a matter of price.

use aisle_plugin_sdk::{Failure, Line, NewPrice, Pricing, PricingInput, basket::Choice, money, percent_of};

struct FreshMarkdown;

/// One entry of `[[settings.steps]]`.
struct Step {
    /// Up to how many days before the date.
    days: i32,
    percent: i64,
    reason: String,
}

impl Pricing for FreshMarkdown {
    fn price(input: PricingInput) -> Result<Vec<NewPrice>, Failure> {
        let settings = input.context.settings();
        let choice = Choice::read(&settings);
        let round_to = settings.or("round-to", 1)?;
        let from_minute: u16 = settings.or("from-minute", 0)?;
        let mut steps = Vec::new();
        for settings in settings.list("steps") {
            let percent: i64 = settings.required("percent")?;
            if !(1..=100).contains(&percent) {
                return Err(settings.wrong("percent", &percent.to_string()));
            }
            steps.push(Step {
                days: settings.required("days")?,
                percent,
                reason: settings.required("reason")?,
            });
        }
        steps.sort_by_key(|step| step.days);
        if input.context.minute_of_day < from_minute {
            return Ok(Vec::new());
        }
        let lines = input.lines.iter().filter(|line| choice.has(&line.product));
        Ok(lines.filter_map(|line| marked_down(line, &steps, round_to)).collect())
    }
}

fn marked_down(line: &Line, steps: &[Step], round_to: i64) -> Option<NewPrice> {
    let days = line.product.expires_in_days.filter(|days| *days >= 0)?;
    let step = steps.iter().find(|step| days <= step.days)?;
    // Off the catalogue's price, so that it does not matter who has lowered the line's before.
    let reduced = line.product.price - percent_of(line.product.price, step.percent);
    // At least one minor unit, however little it was: free goods are another decision.
    let unit_price = money::down_to(reduced, round_to).max(1);
    let is_lower = unit_price < line.unit_price;
    is_lower.then(|| NewPrice { line: line.number, unit_price, reason: step.reason.clone() })
}

aisle_plugin_sdk::export!(FreshMarkdown: Pricing);
