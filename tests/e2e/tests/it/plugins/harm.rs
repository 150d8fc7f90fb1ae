//! Plugins that mean harm, with how each of them is to fail; and what cannot be installed, with what is to be said of it.

use super::{
    made::{
        EMPTY_ANSWER,
        hostile::{
            answers_a_gigabyte, answers_one_text_many_times, asks_a_million_times, grows_for_ever,
            grows_memories, grows_tables, loops_after_the_answer, loops_before_the_input, loops_in_the_call,
            loops_in_the_start, recurses, traps_at_random,
        },
        made_of, of_version, of_wit, pricing_module,
    },
    shop::manifest,
};

/// So that it is the time that ends it.
const MUCH_FUEL: &str = "limits = { fuel_max = 10000000000 }";
/// So that it is not the time, on a machine that does other things too.
const MUCH_TIME: &str = "limits = { time_ms_max = 400 }";
const CLOCK: &str = "grants = [\"clock\"]";

/// A plugin that loads and then does what it must not.
pub(super) struct Harm {
    pub(super) id: &'static str,
    pub(super) manifest: String,
    pub(super) component: Vec<u8>,
    /// How a call of it may fail, in words of the API.
    pub(super) fails: &'static [&'static str],
}

fn harm(id: &'static str, more: &str, module: &str, fails: &'static [&'static str]) -> Harm {
    Harm {
        id,
        manifest: manifest(id, "1.0.0", "pricing", more),
        component: made_of("pricing", module),
        fails,
    }
}

/// All that are asked for prices.
pub(super) fn of_baskets() -> Vec<Harm> {
    vec![
        harm("loops-in-call", MUCH_FUEL, &loops_in_the_call(), &["timeout"]),
        harm("loops-in-start", MUCH_FUEL, &loops_in_the_start(), &["timeout"]),
        harm("loops-before-input", MUCH_FUEL, &loops_before_the_input(), &["timeout"]),
        harm("loops-after-answer", MUCH_FUEL, &loops_after_the_answer(), &["timeout"]),
        harm("burns-fuel", "", &loops_in_the_call(), &["out-of-fuel", "timeout"]),
        harm("recurses", MUCH_TIME, &recurses(), &["trap"]),
        harm("grows-memories", MUCH_TIME, &grows_memories(200), &["out-of-memory"]),
        harm("grows-tables", MUCH_TIME, &grows_tables(250, 60_000), &["out-of-memory"]),
        harm("grows-for-ever", MUCH_TIME, &grows_for_ever(), &["out-of-memory"]),
        harm("gigabyte", MUCH_TIME, &answers_a_gigabyte(), &["trap", "too-large"]),
        harm("one-text", MUCH_TIME, &answers_one_text_many_times(), &["too-large"]),
        harm("million-calls", &format!("{CLOCK}\n{MUCH_TIME}"), &asks_a_million_times(), &["too-large"]),
        harm(
            "traps-at-random",
            &format!("grants = [\"random\"]\n{MUCH_TIME}"),
            &traps_at_random(),
            &["trap"],
        ),
    ]
}

/// One that is asked for the order of lists.
pub(super) fn of_lists() -> Harm {
    let module = loops_in_the_call().replace("\"price\"", "\"rank\"");
    let (manifest, component) =
        (manifest("loops-in-list", "1.0.0", "ranking", MUCH_FUEL), made_of("ranking", &module));
    Harm { id: "loops-in-list", manifest, component, fails: &["timeout"] }
}

/// What is no plugin of this node.
pub(super) struct Unfit {
    pub(super) id: &'static str,
    pub(super) manifest: String,
    pub(super) component: Vec<u8>,
    /// A part of what is said of it.
    pub(super) said: &'static str,
}

pub(super) fn unfit() -> Vec<Unfit> {
    let good = made_of("pricing", &pricing_module("1", EMPTY_ANSWER));
    let core = wat::parse_str(pricing_module("1", EMPTY_ANSWER)).expect("a good text");
    let other = of_wit(
        "package a:b; world w { export price: func(input: u32) -> u32; }",
        None,
        r#"(module (func (export "price") (param i32) (result i32) (i32.const 1)))"#,
    );
    let files = of_wit(
        "package wasi:clocks@0.2.0; interface wall { now: func() -> u64; } world w { import wall; export price: func(); }",
        None,
        r#"(module (import "wasi:clocks/wall@0.2.0" "now" (func $now (result i64))) (func (export "price") (drop (call $now))))"#,
    );
    let of = |hook: &str, more: &str, component: Vec<u8>, said: &'static str| Unfit {
        id: "unfit",
        manifest: manifest("unfit", "1.0.0", hook, more),
        component,
        said,
    };
    vec![
        of("pricing", "", made_of("pricing", &asks_a_million_times()), "not granted"),
        of("pricing", "", files.expect("a component"), "which no plugin gets"),
        of("promotion", "", good.clone(), "has no hook `promotion`"),
        of("pricing", "", other.expect("a component"), "another type"),
        of("pricing", "", core, "is no component"),
        of("pricing", "", b"(component)".to_vec(), "is no component"),
        of("pricing", "", vec![0; 4096], "is no component"),
        of("pricing", "", good[..good.len() / 2].to_vec(), "is no component"),
        of("pricing", CLOCK, of_version("0.1.1"), "this node has version 0.1.0"),
        of("pricing", CLOCK, of_version("0.2.0"), "this node has version 0.1.0"),
    ]
}

/// A good component with one bit turned, at places all over it.
pub(super) fn flipped() -> impl Iterator<Item = Vec<u8>> {
    let good = made_of("pricing", &pricing_module("1", EMPTY_ANSWER));
    (0..good.len() * 8).step_by(good.len() * 8 / 40).map(move |bit| {
        let mut turned = good.clone();
        turned[bit / 8] ^= 1 << (bit % 8);
        turned
    })
}
