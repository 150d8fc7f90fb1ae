//! The flash chip of a device, and what lies where on it.
//!
//! [`Layout`] parts it: `settings` is a map (boot counter, twin, the last restart), `ring` is a queue of samples. Both are kept by
//! `sequential-storage`, which checks every item by a CRC and survives a power cut at any instant.
//!
//! [`Faulty`] is a chip in memory that wears, flips bits and loses its power when it is told to: what tests run on,
//! and what a simulated device has.

mod faulty;
pub(crate) mod storage;

pub use faulty::{Faulty, FlashError};

use core::ops::Range;
pub use embedded_storage_async::nor_flash::{MultiwriteNorFlash, NorFlash};

/// What a device can keep its data on: NOR flash whose words can be written twice, as most can.
pub trait Flash: MultiwriteNorFlash {}

impl<F: MultiwriteNorFlash> Flash for F {}

/// The flash cannot hold what a device needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// A part is too small.
    #[error("`{part}` has {found} pages, expected at least {expected}")]
    Pages {
        /// Which part.
        part: &'static str,
        /// Pages that it has.
        found: u32,
        /// Pages that it needs.
        expected: u32,
    },
    /// A page is too small for the largest record.
    #[error("a page has {found} bytes, expected at least {expected}")]
    PageSize {
        /// Bytes of a page.
        found: u32,
        /// Bytes that it needs.
        expected: u32,
    },
}

/// Which bytes of the chip are used for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    settings: Range<u32>,
    ring: Range<u32>,
}

impl Layout {
    /// Fewest pages of the settings: one is written while another is copied, a third keeps the rest.
    pub const SETTINGS_PAGES_MIN: u32 = 3;
    /// Fewest pages of the ring: when it is full, one of them is given up for new samples.
    pub const RING_PAGES_MIN: u32 = 2;
    /// Smallest page, in bytes.
    pub const PAGE_BYTES_MIN: u32 = 4096;

    /// Takes the chip from its start: so many pages for settings, all others for the ring.
    ///
    /// # Errors
    /// When the chip is too small for that.
    pub fn new<F: NorFlash>(flash: &F, settings_pages: u32) -> Result<Self, LayoutError> {
        let page = u32::try_from(F::ERASE_SIZE).unwrap_or(u32::MAX);
        if page < Self::PAGE_BYTES_MIN {
            return Err(LayoutError::PageSize { found: page, expected: Self::PAGE_BYTES_MIN });
        }
        let pages = u32::try_from(flash.capacity()).unwrap_or(u32::MAX) / page;
        if settings_pages < Self::SETTINGS_PAGES_MIN {
            let expected = Self::SETTINGS_PAGES_MIN;
            return Err(LayoutError::Pages { part: "settings", found: settings_pages, expected });
        }
        let ring_pages = pages.saturating_sub(settings_pages);
        if ring_pages < Self::RING_PAGES_MIN {
            return Err(LayoutError::Pages {
                part: "ring",
                found: ring_pages,
                expected: Self::RING_PAGES_MIN,
            });
        }
        let middle = settings_pages * page;
        Ok(Self { settings: 0..middle, ring: middle..pages * page })
    }
}
