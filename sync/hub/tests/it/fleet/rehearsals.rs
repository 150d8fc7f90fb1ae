//! Rehearsals: from the verb to the orders, and from what nodes say to one page.

use super::{
    documents::apply,
    orders::order,
    world::{SLOT, World, parts, spec, waves},
};
use crate::people::hall::Hall;
use aisle_fleet::{Release, rehearsal::candidates};
use aisle_hub::fleet::Engine;
use reqwest::StatusCode;
use serde_json::{Value, json};

const HOUR: i64 = 3_600_000;

/// So many stores that run 1.0.0, and a draft that brings 2.0.0.
async fn drafted(hall: &Hall, stores: usize) -> (World<'_>, Release) {
    let mut world = World::new(hall, stores).await;
    let (old, new) = (world.release("1.0.0").await, world.release("2.0.0").await);
    world.everybody_has(&old).await;
    world.draft(&spec("spring", &new, waves())).await;
    (world, new)
}

async fn rehearsal(world: &World<'_>) -> Value {
    world.rollout("spring").await["rehearsal"].clone()
}

async fn rehearse(world: &World<'_>) -> Value {
    let said = world.say("spring", "rehearse", &json!({})).await;
    assert_eq!(said.status, StatusCode::OK, "{}", said.json);
    said.json["rehearsal"].clone()
}

pub async fn what_would_come_out_otherwise_is_known_before_anything_begins(hall: &Hall) {
    let (mut world, new) = drafted(hall, 4).await;
    for (at, calls) in [(0, 30), (1, 9), (2, 0)] {
        world.nodes[at].recorded = calls;
    }
    world.nodes[3].declines = Some("it is not signed".into());
    let (before, plain) = order(&world, "store-00").await;
    assert_eq!(rehearsal(&world).await, Value::Null);
    let asked = rehearse(&world).await;
    assert_eq!(
        (&asked["is_open"], &asked["nodes"], &asked["answered"]),
        (&json!(true), &json!(4), &json!(0))
    );

    // The order has the candidate beside what is wanted, under a name of its own.
    world.engine.look().await.unwrap();
    let (with, manifest) = order(&world, "store-00").await;
    let tried = candidates(with.node("node-1").unwrap().rehearse.as_ref().unwrap()).unwrap();
    assert_eq!(tried.len(), 1);
    assert_eq!((tried[0].slot.to_string().as_str(), &tried[0].release), (SLOT, &new));
    let names: Vec<(&str, &str)> =
        manifest.items().iter().map(|item| (item.name.as_str(), item.version.as_str())).collect();
    let beside = format!("{SLOT}+{}", &new.hash.to_string()[..12]);
    assert_eq!(names, [(SLOT, "1.0.0"), (beside.as_str(), "2.0.0")]);
    let state = |order: &aisle_content::Order| {
        let node = order.node("node-1").unwrap();
        (node.version, node.state.clone())
    };
    assert_eq!(state(&with), state(&before), "what the node should be is what it was");

    world.pass(1).await;
    let found = rehearsal(&world).await;
    assert_eq!((&found["is_open"], &found["answered"]), (&json!(false), &json!(4)), "{found:#}");
    assert_eq!(found["why"], "every node has answered");
    let of = &found["candidates"][0];
    assert_eq!((&of["slot"], &of["version"]), (&json!(SLOT), &json!("2.0.0")));
    let of = &of["found"];
    assert_eq!((&of["stores"], &of["calls"], &of["same"]), (&json!(2), &json!(39), &json!(26)), "{of:#}");
    assert_eq!((&of["silent"], &of["silent_examples"]), (&json!(1), &json!(["store-02"])));
    assert_eq!(of["refused"], json!([{ "why": "it is not signed", "stores": 1, "examples": ["store-03"] }]));
    let group = &of["groups"][0];
    assert_eq!(
        (&group["what"], &group["stores"], &group["count"]),
        (&json!("promotion: off a line"), &json!(2), &json!(13))
    );
    assert_eq!((&group["was"], &group["would_be"]), (&json!("100"), &json!("50")));

    // Nothing has begun by it, and nobody is asked any more.
    assert_eq!((world.phase("spring").await.as_str(), world.count("1.0.0")), ("draft", 4));
    let (after, manifest) = order(&world, "store-00").await;
    assert_eq!((after.node("node-1").unwrap().rehearse.as_ref(), manifest.items()), (None, plain.items()));
    let audit = world.machine.get("/v1/audit?limit=1000").await.json;
    let rows = audit["items"].as_array().unwrap();
    let row = |action: &str| {
        rows.iter().find(|row| row["action"] == action).unwrap_or_else(|| panic!("no {action}"))
    };
    assert_eq!(
        (&row("rollout.rehearse")["object"], &row("rollout.rehearse")["actor"]),
        (&json!("rollout/spring"), &json!("machine"))
    );
    assert_eq!(row("rollout.rehearsed")["actor"], "rules");
    let happened = world.machine.get("/v1/rollouts/spring/events").await.json;
    assert_eq!(
        (&happened["items"][0]["what"], &happened["items"][1]["what"]),
        (&json!("rehearsed"), &json!("rehearse"))
    );
}

pub async fn what_is_no_plugin_or_has_begun_is_not_rehearsed(hall: &Hall) {
    let (mut world, new) = drafted(hall, 4).await;
    let refused = async |world: &World<'_>, name: &str, words: &str| {
        let said = world.say(name, "rehearse", &json!({})).await;
        assert_eq!(said.status, StatusCode::CONFLICT, "{}", said.json);
        let detail = said.json["detail"].as_str().unwrap();
        assert!(detail.contains(words), "{detail}");
    };
    let mut prices = spec("cheaper", &new, waves());
    prices["set"] = json!({ "prices": new });
    world.draft(&prices).await;
    refused(&world, "cheaper", "no plugin").await;
    let mut missing = spec("missing", &new, waves());
    missing["set"][SLOT]["hash"] = json!("ab".repeat(32));
    world.draft(&missing).await;
    refused(&world, "missing", "not at this hub").await;
    let mut nobody = spec("nobody", &new, waves());
    nobody["who"] = json!("store=nowhere");
    world.draft(&nobody).await;
    refused(&world, "nobody", "no node").await;
    assert_eq!(world.say("unknown", "rehearse", &json!({})).await.status, StatusCode::NOT_FOUND);

    for verb in ["preflight", "approve", "start"] {
        assert_eq!(world.say("spring", verb, &json!({})).await.status, StatusCode::OK);
    }
    refused(&world, "spring", "running").await;
    // While it is paused, those are asked that do not have it.
    for _ in 0..3 {
        world.pass(5).await;
    }
    assert_eq!(world.say("spring", "pause", &json!({ "why": "a look" })).await.status, StatusCode::OK);
    let has_it = world.count("2.0.0");
    assert!((1..4).contains(&has_it), "{has_it}");
    assert_eq!(rehearse(&world).await["nodes"], json!(4 - has_it));
}

pub async fn a_rehearsal_ends_when_the_rollout_begins_and_when_its_time_is_over(hall: &Hall) {
    let (mut world, _) = drafted(hall, 4).await;
    world.go(1).await;
    rehearse(&world).await;
    world.pass(1).await;
    world.pass(1).await;
    let found = rehearsal(&world).await;
    assert_eq!((&found["is_open"], &found["answered"]), (&json!(true), &json!(3)), "it waits: {found:#}");
    hall.pass(13 * HOUR);
    world.pass(1).await;
    let found = rehearsal(&world).await;
    assert_eq!((&found["why"], &found["answered"]), (&json!("its time is over"), &json!(3)));
    assert_eq!(found["candidates"][0]["found"]["silent"], 3, "what was said is kept");

    // Again is anew: who has answered is asked once more.
    world.nodes[0].recorded = 6;
    let again = rehearse(&world).await;
    assert_eq!((&again["is_open"], &again["answered"]), (&json!(true), &json!(0)));
    world.pass(1).await;
    world.pass(1).await;
    assert_eq!(rehearsal(&world).await["candidates"][0]["found"]["calls"], 6);
    for verb in ["preflight", "approve", "start"] {
        let said = world.say("spring", verb, &json!({})).await;
        assert_eq!(said.status, StatusCode::OK, "{verb}: {}", said.json);
    }
    world.engine.look().await.unwrap();
    let found = rehearsal(&world).await;
    assert_eq!((&found["is_open"], &found["why"]), (&json!(false), &json!("the rollout is running")));
    assert_eq!(found["candidates"][0]["found"]["calls"], 6);
}

pub async fn what_was_answered_outlives_the_hub_that_heard_it(hall: &Hall) {
    let (mut world, new) = drafted(hall, 2).await;
    world.nodes[0].recorded = 6;
    world.go(1).await;
    rehearse(&world).await;
    world.pass(1).await;
    world.pass(1).await;
    let clock = hall.one.api.clock.clone();
    world.engine = Engine::new(parts(world.database(), "hub-1", clock));
    world.pass(1).await;
    let found = rehearsal(&world).await;
    assert_eq!((&found["is_open"], &found["answered"]), (&json!(true), &json!(1)), "{found:#}");
    world.come(1).await;
    world.engine.look().await.unwrap();
    assert_eq!(rehearsal(&world).await["why"], "every node has answered");

    // A draft that is written anew brings something else: nobody goes on with what it brought before.
    world.go(1).await;
    rehearse(&world).await;
    let other = world.release("2.1.0").await;
    assert_ne!(other, new);
    let text = json!({ "rollout": spec("spring", &other, waves()) }).to_string();
    let applied = apply(&world, &text, false).await;
    assert_eq!(applied.status, StatusCode::OK, "{}", applied.json);
    world.engine.look().await.unwrap();
    assert_eq!(rehearsal(&world).await["why"], "the rollout was written anew");
}
