//! A NOR flash chip in memory, with its faults on order.
//!
//! Bytes can only lose bits until their page is erased. A power cut comes after an exact number of steps (a byte written, a
//! part of a page erased), leaves the byte or page it interrupts in between, and lasts until [`Faulty::power_on`].

use embedded_storage_async::nor_flash::{
    ErrorType, MultiwriteNorFlash, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};

/// The smallest piece that is written, in bytes.
const WORD_BYTES: usize = 4;
/// An erase takes so many steps.
const ERASE_STEPS: usize = 4;

/// Why the chip did not do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FlashError {
    /// The power is gone.
    #[error("the flash has no power")]
    PowerLost,
    /// Not a multiple of a word or a page, or beyond the end.
    #[error("the address is not aligned or beyond the end")]
    Address,
}

impl NorFlashError for FlashError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::PowerLost => NorFlashErrorKind::Other,
            Self::Address => NorFlashErrorKind::OutOfBounds,
        }
    }
}

/// A chip of pages of so many bytes.
#[derive(Debug, Clone)]
pub struct Faulty<const PAGES: usize, const PAGE_BYTES: usize> {
    pages: [[u8; PAGE_BYTES]; PAGES],
    wear: [u32; PAGES],
    steps: u64,
    cut_at: Option<u64>,
    powered: bool,
    noise: u32,
}

impl<const PAGES: usize, const PAGE_BYTES: usize> Default for Faulty<PAGES, PAGE_BYTES> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const PAGES: usize, const PAGE_BYTES: usize> Faulty<PAGES, PAGE_BYTES> {
    /// A chip from the factory: erased, without faults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            pages: [[0xff; PAGE_BYTES]; PAGES],
            wear: [0; PAGES],
            steps: 0,
            cut_at: None,
            powered: true,
            noise: 0x2545_f491,
        }
    }

    /// Cuts the power in the step after so many more.
    pub const fn cut_after(&mut self, steps: u64) {
        self.cut_at = Some(self.steps + steps);
    }

    /// Gives it power again, without any cut on order.
    pub const fn power_on(&mut self) {
        self.powered = true;
        self.cut_at = None;
    }

    /// Whether it has power.
    #[must_use]
    pub const fn is_powered(&self) -> bool {
        self.powered
    }

    /// How many steps it has done in its life.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// How often each page was erased.
    #[must_use]
    pub const fn wear(&self) -> &[u32; PAGES] {
        &self.wear
    }

    /// Turns one bit of a byte around. Beyond the end nothing happens.
    pub fn flip_bit(&mut self, offset: usize, bit: u8) {
        if let Some(byte) = self.pages.as_flattened_mut().get_mut(offset) {
            *byte ^= 1 << (bit % 8);
        }
    }

    /// Whatever an interrupted step leaves behind (xorshift32, Marsaglia 2003).
    fn noise(&mut self) -> u8 {
        self.noise ^= self.noise << 13;
        self.noise ^= self.noise >> 17;
        self.noise ^= self.noise << 5;
        self.noise.to_le_bytes().into_iter().fold(0, core::ops::BitXor::bitxor)
    }

    /// Counts a step. False when the power goes in the middle of it.
    fn step(&mut self) -> bool {
        if self.cut_at == Some(self.steps) {
            self.powered = false;
        }
        self.steps += 1;
        self.powered
    }

    fn checked(&self, from: u32, length: usize, unit: usize) -> Result<usize, FlashError> {
        if !self.powered {
            return Err(FlashError::PowerLost);
        }
        let from = usize::try_from(from).map_err(|_| FlashError::Address)?;
        let fits = from.checked_add(length).is_some_and(|end| end <= PAGES * PAGE_BYTES);
        if fits && from.is_multiple_of(unit) && length.is_multiple_of(unit) {
            Ok(from)
        } else {
            Err(FlashError::Address)
        }
    }
}

impl<const PAGES: usize, const PAGE_BYTES: usize> ErrorType for Faulty<PAGES, PAGE_BYTES> {
    type Error = FlashError;
}

impl<const PAGES: usize, const PAGE_BYTES: usize> ReadNorFlash for Faulty<PAGES, PAGE_BYTES> {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        let from = self.checked(offset, bytes.len(), 1)?;
        for (to, byte) in bytes.iter_mut().zip(self.pages.as_flattened().iter().skip(from)) {
            *to = *byte;
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        PAGES * PAGE_BYTES
    }
}

impl<const PAGES: usize, const PAGE_BYTES: usize> NorFlash for Faulty<PAGES, PAGE_BYTES> {
    const WRITE_SIZE: usize = WORD_BYTES;
    const ERASE_SIZE: usize = PAGE_BYTES;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        let length = to.checked_sub(from).and_then(|length| usize::try_from(length).ok());
        let from = self.checked(from, length.ok_or(FlashError::Address)?, PAGE_BYTES)?;
        let pages = from / PAGE_BYTES..from / PAGE_BYTES + length.unwrap_or(0) / PAGE_BYTES;
        for page in pages {
            for part in 0..ERASE_STEPS {
                let whole = self.step();
                let noise = self.noise();
                let bytes = PAGE_BYTES.div_ceil(ERASE_STEPS);
                let Some(page) = self.pages.get_mut(page) else { return Err(FlashError::Address) };
                for byte in page.iter_mut().skip(part * bytes).take(bytes) {
                    *byte |= if whole { 0xff } else { noise };
                }
                if !whole {
                    return Err(FlashError::PowerLost);
                }
            }
            if let Some(wear) = self.wear.get_mut(page) {
                *wear = wear.saturating_add(1);
            }
        }
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        let from = self.checked(offset, bytes.len(), WORD_BYTES)?;
        for (at, new) in (from..).zip(bytes) {
            let whole = self.step();
            let noise = self.noise();
            let Some(byte) = self.pages.as_flattened_mut().get_mut(at) else {
                return Err(FlashError::Address);
            };
            *byte &= if whole { *new } else { *new | noise };
            if !whole {
                return Err(FlashError::PowerLost);
            }
        }
        Ok(())
    }
}

impl<const PAGES: usize, const PAGE_BYTES: usize> MultiwriteNorFlash for Faulty<PAGES, PAGE_BYTES> {}
