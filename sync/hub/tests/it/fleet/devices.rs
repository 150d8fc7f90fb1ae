//! What became of device settings: kept with the report, listed, added up for a rollout.

use super::world::{World, spec, waves};
use crate::people::hall::Hall;
use aisle_event::{DeviceId, Timestamp};
use aisle_fleet::{
    Release, Slot,
    device::{DeviceResult, DeviceStatus, SlotDevices},
};
use reqwest::StatusCode;
use serde_json::{Value, json};

const FRIDGES: &str = "device-settings/fridges";

fn result(device: &str, status: DeviceStatus, reason: Option<&str>) -> DeviceResult {
    DeviceResult {
        device: DeviceId::new(device).unwrap(),
        status,
        path: reason.map(|_| "interval_s".into()),
        reason: reason.map(Into::into),
        since: Timestamp(1_800_000_000_000),
    }
}

fn say(world: &mut World<'_>, at: usize, release: &Release, results: &[DeviceResult]) {
    let slot: Slot = FRIDGES.parse().unwrap();
    world.nodes[at].devices.insert(slot, SlotDevices::of(release.into(), results.iter().cloned()));
}

async fn got(world: &World<'_>, path: &str) -> Value {
    let reply = world.machine.get(path).await;
    assert_eq!(reply.status, StatusCode::OK, "{path}: {}", reply.json);
    reply.json
}

/// Three stores: one has taken the settings whole, one not, and of one nothing is known.
async fn three<'h>(hall: &'h Hall) -> (World<'h>, Release) {
    let mut world = World::new(hall, 3).await;
    let release = world.release("1.0.0").await;
    let mut spec = spec("cooler", &release, waves());
    spec["set"] = json!({ (FRIDGES): release });
    world.start(&spec).await;
    world.until("cooler", "done").await;
    let low = Some("is 10, expected at least 30");
    say(&mut world, 0, &release, &[result("fridge-1", DeviceStatus::Applied, None)]);
    let second = [
        result("fridge-1", DeviceStatus::Applied, None),
        result("fridge-7", DeviceStatus::Refused, low),
        result("fridge-8", DeviceStatus::Refused, Some("is 20, expected at least 30")),
        result("fridge-9", DeviceStatus::Unreachable, None),
    ];
    say(&mut world, 1, &release, &second);
    world.pass(5).await;
    (world, release)
}

pub async fn a_rollout_of_settings_says_what_became_of_them_at_each_device(hall: &Hall) {
    let (mut world, release) = three(hall).await;
    let devices = got(&world, "/v1/rollouts/cooler/devices").await;
    let slot = &devices["slots"][0];
    assert_eq!((slot["slot"].as_str(), slot["version"].as_str()), (Some(FRIDGES), Some("1.0.0")));
    assert_eq!(
        (&slot["nodes"], &slot["tally"]["stores"], &slot["tally"]["stores_whole"]),
        (&json!(3), &json!(2), &json!(1))
    );
    assert_eq!(slot["tally"]["devices"], json!({ "applied": 2, "refused": 2, "unreachable": 1 }));
    assert_eq!((&slot["tally"]["untold"], &slot["reasons_unread"]), (&json!(0), &json!(0)));
    let reason = &slot["tally"]["reasons"][0];
    assert_eq!((&reason["devices"], &reason["path"]), (&json!(2), &json!("interval_s")), "{devices:#}");
    assert!(reason["reason"].as_str().unwrap().contains("expected at least 30"));
    assert_eq!(reason["examples"][0], json!(["store-01", "fridge-7"]));

    let member = got(&world, "/v1/members/store-01/node-1").await;
    let said = &member["devices"][FRIDGES];
    assert_eq!(said["counts"], json!({ "applied": 1, "refused": 2, "unreachable": 1 }));
    assert_eq!(said["results"][0]["device"], "fridge-7");

    // What was refused is taken after all, and what a node does not tell of any more is gone.
    say(&mut world, 1, &release, &[result("fridge-7", DeviceStatus::Applied, None)]);
    world.nodes[0].devices.clear();
    world.pass(5).await;
    let slot = &got(&world, "/v1/rollouts/cooler/devices").await["slots"][0];
    assert_eq!((&slot["tally"]["stores"], &slot["tally"]["devices"]), (&json!(1), &json!({ "applied": 1 })));
    // Results of another version are none of this rollout's.
    let other = world.release("2.0.0").await;
    say(&mut world, 1, &other, &[result("fridge-7", DeviceStatus::Applied, None)]);
    world.pass(5).await;
    let slot = &got(&world, "/v1/rollouts/cooler/devices").await["slots"][0];
    assert_eq!(slot["tally"]["stores"], 0);
    let unknown = world.machine.get("/v1/rollouts/nothing/devices").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

pub async fn devices_are_listed_page_by_page_and_by_how_they_stand(hall: &Hall) {
    let (world, _) = three(hall).await;
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let page = got(&world, &format!("/v1/device-results?limit=2{after}")).await;
        let items = page["items"].as_array().unwrap().clone();
        assert!(items.len() <= 2);
        found.extend(items);
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    let named: Vec<String> = found
        .iter()
        .map(|one| format!("{} {}", one["store"].as_str().unwrap(), one["device"].as_str().unwrap()))
        .collect();
    let expected = [
        "store-00 fridge-1",
        "store-01 fridge-7",
        "store-01 fridge-8",
        "store-01 fridge-9",
        "store-01 fridge-1",
    ];
    assert_eq!(named, expected, "each once, those first that somebody has to look after");
    assert_eq!(found[1]["reason"], "is 10, expected at least 30");

    let refused = got(&world, "/v1/device-results?status=refused").await;
    assert_eq!(refused["items"].as_array().unwrap().len(), 2);
    let of_store = got(&world, "/v1/device-results?store=store-00&slot=device-settings%2Ffridges").await;
    assert_eq!(of_store["items"].as_array().unwrap().len(), 1);
    for wrong in ["status=odd", "after=odd", "limit=0", "colour=red"] {
        let refused = world.machine.get(&format!("/v1/device-results?{wrong}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

pub async fn a_node_that_is_newer_than_its_hub_is_heard(hall: &Hall) {
    let mut world = World::new(hall, 1).await;
    let newer = include_bytes!("../../../../fleet/tests/golden/says_of_a_newer_node.json");
    world.says_of(0, newer).await;
    let member = got(&world, "/v1/members/store-00/node-1").await;
    let slot = &member["reported"]["slots"]["plugin/multi-buy"];
    assert_eq!(slot["phase"], "other", "{member:#}");
    assert_eq!(
        slot["reasons"][0],
        json!({ "code": "other", "what": "too-hot", "text": "celsius 71, where the cupboard" })
    );
    assert_eq!(member["reported"]["others"]["hologram/queen"], "shimmering");
    assert_eq!(
        (&member["member"]["phase"], &member["member"]["version"]),
        (&json!("drifting"), &json!("9.0"))
    );
    assert_eq!(member["devices"][FRIDGES]["counts"]["other"], 2);
    // It is news to the rules as any other is.
    world.engine.look().await.unwrap();
}
