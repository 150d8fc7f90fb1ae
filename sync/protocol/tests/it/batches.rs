//! Batches: sealed once, read by anybody, never trusted.

use crate::golden::batches;
use aisle_event::StoreId;
use aisle_protocol::{
    Batch, Epoch, Item, LogClass, LogId, PolicyId,
    batch::{BatchError, SealError},
    limits::{BATCH_BYTES_MAX, BATCH_EVENTS_MAX, RECEIPT_BYTES_MAX},
};
use bytes::Bytes;
use proptest::prelude::*;

fn log() -> LogId {
    LogId { store: StoreId::new("berlin-12").unwrap(), class: LogClass::Bulk, epoch: Epoch([1; 16]) }
}

fn item(seq: u64, payload: Vec<u8>) -> Item {
    Item { seq, hlc: seq << 20, kind: 9, payload: payload.into() }
}

fn seal(items: &[Item]) -> Result<Batch, SealError> {
    Batch::seal(&log(), log().start(), items, PolicyId::default(), |_| Bytes::new())
}

/// Puts the right checksum behind bytes that were changed.
fn resealed(mut bytes: Vec<u8>) -> Bytes {
    let end = bytes.len() - 4;
    let checksum = crc32c::crc32c(&bytes[..end]);
    bytes[end..].copy_from_slice(&checksum.to_le_bytes());
    bytes.into()
}

#[test]
fn batches_follow_one_another_by_their_heads() {
    let first = seal(&[item(1, vec![1]), item(2, vec![2])]).unwrap();
    let end = first.header().end();
    let next = Batch::seal(&log(), end, &[item(3, vec![3])], PolicyId::default(), |header| {
        assert_eq!(header.end().seq, 3, "the receipt is made from the finished header");
        Bytes::from_static(b"signed")
    })
    .unwrap();
    assert_eq!(next.header().start(), end);
    let whole = seal(&[item(1, vec![1]), item(2, vec![2]), item(3, vec![3])]).unwrap();
    assert_eq!(
        whole.header().end(),
        next.header().end(),
        "how events are batched does not change their heads"
    );
    assert_eq!(Batch::parse(next.bytes().clone()), Ok(next));
}

#[test]
fn events_with_a_gap_too_many_or_too_large_are_not_sealed() {
    assert_eq!(seal(&[]), Err(SealError::Count(0)));
    assert_eq!(seal(&[item(2, vec![])]), Err(SealError::Sequence { expected: 1, found: 2 }));
    let many: Vec<Item> = (1..=BATCH_EVENTS_MAX as u64 + 1).map(|seq| item(seq, vec![])).collect();
    assert_eq!(seal(&many), Err(SealError::Count(BATCH_EVENTS_MAX + 1)));
    let mut random = crate::random::Random(1);
    let noise: Vec<u8> = (0..BATCH_BYTES_MAX).map(|_| random.number() as u8).collect();
    assert_eq!(seal(&[item(1, noise)]), Err(SealError::TooLarge));
    let receipt = Bytes::from(vec![0; RECEIPT_BYTES_MAX + 1]);
    let sealed = Batch::seal(&log(), log().start(), &[item(1, vec![])], PolicyId::default(), |_| receipt);
    assert_eq!(sealed, Err(SealError::Receipt(RECEIPT_BYTES_MAX + 1)));
}

#[test]
fn one_changed_bit_anywhere_is_found() {
    for (name, batch) in batches() {
        let bytes = batch.bytes();
        for at in (0..bytes.len() * 8).step_by(if bytes.len() > 1000 { 37 } else { 1 }) {
            let mut changed = bytes.to_vec();
            changed[at / 8] ^= 1 << (at % 8);
            assert!(Batch::parse(changed.into()).is_err(), "{name}, bit {at}");
        }
        for length in 0..bytes.len() {
            assert!(Batch::parse(bytes.slice(..length)).is_err(), "{name}, {length} bytes");
        }
    }
}

#[test]
fn a_batch_that_names_another_head_is_no_batch() {
    let batch = seal(&[item(1, vec![1]), item(2, vec![2])]).unwrap();
    let after = batch.header().after.0;
    let at = batch.bytes().windows(32).position(|window| window == after).unwrap();
    let mut changed = batch.bytes().to_vec();
    changed[at] ^= 1;
    assert_eq!(Batch::parse(resealed(changed)).unwrap().check(), Err(BatchError::Chain));
}

#[test]
fn counts_that_are_only_claimed_are_refused() {
    let batch = seal(&[item(1, vec![1])]).unwrap();
    // The count stands behind magic, version, flags, class, epoch and a first number of one byte.
    let at = 4 + 3 + 16 + 1;
    let with = |bytes: &[u8]| {
        let mut changed = batch.bytes().to_vec();
        changed.splice(at..=at, bytes.iter().copied());
        Batch::parse(resealed(changed)).and_then(Batch::check).map(drop)
    };
    assert_eq!(with(&[1]), Ok(()));
    assert_eq!(with(&[0]), Err(BatchError::Bound("count")));
    assert_eq!(with(&[2]), Err(BatchError::Body));
    assert_eq!(
        with(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
        Err(BatchError::Bound("count"))
    );
}

proptest! {
    #[test]
    fn made_up_batches_are_refused_and_never_hurt(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Batch::parse(bytes.into()).is_err());
    }

    #[test]
    fn changed_batches_with_a_right_checksum_never_hurt(
        which in 0_usize..3, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)
    ) {
        let mut bytes = batches()[which].1.bytes().to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        drop(Batch::parse(resealed(bytes)).map(Batch::check));
    }
}
