//! What two people say at the same moment, at two hubs.

use super::world::{World, spec};
use crate::people::hall::{Hall, sent};
use reqwest::StatusCode;
use serde_json::{Value, json};

const ROUNDS: usize = 8;

pub async fn of_two_rollouts_of_one_slot_that_start_at_once_one_does(hall: &Hall) {
    let world = World::new(hall, 3).await;
    let new = world.release("1.1.0").await;
    let there = world.machine.at(&hall.two);
    for round in 0..ROUNDS {
        let names = [format!("left-{round}"), format!("right-{round}")];
        for name in &names {
            world.draft(&spec(name, &new, json!([{ "name": "all" }]))).await;
            for verb in ["preflight", "approve"] {
                assert!(world.say(name, verb, &json!({})).await.status.is_success(), "{verb}");
            }
        }
        let (nothing, right) = (json!({}), format!("/v1/rollouts/{}/start", names[1]));
        let (left, right) =
            tokio::join!(world.say(&names[0], "start", &nothing), there.post(&right, &nothing));
        let mut both = [left.status, right.status];
        both.sort();
        assert_eq!(both, [StatusCode::OK, StatusCode::CONFLICT], "{} {}", left.json, right.json);
        let begun = usize::from(right.status == StatusCode::OK);
        assert_eq!(world.phase(&names[begun]).await, "running");
        for name in &names {
            let aborted = world.say(name, "abort", &json!({ "why": "the next round" })).await;
            assert!(aborted.status.is_success(), "{}", aborted.json);
        }
    }
}

pub async fn what_is_looked_at_before_a_start_is_the_draft_as_it_is(hall: &Hall) {
    let world = World::new(hall, 4).await;
    let new = world.release("1.1.0").await;
    let there = world.machine.at(&hall.two);
    for round in 0..ROUNDS {
        let name = format!("spring-{round}");
        let mut draft = spec(&name, &new, json!([{ "name": "all" }]));
        world.draft(&draft).await;
        draft["who"] = json!("store=store-00");
        let documents = json!([{ "rollout": draft }]);
        let nothing = json!({});
        let rewriting = sent(there.request(reqwest::Method::POST, "/v1/apply").json(&documents));
        let (looked, written) = tokio::join!(world.say(&name, "preflight", &nothing), rewriting);
        let detail = world.rollout(&name).await;
        let nodes = detail["rollout"]["tally"]["members"].as_u64().unwrap();
        let is_new = detail["spec"]["who"] == "store=store-00";
        assert_eq!(is_new, written.status.is_success(), "{}", written.json);
        let expected = match (looked.status, is_new) {
            (StatusCode::OK, true) => 1,
            (StatusCode::OK, false) => 4,
            // Of what was written meanwhile nothing is known yet.
            (StatusCode::CONFLICT, true) => 0,
            _ => panic!("{}", looked.json),
        };
        assert_eq!(nodes, expected, "{detail:#}");
        assert_eq!(detail["preflight"] == Value::Null, expected == 0);
    }
}
