//! Rollouts from their draft to their end.

use super::world::{SLOT, World, spec, waves};
use crate::{
    people::hall::Hall,
    shop::{Outbox, sale},
};
use aisle_event::Event;
use serde_json::{Value, json};

pub async fn a_good_release_is_done_when_every_store_has_really_run_it(hall: &Hall) {
    let mut world = World::new(hall, 6).await;
    let (old, new) = (world.release("1.0.0").await, world.release("1.1.0").await);
    world.everybody_has(&old).await;
    assert_eq!(world.count("1.0.0"), 6);
    world.start(&spec("spring", &new, waves())).await;
    world.pass(1).await;
    assert_eq!(world.count("1.1.0"), 2, "the first wave and nobody else: {:?}", world.running());
    world.pass(1).await;
    assert_eq!(world.phase("spring").await, "running");
    assert_eq!(
        world.rollout("spring").await["rollout"]["waves"][0]["tally"]["passed"],
        0,
        "it has proved nothing yet"
    );
    world.until("spring", "done").await;
    assert_eq!(world.count("1.1.0"), 6);
    let detail = world.rollout("spring").await;
    assert_eq!(detail["rollout"]["tally"]["passed"], 6);
    let events = world.machine.get("/v1/rollouts/spring/events").await.json;
    let whats: Vec<&str> = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .map(|event| event["what"].as_str().unwrap())
        .collect();
    let position = |what: &str| whats.iter().position(|one| *one == what).unwrap();
    assert!(
        position("draft") < position("start") && position("start") < position("wave-started"),
        "{whats:?}"
    );
    assert_eq!(whats.iter().filter(|what| **what == "wave-passed").count(), 2, "{whats:?}");
    // Nothing changes any more, and no order is given again.
    let before = world.database().desired(&world.nodes[0].store).await.unwrap().unwrap().generation;
    for _ in 0..3 {
        assert_eq!(world.pass(5).await.orders, 0);
    }
    assert_eq!(world.database().desired(&world.nodes[0].store).await.unwrap().unwrap().generation, before);
    let member = world.machine.get("/v1/members/store-00/node-1").await.json;
    assert_eq!(member["member"]["phase"], "settled");
    assert_eq!(member["member"]["horizon"]["what"], "certificate", "the nearest one: {member}");
    assert_eq!(member["is_told"], true);
    assert_eq!(member["desired"]["why"][SLOT]["source"], json!({ "by": "rollout", "rollout": "spring" }));
}

pub async fn a_bad_release_stops_in_its_first_wave_and_goes_back_by_itself(hall: &Hall) {
    let mut world = World::new(hall, 6).await;
    let (old, bad) = (world.release("1.0.0").await, world.release("1.1.0").await);
    world.everybody_has(&old).await;
    for node in &mut world.nodes {
        node.refuses.insert(bad.hash);
    }
    world.start(&spec("spring", &bad, waves())).await;
    world.until("spring", "rolled-back").await;
    assert_eq!(world.count("1.0.0"), 6);
    let detail = world.rollout("spring").await;
    assert_eq!(detail["rollout"]["waves"][1]["started_at"], Value::Null, "no second wave: {detail}");
    let why = detail["rollout"]["phase"]["why"].as_str().unwrap();
    assert!(why.contains("failures: 2 of 2"), "{why}");
    let events = world.machine.get("/v1/rollouts/spring/events").await.json.to_string();
    assert!(events.contains("wave-stopped") && events.contains("\"actor\":\"rules\""), "{events}");
}

pub async fn an_offline_store_neither_passes_nor_fails_and_joins_when_it_comes(hall: &Hall) {
    let mut world = World::new(hall, 5).await;
    let (old, new) = (world.release("1.0.0").await, world.release("1.1.0").await);
    world.everybody_has(&old).await;
    world.go(3).await;
    for _ in 0..10 {
        world.pass(5).await;
    }
    world.start(&spec("spring", &new, waves())).await;
    world.until("spring", "settling").await;
    for _ in 0..10 {
        world.pass(5).await;
    }
    let detail = world.rollout("spring").await;
    let tally = &detail["rollout"]["tally"];
    assert_eq!(
        (&tally["passed"], &tally["offline"], &tally["failed"]),
        (&json!(4), &json!(1), &json!(0)),
        "{detail}"
    );
    assert_eq!(world.phase("spring").await, "settling", "not done while one has not run it");
    assert_eq!(world.nodes[3].runs(SLOT).as_deref(), Some("1.0.0"));
    world.come(3).await;
    world.until("spring", "done").await;
    assert_eq!(world.count("1.1.0"), 5);
}

pub async fn a_store_that_enrols_later_joins_and_one_to_compare_with_does_not(hall: &Hall) {
    let mut world = World::new(hall, 6).await;
    let (old, new) = (world.release("1.0.0").await, world.release("1.1.0").await);
    world.everybody_has(&old).await;
    world.start(&spec("some", &new, json!([{ "name": "three", "size": 3 }]))).await;
    world.until("some", "done").await;
    for _ in 0..4 {
        world.pass(5).await;
    }
    assert_eq!(world.count("1.1.0"), 3, "the others are compared with, and stay as they are");
    world.enrol("store-new").await;
    world.pass(5).await;
    assert_eq!(world.phase("some").await, "settling");
    world.until("some", "done").await;
    assert_eq!(world.nodes[6].runs(SLOT).as_deref(), Some("1.1.0"));
    assert_eq!(world.count("1.1.0"), 4);
    // One that is banned takes no part any more.
    let banned =
        aisle_hub::database::RegisteredNode { is_banned: true, ..Outbox::new("store-new", 1).node() };
    world.nodes[6].is_online = false;
    world.database().register(&banned).await.unwrap();
    world.pass(5).await;
    assert_eq!(world.rollout("some").await["rollout"]["tally"]["members"], 3);
}

pub async fn stores_that_have_it_already_are_not_waited_for(hall: &Hall) {
    let mut world = World::new(hall, 4).await;
    let new = world.release("1.1.0").await;
    world.everybody_has(&new).await;
    // Nothing changes for anybody, so nobody has anything new to say.
    for node in &mut world.nodes {
        node.is_online = true;
    }
    world.start(&spec("spring", &new, waves())).await;
    for _ in 0..8 {
        // No report is made here: only the hub looks.
        hall.pass(5 * 60_000);
        world.engine.look().await.unwrap();
    }
    assert_eq!(world.phase("spring").await, "done");
}

pub async fn worse_baskets_than_in_stores_like_it_stop_a_wave(hall: &Hall) {
    let mut world = World::new(hall, 8).await;
    let (old, new) = (world.release("1.0.0").await, world.release("1.1.0").await);
    world.everybody_has(&old).await;
    let mut spec = spec("spring", &new, json!([{ "name": "half", "size": 4, "soak_minutes": 2880 }]));
    spec["gates"]["business"] =
        json!([{ "metric": "basket-value", "worse": "lower", "tolerance": 20, "periods_min": 3 }]);
    world.draft(&spec).await;
    world.say("spring", "preflight", &json!({})).await;
    world.say("spring", "approve", &json!({})).await;
    let treated = world.wave("spring", "half").await;
    assert_eq!(treated.len(), 4);
    // A day of sales as ever in all stores; then, from the start on, a third less in those with the release.
    const HOUR: i64 = 3_600_000;
    let start = (hall.now() / HOUR + 1) * HOUR;
    for at in 0..world.nodes.len() {
        let mut outbox = Outbox::new(world.nodes[at].store.as_str(), 1);
        let mut sales: Vec<(u64, Event)> = Vec::new();
        for hour in -24_i64..24 {
            for number in 0..4_i64 {
                let at_ms = (start + hour * HOUR + number * 600_000) as u64;
                let Event::SaleRecorded(mut record) = sale((hour + 30) as u64 * 10 + number as u64, at_ms)
                else {
                    panic!()
                };
                let worse = if hour >= 0 && treated.contains(&at) { 700 } else { 1_000 };
                record.lines[0].quantity = aisle_event::Quantity::each(1);
                record.lines[0].unit_price.minor = worse + hour.rem_euclid(3);
                sales.push((at_ms, record.into()));
            }
        }
        let batch = outbox.seal(sales);
        outbox.admit(world.database(), &[&batch]).await.unwrap();
    }
    hall.pass(start - hall.now());
    assert!(world.say("spring", "start", &json!({})).await.status.is_success());
    for _ in 0..140 {
        world.pass(10).await;
        if world.phase("spring").await != "running" {
            break;
        }
    }
    let detail = world.rollout("spring").await;
    assert!(["rolling-back", "rolled-back"].contains(&world.phase("spring").await.as_str()), "{detail:#}");
    assert!(detail["rollout"]["phase"]["why"].as_str().unwrap().contains("basket-value"), "{detail:#}");
}

pub async fn the_one_that_was_started_later_counts(hall: &Hall) {
    let mut world = World::new(hall, 4).await;
    let (one, two) = (world.release("1.1.0").await, world.release("1.2.0").await);
    // Written first, and started last.
    world.draft(&spec("first", &one, waves())).await;
    world.start(&spec("second", &two, waves())).await;
    world.until("second", "done").await;
    assert_eq!(world.count("1.2.0"), 4);
    for verb in ["preflight", "approve", "start"] {
        let said = world.say("first", verb, &json!({})).await;
        assert!(said.status.is_success(), "{verb}: {}", said.json);
    }
    world.until("first", "done").await;
    assert_eq!(world.count("1.1.0"), 4);
    let list = world.machine.get("/v1/rollouts").await.json;
    assert_eq!(list["items"][0]["rollout"]["rollout"], "first");
}

pub async fn what_is_done_is_written_again_only_when_something_is_to_be_seen_of_it(hall: &Hall) {
    let mut world = World::new(hall, 4).await;
    let (old, new) = (world.release("1.0.0").await, world.release("1.1.0").await);
    world.everybody_has(&old).await;
    world.start(&spec("spring", &new, waves())).await;
    world.until("spring", "done").await;
    let before = world.rollout("spring").await["version"].clone();
    for _ in 0..3 {
        // They are called all the time, and say so.
        assert_eq!(world.pass(5).await.rollouts, 0);
    }
    assert_eq!(world.rollout("spring").await["version"], before);
    // One is told otherwise: that takes nothing back of what the rollout has done.
    let held = json!({ "store": "store-01", "why": "trial", "says": { "artefacts": { (SLOT): old } } });
    assert!(world.put("/v1/overrides/store-01", &held).await.status.is_success());
    for _ in 0..4 {
        world.pass(5).await;
    }
    let detail = world.rollout("spring").await;
    assert_eq!((&detail["version"], &detail["rollout"]["tally"]["passed"]), (&before, &json!(4)));
    // One that comes is to have it, too: that is to be seen.
    world.enrol("store-new").await;
    world.until("spring", "settling").await;
    assert_ne!(world.rollout("spring").await["version"], before);
}
