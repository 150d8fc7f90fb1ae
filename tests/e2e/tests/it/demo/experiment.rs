//! A/B arms: every session has one, keeps it, and what comes of it is counted by arm.

use super::recommendations::trained;
use crate::support::{api::Api, store::Store};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const CONFIG: &str = r#"
[recommend.experiment]
name = "ladder"

[[recommend.experiment.arms]]
name = "control"
weight = 1

[[recommend.experiment.arms]]
name = "plain"
weight = 1
policy = { session_neighbours = false, item_to_item = false }
"#;
const SESSIONS: usize = 24;

async fn arms(api: &Api) -> BTreeMap<String, Value> {
    let report = api.get("/v1/admin/experiments").await.json(200);
    let experiments = report["experiments"].as_array().expect("experiments");
    let ours = experiments.iter().find(|one| one["experiment"] == "ladder").expect("our experiment");
    let arms = ours["arms"].as_array().expect("arms");
    arms.iter().map(|arm| (format!("ladder/{}", arm["arm"].as_str().expect("a name")), arm.clone())).collect()
}

#[tokio::test]
async fn sessions_are_divided_and_what_comes_of_them_is_counted_by_arm() {
    let store = Store::generated(5);
    let mut node = store.start_with(CONFIG);
    let api = Api::new(node.url());
    trained(&api).await;
    let mut expected: BTreeMap<String, [u64; 5]> = BTreeMap::new();
    for number in 0..SESSIONS {
        let started = api.post("/v1/sessions", &json!({})).await.json(201);
        let session = started["session"].as_str().expect("a session");
        let arm = started["arm"].as_str().expect("an arm").to_owned();
        let counts = expected.entry(arm.clone()).or_default();
        counts[0] += 1;
        let answer = api.get(&format!("/v1/recommendations/home?session={session}&count=4")).await.json(200);
        assert_eq!(answer["arm"], arm.as_str(), "a session keeps its arm");
        let skus: Vec<&str> = answer["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["product"]["sku"].as_str().unwrap())
            .collect();
        let events = format!("/v1/sessions/{session}/events");
        let shown = json!({ "kind": "impression", "slot": "home", "rung": answer["rung"], "skus": skus });
        api.post(&events, &shown).await.json(201);
        counts[1] += skus.len() as u64;
        if number % 2 == 0 {
            let click = json!({ "kind": "click", "slot": "home", "sku": skus[0], "position": 0 });
            api.post(&events, &click).await.json(201);
            counts[2] += 1;
        }
        if number % 3 == 0 {
            api.post(&events, &json!({ "kind": "add", "sku": skus[0] })).await.json(201);
            counts[3] += 1;
            api.check_out(session, &format!("key-{number}")).await.json(201);
            counts[4] += 1;
        }
    }
    assert_eq!(expected.len(), 2, "{SESSIONS} sessions are divided between both arms: {expected:?}");

    for round in ["while it runs", "after a restart"] {
        let api = Api::new(node.url());
        let arms = arms(&api).await;
        assert_eq!(arms.len(), 2, "{round}: {arms:?}");
        for (name, counts) in &expected {
            let arm = &arms[name];
            let found = ["sessions", "impressions", "clicks", "adds", "purchases"]
                .map(|count| arm[count].as_u64().expect("a count"));
            assert_eq!(&found, counts, "{round}: {name}: {arm}");
        }
        assert_eq!(arms["ladder/control"]["control"], true);
        assert!(arms["ladder/control"]["lift"].is_null());
        assert!(arms["ladder/plain"]["lift"]["purchases"]["estimate"].is_number(), "{arms:?}");
        if round == "while it runs" {
            node.stop().expect("it stops");
            node.start_again().expect("it starts again");
        }
    }
}
