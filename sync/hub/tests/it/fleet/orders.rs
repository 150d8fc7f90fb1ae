//! Orders: what stands in them, how they are named, and when a store gets none.

use super::world::{SLOT, World, key, spec, waves};
use crate::people::hall::Hall;
use aisle_content::{Manifest, Order};
use aisle_event::StoreId;
use aisle_fleet::{ContentHash, DesiredState};
use aisle_residency::signing::Signature;
use reqwest::StatusCode;
use serde_json::{Value, json};

pub async fn order(world: &World<'_>, store: &str) -> (Order, Manifest) {
    let store = StoreId::new(store).unwrap();
    let row = world.database().desired(&store).await.unwrap().unwrap();
    let good = |message: &[u8], signature: &[u8; 64]| {
        key().verifying_key().verifies(message, &Signature(*signature))
    };
    let order = Order::open(&row.manifest, &store, good).unwrap();
    let manifest = Manifest::decode(&order.manifest).unwrap();
    assert_eq!(manifest.generation(), row.generation);
    (order, manifest)
}

pub async fn an_order_is_signed_and_names_each_slot_and_state(hall: &Hall) {
    let mut world = World::new(hall, 1).await;
    let old = world.release("1.0.0").await;
    world.everybody_has(&old).await;
    let (order, manifest) = order(&world, "store-00").await;
    let [item] = manifest.items() else { panic!("{manifest:?}") };
    assert_eq!((item.name.as_str(), item.version.as_str()), (SLOT, "1.0.0"));
    assert_eq!((item.content.hash.0, item.content.bytes), (old.hash.0, old.bytes));
    let mine = order.node("node-1").unwrap();
    let state = DesiredState::decode(&mine.state).unwrap();
    assert_eq!(state.slots.len(), 1);
    let kept = world.database().fleet_node("store-00", "node-1").await.unwrap().unwrap().stamp.unwrap();
    assert_eq!((kept.version, kept.hash), (mine.version, ContentHash::of(&mine.state)));
    // Pages show what stands in it.
    let shown = world.machine.get("/v1/stores/store-00/desired").await;
    assert_eq!(
        (shown.status, &shown.json["items"][0]["name"]),
        (StatusCode::OK, &json!(SLOT)),
        "{}",
        shown.json
    );
}

pub async fn two_versions_in_one_store_have_two_names(hall: &Hall) {
    let mut world = World::new(hall, 1).await;
    world.enrol_box("store-00", "node-2").await;
    let (old, new) = (world.release("1.0.0").await, world.release("1.1.0").await);
    world.everybody_has(&new).await;
    let pinned = json!({ "store": "store-00", "serial": "node-2", "why": "old till", "says": { "artefacts": { (SLOT): old } } });
    assert_eq!(world.put("/v1/overrides/store-00/node-2", &pinned).await.status, StatusCode::CREATED);
    world.pass(1).await;
    let (order, manifest) = order(&world, "store-00").await;
    let names: Vec<(&str, &str)> =
        manifest.items().iter().map(|item| (item.name.as_str(), item.version.as_str())).collect();
    let other = format!("{SLOT}+{}", &old.hash.to_string()[..12]);
    assert_eq!(names, [(SLOT, "1.1.0"), (other.as_str(), "1.0.0")]);
    assert_eq!(order.nodes.len(), 2);
    assert_ne!(order.nodes[0].state, order.nodes[1].state);
    for _ in 0..6 {
        world.pass(5).await;
    }
    assert_eq!(world.running(), ["1.1.0", "1.0.0"]);
    // What a rollout brings is the newer one, whatever its number says.
    let lower = world.release("0.9.0").await;
    world.start(&spec("back", &lower, json!([{ "name": "all", "who": "serial=node-1" }]))).await;
    let (_, manifest) = self::order(&world, "store-00").await;
    let versions: Vec<&str> = manifest.items().iter().map(|item| item.version.as_str()).collect();
    assert_eq!(versions, ["0.9.0", "1.0.0"]);
}

pub async fn what_is_not_at_the_hub_is_in_no_order_and_stops_a_preflight(hall: &Hall) {
    let mut world = World::new(hall, 4).await;
    let old = world.release("1.0.0").await;
    world.everybody_has(&old).await;
    let missing = json!({ "version": "2.0.0", "hash": "ab".repeat(32), "bytes": 1000 });
    let group = json!({ "name": "first", "priority": 9, "who": "store=store-00", "says": { "artefacts": { (SLOT): missing } } });
    assert!(world.put("/v1/groups/first", &group).await.status.is_success());
    world.pass(5).await;
    let (order, manifest) = order(&world, "store-00").await;
    assert!(manifest.items().is_empty(), "{manifest:?}");
    let state = DesiredState::decode(&order.node("node-1").unwrap().state).unwrap();
    assert!(state.slots.is_empty(), "what cannot be fetched is not asked for: the node keeps what it runs");
    for _ in 0..4 {
        world.pass(5).await;
    }
    assert_eq!(world.nodes[0].runs(SLOT).as_deref(), Some("1.0.0"));
    let mut rollout = spec("spring", &old, waves());
    rollout["set"][SLOT] = missing;
    world.draft(&rollout).await;
    let found = world.say("spring", "preflight", &json!({})).await;
    assert_eq!(found.json["rollout"]["phase"]["phase"], "draft");
    assert_eq!(found.json["preflight"]["missing"], json!([format!("{SLOT} 2.0.0")]));
    let refusal = found.json["preflight"]["preflight"]["refusal"].as_str().unwrap();
    assert!(refusal.contains("not at this hub"), "{refusal}");
    assert_eq!(world.say("spring", "start", &json!({})).await.status, StatusCode::CONFLICT);
}

pub async fn a_store_of_which_nobody_says_anything_keeps_what_it_was_given(hall: &Hall) {
    let mut world = World::new(hall, 2).await;
    let store = world.nodes[0].store.clone();
    let other = world.nodes[1].store.clone();
    world.database().set_desired(&store, 4, b"by hand").await.unwrap();
    world.engine.look().await.unwrap();
    assert_eq!(world.database().desired(&store).await.unwrap().unwrap().manifest, b"by hand");
    assert_eq!(world.database().desired(&other).await.unwrap(), None);
    // Once something is said of it, what is said counts; also over what somebody sets by hand later.
    let old = world.release("1.0.0").await;
    world.nodes.iter_mut().for_each(|node| node.is_online = false);
    let group = json!({ "name": "every", "who": "*", "says": { "artefacts": { (SLOT): old } } });
    assert!(world.put("/v1/groups/every", &group).await.status.is_success());
    assert_eq!(world.engine.look().await.unwrap().orders, 2);
    let row = world.database().desired(&store).await.unwrap().unwrap();
    assert!(row.generation > 4 && Order::is_one(&row.manifest));
    world.database().set_desired(&store, row.generation + 1, b"by hand").await.unwrap();
    hall.pass(10_000);
    assert_eq!(world.engine.look().await.unwrap().orders, 1);
    assert!(Order::is_one(&world.database().desired(&store).await.unwrap().unwrap().manifest));
    let nothing: Value = world.machine.get("/v1/rollouts").await.json;
    assert_eq!(nothing["items"], json!([]));
}
