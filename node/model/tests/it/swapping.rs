//! What is in force, while it is swapped.

use aisle_model::{
    Inputs, Loaded, Models, Tensor, Values,
    example::good,
    models::{AskError, MODELS_MAX, TooMany},
};
use prometheus_client::{encoding::text::encode, registry::Registry};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

fn model(version: &str, bias: f32) -> Loaded {
    Loaded::load(&good("ranker", version, bias).encode()).unwrap()
}

fn ones() -> Inputs {
    Inputs::from([("x".to_owned(), Tensor::new(vec![1, 4], Values::F32(vec![1.0; 4])).unwrap())])
}

#[test]
fn a_model_is_swapped_under_those_who_ask_and_nobody_goes_without_an_answer() {
    let mut registry = Registry::with_prefix("aisle");
    let models = Models::new(&mut registry);
    assert!(matches!(models.run("ranker", &ones()), Err(AskError::Unknown { .. })));
    models.activate("ranker", "h1", model("1", 0.0)).unwrap();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let asking: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut seen = [false; 2];
                    while !stop.load(Ordering::Relaxed) || seen != [true; 2] {
                        match models.run("ranker", &ones()).expect("an answer")["y"].values() {
                            Values::F32(values) if values[..] == [10.0] => seen[0] = true,
                            Values::F32(values) if values[..] == [15.0] => seen[1] = true,
                            other => panic!("an answer of neither: {other:?}"),
                        }
                        thread::yield_now();
                    }
                })
            })
            .collect();
        // To and fro, so that everybody meets both, whoever runs when.
        let mut turn = 0;
        while asking.iter().any(|thread| !thread.is_finished()) {
            let (hash, version, bias) = if turn % 2 == 0 { ("h2", "2", 5.0) } else { ("h1", "1", 0.0) };
            models.activate("ranker", hash, model(version, bias)).unwrap();
            turn += 1;
            stop.store(true, Ordering::Relaxed);
        }
    });
    assert!(models.remove("ranker") && !models.remove("ranker"));
    assert!(models.run("ranker", &ones()).is_err());
    assert_eq!(models.runs("ranker"), None);
}

#[test]
fn what_is_asked_is_counted_for_the_version_that_answered() {
    let mut registry = Registry::with_prefix("aisle");
    let models = Models::new(&mut registry);
    models.activate("ranker", "h1", model("1.0.0", 0.0)).unwrap();
    for _ in 0..3 {
        models.run("ranker", &ones()).unwrap();
    }
    assert!(models.run("ranker", &Inputs::new()).is_err(), "the mistake of who asks is not the model's");
    let health = models.health("ranker", "h1").unwrap();
    assert_eq!((health.calls, health.errors, health.took.count()), (3, 0, 3));
    assert_eq!(models.health("ranker", "h2"), None);
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    assert!(text.contains("aisle_model_loaded{model=\"ranker\",version=\"1.0.0\"} 1"), "{text}");
    assert!(text.contains("aisle_model_run_seconds_count{model=\"ranker\"} 3"), "{text}");
    models.activate("ranker", "h2", model("2.0.0", 0.0)).unwrap();
    assert_eq!(models.health("ranker", "h2").unwrap().calls, 0, "another version begins anew");
    let view = &models.view()[0];
    assert_eq!((view.version.as_str(), view.inputs[0].as_str()), ("2.0.0", "x: f32[n, 4]"));
    text.clear();
    encode(&mut text, &registry).unwrap();
    assert!(!text.contains("version=\"1.0.0\""), "{text}");
}

#[test]
fn there_are_only_so_many() {
    let models = Models::new(&mut Registry::default());
    for number in 0..MODELS_MAX {
        models.activate(&format!("m{number}"), "h", model("1", 0.0)).unwrap();
    }
    assert_eq!(models.activate("one-more", "h", model("1", 0.0)), Err(TooMany));
    models.activate("m0", "h2", model("2", 0.0)).expect("a swap takes no further room");
}
