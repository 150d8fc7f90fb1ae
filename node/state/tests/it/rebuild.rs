//! Invariant 2: whatever is done to the index, the shop is the same and the repair is reported.

use crate::store::{
    StoreUnderTest, basket, counted, essence, kiosk_sale, line, listed, sale, started, viewed,
};
use aisle_state::OpenError;
use std::{
    fs,
    io::{Read, Seek, SeekFrom, Write},
    path::Path,
    thread,
    time::Duration,
};

fn busy_store() -> StoreUnderTest {
    let store = StoreUnderTest::start();
    for batch in 0..20_u32 {
        store.apply([
            listed(batch, 100 + i64::from(batch)),
            counted(batch, 50),
            started(batch),
            viewed(batch, batch),
            basket(batch, batch, 1),
            sale(&format!("doc-{batch}"), vec![line(1, batch, 1)]).into(),
            kiosk_sale(batch, &format!("K-{batch}"), &format!("key-{batch}"), vec![line(1, batch, 1)]).into(),
        ]);
    }
    store
}

/// Spoils the closed index, starts again, and expects the same shop and a report.
fn survives(spoil: impl FnOnce(&Path)) {
    let mut store = busy_store();
    let before = essence(&store.state().shop());
    store.stop_state();
    spoil(&store.index_dir());
    store.start_state();
    let rebuilt = store.opened.rebuilt.clone().expect("the rebuild is reported");
    assert!(!rebuilt.reason.is_empty());
    assert_eq!(store.state().health().rebuilt, Some(rebuilt));
    assert_eq!(essence(&store.state().shop()), before);
    assert!(store.state().receipt("key-3").unwrap().is_some());
    store.stop_state();
    store.start_state();
    assert_eq!(store.opened.rebuilt, None, "the new index is sound");
}

/// Every file below a directory.
fn files(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().flatten() {
        if entry.path().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

#[test]
fn a_deleted_index_is_made_again() {
    survives(|index| fs::remove_dir_all(index).unwrap());
}

#[test]
fn an_index_with_a_torn_snapshot_is_made_again() {
    survives(|index| {
        for entry in fs::read_dir(index).unwrap().flatten() {
            if entry.file_name().to_string_lossy().starts_with("snap.") {
                fs::remove_file(entry.path()).unwrap();
            }
        }
        fs::write(index.join("snap.00000000DEADBEEF.generating"), b"torn").unwrap();
        fs::write(index.join("snap.00000000DEADBEEF"), b"torn").unwrap();
    });
}

#[test]
fn an_index_of_zeros_is_made_again() {
    survives(|index| {
        for path in files(index) {
            let len = fs::metadata(&path).unwrap().len();
            fs::write(&path, vec![0; usize::try_from(len).unwrap()]).unwrap();
        }
    });
}

#[test]
fn an_index_of_noise_is_made_again() {
    survives(|index| {
        for path in files(index) {
            let len = usize::try_from(fs::metadata(&path).unwrap().len()).unwrap();
            let noise: Vec<u8> = (0..len).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
            fs::write(&path, noise).unwrap();
        }
    });
}

#[test]
fn an_index_that_belongs_to_another_journal_is_made_again() {
    let other = busy_store();
    let mut store = StoreUnderTest::start();
    store.apply([listed(1, 100)]);
    store.stop_state();
    fs::remove_dir_all(store.index_dir()).unwrap();
    let mut other = other;
    other.stop_state();
    fs::rename(other.index_dir(), store.index_dir()).unwrap();
    store.start_state();
    assert_eq!(store.opened.rebuilt.as_ref().unwrap().reason, "it belongs to another journal");
    assert_eq!(store.state().shop().products.len(), 1);
}

#[test]
fn an_index_that_failed_in_use_is_made_again_at_the_next_start() {
    let mut store = busy_store();
    store.stop_state();
    fs::write(store.dir().join("index-failed"), b"").unwrap();
    store.start_state();
    assert_eq!(store.opened.rebuilt.as_ref().unwrap().reason, "it failed in the last run");
    assert!(store.opened.rebuilt.as_ref().unwrap().quarantine.is_some());
}

/// sled may notice lost bytes, or open with an older state of its rows: both must end in the same shop.
#[test]
fn a_truncated_or_bit_flipped_index_never_changes_the_shop() {
    let reference = essence(&busy_store().state().shop());
    for round in 0..12_u64 {
        let mut store = busy_store();
        store.stop_state();
        for path in files(&store.index_dir()) {
            spoil_a_little(&path, round);
        }
        store.start_state();
        assert_eq!(essence(&store.state().shop()), reference, "round {round}");
    }
}

fn spoil_a_little(path: &Path, round: u64) {
    let mut file = fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let len = file.metadata().unwrap().len();
    if len == 0 {
        return;
    }
    if round.is_multiple_of(2) {
        file.set_len(len * round / 12).unwrap();
    } else {
        let at = (len * round / 12).min(len - 1);
        let mut byte = [0];
        file.seek(SeekFrom::Start(at)).unwrap();
        file.read_exact(&mut byte).unwrap();
        file.seek(SeekFrom::Start(at)).unwrap();
        file.write_all(&[byte[0] ^ 0x40]).unwrap();
    }
}

/// sled's threads may hold the file for a moment after the database is dropped; that is no damage.
#[test]
fn an_index_that_is_still_held_is_waited_for_and_not_made_again() {
    let mut store = busy_store();
    store.stop_state();
    let held = fs::File::open(store.index_dir().join("db")).unwrap();
    held.lock().unwrap();
    let holder = thread::spawn(move || {
        thread::sleep(Duration::from_millis(200));
        drop(held);
    });
    store.start_state();
    assert_eq!(store.opened.rebuilt, None);
    holder.join().unwrap();
}

#[test]
fn an_index_of_another_process_is_left_alone() {
    let mut store = busy_store();
    store.stop_state();
    let held = fs::File::open(store.index_dir().join("db")).unwrap();
    held.lock().unwrap();
    let error = store.try_start_state().unwrap_err();
    assert!(matches!(&error, OpenError::Held { path } if *path == store.index_dir()), "{error}");
    drop(held);
    store.start_state();
    assert_eq!(store.opened.rebuilt, None);
}

#[test]
fn only_so_many_unusable_indexes_are_kept() {
    let mut store = busy_store();
    for _ in 0..4 {
        store.stop_state();
        fs::write(store.dir().join("index-failed"), b"").unwrap();
        store.start_state();
    }
    assert_eq!(fs::read_dir(store.dir().join("quarantine")).unwrap().count(), 2);
}
