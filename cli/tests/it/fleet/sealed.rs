//! A hub behind TLS: believed when its certificate comes from whom one believes, and else sent nothing.

use super::hub::{Asked, Hub, heard, text};
use rcgen::{CertificateParams, KeyPair};
use rustls::{ServerConfig, ServerConnection, StreamOwned, crypto::ring, pki_types::PrivateKeyDer};
use std::{
    io::Write,
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
};

/// A hub that says the same to everybody; its address, its certificate, what it was asked.
fn sealed() -> (String, String, Arc<Mutex<Vec<Asked>>>) {
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let secret = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], secret)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (kept, config) = (Arc::clone(&asked), Arc::new(config));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream.unwrap());
            // Whoever does not believe us hangs up in the middle.
            let Some(one) = heard(&mut stream) else { continue };
            kept.lock().unwrap().push(one);
            let _ = stream.write_all(
                b"HTTP/1.1 200 OK\r\ncontent-length: 17\r\nconnection: close\r\n\r\n{\"name\": \"grace\"}",
            );
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    });
    (url, certificate.pem(), asked)
}

#[test]
fn a_hub_is_believed_by_the_roots_that_are_named() {
    let (url, pem, asked) = sealed();
    let home = Hub::that([]);
    let roots = text(&home.file("roots.pem", &pem));
    home.fleet(["me", "--hub", &url, "--ca-file", &roots]).well().says("grace");
    assert!(asked.lock().unwrap()[0].headers["authorization"].starts_with("Bearer "));
    let shown = home.fleet(["me", "--hub", &url, "--ca-file", &roots, "--show-request"]).well();
    assert!(shown.err.contains("--cacert"), "{}", shown.err);
}

#[test]
fn a_hub_that_nobody_vouches_for_gets_no_token() {
    let (url, _, asked) = sealed();
    let home = Hub::that([]);
    home.fleet(["me", "--hub", &url]).ended(3).says("asked 1 times").says("`--ca-file`");
    let other = text(&home.file("other.pem", &sealed().1));
    home.fleet(["me", "--hub", &url, "--ca-file", &other]).ended(3);
    let none = text(&home.file("none.pem", "no certificate"));
    home.fleet(["me", "--hub", &url, "--ca-file", &none]).ended(2).says("holds no certificate");
    assert!(asked.lock().unwrap().is_empty());
}
