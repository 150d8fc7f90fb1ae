//! What a veil covers is covered on the disk, and nowhere else.

use crate::support::{KIND, dir, entry, small};
use aisle_journal::{Entry, Journal, SubmitError, Veil, fault::FaultIo, read_only, read_only_with};
use bytes::Bytes;
use prometheus_client::registry::Registry;
use std::{sync::Arc, time::Duration};

/// Turns the bits of whatever begins with `s`, and marks it with a zero byte.
#[derive(Debug)]
struct Turned;

impl Veil for Turned {
    fn cover(&self, batch: &[Entry]) -> Result<Option<Vec<Entry>>, String> {
        if batch.iter().any(|entry| entry.payload == b"no") {
            return Err("there is no key".into());
        }
        if !batch.iter().any(|entry| entry.payload.starts_with(b"s")) {
            return Ok(None);
        }
        let covered = batch.iter().map(|entry| match entry.payload.starts_with(b"s") {
            true => Entry {
                kind: entry.kind,
                payload: [0].into_iter().chain(entry.payload.iter().map(|byte| !byte)).collect(),
            },
            false => entry.clone(),
        });
        Ok(Some(covered.collect()))
    }

    fn uncover(&self, _: u16, payload: &Bytes) -> Option<Bytes> {
        payload.strip_prefix(&[0]).map(|rest| rest.iter().map(|byte| !byte).collect())
    }
}

fn opened(disk: &FaultIo, veil: Option<Arc<dyn Veil>>) -> Journal {
    Journal::open_with(&dir(), small(), disk.io(), veil, &mut Registry::default()).unwrap().0
}

fn texts(
    records: impl Iterator<Item = Result<aisle_journal::Record, aisle_journal::ReadError>>,
) -> Vec<Bytes> {
    records.map(|record| record.unwrap().payload).collect()
}

#[test]
fn a_secret_is_covered_on_the_disk_and_plain_to_who_reads_with_the_veil() {
    let disk = FaultIo::new(1);
    let before = opened(&disk, None);
    before.append(vec![entry("older")]).unwrap();
    before.close();
    let journal = opened(&disk, Some(Arc::new(Turned)));
    journal.append(vec![entry("open"), entry("secret")]).unwrap();
    assert_eq!(texts(journal.read(1).unwrap()), ["older", "open", "secret"]);
    let tailed = journal.tail(1).next_batch(9, Duration::from_secs(5)).unwrap();
    assert_eq!(tailed.last().unwrap().payload, "secret");
    assert!(!texts(journal.read_covered(1).unwrap()).contains(&Bytes::from("secret")));
    let files: Vec<u8> = disk
        .io()
        .list(&dir())
        .unwrap()
        .iter()
        .filter_map(|name| disk.contents(&dir().join(name)))
        .flatten()
        .collect();
    assert!(files.windows(4).any(|window| window == b"open"));
    assert!(!files.windows(6).any(|window| window == b"secret"));

    let shut = texts(read_only(&dir(), disk.io(), 1).unwrap());
    assert_eq!((shut.len(), shut.contains(&Bytes::from("secret"))), (3, false));
    let seen = texts(read_only_with(&dir(), disk.io(), Some(Arc::new(Turned)), 1).unwrap());
    assert_eq!(seen, ["older", "open", "secret"]);
    assert!(journal.verify().unwrap().damages.is_empty(), "the chain is over what lies there");
}

#[test]
fn what_cannot_be_covered_is_not_written() {
    let disk = FaultIo::new(2);
    let journal = opened(&disk, Some(Arc::new(Turned)));
    let refused = journal.submit(vec![entry("yes"), entry("no")]).map(drop).unwrap_err();
    assert_eq!(refused, SubmitError::Uncovered { reason: "there is no key".into() });
    assert_eq!(refused.to_string(), "the batch cannot be covered: there is no key");
    journal.append(vec![Entry { kind: KIND, payload: b"next".to_vec() }]).unwrap();
    assert_eq!(texts(journal.read(1).unwrap()), ["next"]);
}
