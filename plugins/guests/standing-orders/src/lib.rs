//! What is done each time something happens in the store, as the settings say it.
//!
//! Every order that fits is carried out, one after the other. An order that is daily is carried out at most once a day for each product,
//! which is kept from day to day.

use aisle_plugin_sdk::{
    Action, Alert, Failure, Happening, OpenTask, Reaction, ReactionInput, SetLabel, SetPrice, Settings,
    Suppress, kv,
};

struct StandingOrders;

impl Reaction for StandingOrders {
    fn react(input: ReactionInput) -> Result<Vec<Action>, Failure> {
        let (happening, day) = (&input.happening, input.context.day);
        let mut actions = Vec::new();
        for (place, order) in input.context.settings().list("orders").iter().enumerate() {
            if !fits(order, happening)? {
                continue;
            }
            let sku = order.text("sku").or_else(|| product(happening));
            if order.or("daily", false)? && was_done(place, sku, day) {
                continue;
            }
            actions.push(action(order, sku, happening)?);
        }
        Ok(actions)
    }
}

/// Whether an order is for what happened.
fn fits(order: &Settings, happening: &Happening) -> Result<bool, Failure> {
    let when: String = order.required("when")?;
    let is_it = match (when.as_str(), happening) {
        ("stock-changed", Happening::StockChanged(_))
        | ("goods-received", Happening::GoodsReceived(_))
        | ("day-began", Happening::DayBegan) => true,
        ("sold-out", Happening::StockChanged(changed)) => !changed.sellable,
        ("excursion", Happening::Excursion(excursion)) => excursion.open,
        ("anomaly", Happening::Anomaly(anomaly)) => anomaly.open,
        ("stock-changed" | "sold-out" | "goods-received" | "excursion" | "anomaly" | "day-began", _) => false,
        (other, _) => return Err(order.wrong("when", other)),
    };
    let only = order.texts("skus");
    let is_among = match happening {
        Happening::Excursion(excursion) => excursion.skus.iter().any(|sku| only.contains(&sku.as_str())),
        _ => product(happening).is_some_and(|sku| only.contains(&sku)),
    };
    Ok(is_it && (only.is_empty() || is_among))
}

/// The product that it happened to.
fn product(happening: &Happening) -> Option<&str> {
    match happening {
        Happening::StockChanged(changed) => Some(&changed.sku),
        Happening::GoodsReceived(received) => Some(&received.sku),
        _ => None,
    }
}

/// Whether an order was carried out today. If not, it is from now on.
fn was_done(place: usize, sku: Option<&str>, day: i32) -> bool {
    let (key, day) = (format!("{place}/{}", sku.unwrap_or_default()), day.to_string());
    if kv::get(&key).is_some_and(|done| done == day.as_bytes()) {
        return true;
    }
    // What cannot be kept is rather done twice than not at all.
    let _ = kv::set(&key, day.as_bytes());
    false
}

fn action(order: &Settings, sku: Option<&str>, happening: &Happening) -> Result<Action, Failure> {
    let (what, text): (String, String) = (order.required("do")?, order.required("text")?);
    let product =
        || sku.map(str::to_owned).ok_or_else(|| Failure::new("an order is about no product: set `sku`"));
    Ok(match what.as_str() {
        "alert" => Action::Alert(Alert { text, urgent: order.or("urgent", false)? }),
        "task" => {
            let unit = match happening {
                Happening::Excursion(excursion) if sku.is_none() => Some(excursion.unit.clone()),
                _ => None,
            };
            Action::OpenTask(OpenTask { sku: sku.map(str::to_owned), unit, text })
        }
        "price" => {
            Action::SetPrice(SetPrice { sku: product()?, price: order.required("price")?, reason: text })
        }
        "label" => Action::SetLabel(SetLabel { sku: product()?, text }),
        "suppress" => {
            Action::Suppress(Suppress { sku: product()?, seconds: order.required("seconds")?, reason: text })
        }
        other => return Err(order.wrong("do", other)),
    })
}

aisle_plugin_sdk::export!(StandingOrders: Reaction);
