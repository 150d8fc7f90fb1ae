//! A policy as a signed artefact: it comes by a stick, goes only forward, and nothing opens a way past who answers for it.

use super::{
    hq::{Headquarters, Policy, order_of},
    orders::{config, courier, give},
};
use crate::{
    support::{
        api::Api,
        command::{aisle, run},
        store::Store,
        wait::eventually,
    },
    sync::{STORE, region},
};
use aisle_fleet::{Want, setting::Settings};
use aisle_harness::hub::Officer;
use serde_json::Value;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

async fn slot_that(store: &Store, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    eventually(what, PATIENCE, async || {
        let status = run(&mut aisle(&store.data(), ["fleet", "status", "--json"])).json();
        Some(status["report"]["slots"]["policy"].clone()).filter(|slot| is(slot))
    })
    .await
}

async fn follows(api: &Api, version: f64) {
    eventually(&format!("policy {version}"), PATIENCE, async || {
        (api.metric("aisle_sync_policy_version").await == Some(version)).then_some(())
    })
    .await;
}

/// The policy of the hub under another version.
fn text(policy: &str, version: u32) -> String {
    let line = policy.lines().find(|line| line.starts_with("version = ")).expect("it has a version");
    policy.replacen(line, &format!("version = {version}"), 1)
}

#[tokio::test]
async fn a_signed_policy_comes_into_force_and_neither_an_unsigned_one_nor_an_older_one_nor_none_does() {
    // There is a hub's key to believe, and no hub to call.
    let (mut hub, member) = region();
    hub.stop().expect("it stops");
    let store = Store::small();
    let mut node = store.start_with(&config(&member));
    let api = Api::new(node.url());
    api.ready().await;
    let mut hq = Headquarters::new();
    courier(&store, &["trust", &give(&store, "1.root.json", hq.root())]).exits(0);
    let mut apply = |generation: u64, policy: Option<&Policy>| {
        let want = policy.map_or(Want::Absent, Policy::want);
        if let Some(policy) = policy {
            hq.sign_policy(policy);
        }
        let order = order_of(STORE, generation, Some(want), Settings::new());
        let stick = give(&store, &format!("{generation}.aisle"), hq.stick_of(&order, policy));
        courier(&store, &["apply", &stick]).exits(0);
    };
    let signed = |version: u32, artefact: &str| {
        let text = text(hub.policy(), version);
        Policy::new(artefact, &text, &hub.officer().sign(&text))
    };

    apply(1, Some(&signed(50, "50.0.0")));
    slot_that(&store, "50 in its place", |slot| slot["running"]["version"] == "50.0.0").await;
    follows(&api, 50.0).await;

    // All keys of headquarters do not make up for that of the officer.
    let loose = text(hub.policy(), 51);
    let stranger = Officer::new().expect("a key").sign(&loose);
    apply(2, Some(&Policy::new("51.0.0", &loose, &stranger)));
    let slot = slot_that(&store, "51 refused", |slot| slot["phase"] == "refused").await;
    assert_eq!(slot["reasons"][0]["code"], "known-bad", "{slot}");
    let why = slot["reasons"][0]["fault"]["text"].as_str().unwrap_or_default();
    assert!(why.contains("none of the 1 trusted keys"), "{slot}");

    // An older one under a new number is an older one.
    apply(3, Some(&signed(49, "52.0.0")));
    let is_older = |slot: &Value| {
        let why = slot["reasons"][0]["fault"]["text"].as_str().unwrap_or_default();
        why.contains("older than version 50")
    };
    slot_that(&store, "49 refused", is_older).await;
    apply(4, Some(&signed(53, "54.0.0")));
    let is_other = |slot: &Value| {
        slot["reasons"][0]["fault"]["text"]
            .as_str()
            .unwrap_or_default()
            .contains("its artefact is of version 53.0.0")
    };
    slot_that(&store, "53 under another number refused", is_other).await;

    // It is durable, and stays where it is.
    node.kill().expect("it runs");
    node.start_again().expect("it starts with what it had");
    let api = Api::new(node.url());
    api.ready().await;
    follows(&api, 50.0).await;
    apply(5, None);
    let slot = slot_that(&store, "not taken away", |slot| slot["reasons"][0]["code"] == "only-forward").await;
    assert_eq!(slot["running"]["version"], "50.0.0", "{slot}");
    apply(6, Some(&signed(55, "55.0.0")));
    slot_that(&store, "55 in its place", |slot| slot["running"]["version"] == "55.0.0").await;
    follows(&api, 55.0).await;
}
