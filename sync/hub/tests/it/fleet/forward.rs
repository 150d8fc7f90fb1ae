//! Before a rollout begins: what stores grant and deny, and what there is no way back from.

use super::world::{SLOT, World, spec};
use crate::{
    console::Served,
    people::hall::Hall,
    shop::{POLICY, officer, policy},
};
use aisle_hub::database::NewPolicy;
use reqwest::StatusCode;
use serde_json::{Value, json};

/// What a preflight found of a code: how grave, of how many nodes, in words.
fn of<'a>(found: &'a Value, code: &str) -> Option<(&'a str, u64, &'a Value)> {
    let groups = found["preflight"]["preflight"]["groups"].as_array()?;
    let group = groups.iter().find(|group| group["reason"]["code"] == code)?;
    Some((group["severity"].as_str()?, group["count"].as_u64()?, &group["reason"]))
}

pub async fn what_stores_grant_and_deny_is_found_before_a_rollout_begins_and_done_by_their_nodes(
    hall: &Hall,
) {
    let mut world = World::new(hall, 4).await;
    let old = world.release("1.0.0").await;
    world.everybody_has(&old).await;
    world.nodes[0].denies.insert(SLOT.parse::<aisle_fleet::Slot>().unwrap(), "it is too loud");
    world.nodes[1].grants = Some(["kv".parse().unwrap()].into());
    world.pass(5).await;
    let mut new = world.release("2.0.0").await;
    new.needs.grants = ["kv", "stock"].map(|grant| grant.parse().unwrap()).into();
    let mut rollout = spec("spring", &new, json!([{ "name": "all" }]));
    // Half of them refuse, and the others are to have it all the same.
    rollout["gates"]["failed_percent_max"] = json!(60);
    world.draft(&rollout).await;
    let found = world.say("spring", "preflight", &json!({})).await.json;
    let (severity, count, reason) = of(&found, "policy-denies").unwrap();
    assert_eq!((severity, count, &reason["why"]), ("fails", 1, &json!("it is too loud")));
    let (severity, count, reason) = of(&found, "grant-missing").unwrap();
    assert_eq!((severity, count, &reason["grants"]), ("fails", 1, &json!(["stock"])));
    assert_eq!(found["preflight"]["preflight"]["failing"], 2);
    // Started all the same, the nodes do what was foretold.
    for verb in ["approve", "start"] {
        let said = world.say("spring", verb, &json!({})).await;
        assert!(said.status.is_success(), "{verb}: {}", said.json);
    }
    for _ in 0..6 {
        world.pass(5).await;
    }
    assert_eq!(world.running(), ["1.0.0", "1.0.0", "2.0.0", "2.0.0"]);
    let code = |at: usize| {
        let report = world.nodes[at].says().report;
        report.slots[&SLOT.parse().unwrap()].reasons[0].code().to_owned()
    };
    assert_eq!([code(0), code(1)], ["policy-denies", "grant-missing"]);
    // Its page tells the same to whoever approves by it.
    let page = Served::of_hall(hall).await.there("/rollouts/spring").await;
    let told = &page.by_id("preflight").text;
    for said in [
        "4 nodes",
        "would not do it",
        "policy-denies",
        "it is too loud",
        "grant-missing",
        "stock",
        "store-01",
    ] {
        assert!(told.contains(said), "{said}: {told}");
    }
}

pub async fn what_nodes_say_and_what_is_said_of_them_is_found_before_a_rollout_begins(hall: &Hall) {
    let mut world = World::new(hall, 6).await;
    let (old, mut new) = (world.release("1.0.0").await, world.release("2.0.0").await);
    world.everybody_has(&old).await;
    world.nodes[0].disk_free_bytes = 1 << 20;
    world.nodes[1].version = "0.0.9".into();
    // One was given it before, and gave it up.
    world.nodes[2].refuses.insert(new.hash);
    let trial = json!({ "store": "store-02", "why": "trial", "says": { "artefacts": { (SLOT): new } } });
    assert!(world.put("/v1/overrides/store-02", &trial).await.status.is_success());
    let held = json!({ "store": "store-03", "why": "its till is of 2009", "says": { "artefacts": { (SLOT): old } } });
    assert!(world.put("/v1/overrides/store-03", &held).await.status.is_success());
    let short = json!({ "zone": "UTC", "windows": ["daily 02:00-02:10"] });
    let short =
        json!({ "store": "store-04", "why": "it is open all night", "says": { "maintenance": short } });
    assert!(world.put("/v1/overrides/store-04", &short).await.status.is_success());
    for _ in 0..3 {
        world.pass(5).await;
    }
    new.needs.node_version_min = Some("0.1.0".parse().unwrap());
    world.draft(&spec("spring", &new, json!([{ "name": "all" }]))).await;
    let found = world.say("spring", "preflight", &json!({})).await.json;
    let examples = |code: &str| {
        let groups = found["preflight"]["preflight"]["groups"].as_array().unwrap();
        let group = groups.iter().find(|group| group["reason"]["code"] == code);
        group.unwrap_or_else(|| panic!("no {code}: {found:#}"))["examples"].clone()
    };
    let (severity, count, reason) = of(&found, "disk-full").unwrap();
    let missing = new.bytes + (64 << 20) - (1 << 20);
    // It may have gone on filling since it said so.
    let found_missing = reason["missing_bytes"].as_u64().unwrap();
    assert_eq!((severity, count), ("waits", 1));
    assert!((missing..missing + (1 << 20)).contains(&found_missing), "{found_missing}");
    assert_eq!(examples("disk-full"), json!(["store-00/node-1"]));
    let (severity, count, reason) = of(&found, "node-too-old").unwrap();
    assert_eq!((severity, count, &reason["has"]), ("fails", 1, &json!("0.0.9")));
    assert_eq!(examples("node-too-old"), json!(["store-01/node-1"]));
    let (severity, count, reason) = of(&found, "known-bad").unwrap();
    assert_eq!((severity, count, &reason["fault"]["code"]), ("fails", 1, &json!("smoke-test-failed")));
    assert_eq!(examples("known-bad"), json!(["store-02/node-1"]));
    let (severity, count, _) = of(&found, "held-by-override").unwrap();
    assert_eq!((severity, count), ("note", 2));
    assert_eq!(examples("held-by-override"), json!(["store-02/node-1", "store-03/node-1"]));
    let (severity, count, reason) = of(&found, "window-short").unwrap();
    assert_eq!((severity, count, &reason["longest_minutes"]), ("fails", 1, &json!(10)));
    assert_eq!(examples("window-short"), json!(["store-04/node-1"]));
    let preflight = &found["preflight"]["preflight"];
    assert_eq!((&preflight["failing"], &preflight["clear"]), (&json!(3), &json!(1)), "{preflight:#}");
}

pub async fn a_policy_goes_out_only_where_the_hub_knows_it_and_its_preflight_says_that_it_stays(hall: &Hall) {
    let mut world = World::new(hall, 3).await;
    let rollout = |name: &str, release: &aisle_fleet::Release| {
        let mut rollout = spec(name, release, json!([{ "name": "all" }]));
        rollout["set"] = json!({ "policy": release });
        rollout
    };
    for (name, version, told) in
        [("unknown", "7.0.0", "version 7 of the policy is not at this hub"), ("odd", "1.2.0", "`4.0.0`")]
    {
        let release = world.release(version).await;
        world.draft(&rollout(name, &release)).await;
        let found = world.say(name, "preflight", &json!({})).await.json;
        let refusal = found["preflight"]["preflight"]["refusal"].as_str().unwrap_or_default();
        assert!(refusal.contains(told), "{found:#}");
        assert_eq!(world.say(name, "start", &json!({})).await.status, StatusCode::CONFLICT);
        // Nor by a group or an override, which begin nothing first.
        let says = json!({ "artefacts": { "policy": release } });
        let group = json!({ "name": "rules", "who": "*", "says": says });
        let one = json!({ "store": "store-00", "why": "trial", "says": says });
        for refused in [
            world.put("/v1/groups/rules", &group).await,
            world.put("/v1/overrides/store-00", &one).await,
            world.machine.post("/v1/apply", &json!([{ "group": group }])).await,
            world.machine.post("/v1/apply?dry_run=true", &json!([{ "override": one }])).await,
        ] {
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.json);
            assert_eq!(refused.json["errors"][0]["field"], "artefacts", "{}", refused.json);
            assert!(refused.json["detail"].as_str().unwrap().contains(told), "{}", refused.json);
        }
        assert_eq!(world.machine.get("/v1/groups").await.json["items"], json!([]));
    }
    let (policy, signature) = (policy(), officer().sign(POLICY.as_bytes()));
    let new = NewPolicy { policy: &policy, document: POLICY.as_bytes(), signature: &signature };
    world.database().accept_policy(&new).await.unwrap();
    let release = world.release("1.0.0").await;
    let known =
        json!({ "name": "rules", "who": "store=nobody", "says": { "artefacts": { "policy": release } } });
    let put = world.put("/v1/groups/rules", &known).await;
    assert_eq!(put.status, StatusCode::CREATED, "{}", put.json);
    world.start(&rollout("first", &release)).await;
    let found = world.rollout("first").await;
    let (severity, count, _) = of(&found, "only-forward").unwrap();
    assert_eq!((severity, count), ("note", 3));
    for _ in 0..3 {
        world.pass(5).await;
    }
    assert_eq!(world.nodes[0].runs("policy").as_deref(), Some("1.0.0"));
    // What is in force is the least that a later rollout may bring, and a way back leads nowhere.
    let said = world.say("first", "rollback", &json!({ "why": "the wrong one" })).await;
    assert!(said.status.is_success(), "{}", said.json);
    for _ in 0..3 {
        world.pass(5).await;
    }
    assert_eq!(world.nodes[0].runs("policy").as_deref(), Some("1.0.0"));
    let report = world.nodes[0].says().report;
    assert_eq!(report.slots[&"policy".parse().unwrap()].reasons[0].code(), "only-forward");
    let older = world.release("0.0.0").await;
    let draft = rollout("older", &older);
    world.draft(&draft).await;
    let found = world.say("older", "preflight", &json!({})).await.json;
    assert_eq!(
        of(&found, "below-minimum").map(|(severity, count, _)| (severity, count)),
        Some(("fails", 3)),
        "{found:#}"
    );
}
