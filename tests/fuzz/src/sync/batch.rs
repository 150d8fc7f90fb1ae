//! Sealed batches, as they come from anybody.

use super::{all_golden, store};
use aisle_protocol::{Batch, batch::BatchError};
use bytes::Bytes;

/// The input may be a batch. What it has for a checksum is set right as well, so that more than the checksum is tried.
///
/// # Panics
/// When a batch that was read is not what its header says, or sealed again says something else.
pub fn sync_batch(input: &[u8]) {
    // Whether it is a batch is not known of any input.
    let _ = feed(&Bytes::copy_from_slice(input));
    if let Some(at) = input.len().checked_sub(4) {
        let mut mended = input[..at].to_vec();
        let checksum = crc32c::crc32c(&mended);
        mended.extend_from_slice(&checksum.to_le_bytes());
        let parsed = feed(&mended.into());
        assert_ne!(parsed, Err(BatchError::Checksum), "the checksum was set right");
    }
}

fn feed(bytes: &Bytes) -> Result<(), BatchError> {
    let batch = Batch::parse(bytes.clone())?;
    assert_eq!(batch.bytes(), bytes);
    let header = *batch.header();
    let items = batch.items()?;
    assert_eq!(items.len(), header.count as usize);
    let raw_bytes: usize = items.iter().map(|item| item.payload.len()).sum();
    assert_eq!(raw_bytes, header.raw_bytes as usize);
    for (item, seq) in items.iter().zip(header.first_seq..) {
        assert_eq!(item.seq, seq);
    }
    let (log, receipt) = (batch.log(&store()), batch.receipt().clone());
    let checked = batch.check()?;
    assert_eq!(checked.head_at(header.end().seq), Some(header.after));
    let again = Batch::seal(&log, header.start(), checked.items(), header.policy, |_| receipt);
    // Written by us it may be larger than whoever wrote it made it, and then too large.
    if let Ok(again) = again {
        assert_eq!(again.header().end(), header.end());
        assert_eq!(again.items().as_deref(), Ok(checked.items()));
    }
    Ok(())
}

/// Batches of every way to write a body.
pub(crate) fn examples() -> Vec<Vec<u8>> {
    all_golden(|name| name.starts_with("batch.")).iter().map(|batch| batch.to_vec()).collect()
}
