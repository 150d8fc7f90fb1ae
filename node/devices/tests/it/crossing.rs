//! Messages cross in both directions as they were: topic, payload, QoS, retain flag, properties.

use crate::{
    bridge_under_test::{BridgeUnderTest, config},
    client::Client,
    eventually,
    mosquitto::Mosquitto,
    store::{Seen, Store},
};
use aisle_broker::packet::{MessageProperties, MessagePropertyValues, Publish, QoS};
use rumqttc::v5::mqttbytes::v5::PublishProperties;

const IN: &str = "[[in]]\nfilter = \"factory/#\"\nprefix_local = \"site/\"\nqos = 2\n";
const OUT: &str = "[[out]]\nfilter = \"orders/#\"\nprefix_remote = \"leeds/\"\nqos = 2\n";

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|&(topic, payload)| (topic.into(), payload.into())).collect()
}

async fn settle_at(seen: &Seen, count: usize) -> Vec<Publish> {
    eventually(|| seen.all(), |all| all.len() >= count).await
}

async fn what_comes_there_arrives_here(version: &str) {
    let (mosquitto, store) = (Mosquitto::start(), Store::open().await);
    let seen = store.watch("#").await;
    let bridge = BridgeUnderTest::connected(&store, config(&mosquitto.url(), version, IN)).await;
    let device = Client::connect(mosquitto.port, "device").await;
    for qos in 0..=2 {
        device.publish("factory/press", &format!("qos {qos}"), qos).await;
    }
    device.publish("elsewhere", "not for us", 1).await;
    let all = settle_at(&seen, 3).await;
    assert_eq!(
        seen.texts(),
        pairs(&[
            ("site/factory/press", "qos 0"),
            ("site/factory/press", "qos 1"),
            ("site/factory/press", "qos 2")
        ])
    );
    let qos: Vec<QoS> = all.iter().map(|it| it.qos).collect();
    assert_eq!(qos, [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce]);
    let status = bridge.until(|status| status.in_count == 3).await;
    assert_eq!((status.refused_count, status.in_held_count), (0, 0));
    assert!(bridge.metrics().contains("aisle_bridge_messages_total{bridge=\"hall\",direction=\"in\"} 3"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_there_arrives_here_by_mqtt_5() {
    what_comes_there_arrives_here("5").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_there_arrives_here_by_mqtt_3() {
    what_comes_there_arrives_here("3.1.1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_is_a_part_of_the_node_and_no_client_that_is_counted_listed_or_sent_away() {
    let (mosquitto, store) = (Mosquitto::start(), Store::open().await);
    let _bridge = BridgeUnderTest::connected(&store, config(&mosquitto.url(), "5", OUT)).await;
    let listed: Vec<String> =
        store.broker.sessions("", 10).into_iter().map(|session| session.client).collect();
    assert_eq!(listed, ["a-till"]);
    assert_eq!(store.broker.overview().clients, 1);
}

async fn what_comes_here_arrives_there(version: &str) {
    let (mosquitto, store) = (Mosquitto::start(), Store::open().await);
    let office = Client::watching(mosquitto.port, "office", "#").await;
    let bridge = BridgeUnderTest::connected(&store, config(&mosquitto.url(), version, OUT)).await;
    for qos in [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce] {
        store.publish("orders/1", &format!("{qos:?}"), qos).await;
    }
    store.publish("elsewhere", "stays here", QoS::AtLeastOnce).await;
    let all = settle_at(&office.seen, 3).await;
    assert!(all.iter().all(|it| &*it.topic == "leeds/orders/1"), "{all:?}");
    let mut qos: Vec<QoS> = all.iter().map(|it| it.qos).collect();
    qos.sort();
    assert_eq!(qos, [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce]);
    bridge.until(|status| status.out_count == 3 && status.out_held_count == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_here_arrives_there_by_mqtt_5() {
    what_comes_here_arrives_there("5").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_here_arrives_there_by_mqtt_3() {
    what_comes_here_arrives_there("3.1.1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_messages_keep_their_order_both_ways() {
    for version in ["5", "3.1.1"] {
        let (mosquitto, store) = (Mosquitto::start(), Store::open().await);
        let here = store.watch("site/#").await;
        let there = Client::watching(mosquitto.port, "office", "leeds/#").await;
        let bridge =
            BridgeUnderTest::connected(&store, config(&mosquitto.url(), version, &format!("{IN}{OUT}")))
                .await;
        let expected: Vec<String> = (0..300).map(|number| number.to_string()).collect();
        for number in &expected {
            there.publish("factory/x", number, 1).await;
            store.publish("orders/x", number, QoS::AtLeastOnce).await;
        }
        eventually(|| (here.payloads().len(), there.seen.payloads().len()), |&both| both == (300, 300)).await;
        assert_eq!(here.payloads(), expected, "in, by {version}");
        assert_eq!(there.seen.payloads(), expected, "out, by {version}");
        bridge.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn properties_cross_untouched_and_the_trail_is_added() {
    let (mosquitto, store) = (Mosquitto::start(), Store::open().await);
    let here = store.watch("site/#").await;
    let there = Client::watching(mosquitto.port, "office", "leeds/#").await;
    let _bridge =
        BridgeUnderTest::connected(&store, config(&mosquitto.url(), "5", &format!("{IN}{OUT}"))).await;
    let values = MessagePropertyValues {
        is_text: true,
        expiry_s: Some(3600),
        content_type: Some("text/plain".into()),
        response_topic: Some("answers/7".into()),
        correlation_data: Some(b"\x00\xff7".as_slice().into()),
        user: vec![("b".into(), "2".into()), ("a".into(), "1".into()), ("b".into(), "3".into())],
    };
    let wire = PublishProperties {
        payload_format_indicator: Some(1),
        message_expiry_interval: Some(3600),
        content_type: Some("text/plain".into()),
        response_topic: Some("answers/7".into()),
        correlation_data: values.correlation_data.clone(),
        user_properties: values
            .user
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect(),
        ..PublishProperties::default()
    };
    there.publish_with("factory/x", "in", 1, false, wire).await;
    let properties = MessageProperties(Some(Box::new(values.clone())));
    store.publish_with("orders/x", "out", QoS::AtLeastOnce, false, properties).await;
    let mut expected = values;
    expected.user.push(("aisle-bridge".into(), "leeds/hall".into()));
    for seen in [&here, &there.seen] {
        let message = settle_at(seen, 1).await.remove(0);
        let mut got = *message.properties.0.expect("has properties");
        assert!(got.expiry_s.is_some_and(|left| (3590..=3600).contains(&left)), "{got:?}");
        got.expiry_s = Some(3600);
        assert_eq!(got, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn retained_messages_stay_retained_and_an_empty_one_clears() {
    for version in ["5", "3.1.1"] {
        let (mosquitto, store) = (Mosquitto::start(), Store::open().await);
        let device = Client::connect(mosquitto.port, "device").await;
        device.publish_with("factory/state", "on", 1, true, PublishProperties::default()).await;
        eventually(|| device.answered(), |&count| count == 1).await;
        let here = store.watch("site/#").await;
        let _bridge =
            BridgeUnderTest::connected(&store, config(&mosquitto.url(), version, &format!("{IN}{OUT}")))
                .await;
        let came = settle_at(&here, 1).await;
        assert!(came[0].retain, "what was there before the bridge is retained here too, by {version}");

        let none = MessageProperties::default;
        store.publish_with("orders/state", "open", QoS::AtLeastOnce, true, none()).await;
        let office = Client::watching(mosquitto.port, "office", "leeds/#").await;
        assert!(
            settle_at(&office.seen, 1).await[0].retain,
            "what is retained here is retained there, by {version}"
        );
        store.publish_with("orders/state", "", QoS::AtLeastOnce, true, none()).await;
        settle_at(&office.seen, 2).await;
        let late = Client::watching(mosquitto.port, "late", "leeds/#").await;
        late.publish("leeds/end", "end", 1).await;
        settle_at(&late.seen, 1).await;
        assert_eq!(late.seen.texts(), pairs(&[("leeds/end", "end")]), "an empty one clears, by {version}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_lowers_the_qos_and_never_raises_it() {
    let (mosquitto, store) = (Mosquitto::start(), Store::open().await);
    let rules = "[[out]]\nfilter = \"low/#\"\nqos = 0\n[[out]]\nfilter = \"high/#\"\nqos = 2\n";
    let there = Client::watching(mosquitto.port, "office", "#").await;
    let _bridge = BridgeUnderTest::connected(&store, config(&mosquitto.url(), "5", rules)).await;
    store.publish("low/x", "2", QoS::ExactlyOnce).await;
    store.publish("high/x", "1", QoS::AtLeastOnce).await;
    let mut got: Vec<(String, QoS)> =
        settle_at(&there.seen, 2).await.into_iter().map(|it| (it.topic.to_string(), it.qos)).collect();
    got.sort();
    assert_eq!(got, [("high/x".into(), QoS::AtLeastOnce), ("low/x".into(), QoS::AtMostOnce)]);
}
