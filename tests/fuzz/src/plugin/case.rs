//! Cases: any text is refused by a path, or is a case that can be asked and reads the same when it is written again.

use super::{guests_files, quiet};
use aisle_plugin_host::{Case, Expected, to_json};
use serde_json::{Value, json};

/// The input is a file of `cases/`.
///
/// # Panics
/// When a case that was read is read otherwise when it is written again, or a refusal has no words.
pub fn plugin_case(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let case = match Case::parse(text) {
        Ok(case) => case,
        Err(error) => return assert!(!error.reason.is_empty(), "{error:?}"),
    };
    let result = case.run(quiet());
    assert_eq!(result.passed, result.differences.is_empty());
    let written = written(&case).to_string();
    match Case::parse(&written) {
        // A case that is written names its settings.
        Ok(again) => assert_eq!(Case { has_settings: case.has_settings, ..again }, case, "{written}"),
        Err(error) => panic!("{error}: {written}"),
    }
}

fn written(case: &Case) -> Value {
    let mut text = json!({
        "what": case.what,
        "input": to_json(&case.input),
        "now": case.now,
        "seed": case.seed,
        "shop": { "products": to_json(&case.shop.products), "positions": case.shop.positions },
        "kv": case.kv,
    });
    if let Some(writes) = &case.writes {
        text["writes"] = json!(writes);
    }
    match &case.expected {
        Expected::Output(output) => text["expected"] = to_json(output)["items"].take(),
        Expected::Fails(part) => text["fails"] = json!(part),
    }
    text
}

/// Those of the plugins that come along, and one whose keys look like something else.
pub(crate) fn examples() -> Vec<Vec<u8>> {
    let odd = json!({
        "what": "keys are keys, whatever they are called",
        "kv": { "alert": { "hex": "ff00" } },
        "writes": { "unit": "each" },
        "shop": { "positions": { "points": { "on_hand": 1 } } },
        "input": {
            "hook": "reaction",
            "context": { "settings": { "slot": "home" } },
            "happening": { "excursion": {
                "name": "e", "unit": "each", "open": true, "millidegrees": 1, "lasted": 1, "skus": [],
            } },
        },
        "expected": [{ "open-task": { "unit": "kilogram", "text": "look" } }],
    });
    guests_files(".json").into_iter().chain([odd.to_string().into_bytes()]).collect()
}
