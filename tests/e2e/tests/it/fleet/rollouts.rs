//! The whole way: boxes enrol, headquarters signs a plugin and rolls it out in waves by the command that people use, and a bad one goes back by itself.

use crate::{
    plugins::shop::{component, manifest, three_for_two},
    support::{
        api::Api,
        command::{aisle, run, start},
        invoices::{DAY, HEADER},
        store::Store,
        wait::eventually,
    },
};
use aisle_harness::{
    hub::{Approval, Going, Headquarters, HubOptions, HubUnderTest, Person, Signed},
    node::NodeUnderTest,
};
use reqwest::Method;
use serde_json::Value;
use std::time::Duration;

pub(super) const PATIENCE: Duration = Duration::from_secs(120);
const GRANTS: &str = "grants = [\"log\", \"clock\", \"random\", \"catalog\", \"stock\", \"kv\"]";

/// A store with its node, which has enrolled.
pub(super) struct Shop {
    pub(super) store: Store,
    pub(super) node: NodeUnderTest,
}

fn config(serial: &str) -> String {
    format!(
        "[node]\nserial = \"{serial}\"\n[sync.line]\nreconnect_ms_max = 2000\n\
         [sync.outbox]\nsales_age_ms_max = 1000\n[artefacts]\nwatch_s = 1\ncalls_min = 4\n"
    )
}

impl Shop {
    pub(super) fn open(hub: &HubUnderTest, name: &str) -> Self {
        let store = Store::small();
        let more = format!("{HEADER}\n800000,TRAP,TRAP THING,1,{DAY} 12:00:00,1.00,,United Kingdom\n");
        store.import(&store.file("more.csv", more), &[]).exits(0);
        let (claim, serial) = (hub.claim(name).expect("a claim"), format!("box-{name}"));
        let config = config(&serial);
        let file = store.file("claim.toml", config.as_str()).display().to_string();
        let mut command = aisle(&store.data(), ["claim", "--config", &file, &claim]);
        start(&mut command).finish().exits(0);
        let node = store.start_with(&config);
        Self { store, node }
    }

    pub(super) fn api(&self) -> Api {
        Api::new(self.node.url())
    }

    pub(super) fn slot(&self) -> Value {
        self.slot_of("plugin/multi-buy")
    }

    /// How a place stands, by the node's own command.
    pub(super) fn slot_of(&self, slot: &str) -> Value {
        let status = run(&mut aisle(&self.store.data(), ["fleet", "status", "--json"])).json();
        status["report"]["slots"][slot].clone()
    }

    /// Shoppers: each look at the basket asks the plugin.
    pub(super) async fn shop(&self, sku: &str, looks: usize) -> Value {
        let api = self.api();
        let session = api.session().await;
        let mut basket = api.set(&session, sku, 3).await.json(200);
        for _ in 0..looks {
            basket = api.get(&format!("/v1/sessions/{session}/basket")).await.json(200);
        }
        basket
    }
}

pub(super) fn document(rollout: &str, signed: &Signed) -> String {
    let Signed { version, blake3, bytes } = signed;
    format!(
        "rollout:\n  rollout: {rollout}\n  why: an offer on tea\n  who: '*'\n  set:\n    plugin/multi-buy: \
         {{ version: {version}, hash: {blake3}, bytes: {bytes} }}\n  waves:\n    - {{ name: pilot, who: pilot }}\n    - {{ name: rest }}\n  \
         gates: {{ calls_min: 4 }}\n"
    )
}

pub(super) async fn begin(hq: &Headquarters, rollout: &str, signed: &Signed) {
    hq.apply(Person::Olga, &document(rollout, signed)).expect("it is written down");
    eventually("it is under way", PATIENCE, async || {
        hq.urge(rollout).expect("the hub answers").then_some(())
    })
    .await;
}

/// Lets shoppers in until a rollout is so far.
pub(super) async fn until(
    hq: &Headquarters,
    shops: [&Shop; 2],
    sku: &str,
    rollout: &str,
    phase: &str,
) -> Going {
    eventually(&format!("`{rollout}` is {phase}"), PATIENCE, async || {
        for shop in shops {
            shop.shop(sku, 3).await;
        }
        Some(hq.going(rollout).expect("the hub answers")).filter(|going| going.phase == phase)
    })
    .await
}

pub(super) fn folder(store: &Store, name: &str, toml: &str, from: &str) -> std::path::PathBuf {
    let file = store.file(&format!("{name}/plugin.toml"), toml);
    store.file(&format!("{name}/plugin.wasm"), component(from));
    file.parent().expect("a folder").to_owned()
}

#[tokio::test]
async fn a_good_plugin_goes_through_its_waves_and_a_bad_one_goes_back_by_itself() {
    let hub = HubUnderTest::start(HubOptions { enrolment: Some(Approval::Auto), ..HubOptions::default() })
        .expect("the hub serves");
    hub.sign_artefacts().expect("the ceremony is held");
    let hq = hub.headquarters().expect("people");
    let (one, two) = (Shop::open(&hub, "berlin-1"), Shop::open(&hub, "berlin-2"));
    hq.fleet(Person::Olga, &["label", "berlin-1", "pilot="]).expect("a label");

    // A good one: first the pilot, then everybody, each when it has really been called.
    let good = folder(&one.store, "good", &three_for_two("1.0.0", "TEA-1"), "multi-buy");
    let good = hq.sign("multi-buy", "1.0.0", &good).expect("it is signed");
    begin(&hq, "tea-1", &good).await;
    let done = until(&hq, [&one, &two], "TEA-1", "tea-1", "done").await;
    let said = done.history.join("\n");
    for words in
        ["wave `pilot` begins with 1 nodes", "wave `pilot` is through", "wave `rest` begins with 1 nodes"]
    {
        assert!(said.contains(words), "no `{words}`:\n{said}");
    }
    for shop in [&one, &two] {
        assert_eq!(shop.slot()["good"]["version"], "1.0.0", "{}", shop.slot());
        assert_eq!(shop.shop("TEA-1", 0).await["total"]["minor"], 500, "three for two");
    }

    // A bad one traps in live traffic: the pilot gives it up, the rollout stops and goes back, and the other store never has it.
    let bad = folder(&one.store, "bad", &manifest("multi-buy", "2.0.0", "promotion", GRANTS), "misbehaving");
    let bad = hq.sign("multi-buy", "2.0.0", &bad).expect("it is signed");
    begin(&hq, "tea-2", &bad).await;
    let back = until(&hq, [&one, &two], "TRAP", "tea-2", "rolled-back").await;
    assert!(back.why.contains("failures"), "{back:?}");
    let node = run(&mut aisle(&two.store.data(), ["plugin", "show", "multi-buy", "--json"])).exits(0).stdout;
    assert!(!node.contains("2.0.0"), "it never was there: {node}");
    eventually("the pilot runs what it ran before", PATIENCE, async || {
        (one.slot()["running"]["version"] == "1.0.0").then_some(())
    })
    .await;
    assert_eq!(one.shop("TEA-1", 0).await["total"]["minor"], 500, "three for two still");

    // Headquarters sees why, and who did what is written down.
    let shown = hq.fleet(Person::Olga, &["rollout", "show", "tea-2"]).expect("it is shown");
    assert!(shown.contains("trapped"), "{shown}");
    let at_hub = Api::new(&hub.url());
    let token = hub.token().expect("a token");
    let audit = at_hub.request(Method::GET, "/v1/audit?limit=1000").bearer_auth(token);
    let audit = Api::send(audit).await.json(200);
    let did = |name: &str, object: &str| {
        let rows = audit["items"].as_array().expect("rows");
        rows.iter().any(|row| row["actor_name"] == name && row["object"] == object)
    };
    assert!(did("Olga", "rollout/tea-1") && did("rules", "rollout/tea-2"), "{audit}");
}
