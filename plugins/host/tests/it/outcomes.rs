//! Each way in which a call can end, by a plugin in Rust that does what it is asked for.

use crate::fixtures::{ask, misbehaving, misbehaving_with, one, pricing, promotion, scene};
use aisle_plugin_host::{Failure, Hook, Output, types::NewPrice};
use std::time::{Duration, Instant};

#[test]
fn an_answer_comes_back_with_what_it_cost() {
    let call = ask(&misbehaving(), "CHEAPER");
    let expected = NewPrice { line: 1, unit_price: 147, reason: "half".into() };
    assert_eq!(call.outcome, Ok(Output::Pricing(vec![expected])));
    assert!(call.fuel > 100 && call.fuel < 1_000_000, "{} units of fuel", call.fuel);
    assert!(call.memory_bytes >= 64 << 10, "{} bytes", call.memory_bytes);
}

#[test]
fn an_empty_basket_is_answered_too() {
    assert_eq!(misbehaving().call(&scene(), &pricing(Vec::new())).outcome, Ok(Output::Pricing(Vec::new())));
}

#[test]
fn a_plugin_that_gives_up_has_trapped() {
    let call = ask(&misbehaving(), "TRAP");
    assert!(
        matches!(&call.outcome, Err(Failure::Trap { reason, .. }) if reason.contains("unreachable")),
        "{:?}",
        call.outcome
    );
}

#[test]
fn a_plugin_that_calls_itself_without_end_has_trapped() {
    let plugin = misbehaving_with(|limits| limits.fuel_max = 10_000_000_000);
    let call = ask(&plugin, "RECURSE");
    let Err(Failure::Trap { reason, .. }) = &call.outcome else { panic!("{:?}", call.outcome) };
    // The stack that the compiler lays out in memory may end before the machine's.
    assert!(reason.contains("stack") || reason.contains("out of bounds"), "{reason}");
}

#[test]
fn a_plugin_that_does_not_end_runs_out_of_fuel() {
    let plugin = misbehaving_with(|limits| limits.fuel_max = 1_000_000);
    let call = ask(&plugin, "LOOP");
    assert_eq!(call.outcome, Err(Failure::OutOfFuel { limit: 1_000_000 }));
    assert_eq!(call.fuel, 1_000_000);
}

#[test]
fn a_plugin_with_much_fuel_is_ended_by_the_clock() {
    let plugin = misbehaving_with(|limits| {
        limits.fuel_max = 10_000_000_000;
        limits.time_ms_max = 20;
    });
    let call = ask(&plugin, "LOOP");
    assert_eq!(call.outcome, Err(Failure::Timeout { limit_ms: 20 }));
}

#[test]
fn the_clock_that_ends_calls_wakes_up_when_there_has_been_nothing_to_do() {
    let plugin = misbehaving_with(|limits| {
        limits.fuel_max = 10_000_000_000;
        limits.time_ms_max = 20;
    });
    for _ in 0..2 {
        std::thread::sleep(Duration::from_millis(1_300));
        let started = Instant::now();
        assert_eq!(ask(&plugin, "LOOP").outcome, Err(Failure::Timeout { limit_ms: 20 }));
        assert!(started.elapsed() < Duration::from_secs(20), "it must end at all");
    }
}

#[test]
fn a_plugin_that_takes_all_memory_is_out_of_it() {
    let plugin = misbehaving_with(|limits| {
        limits.memory_bytes_max = 4 << 20;
        limits.fuel_max = 10_000_000_000;
    });
    let call = ask(&plugin, "ALLOCATE");
    assert_eq!(call.outcome, Err(Failure::OutOfMemory { limit_bytes: 4 << 20 }));
    assert!(call.memory_bytes <= 4 << 20, "{} bytes", call.memory_bytes);
}

#[test]
fn a_plugin_may_say_that_it_cannot_answer() {
    let call = ask(&misbehaving(), "REFUSE");
    assert_eq!(call.outcome, Err(Failure::Refused { reason: "the moon is not right".into() }));
    let Err(Failure::Refused { reason }) = ask(&misbehaving(), "REFUSE-AT-LENGTH").outcome else {
        panic!("refused")
    };
    assert_eq!(reason.chars().count(), 300);
}

#[test]
fn an_input_that_is_too_large_is_not_given_to_the_plugin() {
    let plugin = misbehaving_with(|limits| limits.input_bytes_max = 2_000);
    let lines = (1..=100).map(|number| crate::fixtures::line(number, "ANY", 1, 1000)).collect();
    let call = plugin.call(&scene(), &pricing(lines));
    assert_eq!(call.outcome, Err(Failure::InputTooLarge { max: 2_000 }));
    assert_eq!(call.fuel, 0);
    assert!(!Failure::InputTooLarge { max: 2_000 }.counts(), "the plugin has no part in it");
}

#[test]
fn an_answer_that_is_too_large_is_not_taken() {
    let plugin = misbehaving_with(|limits| {
        limits.output_items_max = 10;
        limits.fuel_max = 1_000_000_000;
        limits.output_bytes_max = 16 << 20;
    });
    assert_eq!(ask(&plugin, "MANY").outcome, Err(Failure::TooLarge { what: "output items".into(), max: 10 }));
    let plugin = misbehaving_with(|limits| {
        limits.memory_bytes_max = 64 << 20;
        limits.fuel_max = 1_000_000_000;
        limits.output_bytes_max = 1 << 20;
    });
    let call = ask(&plugin, "HUGE");
    assert_eq!(call.outcome, Err(Failure::TooLarge { what: "output bytes".into(), max: 1 << 20 }));
}

#[test]
fn a_plugin_that_asks_too_often_is_ended() {
    let plugin = misbehaving_with(|limits| limits.host_calls_max = 50);
    assert_eq!(ask(&plugin, "ASK").outcome, Err(Failure::TooLarge { what: "host calls".into(), max: 50 }));
    let plugin = misbehaving_with(|limits| limits.host_bytes_max = 10_000);
    assert_eq!(
        ask(&plugin, "ASK-MUCH").outcome,
        Err(Failure::TooLarge { what: "host bytes".into(), max: 10_000 })
    );
}

#[test]
fn what_a_plugin_asks_counts_like_what_it_is_answered() {
    let plugin = misbehaving_with(|limits| {
        limits.fuel_max = 1_000_000_000;
        limits.host_bytes_max = 4 << 20;
    });
    // Each question is half a megabyte long, and nothing is the answer.
    let call = ask(&plugin, "ASK-LONG");
    assert_eq!(call.outcome, Err(Failure::TooLarge { what: "host bytes".into(), max: 4 << 20 }));
    assert_eq!(call.host_calls.len(), 8);
}

#[test]
fn log_lines_are_cut_and_counted_and_the_call_goes_on() {
    let plugin = misbehaving_with(|limits| {
        limits.host_calls_max = 1_000_000;
        limits.fuel_max = 10_000_000_000;
    });
    let call = ask(&plugin, "LOG");
    assert!(call.outcome.is_ok(), "{:?}", call.outcome);
    assert_eq!((call.log.len(), call.log_lines_cut), (100, 99_900));
    let call = ask(&misbehaving(), "LOG-ONE-LONG");
    assert_eq!((call.log.len(), call.log_lines_cut), (1, 1));
    assert_eq!(call.log[0].text.len(), 16 << 10);
    let call = ask(&misbehaving(), "LOG-CONTROL");
    assert_eq!(call.log[0].text, "one two [31m");
}

#[test]
fn what_a_failed_call_wanted_kept_is_given_up() {
    let call = ask(&misbehaving(), "KEEP-AND-TRAP");
    assert!(matches!(call.outcome, Err(Failure::Trap { .. })));
    assert!(call.writes.is_empty());
}

#[test]
fn a_call_writes_as_often_as_it_may() {
    let plugin = misbehaving_with(|limits| limits.kv_writes_max = 3);
    let call = ask(&plugin, "KEEP");
    assert!(call.outcome.is_ok());
    assert_eq!(call.writes.len(), 3);
    let Err(Failure::Refused { reason }) = ask(&plugin, "KEEP-WRONG").outcome else { panic!("refused") };
    let of = |name: &str| reason.matches(&format!("name: \"{name}\"")).count();
    assert_eq!((of("key"), of("value")), (2, 1), "{reason}");
}

#[test]
fn a_plugin_is_not_asked_at_a_hook_that_its_manifest_does_not_name() {
    let mut manifest = crate::fixtures::manifest_of("misbehaving");
    manifest.hooks = vec![Hook::Pricing];
    let plugin = crate::fixtures::host().load(manifest, &crate::fixtures::component("misbehaving")).unwrap();
    let call = plugin.call(&scene(), &promotion(one("ANY")));
    assert_eq!(call.outcome, Err(Failure::NotAsked { hook: Hook::Promotion }));
    assert!(!Failure::NotAsked { hook: Hook::Promotion }.counts());
}

#[test]
fn a_host_with_all_places_taken_says_so_when_the_time_is_over() {
    use aisle_plugin_host::{Host, HostConfig};
    let host = Host::new(HostConfig { calls_max: 1, ..crate::fixtures::config() }).unwrap();
    let load = |time_ms: u32| {
        let mut manifest = crate::fixtures::manifest_of("misbehaving");
        manifest.limits.time_ms_max = time_ms;
        manifest.limits.fuel_max = 10_000_000_000;
        host.load(manifest, &crate::fixtures::component("misbehaving")).unwrap()
    };
    let (long, short) = (load(5_000), load(1));
    std::thread::scope(|threads| {
        let busy = threads.spawn(|| ask(&long, "LOOP").outcome);
        let mut seen = false;
        while !busy.is_finished() {
            let outcome = ask(&short, "CHEAPER").outcome;
            seen |= outcome == Err(Failure::Busy { calls_max: 1 });
        }
        assert!(seen, "somebody found all places taken");
        assert!(matches!(busy.join().unwrap(), Err(Failure::Timeout { .. } | Failure::OutOfFuel { .. })));
    });
    assert!(!Failure::Busy { calls_max: 1 }.counts());
}

#[test]
fn a_plugin_that_is_always_busy_leaves_room_for_the_others() {
    use aisle_plugin_host::{Host, HostConfig};
    let host = Host::new(HostConfig { calls_max: 2, ..crate::fixtures::config() }).unwrap();
    let load = |time_ms: u32| {
        let mut manifest = crate::fixtures::manifest_of("misbehaving");
        manifest.limits.time_ms_max = time_ms;
        manifest.limits.fuel_max = 10_000_000_000;
        host.load(manifest, &crate::fixtures::component("misbehaving")).unwrap()
    };
    let (greedy, modest) = (load(300), load(5_000));
    std::thread::scope(|threads| {
        let loops = || ask(&greedy, "LOOP").outcome;
        let busy: Vec<_> = (0..4).map(|_| threads.spawn(loops)).collect();
        while busy.iter().any(|it| !it.is_finished()) {
            let outcome = ask(&modest, "CHEAPER").outcome;
            assert!(outcome.is_ok(), "half of the places are not the loop's: {outcome:?}");
        }
        let ends: Vec<_> = busy.into_iter().map(|it| it.join().unwrap()).collect();
        assert!(ends.contains(&Err(Failure::Busy { calls_max: 1 })), "it waited for itself: {ends:?}");
    });
}

#[test]
fn a_shop_that_fails_fails_the_call_and_not_the_store() {
    struct Broken;
    impl aisle_plugin_host::Shop for Broken {
        fn product(&self, _: &str) -> Option<aisle_plugin_host::types::Product> {
            panic!("the shop is broken, as it has to be here")
        }

        fn of_category(&self, _: &str, _: u32) -> Vec<aisle_plugin_host::types::Product> {
            Vec::new()
        }

        fn stock(&self, _: &str) -> Option<aisle_plugin_host::types::Position> {
            None
        }
    }
    let plugin = misbehaving();
    // The plugin asks nothing; its answer names what has to be looked up.
    let reaction = crate::fixtures::case(
        r#"{"what": "x", "expected": [], "input": {"hook": "reaction", "happening": {"stock-changed":
            {"sku": "OTHER-PRODUCT", "on_hand": 0, "none_permille": 1000, "sellable": false}}}}"#,
    );
    let broken = aisle_plugin_host::Scene { shop: std::sync::Arc::new(Broken), ..scene() };
    for _ in 0..3 {
        for input in [&pricing(one("LOOK")), &reaction.input] {
            let call = plugin.call(&broken, input);
            assert!(matches!(call.outcome, Err(Failure::Trap { .. })), "{:?}", call.outcome);
        }
        assert!(ask(&plugin, "CHEAPER").outcome.is_ok());
    }
}
