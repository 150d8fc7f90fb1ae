//! What a connection costs, printed and not judged.

use crate::{
    authority::Authority,
    hostile::{greeting, tls},
    link::{UdpLink, Weather},
    world::{HubUnderTest, NodeUnderTest, any_port, assert_whole},
};
use aisle_protocol::{LogClass, Stream, frame::Frames, node::Outbox};
use aisle_transport::Path;
use quinn::crypto::rustls::QuicClientConfig;
use std::{sync::Arc, time::Instant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_batches_cost_little_more_than_their_bytes() {
    let authority = Authority::new("root");
    let hub = HubUnderTest::start(authority.hub());
    let udp = UdpLink::start(hub.quic, 1).await.unwrap();
    let node = NodeUnderTest::start(&authority, "berlin", Some(udp.address()), None);
    node.is_connected_by(Path::Quic).await;
    let greeted = udp.passed();
    node.seal(LogClass::Sales, 0..10_000, 100, 12);
    node.is_acked().await;
    let mut shelf = node.shelf.clone();
    let mut batches = 0;
    let mut at = 0;
    while let Ok(Some(batch)) = shelf.batch_after(LogClass::Sales, at) {
        batches += batch.bytes().len() as u64;
        at = batch.header().end().seq;
    }
    let passed = udp.passed();
    let bytes = passed.bytes - greeted.bytes;
    println!(
        "handshake and greeting: {} bytes of UDP payload; 100 batches of {batches} bytes: {bytes}, both directions",
        greeted.bytes
    );
    assert_whole(&hub, "berlin", LogClass::Sales, 0..10_000);
    assert!(bytes < batches * 5 / 4, "{bytes} for {batches}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_long_the_first_acknowledgement_takes_on_a_long_line() {
    let authority = Authority::new("root");
    let hub = HubUnderTest::start(authority.hub());
    let udp = UdpLink::start(hub.quic, 1).await.unwrap();
    udp.set(Weather { delay_ms: 150, ..Weather::default() });
    let node =
        NodeUnderTest::with(authority.node("berlin", "1"), "berlin", Some(udp.address()), None, |plan| {
            plan.config.quic_head_start_ms = 5_000;
        });
    let begun = Instant::now();
    node.seal(LogClass::Sales, 0..100, 100, 12);
    node.is_acked().await;
    println!("a round trip of 300 ms; from the start to the first ACK: {} ms", begun.elapsed().as_millis());
    assert_whole(&hub, "berlin", LogClass::Sales, 0..100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_is_drained() {
    let authority = Authority::new("root");
    let hub = HubUnderTest::start(authority.hub());
    for (store, quic, tls) in [("berlin", Some(hub.quic), None), ("paris", None, Some(hub.tls))] {
        let node = NodeUnderTest::start(&authority, store, quic, tls);
        node.is_connected_by(if quic.is_some() { Path::Quic } else { Path::Tls }).await;
        node.shelf.seal(LogClass::Sales, 0..50_000, 500, 12);
        let begun = Instant::now();
        node.client.sealed();
        node.is_acked().await;
        let seconds = begun.elapsed().as_secs_f64();
        println!("{store}: 50,000 events in {seconds:.2} s, built without optimisation, desk in memory");
        assert_whole(&hub, store, LogClass::Sales, 0..50_000);
    }
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

fn from_environment(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// `AISLE_CONNECTIONS=10000` for more, `AISLE_IDLE_S=150` to let them lie; both ends are in this process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a while; prints a figure"]
async fn what_idle_connections_hold_in_memory() {
    let count = from_environment("AISLE_CONNECTIONS", 1_000) as usize;
    let authority = Authority::new("root");
    let hub = HubUnderTest::start(authority.hub());
    let endpoint = quinn::Endpoint::client(any_port()).unwrap();
    let before = resident_bytes();
    let begun = Instant::now();
    let mut open = Vec::new();
    for number in 0..count {
        let store = format!("store-{number}");
        let crypto = QuicClientConfig::try_from(tls(&authority.node(&store, "1"))).unwrap();
        let mut config = quinn::ClientConfig::new(Arc::new(crypto));
        let mut transport = quinn::TransportConfig::default();
        transport.max_idle_timeout(Some(quinn::VarInt::from_u32(1_000_000).into()));
        config.transport_config(Arc::new(transport));
        let connection = endpoint.connect_with(config, hub.quic, "127.0.0.1").unwrap().await.unwrap();
        let (mut send, mut receive) = connection.open_bi().await.unwrap();
        send.write_all(&greeting(&store)).await.unwrap();
        let mut frames = Frames::of(Stream::Control);
        while frames.next_frame().unwrap().is_none() {
            let chunk = receive.read_chunk(4_096, true).await.unwrap().unwrap();
            frames.push(&chunk.bytes);
        }
        open.push((connection, send, receive));
    }
    tokio::time::sleep(std::time::Duration::from_secs(from_environment("AISLE_IDLE_S", 0))).await;
    let (parted, alerts) = (hub.desk.parted.lock().unwrap().clone(), hub.desk.alerts.lock().unwrap().clone());
    let reasons: Vec<_> =
        open.iter().filter_map(|(connection, _, _)| connection.close_reason()).take(3).collect();
    println!("{} parted: {:?}; {:?}; {reasons:?}", parted.len(), parted.first(), alerts.first());
    assert_eq!(hub.connections.list().len(), count);
    let each = (resident_bytes() - before) / count as u64;
    println!(
        "{count} idle connections: {each} bytes each for both ends, opened one after the other in {:.1} s",
        begun.elapsed().as_secs_f64()
    );
}
