//! Hubs that are killed, hubs that share a database, hubs that sleep.

use super::world::{Broken, World, parts, spec, waves};
use crate::people::hall::Hall;
use aisle_hub::{
    Database,
    database::Bounds,
    fleet::{Engine, Looked, Parts},
    http::Clock,
};
use serde_json::json;
use std::sync::Arc;

pub async fn a_hub_that_is_killed_before_the_order_goes_on_with_it(hall: &Hall) {
    let mut world = World::new(hall, 4).await;
    let (old, new) = (world.release("1.0.0").await, world.release("1.1.0").await);
    world.everybody_has(&old).await;
    world.draft(&spec("spring", &new, waves())).await;
    for verb in ["preflight", "approve", "start"] {
        assert!(world.say("spring", verb, &json!({})).await.status.is_success(), "{verb}");
    }
    // The rules take it in, and then everything ends before any order is made.
    let clock = hall.one.api.clock.clone();
    let dying = Parts { metadata: Arc::new(Broken), ..parts(world.database(), "hub-1", clock.clone()) };
    Engine::new(dying).look().await.unwrap_err();
    let orders = |world: &World<'_>| {
        let (database, stores) =
            (world.database().clone(), world.nodes.iter().map(|node| node.store.clone()).collect::<Vec<_>>());
        async move {
            let mut generations = Vec::new();
            for store in stores {
                generations.push(database.desired(&store).await.unwrap().unwrap().generation);
            }
            generations
        }
    };
    let before = orders(&world).await;
    // The same hub comes up again, over the same rows.
    let again = Database::open(world.database().location(), &Bounds::default()).await.unwrap();
    world.engine = Engine::new(parts(&again, "hub-1", clock));
    let looked = world.engine.look().await.unwrap();
    assert_eq!((looked.is_mine, looked.orders), (true, 2), "{looked:?}");
    let after = orders(&world).await;
    assert_eq!(before.iter().zip(&after).filter(|(before, after)| before < after).count(), 2);
    world.until("spring", "done").await;
    again.close().await;
}

pub async fn the_rules_work_at_one_hub_and_at_another_when_it_is_gone(hall: &Hall) {
    let mut world = World::new(hall, 4).await;
    let (old, new) = (world.release("1.0.0").await, world.release("1.1.0").await);
    world.everybody_has(&old).await;
    world.start(&spec("spring", &new, waves())).await;
    let clock = hall.two.api.clock.clone();
    let mut other = Engine::new(parts(&hall.two.api.database, "hub-2", clock));
    assert_eq!(other.look().await.unwrap(), Looked::default(), "the other hub has the lease");
    // The first hub dies: its lease runs out, and the second takes over in the middle.
    hall.pass(20_001);
    assert!(other.look().await.unwrap().is_mine);
    assert_eq!(world.engine.look().await.unwrap(), Looked::default());
    std::mem::swap(&mut world.engine, &mut other);
    world.until("spring", "done").await;
    assert_eq!(world.count("1.1.0"), 4);
    let term = world.database().fleet_lease().await.unwrap().term;
    assert_eq!(term, 2, "it was taken over once");
}

pub async fn a_hub_that_slept_writes_nothing_more(hall: &Hall) {
    let mut world = World::new(hall, 4).await;
    let (old, new) = (world.release("1.0.0").await, world.release("1.1.0").await);
    world.everybody_has(&old).await;
    // A hub whose clock stands: it believes for ever that its lease holds.
    let stands = hall.now() + 60_000;
    hall.pass(60_000);
    let mut asleep = Engine::new(parts(world.database(), "hub-3", Clock::new(move || stands)));
    assert!(asleep.look().await.unwrap().is_mine);
    hall.pass(60_000);
    assert!(world.engine.look().await.unwrap().is_mine);
    world.draft(&spec("spring", &new, waves())).await;
    for verb in ["preflight", "approve", "start"] {
        assert!(world.say("spring", verb, &json!({})).await.status.is_success(), "{verb}");
    }
    let before = world.rollout("spring").await["version"].clone();
    assert_eq!(asleep.look().await.unwrap(), Looked::default(), "it is seen in the rows that another has it");
    assert_eq!(world.rollout("spring").await["version"], before);
    assert!(world.engine.look().await.unwrap().orders > 0);
}

pub async fn whoever_has_waited_longest_is_heard_first(hall: &Hall) {
    let mut world = World::new(hall, 0).await;
    for number in 0..1_000 {
        let store = format!("store-{number:04}");
        let node = crate::shop::Outbox::new(&store, 1).node();
        world.database().register(&node).await.unwrap();
        world.nodes.push(super::node::Node::new(&store, "node-1"));
    }
    world.enrol("zz-last").await;
    // As many as a look hears say something new before each, and go on doing so.
    for _ in 0..2 {
        for at in 0..1_000 {
            world.report(at).await;
        }
        assert!(world.engine.look().await.unwrap().is_mine);
    }
    let news = world.database().fleet_news(1_000).await.unwrap();
    let waiting: Vec<&str> = news.iter().map(|(store, ..)| store.as_str()).collect();
    assert!(waiting.is_empty(), "nobody was heard twice before all were heard once: {waiting:?}");
}

pub async fn what_the_rules_do_is_told_in_metrics(hall: &Hall) {
    let mut world = World::new(hall, 4).await;
    let mut registry = prometheus_client::registry::Registry::default();
    let clock = hall.one.api.clock.clone();
    world.engine = Engine::new(parts(world.database(), "hub-1", clock.clone())).counted(&mut registry);
    let mut others = prometheus_client::registry::Registry::default();
    let mut other = Engine::new(parts(&hall.two.api.database, "hub-2", clock)).counted(&mut others);
    let told = |registry: &prometheus_client::registry::Registry, line: &str| {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, registry).unwrap();
        assert!(text.lines().any(|known| known == line), "{line}\n{text}");
    };
    let (old, new) = (world.release("1.0.0").await, world.release("1.1.0").await);
    world.everybody_has(&old).await;
    told(&registry, "aisle_hub_members{phase=\"settled\"} 4");
    told(&registry, "aisle_hub_members{phase=\"silent\"} 0");
    told(&registry, "aisle_hub_orders_total 4");
    told(&registry, "aisle_hub_rollouts{phase=\"running\"} 0");
    for node in &mut world.nodes {
        node.refuses.insert(new.hash);
    }
    let waves = json!([{ "name": "canary", "size": 2, "on_failure": "pause" }, { "name": "rest" }]);
    world.start(&spec("spring", &new, waves)).await;
    told(&registry, "aisle_hub_rollouts{phase=\"running\"} 1");
    world.until("spring", "paused").await;
    for line in [
        "aisle_hub_rollouts{phase=\"paused\"} 1",
        "aisle_hub_rollouts{phase=\"running\"} 0",
        "aisle_hub_rollouts_held 1",
        "aisle_hub_rules_held 1",
        "aisle_hub_rules_failures_total 0",
    ] {
        told(&registry, line);
    }
    told(&registry, &format!("aisle_hub_rules_looked_seconds {}", hall.now() / 1_000));
    // Who has not the lease tells nothing of the fleet, so that nothing is counted twice.
    other.look().await.unwrap();
    told(&others, "aisle_hub_rules_held 0");
    hall.pass(20_001);
    other.look().await.unwrap();
    told(&others, "aisle_hub_rollouts_held 1");
    world.engine.look().await.unwrap();
    told(&registry, "aisle_hub_rules_held 0");
    told(&registry, "aisle_hub_rollouts_held 0");
}
