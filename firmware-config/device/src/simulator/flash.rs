//! The flash of a simulated device: a NOR chip that takes memory only where something was written.
//!
//! A device writes a few hundred bytes of its chip in a day; five thousand chips kept in full would take a hundred megabytes.
//! Not here: faults of a chip ([`Faulty`](crate::flash::Faulty), for tests of the core).

use embedded_storage_async::nor_flash::{
    ErrorType, MultiwriteNorFlash, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};
use std::{cell::RefCell, rc::Rc};

const PAGE_BYTES: usize = 4096;
const PAGES: usize = 8;
/// Memory is taken in pieces of so many bytes.
const PIECE_BYTES: usize = 256;
const PIECES: usize = PAGES * PAGE_BYTES / PIECE_BYTES;
const WORD_BYTES: usize = 4;

type Piece = Option<Box<[u8; PIECE_BYTES]>>;

/// A chip. A clone is the same chip, as it is after a restart.
#[derive(Debug, Clone)]
pub(super) struct SparseFlash {
    pieces: Rc<RefCell<Vec<Piece>>>,
}

/// Beyond the end, or not aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the address is not aligned or beyond the end")]
pub(super) struct BadAddress;

impl NorFlashError for BadAddress {
    fn kind(&self) -> NorFlashErrorKind {
        NorFlashErrorKind::OutOfBounds
    }
}

impl SparseFlash {
    pub(super) fn new() -> Self {
        // Grows to the last piece that was written.
        Self { pieces: Rc::new(RefCell::new(Vec::new())) }
    }

    /// Calls with each piece that a range touches: its number, the part of it, and the part of the range.
    fn each(
        from: usize,
        length: usize,
        mut call: impl FnMut(usize, std::ops::Range<usize>, std::ops::Range<usize>),
    ) -> Result<(), BadAddress> {
        let end = from.checked_add(length).filter(|end| *end <= PAGES * PAGE_BYTES).ok_or(BadAddress)?;
        let mut at = from;
        while at < end {
            let start = at % PIECE_BYTES;
            let part = (PIECE_BYTES - start).min(end - at);
            call(at / PIECE_BYTES, start..start + part, at - from..at - from + part);
            at += part;
        }
        Ok(())
    }
}

impl ErrorType for SparseFlash {
    type Error = BadAddress;
}

impl ReadNorFlash for SparseFlash {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), BadAddress> {
        let pieces = self.pieces.borrow();
        Self::each(offset as usize, bytes.len(), |piece, within, place| {
            let Some(to) = bytes.get_mut(place) else { return };
            match pieces.get(piece).and_then(Option::as_deref).and_then(|piece| piece.get(within)) {
                Some(from) => to.copy_from_slice(from),
                None => to.fill(0xff),
            }
        })
    }

    fn capacity(&self) -> usize {
        PAGES * PAGE_BYTES
    }
}

impl NorFlash for SparseFlash {
    const WRITE_SIZE: usize = WORD_BYTES;
    const ERASE_SIZE: usize = PAGE_BYTES;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), BadAddress> {
        let (from, to) = (from as usize, to as usize);
        if !from.is_multiple_of(PAGE_BYTES) || !to.is_multiple_of(PAGE_BYTES) {
            return Err(BadAddress);
        }
        let mut pieces = self.pieces.borrow_mut();
        Self::each(from, to.checked_sub(from).ok_or(BadAddress)?, |piece, _, _| {
            if let Some(piece) = pieces.get_mut(piece) {
                *piece = None;
            }
        })
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), BadAddress> {
        let from = offset as usize;
        if !from.is_multiple_of(WORD_BYTES) || !bytes.len().is_multiple_of(WORD_BYTES) {
            return Err(BadAddress);
        }
        let mut pieces = self.pieces.borrow_mut();
        Self::each(from, bytes.len(), |piece, within, place| {
            if pieces.len() <= piece {
                pieces.resize_with((piece + 1).min(PIECES), || None);
            }
            let Some(slot) = pieces.get_mut(piece) else { return };
            let piece = slot.get_or_insert_with(|| Box::new([0xff; PIECE_BYTES]));
            if let (Some(to), Some(from)) = (piece.get_mut(within), bytes.get(place)) {
                // Bits can only be cleared.
                to.iter_mut().zip(from).for_each(|(to, from)| *to &= *from);
            }
        })
    }
}

impl MultiwriteNorFlash for SparseFlash {}

#[cfg(test)]
mod tests {
    use super::*;
    use embassy_futures::block_on;

    #[test]
    fn bits_are_only_cleared_until_their_page_is_erased() {
        let mut flash = SparseFlash::new();
        let mut read = [0; 600];
        block_on(flash.read(4000, &mut read)).unwrap();
        assert!(read.iter().all(|byte| *byte == 0xff));
        block_on(flash.write(4000, &[0x0f; 600])).unwrap();
        block_on(flash.write(4000, &[0xf1; 4])).unwrap();
        block_on(flash.read(4000, &mut read)).unwrap();
        assert_eq!(&read[..6], &[0x01, 0x01, 0x01, 0x01, 0x0f, 0x0f]);
        block_on(flash.erase(4096, 8192)).unwrap();
        block_on(flash.read(4000, &mut read)).unwrap();
        assert_eq!(read[95], 0x0f);
        assert_eq!(read[96], 0xff);
    }

    #[test]
    fn what_is_not_aligned_or_beyond_the_end_is_refused() {
        let mut flash = SparseFlash::new();
        assert_eq!(block_on(flash.write(2, &[0; 4])), Err(BadAddress));
        assert_eq!(block_on(flash.write(0, &[0; 3])), Err(BadAddress));
        assert_eq!(block_on(flash.erase(0, 100)), Err(BadAddress));
        assert_eq!(block_on(flash.erase(0, 4096 * 9)), Err(BadAddress));
        assert_eq!(block_on(flash.read(u32::MAX, &mut [0; 4])), Err(BadAddress));
    }
}
