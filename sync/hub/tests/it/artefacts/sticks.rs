//! Sticks: down with metadata, order and contents; up with batches, through the same checks as by the line.

use super::world::*;
use crate::{
    people::hall::Hall,
    shop::{Outbox, region, verifier},
};
use aisle_artefact::{
    Artefact, Digest, Standing,
    bundle::{Limits, down, up},
    client::UpdateError,
    content::ContentFolder,
};
use aisle_content::{
    Item, Manifest,
    order::{NodeOrder, Order, OrderError},
};
use aisle_event::{StoreId, Timestamp};
use aisle_hub::artefacts::courier::{CarriedUp, DownError, Intake, UpError};
use aisle_protocol::{Batch, Hash};
use aisle_residency::signing::{Signature, SigningKey};
use data_encoding::HEXLOWER;
use std::path::{Path, PathBuf};

fn store() -> StoreId {
    StoreId::new("store-1").unwrap()
}

fn hub_key() -> SigningKey {
    SigningKey::from_seed(&[77; 32]).unwrap()
}

/// What the store should have: these plugins, and something that nobody has signed where it is named.
async fn desire(hall: &Hall, plugins: &[&Artefact], unsigned: Option<&[u8]>) -> Manifest {
    let artefacts = &hall.one.api.artefacts;
    let mut items = Vec::new();
    for plugin in plugins {
        let content = artefacts.content(&Hash(plugin.blake3.0)).await.unwrap().unwrap();
        let name = format!("plugin/{}", plugin.id.name());
        items.push(Item { name, version: plugin.id.version().to_string(), content, deltas: Vec::new() });
    }
    if let Some(bytes) = unsigned {
        let publisher = aisle_hub::publish::Publisher {
            database: hall.one.api.database.clone(),
            contents: artefacts.contents().clone(),
        };
        let content = publisher.add(bytes.to_vec().into(), "unsigned").await.unwrap();
        items.push(Item {
            name: "plugin/unsigned".into(),
            version: "1.0.0".into(),
            content,
            deltas: Vec::new(),
        });
    }
    let generation = hall.one.api.database.next_generation(&store()).await.unwrap();
    Manifest::new(generation, items).unwrap()
}

fn order(manifest: &Manifest) -> Vec<u8> {
    let node = NodeOrder::new("node-1".into(), 3, b"state".to_vec());
    let order = Order::new(&store(), manifest.encode(), vec![node], "hub-1", 0);
    order.seal(|message| hub_key().sign(message).0).unwrap()
}

async fn set(hall: &Hall, manifest: &Manifest, document: &[u8]) {
    let database = &hall.one.api.database;
    assert!(database.set_desired(&store(), manifest.generation(), document).await.unwrap());
}

fn apply(node: &mut Node, stick: &Path, now: Timestamp) -> Result<down::Applied, down::ApplyError> {
    let mut sink = ContentFolder::open(&node.dir.path().join("contents")).unwrap();
    let file = std::fs::File::open(stick).unwrap();
    down::apply(file, &mut node.client, &mut sink, |_| true, &Limits::default(), now)
}

pub async fn a_stick_brings_a_node_what_the_line_would_have(hall: &Hall) {
    let artefacts = &hall.one.api.artefacts;
    let folder = tempfile::tempdir().unwrap();
    let stick = folder.path().join("stick");
    let nothing = artefacts.carry_down(&store(), "hub-1", &stick).await;
    assert!(matches!(nothing, Err(DownError::Nothing)), "{nothing:?}");
    begin(hall).await;
    let one = release(hall, "buy-two", "1.4.0").await.artefact;
    let other = release(hall, "coupons", "2.0.0").await.artefact;
    // Without an order it brings metadata.
    let carried = artefacts.carry_down(&store(), "hub-1", &stick).await.unwrap();
    assert_eq!((carried.has_order, carried.contents.len(), carried.timestamp), (false, 0, 3));
    let manifest = desire(hall, &[&one], None).await;
    set(hall, &manifest, &order(&manifest)).await;
    let carried = artefacts.carry_down(&store(), "hub-1", &stick).await.unwrap();
    assert_eq!((carried.has_order, carried.contents), (true, vec![one.id.clone()]));
    assert_eq!(carried.good_until_ms, hall.now() + 7 * DAY_MS);
    let mut node = Node::new(artefacts).await;
    let applied = apply(&mut node, &stick, now(hall)).unwrap();
    assert_eq!(applied.taken, std::slice::from_ref(&one.id));
    assert_eq!(node.client.verify(&one, now(hall)), Standing::Good);
    assert_eq!(node.names().len(), 2, "all metadata is there, also of `{}`", other.id);
    let opened = Order::open(&applied.order.unwrap(), &store(), |message, signature| {
        hub_key().verifying_key().verifies(message, &Signature(*signature))
    })
    .unwrap();
    assert_eq!((opened.node("node-1").unwrap().version, opened.manifest), (3, manifest.encode()));
    // By its own clock the node knows how long a stick is good.
    let mut late = Node::new(artefacts).await;
    let week = Timestamp(hall.now() + 8 * DAY_MS);
    let refused = apply(&mut late, &stick, week);
    assert!(matches!(&refused, Err(down::ApplyError::Update(UpdateError::Expired { .. }))), "{refused:?}");
    assert!(late.names().is_empty());
    // What runs goes on running then.
    assert!(matches!(node.client.verify(&one, week), Standing::Expired { .. }));
    assert!(!folder.path().join("stick.part").exists());
}

pub async fn an_order_on_a_stick_is_believed_by_its_signature_alone(hall: &Hall) {
    let artefacts = &hall.one.api.artefacts;
    begin(hall).await;
    let plugin = release(hall, "buy-two", "1.4.0").await.artefact;
    let manifest = desire(hall, &[&plugin], None).await;
    let document = order(&manifest);
    set(hall, &manifest, &document).await;
    let folder = tempfile::tempdir().unwrap();
    let stick = folder.path().join("stick");
    artefacts.carry_down(&store(), "hub-1", &stick).await.unwrap();
    // Somebody on the way writes the stick again with another order; the metadata is nobody's to change.
    let files = artefacts.in_force().await.unwrap().unwrap().files().unwrap();
    let bytes = artefacts.contents().read(&Hash(plugin.blake3.0), 0..plugin.bytes).await.unwrap();
    let mut forged = document.clone();
    *forged.last_mut().unwrap() ^= 1;
    let other_key = SigningKey::from_seed(&[78; 32]).unwrap();
    let foreign = Order::new(&store(), manifest.encode(), Vec::new(), "hub-1", 0);
    let foreign = foreign.seal(|message| other_key.sign(message).0).unwrap();
    let another = StoreId::new("store-2").unwrap();
    let verifies = |message: &[u8], signature: &[u8; 64]| {
        hub_key().verifying_key().verifies(message, &Signature(*signature))
    };
    for order in [&forged, &foreign] {
        let contents = [(plugin.clone(), bytes.as_ref())];
        let written = down::export(Vec::new(), "hub-1", &files, Some(order), contents).unwrap();
        std::fs::write(&stick, written).unwrap();
        let mut node = Node::new(artefacts).await;
        let applied = apply(&mut node, &stick, now(hall)).unwrap();
        let refused = Order::open(&applied.order.unwrap(), &store(), verifies);
        assert_eq!(refused.unwrap_err(), OrderError::Forged);
        // The contents are what was signed all the same.
        assert_eq!(applied.taken.len(), 1);
    }
    assert!(matches!(Order::open(&document, &another, verifies), Err(OrderError::Store { .. })));
    // A hub's database that holds half an order says so, and nothing is written.
    let next = desire(hall, &[&plugin], None).await;
    let half = order(&next);
    set(hall, &next, &half[..half.len() / 2]).await;
    let _ = std::fs::remove_file(&stick);
    let refused = artefacts.carry_down(&store(), "hub-1", &stick).await;
    assert!(matches!(refused, Err(DownError::Order { .. })), "{refused:?}");
    assert!(!stick.exists());
}

pub async fn what_nobody_has_signed_is_not_on_a_stick(hall: &Hall) {
    let artefacts = &hall.one.api.artefacts;
    begin(hall).await;
    let plugin = release(hall, "buy-two", "1.4.0").await.artefact;
    let manifest = desire(hall, &[&plugin], Some(b"unsigned")).await;
    set(hall, &manifest, &manifest.encode()).await;
    let folder = tempfile::tempdir().unwrap();
    let stick = folder.path().join("stick");
    let carried = artefacts.carry_down(&store(), "hub-1", &stick).await.unwrap();
    assert_eq!((carried.has_order, carried.contents.len()), (false, 1), "a plain manifest is no order");
    assert_eq!(carried.left_out, ["plugin/unsigned"]);
    let mut node = Node::new(artefacts).await;
    assert_eq!(apply(&mut node, &stick, now(hall)).unwrap().taken.len(), 1);
    // The other hub has not the bytes: no stick that a node would find wanting.
    let two = hall.two.api.artefacts.carry_down(&store(), "hub-2", &stick.with_extension("two")).await;
    assert!(two.is_err() && !stick.with_extension("two").exists(), "{two:?}");
}

fn intake(hall: &Hall) -> Intake {
    Intake { database: hall.one.api.database.clone(), region: region("eu"), verifier: verifier() }
}

/// The entries of an outbox as its node names them.
fn entries(batches: &[&Batch]) -> Vec<(String, Vec<u8>)> {
    let entry = |batch: &&Batch| {
        let header = batch.header();
        let epoch = HEXLOWER.encode(&header.epoch.0);
        let name = format!("{}/{epoch}/{}-{}", header.class, header.first_seq, header.end().seq);
        (name, batch.bytes().to_vec())
    };
    batches.iter().map(entry).collect()
}

fn write(folder: &Path, from: &str, entries: Vec<(String, Vec<u8>)>) -> PathBuf {
    let (bytes, _) = up::export(Vec::new(), from, up::START, entries, &Limits::default()).unwrap();
    let path = folder.join(format!("{}.stick", Digest::blake3(&bytes)));
    std::fs::write(&path, bytes).unwrap();
    path
}

fn took(store: &StoreId, taken: u64, had: u64, events: u64) -> CarriedUp {
    CarriedUp { store: store.clone(), taken, had, events }
}

pub async fn batches_on_a_stick_are_taken_once_and_the_line_goes_on_behind_them(hall: &Hall) {
    let (intake, folder) = (intake(hall), tempfile::tempdir().unwrap());
    let database = &hall.one.api.database;
    let mut shop = Outbox::new("store-1", 1);
    let store = shop.log.store.clone();
    database.register(&shop.node()).await.unwrap();
    let batches: Vec<Batch> = (0..4).map(|n| shop.sales(n * 10, n * 10 + 10)).collect();
    let all: Vec<&Batch> = batches.iter().collect();
    let first = write(folder.path(), "store-1/node-1", entries(&all[..2]));
    assert_eq!(intake.carry_up(&first, None).await.unwrap(), took(&store, 2, 0, 20));
    assert_eq!(intake.carry_up(&first, None).await.unwrap(), took(&store, 0, 2, 0), "again, nothing is new");
    // One that was written later has what the hub has, and more.
    let second = write(folder.path(), "store-1/node-1", entries(&all[1..3]));
    assert_eq!(intake.carry_up(&second, None).await.unwrap(), took(&store, 1, 1, 10));
    // The line goes on where the stick ended.
    let decision = shop.admit(database, &[all[3]]).await.unwrap();
    assert_eq!((decision.through, decision.stop), (shop.at(), None));
    let third = write(folder.path(), "anything", entries(&all));
    let unknown = intake.carry_up(&third, None).await.unwrap_err();
    assert!(matches!(&unknown, UpError::NoNode { .. } | UpError::From { .. }), "{unknown:?}");
    assert_eq!(intake.carry_up(&third, Some(store.clone())).await.unwrap(), took(&store, 0, 4, 0));
    // People see it as what came by the line.
    let page = hall.one.machine().get("/v1/stores/store-1/events?limit=1000").await.json;
    assert_eq!(page["items"].as_array().unwrap().len(), 40);
    // A stick that is cut off gives what is whole, and goes on from there when it comes again.
    let more: Vec<Batch> = (4..8).map(|n| shop.sales(n * 10, n * 10 + 10)).collect();
    let whole = write(folder.path(), "store-1/node-1", entries(&more.iter().collect::<Vec<_>>()));
    let bytes = std::fs::read(&whole).unwrap();
    let cut = folder.path().join("cut");
    std::fs::write(&cut, &bytes[..bytes.len() - 9]).unwrap();
    let refused = intake.carry_up(&cut, None).await.unwrap_err();
    assert!(refused.to_string().contains("cut off"), "{refused}");
    assert_eq!(intake.carry_up(&whole, None).await.unwrap().events, 40);
}

pub async fn a_stick_of_a_store_that_may_not_come_or_with_other_batches_is_refused(hall: &Hall) {
    let (intake, folder) = (intake(hall), tempfile::tempdir().unwrap());
    let database = &hall.one.api.database;
    let mut shop = Outbox::new("store-1", 1);
    let batches: Vec<Batch> = (0..3).map(|n| shop.sales(n * 10, n * 10 + 10)).collect();
    let all: Vec<&Batch> = batches.iter().collect();
    let stick = write(folder.path(), "store-1/node-1", entries(&all));
    let refused = |carried: Result<CarriedUp, UpError>| {
        let error = carried.unwrap_err();
        let mut text = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(error) = source {
            text = format!("{text}: {error}");
            source = error.source();
        }
        text
    };
    assert!(refused(intake.carry_up(&stick, None).await).contains("no node of `store-1` may come"));
    let mut banned = shop.node();
    banned.is_banned = true;
    database.register(&banned).await.unwrap();
    assert!(refused(intake.carry_up(&stick, None).await).contains("no node of `store-1` may come"));
    // Another node of the store may come, and these receipts are not its own.
    let mut other = shop.node();
    other.node = "node-2".into();
    other.receipt_key = SigningKey::from_seed(&[10; 32]).unwrap().verifying_key();
    database.register(&other).await.unwrap();
    let told = refused(intake.carry_up(&stick, None).await);
    assert!(told.contains("is refused"), "{told}");
    database.register(&shop.node()).await.unwrap();
    // In the name of another store.
    let mut stranger = Outbox::new("store-2", 1).node();
    stranger.receipt_key = SigningKey::from_seed(&[11; 32]).unwrap().verifying_key();
    database.register(&stranger).await.unwrap();
    let told = refused(intake.carry_up(&stick, Some(StoreId::new("store-2").unwrap())).await);
    assert!(told.contains("is refused") || told.contains("bring the stick before"), "{told}");
    // A batch is missing before it; one has another name; one is none.
    let gap = write(folder.path(), "store-1/node-1", entries(&all[1..]));
    assert!(refused(intake.carry_up(&gap, None).await).contains("bring the stick before it first"));
    let mut named = entries(&all[..1]);
    named[0].0 = named[0].0.replace("1-10", "1-11");
    let told = refused(intake.carry_up(&write(folder.path(), "store-1", named), None).await);
    assert!(told.contains("holds another batch than it says"), "{told}");
    let mut named = entries(&all[..1]);
    named[0].0 = "../../etc/passwd".into();
    let told = refused(intake.carry_up(&write(folder.path(), "store-1", named), None).await);
    assert!(told.contains("is no name of a batch"), "{told}");
    let mut bits = entries(&all[..1]);
    let last = bits[0].1.len() - 20;
    bits[0].1[last] ^= 1;
    let told = refused(intake.carry_up(&write(folder.path(), "store-1", bits), None).await);
    assert!(told.contains("checksum"), "{told}");
    // One that goes down.
    begin(hall).await;
    let down = folder.path().join("down");
    hall.one.api.artefacts.carry_down(&store(), "hub-1", &down).await.unwrap();
    assert!(refused(intake.carry_up(&down, None).await).contains("goes Down"));
    // After all of it the store's own stick is good.
    assert_eq!(intake.carry_up(&stick, None).await.unwrap().events, 30);
}
