//! What a good box meets: first contact, a claim, approval, renewal, a long absence.

use super::world::{World, line_at};
use aisle_event::Timestamp;
use aisle_hub::{
    artefacts::online::OnlineKeys,
    database::Asked,
    enrol::{decide::Verb, now},
};
use aisle_provisioning::{
    Chain, Facts, Serial, Store, claim::ClaimInput, device::RevocationList, issue::Issued, moment::DAY_MS,
    request, time::TimeStatement,
};
use data_encoding::{BASE64, HEXLOWER};

async fn a_box_enrols(world: &World) {
    let hub = world.hub().await;
    let mut carton = world.carton("A1b2.c_d");
    let slip = world.slip("store-1", None).await;
    assert_eq!(slip.link.root, world.root);
    // By the short code alone it finds out that this is its hub.
    let short = ClaimInput::Code(slip.link.code.clone());
    let roots = carton.introduced(&hub, &short).await.expect("the hub knows the claim");
    assert!(roots.have(&world.root));
    assert!(carton.introduced(&hub, &ClaimInput::Link(slip.link.clone())).await.is_some());
    carton.roots = roots;
    // It waits until somebody at headquarters has looked.
    for _ in 0..2 {
        let reply = carton.enroll(&hub, &slip.link.code).await;
        assert_eq!((reply.status, reply.code().as_str()), (202, "E-501"));
        assert_eq!(reply.header("retry-after"), Some("30"));
    }
    let database = world.database().await;
    let waiting = database.enrolments("", "pending", ("", ""), 10).await.unwrap();
    assert_eq!((waiting.len(), waiting[0].node.as_str()), (1, "A1b2.c_d"));
    assert_eq!(waiting[0].key, carton.key.fingerprint().to_string());
    assert!(waiting[0].address.starts_with("127.0.0.1"));
    assert!(database.registered(&"store-1".parse().unwrap()).await.unwrap().is_empty());
    let decided = world.decide("store-1", "A1b2.c_d", Verb::Approve).await;
    assert_eq!(decided.key_short, carton.key.fingerprint().short());
    let reply = carton.enroll(&hub, &slip.link.code).await;
    carton.take(&reply);
    let chain = carton.chain.clone().unwrap();
    let facts = Facts::read(&chain[0]).unwrap();
    assert_eq!(facts.identity, Some(carton.identity("store-1")));
    // The key of its receipts is known with it.
    let known = database.registered(&"store-1".parse().unwrap()).await.unwrap();
    assert_eq!((known[0].node.as_str(), known[0].receipt_key), ("A1b2.c_d", carton.receipt.verifying_key()));
    assert!(!known[0].is_banned);
    // All of it is written down, with what it was before.
    let rows = database.audit_after(0, 100).await.unwrap();
    let told = |action: &str| {
        rows.iter().find(|row| row.action == action).unwrap_or_else(|| panic!("{action}: {rows:?}"))
    };
    assert_eq!(told("claim.create").object, slip.link.code.locator().to_string());
    let approved = told("node.approve");
    assert_eq!((approved.object.as_str(), approved.actor_name.as_str()), ("store-1/A1b2.c_d", "tester"));
    assert!(approved.was.contains("pending") && approved.became.contains(&carton.key.fingerprint().short()));
    let issued = told("certificate.issue");
    assert_eq!((issued.way.as_str(), issued.address.as_str()), ("claim", "127.0.0.1"));
    assert!(issued.became.contains(&facts.number.to_string()), "{}", issued.became);
    let used = told("claim.use");
    assert_eq!((used.object.as_str(), used.way.as_str()), (slip.link.code.locator().as_str(), "claim"));
    assert!(
        used.became.contains(&carton.receipt_key()) && used.became.contains("A1b2.c_d"),
        "{}",
        used.became
    );
    // An answer that was lost is given again.
    let again = carton.enroll(&hub, &slip.link.code).await;
    carton.take(&again);
    assert_eq!(carton.chain.as_ref().unwrap()[0], chain[0]);
    // What it needs to know of its store.
    let reply = carton.settings(&hub).await;
    assert_eq!(reply.status, 200, "{}", reply.code());
    let settings = reply.json();
    assert_eq!((&settings["store"], &settings["serial"]), (&"store-1".into(), &"A1b2.c_d".into()));
    assert_eq!((&settings["region"], &settings["hubs"][0]["name"]), (&"eu".into(), &"127.0.0.1".into()));
    let tag = reply.header("etag").unwrap().to_owned();
    let path = "/v1/enrol/settings";
    let reply = carton.caller(&hub).ask("GET", path, &[("if-none-match", &tag)], b"").await.unwrap();
    assert_eq!(reply.status, 304);
    // When artefacts are signed for the first time, it is told what to believe of them, and then the same for ever.
    assert_eq!(settings.get("artefact_root"), None);
    let artefacts = crate::shop::artefacts(&database, world.folder.path());
    let online = OnlineKeys::read(&world.config.files.online_keys).expect("a new hub has its keys");
    std::fs::copy(&world.config.files.online_keys, artefacts.online_keys()).unwrap();
    let drafts = crate::artefacts::world::drafts(&online, now());
    artefacts.publish(drafts, None, now()).await.unwrap();
    let reply = carton.caller(&hub).ask("GET", path, &[("if-none-match", &tag)], b"").await.unwrap();
    assert_eq!(reply.status, 200);
    let root = artefacts.first_root().await.unwrap().unwrap();
    assert_eq!(reply.json()["artefact_root"].as_str().unwrap().as_bytes(), root);
    hub.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_box_enrols_waits_for_approval_and_is_told_about_its_store() {
    a_box_enrols(&World::new("")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_box_enrols_at_a_hub_on_postgresql() {
    let server = crate::postgres::Server::start();
    a_box_enrols(&World::on(&server.database("enrolling"), "")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_a_claim_is_enough_a_box_is_in_at_once() {
    let world = World::new("approval = \"auto\"");
    let hub = world.hub().await;
    let mut carton = world.carton("4711");
    let code = world.code("store-1", Some("4711")).await;
    let reply = carton.enroll(&hub, &code).await;
    carton.take(&reply);
    assert_eq!(carton.settings(&hub).await.status, 200);
    hub.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewed_certificate_ends_the_old_one_when_it_is_first_shown_and_not_before() {
    let world = World::new("approval = \"auto\"");
    let hub = world.hub().await;
    let old = world.enrolled(&hub, "store-1", "4711").await;
    let new = old.renew(&hub, "store-1").await.unwrap();
    assert_ne!(new.chain.as_ref().unwrap()[0], old.chain.as_ref().unwrap()[0]);
    // The answer may have been lost: the old one is as good as before.
    assert_eq!(old.settings(&hub).await.status, 200);
    let der = request::make(&new.key, "4711", Some(&new.identity("store-1"))).unwrap();
    let mut again = new.clone();
    again.take(&old.reenroll(&hub, &der).await);
    assert_eq!(again.chain.as_ref().unwrap()[0], new.chain.as_ref().unwrap()[0]);
    // Now the new one is seen.
    assert_eq!(new.settings(&hub).await.status, 200);
    let reply = old.settings(&hub).await;
    assert_eq!((reply.status, reply.code().as_str()), (403, "E-505"));
    let reply = old.renew(&hub, "store-1").await.err().unwrap();
    assert_eq!((reply.status, reply.code().as_str()), (403, "E-505"));
    assert!(new.renew(&hub, "store-1").await.is_ok());
    // That the old one ended is written down, with both.
    let rows = world.database().await.audit_after(0, 100).await.unwrap();
    let proved: Vec<_> = rows.iter().filter(|row| row.action == "certificate.prove").collect();
    let number =
        |of: &super::world::Carton| Facts::read(&of.chain.as_ref().unwrap()[0]).unwrap().number.to_string();
    assert_eq!(proved.len(), 1, "{rows:?}");
    assert!(proved[0].was.contains(&number(&old)) && proved[0].became.contains(&number(&new)));
    hub.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_was_away_until_its_certificate_had_run_out_comes_back_with_it_unless_it_is_banned() {
    let world = World::new("");
    let hub = world.hub().await;
    let database = world.database().await;
    let long_ago = Timestamp(now().0 - 400 * DAY_MS);
    let mut carton = world.carton("4711");
    // As it was set up then; the issuing authority of today has to have been there.
    let slip = world.slip("store-1", None).await;
    let (chain, serial) = (Chain::new(super::world::CHAIN).unwrap(), Serial::new("4711").unwrap());
    let receipt_key = carton.receipt.verifying_key();
    let asked = Asked {
        chain: &chain,
        code: &slip.link.code,
        serial: &serial,
        store: None,
        identity: None,
        key: carton.key.fingerprint(),
        receipt_key: Some(&receipt_key),
        address: "10.0.0.1",
        is_automatic: true,
    };
    database.enrol(&asked, &line_at("claim.use", long_ago)).await.unwrap();
    let identity = carton.identity("store-1");
    let issued = expired(&world, &carton, "store-1");
    database.keep_issued(&identity, &issued, None, &line_at("certificate.issue", long_ago)).await.unwrap();
    carton.chain = Some(issued.chain.clone());
    // It is good for nothing but a new one.
    let reply = carton.settings(&hub).await;
    assert_eq!((reply.status, reply.code().as_str()), (403, "E-508"));
    let back = carton.renew(&hub, "store-1").await.unwrap_or_else(|reply| panic!("{}", reply.code()));
    assert_eq!(back.settings(&hub).await.status, 200);
    world.decide("store-1", "4711", Verb::Ban).await;
    for banned in [&carton, &back] {
        let reply = banned.renew(&hub, "store-1").await.err().unwrap();
        assert_eq!((reply.status, reply.code().as_str()), (403, "E-504"));
    }
    hub.end().await;
}

/// A certificate that has run out, from an authority that is younger than it: the end is set, the rest is real.
fn expired(world: &World, carton: &super::world::Carton, store: &str) -> Issued {
    use aisle_provisioning::{
        Lifetimes, SystemEntropy,
        issue::Subject,
        request::{KeyRules, Request},
    };
    let identity = carton.identity(store);
    let der = request::make(&carton.key, "4711", Some(&identity)).unwrap();
    let request = Request::read(&der, KeyRules::OWN).unwrap();
    let subject = Subject { identity: &identity, key: &request.key, names: &[] };
    // It holds for no day at all: it ends when it is issued, an hour ago.
    let lifetimes = Lifetimes { node_days: 0, ..Lifetimes::default() };
    let at = Timestamp(now().0 - 3_600_000);
    world.unlocked().issuing.issue(subject, &lifetimes, at, &mut SystemEntropy::default()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_box_that_was_there_before_needs_a_claim_that_names_it() {
    let world = World::new("approval = \"auto\"");
    let hub = world.hub().await;
    let old = world.enrolled(&hub, "store-1", "4711").await;
    // Its disk was lost: it has another key.
    let mut new = world.carton("4711");
    let code = world.code("store-1", None).await;
    let reply = new.enroll(&hub, &code).await;
    assert_eq!((reply.status, reply.code().as_str()), (403, "E-206"));
    assert_eq!(old.settings(&hub).await.status, 200);
    let code = world.code("store-1", Some("4711")).await;
    let reply = new.enroll(&hub, &code).await;
    new.take(&reply);
    assert_eq!(new.settings(&hub).await.status, 200);
    let reply = old.settings(&hub).await;
    assert_eq!((reply.status, reply.code().as_str()), (403, "E-505"));
    let rows = world.database().await.audit_after(0, 100).await.unwrap();
    let anew = rows.iter().rfind(|row| row.action == "claim.use").unwrap();
    assert!(anew.was.contains("active") && anew.was.contains(&old.key.fingerprint().short()), "{}", anew.was);
    assert!(anew.became.contains(&new.key.fingerprint().short()), "{}", anew.became);
    hub.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_time_and_the_list_of_who_may_not_come_in_are_signed_by_the_hub() {
    let world = World::new("approval = \"auto\"");
    let hub = world.hub().await;
    let roots = world.unlocked().roots;
    let stranger = hub.stranger(&roots);
    let nonce = [7; 32];
    let path = format!("/v1/enrol/time?nonce={}", HEXLOWER.encode(&nonce));
    let said = stranger.ask("GET", &path, &[], b"").await.unwrap().json();
    let signed = BASE64.decode(said["statement"].as_str().unwrap().as_bytes()).unwrap();
    let statement = TimeStatement::open(&signed, &roots, &world.chain(), Some(&nonce)).unwrap();
    assert!(statement.at.0 > 1_790_000_000_000 || statement.at.0 <= now().0);
    assert!(TimeStatement::open(&signed, &roots, &world.chain(), Some(&[8; 32])).is_err());
    assert_eq!(stranger.ask("GET", "/v1/enrol/time?nonce=77", &[], b"").await.unwrap().code(), "E-401");

    world.enrolled(&hub, "store-1", "4711").await;
    world.decide("store-1", "4711", Verb::Ban).await;
    let said = stranger.ask("GET", "/v1/enrol/revoked?store=store-1", &[], b"").await.unwrap().json();
    let signed = BASE64.decode(said["list"].as_str().unwrap().as_bytes()).unwrap();
    let list = RevocationList::open(&signed, &roots, &world.chain(), &RevocationList::default()).unwrap();
    let banned = world.carton("4711").identity("store-1");
    assert!(list.bans(&banned));
    let said = stranger.ask("GET", "/v1/enrol/revoked?store=store-2", &[], b"").await.unwrap().json();
    let signed = BASE64.decode(said["list"].as_str().unwrap().as_bytes()).unwrap();
    let other = RevocationList::open(&signed, &roots, &world.chain(), &RevocationList::default()).unwrap();
    assert!(!other.bans(&banned));
    // Nobody gets the list of all stores; a node need not say which is its own.
    let all = stranger.ask("GET", "/v1/enrol/revoked", &[], b"");
    assert_eq!(world.refused(&hub, "E-401", all).await.unwrap().status, 400);
    let good = world.enrolled(&hub, "store-2", "4712").await;
    let said = good.caller(&hub).ask("GET", "/v1/enrol/revoked", &[], b"").await.unwrap().json();
    let signed = BASE64.decode(said["list"].as_str().unwrap().as_bytes()).unwrap();
    let own = RevocationList::open(&signed, &roots, &world.chain(), &RevocationList::default()).unwrap();
    assert!(!own.bans(&banned));
    hub.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_gets_certificates_for_the_devices_of_its_store_and_bans_them() {
    let world = World::new("approval = \"auto\"");
    let hub = world.hub().await;
    let carton = world.enrolled(&hub, "store-1", "4711").await;
    let mut fridge = world.carton("fridge-7");
    let der = request::make(&fridge.key, "fridge-7", None).unwrap();
    let (path, body) = ("/v1/enrol/devices/fridge-7", super::world::request_body(&der));
    // Nobody but a node may ask.
    let reply = hub.stranger(&carton.roots).ask("POST", path, &[], &body).await.unwrap();
    assert_eq!((reply.status, reply.code().as_str()), (401, "E-208"));
    let foreign = carton.caller(&hub);
    let foreign = foreign.ask("POST", "/v1/enrol/devices/scale-1", &[], &body);
    let reply = world.refused(&hub, "E-405", foreign).await.unwrap();
    assert_eq!((reply.status, reply.code().as_str()), (403, "E-405"));
    let reply = carton.caller(&hub).ask("POST", path, &[], &body).await.unwrap();
    fridge.take(&reply);
    let facts = Facts::read(&fridge.chain.as_ref().unwrap()[0]).unwrap();
    assert_eq!(facts.identity.unwrap().to_string(), "spiffe://shops.example/store/store-1/device/fridge-7");
    let reply = carton.caller(&hub).ask("DELETE", path, &[], b"").await.unwrap();
    assert_eq!(reply.status, 204);
    let device = aisle_provisioning::Device::new("fridge-7").unwrap();
    let store = Store::new("store-1").unwrap();
    let identity = aisle_provisioning::Identity::device(world.chain(), store, device);
    assert!(world.database().await.revocations().await.unwrap().bans(&identity));
    // With a device's certificate nobody comes in here.
    assert!(fridge.caller(&hub).ask("GET", "/v1/enrol/settings", &[], b"").await.is_err());
    hub.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_was_restored_from_a_backup_takes_on_what_was_issued_since_and_nothing_older() {
    let world = World::new("approval = \"auto\"");
    let hub = world.hub().await;
    let known = world.enrolled(&hub, "store-1", "4711").await;
    let identity = known.identity("store-1");
    // Issued after the backup, as far as this hub can tell; and one from before what it knows.
    let mut newer = world.carton("4711");
    newer.chain = Some(world.issue(&identity, &newer.key, Timestamp(now().0 + 3_600_000)).chain);
    let mut older = world.carton("4711");
    older.chain = Some(world.issue(&identity, &older.key, Timestamp(now().0 - 3_600_000)).chain);
    assert_eq!(older.settings(&hub).await.code(), "E-505");
    assert_eq!(newer.settings(&hub).await.status, 200);
    assert_eq!(newer.settings(&hub).await.status, 200);
    assert_eq!(known.settings(&hub).await.code(), "E-505");
    assert!(newer.renew(&hub, "store-1").await.is_ok());
    let rows = world.database().await.audit_after(0, 100).await.unwrap();
    let adopted: Vec<_> = rows.iter().filter(|row| row.action == "certificate.adopt").collect();
    let number =
        |of: &super::world::Carton| Facts::read(&of.chain.as_ref().unwrap()[0]).unwrap().number.to_string();
    assert_eq!(adopted.len(), 1, "{rows:?}");
    assert!(adopted[0].was.contains(&number(&known)) && adopted[0].became.contains(&number(&newer)));
    hub.end().await;
}
