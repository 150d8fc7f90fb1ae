//! Who is banned or suspended has no connection a few looks later, at whichever hub; and who renews leaves nothing behind.

use super::world::{CHAIN, Carton, Hub, World, line_of, people_of, tester};
use crate::running::{Shelf, eventually};
use aisle_hub::{database::KeptClaim, enrol::decide::Verb};
use aisle_protocol::node;
use aisle_provisioning::{Serial, Store, SystemEntropy, claim::Claim, enrolment::Role};
use aisle_transport::client::{self, Client, NoBudgetStore, NoLoad, Parts};
use prometheus_client::registry::Registry;
use std::sync::{Arc, Mutex};

type Heard = Arc<Mutex<Vec<String>>>;

/// The sync's client of a node, with what it heard.
fn sync(carton: &Carton, hub: &Hub, store: &str, serial: &str) -> (Client, Heard) {
    let shelf = Shelf::new(store);
    let called = client::Hub {
        name: "127.0.0.1".into(),
        quic_port: Some(hub.quic.port()),
        tls_port: Some(hub.tls.port()),
    };
    let config = client::Config::new(vec![called], carton.credentials());
    let mut node = node::Config::new(store.parse().unwrap(), serial);
    node.backoff_base_ms = 20;
    node.backoff_max_ms = 100;
    let heard = Heard::default();
    let told = heard.clone();
    let parts = Parts {
        outbox: shelf,
        budgets: Box::new(NoBudgetStore),
        load: Arc::new(NoLoad),
        listener: Box::new(move |said| told.lock().unwrap().push(format!("{said:?}"))),
    };
    (Client::start(config, node, 7, parts, &mut Registry::default()).unwrap(), heard)
}

fn said(heard: &Heard, words: &str) -> bool {
    heard.lock().unwrap().iter().any(|line| line.contains(words))
}

fn is_connected(hub: &Hub, store: &str) -> bool {
    !hub.connections.of(&store.parse().unwrap()).is_empty()
}

async fn a_ban_reaches_every_hub(world: &World) {
    let (first, second) = (world.hub().await, world.second().await);
    let banned = world.enrolled(&first, "store-1", "4711").await;
    let suspended = world.enrolled(&first, "store-2", "4712").await;
    let good = world.enrolled(&first, "store-3", "4713").await;
    // Each is at the hub that nobody decides at.
    let (banned_client, heard) = sync(&banned, &second, "store-1", "4711");
    let (suspended_client, heard_2) = sync(&suspended, &second, "store-2", "4712");
    let (good_client, _) = sync(&good, &second, "store-3", "4713");
    eventually("all are connected", async || {
        ["store-1", "store-2", "store-3"].iter().all(|store| is_connected(&second, store))
    })
    .await;
    world.decide("store-1", "4711", Verb::Ban).await;
    world.decide("store-2", "4712", Verb::Suspend).await;
    eventually("who may not come in is cut", async || {
        !is_connected(&second, "store-1") && !is_connected(&second, "store-2")
    })
    .await;
    eventually("both are told why", async || said(&heard, "banned") && said(&heard_2, "suspended")).await;
    assert!(is_connected(&second, "store-3"));
    // The certificate is stolen, perhaps: at no hub, by no way, is it good for anything.
    for hub in [&first, &second] {
        let reply = world.refused(hub, "E-504", banned.settings(hub)).await;
        assert_eq!((reply.status, reply.code().as_str()), (403, "E-504"));
        assert!(reply.json()["detail"].as_str().unwrap().contains("because of a test"));
        let reply = world.refused(hub, "E-504", banned.renew(hub, "store-1")).await.err().unwrap();
        assert_eq!((reply.status, reply.code().as_str()), (403, "E-504"));
        let reply = world.refused(hub, "E-503", suspended.settings(hub)).await;
        assert_eq!((reply.status, reply.code().as_str()), (403, "E-503"));
        assert!(reply.header("retry-after").is_some());
    }
    let (thief, heard_3) = sync(&banned, &first, "store-1", "4711");
    eventually("the thief is turned away", async || said(&heard_3, "banned")).await;
    assert!(!is_connected(&first, "store-1"));
    // It is counted and written down, with who it says it is, and from where.
    let turned = async |path: &str| {
        let labels = format!("path=\"{path}\",reason=\"not_wanted\"");
        world.counted(&first, "connections_refused", &labels).await
    };
    assert!(turned("quic").await + turned("tls").await > 0);
    assert!(world.written("sync.connect", "banned").await > 0);
    // Who is resumed comes back by itself.
    world.decide("store-2", "4712", Verb::Resume).await;
    eventually("the store is back", async || is_connected(&second, "store-2")).await;
    // A claim that names it lets a banned box in again, with a new key; the stolen certificate stays bad.
    let code = world.code("store-1", Some("4711")).await;
    let mut new = world.carton("4711");
    if new.enroll(&first, &code).await.status == 202 {
        world.decide("store-1", "4711", Verb::Approve).await;
    }
    new.take(&new.clone().enroll(&first, &code).await);
    assert_eq!(new.settings(&first).await.status, 200);
    let reply = world.refused(&second, "E-505", banned.settings(&second)).await;
    assert_eq!((reply.status, reply.code().as_str()), (403, "E-505"));
    for client in [banned_client, suspended_client, good_client, thief] {
        client.stop().await;
    }
    first.end().await;
    second.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ban_ends_connections_at_every_hub_and_a_suspension_until_it_is_lifted() {
    a_ban_reaches_every_hub(&World::new("")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ban_ends_connections_at_every_hub_on_postgresql() {
    let server = crate::postgres::Server::start();
    a_ban_reaches_every_hub(&World::on(&server.database("bans"), "")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_with_the_old_certificate_ends_when_the_new_one_is_seen() {
    let world = World::new("approval = \"auto\"");
    let (first, second) = (world.hub().await, world.second().await);
    let old = world.enrolled(&first, "store-1", "4711").await;
    let (client, heard) = sync(&old, &second, "store-1", "4711");
    eventually("it is connected", async || is_connected(&second, "store-1")).await;
    let new = old.renew(&first, "store-1").await.unwrap();
    assert!(is_connected(&second, "store-1"));
    let (new_client, _) = sync(&new, &first, "store-1", "4711");
    eventually("the new one is connected", async || is_connected(&first, "store-1")).await;
    eventually("the old one is cut", async || !is_connected(&second, "store-1")).await;
    eventually("it is told why", async || said(&heard, "certificate")).await;
    for client in [client, new_client] {
        client.stop().await;
    }
    first.end().await;
    second.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_box_that_was_rejected_or_waits_has_no_connection_and_a_decision_is_about_one_key() {
    let world = World::new("");
    let hub = world.hub().await;
    let carton = world.carton("4711");
    let code = world.code("store-1", None).await;
    assert_eq!(carton.enroll(&hub, &code).await.code(), "E-501");
    // Somebody looked at another box.
    let (people, who) = (people_of(world.database().await), tester());
    let other = world.carton("4711").key.fingerprint();
    let decided = aisle_hub::enrol::decide::decide(
        &people,
        &who,
        ("store-1", "4711"),
        Verb::Approve,
        None,
        Some(&other),
        aisle_hub::enrol::now(),
    );
    let refused = decided.await.unwrap_err().to_string();
    assert!(refused.contains(&other.short()) && refused.contains("hint: "), "{refused}");
    world.decide("store-1", "4711", Verb::Reject).await;
    let reply = carton.enroll(&hub, &code).await;
    assert_eq!((reply.status, reply.code().as_str()), (403, "E-502"));
    // A certificate that the authority would have made is no way in either.
    let mut forged = carton.clone();
    let issued = world.issue(&carton.identity("store-1"), &carton.key, aisle_hub::enrol::now());
    forged.chain = Some(issued.chain);
    assert_eq!(forged.settings(&hub).await.code(), "E-502");
    let (client, heard) = sync(&forged, &hub, "store-1", "4711");
    eventually("it is turned away", async || said(&heard, "does not know")).await;
    assert!(!is_connected(&hub, "store-1"));
    assert_eq!(CHAIN, "shops.example");
    client.stop().await;
    hub.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_was_made_known_by_hand_is_banned_all_the_same_and_stays_it_over_a_start() {
    let mut world = World::new("");
    let mut carton = world.carton("4711");
    let issued = world.issue(&carton.identity("store-1"), &carton.key, aisle_hub::enrol::now());
    carton.chain = Some(issued.chain);
    let node = aisle_hub::database::RegisteredNode {
        store: "store-1".parse().unwrap(),
        node: "4711".into(),
        receipt_key: carton.receipt.verifying_key(),
        is_banned: false,
    };
    world.config.nodes = vec![node];
    let hub = world.hub().await;
    let (client, heard) = sync(&carton, &hub, "store-1", "4711");
    eventually("it is connected", async || is_connected(&hub, "store-1")).await;
    // It has no record, so it cannot renew here.
    assert_eq!(carton.settings(&hub).await.code(), "E-506");
    // By the same rules as one that enrolled: for a reason, and not about a key that nobody knows.
    let refused = async |verb: Verb, reason: Option<&str>, key: bool| {
        let (people, who) = (people_of(world.database().await), tester());
        let fingerprint = carton.key.fingerprint();
        let reason = reason.map(|reason| aisle_event::Name::new(reason).unwrap());
        let (node, key) = (("store-1", "4711"), key.then_some(&fingerprint));
        let decided =
            aisle_hub::enrol::decide::decide(&people, &who, node, verb, reason, key, aisle_hub::enrol::now());
        decided.await.unwrap_err().to_string()
    };
    assert!(refused(Verb::Ban, None, false).await.contains("needs a reason"));
    assert!(refused(Verb::Suspend, None, false).await.contains("needs a reason"));
    assert!(refused(Verb::Ban, Some("stolen"), true).await.contains("made known by hand"));
    assert!(refused(Verb::Resume, None, false).await.contains("cannot be resumed"));
    assert_eq!(world.decide("store-1", "4711", Verb::Ban).await.state, "banned");
    eventually("it is cut", async || !is_connected(&hub, "store-1")).await;
    eventually("it is told why", async || said(&heard, "banned")).await;
    hub.end().await;
    let hub = world.hub().await;
    let nodes = world.database().await.registered(&"store-1".parse().unwrap()).await.unwrap();
    assert!(nodes[0].is_banned);
    client.stop().await;
    // Nobody resumes one that is banned, and an operator's claim does not let it in again either.
    let refused = async |verb: Verb| {
        let (people, who) = (people_of(world.database().await), tester());
        let (node, at) = (("store-1", "4711"), aisle_hub::enrol::now());
        let decided = aisle_hub::enrol::decide::decide(&people, &who, node, verb, None, None, at).await;
        decided.unwrap_err().to_string()
    };
    assert!(refused(Verb::Resume).await.contains("that is banned cannot be resumed"));
    let database = world.database().await;
    let claim = async |role: Role| {
        let (store, serial) = (Store::new("store-1").unwrap(), Serial::new("4711").unwrap());
        let (at, mut entropy) = (aisle_hub::enrol::now(), SystemEntropy::default());
        let (claim, code) = Claim::draw(store, Some(serial), at, 3_600_000, &mut entropy).unwrap();
        let kept = KeptClaim { claim, made_by: "somebody".into(), made_role: role };
        database.keep_claim(&kept, &line_of("claim.create")).await.unwrap();
        code
    };
    let by_operator = claim(Role::Operator).await;
    let reply = world.refused(&hub, "E-507", world.carton("4711").enroll(&hub, &by_operator)).await;
    assert_eq!((reply.status, reply.code().as_str()), (409, "E-507"));
    assert!(database.registered(&"store-1".parse().unwrap()).await.unwrap()[0].is_banned);
    // An admin's does.
    let by_admin = claim(Role::Admin).await;
    let mut back = world.carton("4711");
    assert_eq!(back.enroll(&hub, &by_admin).await.status, 202);
    world.decide("store-1", "4711", Verb::Approve).await;
    back.take(&back.clone().enroll(&hub, &by_admin).await);
    assert_eq!(back.settings(&hub).await.status, 200);
    hub.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_suspended_node_made_known_by_hand_comes_back_when_it_is_resumed() {
    let mut world = World::new("");
    let mut carton = world.carton("4711");
    let issued = world.issue(&carton.identity("store-1"), &carton.key, aisle_hub::enrol::now());
    carton.chain = Some(issued.chain);
    let node = aisle_hub::database::RegisteredNode {
        store: "store-1".parse().unwrap(),
        node: "4711".into(),
        receipt_key: carton.receipt.verifying_key(),
        is_banned: false,
    };
    world.config.nodes = vec![node];
    let hub = world.hub().await;
    world.decide("store-1", "4711", Verb::Suspend).await;
    assert_eq!(world.decide("store-1", "4711", Verb::Resume).await.state, "active");
    let (client, _) = sync(&carton, &hub, "store-1", "4711");
    eventually("it is back", async || is_connected(&hub, "store-1")).await;
    client.stop().await;
    hub.end().await;
}
