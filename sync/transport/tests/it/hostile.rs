//! Peers with a good certificate that do not keep to the protocol, and strangers that say nothing.

use crate::{
    authority::Authority,
    world::{HubUnderTest, NodeUnderTest, any_port, assert_whole, eventually},
};
use aisle_event::StoreId;
use aisle_protocol::{
    Hash, LinkKind, LogClass, Message, PolicyId, Stream, Version,
    control::{ChunkWanted, Hello},
    frame::frame,
};
use aisle_transport::{Credentials, Path, tls::ALPN};
use quinn::crypto::rustls::QuicClientConfig;
use rustls::{ClientConfig, RootCertStore};
use std::{net::SocketAddr, sync::Arc};

pub fn tls(credentials: &Credentials) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    credentials.roots.iter().for_each(|root| roots.add(root.clone()).unwrap());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(credentials.chain.clone(), credentials.key.clone_key())
        .unwrap();
    config.alpn_protocols = vec![ALPN.to_vec()];
    config
}

/// What opens a control stream, and a HELLO.
pub fn greeting(store: &str) -> Vec<u8> {
    let hello = Message::Hello(Hello {
        versions: Version::spoken(),
        store: StoreId::new(store).unwrap(),
        node: "1".into(),
        region: "EU".into(),
        link: LinkKind::Fibre,
        logs: Vec::new(),
        policy: PolicyId::default(),
        software: "a test".into(),
        past: Vec::new(),
    });
    [Stream::Control.opening(), frame(&hello.encode())].concat()
}

async fn liar(credentials: &Credentials, hub: SocketAddr) -> (quinn::Endpoint, quinn::Connection) {
    let crypto = QuicClientConfig::try_from(tls(credentials)).unwrap();
    let endpoint = quinn::Endpoint::client(any_port()).unwrap();
    let config = quinn::ClientConfig::new(Arc::new(crypto));
    let connection = endpoint.connect_with(config, hub, "127.0.0.1").unwrap().await.unwrap();
    (endpoint, connection)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn liars_are_cut_off_by_code_and_harm_nobody() {
    let authority = Authority::new("root");
    let hub = HubUnderTest::with(authority.hub(), |config| config.hub.hello_timeout_ms = 500);
    let good = NodeUnderTest::start(&authority, "berlin", Some(hub.quic), None);
    good.is_connected_by(Path::Quic).await;
    let credentials = authority.node("paris", "1");
    let mut huge = Stream::Control.opening().to_vec();
    huge.extend_from_slice(&[0xff, 0xff, 0x7f, 0]);
    let mut nonsense = Stream::Control.opening().to_vec();
    nonsense.extend_from_slice(&[3, 0xff, 0xff, 0xff]);
    let lies: [(&str, Option<Vec<u8>>); 5] = [
        ("malformed", Some(huge)),
        ("malformed", Some(nonsense)),
        ("malformed", Some(vec![0xee])),
        ("unexpected", Some(Stream::Down.opening().to_vec())),
        ("slow", None),
    ];
    let mut counts = std::collections::HashMap::new();
    for (code, lie) in lies {
        let (_endpoint, connection) = liar(&credentials, hub.quic).await;
        let mut streams = Vec::new();
        if let Some(lie) = lie {
            let (mut send, receive) = connection.open_bi().await.unwrap();
            send.write_all(&lie).await.unwrap();
            streams.push((send, receive));
        }
        let count: &mut f64 = counts.entry(code).or_default();
        *count += 1.0;
        let name = format!("peers_cut_off_total{{code=\"{code}\"}}");
        eventually(&name, || hub.metric(&name) == *count).await;
        // Who does not go by itself is cut.
        connection.closed().await;
    }
    good.seal(LogClass::Sales, 0..100, 10, 20);
    good.is_acked().await;
    assert_whole(&hub, "berlin", LogClass::Sales, 0..100);
    assert_eq!(
        hub.desk.met.lock().unwrap().iter().filter(|peer| peer.store().as_str() == "berlin").count(),
        1
    );
    assert_eq!(hub.desk.alerts.lock().unwrap().len(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_and_never_reads_is_cut_off() {
    let authority = Authority::new("root");
    let hub = HubUnderTest::with(authority.hub(), |config| config.stall_timeout_ms = 500);
    let hash = Hash([5; 32]);
    hub.desk.contents.lock().unwrap().insert(hash, vec![7; 900_000].into());
    let (_endpoint, connection) = liar(&authority.node("paris", "1"), hub.quic).await;
    let (mut control, _answers) = connection.open_bi().await.unwrap();
    control.write_all(&greeting("paris")).await.unwrap();
    eventually("it is connected", || hub.connections.list().len() == 1).await;
    let (mut chunk, _pieces) = connection.open_bi().await.unwrap();
    let wanted = Message::ChunkWanted(ChunkWanted { hash, offset: 0, bytes_max: 900_000 });
    let question = frame(&wanted.encode());
    chunk.write_all(&[Stream::Chunk(hash).opening(), question.repeat(20).into()].concat()).await.unwrap();
    eventually("it is counted", || hub.metric("peers_cut_off_total{code=\"slow\"}") == 1.0).await;
    eventually("it is gone", || hub.connections.list().is_empty()).await;
    connection.closed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_nothing_to_say_stays() {
    let authority = Authority::new("root");
    let hub = HubUnderTest::with(authority.hub(), |config| config.stall_timeout_ms = 200);
    let by_quic = NodeUnderTest::start(&authority, "berlin", Some(hub.quic), None);
    let by_tls = NodeUnderTest::start(&authority, "rome", None, Some(hub.tls));
    by_quic.is_connected_by(Path::Quic).await;
    by_tls.is_connected_by(Path::Tls).await;
    tokio::time::sleep(std::time::Duration::from_millis(1_000)).await;
    assert_eq!(hub.connections.list().len(), 2);
    assert!(hub.desk.alerts.lock().unwrap().is_empty(), "{:?}", hub.desk.alerts.lock().unwrap());
    assert_eq!(hub.metric("peers_cut_off_total{code=\"slow\"}"), 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_who_say_nothing_are_hung_up_on_and_leave_places_to_others() {
    let authority = Authority::new("root");
    let hub = HubUnderTest::with(authority.hub(), |config| {
        config.handshake_timeout_ms = 300;
        config.handshakes_max = 8;
    });
    let mut silent = Vec::new();
    for _ in 0..40 {
        silent.push(tokio::net::TcpStream::connect(hub.tls).await.unwrap());
    }
    eventually("too many are refused at once", || {
        hub.metric("connections_refused_total{path=\"tls\",reason=\"handshakes\"}") >= 1.0
    })
    .await;
    eventually("the others are given up", || {
        hub.metric("connections_refused_total{path=\"tls\",reason=\"slow\"}") >= 8.0
    })
    .await;
    let node = NodeUnderTest::start(&authority, "berlin", None, Some(hub.tls));
    node.is_connected_by(Path::Tls).await;
    node.seal(LogClass::Sales, 0..100, 10, 20);
    node.is_acked().await;
    assert_whole(&hub, "berlin", LogClass::Sales, 0..100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_speaks_another_protocol_is_refused_in_the_handshake() {
    let authority = Authority::new("root");
    let hub = HubUnderTest::start(authority.hub());
    let mut config = tls(&authority.node("berlin", "1"));
    config.alpn_protocols = vec![b"aisle/9".to_vec()];
    let crypto = QuicClientConfig::try_from(config).unwrap();
    let endpoint = quinn::Endpoint::client(any_port()).unwrap();
    let config = quinn::ClientConfig::new(Arc::new(crypto));
    let refused = endpoint.connect_with(config, hub.quic, "127.0.0.1").unwrap().await;
    assert!(refused.is_err());
    eventually("it is counted", || {
        hub.metric("connections_refused_total{path=\"quic\",reason=\"protocol_unknown\"}") == 1.0
    })
    .await;
}
