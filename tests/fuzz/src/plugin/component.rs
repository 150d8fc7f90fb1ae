//! The loader: any bytes are refused with their plugin's name and a reason, or are a plugin that stays within its limits.

use super::{
    host,
    made::{
        EMPTY_ANSWER, asking_module,
        hostile::{
            answers_one_text_many_times, asks_a_million_times, grows_for_ever, loops_after_the_answer,
            loops_before_the_input, loops_in_the_start, recurses, traps_at_random,
        },
        made_of, of_version, of_wit, pricing_module,
    },
    narrow, quiet_component,
};
use aisle_plugin_host::{EmptyShop, Failure, Hook, Input, KvStore, LoadError, Output, Scene, types::*};
use std::{fs, path::Path, sync::Arc};

/// The longest complaint, in bytes.
const WORDS_BYTES_MAX: usize = 2_000;
/// Components that were built are among the examples up to this length, in bytes.
const BUILT_BYTES_MAX: usize = 30 << 10;

/// The input is a component.
///
/// # Panics
/// When a complaint does not name the plugin or is of no use, or a plugin that loads goes beyond its limits.
pub fn plugin_component(input: &[u8]) {
    let plugin = match host().load(narrow(Hook::Pricing), input) {
        Ok(plugin) => plugin,
        Err(error) => return complains(&error),
    };
    let limits = plugin.manifest().limits;
    let shop = (Arc::new(EmptyShop), Arc::new(KvStore::default()));
    let call = plugin.call(&Scene { now: 0, seed: 7, shop: shop.0, kv: shop.1 }, &basket());
    assert!(call.fuel <= limits.fuel_max && call.memory_bytes <= limits.memory_bytes_max.into(), "{call:?}");
    assert!(call.host_calls.len() <= limits.host_calls_max as usize, "{call:?}");
    assert!(call.outcome.as_ref().map_or(0, Output::len) <= limits.output_items_max as usize);
    if let Err(Failure::Trap { reason, frames }) = &call.outcome {
        assert!(reason != "what answers plugins failed", "the sandbox itself failed: {call:?}");
        assert!(frames.len() <= 8 && frames.iter().all(|frame| frame.len() <= WORDS_BYTES_MAX), "{call:?}");
    }
}

fn complains(error: &LoadError) {
    let words = error.to_string();
    assert!(words.contains("`made-here`") && words.len() <= WORDS_BYTES_MAX, "{words}");
    assert!(!words.contains(|letter: char| letter.is_control() && letter != '\n'), "{words:?}");
    assert!(!matches!(error, LoadError::Busy { .. } | LoadError::Limit { .. }), "{words}");
    assert!(!words.contains("the compiler gave up"), "{words}");
}

/// A basket of one line.
fn basket() -> Input {
    let product = Product {
        sku: "A".into(),
        name: "A".into(),
        category: None,
        unit: Unit::Each,
        price: 295,
        expires_in_days: None,
        in_stock: true,
    };
    let context = Context {
        store: "store-1".into(),
        currency: "GBP".into(),
        now: 0,
        minute_of_day: 0,
        weekday: 4,
        day: 0,
        settings: Vec::new(),
    };
    let lines = vec![Line { number: 1, product, quantity: 3000, unit_price: 295 }];
    Input::Pricing(PricingInput { context, customer: None, lines })
}

/// Good ones, such as mean harm, such as are refused, and what was built of the plugins that come along.
pub(crate) fn examples() -> Vec<Vec<u8>> {
    let hostile = [
        answers_one_text_many_times(),
        asks_a_million_times(),
        grows_for_ever(),
        loops_after_the_answer(),
        loops_before_the_input(),
        loops_in_the_start(),
        recurses(),
        traps_at_random(),
    ];
    let name = "\\07".repeat(30_000);
    let import = format!(r#"(import "{}" "f" (func))"#, "x".repeat(30_000));
    let core = |text: String| wat::parse_str(text).expect("a good text");
    let others = [
        quiet_component(),
        of_version("0.2.0"),
        of_wit(OTHER_WIT, None, OTHER).expect("a component"),
        core(pricing_module("1", EMPTY_ANSWER)),
        core(asking_module(&import, "1", EMPTY_ANSWER)),
        core(format!(r#"(component (import "{}" (func)))"#, "x".repeat(30_000))),
        core(format!(r#"(component (core module (func (export "{name}")) (func (export "{name}"))))"#)),
        core(format!("(component {} {})", "(component ".repeat(90), ")".repeat(90))),
    ];
    let made = hostile.map(|module| made_of("pricing", &module));
    made.into_iter().chain(others).chain(built()).collect()
}

/// A function of the hook's name and of another type.
const OTHER_WIT: &str = "package a:b; world w { export price: func(input: u32) -> u32; }";
const OTHER: &str = r#"(module (func (export "price") (param i32) (result i32) (i32.const 1)))"#;

/// The smaller ones of `target/plugins`; none where nothing was built.
fn built() -> Vec<Vec<u8>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/plugins");
    let files = fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    let mut paths: Vec<_> = files.filter(|path| path.extension().is_some_and(|it| it == "wasm")).collect();
    paths.sort_unstable();
    let read = paths.iter().filter_map(|path| fs::read(path).ok());
    read.filter(|bytes| bytes.len() <= BUILT_BYTES_MAX).collect()
}
