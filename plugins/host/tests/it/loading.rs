//! What becomes a plugin, and what does not.

use crate::{
    fixtures::{component, host, load, manifest, manifest_of},
    made::{EMPTY_ANSWER, made_of, of_version, of_wit, pricing_module},
};
use aisle_plugin_host::{Grant, Hook, Host, HostConfig, HostError, Limits, LoadError};

#[test]
fn a_plugin_says_what_it_is_made_of() {
    let plugin = crate::fixtures::misbehaving();
    assert_eq!((plugin.id(), plugin.version().to_string().as_str()), ("misbehaving", "1.0.0"));
    assert_eq!(plugin.hooks(), Hook::ALL);
    assert_eq!(plugin.hash(), blake3::hash(&component("misbehaving")).to_hex().as_str());
}

#[test]
fn an_import_that_is_not_granted_is_named_with_its_grant() {
    for grant in Grant::ALL {
        let mut manifest = manifest_of("misbehaving");
        manifest.grants.remove(&grant);
        let error = host().load(manifest, &component("misbehaving")).unwrap_err();
        assert!(matches!(&error, LoadError::NotGranted { grant: named, .. } if *named == grant), "{error}");
        assert!(error.to_string().contains(&format!("aisle:plugin/{grant}@0.1.0")), "{error}");
        assert!(error.to_string().contains("hint: "), "{error}");
    }
}

#[test]
fn a_hook_that_the_component_does_not_have_is_named() {
    let component = made_of("pricing", &pricing_module("1", EMPTY_ANSWER));
    let error = load(Hook::Reaction, &component).unwrap_err();
    assert!(matches!(error, LoadError::Export { hook: Hook::Reaction, .. }), "{error}");
    assert!(error.to_string().contains("`react`"), "{error}");
}

/// A component of the only world of this WIT.
fn of_world(wit: &str, module: &str) -> Vec<u8> {
    of_wit(wit, None, module).expect("a component")
}

#[test]
fn a_function_of_another_type_is_not_the_hook() {
    let component = of_world(
        "package a:b; world w { export price: func(input: u32) -> u32; }",
        r#"(module (func (export "price") (param i32) (result i32) (i32.const 1)))"#,
    );
    let error = load(Hook::Pricing, &component).unwrap_err();
    assert!(
        matches!(&error, LoadError::Export { hook: Hook::Pricing, reason, .. } if reason.contains("another type")),
        "{error}"
    );
}

#[test]
fn what_no_plugin_gets_cannot_be_imported() {
    let wit = "package wasi:clocks@0.2.0; interface wall { now: func() -> u64; } world w { import wall; export price: func(); }";
    let module = r#"(module (import "wasi:clocks/wall@0.2.0" "now" (func $now (result i64)))
        (func (export "price") (drop (call $now))))"#;
    let error = load(Hook::Pricing, &of_world(wit, module)).unwrap_err();
    assert!(
        matches!(&error, LoadError::UnknownImport { import, .. } if import == "wasi:clocks/wall@0.2.0"),
        "{error}"
    );
}

#[test]
fn what_is_said_of_a_component_is_one_line_however_long_its_own_names_are() {
    let (long, odd) = ("x".repeat(30_000), "\\07\\0a".repeat(100));
    for text in [
        format!(r#"(component (import "{long}" (func)))"#),
        format!(r#"(module (import "{long}" "f" (func)))"#),
        format!(r#"(component (core module (func (export "{odd}")) (func (export "{odd}"))))"#),
    ] {
        let error = load(Hook::Pricing, &wat::parse_str(text).unwrap()).unwrap_err().to_string();
        assert!(error.len() < 600 && !error.contains('\u{7}'), "{error}");
        assert!(error.lines().count() <= 2, "{error}");
    }
}

#[test]
fn an_import_of_ours_with_another_type_is_refused() {
    let wit = "package aisle:plugin@0.1.0; interface clock { now: func() -> string; } world w { import clock; export price: func(); }";
    let module = r#"(module (import "aisle:plugin/clock@0.1.0" "now" (func $now (param i32)))
        (memory (export "memory") 1)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 8))
        (func (export "price") (call $now (i32.const 0))))"#;
    let mut manifest = manifest(Hook::Pricing);
    manifest.grants.insert(Grant::Clock);
    let error = host().load(manifest, &of_world(wit, module)).unwrap_err();
    assert!(matches!(&error, LoadError::Component { .. }), "{error}");
    assert!(error.to_string().contains("clock"), "{error}");
}

#[test]
fn a_component_for_another_contract_is_told_which_one_there_is() {
    for version in ["0.1.1", "0.2.0", "1.0.0"] {
        let mut manifest = manifest(Hook::Pricing);
        manifest.grants.insert(Grant::Clock);
        let error = host().load(manifest, &of_version(version)).unwrap_err();
        assert!(matches!(&error, LoadError::Contract { .. }), "{error}");
        assert!(error.to_string().contains("0.1.0"), "{error}");
    }
}

#[test]
fn what_is_no_component_is_refused() {
    let module = wat::parse_str(pricing_module("1", EMPTY_ANSWER)).unwrap();
    for bytes in [&b""[..], b"\0asm", b"not a component", &module, &[0; 4096]] {
        let error = load(Hook::Pricing, bytes).unwrap_err();
        assert!(matches!(error, LoadError::Component { .. }), "{error}");
    }
}

#[test]
fn a_text_is_no_component() {
    // Not even a good one: only bytes travel.
    let error = load(Hook::Pricing, b"(component)").unwrap_err();
    assert!(matches!(error, LoadError::Component { .. }), "{error}");
}

#[test]
fn a_component_that_was_cut_or_changed_is_refused_or_runs_within_its_limits() {
    let whole = made_of("pricing", &pricing_module("1", EMPTY_ANSWER));
    for length in (0..whole.len()).step_by(7) {
        assert!(load(Hook::Pricing, &whole[..length]).is_err(), "cut to {length} bytes");
    }
    for bit in (0..whole.len() * 8).step_by(41) {
        let mut changed = whole.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        if let Ok(plugin) = load(Hook::Pricing, &changed) {
            let call = crate::fixtures::ask(&plugin, "ANY");
            assert!(call.fuel <= plugin.manifest().limits.fuel_max);
        }
    }
}

#[test]
fn a_component_of_a_hundred_megabytes_is_refused_by_its_length() {
    let error = load(Hook::Pricing, &vec![0; 100 << 20]).unwrap_err();
    assert_eq!(error, LoadError::TooLarge { id: "made-here".into(), found: 100 << 20, max: 16 << 20 });
}

#[test]
fn limits_above_those_of_the_store_are_refused() {
    let ceilings = Limits { fuel_max: 1_000, ..Limits::CEILING };
    let host = Host::new(HostConfig { ceilings, calls_max: 1, ..HostConfig::default() }).unwrap();
    let error = host
        .load(manifest(Hook::Pricing), &made_of("pricing", &pricing_module("1", EMPTY_ANSWER)))
        .unwrap_err();
    assert!(matches!(error, LoadError::Limit { field: "fuel_max", max: 1_000, .. }), "{error}");
}

#[test]
fn a_host_that_cannot_be_says_why() {
    let error = |config: HostConfig| Host::new(config).err().expect("refused").to_string();
    assert!(error(HostConfig { calls_max: 0, ..HostConfig::default() }).starts_with("`calls_max` is 0"));
    assert!(error(HostConfig { epoch_tick_ms: 0, ..HostConfig::default() }).starts_with("`epoch_tick_ms`"));
    assert!(
        error(HostConfig { stack_bytes_max: 1, ..HostConfig::default() }).starts_with("`stack_bytes_max`")
    );
    let ceilings = Limits { host_calls_max: 2_000_000, ..Limits::CEILING };
    assert_eq!(
        error(HostConfig { ceilings, ..HostConfig::default() }),
        "`ceilings.host_calls_max` is 2000000, expected at most 1000000"
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    let in_the_way = HostConfig { cache_dir: Some(file.path().join("below")), ..HostConfig::default() };
    assert!(matches!(Host::new(in_the_way), Err(HostError::Cache { .. })));
}

#[test]
fn what_would_keep_the_compiler_busy_for_minutes_is_refused_before_it_begins() {
    let module = |functions: &str| {
        wat::parse_str(format!("(component (core module {functions}))")).expect("a component")
    };
    let nested = |depth: usize| format!("(func {}{})", "(loop ".repeat(depth), ")".repeat(depth));
    let bombs = [
        ("functions", module(&"(func)".repeat(30_001))),
        ("blocks within each other", module(&nested(1_001))),
        ("bytes in one function", module(&format!("(func {})", "nop ".repeat(1 << 20)))),
        ("local variables", module(&format!("(func (local {}))", "i32 ".repeat((1 << 20) + 1)))),
    ];
    for (what, component) in bombs {
        let error = load(Hook::Pricing, &component).unwrap_err();
        let LoadError::TooHeavy { what: named, found, max, .. } = error else { panic!("{what}: {error}") };
        assert_eq!(named, what);
        assert!(found > max, "{what}: {found}");
    }
    // As much as may be is left to the compiler, which finds no hook in it.
    let error = load(Hook::Pricing, &module(&nested(100))).unwrap_err();
    assert!(matches!(error, LoadError::Export { .. }), "{error}");
}
