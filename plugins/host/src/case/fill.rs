//! What a case leaves out.

use super::{InvalidCase, invalid};
use crate::hook::Hook;
use serde_json::{Map, Value, json};

const DAY_MS: i64 = 24 * 3600 * 1000;
const MINUTE_MS: i64 = 60 * 1000;
/// 1970-01-01 was a Thursday.
const WEEKDAY_OF_DAY_0: i64 = 3;

/// An input with everything that it must have.
pub(super) fn input(mut tree: Value, now: i64) -> Result<Value, InvalidCase> {
    let Some(fields) = tree.as_object_mut() else {
        return Err(invalid("input", "expected an object".into()));
    };
    let hook = fields.get("hook").and_then(Value::as_str).unwrap_or_default();
    let hook: Hook =
        hook.parse().map_err(|error: crate::UnknownHook| invalid("input.hook", error.to_string()))?;
    let settings = fields.get_mut("context").and_then(|context| context.get_mut("settings"));
    if let Some(settings) = settings {
        list_of_settings(settings);
    }
    default(fields, "context", || json!({}));
    if let Some(context) = fields.get_mut("context").and_then(Value::as_object_mut) {
        fill_context(context, now);
    }
    match hook {
        Hook::Pricing => lines(fields),
        Hook::Promotion => {
            default(fields, "coupons", || json!([]));
            default(fields, "so_far", || json!([]));
            lines(fields);
        }
        Hook::Ranking => {
            default(fields, "slot", || json!("home"));
            default(fields, "basket", || json!([]));
            default(fields, "count", || json!(5));
            one_product(fields, "subject");
            for candidate in items(fields, "candidates") {
                default(candidate, "score_permille", || json!(500));
                default(candidate, "pinned", || json!(false));
                one_product(candidate, "product");
                one_position(candidate, now);
            }
        }
        Hook::Replenishment => {
            for demand in items(fields, "demands") {
                for quantity in ["on_order", "daily_mean", "daily_deviation"] {
                    default(demand, quantity, || json!(0));
                }
                default(demand, "lead_days", || json!(1));
                default(demand, "pack", || json!(1000));
                one_product(demand, "product");
                one_position(demand, now);
            }
        }
        Hook::Reaction => {}
    }
    Ok(tree)
}

/// A shop with everything that it must have.
pub(super) fn shop(mut tree: Value, now: i64) -> Value {
    if let Some(fields) = tree.as_object_mut() {
        items(fields, "products").for_each(product);
        if let Some(Value::Object(positions)) = fields.get_mut("positions") {
            positions.values_mut().filter_map(Value::as_object_mut).for_each(|it| position(it, now));
        }
    }
    tree
}

fn default(fields: &mut Map<String, Value>, name: &str, value: impl FnOnce() -> Value) {
    if !fields.contains_key(name) {
        fields.insert(name.into(), value());
    }
}

fn items<'a>(
    fields: &'a mut Map<String, Value>,
    name: &str,
) -> impl Iterator<Item = &'a mut Map<String, Value>> {
    fields.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}

fn fill_context(context: &mut Map<String, Value>, now: i64) {
    let day = now.div_euclid(DAY_MS);
    default(context, "store", || json!("case"));
    default(context, "currency", || json!("GBP"));
    default(context, "now", || json!(now));
    default(context, "minute_of_day", || json!(now.rem_euclid(DAY_MS) / MINUTE_MS));
    default(context, "weekday", || json!((day + WEEKDAY_OF_DAY_0).rem_euclid(7) + 1));
    default(context, "day", || json!(day));
    default(context, "settings", || json!([]));
}

/// Settings may be given as an object of keys and values.
fn list_of_settings(settings: &mut Value) {
    if let Value::Object(entries) = settings {
        let entry = |(key, value): (&String, &Value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), Into::into);
            json!({ "key": key, "value": value })
        };
        *settings = entries.iter().map(entry).collect();
    }
}

fn lines(fields: &mut Map<String, Value>) {
    for (place, line) in items(fields, "lines").enumerate() {
        one_product(line, "product");
        let price = line.get("product").and_then(|product| product.get("price")).cloned();
        default(line, "number", || json!(place + 1));
        default(line, "quantity", || json!(1000));
        default(line, "unit_price", || price.unwrap_or_default());
    }
}

fn one_product(fields: &mut Map<String, Value>, name: &str) {
    if let Some(found) = fields.get_mut(name).and_then(Value::as_object_mut) {
        product(found);
    }
}

fn product(product: &mut Map<String, Value>) {
    let sku = product.get("sku").cloned().unwrap_or_default();
    default(product, "name", || sku);
    default(product, "unit", || json!("each"));
    default(product, "price", || json!(100));
    default(product, "in_stock", || json!(true));
}

fn one_position(fields: &mut Map<String, Value>, now: i64) {
    if let Some(found) = fields.get_mut("position").and_then(Value::as_object_mut) {
        position(found, now);
    }
}

fn position(position: &mut Map<String, Value>, now: i64) {
    default(position, "on_hand", || json!(0));
    default(position, "none_permille", || json!(0));
    default(position, "as_of", || json!(now));
}
