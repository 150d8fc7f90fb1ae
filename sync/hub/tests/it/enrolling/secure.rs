//! The interface over TLS, by the certificate that the hub's own authority gave it.

use super::world::{Hub, World};
use crate::{ports::free, running::eventually};
use aisle_hub::serve::Running;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion, crypto::ring, version::TLS12};
use rustls_pki_types::ServerName;
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::oneshot,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

type Versions = [&'static SupportedProtocolVersion];

/// Somebody who believes a chain's root, and nobody else's, and checks the name as everybody does.
async fn connect(world: &World, at: SocketAddr, versions: &Versions) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    for root in world.unlocked().roots.certificates() {
        roots.add(root.clone().into_owned()).unwrap();
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = builder.with_protocol_versions(versions).unwrap();
    let config = Arc::new(config.with_root_certificates(roots).with_no_client_auth());
    let name = ServerName::try_from("127.0.0.1").unwrap();
    TlsConnector::from(config).connect(name, TcpStream::connect(at).await?).await
}

/// The status of an answer.
async fn status(world: &World, at: SocketAddr, path: &str, token: &str) -> u16 {
    let mut stream = connect(world, at, rustls::DEFAULT_VERSIONS).await.unwrap();
    let authorization =
        if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{authorization}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // Some end without a farewell of TLS.
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).map(str::parse);
    status.unwrap_or_else(|| panic!("no answer: {answer}")).unwrap()
}

#[tokio::test]
async fn people_and_programs_are_served_over_tls_by_the_identity_that_stores_know() {
    let world = World::new("");
    let mut config = world.config.clone();
    config.listen.https = Some("127.0.0.1:0".parse().unwrap());
    let running = Running::start(&config).await.unwrap();
    let at = running.https_address().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(running.until(async {
        let _ = stopped.await;
    }));
    let token = std::fs::read_to_string(&config.files.token).unwrap();
    let token = token.trim();
    for (path, token, expected) in
        [("/readyz", "", 200), ("/v1/stores", token, 200), ("/v1/stores", "", 401), ("/sign-in", "", 200)]
    {
        assert_eq!(status(&world, at, path, token).await, expected, "{path}");
    }
    // A stranger's root is not this one's, and nothing is spoken below TLS 1.3, or without it.
    let foreign = World::new("");
    assert!(connect(&foreign, at, rustls::DEFAULT_VERSIONS).await.is_err(), "another root");
    assert!(connect(&world, at, &[&TLS12]).await.is_err(), "TLS 1.2");
    let plain = reqwest::Client::new().get(format!("http://{at}/readyz")).send().await;
    assert!(plain.is_err(), "no TLS");
    // One that says nothing does not hold the hub up when it goes.
    let _idle = TcpStream::connect(at).await.unwrap();
    drop(stop);
    timeout(Duration::from_secs(60), serving).await.expect("it goes down").unwrap().unwrap();
}

#[tokio::test]
async fn callers_of_one_address_beyond_its_seats_are_hung_up_on_and_counted() {
    let world = World::new("");
    let mut config = world.config.clone();
    let at: SocketAddr = format!("127.0.0.1:{}", free().unwrap()).parse().unwrap();
    config.listen.https = Some(at);
    let hub = Hub::start(&config).await;
    // They say nothing, and have their seats until the hub has no more patience with them.
    let mut seated = Vec::new();
    for _ in 0..128 {
        seated.push(TcpStream::connect(at).await.unwrap());
    }
    let mut one_more = TcpStream::connect(at).await.unwrap();
    let read = timeout(Duration::from_secs(8), one_more.read(&mut [0; 16])).await;
    assert!(matches!(read, Ok(Ok(0) | Err(_))), "{read:?}");
    let metric = "aisle_hub_callers_refused";
    eventually("it is counted", async || {
        world.counted(&hub, metric, "port=\"https\",reason=\"address\"").await == 1
    })
    .await;
    // Who gives a seat back makes room, and what cannot agree on TLS is counted as well.
    drop(seated);
    eventually("somebody else is let in", async || {
        connect(&world, at, rustls::DEFAULT_VERSIONS).await.is_ok()
    })
    .await;
    let before = world.counted(&hub, metric, "port=\"https\",reason=\"old_tls\"").await;
    assert!(connect(&world, at, &[&TLS12]).await.is_err());
    eventually("the old TLS is counted", async || {
        world.counted(&hub, metric, "port=\"https\",reason=\"old_tls\"").await == before + 1
    })
    .await;
    hub.end().await;
}
