//! {{what}}

use aisle_plugin_sdk::{Adjustment, Failure, Line, LineDiscount, Promotion, PromotionInput, percent_of};

struct Plugin;

impl Promotion for Plugin {
    fn promote(input: PromotionInput) -> Result<Vec<Adjustment>, Failure> {
        let settings = input.context.settings();
        let category = settings.required::<String>("category")?;
        let pieces = settings.required::<i64>("pieces")?;
        let percent = settings.required::<i64>("percent")?;

        let bought: i64 = input.lines_in(&category).map(Line::pieces).sum();
        if bought < pieces {
            return Ok(Vec::new());
        }
        // What offers before this one left of each line: together they never take more than a line costs.
        let lines = input.lines.iter().zip(input.left());
        let discounts = lines
            .filter(|(line, _)| line.is_in(&category))
            .map(|(line, left)| LineDiscount {
                line: line.number,
                amount: percent_of(left, percent),
                reason: format!("{percent} % off {category} from {pieces} pieces"),
            })
            .filter(|discount| discount.amount > 0);
        Ok(discounts.map(Adjustment::LineDiscount).collect())
    }
}

aisle_plugin_sdk::export!(Plugin: Promotion);
