//! What people say to a rollout that goes on.

use super::world::{SLOT, World, spec, waves};
use crate::people::hall::Hall;
use reqwest::StatusCode;
use serde_json::json;

pub async fn what_is_paused_begins_nowhere_and_goes_on_when_it_is_resumed(hall: &Hall) {
    let mut world = World::new(hall, 6).await;
    let (old, new) = (world.release("1.0.0").await, world.release("1.1.0").await);
    world.everybody_has(&old).await;
    world.start(&spec("spring", &new, waves())).await;
    let why = json!({ "why": "it is the week before Easter" });
    assert_eq!(world.say("spring", "pause", &json!({})).await.status, StatusCode::BAD_REQUEST, "say why");
    assert_eq!(world.say("spring", "pause", &why).await.status, StatusCode::OK);
    world.engine.look().await.unwrap();
    for _ in 0..8 {
        world.pass(5).await;
    }
    assert_eq!((world.count("1.0.0"), world.phase("spring").await.as_str()), (6, "paused"));
    let refused = world.say("spring", "pause", &why).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.json["detail"].as_str().unwrap().contains("`resume`"), "{}", refused.json);
    assert_eq!(world.say("spring", "resume", &json!({})).await.status, StatusCode::OK);
    world.until("spring", "done").await;
    assert_eq!(world.count("1.1.0"), 6);
}

pub async fn a_person_lets_a_wave_through_that_waits(hall: &Hall) {
    let mut world = World::new(hall, 5).await;
    let (old, new) = (world.release("1.0.0").await, world.release("1.1.0").await);
    world.everybody_has(&old).await;
    let waves = json!([{ "name": "canary", "size": 1, "asks": true }, { "name": "rest" }]);
    world.start(&spec("spring", &new, waves)).await;
    for _ in 0..10 {
        world.pass(5).await;
    }
    assert_eq!((world.count("1.1.0"), world.phase("spring").await.as_str()), (1, "running"), "it asks");
    assert_eq!(world.say("spring", "promote", &json!({})).await.status, StatusCode::OK);
    world.until("spring", "done").await;
    assert_eq!(world.count("1.1.0"), 5);
    // What is done can go back all the same.
    let why = json!({ "why": "shoppers do not like it" });
    assert_eq!(world.say("spring", "rollback", &why).await.status, StatusCode::OK);
    world.until("spring", "rolled-back").await;
    assert_eq!(world.count("1.0.0"), 5);
}

pub async fn what_is_aborted_runs_where_it_runs_and_goes_nowhere_else(hall: &Hall) {
    let mut world = World::new(hall, 5).await;
    let (old, new) = (world.release("1.0.0").await, world.release("1.1.0").await);
    world.everybody_has(&old).await;
    let waves = json!([{ "name": "canary", "size": 2, "asks": true }, { "name": "rest" }]);
    world.start(&spec("spring", &new, waves)).await;
    for _ in 0..6 {
        world.pass(5).await;
    }
    assert_eq!(world.say("spring", "abort", &json!({ "why": "another comes" })).await.status, StatusCode::OK);
    for _ in 0..4 {
        world.pass(5).await;
    }
    assert_eq!((world.count("1.1.0"), world.count("1.0.0")), (2, 3));
    assert_eq!(world.phase("spring").await, "aborted");
}

pub async fn nodes_that_failed_try_again_and_a_store_can_be_left_out(hall: &Hall) {
    let mut world = World::new(hall, 4).await;
    let (old, new) = (world.release("1.0.0").await, world.release("1.1.0").await);
    world.everybody_has(&old).await;
    let mut spec = spec("spring", &new, json!([{ "name": "all", "on_failure": "pause" }]));
    spec["gates"]["failed_percent_max"] = json!(60);
    for at in [1, 2] {
        world.nodes[at].refuses.insert(new.hash);
    }
    world.start(&spec).await;
    for _ in 0..8 {
        world.pass(5).await;
    }
    let detail = world.rollout("spring").await;
    assert_eq!(detail["rollout"]["tally"]["failed"], 2, "{detail:#}");
    assert_eq!(detail["rollout"]["causes"][0]["cause"]["code"], "smoke-test-failed");
    assert_eq!(detail["rollout"]["causes"][0]["count"], 2);
    // One is repaired; the other is left out.
    world.nodes[1].refuses.clear();
    assert_eq!(world.say("spring", "retry-failed", &json!({})).await.status, StatusCode::OK);
    let left_out = json!({ "store": "store-02", "why": "its till is of 2009" });
    assert_eq!(world.say("spring", "exclude", &left_out).await.status, StatusCode::OK);
    assert_eq!(
        world.say("spring", "exclude", &json!({ "store": "nowhere", "why": "x" })).await.status,
        StatusCode::CONFLICT
    );
    world.until("spring", "done").await;
    assert_eq!(world.running(), ["1.1.0", "1.1.0", "1.0.0", "1.1.0"]);
    assert_eq!(world.rollout("spring").await["excluded"]["store-02"], "its till is of 2009");
}

pub async fn two_rollouts_of_one_slot_do_not_run_at_once(hall: &Hall) {
    let mut world = World::new(hall, 4).await;
    let (one, two) = (world.release("1.1.0").await, world.release("1.2.0").await);
    world.start(&spec("first", &one, waves())).await;
    world.draft(&spec("second", &two, waves())).await;
    for verb in ["preflight", "approve"] {
        assert_eq!(world.say("second", verb, &json!({})).await.status, StatusCode::OK);
    }
    let refused = world.say("second", "start", &json!({})).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    let detail = refused.json["detail"].as_str().unwrap();
    assert!(detail.contains("`first`") && detail.contains(SLOT), "{detail}");
    assert_eq!(world.phase("second").await, "ready", "nothing has changed");
    assert_eq!(world.say("second", "dance", &json!({})).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.say("nothing", "start", &json!({})).await.status, StatusCode::NOT_FOUND);
}
