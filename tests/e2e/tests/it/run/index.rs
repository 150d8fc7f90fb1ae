//! The index may go: the node starts, makes it again, says so, and knows everything it knew.

use crate::support::{api::Api, journal, store::Store};
use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// Fills a store, spoils its state while it is closed, and expects the next node to know what the last one knew.
async fn survives(spoil: impl FnOnce(&Path)) {
    let store = Store::small();
    let mut node = store.start();
    let api = Api::new(node.url());
    let (shopper, buyer) = (api.session().await, api.session().await);
    api.set(&shopper, "JAM-2", 3).await.json(200);
    api.set(&buyer, "TEA-2", 1).await.json(200);
    let receipt = api.check_out(&buyer, "key-1").await.json(201);
    let products = api.get("/v1/products").await.json(200);
    node.stop().expect("it stops");

    spoil(&store.data().join("state"));
    node.start_again().expect("it starts again");
    let api = Api::new(node.url());
    api.ready().await;
    let health = api.health().await;
    assert_eq!(health["status"], "degraded", "{health}");
    let reason = health["state"]["rebuilt"]["reason"].as_str().expect("a reason").to_owned();
    assert!(reason.len() > 5, "{health}");
    assert_eq!(api.metric("aisle_state_rebuilds_total").await, Some(1.0));
    assert_eq!(api.held(&shopper, "JAM-2").await, 3.0);
    assert_eq!(api.check_out(&buyer, "key-1").await.json(200), receipt);
    assert_eq!(api.get("/v1/products").await.json(200), products);
    let logs = node.logs().join("\n");
    assert!(
        logs.contains(&reason) || logs.contains("rebuil") || logs.contains("made again"),
        "no word in the log:\n{logs}"
    );

    node.stop().expect("it stops");
    let notes = journal::cat_only(&store.data(), "StateRebuilt");
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert_eq!(notes[0]["fields"]["reason"], reason.as_str());

    node.start_again().expect("it starts again");
    let health = Api::new(node.url()).health().await;
    assert_eq!(health["status"], "ok", "the new index is sound: {health}");
}

/// The files of the index, the largest first.
fn files(state: &Path) -> Vec<PathBuf> {
    let mut found: Vec<(u64, PathBuf)> = fs::read_dir(state.join("index"))
        .expect("there is an index")
        .flatten()
        .filter(|entry| entry.path().is_file())
        .map(|entry| (entry.metadata().expect("a file").len(), entry.path()))
        .collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, path)| path).collect()
}

#[tokio::test]
async fn a_deleted_index_is_made_again() {
    survives(|state| fs::remove_dir_all(state.join("index")).expect("there is an index")).await;
}

#[tokio::test]
async fn a_deleted_state_with_all_its_checkpoints_is_made_again() {
    survives(|state| fs::remove_dir_all(state).expect("there is a state")).await;
}

#[tokio::test]
async fn a_corrupted_index_is_made_again() {
    survives(|state| {
        for path in files(state) {
            let mut file = File::options().read(true).write(true).open(path).expect("a file");
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).expect("it can be read");
            bytes.iter_mut().for_each(|byte| *byte ^= 0x5a);
            file.seek(SeekFrom::Start(0)).expect("it has a start");
            file.write_all(&bytes).expect("it can be written");
        }
    })
    .await;
}

#[tokio::test]
async fn an_index_with_a_torn_snapshot_is_made_again() {
    survives(|state| {
        let index = state.join("index");
        for path in files(state) {
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("snap.")) {
                fs::remove_file(path).expect("a file");
            }
        }
        fs::write(index.join("snap.00000000DEADBEEF"), b"torn").expect("it can be written");
        fs::write(index.join("snap.00000000DEADBEEF.generating"), b"torn").expect("it can be written");
    })
    .await;
}
