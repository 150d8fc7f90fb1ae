//! Who may say what, and what is written down of it.

use super::world::{SLOT, World, spec, waves};
use crate::people::hall::{Hall, sent};
use reqwest::{Method, StatusCode};
use serde_json::json;

pub async fn who_wrote_it_cannot_approve_it_and_wide_ones_want_somebody(hall: &Hall) {
    let world = World::new(hall, 8).await;
    let new = world.release("1.1.0").await;
    let ada = hall.one.person("Ada", &["operator"]).await;
    let bob = hall.one.person("Bob", &["operator"]).await;
    let viewer = hall.one.person("Vera", &["viewer"]).await;
    // A quarter of the fleet is no more than a quarter.
    let narrow = spec("narrow", &new, json!([{ "name": "two", "size": 2 }]));
    assert_eq!(ada.post("/v1/rollouts", &narrow).await.status, StatusCode::CREATED);
    let found = ada.post("/v1/rollouts/narrow/preflight", &json!({})).await.json;
    assert_eq!(
        (&found["rollout"]["phase"]["phase"], &found["preflight"]["approvals"]),
        (&json!("ready"), &json!(0))
    );
    let wide = spec("wide", &new, json!([{ "name": "three", "size": 3 }]));
    assert_eq!(ada.post("/v1/rollouts", &wide).await.status, StatusCode::CREATED);
    let found = ada.post("/v1/rollouts/wide/preflight", &json!({})).await.json;
    assert_eq!(found["rollout"]["phase"]["phase"], "awaiting-approval", "{found:#}");
    assert_eq!(
        (&found["preflight"]["preflight"]["nodes"], &found["preflight"]["fleet"]),
        (&json!(3), &json!(8))
    );
    assert_eq!(ada.post("/v1/rollouts/wide/start", &json!({})).await.status, StatusCode::CONFLICT);
    let own = ada.post("/v1/rollouts/wide/approve", &json!({})).await;
    assert_eq!(
        (own.status, &own.json["type"]),
        (StatusCode::FORBIDDEN, &json!("urn:aisle:problem:second-person"))
    );
    assert_eq!(viewer.post("/v1/rollouts/wide/approve", &json!({})).await.status, StatusCode::FORBIDDEN);
    assert_eq!(viewer.get("/v1/rollouts/wide").await.status, StatusCode::OK);
    let approved = bob.post("/v1/rollouts/wide/approve", &json!({})).await;
    assert_eq!(
        (approved.status, &approved.json["rollout"]["phase"]["phase"]),
        (StatusCode::OK, &json!("ready"))
    );
    assert_eq!(approved.json["author_name"], "Ada");
    assert_eq!(ada.post("/v1/rollouts/wide/start", &json!({})).await.status, StatusCode::OK);
    // The one who was refused stands in the log.
    let refused = hall.audit("rollout.approve").await;
    assert!(
        refused.iter().any(|row| row["outcome"] == "refused" && row["actor_name"] == "Ada"),
        "{refused:?}"
    );
    // What is sent back begins anew, and earlier approvals are none.
    let again = spec("again", &new, waves());
    ada.post("/v1/rollouts", &again).await;
    ada.post("/v1/rollouts/again/preflight", &json!({})).await;
    assert_eq!(
        bob.post("/v1/rollouts/again/reject", &json!({ "why": "not on a Friday" })).await.status,
        StatusCode::OK
    );
    assert_eq!(world.phase("again").await, "draft");
    assert_eq!(bob.post("/v1/rollouts/again/approve", &json!({})).await.status, StatusCode::CONFLICT);
}

pub async fn what_reaches_far_goes_in_waves_and_not_by_a_group(hall: &Hall) {
    let world = World::new(hall, 8).await;
    let new = world.release("1.1.0").await;
    let ada = hall.one.person("Ada", &["operator"]).await;
    let group = |who: &str| json!({ "name": "offers", "who": who, "says": { "artefacts": { (SLOT): new } } });
    let put = async |who: &str| sent(ada.request(Method::PUT, "/v1/groups/offers").json(&group(who))).await;
    let wide = put("*").await;
    assert_eq!(
        (wide.status, &wide.json["type"]),
        (StatusCode::FORBIDDEN, &json!("urn:aisle:problem:second-person"))
    );
    assert!(wide.json["detail"].as_str().unwrap().contains("8 of 8 nodes"), "{}", wide.json);
    assert_eq!(put("store in (store-00,store-01,store-02)").await.status, StatusCode::FORBIDDEN);
    assert_eq!(put("store in (store-00,store-01)").await.status, StatusCode::CREATED, "a quarter");
    // Nor step by step behind another group that hides it: what is uncovered counts as well.
    let absent =
        json!({ "name": "none", "who": "*", "priority": 9, "says": { "artefacts": { (SLOT): "absent" } } });
    let hide = sent(ada.request(Method::PUT, "/v1/groups/none").json(&absent)).await;
    assert_eq!(hide.status, StatusCode::FORBIDDEN, "{}", hide.json);
    // Settings are in force as soon as they come: they go in steps as well, by words of their own, since no rollout carries them.
    let kiosks = |who: &str| json!({ "name": "kiosks", "who": who, "says": { "settings": { "kiosk.session_ttl_s": 900 } } });
    let set = async |who: &str| sent(ada.request(Method::PUT, "/v1/groups/kiosks").json(&kiosks(who))).await;
    let wide = set("*").await;
    assert_eq!(
        (wide.status, &wide.json["type"]),
        (StatusCode::FORBIDDEN, &json!("urn:aisle:problem:second-person"))
    );
    let detail = wide.json["detail"].as_str().unwrap();
    assert!(detail.contains("settings of 8 of 8 nodes") && detail.contains("in steps"), "{detail}");
    for path in ["/v1/apply", "/v1/apply?dry_run=true"] {
        let applied = ada.post(path, &json!([{ "group": kiosks("*") }])).await;
        assert_eq!(applied.status, StatusCode::FORBIDDEN, "{path}: {}", applied.json);
    }
    assert_eq!(set("store in (store-00,store-01)").await.status, StatusCode::CREATED, "a quarter");
    let wider = set("store in (store-00,store-01,store-02,store-03)").await;
    assert_eq!(wider.status, StatusCode::OK, "a quarter more: {}", wider.json);
    assert_eq!(set("*").await.status, StatusCode::FORBIDDEN, "half of them at once");
    assert_eq!(ada.delete("/v1/groups/kiosks").await.status, StatusCode::FORBIDDEN, "nor back at once");
    let by_machine = sent(world.machine.request(Method::PUT, "/v1/groups/kiosks").json(&kiosks("*"))).await;
    assert_eq!(by_machine.status, StatusCode::OK, "{}", by_machine.json);
    // Minimums reach everybody, and whoever runs the machine may say anything.
    let minimum = json!({ "name": "floor", "who": "*", "says": { "minimums": { (SLOT): "1.0" } } });
    let said = sent(ada.request(Method::PUT, "/v1/groups/floor").json(&minimum)).await;
    assert_eq!(said.status, StatusCode::CREATED, "{}", said.json);
    let by_machine = sent(world.machine.request(Method::PUT, "/v1/groups/offers").json(&group("*"))).await;
    assert_eq!(by_machine.status, StatusCode::OK, "{}", by_machine.json);
}

pub async fn the_machine_alone_is_told_of(hall: &Hall) {
    let world = World::new(hall, 4).await;
    let new = world.release("1.1.0").await;
    world.draft(&spec("alone", &new, waves())).await;
    world.say("alone", "preflight", &json!({})).await;
    let approved = world.say("alone", "approve", &json!({})).await;
    assert_eq!(approved.status, StatusCode::OK, "{}", approved.json);
    assert!(approved.json["note"].as_str().unwrap().contains("no person has the permission"));
    assert_eq!(approved.json["rollout"]["approvals"], json!(["machine, for want of a person"]));
    // Once somebody could, the machine's token cannot any more.
    hall.one.person("Bob", &["operator@region:cn"]).await;
    world.draft(&spec("still", &new, waves())).await;
    world.say("still", "preflight", &json!({})).await;
    assert_eq!(
        world.say("still", "approve", &json!({})).await.status,
        StatusCode::OK,
        "a bounded role is not enough for it"
    );
    hall.one.person("Ada", &["operator"]).await;
    world.draft(&spec("two", &new, waves())).await;
    world.say("two", "preflight", &json!({})).await;
    assert_eq!(world.say("two", "approve", &json!({})).await.status, StatusCode::FORBIDDEN);
}

pub async fn somebody_behind_a_thousand_others_can_approve(hall: &Hall) {
    let world = World::new(hall, 4).await;
    let who = aisle_hub::people::who::Who::machine("test", "local");
    // All of these names come before any id, which begins with a `p`.
    for number in 0..1_000 {
        let name = format!("a {number:04}");
        hall.one.api.people.add(&who, &name, vec!["viewer".parse().unwrap()], hall.now()).await.unwrap();
    }
    hall.one.api.people.add(&who, "b Zoe", vec!["operator".parse().unwrap()], hall.now()).await.unwrap();
    let new = world.release("1.1.0").await;
    world.draft(&spec("spring", &new, waves())).await;
    world.say("spring", "preflight", &json!({})).await;
    let approved = world.say("spring", "approve", &json!({})).await;
    assert_eq!(approved.status, StatusCode::FORBIDDEN, "Zoe could: {}", approved.json);
}

pub async fn a_role_that_is_bounded_to_a_label_ends_there(hall: &Hall) {
    let world = World::new(hall, 3).await;
    let label = |store: &'static str, body: serde_json::Value| {
        sent(world.machine.request(Method::PATCH, &format!("/v1/stores/{store}/labels")).json(&body))
    };
    let labelled = label("store-01", json!({ "set": { "country": "de", "size": "s" } })).await;
    assert_eq!(
        (labelled.status, &labelled.json["labels"]),
        (StatusCode::OK, &json!({ "country": "de", "size": "s" }))
    );
    let labelled = label("store-01", json!({ "set": { "size": "m" }, "remove": ["pilot"] })).await;
    assert_eq!(labelled.json["version"], 2);
    assert_eq!(label("nowhere", json!({ "set": { "a": "b" } })).await.status, StatusCode::NOT_FOUND);
    let german = hall.one.person("Gerda", &["operator@label:country=de"]).await;
    let named = |reply: crate::people::hall::Reply, field: &'static str| -> Vec<String> {
        reply.json["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row[field].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(named(german.get("/v1/stores").await, "store"), ["store-01"]);
    assert_eq!(named(german.get("/v1/members").await, "store"), ["store-01"]);
    assert_eq!(german.get("/v1/members/store-01/node-1").await.status, StatusCode::OK);
    assert_eq!(german.get("/v1/members/store-02/node-1").await.status, StatusCode::FORBIDDEN);
    let one = |store: &str| json!({ "store": store, "why": "trial", "says": {} });
    let put = |store: &'static str| {
        sent(german.request(Method::PUT, &format!("/v1/overrides/{store}")).json(&one(store)))
    };
    assert_eq!(put("store-01").await.status, StatusCode::CREATED);
    assert_eq!(put("store-02").await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        german.post("/v1/rollouts", &json!({})).await.status,
        StatusCode::FORBIDDEN,
        "it is about no single store"
    );
    // Selectors go by labels and by what stores say of themselves; saved ones by their names.
    let machine = &world.machine;
    assert_eq!(named(machine.get("/v1/members?filter=country%3Dde").await, "store"), ["store-01"]);
    assert_eq!(
        named(machine.get("/v1/members?filter=region%3Deu,!country").await, "store"),
        ["store-00", "store-02"]
    );
    assert!(
        world
            .put("/v1/filters/german", &json!({ "name": "german", "who": "country=de" }))
            .await
            .status
            .is_success()
    );
    assert_eq!(named(machine.get("/v1/members?filter=@german").await, "store"), ["store-01"]);
    let page = machine.get("/v1/members?limit=2").await.json;
    assert_eq!(page["next"], "store-01/node-1");
    assert_eq!(named(machine.get("/v1/members?limit=2&after=store-01/node-1").await, "store"), ["store-02"]);
    assert_eq!(hall.audit("store.label").await.len(), 2);
}

pub async fn every_step_of_a_rollout_stands_in_the_audit_log(hall: &Hall) {
    let mut world = World::new(hall, 4).await;
    let (old, new) = (world.release("1.0.0").await, world.release("1.1.0").await);
    world.everybody_has(&old).await;
    world.start(&spec("spring", &new, waves())).await;
    world.until("spring", "done").await;
    for action in ["rollout.draft", "rollout.preflight", "rollout.approve", "rollout.start"] {
        let rows = hall.audit(action).await;
        assert_eq!(
            (rows.len(), &rows[0]["actor"], &rows[0]["object"]),
            (1, &json!("machine"), &json!("rollout/spring")),
            "{action}"
        );
    }
    let phases = hall.audit("rollout.phase").await;
    assert_eq!(phases[0]["actor"], "rules");
    assert!(phases[0]["became"].as_str().unwrap().contains("\"done\""), "{phases:?}");
    assert_eq!(hall.audit("rollout.wave-passed").await.len(), 2);
    assert_eq!(hall.audit("group.put").await.len(), 1);
    // The chain of rows holds.
    let database = world.database();
    let (mut seq, mut head) = (0, aisle_hub::people::audit::START);
    for row in database.audit_after(0, 1_000).await.unwrap() {
        assert!(row.follows(seq, &head));
        (seq, head) = (row.seq, row.head);
    }
    assert!(database.member("store-00", "node-1").await.unwrap().unwrap().is_settled);
    assert!(world.running().iter().all(|running| running == "1.1.0"), "{SLOT}");
}
