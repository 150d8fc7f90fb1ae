//! Where the broker listens, and that clients come through.

use crate::transport_support::{Data, config, listening};
use aisle_broker::transport::{
    Accepted, Candidate, Door, ListenError, Listeners, Transport, TransportConfig, private_addresses,
    system_addresses,
};
use prometheus_client::registry::Registry;
use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

fn plain() -> TransportConfig {
    TransportConfig { tcp_listen: "127.0.0.1:0".into(), ..config() }
}

fn candidates(ips: &[&str]) -> Vec<Candidate> {
    ips.iter().map(|ip| Candidate { ip: ip.parse().unwrap(), interface: 3 }).collect()
}

#[test]
fn the_store_is_every_private_address_and_no_public_one() {
    let machine = candidates(&[
        "8.8.8.8",
        "10.1.2.3",
        "172.16.0.1",
        "172.32.0.1",
        "192.168.1.20",
        "169.254.7.7",
        "100.64.0.1",
        "127.0.0.1",
        "0.0.0.0",
        "::1",
        "::",
        "fd12:3456::1",
        "fe80::1",
        "2001:db8::1",
        "::ffff:10.0.0.1",
        "::ffff:8.8.8.8",
        "10.1.2.3",
    ]);
    let addresses: Vec<String> = private_addresses(&machine, 8883).iter().map(ToString::to_string).collect();
    let expected = [
        "127.0.0.1:8883",
        "[::1]:8883",
        "10.1.2.3:8883",
        "169.254.7.7:8883",
        "172.16.0.1:8883",
        "192.168.1.20:8883",
        "[::ffff:10.0.0.1]:8883",
        "[fd12:3456::1]:8883",
        "[fe80::1%3]:8883",
    ];
    assert_eq!(addresses, expected);
}

#[test]
fn this_machine_has_a_loopback_address() {
    assert!(system_addresses().unwrap().iter().any(|candidate| candidate.ip.is_loopback()));
}

#[tokio::test]
async fn bytes_go_both_ways_over_plain_tcp() {
    let data = Data::new();
    let mut reached = listening(&plain(), &data);
    let mut client = TcpStream::connect(reached.address(Transport::Tcp)).await.unwrap();
    client.write_all(b"hello").await.unwrap();
    let mut accepted = reached.next().await;
    assert_eq!((accepted.transport, accepted.peer), (Transport::Tcp, client.local_addr().unwrap()));
    assert_eq!(accepted.certificate, None);
    let mut got = [0; 5];
    accepted.stream.read_exact(&mut got).await.unwrap();
    accepted.stream.write_all(&got).await.unwrap();
    accepted.stream.flush().await.unwrap();
    client.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"hello");
    accepted.stream.shutdown().await.unwrap();
    assert_eq!(client.read(&mut got).await.unwrap(), 0);
    assert!(!data.path().join("mqtt").exists(), "without TLS no certificate is made");
}

#[tokio::test]
async fn an_interface_that_comes_up_late_is_listened_on_and_one_that_goes_is_let_go() {
    let (later, data) = (Arc::new(AtomicBool::new(false)), Data::new());
    let up = later.clone();
    let interfaces = Arc::new(move || {
        let ips: &[&str] =
            if up.load(Ordering::Relaxed) { &["127.0.0.2"] } else { &["127.0.0.1", "9.9.9.9"] };
        Ok(candidates(ips))
    });
    let port = free_port().await;
    let config = TransportConfig { tcp_listen: format!("store:{port}"), ..config() };
    let listeners = Listeners::bind_with(&config, data.path(), interfaces, &mut Registry::default()).unwrap();
    let here = SocketAddr::from(([127, 0, 0, 1], port));
    assert_eq!(listeners.addresses(), [(Transport::Tcp, here)]);
    let running = tokio::spawn(listeners.run(Arc::new(drop::<Accepted>)));
    TcpStream::connect(here).await.unwrap();

    later.store(true, Ordering::Relaxed);
    tokio::task::yield_now().await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(31)).await;
    tokio::time::resume();
    let there = SocketAddr::from(([127, 0, 0, 2], port));
    eventually(|| async move { TcpStream::connect(there).await.is_ok() }).await;
    eventually(|| async move { TcpStream::connect(here).await.is_err() }).await;
    running.abort();
}

#[tokio::test]
async fn an_address_that_cannot_be_is_named_by_its_key() {
    let data = Data::new();
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bind = |config: TransportConfig| {
        Listeners::bind(&config, data.path(), &mut Registry::default()).map(|_| ()).unwrap_err()
    };
    for wrong in ["", "8883", "store", "store:x", "localhost:8883", "1.2.3.4", "OFF", "store:70000"] {
        let error = bind(TransportConfig { websocket_listen: wrong.into(), ..config() });
        let said = error.to_string();
        assert!(said.contains(&format!("`mqtt.websocket_listen` is `{wrong}`")), "{said}");
    }
    let taken = taken.local_addr().unwrap();
    let error = bind(TransportConfig { tcp_listen: taken.to_string(), ..config() });
    assert!(
        matches!(&error, ListenError::Bind { key: "tcp_listen", address, source }
        if *address == taken && source.kind() == io::ErrorKind::AddrInUse),
        "{error:?}"
    );
    let error = bind(TransportConfig { tcp_listen: format!("store:{}", taken.port()), ..config() });
    assert!(matches!(error, ListenError::Bind { key: "tcp_listen", .. }), "{error:?}");
    let error = bind(TransportConfig {
        tls_listen: "127.0.0.1:0".into(),
        certificate_file: Some("c.pem".into()),
        ..config()
    });
    assert!(matches!(error, ListenError::HalfPair), "{error:?}");
}

/// Lets in as many as it is told to.
struct Few {
    left: Mutex<u32>,
    entered: tokio::sync::mpsc::UnboundedSender<IpAddr>,
}

impl Door for Few {
    fn admits(&self, _peer: SocketAddr, _transport: Transport, _under_way: usize) -> bool {
        let mut left = self.left.lock().unwrap();
        let admitted = *left > 0;
        *left = left.saturating_sub(1);
        admitted
    }

    fn enter(&self, accepted: Accepted) {
        self.entered.send(accepted.peer.ip()).unwrap();
    }
}

#[tokio::test]
async fn who_is_not_admitted_is_closed_before_any_handshake() {
    let data = Data::new();
    let listeners = Listeners::bind(&plain(), data.path(), &mut Registry::default()).unwrap();
    let address = listeners.addresses()[0].1;
    let (entered, mut entering) = tokio::sync::mpsc::unbounded_channel();
    let running = tokio::spawn(listeners.run(Arc::new(Few { left: Mutex::new(1), entered })));
    let _first = TcpStream::connect(address).await.unwrap();
    assert!(timeout(Duration::from_secs(5), entering.recv()).await.unwrap().is_some());
    let mut second = TcpStream::connect(address).await.unwrap();
    let read = timeout(Duration::from_secs(5), second.read(&mut [0; 1])).await.unwrap();
    assert!(matches!(read, Ok(0) | Err(_)));
    assert!(entering.try_recv().is_err());
    running.abort();
}

#[tokio::test]
async fn dropping_the_listeners_frees_their_ports() {
    let data = Data::new();
    let reached = listening(&plain(), &data);
    let address = reached.address(Transport::Tcp);
    drop(reached);
    eventually(|| async move { TcpListener::bind(address).await.is_ok() }).await;
}

async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

async fn eventually<F: Future<Output = bool>>(mut holds: impl FnMut() -> F) {
    for _ in 0..100 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it did not come to hold in 5 s");
}
