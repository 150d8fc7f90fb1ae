//! An erasure from the request to the receipt.

use crate::store::{
    ADA, BOB, HOUR_MS, Store, customer, entry, journal_dir, kept, keys_dir, named, scanned, searched,
    signing, sold,
};
use aisle_event::{ERASED, Event, Timestamp};
use aisle_journal::{Config, Journal, fault::FaultIo};
use aisle_residency::erasure::{Ask, Duty, Proof};
use aisle_vault::Wanted;
use prometheus_client::registry::Registry;

fn is_about_ada(event: &Event) -> bool {
    let text = format!("{event:?}");
    text.contains(ADA) || text.contains("insulin")
}

/// Two hours: in the first Ada is there, in the second she is not.
fn two_hours(store: &Store) {
    store.happen(&[searched("v1", "insulin pens")]);
    store.happen(&[named("v1", ADA)]);
    store.happen(&[sold("K-1", "v1", Some(ADA)), kept(&format!("used/{ADA}"), Some("1"))]);
    store.happen(&[kept("count", Some("1"))]);
    store.happen(&[sold("K-2", "v2", Some(BOB))]);
    store.disk.set_clock_ms(FaultIo::CLOCK_MS + HOUR_MS);
    store.happen(&[searched("v2", "tea"), scanned("4006381333931")]);
}

#[test]
fn a_person_is_gone_for_good_and_everybody_else_is_still_there() {
    let store = Store::open(&FaultIo::new(1)).unwrap();
    two_hours(&store);
    let others: Vec<_> = store.events().into_iter().filter(|event| !is_about_ada(event)).collect();
    let mut eraser = store.eraser();
    eraser.request(store.wanted("e-1", ADA), Timestamp(10)).unwrap();
    let due = store.step(&mut eraser).unwrap();
    assert!(matches!(&due[..], [Duty::RewriteDerived { .. }]), "{due:?}");
    assert!(store.vault.wants_rebuild().unwrap());
    let left = store.events();
    assert!(!left.iter().any(is_about_ada));
    assert!(others.iter().all(|event| left.contains(event)), "what others did reads as before");
    assert!(left.iter().any(|event| matches!(event, Event::Searched(it) if it.terms.as_str() == ERASED)));

    // A restart makes the index anew, and then all is done.
    drop(eraser);
    let store = Store::open(&store.close()).unwrap();
    let mut eraser = store.eraser();
    assert_eq!(store.step(&mut eraser).unwrap(), []);
    assert!(!store.vault.wants_rebuild().unwrap());
    let proof = eraser.progress("e-1").unwrap().proof.clone().unwrap();
    let proof = Proof::open(&proof, &signing().verifying_key()).unwrap();
    assert_eq!((proof.erasure.as_str(), proof.by.as_str(), proof.through), ("e-1", "store-1", 0));
    assert_eq!(proof.keys.len(), 2, "hers, and that of the hour in which she searched");
    assert!(!store.lies_somewhere(ADA) && !store.lies_somewhere("insulin"));
    assert_eq!(store.vault.unopened(), 0, "erased is not lost");
}

#[test]
fn a_plugin_forgets_what_it_kept_of_the_person_and_nothing_else() {
    let store = Store::open(&FaultIo::new(2)).unwrap();
    two_hours(&store);
    // Its own record of the person, in a batch that does not name them.
    store.happen(&[kept("last", Some(&format!("seen {ADA}")))]);
    let mut eraser = store.eraser();
    let mut tail = store.journal.read(store.journal.durable() + 1).unwrap();
    eraser.request(store.wanted("e-1", ADA), Timestamp(10)).unwrap();
    let through = store.journal.durable() - 1;
    let due = store.step(&mut eraser).unwrap();
    let forgotten = tail.by_ref().map(Result::unwrap).filter(|record| record.kind == 0x0903).count();
    assert_eq!(forgotten, 2, "the two places that named her");
    assert_eq!(
        eraser.progress("e-1").unwrap().clear_through,
        through,
        "sealed for the plugin: its record has to be trimmed"
    );
    assert!(matches!(&due[..], [Duty::RewriteDerived { .. }]));
    let left = store.events();
    assert!(left.contains(&kept("count", Some("1"))));
}

#[test]
fn records_from_before_there_were_seals_are_waited_for() {
    let disk = FaultIo::new(3);
    let (old, _) = Journal::open(
        &journal_dir(),
        Config { segment_bytes: 1, ..Config::default() },
        disk.io(),
        &mut Registry::default(),
    )
    .unwrap();
    old.append(vec![entry(&sold("K-0", "v0", Some(ADA)))]).unwrap();
    old.close();
    let store = Store::open(&disk).unwrap();
    // Segments are small: what follows fills some.
    for _ in 0..40 {
        store.happen(&[kept("filling", Some(&"x".repeat(2_000)))]);
    }
    let mut eraser = store.eraser();
    eraser.request(store.wanted("e-1", ADA), Timestamp(10)).unwrap();
    store.step(&mut eraser).unwrap();
    drop(eraser);
    let store = Store::open(&store.close()).unwrap();
    let mut eraser = store.eraser();
    assert_eq!(store.step(&mut eraser).unwrap(), [Duty::AwaitTrim { erasure: "e-1".into(), through: 1 }]);
    assert!(store.lies_somewhere(ADA));
    store.journal.trim(30).unwrap();
    assert_eq!(store.step(&mut eraser).unwrap(), []);
    assert!(eraser.progress("e-1").unwrap().proof.is_some());
    assert!(!store.lies_somewhere(ADA));
}

#[test]
fn the_law_is_waited_for_and_a_hub_asked_until_its_receipt_is_there() {
    let store = Store::open(&FaultIo::new(4)).unwrap();
    two_hours(&store);
    let ask = Ask { region: "eu".into(), tokens: vec!["t1.AAAAAAAAAAA".into()] };
    let mut eraser = store.eraser();
    let wanted =
        Wanted { asks: vec![ask.clone()], retain_until: Some(Timestamp(40)), ..store.wanted("e-1", ADA) };
    eraser.request(wanted.clone(), Timestamp(10)).unwrap();
    eraser.request(wanted, Timestamp(11)).unwrap();
    assert_eq!(eraser.iter().count(), 1);
    store.step(&mut eraser).unwrap();
    drop(eraser);
    let store = Store::open(&store.close()).unwrap();
    let mut eraser = store.eraser();
    let asking = Duty::AskHub { erasure: "e-1".into(), ask };
    assert_eq!(store.step(&mut eraser).unwrap(), std::slice::from_ref(&asking));
    eraser.hub_asked("e-1", "eu", Timestamp(51)).unwrap();
    assert_eq!(store.step(&mut eraser).unwrap(), [asking]);
    eraser.hub_erased("e-1", "eu", vec![7; 90], Timestamp(52)).unwrap();
    let entries = store.journal.durable();
    eraser.hub_erased("e-1", "eu", vec![8; 90], Timestamp(53)).unwrap();
    assert_eq!(store.journal.durable(), entries, "the first receipt is kept");
    assert_eq!(store.step(&mut eraser).unwrap(), []);
    assert_eq!(eraser.progress("e-1").unwrap().hubs["eu"], vec![7; 90]);
}

#[test]
fn a_token_leads_to_the_customer_and_one_of_nobody_to_nobody() {
    let store = Store::open(&FaultIo::new(5)).unwrap();
    two_hours(&store);
    let eraser = store.eraser();
    let tokens = |of: &aisle_event::CustomerRef| vec![format!("t1.{}", of.as_str().len())];
    let found = eraser.customer_with_token(&format!("t1.{}", BOB.len()), tokens).unwrap();
    assert_eq!(found, Some(customer(BOB)));
    assert_eq!(eraser.customer_with_token("t1.0", tokens).unwrap(), None);
    let mut eraser = eraser;
    let nobody = Wanted { person: eraser.person(Err("t1.0")), ..store.wanted("hub-1", ADA) };
    let keys = store.vault.len();
    eraser.request(nobody, Timestamp(10)).unwrap();
    store.step(&mut eraser).unwrap();
    assert_eq!(store.vault.len(), keys);
    assert!(store.events().iter().any(is_about_ada));
}

#[test]
fn who_comes_back_is_a_customer_like_any_other() {
    let store = Store::open(&FaultIo::new(6)).unwrap();
    two_hours(&store);
    let mut eraser = store.eraser();
    eraser.request(store.wanted("e-1", ADA), Timestamp(10)).unwrap();
    store.step(&mut eraser).unwrap();
    store.happen(&[sold("K-9", "v9", Some(ADA))]);
    assert_eq!(store.events().last(), Some(&sold("K-9", "v9", Some(ADA))));
    eraser.request(store.wanted("e-2", ADA), Timestamp(10)).unwrap();
    store.step(&mut eraser).unwrap();
    assert!(!store.events().iter().any(is_about_ada));
}

#[test]
fn keys_that_come_back_from_a_backup_are_destroyed_again() {
    let store = Store::open(&FaultIo::new(7)).unwrap();
    two_hours(&store);
    let backup = store.disk.contents(&keys_dir().join("keys")).unwrap();
    let mut eraser = store.eraser();
    eraser.request(store.wanted("e-1", ADA), Timestamp(10)).unwrap();
    store.step(&mut eraser).unwrap();
    drop(eraser);
    let disk = store.close();
    disk.put(&keys_dir().join("keys"), &backup);
    let store = Store::open(&disk).unwrap();
    assert!(store.events().iter().any(is_about_ada), "the backup still knows her");
    drop(store.eraser());
    assert!(!store.events().iter().any(is_about_ada));
    let store = Store::open(&store.close()).unwrap();
    assert!(!store.events().iter().any(is_about_ada), "on the disk too");
}
