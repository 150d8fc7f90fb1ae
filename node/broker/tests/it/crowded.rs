//! A broker that is full: who comes in, and what those who do not are told.

use crate::faults_support::{Raw, Store};
use aisle_broker::{
    Limits,
    packet::{Reason, Version},
};

async fn knock(store: &Store, name: &str) -> Reason {
    Raw::reach(store, name, Version::V5, false).await.answer().await
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
async fn those_there_is_no_room_for_keep_nobody_out_who_holds_a_place_and_comes_back() {
    let store = Store::bounded(Limits { connections_max: 8, connections_per_s_max: 2, ..Limits::default() });
    let mut inside = Vec::new();
    for number in 0..7 {
        inside.push(store.local(&format!("counter-{number}"), false).await);
    }
    let shelf = Raw::connect(&store, "shelf", Version::V5, false).await;
    for _ in 0..50 {
        assert_eq!(knock(&store, "late").await, Reason::SERVER_BUSY);
    }
    let again = Raw::connect(&store, "shelf", Version::V5, false).await;
    drop((inside, shelf, again));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_knock_too_fast_where_there_is_room_are_told_so() {
    let store = Store::bounded(Limits { connections_per_s_max: 1, ..Limits::default() });
    let mut told = Vec::new();
    for number in 0..50 {
        told.push(knock(&store, &format!("fast-{number}")).await);
    }
    assert_eq!(told.first().map(|reason| reason.is_error()), Some(false));
    assert!(told.contains(&Reason::CONNECTION_RATE_EXCEEDED), "{told:?}");
}
