//! Settings that headquarters orders: signed and rolled out by the command that people use, set at devices, and what each device says to them read at headquarters.

use super::scale::Scale;
use crate::{
    admin::administrator::{Administered, OPEN},
    support::{
        command::{aisle, run, start},
        store::Store,
        wait::eventually,
    },
};
use aisle_harness::hub::{Approval, Headquarters, HubOptions, HubUnderTest, Person};
use serde_json::{Value, json};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(120);
const RULES: &str =
    "[[rules]]\nname = \"scales\"\nwho = \"model=shelf-scale-2\"\n[rules.settings]\ninterval_s = 60\n";
const QUICK: &str =
    "[node]\nserial = \"box-1\"\n[sync.line]\nreconnect_ms_max = 2000\n[artefacts]\nwatch_data_s = 1\n";

/// A store whose node has enrolled, with an open broker.
fn shop(hub: &HubUnderTest) -> Administered {
    let store = Store::empty();
    let claim = hub.claim("store-1").expect("a claim");
    let config = format!("{OPEN}{QUICK}");
    let file = store.file("claim.toml", config.as_str()).display().to_string();
    start(&mut aisle(&store.data(), ["claim", "--config", &file, &claim])).finish().exits(0);
    let node = store.start_with(&config);
    Administered { store, node }
}

/// What a scale says to what it is to be set to.
async fn answer(scale: &mut Scale, settings: Value, refused: impl FnOnce(&Value) -> Value) {
    let wanted = scale.told("config/desired").await;
    assert_eq!(wanted["settings"]["interval_s"], 60, "{wanted}");
    let refused = refused(&wanted["version"]);
    let version = if refused.is_null() { wanted["version"].clone() } else { json!(0) };
    let reported =
        json!({ "version": version, "settings": settings, "refused": refused, "last_known_good": false });
    scale.say("config/reported", true, &reported).await;
}

async fn listed(hq: &Headquarters, is: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    eventually("what devices say is known at headquarters", PATIENCE, async || {
        let said = hq.fleet(Person::Olga, &["devices", "--json"]).expect("the hub answers");
        let said: Value = serde_json::from_str(&said).expect("JSON");
        said["items"].as_array().cloned().filter(|items| is(items))
    })
    .await
}

#[tokio::test]
async fn what_each_device_says_to_ordered_settings_stands_at_headquarters_with_its_reason() {
    let hub = HubUnderTest::start(HubOptions { enrolment: Some(Approval::Auto), ..HubOptions::default() })
        .expect("the hub serves");
    hub.sign_artefacts().expect("the ceremony is held");
    let hq = hub.headquarters().expect("people");
    let admin = shop(&hub);
    let (mut well, mut odd) = (admin.approved_scale("scale-1").await, admin.approved_scale("scale-2").await);
    for scale in [&mut well, &mut odd] {
        scale.client.subscribe(&scale.topic("config/desired"), 1).await.expect("subscribed");
    }

    let signed = hq
        .sign_as("device-settings", "shelves", "1.0.0", &admin.store.file("settings.toml", RULES))
        .expect("it is signed");
    let document = format!(
        "rollout:\n  rollout: slower\n  why: batteries\n  who: '*'\n  set:\n    device-settings/shelves: \
         {{ version: {}, hash: {}, bytes: {} }}\n  waves:\n    - {{ name: all }}\n",
        signed.version, signed.blake3, signed.bytes
    );
    hq.apply(Person::Olga, &document).expect("it is written down");
    eventually("it is under way", PATIENCE, async || {
        hq.urge("slower").expect("the hub answers").then_some(())
    })
    .await;

    answer(&mut well, json!({ "enabled": true, "interval_s": 60 }), |_| Value::Null).await;
    answer(&mut odd, json!({ "enabled": true, "interval_s": 10 }), |version| {
        json!({ "version": version, "path": "interval_s", "reason": "the battery is too weak for it" })
    })
    .await;

    let status = |items: &[Value], device: &str| {
        let found = items.iter().find(|item| item["device"] == device);
        found.map(|item| item["status"].as_str().unwrap_or_default().to_owned()).unwrap_or_default()
    };
    let items =
        listed(&hq, |items| status(items, "scale-1") == "applied" && status(items, "scale-2") == "refused")
            .await;
    let refused = items.iter().find(|item| item["device"] == "scale-2").expect("it is there");
    assert_eq!(
        (&refused["path"], &refused["reason"], &refused["store"], &refused["serial"]),
        (&json!("interval_s"), &json!("the battery is too weak for it"), &json!("store-1"), &json!("box-1"))
    );
    assert_eq!((&refused["slot"], &refused["version"]), (&json!("device-settings/shelves"), &json!("1.0.0")));

    // The rollout is done, for the store has them; beside it stands what its devices say, in the same words everywhere.
    eventually("it is done", PATIENCE, async || {
        (hq.going("slower").expect("the hub answers").phase == "done").then_some(())
    })
    .await;
    let shown = hq.fleet(Person::Olga, &["rollout", "show", "slower"]).expect("it is shown");
    let store = hq.fleet(Person::Olga, &["show", "store-1"]).expect("it is shown");
    let at_node = run(&mut aisle(&admin.store.data(), ["fleet", "status"])).stdout;
    for said in [&shown, &store, &at_node] {
        for words in ["1 applied, 1 refused", "the battery is too weak for it"] {
            assert!(said.contains(words), "no `{words}` in\n{said}");
        }
    }
    let refusals = hq.fleet(Person::Olga, &["devices", "--status", "refused"]).expect("they are listed");
    assert!(refusals.contains("scale-2") && !refusals.contains("scale-1"), "{refusals}");
}
