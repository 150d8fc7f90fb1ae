//! TLS: certificates that are made, given, shown, changed and wrong.

use crate::transport_support::{Authority, Data, Reached, client, config, connect, connect_as, listening};
use aisle_broker::transport::{
    CertificateIdentity, ListenError, Listeners, Transport, TransportConfig, Trust,
};
use prometheus_client::registry::Registry;
use rustls::{
    HandshakeKind, ProtocolVersion,
    version::{TLS12, TLS13},
};
use std::{fs, net::IpAddr, os::unix::fs::PermissionsExt, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use x509_parser::{extensions::GeneralName, pem::parse_x509_pem};

fn encrypted() -> TransportConfig {
    TransportConfig { tls_listen: "127.0.0.1:0".into(), ..config() }
}

/// With a server certificate of this authority, and clients of that one.
fn configured(data: &Data, server: &Authority, clients: Option<&Authority>) -> TransportConfig {
    let pair = server.server();
    TransportConfig {
        certificate_file: Some(data.write("server.pem", &pair.certificate)),
        private_key_file: Some(data.write("server-key.pem", &pair.key)),
        client_ca_file: clients.map(|clients| data.write("clients.pem", &clients.pem)),
        ..encrypted()
    }
}

async fn echo_once(reached: &mut Reached, client: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin)) {
    client.write_all(b"ping").await.unwrap();
    client.flush().await.unwrap();
    let mut stream = reached.next().await.stream;
    let mut got = [0; 4];
    stream.read_exact(&mut got).await.unwrap();
    stream.write_all(&got).await.unwrap();
    stream.flush().await.unwrap();
    client.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"ping");
}

#[tokio::test]
async fn without_a_certificate_one_is_made_that_clients_can_trust_and_that_stays() {
    let data = Data::new();
    let certificate = data.path().join("mqtt/certificate.pem");
    let mut reached = listening(&encrypted(), &data);
    let made = fs::read_to_string(&certificate).unwrap();
    let mut client = connect(reached.address(Transport::Tls), &made, None).await.unwrap();
    echo_once(&mut reached, &mut client).await;
    drop(reached);

    let mode = |file: &str| fs::metadata(data.path().join(file)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("mqtt/private-key.pem"), 0o600);
    let _again = listening(&encrypted(), &data);
    assert_eq!(fs::read_to_string(&certificate).unwrap(), made, "a restart keeps it");
}

#[tokio::test]
async fn the_certificate_that_is_made_names_this_machine() {
    let data = Data::new();
    let _reached = listening(&encrypted(), &data);
    let pem = fs::read(data.path().join("mqtt/certificate.pem")).unwrap();
    let (_, pem) = parse_x509_pem(&pem).unwrap();
    let certificate = pem.parse_x509().unwrap();
    let names = &certificate.subject_alternative_name().unwrap().unwrap().value.general_names;
    assert!(names.contains(&GeneralName::DNSName("localhost")), "{names:?}");
    let loopback = IpAddr::from([127, 0, 0, 1]);
    assert!(
        names.iter().any(|name| matches!((name, loopback), (GeneralName::IPAddress(bytes), IpAddr::V4(ip)) if *bytes == ip.octets())),
        "{names:?}"
    );
    assert!(certificate.validity().not_after.timestamp() > 4_000_000_000, "a box without a clock must start");
}

#[tokio::test]
async fn a_client_shows_its_certificate_or_none() {
    let (data, server, clients) = (Data::new(), Authority::new("server"), Authority::new("clients"));
    let mut reached = listening(&configured(&data, &server, Some(&clients)), &data);
    let address = reached.address(Transport::Tls);

    let pair = clients.client("fridge-7", Some("spiffe://chain/store/1/device/fridge-8"));
    let _with = connect(address, &server.pem, Some(&pair)).await.unwrap();
    let expected = CertificateIdentity {
        common_name: Some("fridge-7".into()),
        uris: vec!["spiffe://chain/store/1/device/fridge-8".into()],
    };
    let shown = reached.next().await.certificate;
    assert_eq!(shown.as_ref(), Some(&expected));
    assert_eq!(shown.unwrap().device(), Some("fridge-8"));

    let _without = connect(address, &server.pem, None).await.unwrap();
    assert_eq!(reached.next().await.certificate, None);
}

#[tokio::test]
async fn a_client_certificate_of_somebody_else_is_refused() {
    let (data, server, clients) = (Data::new(), Authority::new("server"), Authority::new("clients"));
    let mut reached = listening(&configured(&data, &server, Some(&clients)), &data);
    let stranger = Authority::new("clients").client("fridge-7", None);
    // In TLS 1.3 the client is done before its certificate is looked at, and hears of it when it reads.
    if let Ok(mut client) = connect(reached.address(Transport::Tls), &server.pem, Some(&stranger)).await {
        assert!(client.read(&mut [0; 1]).await.is_err());
    }
    reached.metric_becomes("mqtt_transport_refused_total{transport=\"mqtts\",reason=\"tls\"}", "1").await;
    let mut good = connect(reached.address(Transport::Tls), &server.pem, None).await.unwrap();
    echo_once(&mut reached, &mut good).await;
}

#[tokio::test]
async fn who_is_vouched_for_and_is_no_device_of_this_store_gets_no_further_than_the_handshake() {
    let (data, server, clients) = (Data::new(), Authority::new("server"), Authority::new("clients"));
    // The identity stands in the certificate as it is.
    let is_here = |der: &[u8]| {
        let own = b"spiffe://chain/store/here/device/";
        der.windows(own.len()).any(|part| part == own)
    };
    let trust = Trust { is_foreign: Some(Arc::new(move |der| !is_here(der))), ..Trust::default() };
    let mut reached =
        listening(&TransportConfig { trust, ..configured(&data, &server, Some(&clients)) }, &data);
    let address = reached.address(Transport::Tls);
    let foreign = ["spiffe://chain/store/there/device/fridge-7", "spiffe://chain/store/here/node/4711"];
    for id in foreign.map(Some).into_iter().chain([None]) {
        let pair = clients.client("fridge-7", id);
        if let Ok(mut client) = connect(address, &server.pem, Some(&pair)).await {
            assert!(matches!(client.read(&mut [0; 1]).await, Ok(0) | Err(_)), "{id:?}");
        }
    }
    reached.metric_becomes("mqtt_transport_refused_total{transport=\"mqtts\",reason=\"foreign\"}", "3").await;
    let own = clients.client("fridge-7", Some("spiffe://chain/store/here/device/fridge-7"));
    let mut good = connect(address, &server.pem, Some(&own)).await.unwrap();
    echo_once(&mut reached, &mut good).await;
    let mut without = connect(address, &server.pem, None).await.unwrap();
    echo_once(&mut reached, &mut without).await;
}

#[tokio::test]
async fn a_session_is_resumed_only_where_no_certificates_are_asked_for() {
    let both = [(false, HandshakeKind::Resumed), (true, HandshakeKind::Full)];
    for ((asks, expected), version) in both.into_iter().flat_map(|case| [(case, &TLS13), (case, &TLS12)]) {
        let (data, server, clients) = (Data::new(), Authority::new("server"), Authority::new("clients"));
        let mut reached = listening(&configured(&data, &server, asks.then_some(&clients)), &data);
        let address = reached.address(Transport::Tls);
        let pair = clients.client("fridge-7", None);
        let shown = Some(&pair).filter(|_| version.version == ProtocolVersion::TLSv1_3);
        let client = client(&server.pem, shown, &[version]);
        let mut kind = None;
        for _ in 0..2 {
            let mut stream = connect_as(address, &client).await.unwrap();
            // Tickets come before what is echoed.
            echo_once(&mut reached, &mut stream).await;
            kind = stream.get_ref().1.handshake_kind();
        }
        assert_eq!(kind, Some(expected), "{version:?}, asks for certificates: {asks}");
    }
}

#[tokio::test]
async fn a_device_that_speaks_an_older_tls_comes_without_a_certificate_or_not_at_all() {
    let (data, server, clients) = (Data::new(), Authority::new("server"), Authority::new("clients"));
    let mut reached = listening(&configured(&data, &server, Some(&clients)), &data);
    let address = reached.address(Transport::Tls);
    let pair = clients.client("fridge-7", None);
    assert!(connect_as(address, &client(&server.pem, Some(&pair), &[&TLS12])).await.is_err());
    reached.metric_becomes("mqtt_transport_refused_total{transport=\"mqtts\",reason=\"tls\"}", "1").await;
    let without = connect_as(address, &client(&server.pem, None, &[&TLS12])).await.unwrap();
    assert_eq!(without.get_ref().1.protocol_version(), Some(ProtocolVersion::TLSv1_2));
    assert_eq!(reached.next().await.certificate, None);
    let newest = connect(address, &server.pem, Some(&pair)).await.unwrap();
    assert_eq!(newest.get_ref().1.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    let certificate = reached.next().await.certificate;
    assert_eq!(certificate.as_ref().and_then(CertificateIdentity::device), Some("fridge-7"));
}

#[tokio::test]
async fn a_client_that_trusts_another_authority_goes_away_and_is_counted() {
    let (data, server) = (Data::new(), Authority::new("server"));
    let reached = listening(&configured(&data, &server, None), &data);
    let other = Authority::new("other");
    assert!(connect(reached.address(Transport::Tls), &other.pem, None).await.is_err());
    reached.metric_becomes("mqtt_transport_refused_total{transport=\"mqtts\",reason=\"tls\"}", "1").await;
}

#[tokio::test]
async fn plain_bytes_on_a_tls_port_are_closed() {
    let data = Data::new();
    let reached = listening(&encrypted(), &data);
    let mut client = TcpStream::connect(reached.address(Transport::Tls)).await.unwrap();
    client.write_all(b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04abcd").await.unwrap();
    let mut rest = Vec::new();
    drop(timeout(Duration::from_secs(5), client.read_to_end(&mut rest)).await.unwrap());
    assert!(rest.len() < 16, "at most an alert: {rest:?}");
    reached.metric_becomes("mqtt_transport_refused_total{transport=\"mqtts\",reason=\"tls\"}", "1").await;
}

#[tokio::test]
async fn a_slow_handshake_is_cut_off_and_holds_up_nobody() {
    let data = Data::new();
    let mut reached = listening(&TransportConfig { handshake_timeout_ms: 400, ..encrypted() }, &data);
    let address = reached.address(Transport::Tls);
    let mut slow = Vec::new();
    for _ in 0..8 {
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"\x16\x03\x01").await.unwrap();
        slow.push(client);
    }
    let made = fs::read_to_string(data.path().join("mqtt/certificate.pem")).unwrap();
    let mut good = connect(address, &made, None).await.unwrap();
    echo_once(&mut reached, &mut good).await;
    for client in &mut slow {
        let end = timeout(Duration::from_secs(5), client.read(&mut [0; 1])).await.unwrap();
        assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    }
    reached.metric_becomes("mqtt_transport_refused_total{transport=\"mqtts\",reason=\"timeout\"}", "8").await;
    reached.metric_becomes("mqtt_transport_handshakes", "0").await;
}

#[tokio::test]
async fn a_changed_certificate_is_shown_to_the_next_client_and_a_broken_one_is_not() {
    let (data, old, new) = (Data::new(), Authority::new("old"), Authority::new("new"));
    let mut reached = listening(&configured(&data, &old, None), &data);
    let address = reached.address(Transport::Tls);
    let mut early = connect(address, &old.pem, None).await.unwrap();

    data.write("server.pem", "not a certificate");
    reached.metric_becomes("mqtt_transport_certificate_broken", "1").await;
    assert!(connect(address, &old.pem, None).await.is_ok(), "the last good one is still shown");

    let pair = new.server();
    data.write("server.pem", &pair.certificate);
    data.write("server-key.pem", &pair.key);
    reached.metric_becomes("mqtt_transport_certificate_broken", "0").await;
    assert!(connect(address, &new.pem, None).await.is_ok());
    assert!(connect(address, &old.pem, None).await.is_err());
    echo_once(&mut reached, &mut early).await;
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named() {
    let (data, server) = (Data::new(), Authority::new("server"));
    let bind = |config: &TransportConfig| {
        let error = Listeners::bind(config, data.path(), &mut Registry::default()).map(|_| ()).unwrap_err();
        assert!(matches!(error, ListenError::Certificate(_)), "{error:?}");
        error.to_string()
    };
    let good = configured(&data, &server, Some(&server));
    let missing = TransportConfig { certificate_file: Some("/no/such.pem".into()), ..good.clone() };
    assert_eq!(bind(&missing), "cannot read `/no/such.pem`");

    let other = data.write("other-key.pem", &server.server().key);
    let said = bind(&TransportConfig { private_key_file: Some(other), ..good.clone() });
    assert!(
        said.contains("server.pem` cannot be used with the key `") && said.contains("other-key.pem"),
        "{said}"
    );

    let empty = data.write("empty.pem", "");
    let said = bind(&TransportConfig { client_ca_file: Some(empty.clone()), ..good.clone() });
    assert!(said.ends_with("empty.pem` holds no certificate in PEM"), "{said}");
    let said = bind(&TransportConfig { private_key_file: Some(empty), ..good });
    assert!(said.ends_with("empty.pem` holds no private key in PEM"), "{said}");

    fs::create_dir_all(data.path().join("mqtt")).unwrap();
    data.write("mqtt/certificate.pem", &server.server().certificate);
    assert!(bind(&encrypted()).contains("is there but not its key"));
}
