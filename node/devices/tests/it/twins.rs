//! Settings and commands, from the person who gives them to the device and back.

use crate::{
    eventually,
    shop::{Shop, announce},
    store::{Seen, Store},
};
use aisle_broker::{
    packet::QoS,
    topic::{Filter, Limits},
};
use aisle_devices::service::{CommandOutcome, Config, ControlError, Shown, StreamPlacement};
use aisle_event::device::{CommandEnd, Place};
use aisle_firmware_config::message;
use serde_json::{Map, Value, json};
use std::{sync::Arc, time::Duration};

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

async fn desired(seen: &Seen) -> Value {
    let payloads = eventually(|| seen.payloads(), |payloads| !payloads.is_empty()).await;
    serde_json::from_str(payloads.last().unwrap()).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_go_to_a_device_whole_and_its_report_ends_the_wait() {
    let shop = Shop::open().await;
    shop.has("label").await;
    let seen = shop.store.watch("aisle/v1/leeds/label/config/desired").await;
    let version =
        shop.control.set("label", &object(json!({"interval_s": 30})), Some("mo")).await.expect("set");
    assert_eq!(version, 1);
    let published = desired(&seen).await;
    assert_eq!(published["version"], 1);
    assert_eq!(published["settings"], json!({"interval_s": 30, "limit": 5.0, "led": true}));
    let properties = seen.all()[0].properties.0.clone().expect("properties");
    assert_eq!(properties.expiry_s, Some(90 * 86_400));
    assert_eq!(properties.content_type.as_deref(), Some("application/json"));
    assert!(!shop.device("label").unwrap().twin.in_sync);
    let report = json!({"version": 1, "settings": {"interval_s": 30, "limit": 5.0, "led": true}});
    shop.says("label", "config/reported", true, &report).await;
    shop.until("label", |known| known.twin.in_sync).await;
    // The next change is put over it.
    shop.control.set("label", &object(json!({"led": false})), None).await.expect("set");
    eventually(|| seen.payloads().len(), |&count| count == 2).await;
    assert_eq!(desired(&seen).await["settings"], json!({"interval_s": 30, "limit": 5.0, "led": false}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_setting_is_refused_whole_with_its_path_and_reason() {
    let shop = Shop::open().await;
    shop.has("label").await;
    for (patch, path) in [
        (json!({"led": false, "interval_s": 1}), "interval_s"),
        (json!({"led": false, "intervall_s": 60}), "intervall_s"),
        (json!({"led": "yes"}), "led"),
        (json!({"limit": {"deep": 1}}), "limit"),
        (json!({}), ""),
    ] {
        let refused = shop.control.set("label", &object(patch.clone()), None).await.expect_err("refused");
        match &refused {
            ControlError::Refused { path: found, .. } => assert_eq!(found, path, "{patch}: {refused}"),
            other => panic!("{patch}: {other}"),
        }
    }
    assert_eq!(shop.device("label").unwrap().twin.desired, None, "nothing of them was taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_refuses_settings_says_why_where_staff_can_read_it() {
    let shop = Shop::open().await;
    shop.has("label").await;
    shop.control.set("label", &object(json!({"interval_s": 5})), None).await.expect("set");
    let report = json!({
        "version": 0,
        "settings": {"interval_s": 60},
        "refused": {"version": 1, "path": "interval_s", "reason": "the battery is too weak for it"},
    });
    shop.says("label", "config/reported", true, &report).await;
    let known = shop.until("label", |known| !known.problems.is_empty()).await;
    assert!(known.problems[0].detail.as_str().contains("the battery is too weak"), "{:?}", known.problems);
    assert_eq!(known.twin.refusal().unwrap().path.as_ref().unwrap().as_str(), "interval_s");
    assert_eq!(shop.control.set("label", &object(json!({"interval_s": 60})), None).await, Ok(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_was_away_finds_its_settings_however_often_the_node_restarted() {
    let shop = Shop::open().await;
    shop.has("away").await;
    shop.says("away", "status", true, &json!({"online": false, "boots": 1})).await;
    shop.until("away", |known| known.online == Some(false)).await;
    shop.control.set("away", &object(json!({"interval_s": 30})), None).await.expect("set");
    let (store, clock) = shop.without_service().await;
    let store = store.after_a_power_cut().await;
    let shop = Shop::on(store, Config::default(), clock);
    shop.until("away", |known| known.twin.desired.is_some() && !known.twin.in_sync).await;
    // It comes back, and the broker has kept them for it.
    let found = eventually(
        || retained(&shop.store, "away"),
        |topics| topics.iter().any(|it| it.ends_with("desired")),
    )
    .await;
    assert!(!found.is_empty());
    let seen = shop.store.watch("aisle/v1/leeds/away/config/desired").await;
    assert_eq!(desired(&seen).await["settings"]["interval_s"], 30);
}

fn retained(store: &Store, device: &str) -> Vec<String> {
    let filter = Filter::parse(&format!("aisle/v1/leeds/{device}/#"), &Limits::default()).expect("a filter");
    store.broker.retained(&filter, "", 100).into_iter().map(|it| it.topic).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_retained_of_a_retired_device_also_when_it_speaks_again() {
    let shop = Shop::open().await;
    shop.has("old").await;
    shop.says("old", "status", true, &json!({"online": true, "boots": 1})).await;
    shop.control.set("old", &object(json!({"interval_s": 30})), None).await.expect("set");
    eventually(|| retained(&shop.store, "old").len(), |&count| count == 3).await;
    shop.control.retire("old", Some("mo")).await.expect("retired");
    eventually(|| retained(&shop.store, "old").len(), |&count| count == 0).await;
    let refused =
        shop.control.set("old", &object(json!({"interval_s": 30})), None).await.expect_err("refused");
    assert!(refused.to_string().contains("device `old` is retired"), "{refused}");
    shop.announces("old").await;
    shop.measures("old", 1, 1, 4.0).await;
    eventually(|| retained(&shop.store, "old").len(), |&count| count == 0).await;
    assert_eq!(shop.readings(), []);
    shop.control.approve("old", None, &[]).await.expect("approved again");
    shop.measures("old", 1, 2, 4.0).await;
    assert_eq!(shop.until_readings(1).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_comes_back_with_its_answer_or_after_its_time() {
    let shop = Arc::new(Shop::open().await);
    shop.has("lamp").await;
    let asked = shop.store.watch("aisle/v1/leeds/lamp/cmd/blink/req").await;
    let ask = |shop: &Arc<Shop>, seconds| {
        let control = shop.control.clone();
        tokio::spawn(async move {
            let (args, wait) = (object(json!({"times": 3})), Duration::from_secs(seconds));
            control.command("lamp", "blink", &args, wait, Some("mo")).await.expect("sent")
        })
    };
    for (ok, reason) in [(true, None), (false, Some("the lamp is broken"))] {
        let before = asked.all().len();
        let outcome = ask(&shop, 30);
        let requests = eventually(|| asked.all(), |all| all.len() > before).await;
        let request: Value = serde_json::from_slice(&requests.last().unwrap().payload).expect("JSON");
        assert_eq!((&request["args"], &request["ttl_s"]), (&json!({"times": 3}), &json!(30)));
        let mut answer = json!({"id": request["id"], "ok": ok, "result": {"blinked": 3}});
        if let Some(reason) = reason {
            answer["reason"] = reason.into();
        }
        shop.says("lamp", "cmd/blink/res", false, &answer).await;
        match outcome.await.expect("ends") {
            CommandOutcome::Done { response } => {
                assert_eq!((ok, response["blinked"].as_i64()), (true, Some(3)));
            }
            CommandOutcome::Refused { response } => {
                assert_eq!((ok, response["reason"].as_str()), (false, reason));
            }
            CommandOutcome::TimedOut => panic!("an answer came"),
        }
    }
    let outcome = ask(&shop, 1);
    shop.until("lamp", |known| known.commands.len() == 3).await;
    shop.clock.fetch_add(1_001, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(outcome.await.expect("ends"), CommandOutcome::TimedOut);
    let known = shop.until("lamp", |known| known.commands.iter().all(|it| it.ended.is_some())).await;
    assert_eq!(known.commands[2].ended.as_ref().unwrap().end, CommandEnd::TimedOut);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_for_what_cannot_be_is_told_the_device_the_cause_and_the_next_step() {
    let shop = Shop::open().await;
    let patch = object(json!({"led": true}));
    let unknown = shop.control.set("nobody", &patch, None).await.expect_err("unknown").to_string();
    assert!(unknown.contains("device `nobody` is unknown") && unknown.contains("hint:"), "{unknown}");
    shop.announces("new").await;
    shop.until("new", |_| true).await;
    let heard = shop.control.set("new", &patch, None).await.expect_err("not approved").to_string();
    assert!(heard.contains("device approve new"), "{heard}");
    let wait = Duration::from_secs(1);
    let command = shop.control.command("new", "blink", &Map::new(), wait, None).await.expect_err("refused");
    assert_eq!(command, ControlError::NotApproved { device: "new".into() });
    let nowhere = StreamPlacement { stream: "pressure".into(), ..StreamPlacement::default() };
    let refused = shop.control.approve("new", None, &[nowhere]).await.expect_err("refused").to_string();
    assert!(refused.contains("no stream `pressure`") && refused.contains("`temperature`"), "{refused}");
    assert!(!shop.device("new").unwrap().is_trusted(), "nothing of it was done");
    let shelf = StreamPlacement {
        stream: "weight".into(),
        place: Some(Place::Shelf),
        unit_weight_mg: Some(250_000),
        ..StreamPlacement::default()
    };
    shop.control.approve("new", None, &[shelf]).await.expect("approved");
    let known = shop.device("new").unwrap();
    let placement = known.stream("weight").unwrap().placement.clone().unwrap();
    assert_eq!(placement.unit_weight.unwrap().units(), 250.0);
    let mut plain = announce("plain", "p", 1);
    plain["settings"] = json!([]);
    shop.says("plain", "announce", true, &plain).await;
    shop.until("plain", |_| true).await;
    shop.control.approve("plain", None, &[]).await.expect("approved");
    let none = shop.control.set("plain", &patch, None).await.expect_err("no settings").to_string();
    assert!(none.contains("has no settings"), "{none}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_speaks_cbor_is_answered_in_cbor() {
    let shop = Shop::open().await;
    let payload = announce("thermo", "s1", 1).to_string();
    let (said, _) = message::decode::<message::Announce>(payload.as_bytes()).expect("decodes");
    let mut buffer = vec![0; message::MESSAGE_BYTES_MAX];
    let bytes = message::encode(&said, message::Encoding::Cbor, &mut buffer).expect("encodes");
    buffer.truncate(bytes);
    shop.says_bytes("small", "announce", true, buffer).await;
    shop.until("small", |known| known.cbor).await;
    shop.control.approve("small", None, &[]).await.expect("approved");
    let seen = shop.store.watch("aisle/v1/leeds/small/config/desired").await;
    shop.control.set("small", &object(json!({"interval_s": 30})), None).await.expect("set");
    let published = eventually(|| seen.all(), |all| !all.is_empty()).await;
    let (desired, encoding) = message::decode::<message::Desired>(&published[0].payload).expect("decodes");
    assert_eq!((desired.version, encoding), (1, message::Encoding::Cbor));
    let properties = published[0].properties.0.clone().expect("properties");
    assert_eq!(properties.content_type.as_deref(), Some("application/cbor"));
}

fn shown(text: &str) -> Shown<'_> {
    Shown { text, title: "Plum jam", price: "4.25 GBP" }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_label_is_what_has_a_text_and_it_is_told_only_what_it_does_not_show() {
    let shop = Shop::open().await;
    let mut tag = announce("tag-2000", "t", 1);
    tag["settings"] = json!([{"name": "text", "kind": {"text": {"len_max": 16}}, "default": ""}]);
    shop.says("tag", "announce", true, &tag).await;
    let mut odd = announce("label-printer", "p", 1);
    odd["settings"] = json!([{"name": "text", "kind": "bool", "default": true}]);
    shop.says("odd", "announce", true, &odd).await;
    for device in ["tag", "odd"] {
        shop.until(device, |_| true).await;
        shop.control.approve(device, None, &[]).await.expect("approved");
    }
    let is_label = |device| shop.control.is_label(&shop.device(device).unwrap());
    assert!(is_label("tag") && !is_label("odd"), "what it is called says nothing");

    let tag = "tag".parse().expect("an id");
    for (text, version) in [("Last ones", 1), ("Last ones", 1), ("Plenty again", 2), ("Last ones", 3)] {
        shop.control.show(&tag, shown(text), Some("plugin")).await.expect("set");
        let desired = shop.device("tag").unwrap().twin.desired.clone().expect("desired");
        assert_eq!(desired.version, version, "{text}");
    }
    let long = shop.control.show(&tag, shown("more than it has room for"), None).await;
    assert!(matches!(long, Err(ControlError::Refused { .. })), "{long:?}");
    let odd = shop.control.show(&"odd".parse().expect("an id"), shown("Last ones"), None).await;
    assert!(matches!(odd, Err(ControlError::Refused { .. })), "{odd:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_label_is_asked_to_show_what_its_profile_has_room_for() {
    let shop = Shop::open().await;
    shop.control.listens().await;
    let asked = shop.store.watch("esl/rack-7/show").await;
    shop.store.publish("esl/rack-7/state", "{\"battery_mv\":2950}", QoS::AtLeastOnce).await;
    shop.until("rack-7", |_| true).await;
    shop.control.approve("rack-7", None, &[]).await.expect("approved");
    assert!(shop.control.is_label(&shop.device("rack-7").unwrap()));

    let rack = "rack-7".parse().expect("an id");
    // What it is asked already is not asked again.
    for text in ["Last ones", "Last ones", "Plenty again"] {
        shop.control.show(&rack, shown(text), Some("plugin")).await.expect("sent");
    }
    let title = "冷".repeat(20);
    let long = Shown { title: &title, ..shown("Plenty again") };
    shop.control.show(&rack, long, Some("plugin")).await.expect("sent");
    let payloads = eventually(|| asked.payloads(), |payloads| payloads.len() >= 3).await;
    let told: Vec<Value> = payloads.iter().map(|it| serde_json::from_str(it).expect("JSON")).collect();
    let cut = "冷".repeat(10);
    assert_eq!(
        told,
        [("Plum jam", "Last ones"), ("Plum jam", "Plenty again"), (cut.as_str(), "Plenty again")]
            .map(|(title, note)| json!({"title": title, "price": "4.25 GBP", "note": note}))
    );
    // It never says whether it did: after its time it is asked again.
    shop.clock.fetch_add(601_000, std::sync::atomic::Ordering::SeqCst);
    shop.until("rack-7", |known| known.commands.iter().all(|it| it.ended.is_some())).await;
    shop.control.show(&rack, long, Some("plugin")).await.expect("sent");
    eventually(|| asked.payloads().len(), |&count| count == 4).await;
}
