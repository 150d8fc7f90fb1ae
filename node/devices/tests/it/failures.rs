//! What goes wrong with a message or a connection is told, counted, and loses nothing that was acknowledged.

use crate::{
    bridge_under_test::{BridgeUnderTest, config},
    client::Client,
    eventually,
    mosquitto::Mosquitto,
    scripted::Scripted,
    store::Store,
};
use aisle_broker::packet::QoS;
use aisle_journal::fault::{Fault, Op};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::sleep,
};

const IN: &str = "[[in]]\nfilter = \"in/#\"\n";
const OUT: &str = "[[out]]\nfilter = \"out/#\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_large_is_dropped_and_does_not_block_the_others() {
    for version in ["5", "3.1.1"] {
        let (mosquitto, store) = (Mosquitto::start(), Store::open().await);
        let here = store.watch("in/#").await;
        let settings = config(&mosquitto.url(), version, &format!("packet_bytes_max = 2048\n{IN}"));
        let bridge = BridgeUnderTest::connected(&store, settings).await;
        let device = Client::connect(mosquitto.port, "device").await;
        device.publish("in/x", &"x".repeat(5000), 1).await;
        device.publish("in/x", "small", 1).await;
        eventually(|| here.payloads(), |all| all == &["small"]).await;
        if version == "3.1.1" {
            // By 5 the other broker does not even send it.
            bridge.until(|status| status.refused_count == 1).await;
            let line = "aisle_bridge_refused_total{bridge=\"hall\",direction=\"in\",reason=\"too-large\"} 1";
            assert!(bridge.metrics().contains(line), "{}", bridge.metrics());
        }
        assert_eq!(bridge.status().connections_count, 1, "the connection stands");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_the_node_does_not_take_is_dropped_and_does_not_block_the_others() {
    let (mosquitto, store) = (Mosquitto::start(), Store::open().await);
    let here = store.watch("in/#").await;
    let bridge = BridgeUnderTest::connected(&store, config(&mosquitto.url(), "3.1.1", IN)).await;
    let device = Client::connect(mosquitto.port, "device").await;
    device.publish(&format!("in/{}", "deep/".repeat(100)), "too deep", 1).await;
    device.publish("in/x", "next", 1).await;
    eventually(|| here.payloads(), |all| all == &["next"]).await;
    bridge.until(|status| status.refused_count == 1 && status.in_held_count == 0).await;
}

async fn nothing_is_acknowledged_before_it_is_on_disk(version: &str, qos: u8, answer: &str) {
    let (mosquitto, store) = (Mosquitto::start(), Store::open().await);
    let here = store.watch("in/#").await;
    let rules = IN.replace("in/#\"", "in/#\"\nqos = 2");
    let settings = config(&mosquitto.url(), version, &rules);
    let bridge = BridgeUnderTest::connected(&store, settings.clone()).await;
    let device = Client::connect(mosquitto.port, "device").await;
    store.disk.hold_syncs();
    for number in 0..10 {
        device.publish("in/x", &number.to_string(), qos).await;
    }
    bridge.until(|status| status.in_held_count == 10).await;
    sleep(Duration::from_millis(300)).await;
    let answers = || mosquitto.log().matches(&format!("Received {answer} from aisle-leeds-hall")).count();
    assert_eq!((answers(), here.payloads().len()), (0, 0), "{answer} by {version}");
    store.disk.release_syncs();
    eventually(answers, |&count| count == 10).await;
    let expected: Vec<String> = (0..10).map(|number| number.to_string()).collect();
    assert_eq!(here.payloads(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_acknowledged_before_it_is_on_disk_by_mqtt_5() {
    nothing_is_acknowledged_before_it_is_on_disk("5", 1, "PUBACK").await;
    nothing_is_acknowledged_before_it_is_on_disk("5", 2, "PUBREC").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_acknowledged_before_it_is_on_disk_by_mqtt_3() {
    nothing_is_acknowledged_before_it_is_on_disk("3.1.1", 1, "PUBACK").await;
    nothing_is_acknowledged_before_it_is_on_disk("3.1.1", 2, "PUBREC").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_disk_is_full_messages_wait_and_then_come_in_order() {
    let (mosquitto, store) = (Mosquitto::start(), Store::open().await);
    let here = store.watch("in/#").await;
    let bridge = BridgeUnderTest::connected(&store, config(&mosquitto.url(), "5", IN)).await;
    let device = Client::connect(mosquitto.port, "device").await;
    store.disk.set_free_bytes(0);
    store.disk.fail_every(Op::Write, Fault::Enospc);
    // Some are refused, and some come while those wait for their next turn.
    for numbers in [0..4, 4..10] {
        for number in numbers.clone() {
            device.publish("in/x", &number.to_string(), 1).await;
        }
        bridge.until(|status| status.in_held_count == numbers.end).await;
        sleep(Duration::from_millis(300)).await;
    }
    assert_eq!(here.payloads().len(), 0);
    store.disk.set_free_bytes(1 << 40);
    store.disk.heal();
    eventually(|| here.payloads(), |all| all.last().is_some_and(|last| last == "9")).await;
    let mut seen = here.payloads();
    seen.dedup();
    assert!(seen.is_sorted() && seen.len() == 10, "{seen:?}");
    assert_eq!(bridge.status().refused_count, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_there_is_no_room_for_is_kept_by_the_other_broker_and_fetched_later() {
    let mosquitto =
        Mosquitto::with("allow_anonymous true\npersistence true\nmax_inflight_messages 0\n", |_| {
            String::new()
        });
    let store = Store::open().await;
    let here = store.watch("in/#").await;
    let settings = config(&mosquitto.url(), "3.1.1", &format!("held_bytes_max = 65536\n{IN}"));
    let bridge = BridgeUnderTest::connected(&store, settings).await;
    let device = Client::connect(mosquitto.port, "device").await;
    store.disk.hold_syncs();
    for number in 0..200 {
        device.publish("in/x", &format!("{number:04}{}", "x".repeat(1000)), 1).await;
    }
    let status = bridge.until(|status| status.last_error.is_some()).await;
    assert!(status.last_error.expect("an error").contains("more came than can wait for the journal"));
    eventually(|| device.answered(), |&count| count == 200).await;
    assert!(bridge.status().in_held_count < 60, "what is held is bounded");
    store.disk.release_syncs();
    let count = || {
        here.payloads().iter().map(|it| it[..4].to_owned()).collect::<std::collections::BTreeSet<_>>().len()
    };
    eventually(count, |&count| count == 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_other_broker_refuses_for_good_is_dropped_and_the_next_goes_on() {
    let mosquitto = Mosquitto::with("allow_anonymous true\n", |dir| {
        std::fs::write(dir.path().join("acl"), "topic readwrite out/ok/#\n").expect("written");
        format!("acl_file {}\n", dir.path().join("acl").display())
    });
    let store = Store::open().await;
    let there = Client::watching(mosquitto.port, "office", "out/ok/#").await;
    let rules = "[[out]]\nfilter = \"out/#\"\nqos = 2\n";
    let bridge = BridgeUnderTest::connected(&store, config(&mosquitto.url(), "5", rules)).await;
    // mosquitto 2.0.11 ends the connection after each refusal.
    for number in 0..3 {
        store.publish("out/no", &number.to_string(), QoS::ExactlyOnce).await;
        store.publish("out/no", &number.to_string(), QoS::AtLeastOnce).await;
    }
    store.publish("out/ok/x", "next", QoS::ExactlyOnce).await;
    eventually(|| there.seen.payloads(), |all| all == &["next"]).await;
    bridge.until(|status| status.refused_count == 6 && status.out_held_count == 0).await;
    assert!(bridge.metrics().contains("direction=\"out\",reason=\"not-allowed\"} 6"), "{}", bridge.metrics());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_refused_messages_do_not_wear_the_connection_out() {
    let (broker, store) = (Scripted::start().await, Store::open().await);
    let rules = "in_flight_max = 5\n[[out]]\nfilter = \"out/#\"\nqos = 2\n";
    let bridge = BridgeUnderTest::connected(&store, config(&broker.url(), "5", rules)).await;
    for _ in 0..40 {
        store.publish("out/refused", "x", QoS::ExactlyOnce).await;
    }
    store.publish("out/taken", "x", QoS::ExactlyOnce).await;
    let status = bridge.until(|status| status.out_count == 1 && status.out_held_count == 0).await;
    assert_eq!(status.refused_count, 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_other_broker_refuses_without_a_lasting_reason_is_sent_again_but_not_for_ever() {
    let (broker, store) = (Scripted::start().await, Store::open().await);
    let rules = "[[out]]\nfilter = \"out/#\"\nqos = 2\n";
    let bridge = BridgeUnderTest::connected(&store, config(&broker.url(), "5", rules)).await;
    for topic in ["out/later", "out/poison", "out/taken"] {
        store.publish(topic, "x", QoS::ExactlyOnce).await;
    }
    let status = bridge.until(|status| status.out_count == 2 && status.refused_count == 1).await;
    assert!(status.last_error.expect("an error").contains("cannot take a message now"));
    // An answer may be lost with the connection that another message's refusal ended.
    let told = broker.told().iter().filter(|it| *it == "publish out/poison").count();
    assert!((8..=16).contains(&told), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_remembered_session_still_holds_is_released_before_anything_new() {
    let (broker, store) = (Scripted::start().await, Store::open().await);
    let rules = "in_flight_max = 5\n[[out]]\nfilter = \"out/#\"\nqos = 2\n";
    let bridge = BridgeUnderTest::connected(&store, config(&broker.url(), "5", rules)).await;
    for _ in 0..100 {
        store.publish("out/taken", "x", QoS::ExactlyOnce).await;
    }
    bridge.until(|status| status.out_count == 100).await;
    let told = broker.told();
    let first = told.iter().position(|it| it == "publish out/taken").expect("published");
    assert!(
        (5..=100).contains(&first) && told[..first].iter().all(|it| it.starts_with("release ")),
        "{told:?}"
    );
    assert_eq!(bridge.status().connections_count, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_longer_than_the_other_broker_takes_is_dropped_and_the_next_goes_on() {
    let mosquitto = Mosquitto::with("allow_anonymous true\nmax_packet_size 1000\n", |_| String::new());
    let store = Store::open().await;
    let there = Client::watching(mosquitto.port, "office", "out/#").await;
    let bridge = BridgeUnderTest::connected(&store, config(&mosquitto.url(), "5", OUT)).await;
    store.publish("out/x", &"x".repeat(2000), QoS::AtLeastOnce).await;
    store.publish("out/x", "next", QoS::AtLeastOnce).await;
    eventually(|| there.seen.payloads(), |all| all == &["next"]).await;
    let status = bridge.until(|status| status.refused_count == 1).await;
    assert_eq!(status.connections_count, 1, "the connection stands");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_listens_and_a_name_that_is_unknown_are_told() {
    let store = Store::open().await;
    let free =
        TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address").port();
    for (url, words) in [
        (format!("mqtt://127.0.0.1:{free}"), "is the broker running?"),
        ("mqtt://no-such-host.invalid".into(), "the name is not known"),
    ] {
        for version in ["5", "3.1.1"] {
            let bridge = BridgeUnderTest::run(&store, "leeds", config(&url, version, OUT));
            let error =
                bridge.until(|status| status.last_error.is_some()).await.last_error.expect("an error");
            assert!(error.contains(words), "{error}");
            bridge.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_accepts_and_says_nothing_is_left() {
    let store = Store::open().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("mqtt://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            kept.push(stream);
        }
    });
    for version in ["5", "3.1.1"] {
        let bridge = BridgeUnderTest::run(
            &store,
            "leeds",
            config(&url, version, &format!("connect_timeout_ms = 300\n{OUT}")),
        );
        let error = bridge.until(|status| status.last_error.is_some()).await.last_error.expect("an error");
        assert_eq!(error, "the broker did not answer within 300 ms");
        bridge.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_falls_silent_is_noticed_by_its_keep_alive() {
    let store = Store::open().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("mqtt://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            drop(stream.read(&mut [0; 1024]).await);
            stream.write_all(&[0x20, 2, 0, 0]).await.expect("written");
            kept.push(stream);
        }
    });
    let bridge =
        BridgeUnderTest::connected(&store, config(&url, "3.1.1", &format!("keep_alive_s = 5\n{OUT}"))).await;
    let began = tokio::time::Instant::now();
    let status = bridge.until(|status| !status.connected).await;
    assert_eq!(
        status.last_error.as_deref(),
        Some("the broker does not answer although its connection stands")
    );
    assert!(began.elapsed() < Duration::from_secs(16), "it took {:?}", began.elapsed());
}
