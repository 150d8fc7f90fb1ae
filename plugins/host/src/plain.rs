//! JSON as people write it: variants and enum values are written as in the WIT (`line-discount`, `each`), and so are read back.
//!
//! The types are generated and carry Rust's own names for them; the detour over a tree is for files and pages, not for calls.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::io;

/// Counts what is written to it, in bytes.
struct Count(usize);

impl io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How long a value's JSON is, about, in bytes: with Rust's own names for variants.
pub(crate) fn bytes(value: &impl Serialize) -> usize {
    let mut count = Count(0);
    // Nothing of ours fails to be written, and a count takes everything.
    let _ = serde_json::to_writer(&mut count, value);
    count.0
}

/// Variants that hold something: an object with such a key alone is one of them.
const VARIANTS: [(&str, &str); 14] = [
    ("line-discount", "LineDiscount"),
    ("basket-discount", "BasketDiscount"),
    ("take-back", "TakeBack"),
    ("refuse", "Refuse"),
    ("points", "Points"),
    ("stock-changed", "StockChanged"),
    ("goods-received", "GoodsReceived"),
    ("excursion", "Excursion"),
    ("anomaly", "Anomaly"),
    ("alert", "Alert"),
    ("set-price", "SetPrice"),
    ("set-label", "SetLabel"),
    ("open-task", "OpenTask"),
    ("suppress", "Suppress"),
];

/// A map whose keys are numbers of products, which may look like anything.
const BY_NUMBER: &str = "positions";

/// Values of enums, under the fields that hold them. A product is sold by a `unit`; the cold chain has units too, with names.
const VALUES: [(&str, &str, &str); 12] = [
    ("unit", "each", "Each"),
    ("unit", "kilogram", "Kilogram"),
    ("unit", "litre", "Litre"),
    ("unit", "metre", "Metre"),
    ("slot", "home", "Home"),
    ("slot", "product", "Product"),
    ("slot", "basket", "Basket"),
    ("slot", "substitute", "Substitute"),
    ("level", "debug", "Debug"),
    ("level", "info", "Info"),
    ("level", "warn", "Warn"),
    ("happening", "day-began", "DayBegan"),
];

/// What is wrong with a text, and where.
#[derive(Debug)]
pub(crate) struct Invalid {
    pub(crate) path: String,
    pub(crate) reason: String,
}

/// The tree of a value, in words of the WIT.
pub(crate) fn to_value<T: Serialize>(value: &T) -> Value {
    let mut tree = serde_json::to_value(value).unwrap_or_default();
    rename(&mut tree, &|(wit, rust)| (rust, wit), &|(field, wit, rust)| (field, rust, wit));
    tree
}

/// One line of JSON.
pub(crate) fn to_string<T: Serialize>(value: &T) -> String {
    to_value(value).to_string()
}

/// A value from its tree.
pub(crate) fn from_value<T: DeserializeOwned>(mut tree: Value) -> Result<T, Invalid> {
    rename(&mut tree, &|pair| pair, &|triple| triple);
    read(tree)
}

/// A value from a text.
pub(crate) fn from_str<T: DeserializeOwned>(text: &str) -> Result<T, Invalid> {
    from_value(parse(text)?)
}

/// A value from a text that is not all in words of the contract: nothing in it is renamed.
pub(crate) fn as_written<T: DeserializeOwned>(text: &str) -> Result<T, Invalid> {
    read(parse(text)?)
}

fn read<T: DeserializeOwned>(tree: Value) -> Result<T, Invalid> {
    serde_path_to_error::deserialize(tree)
        .map_err(|error| Invalid { path: error.path().to_string(), reason: error.inner().to_string() })
}

/// The tree of a text.
pub(crate) fn parse(text: &str) -> Result<Value, Invalid> {
    serde_json::from_str(text).map_err(|error| Invalid { path: ".".into(), reason: error.to_string() })
}

type Pair = (&'static str, &'static str);
type Triple = (&'static str, &'static str, &'static str);

/// Renames in place. serde_json bounds the depth of what it reads at 128, so the recursion is bounded too.
fn rename(tree: &mut Value, variant: &dyn Fn(Pair) -> Pair, value: &dyn Fn(Triple) -> Triple) {
    match tree {
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, variant, value)),
        Value::Object(fields) => {
            rename_variant(fields, variant);
            let is_product = fields.contains_key("price");
            for (name, field) in fields.iter_mut().filter(|(name, _)| *name != BY_NUMBER) {
                match field {
                    Value::String(_) if name == "unit" && !is_product => {}
                    Value::String(text) => {
                        let found = VALUES
                            .into_iter()
                            .map(value)
                            .find(|(under, from, _)| under == name && from == text);
                        if let Some((_, _, to)) = found {
                            to.clone_into(text);
                        }
                    }
                    other => rename(other, variant, value),
                }
            }
        }
        _ => {}
    }
}

fn rename_variant(fields: &mut Map<String, Value>, variant: &dyn Fn(Pair) -> Pair) {
    if fields.len() != 1 {
        return;
    }
    let Some(name) = fields.keys().next() else { return };
    let Some((from, to)) = VARIANTS.into_iter().map(variant).find(|(from, _)| from == name) else { return };
    // A map that somebody's keys made may look the same; what a variant holds is a record.
    if fields.get(from).is_some_and(Value::is_object)
        && let Some(held) = fields.remove(from)
    {
        fields.insert(to.into(), held);
    }
}
