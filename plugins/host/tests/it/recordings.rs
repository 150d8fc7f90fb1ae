//! Calls that are kept, and made again.

use crate::fixtures::{misbehaving, misbehaving_with, one, pricing, product, promotion, scene};
use aisle_plugin_host::{
    CaseShop, Failure, Input, KvLimits, KvStore, KvWrite, Recording, Replay, Scene, to_json,
    types::{Position, Setting},
};
use std::{collections::BTreeMap, sync::Arc};

/// A shop and a store with something in them.
fn full_scene() -> Scene {
    let position = Position { on_hand: 12_000, none_permille: 3, as_of: 5 };
    let shop = CaseShop {
        products: vec![product("OTHER", 5), product("ONE", 1), product("TWO", 2)],
        positions: BTreeMap::from([("OTHER".into(), position)]),
    };
    let mut kv = KvStore::new(KvLimits::default());
    kv.apply(&KvWrite { key: "count".into(), value: Some("41".into()) });
    kv.apply(&KvWrite { key: "old".into(), value: Some(vec![0xff, 0].into()) });
    Scene { shop: Arc::new(shop), kv: Arc::new(kv), ..scene() }
}

fn record(sku: &str) -> Recording {
    let (plugin, scene, input) = (misbehaving(), full_scene(), pricing(one(sku)));
    Recording::of(plugin.origin(), scene.now, scene.seed, &input, &plugin.call(&scene, &input))
}

#[test]
fn the_same_call_gives_the_same_in_everything_but_its_time() {
    let (plugin, scene) = (misbehaving(), full_scene());
    for sku in ["LOOK", "COUNT", "CHEAPER", "TRAP", "REFUSE", "NEGATIVE", "KEEP", "LOG-CONTROL"] {
        let input = pricing(one(sku));
        let mut first = plugin.call(&scene, &input);
        for _ in 0..3 {
            let again = plugin.call(&scene, &input);
            first.micros = again.micros;
            assert_eq!(first, again, "{sku}");
        }
    }
}

#[test]
fn another_seed_gives_other_numbers() {
    let (plugin, input) = (misbehaving(), pricing(one("LOOK")));
    let log = |seed| plugin.call(&Scene { seed, ..full_scene() }, &input).log[0].text.clone();
    assert_eq!(log(1), log(1));
    assert_ne!(log(1), log(2));
    assert!(log(1).starts_with("Some(5) 3 true Some(12000) ("), "{}", log(1));
}

#[test]
fn a_replay_equals_the_call_without_its_shop() {
    let plugin = misbehaving();
    for sku in ["LOOK", "COUNT", "CHEAPER", "TRAP", "REFUSE", "NEGATIVE", "KEEP", "ASK"] {
        let (scene, input) = (full_scene(), pricing(one(sku)));
        let mut call = plugin.call(&scene, &input);
        let recording = Recording::of(plugin.origin(), scene.now, scene.seed, &input, &call);
        let recording = Recording::decode(&recording.encode()).unwrap();
        let replayed = Replay::new(&recording).run(&plugin);
        call.micros = replayed.call.micros;
        assert_eq!(replayed.call, call, "{sku}");
        assert_eq!(replayed.unanswered, 0, "{sku}");
    }
}

#[test]
fn a_full_store_is_full_in_the_replay_too() {
    let plugin = misbehaving();
    let small = Arc::new(KvStore::new(KvLimits { keys_max: 2, bytes_max: 1000 }));
    // The second of them wants one key kept, and gets it when it asks for less.
    for (sku, writes) in [("KEEP", 2), ("KEEP-SMALLER", 1)] {
        let (scene, input) = (Scene { kv: small.clone(), ..scene() }, pricing(one(sku)));
        let call = plugin.call(&scene, &input);
        assert_eq!(call.writes.len(), writes, "{sku}");
        let recording =
            Recording::decode(&Recording::of(plugin.origin(), scene.now, scene.seed, &input, &call).encode())
                .unwrap();
        let replayed = Replay::new(&recording).run(&plugin);
        assert_eq!((replayed.call.outcome, replayed.call.writes), (call.outcome, call.writes), "{sku}");
    }
}

#[test]
fn a_call_that_asked_for_too_much_fails_in_the_replay_too() {
    // The first question alone is larger, so that what is missing from the recording would be missed.
    let plugin = misbehaving_with(|limits| limits.host_bytes_max = 64);
    let (scene, input) = (full_scene(), pricing(one("LOOK")));
    let mut call = plugin.call(&scene, &input);
    assert_eq!(call.outcome, Err(Failure::TooLarge { what: "host bytes".into(), max: 64 }));
    let replayed =
        Replay::new(&Recording::of(plugin.origin(), scene.now, scene.seed, &input, &call)).run(&plugin);
    call.micros = replayed.call.micros;
    assert_eq!((replayed.call, replayed.unanswered), (call, 0));
}

#[test]
fn a_question_that_was_not_recorded_is_counted() {
    let mut recording = record("LOOK");
    recording.asked.clear();
    let replayed = Replay::new(&recording).run(&misbehaving());
    assert_eq!(replayed.unanswered, 4);
    assert!(replayed.call.outcome.is_ok());
}

#[test]
fn a_candidate_may_have_other_limits_and_settings() {
    let candidate = misbehaving_with(|limits| limits.fuel_max = 50);
    let mut replay = Replay::new(&record("CHEAPER"));
    replay.input_mut().context_mut().settings = vec![Setting { key: "a".into(), value: "b".into() }];
    assert_eq!(replay.run(&candidate).call.outcome, Err(Failure::OutOfFuel { limit: 50 }));
}

#[test]
fn a_line_has_the_names_of_the_contract() {
    let (plugin, scene, input) = (misbehaving(), full_scene(), promotion(one("GOOD")));
    let line =
        Recording::of(plugin.origin(), scene.now, scene.seed, &input, &plugin.call(&scene, &input)).encode();
    assert!(!line.contains('\n'));
    let tree: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(tree["hook"], "promotion");
    assert_eq!(tree["input"]["lines"][0]["product"]["unit"], "each");
    assert_eq!(tree["output"]["items"][0]["line-discount"]["amount"], 1);
    assert_eq!(tree["output"]["items"][2]["take-back"]["line"], 1);
    assert_eq!(Recording::decode(&line).unwrap().encode(), line);
    let kept = record("COUNT").encode();
    assert!(kept.contains(r#"{"answer":{"hex":"ff00"},"asked":"kept","key":"old"}"#), "{kept}");
    assert!(kept.contains(r#"{"key":"count","value":"42"}"#), "{kept}");
}

#[test]
fn every_failure_is_kept_as_it_was() {
    for sku in ["TRAP", "REFUSE", "NEGATIVE", "MANY", "HUGE"] {
        let recording = record(sku);
        assert!(recording.failure.is_some(), "{sku}");
        assert_eq!(Recording::decode(&recording.encode()), Ok(recording));
    }
}

#[test]
fn lines_that_contradict_themselves_are_refused() {
    let change = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut tree = to_json(&record("CHEAPER"));
        change(&mut tree);
        Recording::decode(&tree.to_string()).expect_err("refused").to_string()
    };
    assert_eq!(
        change(&|tree| tree["hook"] = "reaction".into()),
        "`input.hook`: `pricing`, expected `reaction`"
    );
    assert_eq!(
        change(&|tree| drop(tree.as_object_mut().unwrap().remove("output"))),
        "`output`: expected this or `failure`"
    );
    assert!(change(&|tree| tree["fuel"] = "much".into()).starts_with("`fuel`: invalid type"));
    assert!(change(&|tree| tree["fule"] = 1.into()).contains("unknown field `fule`"));
    assert!(change(&|tree| tree["input"]["lines"][0]["quantity"] = 0.5.into()).starts_with("`input"));
}

#[test]
fn the_same_input_has_the_same_hash() {
    let hash = |input: &Input| aisle_plugin_host::input_hash(input);
    assert_eq!(hash(&pricing(one("A"))), hash(&pricing(one("A"))));
    assert_ne!(hash(&pricing(one("A"))), hash(&pricing(one("B"))));
    assert_ne!(hash(&pricing(one("A"))), hash(&promotion(one("A"))));
}
