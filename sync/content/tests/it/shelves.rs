//! The folder: what it keeps, what it does not believe, what it has room for.

use crate::world::{Hub, noise};
use aisle_content::{
    Content, Folder, Good, Kept, Manifest, PIECE_BYTES, Shelf, ShelfError, Tree, shelf::Have,
};
use std::{
    collections::BTreeSet,
    fs,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

fn put(folder: &mut Folder, bytes: &[u8]) -> Content {
    let (content, tree) = Tree::read(bytes).unwrap();
    if let (Some(tree), Some(of_tree)) = (tree, content.tree_content()) {
        folder.put(&of_tree, 0, &tree).unwrap();
    }
    for (index, piece) in bytes.chunks(PIECE_BYTES as usize).enumerate() {
        folder.put(&content, index as u64 * PIECE_BYTES, piece).unwrap();
    }
    content
}

#[test]
fn what_was_damaged_on_the_disk_is_noticed_and_fetched_from_there_on() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = noise(1, 4 * PIECE_BYTES as usize);
    let (content, tree) = Tree::read(bytes.as_slice()).unwrap();
    let mut folder = Folder::open(dir.path(), 1 << 30).unwrap();
    folder.put(&content.tree_content().unwrap(), 0, &tree.unwrap()).unwrap();
    for index in 0..3 {
        let at = index * PIECE_BYTES as usize;
        folder.put(&content, at as u64, &bytes[at..at + PIECE_BYTES as usize]).unwrap();
    }
    drop(folder);
    let part = dir.path().join(format!("{}.part", content.hash));
    let mut there = fs::read(&part).unwrap();
    there[PIECE_BYTES as usize + 5] ^= 1;
    fs::write(&part, there).unwrap();
    let mut folder = Folder::open(dir.path(), 1 << 30).unwrap();
    assert_eq!(folder.begin(&content).unwrap(), Have::Until(PIECE_BYTES));
    assert_eq!(fs::metadata(&part).unwrap().len(), PIECE_BYTES, "what is wrong is cut off");

    let whole = put(&mut folder, &noise(2, 1000));
    fs::write(dir.path().join(whole.hash.to_string()), b"something else").unwrap();
    assert!(matches!(folder.read(&whole.hash), Err(ShelfError::Missing { .. })));
    assert!(!folder.has(&whole.hash), "it is not there any more");
}

#[test]
fn a_part_that_was_written_whole_needs_nothing_more_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = noise(1, 1000);
    let (content, _) = Tree::read(bytes.as_slice()).unwrap();
    fs::write(dir.path().join(format!("{}.part", content.hash)), &bytes).unwrap();
    fs::write(dir.path().join("half.new"), b"x").unwrap();
    let mut folder = Folder::open(dir.path(), 1 << 30).unwrap();
    assert_eq!(folder.begin(&content).unwrap(), Have::Whole);
    assert_eq!(folder.read(&content.hash).unwrap(), bytes);
    assert!(!dir.path().join("half.new").exists());
}

#[test]
fn a_begun_content_holds_the_room_that_it_will_take() {
    let dir = tempfile::tempdir().unwrap();
    let mut folder = Folder::open(dir.path(), 1_500).unwrap();
    let (mut hub, one, other) = (Hub::default(), noise(1, 1_000), noise(2, 1_000));
    let (one, other) = (hub.add(&one), hub.add(&other));
    assert_eq!(folder.begin(&one).unwrap(), Have::Until(0));
    let Err(full @ ShelfError::Full { taken: 1_000, bytes: 1_000, bytes_max: 1_500, .. }) =
        folder.begin(&other)
    else {
        panic!("there is no room")
    };
    assert!(full.to_string().contains("hint: raise `sync.content.disk_bytes_max`"));
    folder.sweep(&BTreeSet::new()).unwrap();
    assert_eq!(folder.begin(&other).unwrap(), Have::Until(0));
    assert_eq!(folder.disk_bytes().unwrap(), 1_000);
}

#[test]
fn what_would_take_the_reserve_of_the_disk_is_not_begun_and_not_gone_on_with() {
    let dir = tempfile::tempdir().unwrap();
    let free = Arc::new(AtomicU64::new(1_600));
    let probe = free.clone();
    let folder = Folder::open(dir.path(), 1 << 30).unwrap();
    let mut folder = folder.with_reserve(500, Box::new(move || Some(probe.load(Ordering::Relaxed))));
    let (one, other) = (noise(1, 1_000), noise(2, 1_000));
    let mut hub = Hub::default();
    let (first, second) = (hub.add(&one), hub.add(&other));
    assert_eq!(folder.begin(&first).unwrap(), Have::Until(0));
    // What the first one was promised is not there for the second.
    let Err(full @ ShelfError::NoRoom { bytes: 1_000, missing: 900, reserve: 500, .. }) =
        folder.begin(&second)
    else {
        panic!("there is no room")
    };
    assert!(full.to_string().contains("500 bytes stay free"), "{full}");
    // The shop has written meanwhile: nothing of the first is kept either, until there is room again.
    free.store(1_400, Ordering::Relaxed);
    assert!(matches!(folder.put(&first, 0, &one), Err(ShelfError::NoRoom { missing: 100, .. })));
    assert_eq!(fs::metadata(dir.path().join(format!("{}.part", first.hash))).unwrap().len(), 0);
    free.store(1_500, Ordering::Relaxed);
    assert_eq!(folder.put(&first, 0, &one).unwrap(), Have::Whole);
    // What is here whole needs no room.
    free.store(0, Ordering::Relaxed);
    assert_eq!(folder.begin(&first).unwrap(), Have::Whole);
}

#[test]
fn what_is_remembered_is_there_after_a_restart_and_nonsense_is_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut folder = Folder::open(dir.path(), 0).unwrap();
    assert_eq!(folder.recall().unwrap(), Kept::default());
    let good = vec![Good { name: "catalogue".into(), hash: aisle_protocol::Hash([1; 32]) }];
    let kept = Kept { manifest: Some(Manifest::new(3, Vec::new()).unwrap()), good };
    folder.remember(&kept).unwrap();
    folder.sweep(&BTreeSet::new()).unwrap();
    assert_eq!(Folder::open(dir.path(), 0).unwrap().recall().unwrap(), kept);
    fs::write(dir.path().join("kept"), b"\xff\xff").unwrap();
    assert_eq!(folder.recall().unwrap(), Kept::default());
}
