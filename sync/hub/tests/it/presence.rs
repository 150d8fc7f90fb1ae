//! Hubs that die hard: nobody is taken for connected to them for ever. Two hubs on one database, over both databases.

use crate::{
    people::hall::Hall,
    shop::{Outbox, hello},
};
use aisle_hub::{
    database::Contact,
    presence::{GONE_MS, Presence},
};

courses! {
    deaths::nobody_is_connected_to_a_hub_that_died
    deaths::a_hub_that_was_only_held_up_says_who_is_connected_to_it
}

mod deaths {
    pub use super::{
        a_hub_that_was_only_held_up_says_who_is_connected_to_it, nobody_is_connected_to_a_hub_that_died,
    };
}

async fn come(hall: &Hall, store: &str, hub: &str) {
    let shop = Outbox::new(store, 1);
    let database = &hall.one.api.database;
    database.register(&shop.node()).await.unwrap();
    let contact =
        Contact { node: "node-1", hello: &hello(&shop, "eu"), path: "quic", address: "10.0.0.1:4", hub };
    database.contact(&shop.log.store, &contact).await.unwrap();
}

async fn connected(hall: &Hall) -> i64 {
    hall.one.api.database.totals().await.unwrap().connected
}

fn hubs(hall: &Hall) -> (Presence, Presence) {
    let (one, two) = (hall.one.api.database.clone(), hall.two.api.database.clone());
    (Presence::new(one, "hub-1".into()), Presence::new(two, "hub-2".into()))
}

pub async fn nobody_is_connected_to_a_hub_that_died(hall: &Hall) {
    let (mut one, mut two) = hubs(hall);
    come(hall, "store-1", "hub-1").await;
    come(hall, "store-2", "hub-2").await;
    // One that died before it had said anything, of an earlier build perhaps.
    come(hall, "store-3", "hub-3").await;
    two.look(0, Vec::new).await.unwrap();
    assert_eq!(one.look(0, Vec::new).await.unwrap(), 0);
    two.look(30_000, Vec::new).await.unwrap();
    assert_eq!(one.look(30_000, Vec::new).await.unwrap(), 0);
    // The second hub dies here, without a word.
    assert_eq!(one.look(GONE_MS, Vec::new).await.unwrap(), 1, "the third was never heard of");
    assert_eq!(connected(hall).await, 2);
    assert_eq!(
        one.look(30_000 + GONE_MS - 1, Vec::new).await.unwrap(),
        0,
        "it has said something half a minute later"
    );
    assert_eq!(one.look(30_000 + GONE_MS, Vec::new).await.unwrap(), 1);
    assert_eq!(connected(hall).await, 1, "who is connected here is connected");
    assert_eq!(one.look(10 * GONE_MS, Vec::new).await.unwrap(), 0);
}

pub async fn a_hub_that_was_only_held_up_says_who_is_connected_to_it(hall: &Hall) {
    let (mut one, mut two) = hubs(hall);
    for store in ["store-1", "store-2"] {
        come(hall, store, "hub-2").await;
    }
    two.look(0, Vec::new).await.unwrap();
    one.look(0, Vec::new).await.unwrap();
    assert_eq!(one.look(GONE_MS, Vec::new).await.unwrap(), 2);
    assert_eq!(connected(hall).await, 0);
    // One of its nodes has gone to the first hub meanwhile and parted there; the other one was never away.
    come(hall, "store-2", "hub-1").await;
    hall.one
        .api
        .database
        .parted(&aisle_event::StoreId::new("store-2").unwrap(), "node-1", "hub-1")
        .await
        .unwrap();
    let here = || ["store-1", "store-2"].map(|store| (store.to_owned(), "node-1".to_owned())).into();
    two.look(2 * GONE_MS, here).await.unwrap();
    assert_eq!(connected(hall).await, 1, "its own node, and not the one that went");
    // A hub that goes down in order takes its word along.
    hall.two.api.database.part_all("hub-2").await.unwrap();
    assert_eq!((connected(hall).await, hall.one.api.database.beats().await.unwrap()), (0, vec![]));
}
