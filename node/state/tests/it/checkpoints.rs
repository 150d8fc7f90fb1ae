//! Checkpoints: a rebuild starts from the latest that is whole.

use crate::store::{StoreUnderTest, counted, essence, kiosk_sale, line, listed, sale, viewed};
use aisle_state::Config;
use std::fs;

fn fill(store: &StoreUnderTest, from: u32, count: u32) {
    for number in from..from + count {
        store.apply([
            listed(number, 100),
            counted(number, 5),
            viewed(number, number),
            sale(&format!("doc-{number}"), vec![line(1, number, 1)]).into(),
            kiosk_sale(number, &format!("K-{number}"), &format!("key-{number}"), vec![line(1, number, 1)])
                .into(),
        ]);
    }
}

fn lose_index(store: &mut StoreUnderTest) {
    store.stop_state();
    fs::remove_dir_all(store.index_dir()).unwrap();
}

#[test]
fn a_rebuild_starts_from_the_latest_checkpoint() {
    let mut store = StoreUnderTest::start();
    fill(&store, 0, 10);
    let checkpointed = store.state().checkpoint().unwrap();
    assert_eq!(checkpointed, store.state().shop().applied);
    fill(&store, 10, 5);
    let before = essence(&store.state().shop());
    lose_index(&mut store);
    store.start_state();
    assert_eq!(store.opened.rebuilt.as_ref().unwrap().from_seq, checkpointed + 1);
    assert_eq!(essence(&store.state().shop()), before);
    assert_eq!(store.state().history().count(), 15 * 2);
    assert!(store.state().receipt("key-2").unwrap().is_some());
}

#[test]
fn a_checkpoint_lets_the_journal_be_trimmed_and_still_be_rebuilt_from() {
    let mut store = StoreUnderTest::start();
    fill(&store, 0, 800);
    let checkpointed = store.state().checkpoint().unwrap();
    store.journal.trim(checkpointed + 1).unwrap();
    assert!(store.journal.first() > 1, "something was trimmed");
    let before = essence(&store.state().shop());
    lose_index(&mut store);
    store.start_state();
    assert_eq!(essence(&store.state().shop()), before);
}

#[test]
fn a_damaged_checkpoint_is_passed_over_for_the_one_before_it() {
    let mut store = StoreUnderTest::start();
    fill(&store, 0, 5);
    let first = store.state().checkpoint().unwrap();
    fill(&store, 5, 5);
    let second = store.state().checkpoint().unwrap();
    let before = essence(&store.state().shop());
    lose_index(&mut store);
    let path = store.dir().join(format!("checkpoint-{second:020}.ckpt"));
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    store.start_state();
    let rebuilt = store.opened.rebuilt.clone().unwrap();
    assert_eq!(rebuilt.from_seq, first + 1);
    assert_eq!(rebuilt.passed_over.len(), 1, "{rebuilt:?}");
    assert_eq!(essence(&store.state().shop()), before);
}

#[test]
fn a_checkpoint_cut_short_anywhere_is_passed_over() {
    let mut store = StoreUnderTest::start();
    fill(&store, 0, 3);
    let seq = store.state().checkpoint().unwrap();
    let before = essence(&store.state().shop());
    let path = store.dir().join(format!("checkpoint-{seq:020}.ckpt"));
    let whole = fs::read(&path).unwrap();
    for tenth in 0..10 {
        lose_index(&mut store);
        fs::write(&path, &whole[..whole.len() * tenth / 10]).unwrap();
        store.start_state();
        assert_eq!(store.opened.rebuilt.as_ref().unwrap().from_seq, 1, "{tenth}");
        assert_eq!(essence(&store.state().shop()), before, "{tenth}");
    }
}

#[test]
fn only_the_latest_checkpoints_are_kept() {
    let store = StoreUnderTest::start();
    for round in 0..5 {
        fill(&store, round, 1);
        store.state().checkpoint().unwrap();
    }
    let kept = fs::read_dir(store.dir())
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().ends_with(".ckpt"))
        .count();
    assert_eq!(kept, 2);
}

#[test]
fn a_checkpoint_comes_by_itself_after_so_many_records() {
    let store = StoreUnderTest::start_with(Config { checkpoint_every_records: 20, ..Config::default() });
    fill(&store, 0, 10);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while aisle_state::inspect(store.dir()).unwrap().checkpoint.is_none() {
        assert!(std::time::Instant::now() < deadline, "no checkpoint came");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
