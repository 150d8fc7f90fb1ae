//! TLS and credentials: a bridge speaks to the broker that it was told of, and to no other.

use crate::{
    bridge_under_test::{BridgeUnderTest, config},
    eventually,
    mosquitto::Mosquitto,
    store::Store,
};
use aisle_broker::packet::QoS;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::{fs, process::Command};
use tempfile::TempDir;

const OUT: &str = "[[out]]\nfilter = \"out/#\"\n";

/// An authority of our own, and what it signed for the broker and for the bridge.
fn write_certificates(dir: &TempDir) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "The hall's authority");
    let ca = params.self_signed(&key).expect("signed");
    fs::write(dir.path().join("ca.pem"), ca.pem()).expect("written");
    let issuer = Issuer::new(params, key);
    for (file, name) in [("broker", "localhost"), ("bridge", "leeds-hall")] {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        let certificate = params.signed_by(&key, &issuer).expect("signed");
        fs::write(dir.path().join(format!("{file}.pem")), certificate.pem()).expect("written");
        fs::write(dir.path().join(format!("{file}.key")), key.serialize_pem()).expect("written");
    }
}

fn secure_mosquitto(more: &str) -> Mosquitto {
    Mosquitto::with("allow_anonymous true\n", |dir| {
        write_certificates(dir);
        let path = |file: &str| dir.path().join(file).display().to_string();
        format!(
            "cafile {}\ncertfile {}\nkeyfile {}\n{more}",
            path("ca.pem"),
            path("broker.pem"),
            path("broker.key")
        )
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_with_a_certificate_of_its_own_authority_is_trusted_when_told_so() {
    let (mosquitto, store) = (secure_mosquitto("require_certificate true\n"), Store::open().await);
    let url = format!("mqtts://localhost:{}", mosquitto.port);
    for version in ["5", "3.1.1"] {
        let mut settings = config(&url, version, OUT);
        settings.ca_file = Some(mosquitto.dir.path().join("ca.pem"));
        settings.certificate_file = Some(mosquitto.dir.path().join("bridge.pem"));
        settings.private_key_file = Some(mosquitto.dir.path().join("bridge.key"));
        let bridge = BridgeUnderTest::connected(&store, settings).await;
        store.publish("out/x", "secret", QoS::AtLeastOnce).await;
        bridge.until(|status| status.out_count == 1).await;
        bridge.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_wants_a_certificate_and_gets_none_is_told_as_such() {
    let (mosquitto, store) = (secure_mosquitto("require_certificate true\n"), Store::open().await);
    for version in ["5", "3.1.1"] {
        let mut settings = config(&format!("mqtts://localhost:{}", mosquitto.port), version, OUT);
        settings.ca_file = Some(mosquitto.dir.path().join("ca.pem"));
        let bridge = BridgeUnderTest::run(&store, "leeds", settings);
        let error = || bridge.status().last_error.unwrap_or_default();
        eventually(error, |error| error.contains("`certificate_file`")).await;
        bridge.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_whose_authority_is_unknown_is_not_spoken_to_and_the_status_says_what_to_do() {
    let (mosquitto, store) = (secure_mosquitto(""), Store::open().await);
    let bridge = BridgeUnderTest::run(
        &store,
        "leeds",
        config(&format!("mqtts://localhost:{}", mosquitto.port), "5", OUT),
    );
    let status = bridge.until(|status| status.last_error.is_some()).await;
    let error = status.last_error.expect("an error");
    assert!(
        !status.connected && (error.contains("`ca_file`") || error.contains("ca-certificates")),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_the_certificate_is_not_for_is_told() {
    let (mosquitto, store) = (secure_mosquitto(""), Store::open().await);
    let mut settings = config(&format!("mqtts://127.0.0.1:{}", mosquitto.port), "3.1.1", OUT);
    settings.ca_file = Some(mosquitto.dir.path().join("ca.pem"));
    let bridge = BridgeUnderTest::run(&store, "leeds", settings);
    let error = bridge.until(|status| status.last_error.is_some()).await.last_error.expect("an error");
    assert!(error.contains("the name that the broker's certificate is for"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_and_a_corrected_one_is_used_without_a_restart() {
    let mosquitto = Mosquitto::with("allow_anonymous false\n", |dir| {
        let file = dir.path().join("passwords");
        let made =
            Command::new("mosquitto_passwd").args(["-b", "-c"]).arg(&file).args(["leeds", "right"]).status();
        assert!(made.expect("mosquitto_passwd is installed").success());
        format!("password_file {}\n", file.display())
    });
    let store = Store::open().await;
    for version in ["5", "3.1.1"] {
        let file = mosquitto.dir.path().join(format!("password-{version}"));
        let mut settings = config(&mosquitto.url(), version, OUT);
        settings.username = Some("leeds".into());
        settings.password_file = Some(file.clone());
        let bridge = BridgeUnderTest::run(&store, "leeds", settings.clone());
        let error = || bridge.status().last_error.unwrap_or_default();
        eventually(error, |error| error.contains("`password_file`: cannot read")).await;
        fs::write(&file, "wrong-secret\n").expect("written");
        let told = eventually(error, |error| error.contains("it does not take the name and password")).await;
        assert!(!told.contains("wrong-secret") && !format!("{settings:?}").contains("wrong-secret"));
        fs::write(&file, "right\n").expect("written");
        bridge.until(|status| status.connected).await;
        bridge.stop().await;
    }
}
