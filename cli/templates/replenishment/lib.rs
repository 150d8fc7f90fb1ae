//! {{what}}

use aisle_plugin_sdk::{Demand, Failure, OrderLine, Replenishment, ReplenishmentInput};

struct Plugin;

impl Replenishment for Plugin {
    fn order(input: ReplenishmentInput) -> Result<Vec<OrderLine>, Failure> {
        let cover_days = input.context.settings().required::<u16>("cover_days")?;
        Ok(input.demands.iter().filter_map(|demand| line(demand, cover_days)).collect())
    }
}

/// Whole packs, so that what is there and on its way lasts until the delivery and the covered days after it.
fn line(demand: &Demand, cover_days: u16) -> Option<OrderLine> {
    let days = i64::from(demand.lead_days) + i64::from(cover_days);
    let wanted = demand.daily_mean.saturating_mul(days);
    let there = demand.position.as_ref().map_or(0, |position| position.on_hand);
    let missing = wanted.saturating_sub(there).saturating_sub(demand.on_order);
    if missing <= 0 || demand.pack <= 0 {
        return None;
    }
    let packs = missing / demand.pack + i64::from(missing % demand.pack > 0);
    Some(OrderLine {
        sku: demand.product.sku.clone(),
        packs: u32::try_from(packs).ok()?,
        reason: format!("lasts {days} days"),
    })
}

aisle_plugin_sdk::export!(Plugin: Replenishment);
