//! QUIC where UDP gets through, TLS where it does not, and the way back.

use crate::{
    authority::Authority,
    link::{TcpLink, UdpLink, Weather},
    world::{HubUnderTest, NodeUnderTest, assert_whole, eventually},
};
use aisle_protocol::LogClass;
use aisle_transport::{Path, client::Heard};

const BLACKHOLE: Weather = Weather {
    loss_per_mille: 0,
    delay_ms: 0,
    jitter_ms: 0,
    bytes_per_s: None,
    queue_bytes_max: 0,
    is_blackhole: true,
};

fn paths(node: &NodeUnderTest) -> Vec<Path> {
    let heard = node.heard.lock().unwrap();
    heard
        .iter()
        .filter_map(|heard| if let Heard::Path { path, .. } = heard { Some(*path) } else { None })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_udp_is_refused_the_node_takes_tls_and_says_so() {
    let authority = Authority::new("root");
    let hub = HubUnderTest::start(authority.hub());
    let udp = UdpLink::start(hub.quic, 1).await.unwrap();
    udp.refuse().await.unwrap();
    let node = NodeUnderTest::start(&authority, "berlin", Some(udp.address()), Some(hub.tls));
    node.seal(LogClass::Sales, 0..300, 50, 20);
    node.is_connected_by(Path::Tls).await;
    node.is_acked().await;
    assert_whole(&hub, "berlin", LogClass::Sales, 0..300);
    assert_eq!(paths(&node), [Path::Tls]);
    assert_eq!(node.metric("path_changes_total"), 1.0);
    assert_eq!(node.metric("connected{path=\"tls\"}"), 1.0);
    assert!(node.status().last_error.is_some_and(|failure| failure.text.contains("quic")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_udp_is_eaten_the_node_takes_tls_and_goes_back_to_quic_when_it_gets_through() {
    let authority = Authority::new("root");
    let hub = HubUnderTest::start(authority.hub());
    let udp = UdpLink::start(hub.quic, 1).await.unwrap();
    udp.set(BLACKHOLE);
    let node = NodeUnderTest::with(
        authority.node("berlin", "1"),
        "berlin",
        Some(udp.address()),
        Some(hub.tls),
        |plan| plan.config.tls_keep_ms = 700,
    );
    node.seal(LogClass::Sales, 0..300, 50, 20);
    node.is_connected_by(Path::Tls).await;
    udp.set(Weather::default());
    node.seal(LogClass::Sales, 300..600, 50, 20);
    node.is_connected_by(Path::Quic).await;
    node.seal(LogClass::Sales, 600..900, 50, 20);
    node.is_acked().await;
    assert_whole(&hub, "berlin", LogClass::Sales, 0..900);
    assert_eq!(paths(&node), [Path::Tls, Path::Quic]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_begins_to_eat_udp_in_the_middle_is_left_for_tls() {
    let authority = Authority::new("root");
    let hub = HubUnderTest::start(authority.hub());
    let udp = UdpLink::start(hub.quic, 1).await.unwrap();
    let node = NodeUnderTest::with(
        authority.node("berlin", "1"),
        "berlin",
        Some(udp.address()),
        Some(hub.tls),
        |plan| plan.node.ack_timeout_ms = 1_000,
    );
    node.is_connected_by(Path::Quic).await;
    udp.set(BLACKHOLE);
    node.seal(LogClass::Sales, 0..300, 50, 20);
    node.is_connected_by(Path::Tls).await;
    node.is_acked().await;
    assert_whole(&hub, "berlin", LogClass::Sales, 0..300);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_goes_on_when_its_address_changes() {
    let authority = Authority::new("root");
    let hub = HubUnderTest::start(authority.hub());
    let udp = UdpLink::start(hub.quic, 1).await.unwrap();
    let node = NodeUnderTest::start(&authority, "berlin", Some(udp.address()), None);
    node.is_connected_by(Path::Quic).await;
    for round in 0..4 {
        node.seal(LogClass::Sales, round * 100..(round + 1) * 100, 50, 20);
        node.is_acked().await;
        if round % 2 == 0 {
            // The address of the far end of the line, as after an address translation that forgot.
            udp.change_address().await.unwrap();
        } else {
            // The node's own.
            node.client.rebind().unwrap();
        }
    }
    node.seal(LogClass::Sales, 400..500, 50, 20);
    node.is_acked().await;
    assert_whole(&hub, "berlin", LogClass::Sales, 0..500);
    assert_eq!(hub.desk.met.lock().unwrap().len(), 1, "it is still the first connection");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_is_gone_for_a_while_is_used_again_when_it_is_back() {
    let authority = Authority::new("root");
    let hub = HubUnderTest::start(authority.hub());
    let (udp, tcp) = (UdpLink::start(hub.quic, 1).await.unwrap(), TcpLink::start(hub.tls, 1).await.unwrap());
    udp.set(BLACKHOLE);
    tcp.refuse(true);
    let node = NodeUnderTest::with(
        authority.node("berlin", "1"),
        "berlin",
        Some(udp.address()),
        Some(tcp.address()),
        |plan| plan.config.path_timeout_ms = 600,
    );
    node.seal(LogClass::Sales, 0..200, 50, 20);
    eventually("both paths have failed", || {
        node.metric("connection_failures_total{path=\"quic\"") > 0.0
            && node.metric("connection_failures_total{path=\"tls\"") > 0.0
    })
    .await;
    eventually("the backlog is told", || node.status().backlog.get(LogClass::Sales).events == 200).await;
    udp.set(Weather::default());
    node.is_connected_by(Path::Quic).await;
    node.is_acked().await;
    assert_whole(&hub, "berlin", LogClass::Sales, 0..200);
}
