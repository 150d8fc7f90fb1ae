//! What is written of persons lies sealed, and who opens the store reads it as it was.

use crate::store::{
    ADA, BOB, HOUR_MS, Store, entry, journal_dir, kept, keys_dir, named, scanned, searched, sold,
};
use aisle_event::{Event, EventType};
use aisle_journal::{Config, Journal, Veil, fault::FaultIo, read_only, read_only_with};
use aisle_vault::Vault;
use prometheus_client::registry::Registry;
use std::sync::Arc;

fn day() -> Vec<Vec<Event>> {
    vec![
        vec![searched("v1", "insulin pens")],
        vec![named("v1", ADA)],
        vec![sold("K-1", "v1", Some(ADA)), kept(&format!("used/{ADA}"), Some("1"))],
        vec![scanned("4006381333931")],
        vec![sold("K-2", "v2", None)],
        vec![kept("count", Some("41"))],
        vec![sold("K-3", "v3", Some(BOB))],
    ]
}

const SECRETS: [&str; 5] = [ADA, BOB, "insulin", "4006381333931", "used/"];

#[test]
fn personal_values_lie_nowhere_in_the_clear_and_read_as_they_were() {
    let store = Store::open(&FaultIo::new(1)).unwrap();
    day().iter().for_each(|batch| store.happen(batch));
    for secret in SECRETS {
        assert!(!store.lies_somewhere(secret), "{secret}");
    }
    let told: Vec<Event> = day().concat();
    assert_eq!(store.events(), told);
    let again = Store::open(&store.close()).unwrap();
    assert_eq!(again.events(), told, "after a restart too");
    assert_eq!(again.vault.unopened(), 0);
}

#[test]
fn who_has_the_journal_and_not_the_keys_reads_the_rest() {
    let store = Store::open(&FaultIo::new(2)).unwrap();
    day().iter().for_each(|batch| store.happen(batch));
    let disk = store.close();
    let shut: Vec<Event> = read_only(&journal_dir(), disk.io(), 1)
        .unwrap()
        .map(Result::unwrap)
        .map(|record| Event::decode(EventType(record.kind), &record.payload).unwrap())
        .collect();
    assert_eq!(shut.len(), day().concat().len());
    assert!(shut.iter().all(|event| !format!("{event:?}").contains(ADA)));
    let vault = Arc::new(Vault::at(&keys_dir(), disk.io()));
    vault.open_read_only().unwrap();
    let veil: Arc<dyn Veil> = vault;
    let seen = read_only_with(&journal_dir(), disk.io(), Some(veil), 1).unwrap().map(Result::unwrap);
    let seen: Vec<_> =
        seen.map(|record| Event::decode(EventType(record.kind), &record.payload).unwrap()).collect();
    assert_eq!(seen, day().concat(), "a reader with the keys beside a node");
}

#[test]
fn a_journal_from_before_there_were_seals_is_read_as_it_is() {
    let disk = FaultIo::new(3);
    let (old, _) =
        Journal::open(&journal_dir(), Config::default(), disk.io(), &mut Registry::default()).unwrap();
    old.append(vec![entry(&sold("K-0", "v0", Some(ADA)))]).unwrap();
    old.close();
    let store = Store::open(&disk).unwrap();
    store.happen(&[sold("K-1", "v1", Some(ADA))]);
    assert_eq!(store.events(), [sold("K-0", "v0", Some(ADA)), sold("K-1", "v1", Some(ADA))]);
}

#[test]
fn a_person_has_one_key_and_every_hour_of_searches_another() {
    let disk = FaultIo::new(4);
    let store = Store::open(&disk).unwrap();
    for number in 0..10 {
        store.happen(&[sold(&format!("K-{number}"), "v", Some(ADA)), searched("v", "milk")]);
    }
    assert_eq!(store.vault.len(), 2);
    disk.set_clock_ms(FaultIo::CLOCK_MS + HOUR_MS);
    store.happen(&[searched("v", "milk")]);
    assert_eq!(store.vault.len(), 3);
}

#[test]
fn a_new_customer_costs_a_sync_once_in_64() {
    let disk = FaultIo::new(5);
    let store = Store::open(&disk).unwrap();
    store.happen(&[sold("K", "v", Some("c-0"))]);
    let before = disk.ops();
    let batch: Vec<_> = (1..64).map(|number| sold("K", "v", Some(&format!("c-{number}")))).collect();
    store.vault.cover(&batch.iter().map(entry).collect::<Vec<_>>()).unwrap();
    assert_eq!(disk.ops() - before, 63, "a write for each, and no sync");
}

#[test]
fn without_keys_nothing_personal_is_written_and_everything_else_is() {
    let vault = Vault::at(&keys_dir(), FaultIo::new(6).io());
    assert_eq!(vault.cover(&[entry(&sold("K", "v", Some(ADA)))]), Err("the keys are not open".into()));
    let disk = FaultIo::new(7);
    let store = Store::open(&disk).unwrap();
    disk.fail_sync();
    store.vault.cover(&[entry(&sold("K", "v", Some(ADA)))]).unwrap_err();
    disk.heal();
    store.vault.cover(&[entry(&sold("K", "v", Some(ADA)))]).unwrap_err();
    assert!(store.vault.failed().is_some(), "after a failed sync the process has to exit");
}

#[test]
fn a_lost_file_of_keys_is_noticed_and_the_shop_goes_on() {
    let disk = FaultIo::new(8);
    let store = Store::open(&disk).unwrap();
    store.happen(&[sold("K-1", "v", Some(ADA))]);
    let disk = store.close();
    disk.io().remove(&keys_dir().join("keys")).unwrap();
    let store = Store::open(&disk).unwrap();
    assert_eq!(store.events(), [sold("K-1", "v", None)]);
    assert!(store.vault.unopened() > 0);
    store.happen(&[sold("K-2", "v", Some(ADA))]);
    assert_eq!(store.events().last(), Some(&sold("K-2", "v", Some(ADA))));
    disk.put(&keys_dir().join("keys"), b"nothing of the kind");
    drop(store);
    assert!(Store::open(&disk).err().unwrap().contains("is no file of keys"));
}
