//! Answers that do not fit, each named by its place.

use crate::fixtures::{case, line, misbehaving, misbehaving_with, one, pricing, promotion, scene};
use aisle_plugin_host::{Call, Failure, Input, Output, check_output, types::*};

fn bad(call: &Call) -> (String, String) {
    match &call.outcome {
        Err(Failure::BadOutput { path, reason }) => (path.clone(), reason.clone()),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn refuses(input: &Input, path: &str, part: &str) {
    let (found, reason) = bad(&misbehaving().call(&scene(), input));
    assert_eq!(found, path);
    assert!(reason.contains(part), "{reason}");
}

#[test]
fn prices_that_cannot_be_are_refused() {
    let ask = |sku| pricing(one(sku));
    refuses(&ask("UNKNOWN-LINE"), "[0].line", "999, which is no line");
    refuses(&ask("NEGATIVE"), "[0].unit_price", "is -1");
    refuses(&ask("TWICE"), "[1].line", "names line 1 again");
    refuses(&ask("TOO-DEAR"), "[0].unit_price", "expected 0 to");
    refuses(&ask("NO-REASON"), "[0].reason", "is empty");
    refuses(&ask("LONG-REASON"), "[0].reason", "121 characters");
}

#[test]
fn offers_that_cannot_be_are_refused() {
    let ask = |sku| promotion(one(sku));
    refuses(&ask("UNKNOWN-LINE"), "[0].line-discount.line", "999");
    refuses(&ask("NEGATIVE"), "[0].line-discount.amount", "above zero");
    refuses(&ask("NOTHING"), "[0].basket-discount.amount", "above zero");
    refuses(&ask("TOO-MUCH"), "[0].line-discount.amount", "is 886, above 885, what line 1 still costs");
    refuses(&ask("TOO-MUCH-TOGETHER"), "[1].line-discount.amount", "above 0");
    refuses(&ask("TOO-MUCH-BASKET"), "[0].basket-discount.amount", "what the basket still costs");
    refuses(&ask("BACK-BEFORE"), "[0].take-back.amount", "above 0, what was given on line 1 so far");
    refuses(&ask("BACK-TOO-MUCH"), "[1].take-back.amount", "above 5");
    refuses(&ask("REFUSE-TWICE"), "[1].refuse.line", "again");
    refuses(&ask("NO-POINTS"), "[0].points.count", "is 0");
    assert_eq!(misbehaving().call(&scene(), &ask("GOOD")).outcome.map(|output| output.len()), Ok(3));
}

#[test]
fn what_plugins_before_gave_counts() {
    let mut input = promotion(vec![line(1, "TOO-MUCH-TOGETHER", 100, 1000), line(2, "B", 100, 1000)]);
    let Input::Promotion(it) = &mut input else { panic!() };
    // Half of the basket's 100 lies on each line.
    it.so_far = vec![Given { plugin: "before".into(), line: None, amount: 100 }];
    refuses(&input, "[0].line-discount.amount", "is 100, above 50");
}

fn of_hook(hook: &str, sku: &str) -> Input {
    let product = format!(r#"{{"sku": "{sku}"}}"#);
    let rest = match hook {
        "ranking" => format!(r#""candidates": [{{"product": {product}}}, {{"product": {{"sku": "B"}}}}]"#),
        "replenishment" => format!(r#""demands": [{{"product": {product}}}]"#),
        _ => format!(
            r#""happening": {{"stock-changed": {{"sku": "{sku}", "on_hand": 0, "none_permille": 1000, "sellable": false}}}}"#
        ),
    };
    case(&format!(r#"{{"what": "x", "input": {{"hook": "{hook}", {rest}}}, "expected": []}}"#)).input
}

#[test]
fn rankings_that_cannot_be_are_refused() {
    refuses(&of_hook("ranking", "UNKNOWN-LINE"), "[0].candidate", "is 2, and there are 2 candidates");
    refuses(&of_hook("ranking", "TWICE"), "[1].candidate", "again");
    refuses(&of_hook("ranking", "NO-REASON"), "[0].reason", "empty");
    let ranked = |candidate| Ranked { candidate, reason: None };
    let call = misbehaving().call(&scene(), &of_hook("ranking", "GOOD"));
    assert_eq!(call.outcome, Ok(Output::Ranking(vec![ranked(1), ranked(0)])));
}

#[test]
fn orders_that_cannot_be_are_refused() {
    refuses(&of_hook("replenishment", "UNKNOWN-LINE"), "[0].sku", "`NOT-THERE`");
    refuses(&of_hook("replenishment", "TWICE"), "[1].sku", "again");
    refuses(&of_hook("replenishment", "NOTHING"), "[0].packs", "is 0");
    refuses(&of_hook("replenishment", "TOO-MUCH"), "[0].packs", "is 4294967295");
    assert!(misbehaving().call(&scene(), &of_hook("replenishment", "GOOD")).outcome.is_ok());
}

#[test]
fn actions_that_cannot_be_are_refused() {
    refuses(&of_hook("reaction", "UNKNOWN-LINE"), "[0].set-price.sku", "no product of the shop");
    refuses(&of_hook("reaction", "OTHER-PRODUCT"), "[0].set-price.sku", "no product of the shop");
    refuses(&of_hook("reaction", "NEGATIVE"), "[0].set-price.price", "is 0");
    refuses(&of_hook("reaction", "LONG-LABEL"), "[0].set-label.text", "33 characters");
    refuses(&of_hook("reaction", "LONG-TIME"), "[0].suppress.seconds", "at most 604800");
    refuses(&of_hook("reaction", "NO-REASON"), "[0].alert.text", "empty");
    assert!(misbehaving().call(&scene(), &of_hook("reaction", "GOOD")).outcome.is_ok());
}

#[test]
fn an_action_may_name_any_product_of_the_shop() {
    let shop = aisle_plugin_host::CaseShop {
        products: vec![crate::fixtures::product("OTHER", 5)],
        ..Default::default()
    };
    let call = misbehaving().call(&crate::fixtures::scene_of(shop), &of_hook("reaction", "OTHER-PRODUCT"));
    assert!(call.outcome.is_ok(), "{:?}", call.outcome);
    // What the check looked up is in the recording, so that a replay comes to the same.
    assert_eq!(call.host_calls.len(), 1);
}

#[test]
fn looking_up_what_an_answer_names_counts_as_a_question() {
    let plugin = misbehaving_with(|limits| limits.host_bytes_max = 64);
    let call = plugin.call(&scene(), &of_hook("reaction", "OTHER-PRODUCT"));
    assert_eq!(call.outcome, Err(Failure::TooLarge { what: "host bytes".into(), max: 64 }));
}

#[test]
fn a_task_may_be_about_a_unit_with_as_long_a_name_as_there_is() {
    let check = |unit: String| {
        let task = OpenTask { sku: None, unit: Some(unit), text: "look".into() };
        let output = Output::Reaction(vec![Action::OpenTask(task)]);
        check_output(&of_hook("reaction", "ANY"), &output, &mut |_| true)
    };
    assert_eq!(check("é".repeat(128)), Ok(()));
    let (path, reason) = ("[0].open-task.unit".into(), "is 258 bytes long, expected at most 256".into());
    assert_eq!(check("é".repeat(129)), Err(Failure::BadOutput { path, reason }));
}

#[test]
fn an_answer_of_another_hook_does_not_fit() {
    let outcome = check_output(&pricing(one("A")), &Output::Reaction(Vec::new()), &mut |_| true);
    assert!(matches!(outcome, Err(Failure::BadOutput { .. })));
}
