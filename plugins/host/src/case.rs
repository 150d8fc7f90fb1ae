//! An example of an input with what a plugin must make of it, as authors keep them in `cases/*.json`.
//!
//! ```json
//! {
//!   "what": "three of one kind cost as much as two",
//!   "now": 1767225600000,
//!   "input": {
//!     "hook": "promotion",
//!     "lines": [{"product": {"sku": "85123A", "price": 295}, "quantity": 3000}]
//!   },
//!   "expected": [{"line-discount": {"line": 1, "amount": 295, "reason": "3 for 2"}}]
//! }
//! ```
//!
//! What is left out of an input has an ordinary value: a product is in stock and sold by pieces, a line has its place as number and
//! its product's price, the context is a shop in UTC with the plugin's own settings.

mod fill;

use crate::{
    call::{Bytes, Call, KvWrite, Scene, Shop},
    kv::{KvLimits, KvStore},
    plain,
    plugin::Plugin,
    types::{Input, Output, Position, Product},
};
use serde::Deserialize;
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

/// The longest case, in bytes.
pub const CASE_BYTES_MAX: usize = 16 << 20;

/// One example.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// What it shows, as a sentence.
    pub what: String,
    /// What the plugin is asked.
    pub input: Input,
    /// Whether the case says itself what the plugin's settings are; else it gets those of its manifest.
    pub has_settings: bool,
    /// What `clock` says: milliseconds since 1970.
    pub now: i64,
    /// What `random` follows from.
    pub seed: u64,
    /// What `catalog` and `stock` answer from.
    pub shop: CaseShop,
    /// What the plugin has kept.
    pub kv: BTreeMap<String, Bytes>,
    /// What must come of it.
    pub expected: Expected,
    /// What it must want kept, where the case says so: the last write of each key.
    pub writes: Option<BTreeMap<String, Option<Bytes>>>,
}

/// What must come of a case.
#[derive(Debug, Clone, PartialEq)]
pub enum Expected {
    /// This answer, item by item.
    Output(Output),
    /// A failure whose words hold this part.
    Fails(String),
}

/// The shop of a case.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CaseShop {
    /// What is on offer.
    pub products: Vec<Product>,
    /// How much there is, by product.
    pub positions: BTreeMap<String, Position>,
}

/// Why a text is no case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}`: {reason}")]
pub struct InvalidCase {
    /// Which part of it.
    pub path: String,
    /// What is wrong, and what to do.
    pub reason: String,
}

/// What came of a case.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseResult {
    /// Whether everything was as it must be.
    pub passed: bool,
    /// What was not, one sentence each.
    pub differences: Vec<String>,
    /// The call.
    pub call: Call,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    what: String,
    input: Value,
    #[serde(default)]
    now: i64,
    #[serde(default)]
    seed: u64,
    #[serde(default)]
    shop: Value,
    #[serde(default)]
    kv: BTreeMap<String, Bytes>,
    expected: Option<Value>,
    writes: Option<BTreeMap<String, Option<Bytes>>>,
    fails: Option<String>,
}

impl Shop for CaseShop {
    fn product(&self, sku: &str) -> Option<Product> {
        self.products.iter().find(|product| product.sku == sku).cloned()
    }

    fn of_category(&self, category: &str, limit: u32) -> Vec<Product> {
        let found = self.products.iter().filter(|product| product.category.as_deref() == Some(category));
        let mut found: Vec<Product> = found.cloned().collect();
        found.sort_by(|one, other| one.sku.cmp(&other.sku));
        found.truncate(limit as usize);
        found
    }

    fn stock(&self, sku: &str) -> Option<Position> {
        self.positions.get(sku).copied()
    }
}

impl Case {
    /// Reads a case.
    ///
    /// # Errors
    /// Names the part that cannot be right.
    pub fn parse(json: &str) -> Result<Self, InvalidCase> {
        if json.len() > CASE_BYTES_MAX {
            return Err(invalid("", format!("longer than {CASE_BYTES_MAX} bytes")));
        }
        let raw: Raw = plain::as_written(json).map_err(|error| invalid(&error.path, error.reason))?;
        let has_settings = raw.input.pointer("/context/settings").is_some();
        let input = fill::input(raw.input, raw.now)?;
        let input: Input =
            plain::from_value(input).map_err(|error| invalid(&under("input", &error.path), error.reason))?;
        let shop = match raw.shop {
            Value::Null => CaseShop::default(),
            shop => plain::from_value(fill::shop(shop, raw.now))
                .map_err(|error| invalid(&under("shop", &error.path), error.reason))?,
        };
        let expected =
            match (raw.expected, raw.fails) {
                (Some(items), None) => {
                    let whole = serde_json::json!({ "hook": input.hook(), "items": items });
                    let output = plain::from_value(whole);
                    Expected::Output(output.map_err(|error| {
                        invalid(&error.path.replacen("items", "expected", 1), error.reason)
                    })?)
                }
                (None, Some(part)) => Expected::Fails(part),
                _ => return Err(invalid("expected", "give either `expected` or `fails`".into())),
            };
        let (what, now, seed, kv, writes) = (raw.what, raw.now, raw.seed, raw.kv, raw.writes);
        Ok(Self { what, input, has_settings, now, seed, shop, kv, expected, writes })
    }

    /// Asks a plugin.
    #[must_use]
    pub fn call(&self, plugin: &Plugin) -> Call {
        plugin.call(&self.scene(), &self.input_for(plugin))
    }

    /// The input as this plugin gets it.
    #[must_use]
    pub fn input_for(&self, plugin: &Plugin) -> Input {
        let mut input = self.input.clone();
        if !self.has_settings {
            input.context_mut().settings.clone_from(&plugin.manifest().settings);
        }
        input
    }

    /// What the call takes place in.
    #[must_use]
    pub fn scene(&self) -> Scene {
        let mut kv = KvStore::new(KvLimits::default());
        for (key, value) in &self.kv {
            // What does not fit is not there, as in a store.
            kv.apply(&KvWrite { key: key.clone(), value: Some(value.clone()) });
        }
        Scene { now: self.now, seed: self.seed, shop: Arc::new(self.shop.clone()), kv: Arc::new(kv) }
    }

    /// Asks a plugin, and holds the answer to what is expected.
    #[must_use]
    pub fn run(&self, plugin: &Plugin) -> CaseResult {
        let call = self.call(plugin);
        let mut differences = self.outcome_differences(&call);
        if let Some(expected) = &self.writes {
            let found: BTreeMap<String, Option<Bytes>> =
                call.writes.iter().map(|write| (write.key.clone(), write.value.clone())).collect();
            if found != *expected {
                differences.push(format!(
                    "it wants kept {}, expected {}",
                    as_written(&found),
                    as_written(expected)
                ));
            }
        }
        CaseResult { passed: differences.is_empty(), differences, call }
    }

    fn outcome_differences(&self, call: &Call) -> Vec<String> {
        match (&self.expected, &call.outcome) {
            (Expected::Output(expected), Ok(found)) => differences(expected, found),
            (Expected::Output(_), Err(failure)) => vec![format!("it failed: {failure}")],
            (Expected::Fails(part), Ok(found)) => {
                vec![format!("it answered {}, expected a failure with `{part}`", plain::to_string(found))]
            }
            (Expected::Fails(part), Err(failure)) => {
                let words = failure.to_string();
                if words.contains(part.as_str()) || failure.kind() == part {
                    return Vec::new();
                }
                vec![format!("it failed: {words}; expected `{part}` in it")]
            }
        }
    }
}

/// What differs between two answers, item by item, in words. Empty when they are equal.
#[must_use]
pub fn differences(expected: &Output, found: &Output) -> Vec<String> {
    let items = |output: &Output| match plain::to_value(output).get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    };
    let (expected, found) = (items(expected), items(found));
    let mut differences = Vec::new();
    for place in 0..expected.len().max(found.len()) {
        match (expected.get(place), found.get(place)) {
            (Some(wanted), Some(got)) if wanted != got => {
                differences.push(format!("[{place}] is {got}, expected {wanted}"));
            }
            (Some(wanted), None) => differences.push(format!("[{place}] is missing, expected {wanted}")),
            (None, Some(got)) => differences.push(format!("[{place}] is {got}, expected nothing")),
            _ => {}
        }
    }
    differences
}

/// JSON of what has keys of somebody's own.
fn as_written(kept: &BTreeMap<String, Option<Bytes>>) -> String {
    serde_json::to_string(kept).unwrap_or_default()
}

fn invalid(path: &str, reason: String) -> InvalidCase {
    InvalidCase { path: path.into(), reason }
}

fn under(root: &str, path: &str) -> String {
    if path == "." || path.is_empty() { root.into() } else { format!("{root}.{path}") }
}
