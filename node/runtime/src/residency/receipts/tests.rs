//! Receipts of a real outbox on a disk: those that hold, and those that do not.

use super::*;
use crate::{cli::residency::Class, store::journal_dir};
use aisle_event::{Event, Name, SessionId, StoreId, Timestamp, shopper::Searched};
use aisle_journal::{Entry, Journal};
use aisle_outbox::{Opened, Setup, open};
use aisle_residency::{Region, TrustedPolicy, token::TokenKeys};
use prometheus_client::registry::Registry;
use std::path::PathBuf;
use tempfile::TempDir;

const POLICY: &str = "aisle_policy = 1\nname = \"test\"\nversion = 4\nhome = \"eu\"\n\
    [[destination]]\nregion = \"eu\"\nclock = \"second\"\n\
    [[rule]]\nto = [\"eu\"]\nfields = [\"Searched.hits\"]\naction = \"pass\"\n";

fn node() -> SigningKey {
    SigningKey::from_seed(&[9; 32]).unwrap()
}

fn outbox(data: &Path) -> PathBuf {
    data.join("outbox/eu")
}

fn searched(hits: u32) -> Entry {
    let event = Event::Searched(Searched {
        session: SessionId::new("visit-of-ada").unwrap(),
        terms: Name::new("ada lovelace").unwrap(),
        hits,
        at: Timestamp(1_322_746_200_000),
        unknown: Default::default(),
    });
    Entry { kind: event.kind().0, payload: event.encode() }
}

/// A store of which seven events were sealed, three in a batch.
fn store() -> TempDir {
    let data = tempfile::tempdir().unwrap();
    let config = aisle_journal::Config { segment_bytes: 1 << 20, ..Default::default() };
    let dir = journal_dir(data.path());
    let (journal, _) = Journal::open(&dir, config, Arc::new(RealIo), &mut Registry::default()).unwrap();
    journal.append((0..7).map(searched).collect()).unwrap();
    let officer = SigningKey::from_seed(&[7; 32]).unwrap();
    let signature = officer.sign(POLICY.as_bytes());
    let policy = TrustedPolicy::open(POLICY.as_bytes(), &signature, &[officer.verifying_key()]).unwrap();
    let setup = Setup {
        dir: outbox(data.path()),
        store: StoreId::new("store-1").unwrap(),
        region: Region::new("eu").unwrap(),
        policy,
        token_keys: TokenKeys::new(&[43; 32]),
        key: Arc::new(node()),
        contributor_key: [8; 32],
        config: aisle_outbox::Config { events_max: 3, ..Default::default() },
        begin_after: 0,
        is_first: true,
    };
    let Opened { mut projector, .. } =
        open(setup, &journal, Arc::new(RealIo), &mut Registry::default()).unwrap();
    projector.seal_all(1_700_000_000_000).unwrap();
    drop(projector);
    journal.close();
    data
}

fn issued(data: &Path) -> Vec<Issued> {
    let all = receipts(&outbox(data), Arc::new(RealIo), LogClass::Bulk, 1).unwrap();
    all.map(Result::unwrap).collect()
}

fn faults(key: Option<VerifyingKey>, issued: &[Issued]) -> Vec<String> {
    let mut chain = Chain::new(LogClass::Bulk, key);
    issued.iter().for_each(|issued| {
        chain.push(issued);
    });
    assert_eq!(chain.faults_count, chain.faults.len() as u64);
    let words = |fault: String| fault.split_once(": ").unwrap().1.to_owned();
    chain.faults.iter().map(|fault| words(fault.to_string())).collect()
}

fn own(data: &Path) -> PathBuf {
    place::receipt_key(data, None)
}

fn told_of(args: &ReceiptsArgs, data: &Path, json: bool) -> anyhow::Result<bool> {
    run(args, data, &own(data), json)
}

fn args(key: Option<VerifyingKey>) -> ReceiptsArgs {
    ReceiptsArgs { class: None, from: 1, verify: true, key }
}

#[test]
fn receipts_that_follow_each_other_hold() {
    let store = store();
    let all = issued(store.path());
    assert_eq!(all.iter().map(|issued| issued.header.count).collect::<Vec<_>>(), [3, 3, 1]);
    let key = Some(node().verifying_key());
    assert_eq!(faults(key, &all), Vec::<String>::new());
    let mut later = Chain::new(LogClass::Bulk, key);
    assert!(all[1..].iter().all(|issued| later.push(issued)), "{:?}", later.faults);
    assert_eq!((later.begins_at, later.receipts), (Some(2), 2));
}

#[test]
fn a_receipt_that_is_missing_changed_or_signed_by_another_is_found() {
    let store = store();
    let all = issued(store.path());
    let key = Some(node().verifying_key());
    let without_the_second = [all[0].clone(), all[2].clone()];
    assert_eq!(
        faults(key, &without_the_second),
        [
            "the next one is 2",
            "it does not follow the receipt before it",
            "its batch does not begin where the one before ended",
        ]
    );
    let mut changed = all.clone();
    changed[2].receipt.policy.version += 1;
    assert_eq!(
        faults(key, &changed),
        ["it is not about the batch that it lies with", "its signature is not the node's"]
    );
    let mut changed = all.clone();
    changed[2].receipt.withheld += 1;
    assert_eq!(faults(key, &changed), ["its signature is not the node's"]);
    assert_eq!(faults(None, &changed), Vec::<String>::new(), "without a key nobody can tell");
    let other = SigningKey::from_seed(&[1; 32]).unwrap().verifying_key();
    assert_eq!(faults(Some(other), &all), ["its signature is not the node's"; 3]);
}

#[test]
fn the_command_ends_well_only_where_every_receipt_holds() {
    let store = store();
    let other = SigningKey::from_seed(&[1; 32]).unwrap().verifying_key();
    for json in [false, true] {
        assert!(told_of(&args(Some(node().verifying_key())), store.path(), json).unwrap());
        assert!(!told_of(&args(Some(other)), store.path(), json).unwrap());
        let shown = ReceiptsArgs { class: Some(Class::Bulk), verify: false, ..args(None) };
        assert!(told_of(&shown, store.path(), json).unwrap());
    }
    // The key of the node is taken where none is named.
    let path = own(store.path());
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, format!("{}\n", "09".repeat(32))).unwrap();
    assert!(told_of(&args(None), store.path(), false).unwrap());
    fs::write(&path, "01".repeat(32)).unwrap();
    assert!(!told_of(&args(None), store.path(), false).unwrap());
    fs::write(&path, "no key").unwrap();
    let error = told_of(&args(None), store.path(), false).unwrap_err().to_string();
    assert!(error.contains("holds no key") && error.contains("hint: `--key`"), "{error}");
}

#[test]
fn a_store_without_an_outbox_is_told_from_one_without_receipts() {
    let empty = tempfile::tempdir().unwrap();
    let error = told_of(&args(None), empty.path(), false).unwrap_err().to_string();
    assert!(error.contains("there is no outbox") && error.contains("hint: "), "{error}");
    fs::create_dir_all(outbox(empty.path())).unwrap();
    assert!(told_of(&args(None), empty.path(), false).unwrap());
}

#[test]
fn a_row_says_what_was_sealed_and_what_became_of_the_fields() {
    let store = store();
    let all = issued(store.path());
    let last = line(&all[2], Some(true));
    let cells = cells(&last);
    assert_eq!((cells[0].as_str(), cells[2].as_str(), cells[3].as_str()), ("bulk", "3", "7-7"));
    assert_eq!((cells[5].as_str(), cells[6].as_str()), ("eu", "4"));
    // Of one event one field left, three stayed, and none was anything else.
    assert_eq!(cells[7..12], ["1", "0", "0", "0", "3"]);
    let shown = serde_json::to_string(&last).unwrap();
    assert!(shown.contains("\"field\":\"Searched.terms\",\"outcome\":\"dropped\",\"count\":1"), "{shown}");
    assert!(shown.contains("\"holds\":true") && !shown.contains("lovelace"), "{shown}");
}

#[test]
fn a_table_has_a_bound_and_says_where_it_goes_on() {
    let store = store();
    let all = issued(store.path());
    let mut table = Table::default();
    for _ in 0..ROWS_MAX {
        table.push(&line(&all[0], None));
    }
    assert_eq!(table.next, None);
    table.push(&line(&all[1], None));
    table.push(&line(&all[2], None));
    assert_eq!((table.rows.len(), table.next, table.more), (ROWS_MAX, Some(("bulk", 4)), 2));
}
