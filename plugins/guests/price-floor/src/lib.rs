//! The lowest price that the law allows for one unit of a product.
//!
//! What offers before this one gave below the floor is taken back; a line whose price is below it without any offer is refused. Call it last,
//! and let `on_failure` be `deny`: what nobody could check is not sold.

use aisle_plugin_sdk::{
    Adjustment, Failure, Line, Promotion, PromotionInput, Refusal, TakeBack, basket::Choice, money,
};

struct PriceFloor;

/// One entry of `[[settings.floors]]`.
struct Floor<'a> {
    choice: Choice<'a>,
    unit_price: i64,
    reason: String,
}

impl Promotion for PriceFloor {
    fn promote(input: PromotionInput) -> Result<Vec<Adjustment>, Failure> {
        let settings = input.context.settings();
        let mut floors = Vec::new();
        for settings in settings.list("floors") {
            let choice = Choice::read(&settings);
            let unit_price = settings.required("unit-price")?;
            // A floor for everything, or none, is a slip of the pen: nothing would be sold, or all of it.
            if choice.is_all() || unit_price < 1 {
                return Err(Failure::new("a floor names its products, and its `unit-price` is above zero"));
            }
            floors.push(Floor { choice, unit_price, reason: settings.required("reason")? });
        }
        // So are floors that are not read because their name is written wrong: all would be sold, and nobody would know.
        if floors.is_empty() {
            return Err(Failure::new("no `[[settings.floors]]`: without one all is sold"));
        }
        let lines = input.lines.iter().zip(input.given());
        Ok(lines.filter_map(|(line, given)| held(line, given, &floors)).collect())
    }
}

/// What must be done so that a line stays above its highest floor.
fn held(line: &Line, given: i64, floors: &[Floor]) -> Option<Adjustment> {
    let chosen = floors.iter().filter(|floor| floor.choice.names(&line.product));
    let floor = chosen.max_by_key(|floor| floor.unit_price)?;
    let (cost, least) = (line.cost(), money::cost(floor.unit_price, line.quantity));
    let (number, reason) = (line.number, floor.reason.clone());
    if cost < least {
        return Some(Adjustment::Refuse(Refusal { line: number, reason }));
    }
    let amount = (least - (cost - given)).min(given);
    (amount > 0).then_some(Adjustment::TakeBack(TakeBack { line: number, amount, reason }))
}

aisle_plugin_sdk::export!(PriceFloor: Promotion);
