//! Components that mean harm, in text form: what no compiler would write.

use crate::fixtures::{EMPTY_ANSWER, ask, host, load, made_of, manifest, pricing, pricing_module, scene};
use aisle_plugin_host::{Call, Failure, Hook, Output};

const FOREVER: &str = "(loop $on (br $on))";

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
    never_ends(&pricing_module(
        "1",
        &format!(r#"(func (export "price") (param i32) (result i32) {FOREVER} (unreachable))"#),
    ));
}

#[test]
fn a_loop_in_the_start_ends() {
    never_ends(&pricing_module("1", &format!("(func $start {FOREVER}) (start $start) {EMPTY_ANSWER}")));
}

#[test]
fn a_loop_while_the_input_is_laid_down_ends() {
    never_ends(&format!(
        r#"(module (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) {FOREVER} (unreachable))
            {EMPTY_ANSWER})"#
    ));
}

#[test]
fn a_loop_after_the_answer_ends() {
    let cleanup = format!(r#"(func (export "cabi_post_price") (param i32) {FOREVER})"#);
    never_ends(&pricing_module("1", &format!("{EMPTY_ANSWER}{cleanup}")));
}

#[test]
fn a_stack_that_overflows_is_a_trap() {
    let call = ends(
        &pricing_module(
            "1",
            r#"(func $deep (param i64) (result i64) (i64.add (call $deep (local.get 0)) (i64.const 1)))
               (func (export "price") (param i32) (result i32) (drop (call $deep (i64.const 1))) (i32.const 1024))"#,
        ),
        false,
    );
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
    let grow = |pages: u32| {
        pricing_module(
            "1",
            &format!(
                r#"(memory $two 1) (memory $three 1)
                (func (export "price") (param i32) (result i32)
                    (if (i32.eq (memory.grow $two (i32.const {pages})) (i32.const -1)) (then (unreachable)))
                    (if (i32.eq (memory.grow $three (i32.const {pages})) (i32.const -1)) (then (unreachable)))
                    (i32.const 1024))"#
            ),
        )
    };
    let call = with_little_memory(&grow(30));
    assert!(call.outcome.is_ok(), "{:?}", call.outcome);
    assert_eq!(call.memory_bytes, 63 << 16);
    // Each of the two would have room alone.
    assert_eq!(with_little_memory(&grow(31)).outcome, OUT_OF_MEMORY);
}

#[test]
fn tables_count_like_memories() {
    let grow = |elements: u32| {
        pricing_module(
            "62",
            &format!(
                r#"(table $t 0 funcref) (table $u 0 funcref)
                (func (export "price") (param i32) (result i32)
                    (if (i32.eq (table.grow $t (ref.null func) (i32.const {elements})) (i32.const -1)) (then (unreachable)))
                    (if (i32.eq (table.grow $u (ref.null func) (i32.const {elements})) (i32.const -1)) (then (unreachable)))
                    (i32.const 1024))"#
            ),
        )
    };
    let call = with_little_memory(&grow(8_000));
    assert!(call.outcome.is_ok(), "{:?}", call.outcome);
    assert!(call.memory_bytes >= (62 << 16) + 128_000);
    assert_eq!(with_little_memory(&grow(9_000)).outcome, OUT_OF_MEMORY);
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

/// The answer's list lies at 1028: address, then length.
fn answers_list(address: u32, length: u32, data: &str) -> String {
    pricing_module(
        "32",
        &format!(
            r#"(func (export "price") (param i32) (result i32)
                (i32.store (i32.const 1028) (i32.const {address}))
                (i32.store (i32.const 1032) (i32.const {length}))
                {data}
                (i32.const 1024))"#
        ),
    )
}

#[test]
fn an_answer_of_a_gigabyte_is_not_taken() {
    let call = ask(&load(Hook::Pricing, &made_of("pricing", &answers_list(8, 1 << 26, ""))).unwrap(), "ANY");
    assert!(
        matches!(call.outcome, Err(Failure::Trap { .. } | Failure::TooLarge { .. })),
        "{:?}",
        call.outcome
    );
}

#[test]
fn an_answer_whose_items_share_one_long_text_is_not_taken() {
    // 900 prices whose reasons are the same megabyte.
    let data = r#"(local $at i32)
        (local.set $at (i32.const 65536))
        (loop $on
            (i32.store (i32.add (local.get $at) (i32.const 16)) (i32.const 131072))
            (i32.store (i32.add (local.get $at) (i32.const 20)) (i32.const 1048576))
            (local.set $at (i32.add (local.get $at) (i32.const 24)))
            (br_if $on (i32.lt_u (local.get $at) (i32.const 87136))))"#;
    let module = answers_list(65536, 900, data).replace(
        "(result i32)\n                (i32.store (i32.const 1028)",
        "(result i32) (local $at i32)\n                (i32.store (i32.const 1028)",
    );
    let module = module.replacen(
        "(local $at i32)\n        (local.set $at (i32.const 65536))",
        "(local.set $at (i32.const 65536))",
        1,
    );
    let call = ask(&load(Hook::Pricing, &made_of("pricing", &module)).unwrap(), "ANY");
    assert_eq!(call.outcome, Err(Failure::TooLarge { what: "output bytes".into(), max: 1 << 20 }));
}

#[test]
fn an_answer_outside_of_memory_is_a_trap() {
    for (address, length) in [(u32::MAX, 1), (u32::MAX - 7, 1), (8, u32::MAX), (1 << 31, 1), (9, 1)] {
        let call = ask(
            &load(Hook::Pricing, &made_of("pricing", &answers_list(address, length, ""))).unwrap(),
            "ANY",
        );
        assert!(
            matches!(
                call.outcome,
                Err(Failure::Trap { .. } | Failure::TooLarge { .. } | Failure::BadOutput { .. })
            ),
            "{:?}",
            call.outcome
        );
    }
}

#[test]
fn an_answer_that_is_neither_good_nor_bad_is_a_trap() {
    let module = pricing_module(
        "1",
        r#"(func (export "price") (param i32) (result i32) (i32.store8 (i32.const 1024) (i32.const 7)) (i32.const 1024))"#,
    );
    let call = ask(&load(Hook::Pricing, &made_of("pricing", &module)).unwrap(), "ANY");
    assert!(matches!(call.outcome, Err(Failure::Trap { .. })), "{:?}", call.outcome);
}

#[test]
fn a_reason_that_is_no_text_is_a_trap() {
    // One price: line 1, price 0, a reason of the byte FF.
    let data = r#"(i32.store (i32.const 2048) (i32.const 1)) (i32.store (i32.const 2064) (i32.const 3000))
        (i32.store (i32.const 2068) (i32.const 1)) (i32.store8 (i32.const 3000) (i32.const 255))"#;
    let call = ask(&load(Hook::Pricing, &made_of("pricing", &answers_list(2048, 1, data))).unwrap(), "ANY");
    assert!(matches!(call.outcome, Err(Failure::Trap { .. })), "{:?}", call.outcome);
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
