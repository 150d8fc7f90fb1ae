//! Models over the whole way: signed at headquarters, rolled out, tried, swapped under those who ask, refused, taken away.

use super::rollouts::Shop;
use crate::support::{
    api::{Answer, Api},
    wait::eventually,
};
use aisle_content::ModelPackage;
use aisle_harness::hub::{Approval, Going, Headquarters, HubOptions, HubUnderTest, Person};
use aisle_model::example;
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(120);

/// Asks the model of a store.
#[derive(Clone)]
struct Asking {
    api: Api,
    token: String,
}

impl Asking {
    fn of(shop: &Shop) -> Self {
        let token = fs::read_to_string(shop.node.data().join("admin.token")).expect("a token");
        Self { api: shop.api(), token: token.trim().to_owned() }
    }

    async fn run(&self, inputs: &Value) -> Answer {
        let request = self.api.request(Method::POST, "/v1/admin/models/ranker/run");
        Api::send(request.bearer_auth(&self.token).json(&json!({ "inputs": inputs }))).await
    }

    /// What four ones make; nothing where no model is in force.
    async fn ones(&self) -> Option<f64> {
        let answer = self.run(&json!({ "x": { "shape": [1, 4], "data": [1, 1, 1, 1] } })).await;
        if answer.status == 404 {
            return None;
        }
        answer.json(200)["outputs"]["y"]["data"][0].as_f64()
    }

    async fn list(&self) -> Value {
        let request = self.api.request(Method::GET, "/v1/admin/models");
        Api::send(request.bearer_auth(&self.token)).await.json(200)
    }
}

async fn roll_out(hq: &Headquarters, rollout: &str, set: &str, phase: &str) -> Going {
    let document = format!(
        "rollout:\n  rollout: {rollout}\n  why: a better order\n  who: '*'\n  set:\n    model/ranker: {set}\n  waves:\n    - {{ name: all }}\n"
    );
    hq.apply(Person::Olga, &document).expect("it is written down");
    eventually(&format!("`{rollout}` is {phase}"), PATIENCE, async || {
        hq.urge(rollout).expect("the hub answers");
        Some(hq.going(rollout).expect("the hub answers")).filter(|going| going.phase == phase)
    })
    .await
}

/// Signs a model, and says how a rollout names it.
fn sign(hq: &Headquarters, shop: &Shop, version: &str, package: &ModelPackage) -> String {
    let card = shop.store.file(&format!("{version}/model.toml"), package.card.as_str());
    shop.store.file(&format!("{version}/model.onnx"), package.onnx.clone());
    let folder = card.parent().expect("a folder");
    let signed = hq.sign_as("model", "ranker", version, folder).expect("it is signed");
    format!("{{ version: {version}, hash: {}, bytes: {} }}", signed.blake3, signed.bytes)
}

#[tokio::test]
async fn a_model_is_rolled_out_swapped_without_a_question_lost_and_a_bad_one_is_refused() {
    let hub = HubUnderTest::start(HubOptions { enrolment: Some(Approval::Auto), ..HubOptions::default() })
        .expect("the hub serves");
    hub.sign_artefacts().expect("the ceremony is held");
    let hq = hub.headquarters().expect("people");
    let mut shop = Shop::open(&hub, "berlin-1");
    assert_eq!(Asking::of(&shop).list().await["models"], json!([]));

    // The first comes, is good, and is there after a kill.
    let one = sign(&hq, &shop, "1.0.0", &example::good("ranker", "1.0.0", 0.0));
    roll_out(&hq, "rank-1", &one, "done").await;
    assert_eq!(shop.slot_of("model/ranker")["good"]["version"], "1.0.0");
    assert_eq!(Asking::of(&shop).ones().await, Some(10.0));
    shop.node.kill().expect("it runs");
    shop.node.start_again().expect("it starts with what it had");
    let asking = Asking::of(&shop);
    asking.api.ready().await;
    eventually("the model after a kill", PATIENCE, async || {
        asking.ones().await.filter(|answer| *answer == 10.0)
    })
    .await;
    for wrong in [json!({}), json!({ "x": { "shape": [1, 4], "data": [1, 1, 1, 99] } })] {
        asking.run(&wrong).await.problem_with(400, "inputs.x");
    }

    // The second is swapped in while somebody asks all the time: each question has an answer, of the one or the other.
    let two = sign(&hq, &shop, "2.0.0", &example::good("ranker", "2.0.0", 5.0));
    let stop = Arc::new(AtomicBool::new(false));
    let (at, until) = (asking.clone(), stop.clone());
    let shopper = tokio::spawn(async move {
        let mut seen = Vec::new();
        while !until.load(Ordering::Relaxed) {
            let answer = at.ones().await.expect("there is always one");
            assert!(answer == 10.0 || answer == 15.0, "{answer}");
            seen.push(answer);
        }
        seen
    });
    roll_out(&hq, "rank-2", &two, "done").await;
    stop.store(true, Ordering::Relaxed);
    let seen = shopper.await.expect("no question was lost");
    assert!(seen.first() == Some(&10.0) && seen.last() == Some(&15.0), "{seen:?}");

    // The third does not do what its own card says: it never comes into force, and headquarters hears why.
    let three = sign(&hq, &shop, "3.0.0", &example::wrong("ranker", "3.0.0"));
    let back = roll_out(&hq, "rank-3", &three, "rolled-back").await;
    assert!(back.why.contains("failures"), "{back:?}");
    let shown = hq.fleet(Person::Olga, &["rollout", "show", "rank-3"]).expect("it is shown");
    assert!(shown.contains("smoke-test-failed") && shown.contains("expected 11"), "{shown}");
    assert_eq!(asking.ones().await, Some(15.0));
    let list = asking.list().await;
    assert_eq!(list["models"][0]["version"], "2.0.0", "{list}");
    assert_eq!(list["models"][0]["errors"], 0, "{list}");
    let loaded = "aisle_model_loaded{model=\"ranker\",version=\"2.0.0\"}";
    assert_eq!(asking.api.metric(loaded).await, Some(1.0));

    // It is taken away as it came.
    roll_out(&hq, "rank-none", "absent", "done").await;
    assert_eq!(asking.ones().await, None);
}
