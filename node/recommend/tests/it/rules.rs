//! Rules that contradict themselves are refused with the place of the contradiction.

use crate::shop::{Ask, TestShelf, learned, rules, shown, sku, skus};
use aisle_event::shopper::Slot;
use aisle_recommend::{Ban, Boost, Pin, Reason, Rules, RulesDocument};

fn refusal(json: &str) -> String {
    let document: RulesDocument = serde_json::from_str(json).unwrap();
    Rules::new(document, |_| true).unwrap_err().to_string()
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (json, refused) in [
        (r#"{"list": ["a", "b", "a"]}"#, "`list[2]`: `a` was given before"),
        (
            r#"{"pins": [{"slot": "home", "sku": "a", "position": 50}]}"#,
            "`pins[0].position` is 50, expected 0 to 49",
        ),
        (
            r#"{"pins": [{"slot": "home", "sku": "a", "position": 0}, {"slot": "home", "sku": "b", "position": 0}]}"#,
            "`pins[1].position`: place 0 of slot `home` is taken",
        ),
        (
            r#"{"pins": [{"slot": "home", "sku": "a", "position": 0}, {"slot": "home", "sku": "a", "position": 1}]}"#,
            "`pins[1]`: `a` was given before",
        ),
        (
            r#"{"pins": [{"slot": "basket", "sku": "a", "position": 0}], "bans": [{"sku": "a"}]}"#,
            "`pins[0].sku`: `a` is banned in slot `basket`",
        ),
        (r#"{"bans": [{"sku": "a"}, {"sku": "a", "slot": "home"}]}"#, "`bans[1]`: `a` was given before"),
        (r#"{"boosts": [{"sku": "a", "factor": 0}]}"#, "`boosts[0].factor` is 0, expected 0.1 to 10"),
        (
            r#"{"boosts": [{"sku": "a", "factor": 2}, {"sku": "a", "factor": 3}]}"#,
            "`boosts[1]`: `a` was given before",
        ),
    ] {
        assert_eq!(refusal(json), refused);
    }
}

#[test]
fn an_unknown_field_is_refused() {
    let error =
        serde_json::from_str::<RulesDocument>(r#"{"bans": [{"sku": "a", "slots": "home"}]}"#).unwrap_err();
    assert!(error.to_string().contains("unknown field `slots`"), "{error}");
}

#[test]
fn a_rule_for_a_product_that_nobody_knows_is_kept_and_counted() {
    let document = RulesDocument { list: skus(&[1, 77]), ..RulesDocument::default() };
    let rules = Rules::new(document, |known| *known == sku(1)).unwrap();
    assert_eq!(rules.unknown(), 1);
    let recommender = crate::shop::recommender(aisle_recommend::Settings::default());
    recommender.set_rules(rules);
    let answer = Ask::home(&[]).count(2).of(&recommender, &TestShelf::of([1, 77]));
    assert_eq!(shown(&answer), ["p1", "p77"]);
}

#[test]
fn pins_bans_and_boosts_shape_the_answer() {
    let recommender = learned(&[vec![1, 2], vec![1, 2, 3], vec![1, 4]], &[]);
    let shelf = TestShelf::of(0..20);
    assert_eq!(shown(&Ask::product(1).count(3).of(&recommender, &shelf)), ["p2", "p3", "p4"]);
    recommender.set_rules(rules(RulesDocument {
        version: 7,
        pins: vec![Pin { slot: Slot::Product, sku: sku(15), position: 1 }],
        bans: vec![Ban { sku: sku(4), slot: Some(Slot::Product) }],
        boosts: vec![Boost { sku: sku(3), factor: 10.0 }],
        ..RulesDocument::default()
    }));
    let answer = Ask::product(1).count(3).of(&recommender, &shelf);
    assert_eq!(shown(&answer), ["p3", "p15", "p2"]);
    assert_eq!(answer.items[1].reason, Reason::Pinned);
    assert!(shown(&Ask::home(&[1]).count(3).of(&recommender, &shelf)).contains(&"p4"));
}
