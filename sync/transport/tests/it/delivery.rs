//! Everything arrives once and in order.

use crate::{
    authority::Authority,
    link::{TcpLink, UdpLink, Weather},
    world::{HubUnderTest, NodeUnderTest, assert_whole, eventually},
};
use aisle_protocol::LogClass;
use aisle_transport::Path;
use std::sync::atomic::Ordering;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_classes_arrive_once_and_in_order_on_either_path() {
    let authority = Authority::new("root");
    let hub = HubUnderTest::start(authority.hub());
    let by_quic = NodeUnderTest::start(&authority, "berlin", Some(hub.quic), Some(hub.tls));
    let by_tls = NodeUnderTest::start(&authority, "paris", None, Some(hub.tls));
    by_quic.is_connected_by(Path::Quic).await;
    by_tls.is_connected_by(Path::Tls).await;
    for (node, store) in [(&by_quic, "berlin"), (&by_tls, "paris")] {
        for class in LogClass::ALL {
            node.seal(class, 0..2_000, 100, 50);
        }
        node.is_acked().await;
        for class in LogClass::ALL {
            assert_whole(&hub, store, class, 0..2_000);
        }
    }
    assert_eq!(hub.connections.list().len(), 2);
    assert!(by_quic.metric("udp_bytes_total{direction=\"out\"}") > 0.0 || by_quic.status().rtt_ms.is_some());
    let status = by_quic.status();
    assert_eq!(status.hub, Some(("hub-1".into(), "EU".into())));
    eventually("no backlog is told", || by_quic.status().backlog.get(LogClass::Sales).events == 0).await;
    by_quic.client.clone().stop().await;
    eventually("one is left", || hub.connections.list().len() == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_loses_and_delays_loses_no_event() {
    let authority = Authority::new("root");
    let hub = HubUnderTest::start(authority.hub());
    let seed = 11;
    println!("seed {seed}");
    let udp = UdpLink::start(hub.quic, seed).await.unwrap();
    udp.set(Weather { loss_per_mille: 50, delay_ms: 20, jitter_ms: 20, ..Weather::default() });
    let node = NodeUnderTest::start(&authority, "berlin", Some(udp.address()), None);
    for class in LogClass::ALL {
        node.seal(class, 0..1_000, 100, 100);
    }
    node.is_acked().await;
    for class in LogClass::ALL {
        assert_whole(&hub, "berlin", class, 0..1_000);
    }
    let passed = udp.passed();
    println!("{passed:?}");
    assert!(passed.lost > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_is_cut_again_and_again_loses_no_event() {
    let authority = Authority::new("root");
    let hub = HubUnderTest::start(authority.hub());
    let tcp = TcpLink::start(hub.tls, 3).await.unwrap();
    let node = NodeUnderTest::start(&authority, "berlin", None, Some(tcp.address()));
    for round in 0..8 {
        node.is_connected_by(Path::Tls).await;
        node.seal(LogClass::Sales, round * 500..(round + 1) * 500, 50, 100);
        tokio::time::sleep(std::time::Duration::from_millis(3 * round)).await;
        tcp.cut();
    }
    node.is_acked().await;
    assert_whole(&hub, "berlin", LogClass::Sales, 0..4_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_desk_that_is_busy_or_never_answers_is_asked_again() {
    let authority = Authority::new("root");
    let hub = HubUnderTest::with(authority.hub(), |config| config.desk_timeout_ms = 200);
    hub.desk.busy.store(3, Ordering::SeqCst);
    hub.desk.stuck.store(2, Ordering::SeqCst);
    let node = NodeUnderTest::start(&authority, "berlin", Some(hub.quic), None);
    node.seal(LogClass::Sales, 0..1_000, 50, 20);
    node.is_acked().await;
    assert_whole(&hub, "berlin", LogClass::Sales, 0..1_000);
    assert!(hub.metric("desk_busy_total{question=\"admit\"}") >= 5.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_hub_over_the_same_database_goes_on_where_the_first_stopped() {
    let authority = Authority::new("root");
    let first = HubUnderTest::start(authority.hub());
    let (desk, address) = (first.desk.clone(), first.quic);
    let node = NodeUnderTest::start(&authority, "berlin", Some(first.quic), None);
    node.seal(LogClass::Sales, 0..500, 50, 20);
    node.is_connected_by(Path::Quic).await;
    first.stop().await;
    // The task that has the socket ends a moment later.
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let second = HubUnderTest::over(desk, authority.hub(), |config| config.quic = Some(address));
    node.seal(LogClass::Sales, 500..1_000, 50, 20);
    node.is_acked().await;
    assert_whole(&second, "berlin", LogClass::Sales, 0..1_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_restarts_sends_nothing_twice_and_leaves_nothing_out() {
    let authority = Authority::new("root");
    let hub = HubUnderTest::start(authority.hub());
    let mut node = NodeUnderTest::start(&authority, "berlin", Some(hub.quic), None);
    for round in 0..5 {
        node.seal(LogClass::Stock, round * 300..(round + 1) * 300, 30, 60);
        if round % 2 == 0 {
            node.is_connected_by(Path::Quic).await;
        }
        let shelf = node.shelf.clone();
        node.client.clone().stop().await;
        let credentials = authority.node("berlin", "1");
        node = NodeUnderTest::over(shelf, credentials, "berlin", Some(hub.quic), None, |_| {});
    }
    node.is_acked().await;
    assert_whole(&hub, "berlin", LogClass::Stock, 0..1_500);
}
