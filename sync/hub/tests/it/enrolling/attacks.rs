//! What somebody could try: each is refused under its code, and changes nothing.

use super::{
    caller::{Caller, read},
    world::{World, line_of, people_of, request_body},
};
use crate::running::eventually;
use aisle_event::Timestamp;
use aisle_hub::{
    Config, Database,
    database::KeptClaim,
    enrol::{Door, Office, Parts, Patience, now, telemetry::Telemetry},
    policies::Policies,
};
use aisle_provisioning::{
    Chain, Identity, PrivateKey, Serial, Store, SystemEntropy,
    claim::{Claim, ClaimInput, Nonce},
    device::RevocationBoard,
    enrolment::Role,
    est, request,
};
use data_encoding::BASE64;
use prometheus_client::registry::Registry;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P384_SHA384, SanType};
use rustls::version::TLS12;
use std::{process::Command, sync::Arc, time::Duration};
use tokio::{io::AsyncWriteExt as _, sync::watch};

static OLD: &[&rustls::SupportedProtocolVersion] = &[&TLS12];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_works_once_for_its_store_for_its_box_and_until_its_time() {
    let world = World::new("tries_max = 1000\napproval = \"auto\"");
    let hub = world.hub().await;
    let carton = world.carton("4711");
    let said = |reply: super::caller::Reply| (reply.status, reply.code());

    // Replayed with another key.
    let code = world.code("store-1", None).await;
    assert_eq!(carton.enroll(&hub, &code).await.status, 200);
    let thief = world.carton("4711");
    assert_eq!(said(world.refused(&hub, "E-203", thief.enroll(&hub, &code)).await), (403, "E-203".into()));
    let thief = world.carton("4712");
    assert_eq!(said(world.refused(&hub, "E-203", thief.enroll(&hub, &code)).await), (403, "E-203".into()));

    // For another store: nothing is used by asking.
    let (box_2, code) = (world.carton("4713"), world.code("store-2", None).await);
    let der = request::make(&box_2.key, "4713", None).unwrap();
    let other_store = [("aisle-store", "store-3")];
    let reply = world.refused(&hub, "E-205", box_2.enroll_with(&hub, &code, &der, &other_store)).await;
    assert_eq!(said(reply), (403, "E-205".into()));
    assert_eq!(box_2.enroll(&hub, &code).await.status, 200);

    // For another box.
    let code = world.code("store-2", Some("4715")).await;
    assert_eq!(
        said(world.refused(&hub, "E-206", world.carton("4714").enroll(&hub, &code)).await),
        (403, "E-206".into())
    );

    // Expired, withdrawn, unknown.
    let database = world.database().await;
    let store = Store::new("store-3").unwrap();
    let past = Timestamp(now().0 - 3_600_000);
    let (claim, code) = Claim::draw(store, None, past, 60_000, &mut SystemEntropy::default()).unwrap();
    let kept = KeptClaim { claim, made_by: "tester".into(), made_role: Role::Admin };
    database.keep_claim(&kept, &line_of("claim.create")).await.unwrap();
    assert_eq!(
        said(world.refused(&hub, "E-202", world.carton("4716").enroll(&hub, &code)).await),
        (403, "E-202".into())
    );
    let code = world.code("store-3", None).await;
    database.withdraw_claim(&code.locator(), &line_of("claim.withdraw")).await.unwrap().unwrap();
    assert_eq!(
        said(world.refused(&hub, "E-204", world.carton("4717").enroll(&hub, &code)).await),
        (403, "E-204".into())
    );
    let nobodys =
        Claim::draw(Store::new("store-3").unwrap(), None, now(), 60_000, &mut SystemEntropy::default());
    let (stranger, nobodys) = (world.carton("4718"), nobodys.unwrap().1);
    let reply = world.refused(&hub, "E-201", stranger.enroll(&hub, &nobodys)).await;
    assert_eq!(said(reply), (403, "E-201".into()));
    // Asking whether the hub knows a claim is a try, too.
    let nobodys = ClaimInput::Code(nobodys);
    let asked = world.refused(&hub, "E-201", stranger.introduced(&hub, &nobodys)).await;
    assert!(asked.is_none());
    let rows = database.enrolments("store-3", "", ("", ""), 10).await.unwrap();
    assert!(rows.is_empty(), "{rows:?}");
    hub.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_was_left_behind_and_the_claim_that_it_used_take_nothing_over() {
    let world = World::new("tries_max = 1000\napproval = \"auto\"");
    let hub = world.hub().await;
    let code = world.code("store-1", None).await;
    let mut old = world.carton("4711");
    let reply = old.enroll(&hub, &code).await;
    old.take(&reply);
    let new = old.renew(&hub, "store-1").await.unwrap();
    assert_eq!(new.settings(&hub).await.status, 200);
    let database = world.database().await;
    let store = "store-1".parse().unwrap();
    let before = database.registered(&store).await.unwrap();
    // Somebody has found the old key, and brings a key for receipts of his own.
    old.receipt = Arc::new(aisle_residency::signing::SigningKey::from_seed(&[8; 32]).unwrap());
    let reply = old.enroll(&hub, &code).await;
    assert_eq!((reply.status, reply.code()), (403, "E-203".into()));
    let after = database.registered(&store).await.unwrap();
    assert_eq!(after[0].receipt_key, before[0].receipt_key);
    assert_eq!(new.settings(&hub).await.status, 200, "the node is not sent away");
    hub.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_for_somebody_elses_name_or_for_more_than_a_name_is_refused_and_uses_no_claim() {
    let world = World::new("tries_max = 1000\napproval = \"auto\"");
    let hub = world.hub().await;
    let carton = world.carton("4711");
    let code = world.code("store-1", None).await;
    let chain = |name: &str| Chain::new(name).unwrap();
    let node = |c: &str, store: &str, serial: &str| {
        Identity::node(chain(c), Store::new(store).unwrap(), Serial::new(serial).unwrap())
    };
    for (identity, expected) in [
        (node("other.example", "store-1", "4711"), "E-405"),
        (node("shops.example", "store-1", "4712"), "E-405"),
        (node("shops.example", "store-2", "4711"), "E-205"),
        (Identity::hub(chain("shops.example"), "hub-1".parse().unwrap()), "E-405"),
    ] {
        let der = request::make(&carton.key, "4711", Some(&identity)).unwrap();
        let reply = world.refused(&hub, expected, carton.enroll_with(&hub, &code, &der, &[])).await;
        assert_eq!((reply.status, reply.code().as_str()), (403, expected), "{identity}");
    }
    let request_with = |change: &dyn Fn(&mut CertificateParams), key: &KeyPair| {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, "4711");
        change(&mut params);
        params.serialize_request(key).unwrap().der().to_vec()
    };
    let key = KeyPair::generate().unwrap();
    let with_name = request_with(
        &|params| params.subject_alt_names.push(SanType::DnsName("bank.example".try_into().unwrap())),
        &key,
    );
    let other_kind = request_with(&|_| {}, &KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap());
    let mut forged = request::make(&carton.key, "4711", None).unwrap();
    *forged.last_mut().unwrap() ^= 1;
    for (der, status, expected) in [
        (with_name, 403, "E-406"),
        (other_kind, 400, "E-403"),
        (forged, 400, "E-404"),
        (b"no request".to_vec(), 400, "E-401"),
        (vec![], 400, "E-401"),
    ] {
        let reply = world.refused(&hub, expected, carton.enroll_with(&hub, &code, &der, &[])).await;
        assert_eq!((reply.status, reply.code().as_str()), (status, expected));
        assert_eq!(reply.header("content-type"), Some("application/problem+json"));
        let problem = reply.json();
        assert!(
            !problem["hint"].as_str().unwrap().is_empty() && !problem["detail"].as_str().unwrap().is_empty()
        );
    }
    // The claim is as good as before.
    let mut good = carton.clone();
    good.take(&carton.enroll(&hub, &code).await);
    // With its own certificate it cannot become somebody else either.
    let der = request::make(&good.key, "4712", Some(&node("shops.example", "store-1", "4712"))).unwrap();
    let reply = world.refused(&hub, "E-405", good.reenroll(&hub, &der)).await;
    assert_eq!((reply.status, reply.code().as_str()), (403, "E-405"));
    hub.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_guesses_at_claims_is_locked_out_and_does_not_come_in_with_a_right_one() {
    let world = World::new("tries_max = 3\napproval = \"auto\"");
    let hub = world.hub().await;
    let carton = world.carton("4711");
    let right = world.code("store-1", None).await;
    let mut entropy = SystemEntropy::default();
    for _ in 0..3 {
        let (_, wrong) =
            Claim::draw(Store::new("store-1").unwrap(), None, now(), 60_000, &mut entropy).unwrap();
        assert_eq!(carton.enroll(&hub, &wrong).await.code(), "E-201");
    }
    let reply = world.refused(&hub, "E-207", carton.enroll(&hub, &right)).await;
    assert_eq!((reply.status, reply.code().as_str()), (429, "E-207"));
    // Nor does it learn by the other way whether it was right.
    let caller = Caller { roots: None, ..hub.stranger(&carton.roots) };
    let ask = Nonce::draw(&mut entropy).unwrap().ask(&right);
    let headers = [("aisle-claim", ask.as_str())];
    let asked = caller.ask("GET", "/.well-known/est/cacerts", &headers, b"");
    assert_eq!(world.refused(&hub, "E-207", asked).await.unwrap().status, 429);
    let wait: u32 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=900).contains(&wait), "{wait}");
    // Nothing was used, and a hub that starts anew takes it.
    hub.end().await;
    let hub = world.hub().await;
    assert_eq!(carton.enroll(&hub, &right).await.status, 200);
    // Without a code, or with one that cannot be one.
    let caller = hub.stranger(&carton.roots);
    let path = "/.well-known/est/simpleenroll";
    let reply = world.refused(&hub, "E-208", caller.ask("POST", path, &[], b"")).await.unwrap();
    assert_eq!((reply.status, reply.code().as_str()), (401, "E-208"));
    assert!(reply.header("www-authenticate").unwrap().starts_with("Basic"));
    let basic = format!("Basic {}", BASE64.encode(b"claim:AAAAA-AAAAA-AAAAA-AAAAA-AAAAB"));
    let headers = [("authorization", basic.as_str())];
    let reply = world.refused(&hub, "E-101", caller.ask("POST", path, &headers, b"")).await.unwrap();
    assert_eq!((reply.status, reply.code().as_str()), (400, "E-101"));
    hub.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_asks_so_much_in_a_second_and_no_more() {
    let world = World::new("requests_per_second_max = 2");
    let hub = world.hub().await;
    let caller = hub.stranger(&world.unlocked().roots);
    let mut codes = Vec::new();
    for _ in 0..40 {
        let reply = caller.ask("GET", "/.well-known/est/csrattrs", &[], b"").await.unwrap();
        codes.push(reply.status);
    }
    assert!(codes.contains(&429) && codes.contains(&200), "{codes:?}");
    let refused = codes.iter().filter(|code| **code == 429).count();
    let counted = world.counted(&hub, "aisle_hub_enrolment_answers", "outcome=\"E-207\"").await;
    assert_eq!(counted, refused as u64);
    // However many there are, the log has a few.
    let written = world.written("certificate.ask", "E-207").await;
    assert!((1..=40).contains(&written) && written <= refused, "{written}");
    hub.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_tls_and_a_certificate_of_another_chain_get_no_further_than_the_handshake() {
    let world = World::new("approval = \"auto\"");
    let hub = world.hub().await;
    let carton = world.enrolled(&hub, "store-1", "4711").await;
    let old = Caller { versions: OLD, ..carton.caller(&hub) };
    let refused = old.ask("GET", "/v1/enrol/settings", &[], b"");
    let refused = world.turned_away(&hub, "old_tls", refused).await.unwrap_err();
    assert!(refused.to_string().contains("ProtocolVersion"), "{refused}");
    // Another chain's authority, with the same names.
    let other = World::new("");
    let key = Arc::new(PrivateKey::generate().unwrap());
    let forged = other.issue(&carton.identity("store-1"), &key, now());
    let thief = Caller { shows: Some((forged.chain, key)), ..carton.caller(&hub) };
    let refused = thief.ask("GET", "/v1/enrol/settings", &[], b"");
    assert!(world.turned_away(&hub, "certificate", refused).await.is_err());
    assert_eq!(carton.settings(&hub).await.status, 200);
    // At the port of the sync it is the same.
    let metric = "connections_refused";
    let at_sync = Caller { hub: hub.tls, ..old };
    let labels = "path=\"tls\",reason=\"old_tls\"";
    let refused = world.noted(&hub, (metric, labels), ("sync.connect", "old_tls"), at_sync.connect()).await;
    assert!(refused.unwrap_err().to_string().contains("ProtocolVersion"));
    let at_sync = Caller { hub: hub.tls, ..thief };
    // In TLS 1.3 this end takes itself for connected before the hub has looked at its certificate.
    let _ = at_sync.connect().await;
    eventually("the forged certificate is counted and written down", async || {
        let counted = world.counted(&hub, metric, "path=\"tls\",reason=\"issuer_unknown\"").await;
        counted == 1 && world.written("sync.connect", "issuer_unknown").await == 1
    })
    .await;
    hub.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_large_or_at_no_path_is_refused_by_name() {
    let world = World::new("");
    let hub = world.hub().await;
    let carton = world.carton("4711");
    let code = world.code("store-1", None).await;
    let huge = vec![0; 100_000];
    let reply = world.refused(&hub, "E-402", carton.enroll_with(&hub, &code, &huge, &[])).await;
    assert_eq!((reply.status, reply.code().as_str()), (413, "E-402"));
    let caller = hub.stranger(&carton.roots);
    let reply = caller.ask("GET", "/.well-known/est/../../etc/passwd", &[], b"").await.unwrap();
    assert_eq!(reply.status, 404);
    let reply = caller.ask("GET", "/.well-known/est/simpleenroll", &[], b"").await.unwrap();
    assert_eq!(reply.status, 405);
    let huge = "x".repeat(100_000);
    let reply = caller.ask("GET", "/.well-known/est/cacerts", &[("x-huge", &huge)], b"").await;
    assert!(reply.is_err() || reply.unwrap().status == 431);
    hub.end().await;
}

/// A port with little patience, over everything else as it is.
async fn impatient(world: &World, patience: Patience) -> (std::net::SocketAddr, watch::Sender<bool>) {
    let config: &Config = &world.config;
    let database = Database::open(&config.database, &config.bounds).await.unwrap();
    let policies = watch::Sender::new(Arc::new(Policies::new(config.region.clone(), [], None).unwrap()));
    let parts = Parts {
        people: people_of(database),
        board: RevocationBoard::default(),
        policies: policies.subscribe(),
        receipt_key: crate::shop::officer().verifying_key(),
        clock: Arc::new(now),
        telemetry: Telemetry::register(&mut Registry::default()),
    };
    let office = Office::open(config, config.enrolment.as_ref().unwrap(), parts).await.unwrap();
    let door = Door::open(office, patience).await.unwrap();
    let (down, is_down) = watch::channel(false);
    let address = door.address();
    tokio::spawn(door.run(is_down));
    (address, down)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_takes_for_ever_is_hung_up_on() {
    let world = World::new("");
    let roots = world.unlocked().roots;
    let short = Duration::from_millis(300);
    let patience = Patience { body: short, head: short, handshake: short, ..Patience::default() };
    let (address, _down) = impatient(&world, patience).await;
    let caller = Caller {
        hub: address,
        chain: world.chain(),
        roots: Some(roots),
        shows: None,
        versions: super::caller::MODERN,
    };
    // A body that never ends.
    let code = world.code("store-1", None).await;
    let mut stream = caller.connect().await.unwrap();
    let head = format!(
        "POST /.well-known/est/simpleenroll HTTP/1.1\r\nhost: hub\r\nauthorization: {}\r\ncontent-length: 1000\r\n\r\nMII",
        *est::basic(&code)
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let reply = read(&mut stream).await.unwrap();
    assert_eq!((reply.status, reply.code().as_str()), (408, "E-401"));
    assert_eq!(world.written("certificate.ask", "the body took too long").await, 1);
    // A head that never ends, and a handshake that never begins.
    let mut stream = caller.connect().await.unwrap();
    stream.write_all(b"GET /.well-known/est/cacerts HTTP/1.1\r\nhos").await.unwrap();
    let reply = read(&mut stream).await;
    assert!(reply.is_err() || reply.unwrap().status == 408);
    let mut silent = tokio::net::TcpStream::connect(address).await.unwrap();
    let mut buffer = [0; 16];
    let read = tokio::io::AsyncReadExt::read(&mut silent, &mut buffer).await;
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    // Others are served meanwhile.
    assert_eq!(caller.ask("GET", "/.well-known/est/cacerts", &[], b"").await.unwrap().status, 200);
}

/// A program, its output, and that it went well.
fn done(program: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program).args(arguments).output();
    let output =
        output.unwrap_or_else(|error| panic!("`{program}`: {error}\nhint: apt-get install {program}"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_of_strangers_enrols_openssl_makes_the_request_and_curl_sends_it() {
    let world = World::new("approval = \"auto\"");
    let hub = world.hub().await;
    let path = |name: &str| world.folder.path().join(name).display().to_string();
    let code = world.code("store-1", None).await;
    let (root, url) =
        (path("hub/roots.pem"), format!("https://127.0.0.1:{}/.well-known/est", hub.boxes.port()));
    let (certs, csr, body, user) =
        (path("certs.p7"), path("csr.der"), path("csr.b64"), format!("box:{}", *code.to_groups()));
    let (url_ca, url_enroll) = (format!("{url}/cacerts"), format!("{url}/simpleenroll"));
    let answer = tokio::task::spawn_blocking({
        let (key, certs) = (path("box.key"), certs.clone());
        move || {
            let got = done("curl", &["-sSf", "--tlsv1.3", "--cacert", &root, &url_ca]);
            std::fs::write(&certs, got).unwrap();
            done("openssl", &["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", &key]);
            let request = ["req", "-new", "-key", &key, "-subj", "/CN=4711", "-outform", "DER", "-out", &csr];
            done("openssl", &request);
            std::fs::write(&body, request_body(&std::fs::read(&csr).unwrap())).unwrap();
            let data = format!("@{body}");
            let typed = "content-type: application/pkcs10";
            done(
                "curl",
                &["-sSf", "--cacert", &root, "-u", &user, "-H", typed, "--data-binary", &data, &url_enroll],
            )
        }
    });
    let answer = answer.await.unwrap();
    // OpenSSL reads both answers, and believes what came.
    let p7 = |bytes: &[u8], name: &str| {
        let file = path(name);
        let packed: Vec<u8> = bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        std::fs::write(&file, BASE64.decode(&packed).unwrap()).unwrap();
        done("openssl", &["pkcs7", "-inform", "DER", "-in", &file, "-print_certs"])
    };
    let authorities = p7(&std::fs::read(&certs).unwrap(), "cacerts.der");
    assert_eq!(String::from_utf8(authorities).unwrap().matches("BEGIN CERTIFICATE").count(), 2);
    let issued = p7(&answer, "issued.der");
    std::fs::write(path("issued.pem"), &issued).unwrap();
    let (root, issued) = (path("hub/roots.pem"), path("issued.pem"));
    done("openssl", &["verify", "-CAfile", &root, "-untrusted", &issued, &issued]);
    let shown = done("openssl", &["x509", "-in", &issued, "-noout", "-ext", "subjectAltName"]);
    let shown = String::from_utf8(shown).unwrap();
    assert!(shown.contains("URI:spiffe://shops.example/store/store-1/node/4711"), "{shown}");
    hub.end().await;
}
