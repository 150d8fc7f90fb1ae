//! The hub under test, with a shell script that stands in for the hub; and the lines to one.

use aisle_harness::hub::{Call, HubError, HubOptions, HubUnderTest, Lines, Member};
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::PermissionsExt,
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
    time::timeout,
};

/// Runs, or takes nodes in and remembers what it was told.
const HUB: &str = r#"
    case "$3" in
    run)
        trap 'echo "going down" >&2; exit 0' TERM
        echo "listening http=127.0.0.1:4241 quic=Some(127.0.0.1:4242) tls=Some(127.0.0.1:4243)"
        while :; do sleep 0.02; done ;;
    node) echo "$@" >> "$(dirname "$2")/told" ;;
    *) echo "error: what?" >&2; exit 2 ;;
    esac
"#;
/// As long as something that must not come is waited for; what must come is waited for longer.
const SILENCE: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_secs(20);

fn stand_in(folder: &TempDir, body: &str) -> HubOptions {
    let script = folder.path().join("hub");
    fs::write(&script, format!("#!/bin/sh\n{body}\n")).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    HubOptions { binary: Some(script), start_timeout: Duration::from_secs(10), ..HubOptions::default() }
}

#[test]
fn a_hub_serves_stops_in_order_and_starts_again_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let mut hub = HubUnderTest::start(stand_in(&folder, HUB)).unwrap();
    assert_eq!((hub.quic().port(), hub.tls().port()), (4242, 4243));
    assert_eq!(hub.url(), "http://127.0.0.1:4241");
    let first = fs::read_to_string(hub.config()).unwrap();
    let (_, port) = first.split_once("quic = \"127.0.0.1:").unwrap();
    let port: u16 = port.split('"').next().unwrap().parse().unwrap();
    assert!((10_000..30_000).contains(&port), "{port} is one that connections are given");
    assert!(hub.stop().unwrap().success());
    assert!(matches!(hub.check(), Err(HubError::NotRunning)));
    hub.start_again().unwrap();
    assert!(fs::read_to_string(hub.config()).unwrap().contains("quic = \"127.0.0.1:4242\""));
    assert!(matches!(hub.start_again(), Err(HubError::AlreadyRunning)));
    assert!(!hub.kill().unwrap().success());
    let files = hub.folder().to_owned();
    drop(hub);
    assert!(!files.exists());
}

#[test]
fn a_hub_that_says_nothing_of_where_it_listens_is_told_with_its_last_words() {
    let folder = tempfile::tempdir().unwrap();
    let error = HubUnderTest::start(stand_in(&folder, "echo 'error: no' >&2; exit 78")).unwrap_err();
    assert!(matches!(error, HubError::Exited { .. }), "{error}");
    assert!(error.to_string().contains("error: no"), "{error}");
}

#[test]
fn a_store_that_joins_has_papers_a_key_that_the_hub_knows_and_a_signed_policy() {
    let folder = tempfile::tempdir().unwrap();
    let hub = HubUnderTest::start(stand_in(&folder, HUB)).unwrap();
    let call = Call { quic_port: 1, tls_port: 2 };
    let member = Member::join(&hub, "store-1", call).unwrap();
    assert_eq!(member.name, "spiffe://shops.example/store/store-1/node/1");
    assert!(member.config.contains("quic_port = 1\ntls_port = 2\n"), "{}", member.config);
    let told = fs::read_to_string(hub.folder().join("told")).unwrap();
    let words: Vec<&str> = told.split_whitespace().collect();
    assert_eq!(&words[2..6], ["node", "add", "store-1", "1"]);
    assert_eq!(words[6].len(), 64, "a public key in hexadecimal digits: {told}");
    let papers = hub.folder().join("stores/store-1");
    assert!(fs::read_to_string(papers.join("node.pem")).unwrap().starts_with("-----BEGIN CERTIFICATE"));
    assert_eq!(fs::read_to_string(papers.join("policy.toml.sig")).unwrap().len(), 128);
    assert_eq!(fs::read_to_string(papers.join("policy.toml")).unwrap(), hub.policy());
    let key = fs::metadata(papers.join("receipt.key")).unwrap();
    assert_eq!((key.len(), key.permissions().mode() & 0o777), (64, 0o600));
    let error = hub.ask(&["dance"]).unwrap_err();
    assert_eq!(error.to_string(), "`aisle-hub dance` failed:\nerror: what?");
}

/// A far end that gives everything back.
async fn echo() -> (SocketAddr, SocketAddr) {
    let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let addresses = (udp.local_addr().unwrap(), tcp.local_addr().unwrap());
    tokio::spawn(async move {
        let mut buffer = [0; 64];
        while let Ok((count, from)) = udp.recv_from(&mut buffer).await {
            let _ = udp.send_to(&buffer[..count], from).await;
        }
    });
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = tcp.accept().await {
            tokio::spawn(async move {
                let mut byte = [0];
                while stream.read_exact(&mut byte).await.is_ok() && stream.write_all(&byte).await.is_ok() {}
            });
        }
    });
    addresses
}

/// Whether a datagram comes back.
async fn answers_udp(port: u16, wait: Duration) -> bool {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    socket.connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    socket.send(b"there?").await.unwrap();
    let mut buffer = [0; 64];
    timeout(wait, socket.recv(&mut buffer)).await.is_ok_and(|received| received.is_ok())
}

/// Whether a byte of a stream comes back; a stream that ends gives none.
async fn answers_tcp(stream: &mut TcpStream) -> bool {
    let mut byte = [7];
    let there_and_back = async {
        stream.write_all(&[7]).await?;
        stream.read_exact(&mut byte).await
    };
    timeout(PATIENCE, there_and_back).await.is_ok_and(|passed| passed.is_ok())
}

#[tokio::test]
async fn lines_are_cut_and_mended_together() {
    let (quic, tls) = echo().await;
    let lines = Lines::start(2, quic, tls, 1).await.unwrap();
    let calls: Vec<Call> = lines.calls().collect();
    assert_eq!(calls.len(), 2);
    let call = |port: u16| TcpStream::connect((Ipv4Addr::LOCALHOST, port));
    let mut before = call(calls[0].tls_port).await.unwrap();
    assert!(answers_tcp(&mut before).await);
    for Call { quic_port, .. } in &calls {
        assert!(answers_udp(*quic_port, PATIENCE).await);
    }
    lines.cut();
    assert!(lines.cut_for().is_some());
    assert!(!answers_tcp(&mut before).await, "connections end");
    for Call { quic_port, tls_port } in &calls {
        assert!(!answers_udp(*quic_port, SILENCE).await);
        assert!(!answers_tcp(&mut call(*tls_port).await.unwrap()).await);
    }
    lines.toggle();
    assert_eq!(lines.cut_for(), None);
    for Call { quic_port, tls_port } in &calls {
        assert!(answers_udp(*quic_port, PATIENCE).await);
        assert!(answers_tcp(&mut call(*tls_port).await.unwrap()).await);
    }
}
