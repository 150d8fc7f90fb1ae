//! Rollouts that are over are forgotten, by people or for want of room, and nobody runs anything else for it.

use super::world::{SLOT, World, spec};
use crate::people::hall::Hall;
use reqwest::StatusCode;
use serde_json::{Value, json};

pub async fn what_is_over_is_forgotten_once_it_decides_nothing(hall: &Hall) {
    let mut world = World::new(hall, 4).await;
    let (old, new) = (world.release("1.0.0").await, world.release("1.1.0").await);
    world.everybody_has(&old).await;
    world.start(&spec("spring", &new, json!([{ "name": "all" }]))).await;
    let early = world.machine.delete("/v1/rollouts/spring").await;
    assert_eq!(
        (early.status, early.json["detail"].as_str().unwrap().contains("only what is over")),
        (StatusCode::CONFLICT, true)
    );
    world.until("spring", "done").await;
    // A group says the old version still: without the rollout everybody would go back.
    let refused = world.machine.delete("/v1/rollouts/spring").await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(
        refused.json["detail"].as_str().unwrap().contains("decides what 4 nodes run"),
        "{}",
        refused.json
    );
    let group = json!({ "name": "every", "who": "*", "says": { "artefacts": { (SLOT): new } } });
    assert!(world.put("/v1/groups/every", &group).await.status.is_success());
    assert_eq!(world.machine.delete("/v1/rollouts/spring").await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.machine.get("/v1/rollouts/spring").await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.machine.get("/v1/rollouts/spring/events").await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.machine.delete("/v1/rollouts/spring").await.status, StatusCode::NOT_FOUND);
    for _ in 0..3 {
        assert_eq!(world.pass(5).await.orders, 0, "nobody is told anything");
    }
    assert_eq!(world.count("1.1.0"), 4);
    let row = &hall.audit("rollout.delete").await[0];
    let was: Value = serde_json::from_str(row["was"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&row["object"], &was["phase"]["phase"]),
        (&json!("rollout/spring"), &json!("done")),
        "{row:#}"
    );
    assert!(!hall.audit("rollout.start").await.is_empty(), "what was done before stands in the log");
    // The name is free.
    world.draft(&spec("spring", &new, json!([{ "name": "all" }]))).await;
    let viewer = hall.one.person("Vera", &["viewer"]).await;
    assert_eq!(viewer.delete("/v1/rollouts/spring").await.status, StatusCode::FORBIDDEN);
}

pub async fn where_there_are_too_many_the_oldest_that_decides_nothing_makes_room(hall: &Hall) {
    let mut world = World::new(hall, 2).await;
    let (old, new) = (world.release("1.0.0").await, world.release("1.1.0").await);
    world.everybody_has(&old).await;
    let all = || json!([{ "name": "all" }]);
    // The oldest decides; the one behind it was never begun.
    world.start(&spec("decides", &new, all())).await;
    world.until("decides", "done").await;
    world.draft(&spec("aborted", &new, all())).await;
    assert_eq!(world.say("aborted", "abort", &json!({ "why": "no" })).await.status, StatusCode::OK);
    let many: Vec<Value> =
        (0..998).map(|number| json!({ "rollout": spec(&format!("draft-{number}"), &old, all()) })).collect();
    let applied = world.machine.post("/v1/apply", &Value::from(many)).await;
    assert_eq!(applied.status, StatusCode::OK, "{}", applied.json);
    // A dry run says that it would do, and forgets nobody.
    let one = json!([{ "rollout": spec("one-more", &new, all()) }]);
    assert_eq!(world.machine.post("/v1/apply?dry_run=true", &one).await.status, StatusCode::OK);
    assert_eq!(world.machine.get("/v1/rollouts/aborted").await.status, StatusCode::OK);
    world.draft(&spec("one-more", &new, all())).await;
    assert_eq!(world.machine.get("/v1/rollouts/aborted").await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.phase("decides").await, "done");
    assert_eq!(hall.audit("rollout.delete").await[0]["object"], "rollout/aborted");
    // What is left is under way or decides something.
    let refused = world.machine.post("/v1/rollouts", &spec("too-many", &new, all())).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(
        refused.json["detail"].as_str().unwrap().contains("aisle fleet rollout delete"),
        "{}",
        refused.json
    );
    // A group says the same by now, so the oldest would make room; but in the same moment somebody has it go back, and what goes back is not forgotten.
    let group = json!({ "name": "every", "who": "*", "says": { "artefacts": { (SLOT): new } } });
    assert!(world.put("/v1/groups/every", &group).await.status.is_success());
    let (one, why) = (spec("too-many", &new, all()), json!({ "why": "it sells nothing" }));
    let (drafted, back) =
        tokio::join!(world.machine.post("/v1/rollouts", &one), world.say("decides", "rollback", &why));
    let is_there = world.machine.get("/v1/rollouts/decides").await.status == StatusCode::OK;
    assert_eq!(back.status == StatusCode::OK, is_there, "{}\n{}", back.json, drafted.json);
    assert_eq!(drafted.status == StatusCode::CREATED, !is_there, "{}\n{}", back.json, drafted.json);
}
