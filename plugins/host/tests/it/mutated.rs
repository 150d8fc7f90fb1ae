//! What comes from outside, changed at random: it is read or refused, and nothing else happens. The seed is fixed and printed.

use crate::fixtures::{misbehaving, one, pricing, scene};
use aisle_plugin_host::{Case, Manifest, Recording};
use rand::{RngExt, SeedableRng, rngs::StdRng};

const SEED: u64 = 0xa15e;
const ROUNDS: usize = 3_000;

/// Changes some bytes: another value, one gone, one more, a piece twice, cut off.
fn mutate(text: &str, random: &mut StdRng) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..random.random_range(1..6) {
        if bytes.is_empty() {
            break;
        }
        let at = random.random_range(0..bytes.len());
        match random.random_range(0..5) {
            0 => bytes[at] = random.random(),
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, b"{}[]\",:0-.\\=\n"[random.random_range(0..13)]),
            3 => {
                let end = (at + random.random_range(0..40)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => bytes.truncate(at),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn feed(texts: &[String], read: impl Fn(&str)) {
    println!("seed {SEED}");
    let mut random = StdRng::seed_from_u64(SEED);
    for round in 0..ROUNDS {
        read(&mutate(&texts[round % texts.len()], &mut random));
    }
}

#[test]
fn any_manifest_is_read_or_refused() {
    let text = r#"
        id = "offer"
        version = "1.0.0"
        hooks = ["pricing", "promotion"]
        grants = ["kv"]
        on_failure = "deny"
        limits = { fuel_max = 5000 }
        settings = { offers = [{ sku = "A", buy = 3 }], when = 2026-01-01 }
    "#;
    feed(&[text.into()], |text| {
        if let Err(error) = Manifest::parse(text) {
            assert!(!error.to_string().is_empty() && error.to_string().len() < 2_000, "{error}");
        }
    });
}

#[test]
fn any_recording_is_read_or_refused() {
    let plugin = misbehaving();
    let line = |sku: &str| {
        let input = pricing(one(sku));
        let scene = scene();
        Recording::of(plugin.origin(), scene.now, scene.seed, &input, &plugin.call(&scene, &input)).encode()
    };
    feed(&[line("LOOK"), line("COUNT"), line("TRAP"), line("CHEAPER")], |text| {
        if let Ok(recording) = Recording::decode(text) {
            assert_eq!(Recording::decode(&recording.encode()), Ok(recording));
        }
    });
}

#[test]
fn any_case_is_read_or_refused() {
    let text = r#"{"what": "x", "now": 5, "shop": {"products": [{"sku": "A"}], "positions": {"A": {"on_hand": 1}}},
        "kv": {"a": "b", "c": {"hex": "00ff"}}, "writes": {"a": null}, "expected": [{"alert": {"text": "x", "urgent": true}}],
        "input": {"hook": "reaction", "happening": "day-began", "context": {"settings": {"a": 1}}}}"#;
    assert!(Case::parse(text).is_ok(), "{:?}", Case::parse(text));
    feed(&[text.into()], |text| drop(Case::parse(text)));
}
