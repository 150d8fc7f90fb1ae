//! {{what}}

use aisle_plugin_sdk::{Action, Alert, Failure, Happening, OpenTask, Reaction, ReactionInput, log};

struct Plugin;

impl Reaction for Plugin {
    fn react(input: ReactionInput) -> Result<Vec<Action>, Failure> {
        let urgent = input.context.settings().required::<i32>("urgent_millidegrees")?;
        Ok(match &input.happening {
            Happening::StockChanged(stock) if !stock.sellable => vec![Action::OpenTask(OpenTask {
                sku: Some(stock.sku.clone()),
                unit: None,
                text: format!("Look for {} in the backroom: the shelf is empty", stock.sku),
            })],
            Happening::Excursion(excursion) if excursion.open => vec![Action::Alert(Alert {
                text: format!("{} is at {} °C", excursion.unit, excursion.millidegrees / 1000),
                urgent: excursion.millidegrees > urgent,
            })],
            Happening::Anomaly(anomaly) => {
                log::write(log::Level::Info, &format!("{} is odd", anomaly.device));
                Vec::new()
            }
            _ => Vec::new(),
        })
    }
}

aisle_plugin_sdk::export!(Plugin: Reaction);
