//! A broker that is full: who comes in, and what those who do not are told.

use crate::faults_support::{Raw, Store};
use aisle_broker::{
    Limits,
    packet::{Packet, Reason, Version},
};

async fn knock(store: &Store, name: &str) -> Reason {
    let mut raw = Raw::reach(store, name, Version::V5, false).await;
    match raw.hear().await {
        Some(Packet::Connack(connack)) => connack.reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_nodes_own_parts_take_nobodys_place() {
    let store = Store::bounded(Limits { connections_max: 2, ..Limits::default() });
    let mut inside = Vec::new();
    for name in ["$node/devices", "$node/bridge/hq", "shelf"] {
        inside.push(store.local(name, false).await);
    }
    let scale = Raw::connect(&store, "scale", Version::V5, false).await;
    assert_eq!(knock(&store, "late").await, Reason::SERVER_BUSY);
    assert_eq!(store.broker.overview().clients, 2);
    drop((inside, scale));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_knock_too_fast_are_told_so_before_it_is_looked_for_a_place() {
    let store = Store::bounded(Limits { connections_max: 1, connections_per_s_max: 1, ..Limits::default() });
    let shelf = store.local("shelf", false).await;
    let mut told = Vec::new();
    for _ in 0..50 {
        told.push(knock(&store, "late").await);
    }
    assert_eq!(told.first(), Some(&Reason::SERVER_BUSY));
    assert!(told.contains(&Reason::CONNECTION_RATE_EXCEEDED), "{told:?}");
    drop(shelf);
}
