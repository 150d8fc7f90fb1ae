//! What devices say over the store's own broker, and what is in the journal afterwards.

use crate::{
    eventually,
    shop::{Shop, T0, announce, telemetry},
    store::Store,
};
use aisle_broker::packet::{MessageProperties, QoS};
use aisle_devices::{
    registry::DeviceState,
    service::{Config, ProfileDir},
};
use aisle_event::{Event, Timestamp};
use bytes::Bytes;
use serde_json::json;
use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_heard_and_not_trusted_until_a_person_approves_it() {
    let shop = Shop::open().await;
    shop.announces("fridge-7").await;
    assert_eq!(shop.until("fridge-7", |_| true).await.state, DeviceState::Heard);
    shop.measures("fridge-7", 1, 1, 3.9).await;
    let shown = |preview: &aisle_devices::service::Preview| preview.devices.contains_key("fridge-7");
    let preview = eventually(|| shop.control.preview(), shown).await;
    assert_eq!(preview.devices.get("fridge-7").unwrap().streams[0].value, "3.9 celsius");
    assert_eq!(shop.readings(), []);
    shop.control.approve("fridge-7", Some("mo"), &[]).await.expect("approved");
    shop.measures("fridge-7", 1, 2, 4.1).await;
    let readings = shop.until_readings(1).await;
    assert_eq!(
        (readings[0].value.units(), readings[0].number, readings[0].at),
        (4.1, Some(2), Timestamp(T0))
    );
    assert_eq!(readings.len(), 1, "what it said before it was approved does not count");
    // Its tags and scans count, too.
    let tags = json!({"boot": 1, "n": 3, "complete": true, "tags": ["3034257BF7194E4000001A85"]});
    shop.says("fridge-7", "telemetry/zone", false, &tags).await;
    let code = json!({"boot": 1, "n": 4, "code": "4006381333931", "weight_g": 12.5});
    shop.says("fridge-7", "telemetry/scanner", false, &code).await;
    let seen =
        eventually(|| shop.events(), |all| all.iter().any(|it| matches!(it, Event::CodeScanned(_)))).await;
    assert!(seen.iter().any(|it| matches!(it, Event::TagsRead(tags) if tags.tags.len() == 1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_once_while_the_register_is_read_is_not_lost() {
    let shop = Shop::behind().await;
    shop.control.listens().await;
    let power = Bytes::from_static(br#"{"ENERGY":{"Total":3.185,"Power":26}}"#);
    for plug in 0..50 {
        let topic = format!("tele/plug-{plug}/SENSOR");
        let plain = MessageProperties::default();
        shop.store.publish_bytes(&topic, power.clone(), QoS::AtMostOnce, false, plain).await;
    }
    assert_eq!(shop.view().devices.len(), 0, "nobody is judged before everybody is known");
    shop.is_behind.store(false, Ordering::SeqCst);
    eventually(|| shop.view(), |view| view.devices.len() == 50).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_devices_garbage_does_not_hold_up_another() {
    let shop = Shop::open().await;
    shop.has("good").await;
    shop.has("bad").await;
    for n in 0..200 {
        shop.says_bytes("bad", "telemetry/temperature", false, "{\"boot\": NaN").await;
        shop.says_bytes("bad", "telemetry/temperature", false, "[".repeat(5_000)).await;
        shop.measures("good", 1, n, 4.0).await;
    }
    assert_eq!(shop.until_readings(200).await.len(), 200);
    let faults = shop.faults();
    assert_eq!(faults.len(), 1, "one an hour of each kind: {faults:?}");
    assert_eq!((&*faults[0].0, &*faults[0].1), ("bad", "payload"));
    let text = shop.metrics();
    assert!(text.contains("devices_problems_total{kind=\"payload\"} 400"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_are_none_and_units_that_are_others_are_refused_in_words() {
    let shop = Shop::open().await;
    shop.has("scale").await;
    let grams = |v: f64| json!({"boot": 1, "unit": "gram", "samples": [{"n": 1, "v": v}]});
    shop.says("scale", "telemetry/weight", false, &grams(-400.0)).await;
    shop.says_bytes(
        "scale",
        "telemetry/weight",
        false,
        r#"{"boot":1,"unit":"gram","samples":[{"n":2,"v":NaN}]}"#,
    )
    .await;
    shop.says("scale", "telemetry/temperature", false, &grams(20.0)).await;
    shop.says("scale", "telemetry/secret", false, &grams(20.0)).await;
    shop.says(
        "scale",
        "telemetry/weight",
        false,
        &json!({"boot": 1, "unit": "gram", "samples": [{"n": 9, "v": 250.0}]}),
    )
    .await;
    let readings = shop.until_readings(1).await;
    assert_eq!((readings.len(), readings[0].value.units()), (1, 250.0));
    let known = shop.until("scale", |known| known.problems.len() >= 3).await;
    let words: Vec<String> =
        known.problems.iter().map(|it| format!("{}: {}", it.problem, it.detail)).collect();
    assert!(
        words.iter().any(|it| it.starts_with("unit: `temperature` was announced in celsius")),
        "{words:?}"
    );
    assert!(words.iter().any(|it| it.starts_with("value: ")), "{words:?}");
    assert!(words.iter().any(|it| it.starts_with("payload: ")), "{words:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_years_off_costs_no_reading() {
    let shop = Shop::open().await;
    shop.has("old").await;
    let samples = [(1, Some(0), 1.0), (2, Some(T0 * 2), 2.0), (3, Some(T0 - 60_000), 3.0), (4, None, 4.0)];
    shop.says("old", "telemetry/temperature", false, &telemetry(1, &samples)).await;
    let at: Vec<i64> = shop.until_readings(4).await.iter().map(|reading| reading.at.0).collect();
    assert_eq!(at, [T0, T0, T0 - 60_000, T0]);
    let known = shop.until("old", |known| !known.problems.is_empty()).await;
    assert!(known.problems[0].detail.as_str().contains("57 years behind"), "{:?}", known.problems);
    // The node's own clock lies: readings still come, in the journal's order.
    shop.clock.store(-5, Ordering::SeqCst);
    shop.measures("old", 1, 5, 5.0).await;
    assert_eq!(shop.until_readings(5).await[4].at, Timestamp(-5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_comes_twice_counts_once_and_one_that_comes_late_counts() {
    let shop = Shop::open().await;
    shop.has("a").await;
    for n in [1, 2, 5, 2, 3, 5, 4] {
        shop.measures("a", 7, n, f64::from(n)).await;
    }
    shop.measures("a", 8, 1, 100.0).await;
    let readings = eventually(|| shop.readings(), |all| all.iter().any(|it| it.boot == Some(8))).await;
    let numbers: Vec<Option<u32>> = readings.iter().map(|reading| reading.number).collect();
    assert_eq!(numbers, [1, 2, 5, 3, 4, 1].map(Some));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_devices_with_one_id_are_said_in_words() {
    let shop = Shop::open().await;
    shop.has("twin").await;
    for round in 0..4 {
        shop.measures("twin", 12, round, 4.0).await;
        shop.measures("twin", 40, round, 9.0).await;
    }
    let known = shop.until("twin", |known| !known.problems.is_empty()).await;
    assert_eq!(known.problems[0].problem.as_str(), "two_devices");
    assert!(known.problems[0].detail.as_str().contains("two devices use this id"));
    assert_eq!(shop.until_readings(8).await.len(), 8, "neither is silenced");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_changes_type_is_suspended_and_its_readings_do_not_count() {
    let shop = Shop::open().await;
    shop.has("shelf").await;
    shop.says("shelf", "announce", true, &announce("camera", "s1", 2)).await;
    shop.measures("shelf", 2, 1, 4.0).await;
    let known = shop.until("shelf", |known| !known.problems.is_empty()).await;
    let suspension = known.suspended.as_ref().expect("suspended");
    assert!(suspension.detail.as_str().contains("approved as `thermo`"), "{suspension:?}");
    assert_eq!(shop.readings(), []);
    shop.control.approve("shelf", None, &[]).await.expect("approved again");
    shop.measures("shelf", 2, 2, 4.0).await;
    assert_eq!(shop.until_readings(1).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_announcements_at_once_shed_what_is_too_much_and_hold_up_nobody() {
    let shop = Shop::open().await;
    shop.has("mine").await;
    let began = Instant::now();
    let payload = announce("thermo", "x", 1).to_string();
    for number in 0..10_000 {
        let topic = format!("aisle/v1/leeds/new-{number}/announce");
        shop.store.publish_with(&topic, &payload, QoS::AtMostOnce, false, MessageProperties::default()).await;
        if number % 100 == 0 {
            shop.measures("mine", 1, number, 4.0).await;
        }
    }
    shop.until_readings(100).await;
    let view = eventually(|| shop.view(), |view| view.counts.heard == 500).await;
    assert!(view.alert.as_ref().is_some_and(|alert| alert.contains("wait for approval")));
    let announced = shop.events().iter().filter(|it| matches!(it, Event::DeviceAnnounced(_))).count();
    assert!(announced <= 520, "{announced} announcements went to the journal");
    eprintln!("10,000 announcements and 100 readings in {:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_acknowledged_comes_again_after_a_restart_and_nothing_is_lost() {
    let shop = Shop::open().await;
    shop.has("a").await;
    shop.measures("a", 1, 0, 4.0).await;
    shop.until_readings(1).await;
    // What comes now is with the broker, and nobody is there to acknowledge it.
    let (store, clock) = shop.without_service().await;
    for n in 1..=300 {
        let payload = telemetry(1, &[(n, None, 4.0)]).to_string();
        store.publish("aisle/v1/leeds/a/telemetry/temperature", &payload, QoS::AtLeastOnce).await;
    }
    let store = store.after_a_power_cut().await;
    let shop = Shop::on(store, Config::default(), clock);
    let readings = shop.until_readings(301).await;
    let mut numbers: Vec<u32> = readings.iter().filter_map(|reading| reading.number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..=300).collect::<Vec<u32>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_killed_between_its_commit_and_its_acknowledgements_counts_nothing_twice() {
    let mut shop = Shop::open().await;
    shop.has("a").await;
    let mut next = 0;
    // Fewer in all than numbers are told apart: nobody says how many of them an end finds without their acknowledgement.
    for _ in 0..5 {
        for _ in 0..25 {
            shop.measures("a", 1, next, 4.0).await;
            next += 1;
        }
        let (store, clock) = shop.without_service().await;
        shop = Shop::on(store, Config::default(), clock);
    }
    shop.measures("a", 1, next, 4.0).await;
    let readings = eventually(|| shop.readings(), |all| all.iter().any(|it| it.number == Some(next))).await;
    let mut numbers: Vec<u32> = readings.iter().filter_map(|reading| reading.number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..=next).collect::<Vec<u32>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_numbers_is_cut_off_and_tags_still_come_through() {
    let config = Config { device_messages_per_s_max: 5, device_burst_s: 4, ..Config::default() };
    let shop = Shop::with(config).await;
    shop.has("loud").await;
    shop.has("quiet").await;
    for n in 0..400 {
        shop.measures("loud", 1, n, 4.0).await;
    }
    let tags = json!({"boot": 1, "n": 1, "complete": true, "tags": []});
    shop.says("loud", "telemetry/zone", false, &tags).await;
    shop.measures("quiet", 1, 1, 4.0).await;
    shop.says("loud", "status", true, &json!({"online": false, "boots": 1})).await;
    let known = shop.until("loud", |known| known.online == Some(false)).await;
    assert_eq!(known.problems[0].problem.as_str(), "flood");
    let events = shop.events();
    assert!(events.iter().any(|it| matches!(it, Event::TagsRead(_))));
    let readings = shop.readings();
    assert!(readings.iter().any(|reading| reading.device.as_str() == "quiet"));
    assert!(readings.len() < 400, "{}", readings.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ghost_that_the_broker_kept_is_not_online_for_ever() {
    let store = Store::open().await;
    let config = Config { silence_s_min: 1, silence_intervals: 2, ..Config::default() };
    let shop = Shop::on(store, config.clone(), Arc::default());
    let mut ghost = announce("thermo", "s1", 1);
    ghost["streams"] = json!([{"name": "temperature", "kind": "number", "unit": "celsius", "interval_s": 1}]);
    shop.says("ghost", "announce", true, &ghost).await;
    shop.says("ghost", "status", true, &json!({"online": true, "boots": 1})).await;
    shop.until("ghost", |_| true).await;
    shop.control.approve("ghost", None, &[]).await.expect("approved");
    shop.until("ghost", |known| known.online == Some(true)).await;
    // The next service hears only what was kept.
    let (store, clock) = shop.without_service().await;
    let shop = Shop::on(store, config, clock);
    shop.until("ghost", |known| known.online == Some(false)).await;
    shop.measures("ghost", 1, 1, 4.0).await;
    shop.until("ghost", |known| known.online == Some(true)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retained_reading_is_no_reading() {
    let shop = Shop::open().await;
    shop.has("a").await;
    let payload = telemetry(1, &[(1, None, 4.0)]);
    shop.says("a", "telemetry/temperature", true, &payload).await;
    shop.until_readings(1).await;
    let (store, clock) = shop.without_service().await;
    let shop = Shop::on(store, Config::default(), clock);
    shop.measures("a", 1, 2, 5.0).await;
    assert_eq!(shop.until_readings(2).await.len(), 2);
    assert!(shop.metrics().contains("devices_dropped_total{reason=\"retained\"} 1"), "{}", shop.metrics());
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_messages_a_second_are_few_batches() {
    let config = Config { device_messages_per_s_max: 100_000, ..Config::default() };
    let shop = Shop::with(config).await;
    for device in 0..10 {
        shop.has(&format!("d{device}")).await;
    }
    let began = Instant::now();
    for n in 0..100 {
        let samples: Vec<_> = (0..16).map(|sample| (n * 16 + sample, None, 4.0)).collect();
        let payload = telemetry(1, &samples);
        for device in 0..10 {
            shop.says(&format!("d{device}"), "telemetry/temperature", false, &payload).await;
        }
    }
    let readings = shop.until_readings(16_000).await;
    assert_eq!(readings.len(), 16_000);
    eprintln!("16,000 readings in 1,000 messages in {:?}", began.elapsed());
    let batches = shop.events().iter().filter(|it| matches!(it, Event::ReadingsTaken(_))).count();
    eprintln!("{batches} records of readings");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_profile_is_refused_whole_by_name_and_the_others_stay() {
    let dir = tempfile::TempDir::new().expect("a directory");
    let mut profiles = ProfileDir::new(dir.path().join("profiles"));
    let first = profiles.load().expect("an absent directory is empty").expect("news");
    assert!(first.refused.is_empty());
    assert!(profiles.load().expect("read").is_none(), "nothing changed");
    std::fs::create_dir(dir.path().join("profiles")).expect("a directory");
    std::fs::write(dir.path().join("profiles/odd.toml"), "nonsense = [").expect("written");
    let loaded = profiles.load().expect("read").expect("news");
    assert_eq!(loaded.refused.len(), 1);
    assert_eq!((&*loaded.refused[0].file, loaded.refused[0].earlier_in_force), ("odd.toml", false));
    assert_eq!(loaded.profiles.names().count(), first.profiles.names().count());
    // A service takes them over while it runs.
    let shop = Shop::open().await;
    let watching = tokio::spawn(profiles.watch(shop.control.clone(), Duration::from_millis(20)));
    std::fs::write(dir.path().join("profiles/even.toml"), "also = nonsense").expect("written");
    eventually(|| shop.control.refused_profiles(), |refused| refused.len() == 2).await;
    watching.abort();
}

#[test]
fn a_wrong_setting_of_the_service_is_refused_by_name() {
    let config = Config { clock_behind_h: 24 * 30, ..Config::default() };
    assert_eq!(config.validate().unwrap_err().to_string(), "`clock_behind_h` is 720, expected at most 168");
    Config::default().validate().unwrap();
}
