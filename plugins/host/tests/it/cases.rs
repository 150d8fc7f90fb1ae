//! Examples as authors keep them.

use crate::fixtures::{case, misbehaving};
use aisle_plugin_host::{
    Case, Expected, Input, Output,
    types::{Action, Happening, ReactionInput, Unit},
};

const CHEAPER: &str = r#"{
    "what": "half the price",
    "now": 1767225600000,
    "input": {"hook": "pricing", "lines": [{"product": {"sku": "CHEAPER", "price": 100}}]},
    "expected": [{"line": 1, "unit_price": 50, "reason": "half"}]
}"#;

#[test]
fn a_case_that_is_as_it_must_be_passes() {
    let result = case(CHEAPER).run(&misbehaving());
    assert_eq!((result.passed, result.differences), (true, Vec::new()));
}

#[test]
fn what_a_case_leaves_out_has_an_ordinary_value() {
    let Input::Pricing(input) = case(CHEAPER).input else { panic!() };
    let line = &input.lines[0];
    assert_eq!((line.number, line.quantity, line.unit_price), (1, 1000, 100));
    assert_eq!(
        (line.product.unit, line.product.in_stock, line.product.name.as_str()),
        (Unit::Each, true, "CHEAPER")
    );
    // The first of January 2026 was a Thursday.
    assert_eq!((input.context.weekday, input.context.minute_of_day, input.context.day), (4, 0, 20_454));
    assert_eq!(input.context.currency, "GBP");
}

#[test]
fn what_somebody_called_like_a_word_of_the_contract_keeps_its_name() {
    let case = case(
        r#"{
        "what": "x",
        "kv": { "alert": { "hex": "ff00" }, "unit": "each" },
        "writes": { "points": { "hex": "ff" } },
        "shop": { "products": [{ "sku": "A", "unit": "litre" }], "positions": { "points": { "on_hand": 1 } } },
        "input": { "hook": "reaction", "context": { "settings": { "slot": "home" } }, "happening": { "excursion": {
            "name": "e", "unit": "each", "open": true, "millidegrees": 1, "lasted": 1, "skus": [] } } },
        "expected": [{ "open-task": { "unit": "kilogram", "text": "look" } }]
    }"#,
    );
    assert_eq!(case.kv["alert"], vec![0xff, 0].into());
    assert_eq!(case.kv["unit"], "each".into());
    assert_eq!(case.writes.unwrap()["points"], Some(vec![0xff].into()));
    assert!(case.shop.positions.contains_key("points"), "{:?}", case.shop);
    assert_eq!(case.shop.products[0].unit, Unit::Litre);
    let Input::Reaction(ReactionInput { context, happening: Happening::Excursion(excursion) }) = case.input
    else {
        panic!("{:?}", case.input)
    };
    assert_eq!((context.settings[0].value.as_str(), excursion.unit.as_str()), ("home", "each"));
    let Expected::Output(Output::Reaction(actions)) = case.expected else { panic!("{:?}", case.expected) };
    assert!(
        matches!(&actions[0], Action::OpenTask(task) if task.unit.as_deref() == Some("kilogram")),
        "{actions:?}"
    );
}

#[test]
fn what_a_plugin_keeps_is_shown_under_its_own_names() {
    let text = r#"{"what": "x", "expected": [], "writes": {"unit": "Each"}, "input": {"hook": "pricing", "lines": []}}"#;
    assert_eq!(case(text).run(&misbehaving()).differences, [r#"it wants kept {}, expected {"unit":"Each"}"#]);
}

#[test]
fn differences_are_told_item_by_item() {
    let result = case(&CHEAPER.replace("\"unit_price\": 50", "\"unit_price\": 49")).run(&misbehaving());
    assert!(!result.passed);
    assert_eq!(
        result.differences,
        [
            r#"[0] is {"line":1,"reason":"half","unit_price":50}, expected {"line":1,"reason":"half","unit_price":49}"#
        ]
    );
    let result = case(&CHEAPER.replace("CHEAPER", "GOOD")).run(&misbehaving());
    assert_eq!(
        result.differences,
        [r#"[0] is missing, expected {"line":1,"reason":"half","unit_price":50}"#]
    );
}

#[test]
fn variants_are_written_as_in_the_contract() {
    let text = r#"{
        "what": "all kinds",
        "input": {"hook": "promotion", "lines": [{"product": {"sku": "GOOD", "unit": "kilogram"}}]},
        "expected": [
            {"line-discount": {"line": 1, "amount": 1, "reason": "because"}},
            {"basket-discount": {"amount": 1, "reason": "because"}},
            {"take-back": {"line": 1, "amount": 1, "reason": "because"}}
        ]
    }"#;
    assert_eq!(case(text).run(&misbehaving()).differences, Vec::<String>::new());
}

#[test]
fn a_case_may_expect_a_failure_or_writes() {
    let failing = |sku: &str, part: &str| {
        let text = format!(
            r#"{{"what": "x", "input": {{"hook": "pricing", "lines": [{{"product": {{"sku": "{sku}"}}}}]}}, "fails": "{part}"}}"#
        );
        case(&text).run(&misbehaving())
    };
    assert!(failing("REFUSE", "the moon").passed);
    assert!(failing("TRAP", "trap").passed);
    assert!(!failing("REFUSE", "the sun").passed);
    assert!(!failing("GOOD", "the sun").passed);
    let counting = |writes: &str| {
        let text = format!(
            r#"{{"what": "x", "kv": {{"count": "6", "old": "x"}}, "expected": [], "writes": {writes},
                "input": {{"hook": "pricing", "lines": [{{"product": {{"sku": "COUNT"}}}}]}}}}"#
        );
        case(&text).run(&misbehaving())
    };
    assert!(counting(r#"{"count": "7", "old": null}"#).passed);
    assert_eq!(counting(r#"{"count": "8"}"#).differences.len(), 1);
}

#[test]
fn a_case_that_cannot_be_read_is_named_by_its_part() {
    let error = |text: &str| Case::parse(text).expect_err("refused").to_string();
    assert!(error("{").starts_with("`.`: EOF"));
    assert!(error(&CHEAPER.replace("expected", "expcted")).contains("unknown field `expcted`"));
    assert!(error(&CHEAPER.replace("\"pricing\"", "\"prices\"")).contains("`prices` is no hook"));
    assert!(error(&CHEAPER.replace(": 100", ": \"dear\"")).starts_with("`input"));
    assert!(error(&CHEAPER.replace("\"unit_price\": 50", "\"unit_price\": 0.5")).starts_with("`expected"));
    assert!(
        error(r#"{"what": "x", "input": {"hook": "pricing", "lines": []}}"#)
            .contains("either `expected` or `fails`")
    );
}
