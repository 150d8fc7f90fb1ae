//! Courses of events in a made-up world ([`crate::simulation`]), each held to the reference.

use crate::simulation::{self, ACTION_BYTES, Action};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner},
};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};

/// One byte for the world, the rest for what happens in it.
fn course(events_max: usize) -> impl Strategy<Value = (u8, Vec<[u8; ACTION_BYTES]>)> {
    (any::<u8>(), vec(any::<[u8; ACTION_BYTES]>(), 0..events_max))
}

fn run(cases: u32, events_max: usize) {
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 4_000, ..Config::default() };
    let seed: u64 = std::env::var("AISLE_SEED").map_or_else(|_| rand::random(), |text| text.parse().unwrap());
    println!("AISLE_SEED={seed}");
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, blake3::hash(&seed.to_le_bytes()).as_bytes());
    let mut runner = TestRunner::new_with_rng(config, rng);
    // The runner says what went wrong with the smallest course; not with every one on the way to it.
    let here = std::thread::current().id();
    let hook = take_hook();
    set_hook(Box::new(move |panic| {
        if std::thread::current().id() != here {
            eprintln!("{panic}");
        }
    }));
    let outcome = runner.run(&course(events_max), |(world, events)| {
        let bytes: Vec<u8> = std::iter::once(world).chain(events.concat()).collect();
        catch_unwind(AssertUnwindSafe(|| simulation::run(&bytes))).map_err(|panic| {
            let why = panic.downcast_ref::<String>().cloned();
            let why = why.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            let events: Vec<_> = events.iter().map(|event| format!("{:?}", Action::of(event))).collect();
            TestCaseError::fail(format!("{}\nworld {world}\n{}", why.unwrap_or_default(), events.join("\n")))
        })
    });
    set_hook(hook);
    if let Err(error) = outcome {
        panic!("AISLE_SEED={seed}: {error}");
    }
}

#[test]
fn whatever_happens_to_clients_disk_and_power_what_was_promised_comes() {
    run(2_000, 160);
}

#[test]
#[ignore = "takes minutes: AISLE_COURSES says how many"]
fn so_it_is_in_many_long_courses() {
    let cases = std::env::var("AISLE_COURSES").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000);
    run(cases, 400);
}
