//! Components that mean harm, in text form: what no compiler would write.

use crate::{
    fixtures::{ask, host, load, manifest, pricing, scene},
    made::{
        EMPTY_ANSWER,
        hostile::{
            answers_a_gigabyte, answers_list, answers_one_text_many_times, asks_a_million_times,
            grows_for_ever, grows_memories, grows_tables, loops_after_the_answer, loops_before_the_input,
            loops_in_the_call, loops_in_the_start, recurses, traps_at_random,
        },
        made_of, pricing_module,
    },
};
use aisle_plugin_host::{Call, Failure, Grant, Hook, Output};

/// Asks a module for prices, with little fuel, or with much fuel and little time.
fn ends(module: &str, much_fuel: bool) -> Call {
    let mut manifest = manifest(Hook::Pricing);
    manifest.limits.fuel_max = if much_fuel { 10_000_000_000 } else { 100_000 };
    manifest.limits.time_ms_max = if much_fuel { 20 } else { 5_000 };
    let plugin = host().load(manifest, &made_of("pricing", module)).expect("it loads, it only runs badly");
    ask(&plugin, "ANY")
}

fn never_ends(module: &str) {
    assert_eq!(ends(module, false).outcome, Err(Failure::OutOfFuel { limit: 100_000 }));
    assert_eq!(ends(module, true).outcome, Err(Failure::Timeout { limit_ms: 20 }));
}

#[test]
fn a_loop_in_the_call_ends() {
    never_ends(&loops_in_the_call());
}

#[test]
fn a_loop_in_the_start_ends() {
    never_ends(&loops_in_the_start());
}

#[test]
fn a_loop_while_the_input_is_laid_down_ends() {
    never_ends(&loops_before_the_input());
}

#[test]
fn a_loop_after_the_answer_ends() {
    never_ends(&loops_after_the_answer());
}

#[test]
fn a_stack_that_overflows_is_a_trap() {
    let call = ends(&recurses(), false);
    let Err(Failure::Trap { reason, .. }) = call.outcome else { panic!("{:?}", call.outcome) };
    assert!(reason.contains("stack"), "{reason}");
}

/// Asks a module with a budget of 4 MiB.
fn with_little_memory(module: &str) -> Call {
    let mut manifest = manifest(Hook::Pricing);
    manifest.limits.memory_bytes_max = 4 << 20;
    let plugin = host().load(manifest, &made_of("pricing", module)).expect("it loads");
    ask(&plugin, "ANY")
}

const OUT_OF_MEMORY: Result<Output, Failure> = Err(Failure::OutOfMemory { limit_bytes: 4 << 20 });

#[test]
fn memory_that_is_there_from_the_beginning_counts() {
    assert_eq!(with_little_memory(&pricing_module("65", EMPTY_ANSWER)).outcome, OUT_OF_MEMORY);
    assert!(with_little_memory(&pricing_module("64", EMPTY_ANSWER)).outcome.is_ok());
}

#[test]
fn all_memories_have_one_budget() {
    let call = with_little_memory(&grows_memories(30));
    assert!(call.outcome.is_ok(), "{:?}", call.outcome);
    assert_eq!(call.memory_bytes, 63 << 16);
    // Each of the two would have room alone.
    assert_eq!(with_little_memory(&grows_memories(31)).outcome, OUT_OF_MEMORY);
}

#[test]
fn tables_count_like_memories() {
    let call = with_little_memory(&grows_tables(62, 8_000));
    assert!(call.outcome.is_ok(), "{:?}", call.outcome);
    assert!(call.memory_bytes >= (62 << 16) + 128_000);
    assert_eq!(with_little_memory(&grows_tables(62, 9_000)).outcome, OUT_OF_MEMORY);
}

#[test]
fn growing_for_ever_ends_at_the_budget() {
    let call = with_little_memory(&grows_for_ever());
    assert_eq!(call.outcome, OUT_OF_MEMORY);
    assert!(call.memory_bytes <= 4 << 20, "{}", call.memory_bytes);
}

#[test]
fn a_plugin_that_bears_refused_memory_may_still_answer() {
    let call = with_little_memory(&pricing_module(
        "1",
        r#"(func (export "price") (param i32) (result i32)
            (drop (memory.grow (i32.const 60000))) (i32.const 1024))"#,
    ));
    assert_eq!(call.outcome, Ok(Output::Pricing(Vec::new())));
}

/// Asks a module for an answer that nobody should take.
fn answer(module: &str) -> Result<Output, Failure> {
    ask(&load(Hook::Pricing, &made_of("pricing", module)).unwrap(), "ANY").outcome
}

#[test]
fn an_answer_of_a_gigabyte_is_not_taken() {
    let outcome = answer(&answers_a_gigabyte());
    assert!(matches!(outcome, Err(Failure::Trap { .. } | Failure::TooLarge { .. })), "{outcome:?}");
}

#[test]
fn an_answer_whose_items_share_one_long_text_is_not_taken() {
    let outcome = answer(&answers_one_text_many_times());
    assert_eq!(outcome, Err(Failure::TooLarge { what: "output bytes".into(), max: 1 << 20 }));
}

#[test]
fn an_answer_outside_of_memory_is_a_trap() {
    for (address, length) in [(u32::MAX, 1), (u32::MAX - 7, 1), (8, u32::MAX), (1 << 31, 1), (9, 1)] {
        let outcome = answer(&answers_list(address, length, "", ""));
        assert!(
            matches!(
                outcome,
                Err(Failure::Trap { .. } | Failure::TooLarge { .. } | Failure::BadOutput { .. })
            ),
            "{outcome:?}"
        );
    }
}

#[test]
fn an_answer_that_is_neither_good_nor_bad_is_a_trap() {
    let outcome = answer(&pricing_module(
        "1",
        r#"(func (export "price") (param i32) (result i32) (i32.store8 (i32.const 1024) (i32.const 7)) (i32.const 1024))"#,
    ));
    assert!(matches!(outcome, Err(Failure::Trap { .. })), "{outcome:?}");
}

#[test]
fn a_reason_that_is_no_text_is_a_trap() {
    // One price: line 1, price 0, a reason of the byte FF.
    let data = r#"(i32.store (i32.const 2048) (i32.const 1)) (i32.store (i32.const 2064) (i32.const 3000))
        (i32.store (i32.const 2068) (i32.const 1)) (i32.store8 (i32.const 3000) (i32.const 255))"#;
    let outcome = answer(&answers_list(2048, 1, "", data));
    assert!(matches!(outcome, Err(Failure::Trap { .. })), "{outcome:?}");
}

#[test]
fn a_million_questions_are_too_many() {
    let mut manifest = manifest(Hook::Pricing);
    manifest.grants.insert(Grant::Clock);
    let plugin = host().load(manifest, &made_of("pricing", &asks_a_million_times())).unwrap();
    let outcome = ask(&plugin, "ANY").outcome;
    assert_eq!(outcome, Err(Failure::TooLarge { what: "host calls".into(), max: 10_000 }));
}

#[test]
fn a_trap_in_one_call_is_none_in_the_next() {
    let mut manifest = manifest(Hook::Pricing);
    manifest.grants.insert(Grant::Random);
    let plugin = host().load(manifest, &made_of("pricing", &traps_at_random())).unwrap();
    let (mut answered, mut trapped) = (0, 0);
    for seed in 0..200 {
        let scene = aisle_plugin_host::Scene { seed, ..scene() };
        match plugin.call(&scene, &pricing(Vec::new())).outcome {
            Ok(_) => answered += 1,
            Err(Failure::Trap { .. }) => trapped += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(answered > 0 && trapped > answered, "{answered} answers, {trapped} traps");
}

#[test]
fn a_call_knows_nothing_of_the_one_before() {
    // Traps when it finds what the last call left: in its memory, in a global.
    let module = pricing_module(
        "1",
        r#"(global $seen (mut i32) (i32.const 0))
        (func (export "price") (param i32) (result i32)
            (if (i32.or (global.get $seen) (i32.load (i32.const 60000))) (then (unreachable)))
            (global.set $seen (i32.const 1))
            (i32.store (i32.const 60000) (i32.const 1))
            (i32.const 1024))"#,
    );
    let plugin = load(Hook::Pricing, &made_of("pricing", &module)).unwrap();
    for _ in 0..100 {
        assert!(plugin.call(&scene(), &pricing(Vec::new())).outcome.is_ok());
    }
}
