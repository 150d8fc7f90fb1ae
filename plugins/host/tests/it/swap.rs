//! Versions that change while they are asked.

use crate::{
    fixtures::{host, manifest, one, pricing, scene},
    made::{EMPTY_ANSWER, made_of, pricing_module},
};
use aisle_plugin_host::{Failure, Grant, Hook, Output, Plugin};
use arc_swap::ArcSwap;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    thread,
};

/// A version whose one price is its number.
fn version(number: u64) -> Arc<Plugin> {
    let module = pricing_module(
        "1",
        &format!(
            r#"(data (i32.const 3000) "because")
            (func (export "price") (param i32) (result i32)
                (i32.store (i32.const 1028) (i32.const 2048)) (i32.store (i32.const 1032) (i32.const 1))
                (i32.store (i32.const 2048) (i32.const 1)) (i64.store (i32.const 2056) (i64.const {number}))
                (i32.store (i32.const 2064) (i32.const 3000)) (i32.store (i32.const 2068) (i32.const 7))
                (i32.const 1024))"#
        ),
    );
    let mut manifest = manifest(Hook::Pricing);
    manifest.version = semver::Version::new(number, 0, 0);
    host().load(manifest, &made_of("pricing", &module)).expect("loads")
}

#[test]
fn sixty_four_callers_lose_double_or_mix_no_call_while_versions_swap_a_thousand_times() {
    const CALLERS: u64 = 64;
    let versions: Vec<Arc<Plugin>> = (1..=4).map(version).collect();
    let current = ArcSwap::new(versions[0].clone());
    let (answered, swapped, done) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|threads| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| {
                threads.spawn(|| {
                    let (scene, input) = (scene(), pricing(one("ANY")));
                    let mut asked = 0_u64;
                    while !done.load(SeqCst) {
                        let plugin = current.load_full();
                        asked += 1;
                        match plugin.call(&scene, &input).outcome {
                            Ok(Output::Pricing(items)) => {
                                assert_eq!(items.len(), 1);
                                assert_eq!(
                                    items[0].unit_price as u64,
                                    plugin.version().major,
                                    "an answer of another version"
                                );
                                answered.fetch_add(1, SeqCst);
                            }
                            other => panic!("{other:?}"),
                        }
                    }
                    asked
                })
            })
            .collect();
        for round in 1..=1_000_usize {
            // Freshly loaded now and then, so that versions are also dropped while they are asked.
            let next = if round % 100 == 0 {
                version(round as u64 / 100 % 4 + 1)
            } else {
                versions[round % 4].clone()
            };
            current.store(next);
            swapped.fetch_add(1, SeqCst);
            while answered.load(SeqCst) < round as u64 {
                thread::yield_now();
            }
        }
        done.store(true, SeqCst);
        let asked: u64 = callers.into_iter().map(|caller| caller.join().unwrap()).sum();
        assert_eq!(asked, answered.load(SeqCst));
    });
    assert_eq!(swapped.load(SeqCst), 1_000);
}

#[test]
fn traps_at_random_on_many_threads_harm_no_other_call() {
    // Traps, loops or answers, as the call's seed has it.
    let module = pricing_module(
        "1",
        r#"(func (export "price") (param i32) (result i32)
            (local $what i64)
            (local.set $what (i64.rem_u (call $next) (i64.const 3)))
            (if (i64.eqz (local.get $what)) (then (unreachable)))
            (if (i64.eq (local.get $what) (i64.const 1)) (then (loop $on (br $on))))
            (i32.const 1024))"#,
    )
    .replacen(
        "(module",
        r#"(module (import "aisle:plugin/random@0.1.0" "next" (func $next (result i64)))"#,
        1,
    );
    let mut wild = manifest(Hook::Pricing);
    wild.grants.insert(Grant::Random);
    wild.limits.fuel_max = 10_000;
    let wild = host().load(wild, &made_of("pricing", &module)).unwrap();
    let tame = host()
        .load(manifest(Hook::Pricing), &made_of("pricing", &pricing_module("1", EMPTY_ANSWER)))
        .unwrap();
    let seen = [const { AtomicU64::new(0) }; 3];
    thread::scope(|threads| {
        for thread in 0..8 {
            let (wild, tame, seen) = (&wild, &tame, &seen);
            threads.spawn(move || {
                for round in 0..200 {
                    let scene = aisle_plugin_host::Scene { seed: thread * 1000 + round, ..scene() };
                    let what = match wild.call(&scene, &pricing(one("ANY"))).outcome {
                        Err(Failure::Trap { .. }) => 0,
                        Err(Failure::OutOfFuel { .. }) => 1,
                        Ok(_) => 2,
                        Err(other) => panic!("{other:?}"),
                    };
                    seen[what].fetch_add(1, SeqCst);
                    assert!(tame.call(&scene, &pricing(one("ANY"))).outcome.is_ok());
                }
            });
        }
    });
    let seen: Vec<u64> = seen.iter().map(|count| count.load(SeqCst)).collect();
    assert!(seen.iter().all(|count| *count > 300), "{seen:?}");
}

#[test]
fn plugins_go_on_when_their_host_is_gone() {
    let config = aisle_plugin_host::HostConfig { calls_max: 2, ..Default::default() };
    let host = aisle_plugin_host::Host::new(config).unwrap();
    let plugin =
        host.load(manifest(Hook::Pricing), &made_of("pricing", &pricing_module("1", EMPTY_ANSWER))).unwrap();
    drop(host);
    assert!(plugin.call(&scene(), &pricing(one("ANY"))).outcome.is_ok());
}
